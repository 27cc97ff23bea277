/** “Seen” counts for the words that are shown: a change is waiting, sent and seen by itself, and those who read the words before are told. */
import { expect, it, vi } from 'vitest';
import { ZERO_HASH } from '../../crypto/hash';
import { memoryDevice } from '../../src/lib/store/memory';
import { admit, cast, type Post, type Seat, shown } from '../support/circle';
import { Mallory } from '../support/mallory';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const post = (s: Seat): Post => s.posts[0]!;
const home = (s: Seat) => s.device.view('home', null).groups[0]!;
/** What is on the screen just now. */
const sees = (s: Seat, posts: readonly Post[] = s.posts) => s.device.must('seen', { group: s.group, ...shown(posts) });

async function dose(): Promise<{ world: World; olivia: Seat; pat: Seat }> {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Take 50 mg.');
  await world.time.pass(10_000);
  await sees(pat);
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toMatchObject({ at: 'seen', by: [pat.run.me], earlier: [] });
  expect([post(pat).unread, home(pat).unread]).toEqual([false, 0]);
  return { world, olivia, pat };
}
const changes = (s: Seat, text: string) => s.device.must('edit', { group: s.group, post: post(s).id, text });

it('who saw the words before a change has not seen the change, until it was on their screen', async () => {
  const { world, olivia, pat } = await dose();
  pat.device.goOffline();
  await changes(olivia, 'Take 5 mg, not 50 mg.');
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'sent', earlier: [pat.run.me], notYet: [] });
  // a mark for what comes behind it does not speak for it
  await olivia.post('With water.');
  await world.time.pass(10_000);
  pat.device.goOnline();
  await world.time.pass(10_000);
  await sees(pat, pat.posts.filter((p) => p.text === 'With water.'));
  await world.time.pass(10_000);
  expect([post(olivia).delivery, olivia.delivery('With water.')]).toEqual([{ at: 'sent', earlier: [pat.run.me], notYet: [] }, 'seen']);
  expect([post(pat).unread, home(pat).unread]).toEqual([true, 1]);
  await sees(pat);
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'seen', by: [pat.run.me], earlier: [], notYet: [], of: 1 });
  expect([post(pat).unread, home(pat).unread]).toEqual([false, 0]);
  expect(world.reports).toEqual([]);
});

it('a change made without network says that it waits, and so does taking back', async () => {
  const { world, olivia, pat } = await dose();
  olivia.device.goOffline();
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toMatchObject({ at: 'saved' });
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'sent', earlier: [pat.run.me], notYet: [] });
  olivia.device.goOffline();
  await olivia.device.must('retract', { group: olivia.group, post: post(olivia).id });
  await world.time.pass(10_000);
  expect(post(olivia)).toMatchObject({ retracted: expect.any(Number) as number, delivery: { at: 'saved' } });
  expect(post(pat).retracted).toBeNull();
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect([post(olivia).delivery, post(pat).retracted]).toEqual([null, expect.any(Number)]);
  expect(home(pat).unread).toBe(0);
});

it('of two changes the words of the last count, whatever comes first', async () => {
  const { world, olivia, pat } = await dose();
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(10_000);
  const before = pat.posts;
  pat.device.goOffline();
  await sees(pat, before);
  await changes(olivia, 'Take 6 mg.');
  await world.time.pass(10_000);
  pat.device.goOnline();
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'sent', earlier: [pat.run.me], notYet: [] });
  expect(post(pat).unread).toBe(true);
  // what the page says it showed is what was seen, though other words have come meanwhile
  await sees(pat, before);
  await world.time.pass(10_000);
  expect([post(olivia).delivery?.at, post(pat).unread]).toEqual(['sent', true]);
  await sees(pat);
  await world.time.pass(10_000);
  expect([post(olivia).delivery?.at, post(pat).unread]).toEqual(['seen', false]);
});

it('an unread change stays unread over a restart and a lost cache, and a seen one stays seen', async () => {
  const { world, olivia, pat } = await dose();
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(10_000);
  const again = async (): Promise<void> => {
    await pat.device.restart();
    await pat.open();
    await world.time.pass(10_000);
  };
  await again();
  expect([post(pat).unread, home(pat).unread]).toEqual([true, 1]);
  await sees(pat);
  expect([post(pat).unread, home(pat).unread]).toEqual([false, 0]);
  await world.time.pass(10_000);
  await again();
  expect([post(pat).unread, home(pat).unread, post(olivia).delivery?.at]).toEqual([false, 0, 'seen']);
});

it('a change of a post that stands far up makes it unread, though it is not in memory; one of no post at all makes nothing unread', async () => {
  const { world, pat, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  const words = (x: string) => ({ i: m.newId(), t: 'post', a: world.time.now, x }) as const;
  const first = words('The dose');
  await m.append(m.seal(m.update([first])));
  for (let k = 0; k < 3; k++) await m.append(m.seal(m.update(Array.from({ length: 150 }, (_, i) => words(`${k} ${i}`)))));
  await world.time.pass(1_000);
  for (let k = 0; k < 2; k++) await pat.device.must('older', { group: pat.group });
  await sees(pat);
  await world.time.pass(10_000);
  expect(home(pat).unread).toBe(0);
  await pat.device.restart();
  pat.device.watch('home', null);
  await world.time.pass(1_000);
  const change = (o: string) => ({ i: m.newId(), t: 'edit', a: world.time.now, o, x: 'Other words' }) as const;
  await m.append(m.seal(m.update([change(m.newId()), change(first.i)])));
  await world.time.pass(10_000);
  expect(home(pat).unread).toBe(1);
});

it('the words before a change are kept to be shown', async () => {
  const { world, olivia, pat } = await dose();
  expect(post(pat).before).toBeNull();
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(10_000);
  expect([post(olivia).before, post(pat).text, post(pat).before]).toEqual(['Take 50 mg.', 'Take 5 mg.', 'Take 50 mg.']);
  await olivia.device.must('retract', { group: olivia.group, post: post(olivia).id });
  await world.time.pass(10_000);
  expect([post(olivia).before, post(pat).before]).toEqual([null, null]);
});

it('the list of groups says what the newest update says now, and who took one back, sent or not', async () => {
  const { world, olivia, pat } = await dose();
  olivia.device.goOffline();
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(1_000);
  expect([home(olivia).last?.words, home(pat).last?.words]).toEqual(['Take 5 mg.', 'Take 50 mg.']);
  await olivia.device.must('retract', { group: olivia.group, post: post(olivia).id });
  await world.time.pass(1_000);
  expect(home(olivia).last).toMatchObject({ mine: true, words: '', gone: true });
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect(home(pat).last).toMatchObject({ mine: false, who: 'Olivia', words: '', gone: true });
  olivia.device.goOffline();
  const { post: second } = await olivia.device.must('post', { group: olivia.group, text: 'Never sent', photos: [], replyTo: null });
  await olivia.device.must('edit', { group: olivia.group, post: second, text: 'Still not sent' });
  await world.time.pass(1_000);
  expect(home(olivia).last).toMatchObject({ words: 'Still not sent', gone: false });
  await olivia.device.must('retract', { group: olivia.group, post: second });
  await world.time.pass(1_000);
  expect(home(olivia).last).toMatchObject({ words: '', gone: true });
});

it('an answer that was taken back is not counted, and one that was changed is quoted as it is now', async () => {
  const { world, olivia, pat } = await dose();
  const answer = (s: Seat, text: string, replyTo: string) => s.device.must('post', { group: s.group, text, photos: [], replyTo });
  const { post: first } = await answer(pat, 'Thank you', post(pat).id);
  await answer(pat, 'And again', post(pat).id);
  await world.time.pass(10_000);
  const { post: last } = await answer(olivia, 'Gladly', first);
  await world.time.pass(10_000);
  expect([post(olivia).replies, post(pat).replies]).toEqual([2, 2]);
  await pat.device.must('edit', { group: pat.group, post: first, text: 'Many thanks' });
  await world.time.pass(10_000);
  const quote = (s: Seat) => s.posts.find((p) => p.id === last)?.replyTo?.words;
  expect([quote(olivia), quote(pat)]).toEqual(['Many thanks', 'Many thanks']);
  pat.device.goOffline();
  await pat.device.must('retract', { group: pat.group, post: first });
  await world.time.pass(1_000);
  expect([post(olivia).replies, post(pat).replies, quote(pat)]).toEqual([2, 1, '']);
  pat.device.goOnline();
  await world.time.pass(10_000);
  expect([post(olivia).replies, post(pat).replies, quote(olivia)]).toEqual([1, 1, '']);
});

/** Whether a device keeps these words in a lane, as it decrypted them. */
async function keeps(s: Seat, words: string): Promise<boolean> {
  await s.run.turns.take(() => s.run.flush());
  const rows = await s.run.around.store.cacheRange('lane', `${s.group}/`);
  return rows.some(({ value }) => Buffer.from(value).includes(words));
}

it('a change that never left goes nowhere when its post is taken back', async () => {
  const { world, olivia, pat } = await dose();
  olivia.device.goOffline();
  await world.time.pass(1_000);
  await changes(olivia, 'Mr Other takes 5 mg.');
  await olivia.device.must('retract', { group: olivia.group, post: post(olivia).id });
  await olivia.device.restart();
  await olivia.open();
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect([post(olivia).retracted, post(pat).retracted]).toEqual([expect.any(Number), expect.any(Number)]);
  expect(await keeps(pat, 'Take 50 mg.')).toBe(true);
  expect(await keeps(pat, 'Mr Other')).toBe(false);
  expect(olivia.run.outbox).toEqual([]);
});

it('of changes made without network only the last leaves', async () => {
  const { world, olivia, pat } = await dose();
  olivia.device.goOffline();
  await world.time.pass(1_000);
  await changes(olivia, 'Mr Other takes 5 mg.');
  await changes(olivia, 'Take 5 mg.');
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect([post(olivia).text, post(pat).text]).toEqual(['Take 5 mg.', 'Take 5 mg.']);
  expect(await keeps(pat, 'Mr Other')).toBe(false);
});

/** Olivia’s newest post was sealed for the roster before Fay left, is refused for that, and was changed since; it cannot be sealed anew before new keys are made. */
async function unsealed(): Promise<{ world: World; seats: Seat[]; olivia: Seat; id: string; again: () => Promise<void> }> {
  let rhea!: Rhea;
  const { world, olivia, pat, fay, dan } = await cast(5, 'start', (w) => void (rhea = new Rhea(w)));
  rhea.up = (f, from) => (from === olivia.device && f.is === 'append' ? [] : [f]);
  const { post: id } = await olivia.device.must('post', { group: olivia.group, text: 'Take 50 mg.', photos: [], replyTo: null });
  await world.time.pass(6_000);
  expect(olivia.run.sealed).not.toBeNull();
  olivia.device.goOffline();
  await olivia.device.must('edit', { group: olivia.group, post: id, text: 'Mr Other takes 5 mg.' });
  // new keys are made by nobody for now
  rhea.up = (f, from, answer) => {
    if (f.is !== 'enter' || from === fay.device) return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'rate', detail: { n: 0, hash: ZERO_HASH, fence: 1, heads: [], words: '' } });
    return [];
  };
  await fay.device.must('leave', { group: fay.group });
  olivia.device.goOnline();
  await world.time.pass(60_000);
  expect([olivia.run.sealed, olivia.run.outbox.map((o) => o.record.t)]).toEqual([null, ['post', 'edit']]);
  const again = async (): Promise<void> => {
    rhea.repent();
    for (const s of [olivia, pat, dan]) s.device.cut();
    await world.time.pass(60_000);
    expect(olivia.run.outbox).toEqual([]);
  };
  return { world, seats: [olivia, pat, dan], olivia, id, again };
}

it('of two changes of a post that waits to be sealed anew the second stands, for everybody', async () => {
  const { world, seats, olivia, id, again } = await unsealed();
  await olivia.device.must('edit', { group: olivia.group, post: id, text: 'Take 5 mg.' });
  expect(olivia.posts.at(-1)?.text).toBe('Take 5 mg.');
  await again();
  expect(seats.map((s) => s.posts.at(-1)?.text)).toEqual(['Take 5 mg.', 'Take 5 mg.', 'Take 5 mg.']);
  for (const s of seats) expect(await keeps(s, 'Mr Other')).toBe(false);
  expect(world.reports).toEqual([]);
});

it('a post that waits to be sealed anew is taken back with the changes of it', async () => {
  const { world, seats, olivia, id, again } = await unsealed();
  await olivia.device.must('retract', { group: olivia.group, post: id });
  await again();
  expect(seats.map((s) => s.posts.at(-1)?.retracted)).toEqual(seats.map(() => expect.any(Number) as number));
  for (const s of seats) for (const words of ['50 mg', 'Mr Other']) expect(await keeps(s, words)).toBe(false);
  expect(world.reports).toEqual([]);
});

it('a change of a post whose pictures take their time waits with it, and makes way for the next', async () => {
  let rhea!: Rhea;
  const { world, olivia, pat, fay } = await cast(3, 'start', (w) => void (rhea = new Rhea(w)));
  const { photo } = await olivia.device.must('add-photo', { group: olivia.group, photo: { full: new Uint8Array(500), thumb: new Uint8Array(50), width: 4, height: 3, type: 'image/jpeg' } });
  rhea.up = (f) => (f.is === 'append' ? [] : [f]);
  const { post: id } = await olivia.device.must('post', { group: olivia.group, text: 'Take 50 mg.', photos: [photo], replyTo: null });
  await world.time.pass(8_000);
  expect(olivia.run.sealed).not.toBeNull();
  olivia.device.goOffline();
  await world.time.pass(1_000);
  const edit = (text: string) => olivia.device.must('edit', { group: olivia.group, post: id, text });
  await edit('Take 15 mg.');
  await olivia.device.restart();
  await olivia.open();
  rhea.repent();
  await fay.device.must('leave', { group: fay.group });
  await world.time.pass(5_000);
  const { blobs } = olivia.run.around;
  const { put } = blobs;
  blobs.put = () => Promise.resolve('offline');
  olivia.device.goOnline();
  await world.time.pass(8_000);
  expect(olivia.run.outbox.map((o) => o.record.t)).toEqual(['post', 'edit']);
  await edit('Take 5 mg.');
  expect(olivia.posts.at(-1)?.text).toBe('Take 5 mg.');
  blobs.put = put;
  await world.time.pass(20_000);
  expect([olivia.posts.at(-1)?.text, pat.posts.at(-1)?.text]).toEqual(['Take 5 mg.', 'Take 5 mg.']);
});

it('words typed while changing a post are kept over a restart, until they are said, or not wanted', async () => {
  const { world, olivia } = await dose();
  const { group, device } = olivia;
  const editing = { post: post(olivia).id, text: 'Take 5 m', over: 'Take 50 mg.' };
  const kept = async () => {
    await device.restart();
    device.watch('draft', group);
    await olivia.open();
    return device.view('draft', group).editing;
  };
  await device.must('save-draft', { group, text: 'Tomorr', replyTo: null, editing });
  expect(await kept()).toEqual(editing);
  // the draft goes its own way
  await device.must('save-draft', { group, text: 'Tomorrow', replyTo: null });
  await olivia.post('Tomorrow');
  expect(await kept()).toEqual(editing);
  await device.must('edit', { group, post: editing.post, text: 'Take 5 mg.' });
  expect(await kept()).toBeNull();
  await device.must('save-draft', { group, text: '', replyTo: null, editing });
  await device.must('save-draft', { group, text: '', replyTo: null, editing: null });
  expect(await kept()).toBeNull();
  expect(world.reports).toEqual([]);
});

it('a draft is kept whole though it is too long to be posted', async () => {
  const { olivia } = await dose();
  const { group, device } = olivia;
  const text = `${'Word '.repeat(5_000)}and the end`;
  await device.must('save-draft', { group, text, replyTo: null, editing: { post: post(olivia).id, text, over: '' } });
  await device.restart();
  device.watch('draft', group);
  await olivia.open();
  const { text: words, editing } = device.view('draft', group);
  expect([words.length, editing?.text.length]).toEqual([text.length, text.length]);
  expect(await device.run('post', { group, text, photos: [], replyTo: null })).toEqual({ ok: false, fault: 'too-large' });
});

it('who was let in later and can never read a post is not named as one who has not seen it', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Ann must not know.');
  await world.time.pass(10_000);
  const ann = world.device('Ann', 'family');
  await ann.setUp();
  const late = await admit(world, olivia, ann, 'today');
  await olivia.post('For everyone.');
  await world.time.pass(10_000);
  expect(olivia.posts.map((p) => p.delivery)).toEqual([{ at: 'sent', earlier: [], notYet: [pat.run.me] }, { at: 'sent', earlier: [], notYet: [pat.run.me, late.run.me] }]);
  await sees(pat);
  await world.time.pass(10_000);
  expect(olivia.posts.map((p) => p.delivery)).toEqual([
    { at: 'seen', by: [pat.run.me], earlier: [], notYet: [], of: 1 }, { at: 'seen', by: [pat.run.me], earlier: [], notYet: [late.run.me], of: 2 }
  ]);
  await olivia.device.must('remove', { group: olivia.group, member: late.run.me });
  await world.time.pass(10_000);
  expect(olivia.posts.map((p) => p.delivery)).toEqual(Array(2).fill({ at: 'seen', by: [pat.run.me], earlier: [], notYet: [], of: 1 }));
});

it('two of one name are told apart: one has seen a post, the other not yet', async () => {
  const { world, olivia, pat } = await dose();
  const namesake = world.device('Pat', 'family', memoryDevice());
  await namesake.setUp();
  const other = await admit(world, olivia, namesake);
  await world.time.pass(10_000);
  expect([pat.run.me === other.run.me, olivia.names([pat.run.me, other.run.me])]).toEqual([false, ['Pat', 'Pat']]);
  expect(post(olivia).delivery).toEqual({ at: 'seen', by: [pat.run.me], earlier: [], notYet: [other.run.me], of: 2 });
  await changes(olivia, 'Take 5 mg.');
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'sent', earlier: [pat.run.me], notYet: [other.run.me] });
  await sees(other);
  await world.time.pass(10_000);
  expect(post(olivia).delivery).toEqual({ at: 'seen', by: [other.run.me], earlier: [pat.run.me], notYet: [], of: 2 });
  // and the page has what tells them apart
  const [one, two] = [pat, other].map((s) => olivia.view.people.find((p) => p.member === s.run.me));
  expect([one?.sameName, two?.sameName, one?.mark === two?.mark]).toEqual([true, true, false]);
});
