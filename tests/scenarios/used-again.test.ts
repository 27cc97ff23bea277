/** P5 P21 Ids that a changed app uses again in a later epoch: who was there before and who came “from today” show the same. */
import { expect, it, vi } from 'vitest';
import type { Bytes } from '../../crypto/brand';
import type { CareRecord } from '../../src/lib/care/record';
import { admit, cast, type Post, type Seat, shown } from '../support/circle';
import { Mallory } from '../support/mallory';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

/** What a reader is shown of a post, and by whom it was seen. */
const told = ({ id, text, retracted, replies, replyTo, change }: Post) => ({ id, text, retracted, replies, replyTo: replyTo?.id, change });
const sees = (s: Seat) => s.device.must('seen', { group: s.group, ...shown(s.posts) });

interface Stage {
  readonly world: World;
  readonly pat: Seat;
  /** She says this, under a client id of her choice. */
  says(records: (m: Mallory) => readonly CareRecord[], client?: number): Promise<void>;
  /** Dan comes “from today”: a later epoch begins. */
  goOn(): Promise<Seat>;
}
/** Olivia's group with Pat, Fay and Mallory, whose app was changed. */
async function stage(): Promise<Stage> {
  const { world, olivia, pat, mallory } = await cast(4);
  let m = new Mallory(world, mallory);
  await m.enter();
  return {
    world, pat,
    async says(records, client) {
      const random = client === undefined ? m.random : () => new Uint8Array([0, 0, 0, client]) as Bytes;
      expect(await m.append(m.seal(m.update(records(m), random)))).toMatchObject({ is: 'acks' });
      await world.time.pass(10_000);
    },
    async goOn() {
      const dan = world.device('Dan', 'family');
      await dan.setUp();
      const seat = await admit(world, olivia, dan, 'today');
      // her own app reads on
      mallory.device.goOnline();
      await world.time.pass(10_000);
      const { random } = m;
      // she does not draw the same again
      m = Object.assign(new Mallory(world, mallory), { random });
      await m.enter();
      return seat;
    }
  };
}
/** Both show the same of whatever both can read, and who came later nothing that the other has not. */
function alike(before: Seat, since: Seat): void {
  const ids = since.posts.map((p) => p.id);
  expect(since.posts.map(told)).toEqual(before.posts.filter((p) => ids.includes(p.id)).map(told));
  // and the same of who saw the change of each
  expect(ids.map((id) => before.run.feed.amendment(id))).toEqual(ids.map((id) => since.run.feed.amendment(id)));
}

it('P5 P21 a client id that served an earlier epoch is another one in a later, for everyone', async () => {
  const { says, goOn, pat } = await stage();
  const post = (x: string) => (m: Mallory): CareRecord[] => [{ i: m.newId(), t: 'post', a: 1, x }];
  await says(post('Before'), 7);
  const dan = await goOn();
  await says(post('After'), 7);
  expect([pat.words, dan.words]).toEqual([['Before', 'After'], ['After']]);
  alike(pat, dan);
  for (const s of [pat, dan]) {
    await s.device.restart();
    await s.open();
  }
  expect([pat.words, dan.words]).toEqual([['Before', 'After'], ['After']]);
});

it('P5 P21 the id of a post is not used again: no words stand where others were answered', async () => {
  const { says, goOn, world, pat } = await stage();
  let i = '';
  await says((m) => [{ i: (i = m.newId()), t: 'post', a: 1, x: 'Take 5 mg.' }]);
  await pat.device.must('post', { group: pat.group, text: 'I do.', photos: [], replyTo: pat.posts[0]!.id });
  await world.time.pass(20_000);
  const dan = await goOn();
  await says(() => [{ i, t: 'post', a: 2, x: 'Take 500 mg.' }]);
  await pat.device.must('post', { group: pat.group, text: 'As before.', photos: [], replyTo: pat.posts[0]!.id });
  await world.time.pass(20_000);
  expect([pat.words, dan.words]).toEqual([['Take 5 mg.', 'I do.', 'As before.'], ['As before.']]);
  alike(pat, dan);
  for (const s of [pat, dan]) {
    await s.device.restart();
    await s.open();
  }
  alike(pat, dan);
});

it('P5 P21 a change is not said of a post before there is one, nor is it of a later one that took its id', async () => {
  for (const what of ['edit', 'retract', 'seen-edits'] as const) {
    const { says, goOn, world, pat } = await stage();
    let [post, change] = ['', ''];
    // she knows well which epoch comes next
    await says((m) => {
      [post, change] = [m.newId(m.run.state.seq + 2), m.newId(m.run.state.seq + 2)];
      const of = `${post}.${m.run.me}`;
      return [what === 'edit' ? { i: m.newId(), t: 'edit', a: 9, o: post, x: 'Take 500 mg.' } : what === 'retract' ? { i: m.newId(), t: 'retract', a: 9, o: post } : { i: m.newId(), t: 'seen-edits', a: 9, e: [[of, change]] }];
    });
    const dan = await goOn();
    await says(() => [{ i: post, t: 'post', a: 1, x: 'Take 5 mg.' }, { i: change, t: 'edit', a: 2, o: post, x: 'Take 6 mg.' }]);
    expect(dan.words).toEqual(['Take 6 mg.']);
    alike(pat, dan);
    for (const s of [pat, dan]) await sees(s);
    await world.time.pass(10_000);
    alike(pat, dan);
  }
});
