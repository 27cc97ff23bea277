/**
 * Whoever has much to catch up with sees the newest first (PROTOCOL §5.5): it is shown and nothing else, and only what its authors signed.
 * How much is much is lowered; everything else is real.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Bytes, Hash } from '../../crypto/brand';
import type { FromRelay, StoredEnvelope } from '../../crypto/frames';
import { LIMIT } from '../../crypto/limits';
import { rowByDevice } from '../../crypto/roster/state';
import { AHEAD } from '../../src/lib/core/ahead';
import { envelopesHere } from '../../src/lib/core/inbox';
import type { NoteItem, Views } from '../../src/lib/core/port';
import { judgeEnvelope, LOG_START } from '../../src/lib/group/log';
import { admit, cast, type Seat } from '../support/circle';
import { bootOn, copyOf } from '../support/copied';
import { backedUp, putBack, worldIn } from '../support/restored';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const LATER = 60_000;
const kept = { ahead: { ...AHEAD }, limit: { page: LIMIT.page, pageBytes: LIMIT.pageBytes } };
beforeEach(() => {
  Object.assign(AHEAD, { most: 10 });
  Object.assign(LIMIT, { page: 7 });
});
afterEach(() => {
  Object.assign(AHEAD, kept.ahead);
  Object.assign(LIMIT, kept.limit);
});

type Page = Extract<FromRelay, { is: 'page' }>;
const words = (n: number, from = 0): string[] => Array.from({ length: n - from }, (_, k) => `word ${k + from}`);
const noteOf = (s: Seat): NoteItem | undefined =>
  (s.device.view('feed', s.group) as Extract<Views['feed']['view'], { reset: true }>).items.find((i): i is NoteItem => i.is === 'note' && (i.what === 'coming' || i.what === 'missing'));
/** Words of `s`, one envelope each. */
async function write(world: World, s: Seat, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    await s.post(text);
    await world.time.pass(SENT);
  }
}
/** A group in which Fay has written much; Rhea stands between. */
async function long(n = 40, make?: () => Promise<World>): Promise<{ world: World; rhea: Rhea; olivia: Seat; pat: Seat; fay: Seat; mallory: Seat }> {
  const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, make);
  await write(world, fay, words(n));
  return { world, rhea: new Rhea(world), olivia, pat, fay, mallory };
}
/** Nothing comes upwards to that device. */
const holdsBack = (rhea: Rhea, name: string): void =>
  void (rhea.up = (f, from) => (from.name === name && f.is === 'fetch' && f.way === 'up' ? [] : [f]));
/** Dan, who is let in while what lies before is held back. */
async function newcomer(world: World, rhea: Rhea, owner: Seat, history: 'start' | 'today' = 'start', isHeldBack = true): Promise<Seat> {
  const device = world.device('Dan', 'family');
  await device.setUp();
  if (isHeldBack) holdsBack(rhea, 'Dan');
  const dan = await admit(world, owner, device, history);
  await world.time.pass(2_000);
  return dan;
}
/** Everything has its place. */
async function readsAll(world: World, rhea: Rhea, s: Seat, texts: readonly string[]): Promise<void> {
  rhea.repent();
  await world.time.pass(LATER);
  expect(s.words).toEqual(texts);
  expect([noteOf(s), s.run.ahead, s.view.alarm]).toEqual([undefined, null, null]);
  await s.device.restart();
  await s.open();
  expect(s.words).toEqual(texts);
  expect(world.reports).toEqual([]);
}
/** As the relay names what stands before the next one. */
function hashOf(s: Seat, e: StoredEnvelope | undefined): Hash {
  const row = e === undefined ? null : rowByDevice(s.run.state, e.device);
  const j = row === null || e === undefined ? null : judgeEnvelope(s.run.state, row, LOG_START, e.envelope);
  if (j?.is !== 'accepted') throw new Error('it is not the first of its log');
  return j.next.hash;
}
const asked = (rhea: Rhea, name: string): string[] => rhea.told.flatMap(({ device, f }) => (device === name && f.is === 'fetch' ? [`${f.way} ${f.from} ${f.most}`] : []));

it('a newcomer sees the newest before anything that lies before it, and where something is missing', async () => {
  const { world, rhea, olivia, fay } = await long();
  const dan = await newcomer(world, rhea, olivia);
  expect(dan.words).toEqual(dan.run.ahead?.feed.posts.map((p) => p.text));
  expect(dan.words.at(-1)).toBe('word 39');
  expect(dan.words.length).toBeGreaterThan(5);
  expect(noteOf(dan)).toMatchObject({ what: 'coming', share: 0 });
  expect(dan.device.view('home', null).groups[0]?.last?.words).toBe('word 39');
  // nothing has moved
  expect([dan.run.cursor, dan.run.heads.size]).toEqual([0, 0]);
  expect(fay.delivery('word 39')).not.toBe('seen');
  await readsAll(world, rhea, dan, words(40));
});

it('so it is where few envelopes are missing that fill more than a page: the first page tells', async () => {
  const { world, rhea, olivia } = await long();
  Object.assign(LIMIT, { page: kept.limit.page, pageBytes: 6_000 });
  const device = world.device('Dan', 'family');
  await device.setUp();
  // the first page goes through, and those behind it do not
  rhea.up = (f, from) => (from.name === 'Dan' && f.is === 'fetch' && f.way === 'up' && f.from > 0 ? [] : [f]);
  const dan = await admit(world, olivia, device);
  await world.time.pass(2_000);
  expect(asked(rhea, 'Dan').map((a) => a.split(' ')[0])).toEqual(['up', 'down', 'up']);
  expect(dan.words.at(-1)).toBe('word 39');
  expect(dan.words).not.toContain('word 20');
  await readsAll(world, rhea, dan, words(40));
});

it('what was read ahead is not fetched again', async () => {
  const { world, rhea, olivia } = await long();
  const dan = await newcomer(world, rhea, olivia, 'start', false);
  await world.time.pass(SENT);
  const seqs = rhea.heard.flatMap(({ device, f }) => (device === 'Dan' && f.is === 'page' && f.re !== 0 ? f.items.map((i) => i.seq) : []));
  expect(new Set(seqs).size).toBe(seqs.length);
  expect(asked(rhea, 'Dan')[0]).toMatch(/^down /);
  await readsAll(world, rhea, dan, words(40));
});

it('what is read there is told to its author once it has its place, and an answer to it goes out then', async () => {
  const { world, rhea, olivia, fay } = await long();
  const dan = await newcomer(world, rhea, olivia);
  const post = dan.posts.find((p) => p.text === 'word 39');
  await dan.device.must('seen', { group: dan.group, posts: [post?.id ?? ''] });
  await dan.device.must('post', { group: dan.group, text: 'I see', photos: [], replyTo: post?.id ?? '' });
  await world.time.pass(10_000);
  expect(dan.posts.find((p) => p.text === 'I see')?.replyTo?.words).toBe('word 39');
  expect(rhea.told.filter(({ device, f }) => device === 'Dan' && f.is === 'append')).toEqual([]);
  rhea.repent();
  await world.time.pass(LATER);
  expect(fay.posts.find((p) => p.text === 'word 39')?.delivery).toMatchObject({ at: 'seen', by: [dan.run.me] });
  expect(fay.delivery('word 38')).toBe('sent');
  expect(fay.words.at(-1)).toBe('I see');
  await readsAll(world, rhea, dan, [...words(40), 'I see']);
});

it('it is there without network too, and after a start', async () => {
  const { world, rhea, olivia } = await long();
  const dan = await newcomer(world, rhea, olivia);
  const before = dan.words;
  dan.device.goOffline();
  await world.time.pass(1_000);
  expect(noteOf(dan)).toMatchObject({ what: 'coming', share: null });
  await dan.device.restart();
  await dan.open();
  expect(dan.words).toEqual(before);
  dan.device.goOnline();
  await readsAll(world, rhea, dan, words(40));
});

it('somebody who was away keeps what was there, and sees the newest behind it', async () => {
  const { world, rhea, pat, fay } = await long(5);
  pat.device.goOffline();
  await write(world, fay, words(50, 5));
  holdsBack(rhea, 'Pat');
  pat.device.goOnline();
  await world.time.pass(5_000);
  expect(pat.words.slice(0, 5)).toEqual(words(5));
  expect(pat.words.slice(5)).toEqual(pat.run.ahead?.feed.posts.map((p) => p.text));
  expect(pat.words.at(-1)).toBe('word 49');
  expect(pat.device.view('home', null).groups[0]?.unread).toBe(5 + pat.words.length - 5);
  await readsAll(world, rhea, pat, words(50));
  expect(pat.device.view('home', null).groups[0]?.unread).toBe(50);
});

it('a word that was taken back, or changed, is shown so wherever it stands', async () => {
  const { world, rhea, pat, fay } = await long(5);
  pat.device.goOffline();
  await write(world, fay, words(50, 5));
  const [first, second] = [fay.posts.find((p) => p.text === 'word 0'), fay.posts.find((p) => p.text === 'word 49')];
  await fay.device.must('retract', { group: fay.group, post: first?.id ?? '' });
  await fay.device.must('edit', { group: fay.group, post: second?.id ?? '', text: 'word 49, better' });
  await world.time.pass(SENT);
  holdsBack(rhea, 'Pat');
  pat.device.goOnline();
  await world.time.pass(5_000);
  expect([pat.posts[0]?.text, pat.posts[0]?.retracted !== null, pat.words.at(-1)]).toEqual(['', true, 'word 49, better']);
  await readsAll(world, rhea, pat, ['', ...words(49, 1), 'word 49, better']);
});

it('whoever reads “from today” is shown nothing from before, and no place where it would be', async () => {
  const { world, rhea, olivia } = await long();
  const dan = await newcomer(world, rhea, olivia, 'today');
  expect([dan.words, noteOf(dan), dan.run.ahead]).toEqual([[], undefined, null]);
  await readsAll(world, rhea, dan, []);
});

/** What Rhea may do to a page of the newest. */
const LIES: readonly (readonly [name: string, lie: (f: Page) => Page])[] = [
  ['another hash before it', (f) => ({ ...f, prevs: f.prevs.map((p) => ({ ...p, prev: p.prev.map((b) => b ^ 1) as Bytes as Hash })) })],
  ['no hash before it', (f) => ({ ...f, prevs: [] })],
  ['bent bytes', (f) => ({ ...f, items: f.items.map((i) => ({ ...i, envelope: i.envelope.map((b, at) => (at === i.envelope.length - 80 ? b ^ 1 : b)) })) })],
  ['another author', (f) => ({ ...f, items: f.items.map((i) => ({ ...i, device: i.device === 1 ? 2 : 1 })), prevs: f.prevs.map((p) => ({ ...p, device: p.device === 1 ? 2 : 1 })) })],
  ['other numbers', (f) => ({ ...f, items: f.items.map((i) => ({ ...i, n: i.n + 1 })) })],
  ['another order', (f) => ({ ...f, items: [...f.items].reverse() })],
  ['one left out', (f) => ({ ...f, items: f.items.filter((_, at) => at !== 4) })],
  ['nothing', (f) => ({ ...f, items: [] })]
];
it.each(LIES)('a relay that shows the newest with %s shows nothing by it, and in its place all is as it is', async (_, lie) => {
  const { world, rhea, olivia } = await long();
  const device = world.device('Dan', 'family');
  await device.setUp();
  rhea.down = (f, to) => (to.name === 'Dan' && f.is === 'page' && f.prevs.length > 0 ? [lie(f)] : [f]);
  // an answer upwards bears hashes too: only the one downwards comes
  holdsBack(rhea, 'Dan');
  const dan = await admit(world, olivia, device);
  await world.time.pass(2_000);
  expect(asked(rhea, 'Dan').some((a) => a.startsWith('down'))).toBe(true);
  expect([dan.words, noteOf(dan)]).toEqual([[], undefined]);
  await readsAll(world, rhea, dan, words(40));
});

it('words that are here already are not the newest, whatever place a relay gives them', async () => {
  const { world, rhea, pat, fay } = await long(8);
  const old: StoredEnvelope[] = [];
  for await (const rows of envelopesHere(pat.run)) old.push(...rows.flatMap(({ row }) => (row.device === fay.run.ownRow?.device ? [row] : [])));
  pat.device.goOffline();
  await write(world, fay, words(50, 8));
  holdsBack(rhea, 'Pat');
  const [, ...again] = old;
  rhea.down = (f, to) =>
    to.name === 'Pat' && f.is === 'page' && f.prevs.length > 0
      ? [{ ...f, items: again.slice(0, f.items.length).map((i, at) => ({ ...i, seq: (f.items.at(-1)?.seq ?? 0) + at })).reverse(), prevs: [{ device: old[0]?.device ?? 0, prev: hashOf(pat, old[0]) }] }]
      : [f];
  pat.device.goOnline();
  await world.time.pass(5_000);
  expect(asked(rhea, 'Pat').some((a) => a.startsWith('down'))).toBe(true);
  expect([pat.words, pat.run.ahead]).toEqual([words(8), null]);
  await readsAll(world, rhea, pat, words(50));
});

it.each(['hash', 'bytes'] as const)('of several logs one that is bent in its %s takes nothing from the others, nor from itself for good', async (what) => {
  const { world, rhea, olivia, pat, fay } = await long(30);
  for (const k of [0, 1, 2, 3]) {
    await write(world, fay, [`fay ${k}`]);
    await write(world, pat, [`pat ${k}`]);
  }
  const its = pat.run.ownRow?.device;
  const bent = (b: Bytes): Bytes => b.map((x, at) => (at === b.length - 20 ? x ^ 1 : x));
  rhea.down = (f, to) => {
    if (to.name !== 'Dan' || f.is !== 'page') return [f];
    if (what === 'bytes') return [{ ...f, items: f.items.map((i) => (i.device === its ? { ...i, envelope: bent(i.envelope) } : i)) }];
    return [{ ...f, prevs: f.prevs.map((p) => (p.device === its ? { ...p, prev: bent(p.prev) as Hash } : p)) }];
  };
  const dan = await newcomer(world, rhea, olivia);
  expect(dan.words.filter((w) => w.startsWith('fay')).slice(-3)).toEqual(['fay 1', 'fay 2', 'fay 3']);
  expect(dan.words.some((w) => w.startsWith('pat'))).toBe(false);
  rhea.repent();
  await world.time.pass(LATER);
  expect(dan.words.slice(-8)).toEqual([0, 1, 2, 3].flatMap((k) => [`fay ${k}`, `pat ${k}`]));
});

it('of somebody who is out nothing is shown ahead of the rest, also when that is heard in between', async () => {
  const { world, rhea, olivia, fay } = await long();
  const dan = await newcomer(world, rhea, olivia);
  expect(dan.words).toContain('word 39');
  await olivia.device.must('remove', { group: olivia.group, member: fay.run.me });
  await world.time.pass(SENT);
  // the roster comes, and the pages still do not
  await dan.device.restart();
  await dan.open();
  await world.time.pass(SENT);
  expect(dan.run.state.members.get(fay.run.me)?.end).not.toBeNull();
  expect(dan.words.filter((w) => w.startsWith('word'))).toEqual([]);
  await readsAll(world, rhea, dan, words(40));
});

it('whoever is taken out meanwhile keeps what was shown, and is told that something is missing', async () => {
  const { world, rhea, olivia } = await long();
  const dan = await newcomer(world, rhea, olivia);
  const before = dan.words;
  await olivia.device.must('remove', { group: olivia.group, member: dan.run.me });
  rhea.repent();
  dan.device.cut();
  await world.time.pass(LATER);
  expect(dan.view.ended).toBe('removed');
  expect([dan.words, noteOf(dan)?.what]).toEqual([before, 'missing']);
  await dan.device.restart();
  await dan.open();
  expect([dan.words, noteOf(dan)?.what]).toEqual([before, 'missing']);
});

it('places of an earlier life of the relay are given up, and all comes in its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-newest-'));
  try {
    const { world, rhea, olivia, fay } = await long(5, () => worldIn(folder));
    const backup = backedUp(folder);
    await write(world, fay, words(40, 5));
    const dan = await newcomer(world, rhea, olivia);
    expect(dan.words.at(-1)).toBe('word 39');
    // what the relay lost comes back, and behind other things
    await putBack(world, folder, backup);
    await write(world, olivia, ['after']);
    await world.time.pass(LATER);
    await readsAll(world, rhea, dan, [...words(40), 'after']);
    expect(dan.posts.map((p) => p.sentAt)).toEqual(olivia.posts.map((p) => p.sentAt));
    expect([dan.run.odd.size, dan.run.readAgain]).toEqual([0, false]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a relay whose feed is said to be longer than numbers go is asked all the same, and nothing breaks', async () => {
  const { world, rhea, olivia } = await long();
  const device = world.device('Dan', 'family');
  await device.setUp();
  rhea.down = (f, to) => (to.name === 'Dan' && f.is === 'welcome' && f.feedSeq > 0 ? [{ ...f, feedSeq: Number.MAX_SAFE_INTEGER }] : [f]);
  const dan = await admit(world, olivia, device);
  await world.time.pass(2_000);
  await readsAll(world, rhea, dan, words(40));
});

it('a relay that gave the newest a place which is not its own holds nothing up once it is honest', async () => {
  const { world, rhea, olivia } = await long();
  const device = world.device('Dan', 'family');
  await device.setUp();
  const away = 1_000;
  rhea.down = (f, to) => {
    if (to.name !== 'Dan') return [f];
    if (f.is === 'welcome' && f.feedSeq > 0) return [{ ...f, feedSeq: f.feedSeq + away }];
    return f.is === 'page' && (f.items[0]?.seq ?? 0) > (f.items.at(-1)?.seq ?? 0) ? [{ ...f, items: f.items.map((i) => ({ ...i, seq: i.seq + away })) }] : [f];
  };
  const dan = await admit(world, olivia, device);
  await world.time.pass(SENT);
  expect(dan.words.at(-1)).toBe('word 39');
  await readsAll(world, rhea, dan, words(40));
  await dan.post('goes out');
  await world.time.pass(SENT * 2);
  expect(dan.delivery('goes out')).toBe('sent');
});

it('a relay that shows the newest, and then that nothing leads to it, holds something back', async () => {
  const { world, rhea, olivia } = await long();
  const device = world.device('Dan', 'family');
  await device.setUp();
  rhea.down = (f, to: Device) => (to.name === 'Dan' && f.is === 'page' && (f.items[0]?.seq ?? 0) < 10 ? [{ ...f, items: [], more: false }] : [f]);
  const dan = await admit(world, olivia, device);
  await world.time.pass(SENT);
  expect(dan.view.alarm).toBe('gap');
  await readsAll(world, rhea, dan, words(40));
});

it('a word of one’s own that was read ahead is shown once, where an older copy of the disk has it under the id of an earlier epoch', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await write(world, pat, ['Take 5 mg.']);
  await pat.device.must('post', { group: pat.group, text: 'With food.', photos: [], replyTo: pat.posts[0]!.id });
  await world.time.pass(SENT);
  const older = await copyOf(pat.device.disk, true);
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  await admit(world, olivia, dan, 'today');
  await write(world, olivia, words(25));
  pat.device.goOnline();
  await world.time.pass(10_000);
  pat.device.kill();
  const rhea = new Rhea(world);
  rhea.up = (f, from) => (from !== pat.device && f.is === 'fetch' && f.way === 'up' ? [] : [f]);
  const copy = await bootOn(world, older, pat.group);
  await world.time.pass(10_000);
  expect(copy.run.ahead).not.toBeNull();
  expect(copy.posts.filter((p) => p.mine).map((p) => [p.text, p.replies])).toEqual([['Take 5 mg.', 1], ['With food.', 0]]);
});
