/**
 * Logs that ended and are longer than what a device lets wait: whoever comes late reads them all the same (P17), and what waits stays
 * within its bounds (P21). The bounds are lowered; everything else is real.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { StoredEnvelope } from '../../crypto/frames';
import { LIMIT } from '../../crypto/limits';
import { HELD } from '../../src/lib/core/held';
import { admit, cast, Seat } from '../support/circle';
import { groupNamed, link } from '../support/linked';
import { Mallory } from '../support/mallory';
import { backedUp, putBack, worldIn } from '../support/restored';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const DAY = 86_400_000;
const GROUP = 'Pat’s Updates';
const kept = { held: { ...HELD }, page: LIMIT.page };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-ended-'));
  Object.assign(HELD, { most: 8 });
  Object.assign(LIMIT, { page: 7 });
});
afterEach(() => {
  Object.assign(HELD, kept.held);
  Object.assign(LIMIT, { page: kept.page });
  rmSync(folder, { recursive: true, force: true });
});

const words = (n: number, from = 0): string[] => Array.from({ length: n - from }, (_, k) => `word ${k + from}`);
const shown = (s: Seat): string[] => s.posts.filter((p) => !p.withdrawn).map((p) => p.text);
/** Writes words of hers one by one, by the hand of her own device's keys. */
async function write(m: Mallory, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const answer = await m.append(m.seal(m.update([{ i: m.newId(), a: m.n + 1, t: 'post', x: text }])));
    expect(answer.is).toBe('acks');
  }
}
/** A group in which Mallory wrote more than waits anywhere, and is out. */
async function longGone(n = 60): Promise<{ world: World; olivia: Seat; pat: Seat; fay: Seat; mallory: Seat }> {
  const { world, olivia, pat, fay, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  await write(m, words(n));
  await world.time.pass(SENT);
  await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
  m.close();
  await world.time.pass(SENT);
  expect(shown(pat)).toEqual(words(n));
  return { world, olivia, pat, fay, mallory };
}
async function newcomer(world: World, owner: Seat, name = 'Dan', history: 'start' | 'today' = 'start'): Promise<Seat> {
  const device = world.device(name, 'family');
  await device.setUp();
  return admit(world, owner, device, history);
}
const waiting = (s: Seat, of: Seat): number => s.run.held.get(of.run.ownRow?.device ?? 0)?.length ?? 0;
const cutOf = (s: Seat, of: Seat): number | undefined => [...s.run.state.rows.values()].find((r) => r.device === of.run.ownRow?.device)?.end?.cut.n;
/** Everything of the log is there, nothing waits, nobody is alarmed; after a start from the disk alone, too. */
async function readsAll(world: World, s: Seat, mallory: Seat, texts: readonly string[]): Promise<void> {
  for (let again = 0; again < 2; again++) {
    expect(shown(s), s.device.name).toEqual(texts);
    expect(s.run.heads.get(mallory.run.ownRow?.device ?? 0)?.n, s.device.name).toBe(cutOf(s, mallory));
    expect([s.view.alarm, waiting(s, mallory), s.run.ways.size, s.run.stopped.size], s.device.name).toEqual([null, 0, 0, 0]);
    await s.device.restart();
    await s.open();
    await world.time.pass(SENT);
  }
  expect(world.reports).toEqual([]);
}

it('P17 a newcomer reads all that somebody wrote who is out since, however much it is; one “from today” nothing of it', async () => {
  const { world, olivia, mallory } = await longGone();
  const [dan, ben] = [await newcomer(world, olivia), await newcomer(world, olivia, 'Ben', 'today')];
  await world.time.pass(SENT);
  await readsAll(world, dan, mallory, words(60));
  await readsAll(world, ben, mallory, []);
});

it('a linked device, and one that comes back by the recovery phrase, read all of it', async () => {
  const { world, pat, fay, mallory } = await longGone();
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat.device);
  const onLaptop = new Seat(laptop, groupNamed(laptop, GROUP));
  await onLaptop.open();
  await world.time.pass(SENT);
  await readsAll(world, onLaptop, mallory, words(60));

  const { words: phrase } = await fay.device.must('propose-phrase', null);
  await fay.device.must('keep-phrase', { words: phrase });
  await world.time.pass(2_000);
  fay.device.kill();
  const bare = world.device('Fay’s new phone', 'family');
  await bare.boot();
  await bare.must('restore', { words: phrase, passphrase: 'four quiet lamps over harbour' });
  await world.time.pass(20_000);
  const back = new Seat(bare, groupNamed(bare, GROUP));
  await back.open();
  await world.time.pass(SENT);
  await readsAll(world, back, mallory, words(60));
});

it('a device that dies again and again while it reads loses nothing of it', async () => {
  const { world, olivia, mallory } = await longGone();
  const rhea = new Rhea(world);
  let pages = 0;
  let isDeadly = false;
  rhea.down = (f, to) => {
    if (to.name !== 'Dan' || f.is !== 'page') return [f];
    if (pages-- > 0) return [f];
    if (isDeadly) world.time.later(0, () => to.kill());
    return [];
  };
  const device = world.device('Dan', 'family');
  await device.setUp();
  const dan = await admit(world, olivia, device);
  isDeadly = true;
  let deaths = 0;
  for (; shown(dan).length < 60; deaths++) {
    expect(deaths).toBeLessThan(40);
    await dan.device.restart();
    await dan.open();
    pages = 2;
    await world.time.pass(SENT);
    if (deaths > 15) rhea.repent();
  }
  expect(deaths).toBeGreaterThan(4);
  await readsAll(world, dan, mallory, words(60));
});

it('words restated to an end that is far along are read by who comes, and all of them once the rest is back', async () => {
  const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(folder));
  await olivia.device.must('set-roles', { group: olivia.group, member: pat.run.me, roles: { host: false, successor: false, representative: true } });
  await world.time.pass(SENT);
  const m = new Mallory(world, mallory);
  await m.enter();
  await write(m, words(30));
  await world.time.pass(SENT);
  for (const s of [olivia, fay]) s.device.goOffline();
  const backup = backedUp(folder);
  await write(m, words(50, 30));
  const { me } = mallory.run;
  m.close();
  await world.time.pass(SENT);
  await pat.device.must('remove', { group: pat.group, member: me });
  await world.time.pass(SENT);
  pat.device.goOffline();
  await putBack(world, folder, backup);
  // Pat's device says who is out, and is gone before it gives the words
  const rhea = new Rhea(world);
  rhea.up = (f, from) => (f.is === 'give' && from === pat.device ? [] : [f]);
  pat.device.goOnline();
  await world.time.pass(3_000);
  pat.device.kill();
  rhea.repent();
  for (const s of [olivia, fay]) s.device.goOnline();
  await world.time.pass(SENT);
  for (const s of [olivia, fay]) s.device.kill();
  await world.time.pass(DAY);
  for (const s of [olivia, fay]) {
    await s.device.restart();
    await s.open();
  }
  await world.time.pass(SENT);
  expect(olivia.view.lost).toHaveLength(1);
  const dan = await newcomer(world, olivia);
  await world.time.pass(SENT);
  // not yet at any end
  expect([shown(dan), waiting(dan, mallory)]).toEqual([[], 0]);
  await olivia.device.must('go-without', { group: olivia.group, member: me });
  await world.time.pass(SENT);
  const ben = await newcomer(world, olivia, 'Ben');
  await world.time.pass(SENT);
  for (const s of [olivia, fay, dan, ben]) expect(shown(s), s.device.name).toEqual(words(30));
  for (const s of [fay, dan]) {
    await s.device.restart();
    await s.open();
    await world.time.pass(SENT);
    expect(shown(s)).toEqual(words(30));
  }
  await pat.device.restart();
  await pat.open();
  await world.time.pass(70_000);
  for (const s of [olivia, pat, fay, dan, ben]) await readsAll(world, s, mallory, words(50));
  await world.relay.log.close();
});

it('a way whose key is late waits on the disk, and is read when the key comes', async () => {
  const { world, olivia, fay, mallory } = await longGone();
  const rhea = new Rhea(world);
  const device = world.device('Dan', 'family');
  await device.setUp();
  // every lockbox is withheld from Dan, and nobody answers his want
  rhea.down = (f, to) => (to.name === 'Dan' && f.is === 'lockboxes' ? [{ ...f, items: [], more: false }] : to.name === 'Dan' && f.is === 'keys' ? [] : [f]);
  const dan = await admit(world, olivia, device);
  await world.time.pass(SENT);
  expect(shown(dan)).toEqual([]);
  expect(dan.run.stopped.size).toBe(1);
  expect(waiting(dan, mallory)).toBe(0);
  await dan.device.restart();
  await dan.open();
  await world.time.pass(SENT);
  rhea.repent();
  dan.device.cut();
  await world.time.pass(60_000);
  await readsAll(world, dan, mallory, words(60));
  expect(fay.view.alarm).toBeNull();
});

it('a member who puts a forged one among her own words takes the later ones from everybody alike, and leaves no alarm behind', async () => {
  const { world, olivia, pat, fay, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  await write(m, words(20));
  const forged = m.seal(m.update([{ i: m.newId(), a: 1, t: 'post', x: 'never' }]));
  await m.append({ ...forged, bytes: forged.bytes.map((b, at) => (at === forged.bytes.length - 1 ? b ^ 1 : b)) });
  await write(m, words(40, 20));
  await world.time.pass(SENT);
  for (const s of [olivia, pat, fay]) expect(shown(s), s.device.name).toEqual(words(20));
  await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
  m.close();
  await world.time.pass(DAY);
  const dan = await newcomer(world, olivia);
  await world.time.pass(DAY);
  for (const s of [olivia, pat, fay, dan]) expect([shown(s), s.view.alarm], s.device.name).toEqual([words(20), null]);
  await dan.device.restart();
  await dan.open();
  await world.time.pass(SENT);
  expect([shown(dan), dan.view.alarm]).toEqual([words(20), null]);
  expect(world.reports).toEqual([]);
});

it('P19 P21 a relay that spoils one of them, or shows others beside them without end, costs what comes and holds nothing up once it is honest', async () => {
  const { world, olivia, mallory } = await longGone();
  const rhea = new Rhea(world);
  const device = world.device('Dan', 'family');
  await device.setUp();
  const spoil = (e: StoredEnvelope): StoredEnvelope => ({ ...e, envelope: e.envelope.map((b, at) => (at === e.envelope.length - 70 ? b ^ 1 : b)) });
  rhea.down = (f, to) => (to.name !== 'Dan' || f.is !== 'page' ? [f] : [{ ...f, items: f.items.map((e) => (e.n === 20 ? spoil(e) : e)) }]);
  const dan = await admit(world, olivia, device);
  await world.time.pass(SENT);
  expect([shown(dan), dan.view.alarm]).toEqual([[], 'gap']);
  rhea.repent();
  dan.device.cut();
  await world.time.pass(60_000);
  await readsAll(world, dan, mallory, words(60));

  const other = world.device('Ben', 'family');
  await other.setUp();
  // behind the tenth the fifth comes again and again, each time a little different
  let fifth: StoredEnvelope | null = null;
  let most = 0;
  rhea.down = (f, to) => {
    if (to.name !== 'Ben' || f.is !== 'page') return [f];
    fifth = f.items.find((e) => e.device === mallory.run.ownRow?.device && e.n === 5) ?? fifth;
    const other = (e: StoredEnvelope): StoredEnvelope => ({ ...(fifth as StoredEnvelope), seq: e.seq, envelope: (fifth as StoredEnvelope).envelope.map((b, at, all) => (at === all.length - 80 + (e.seq % 64) ? b ^ 1 : b)) });
    return [{ ...f, items: f.items.map((e) => (fifth !== null && e.device === mallory.run.ownRow?.device && e.n > 10 ? other(e) : e)) }];
  };
  const ben = await admit(world, olivia, other);
  for (let i = 0; i < 20; i++) {
    await world.time.pass(1_000);
    most = Math.max(most, waiting(ben, mallory));
  }
  expect([most, ben.view.alarm]).toEqual([HELD.most, 'gap']);
  rhea.repent();
  ben.device.cut();
  await world.time.pass(120_000);
  await readsAll(world, ben, mallory, words(60));
});
