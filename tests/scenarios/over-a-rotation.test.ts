/** Words that wait while an epoch ends: they leave under ids of the next, with what was said of them, and stay where they are on the screen. */
import { expect, it, vi } from 'vitest';
import { epochOf, recordIdOf } from '../../src/lib/care/record';
import type { GroupRef, PostId } from '../../src/lib/core/port';
import { admit, cast, Seat } from '../support/circle';
import { bootOn, copyOf } from '../support/copied';
import { devicesOf, groupNamed, link } from '../support/linked';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

/** A post by its words: its id, how many answer it, and the id of what it answers. */
const told = (s: Seat): Record<string, readonly [PostId, number, PostId | undefined]> => Object.fromEntries(s.posts.map((p) => [p.text, [p.id, p.replies, p.replyTo?.id]]));
const idOf = (s: Seat, text: string): PostId => s.posts.find((p) => p.text === text)!.id;
const say = (s: Seat, text: string, replyTo: PostId | null = null) => s.device.must('post', { group: s.group, text, photos: [], replyTo });
/** Somebody else is let in, from today: the next epoch begins. */
async function goOn(world: World, owner: Seat, name: string): Promise<Seat> {
  const device = world.device(name, 'family');
  await device.setUp();
  return admit(world, owner, device, 'today');
}
/** An older copy of a disk, opened where there is no network. */
async function openOffline(world: World, disk: Device['disk'], group: GroupRef): Promise<Seat> {
  const device = world.device('Copy', 'patient', disk);
  device.goOffline();
  await device.boot();
  await device.unlock();
  const copy = new Seat(device, group);
  await copy.open();
  return copy;
}
async function again(s: Seat): Promise<void> {
  await s.device.restart();
  await s.open();
}

it('a post that waits leaves with its answer, is changed and answered by what was begun before, and stays where it is on the screen', async () => {
  for (const isShut of [false, true]) {
    const { world, olivia, pat } = await cast(2);
    pat.device.goOffline();
    await say(pat, 'Take 5 mg.');
    const first = idOf(pat, 'Take 5 mg.');
    await say(pat, 'With food.', first);
    await pat.device.must('save-draft', { group: pat.group, text: 'In the morning.', replyTo: first, editing: { post: first, text: 'Take 6 mg.', over: 'Take 5 mg.' } });
    const dan = await goOn(world, olivia, 'Dan');
    if (isShut) await again(pat);
    const before = pat.posts.map((p) => p.id);
    pat.device.watch('draft', pat.group);
    pat.device.goOnline();
    await world.time.pass(10_000);
    // one post each, everywhere, and nothing has moved
    for (const s of [olivia, dan, pat]) {
      const post = idOf(s, 'Take 5 mg.');
      expect(told(s)).toEqual({ 'Take 5 mg.': [post, 1, undefined], 'With food.': [idOf(s, 'With food.'), 0, post] });
    }
    expect(pat.posts.map((p) => p.id)).toEqual(before);
    expect(epochOf(recordIdOf(idOf(olivia, 'Take 5 mg.')))).toBe(olivia.run.state.epochs.at(-1)!.seq);
    expect(pat.device.view('draft', pat.group)).toMatchObject({ replyTo: first, editing: { post: first } });
    // what was begun over the old id goes on
    await pat.device.must('edit', { group: pat.group, post: first, text: 'Take 6 mg.' });
    await say(pat, 'In the morning.', first);
    await world.time.pass(10_000);
    await pat.device.must('retract', { group: pat.group, post: idOf(pat, 'With food.') });
    await world.time.pass(10_000);
    for (let k = 0; k < 2; k++) {
      for (const s of [olivia, dan, pat]) {
        const post = idOf(s, 'Take 6 mg.');
        expect(told(s), s.device.name).toEqual({ 'Take 6 mg.': [post, 1, undefined], '': [s.posts[1]!.id, 0, post], 'In the morning.': [idOf(s, 'In the morning.'), 0, post] });
      }
      expect(pat.run.outbox).toEqual([]);
      await again(pat);
    }
    expect(pat.posts.map((p) => p.id)).toEqual(olivia.posts.map((p) => p.id));
    expect(world.reports).toEqual([]);
  }
});

it('a post that was on its way when the epoch ended takes its change, its answer and what is begun over it along', async () => {
  for (const isShut of [false, true]) {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    // what Pat sends does not come through, until it is too late for this epoch
    rhea.up = (f, from) => (from === pat.device && f.is === 'append' ? [] : [f]);
    await say(pat, 'Take 5 mg.');
    const first = idOf(pat, 'Take 5 mg.');
    await world.time.pass(6_000);
    expect(pat.run.sealed).not.toBeNull();
    const dan = await goOn(world, olivia, 'Dan');
    await pat.device.must('edit', { group: pat.group, post: first, text: 'Take 6 mg.' });
    await say(pat, 'With food.', first);
    await pat.device.must('save-draft', { group: pat.group, text: 'In the morning.', replyTo: first, editing: null });
    expect(olivia.words).toEqual([]);
    expect(pat.run.outbox.map((o) => o.record.t)).toEqual(expect.arrayContaining(['post', 'edit']));
    rhea.repent();
    if (isShut) await again(pat);
    else pat.device.cut();
    await world.time.pass(20_000);
    for (const s of [olivia, dan, pat]) {
      const post = idOf(s, 'Take 6 mg.');
      expect(told(s), s.device.name).toEqual({ 'Take 6 mg.': [post, 1, undefined], 'With food.': [idOf(s, 'With food.'), 0, post] });
    }
    expect(idOf(pat, 'Take 6 mg.')).toBe(first);
    expect(pat.run.draft.replyTo).toBe(idOf(olivia, 'Take 6 mg.'));
    expect(pat.run.outbox).toEqual([]);
    expect(world.reports).toEqual([]);
  }
});

it('a post that is still held can be taken back when another took it into the next epoch', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await say(pat, 'Take 5 mg.');
  await goOn(world, olivia, 'Dan');
  await world.time.pass(10_000);
  await say(pat, 'Never mind.', idOf(pat, 'Take 5 mg.'));
  const held = idOf(pat, 'Never mind.');
  pat.device.goOnline();
  await world.time.pass(2_000);
  expect([olivia.words, pat.words]).toEqual([['Take 5 mg.'], ['Take 5 mg.', 'Never mind.']]);
  expect(pat.run.outbox.map((o) => epochOf(o.record.i))).toEqual([olivia.run.state.epochs.at(-1)!.seq]);
  await pat.device.must('undo-post', { group: pat.group, post: held });
  await world.time.pass(10_000);
  expect([olivia.words, pat.words, pat.run.draft.text]).toEqual([['Take 5 mg.'], ['Take 5 mg.'], 'Never mind.']);
  expect(pat.run.draft.replyTo).toBe(idOf(olivia, 'Take 5 mg.'));
});

it('what is said of a post waits for it', async () => {
  const { world, olivia, pat } = await cast(2);
  const { photo } = await pat.device.must('add-photo', { group: pat.group, photo: { full: new Uint8Array(900).fill(1) as never, thumb: new Uint8Array(90).fill(2) as never, width: 20, height: 10, type: 'image/jpeg' } });
  const { blobs } = pat.run.around;
  const put = vi.spyOn(blobs, 'put').mockResolvedValue('refused' as never);
  await pat.post('How it looks', [photo]);
  await say(pat, 'It was worse.', idOf(pat, 'How it looks'));
  await say(pat, 'Good morning.');
  await world.time.pass(8_000);
  expect(olivia.words).toEqual(['Good morning.']);
  const dan = await goOn(world, olivia, 'Dan');
  put.mockRestore();
  await world.time.pass(20_000);
  for (const s of [olivia, pat, dan]) expect(told(s)['It was worse.']?.[2], s.device.name).toBe(idOf(s, 'How it looks'));
});

it('a linked device reads them once', async () => {
  const { world, olivia, pat } = await cast(2);
  const device = world.device('Pat’s laptop', 'patient');
  await link(world, device, pat.device);
  const laptop = new Seat(device, groupNamed(device, 'Pat’s Updates'));
  await laptop.open();
  pat.device.goOffline();
  await say(pat, 'Take 5 mg.');
  await say(pat, 'With food.', idOf(pat, 'Take 5 mg.'));
  await goOn(world, olivia, 'Dan');
  pat.device.goOnline();
  await world.time.pass(10_000);
  expect(devicesOf(device).length).toBe(2);
  expect(told(laptop)).toEqual(told(olivia));
  expect(laptop.words).toEqual(['Take 5 mg.', 'With food.']);
});

it('a post that was said already, before an older copy of the disk was put back, is not said again in a later epoch', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await say(pat, 'Take 5 mg.');
  const first = idOf(pat, 'Take 5 mg.');
  await pat.device.must('save-draft', { group: pat.group, text: 'In the morning.', replyTo: first });
  await world.time.pass(6_000);
  const older = await copyOf(pat.device.disk, true);
  await goOn(world, olivia, 'Dan');
  pat.device.goOnline();
  await world.time.pass(10_000);
  pat.device.kill();
  await goOn(world, olivia, 'Ben');
  const copy = await bootOn(world, older, pat.group);
  await world.time.pass(10_000);
  const post = idOf(olivia, 'Take 5 mg.');
  expect([copy.run.outbox, copy.run.draft.replyTo]).toEqual([[], post]);
  await say(copy, 'Good morning.');
  await world.time.pass(10_000);
  for (const s of [olivia, copy]) expect(s.words, s.device.name).toEqual(['Take 5 mg.', 'Good morning.']);
  expect(epochOf(recordIdOf(post))).not.toBe(epochOf(recordIdOf(first)));
});

it('what was changed on an older copy of the disk, where it still waited, is said as a change of what had been said', async () => {
  for (const isMoved of [false, true]) {
    const { world, olivia, pat } = await cast(2);
    pat.device.goOffline();
    await say(pat, 'Take 5 mg.');
    await say(pat, 'With food.');
    await say(pat, 'Good night.');
    await world.time.pass(6_000);
    const older = await copyOf(pat.device.disk, true);
    if (isMoved) await goOn(world, olivia, 'Dan');
    pat.device.goOnline();
    await world.time.pass(10_000);
    pat.device.kill();
    const copy = await openOffline(world, older, pat.group);
    const { device } = copy;
    await device.must('edit', { group: pat.group, post: idOf(copy, 'Take 5 mg.'), text: 'Take 6 mg.' });
    await device.must('retract', { group: pat.group, post: idOf(copy, 'With food.') });
    await again(copy);
    device.goOnline();
    await world.time.pass(20_000);
    for (const s of [olivia, copy]) expect(s.words, s.device.name).toEqual(['Take 6 mg.', '', 'Good night.']);
    expect([copy.run.outbox, world.reports]).toEqual([[], []]);
  }
});

it('so it is for an answer that was being kept while that post came back', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await say(pat, 'Take 5 mg.');
  await world.time.pass(6_000);
  const older = await copyOf(pat.device.disk, true);
  await goOn(world, olivia, 'Dan');
  pat.device.goOnline();
  await world.time.pass(10_000);
  pat.device.kill();
  const copy = await openOffline(world, older, pat.group);
  const { device } = copy;
  await world.time.pass(500);
  // the disk is slow: all else is written before the answer
  const { store } = copy.run.around;
  const commit = store.commit.bind(store);
  let goesOn!: () => void;
  const slow = new Promise<void>((r) => (goesOn = r));
  vi.spyOn(store, 'commit').mockImplementationOnce(async (changes) => {
    await slow;
    return commit(changes);
  });
  const answer = say(copy, 'With food.', idOf(copy, 'Take 5 mg.'));
  device.goOnline();
  await world.time.pass(3_000);
  expect(copy.run.outbox).toEqual([]);
  goesOn();
  await answer;
  await world.time.pass(10_000);
  for (const s of [olivia, copy]) expect(told(s)['With food.']?.[2], s.device.name).toBe(idOf(s, 'Take 5 mg.'));
});
