/** Which words of a post count when several devices changed it, for everyone alike, and who is given them. */
import { expect, it, vi } from 'vitest';
import { recordsOf } from '../../src/lib/care/lane';
import { envelopesHere } from '../../src/lib/core/inbox';
import { openPlain } from '../../src/lib/core/project';
import { takeEnvelopes } from '../../src/lib/core/receive';
import { admit, cast, type Post, Seat, shown } from '../support/circle';
import { devicesOf, groupNamed, link } from '../support/linked';
import { Mallory } from '../support/mallory';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const post = (s: Seat): Post => s.posts[0]!;
const changes = (s: Seat, text: string) => s.device.must('edit', { group: s.group, post: post(s).id, text });
/** What is on the screen just now. */
const sees = (s: Seat) => s.device.must('seen', { group: s.group, ...shown(s.posts) });

/** All that is said in what somebody has and can open. */
async function saidTo(s: Seat): Promise<unknown[]> {
  const said: unknown[] = [];
  for await (const rows of envelopesHere(s.run)) for (const { row } of rows) said.push(...recordsOf(openPlain(s.run, row)?.plain ?? new Uint8Array([0, 0])));
  return said;
}

/** Olivia’s group, and Pat with a phone and a laptop in it. */
async function twice(): Promise<{ world: World; olivia: Seat; phone: Seat; laptop: Seat }> {
  const { world, olivia, pat } = await cast(2);
  await pat.device.must('name-device', { name: 'Phone' });
  const device = world.device('Pat’s laptop', 'patient');
  await link(world, device, pat.device);
  const laptop = new Seat(device, groupNamed(device, 'Pat’s Updates'));
  await laptop.open();
  await pat.post('Take 50 mg.');
  await world.time.pass(10_000);
  return { world, olivia, phone: pat, laptop };
}

it('P5 of changes by two devices the one made last counts for everyone, however wrong a clock is and whatever became of the first device', async () => {
  for (const skew of [0, -86_400_000, 86_400_000]) {
    const { world, olivia, phone, laptop } = await twice();
    laptop.device.skew = skew;
    await changes(phone, 'Take 500 mg.');
    await world.time.pass(10_000);
    await changes(laptop, 'Take 5 mg.');
    await world.time.pass(10_000);
    await laptop.device.must('revoke-device', { device: devicesOf(laptop.device).find((d) => d.name === 'Phone')!.device });
    await world.time.pass(10_000);
    const dan = world.device('Dan', 'family');
    await dan.setUp();
    const seats = [olivia, laptop, await admit(world, olivia, dan)];
    await world.time.pass(10_000);
    expect(seats.map((s) => post(s).text), `${skew}`).toEqual(Array(3).fill('Take 5 mg.'));
  }
});

it('of changes that knew nothing of each other everyone shows the same, and who wrote them too while one waits', async () => {
  const { world, olivia, phone, laptop } = await twice();
  phone.device.goOffline();
  await changes(phone, 'Take 500 mg.');
  await world.time.pass(60_000);
  await changes(laptop, 'Take 5 mg.');
  await world.time.pass(10_000);
  phone.device.goOnline();
  await world.time.pass(10_000);
  expect([olivia, laptop, phone].map((s) => post(s).text)).toEqual(Array(3).fill('Take 5 mg.'));
});

it('R9 a change, or a taking back, from beyond the end of a log is taken out again, over a restart too', async () => {
  for (const what of ['edit', 'retract'] as const) {
    const { world, olivia, pat, mallory } = await cast(4);
    await mallory.post('As it was');
    await world.time.pass(10_000);
    const [i = ''] = post(pat).id.split('.');
    const m = new Mallory(world, mallory);
    const said = { i: m.newId(), a: world.time.now, o: i };
    const { bytes } = m.seal(m.update([what === 'edit' ? { ...said, t: what, x: 'Other words' } : { ...said, t: what }]));
    // a relay shows it to Pat alone
    const { device } = mallory.run.ownRow!;
    await pat.run.turns.take(() => takeEnvelopes(pat.run, [{ device, n: m.n + 1, seq: pat.run.cursor + 1, time: world.time.now, envelope: bytes }]));
    await world.time.pass(1_000);
    expect([post(pat).text, post(pat).retracted !== null]).toEqual(what === 'edit' ? ['Other words', false] : ['', true]);
    await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
    for (let again = 0; again < 2; again++) {
      await world.time.pass(10_000);
      expect([post(pat).text, post(pat).retracted, post(pat).withdrawn], what).toEqual(['As it was', null, false]);
      await pat.device.restart();
      await pat.open();
    }
    expect(post(olivia).text).toBe('As it was');
  }
});

it('R9 also when the app is shut at once after the end was heard of', async () => {
  const { world, olivia, pat, mallory } = await cast(4);
  await mallory.post('As it was');
  await world.time.pass(10_000);
  const [o = ''] = post(pat).id.split('.');
  const m = new Mallory(world, mallory);
  const { bytes } = m.seal(m.update([{ i: m.newId(), t: 'edit', a: world.time.now, o, x: 'Other words' }]));
  const { device } = mallory.run.ownRow!;
  await pat.run.turns.take(() => takeEnvelopes(pat.run, [{ device, n: m.n + 1, seq: pat.run.cursor + 1, time: world.time.now, envelope: bytes }]));
  await world.time.pass(10_000);
  await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
  while (pat.run.state.seq < olivia.run.state.seq) await world.time.pass(1);
  pat.device.kill();
  await pat.device.boot();
  await pat.device.unlock();
  await pat.open();
  expect(post(pat).text).toBe('As it was');
});

it('P17 new words of a post go to those alone who can read the post, whoever came since', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Ann must not know.');
  await world.time.pass(10_000);
  const ann = world.device('Ann', 'family');
  await ann.setUp();
  const late = await admit(world, olivia, ann, 'today');
  await world.time.pass(10_000);
  await sees(pat);
  await changes(olivia, 'Ann must really not know.');
  await world.time.pass(10_000);
  expect([olivia, pat].map((s) => post(s).text)).toEqual(Array(2).fill('Ann must really not know.'));
  expect([post(pat).unread, post(olivia).delivery]).toEqual([true, { at: 'sent', earlier: [pat.run.me], notYet: [] }]);
  await sees(pat);
  await olivia.post('For everyone.');
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toMatchObject({ at: 'seen', by: [pat.run.me] });
  expect(late.words).toEqual(['For everyone.']);
  // nothing of it is anywhere where Ann's keys lead
  const said = await saidTo(late);
  expect(said.map((r) => (r as { t: string }).t)).toContain('sealed-edit');
  expect(JSON.stringify(said)).not.toContain('must');
  // a later newcomer from the start reads it, and what is not theirs to read is not said to be seen
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  const early = await admit(world, olivia, dan, 'start');
  await world.time.pass(10_000);
  expect(early.words).toEqual(['Ann must really not know.', 'For everyone.']);
  for (const s of [olivia, pat, late, early]) {
    const before = s.words;
    await s.device.restart();
    await s.open();
    expect(s.words).toEqual(before);
  }
  expect(world.reports).toEqual([]);
});

it('new words whose key is late are shown once it is there, and never those before them', async () => {
  for (const isClosed of [false, true]) {
    const { world, olivia, phone, laptop } = await twice();
    const rhea = new Rhea(world);
    const join = async (name: string, history: 'start' | 'today'): Promise<Seat> => {
      const device = world.device(name, 'family');
      await device.setUp();
      return admit(world, olivia, device, history);
    };
    const dan = await join('Dan', 'start');
    for (const s of [olivia, phone, laptop, dan]) s.device.cut();
    await world.time.pass(3_000);
    for (const s of [dan, laptop]) s.device.goOffline();
    await join('Ann', 'today');
    // the key of the epoch in which the post is written does not come to Dan
    const withheld = olivia.run.state.seq;
    rhea.down = (f, to) => [to !== dan.device || (f.is !== 'keys' && f.is !== 'lockboxes') ? f : f.is === 'keys' ? { ...f, items: [] } : { ...f, items: f.items.filter((i) => i.seq !== withheld) }];
    await world.time.pass(1_000);
    await phone.post('Take 60 mg.');
    await world.time.pass(10_000);
    await join('Ben', 'today');
    laptop.device.goOnline();
    await world.time.pass(3_000);
    await laptop.device.must('edit', { group: laptop.group, post: laptop.posts[1]!.id, text: 'Take 6 mg.' });
    await world.time.pass(10_000);
    dan.device.goOnline();
    await world.time.pass(20_000);
    expect(dan.words).toEqual(['Take 50 mg.']);
    expect(dan.run.feed.index.awaits).toEqual([withheld]);
    if (isClosed) {
      await dan.device.restart();
      await dan.open();
    }
    rhea.repent();
    dan.device.cut();
    await world.time.pass(120_000);
    expect(dan.words, `${isClosed}`).toEqual(['Take 50 mg.', 'Take 6 mg.']);
  }
});

it('P17 also of a post that the relay had, and its author had not heard of, when it was changed', async () => {
  for (const isShut of [false, true]) {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    rhea.down = (f, to) => (to === pat.device && f.is === 'acks' ? [] : [f]);
    await pat.post('Ann must not know.');
    await world.time.pass(8_000);
    expect([olivia.words, pat.run.outbox.length]).toEqual([['Ann must not know.'], 1]);
    await changes(pat, 'Ann must really not know.');
    pat.device.goOffline();
    rhea.repent();
    // Ann comes in meanwhile
    const ann = world.device('Ann', 'family');
    await ann.setUp();
    const late = await admit(world, olivia, ann, 'today');
    if (isShut) {
      await pat.device.restart();
      await pat.open();
    }
    pat.device.goOnline();
    await world.time.pass(20_000);
    expect([olivia, pat].map((s) => post(s).text), `${isShut}`).toEqual(Array(2).fill('Ann must really not know.'));
    expect(JSON.stringify(await saidTo(late))).not.toContain('must');
  }
});

it('P17 a post that leaves with new words of another is seen by who may read it alone', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Ann must not know.');
  await world.time.pass(10_000);
  const ann = world.device('Ann', 'family');
  await ann.setUp();
  const late = await admit(world, olivia, ann, 'today');
  olivia.device.goOffline();
  await world.time.pass(1_000);
  await changes(olivia, 'Ann must really not know.');
  await olivia.post('For everyone.');
  await world.time.pass(10_000);
  olivia.device.goOnline();
  await world.time.pass(10_000);
  for (const s of [pat, late]) await sees(s);
  await world.time.pass(10_000);
  expect(olivia.posts.map((p) => p.delivery)).toMatchObject([{ at: 'seen', by: [pat.run.me] }, { at: 'seen', by: [pat.run.me, late.run.me], notYet: [] }]);
});
