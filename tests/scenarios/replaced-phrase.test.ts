/** Another recovery phrase in the place of one that is known, on the real core and relay: what the old words still open after that. */
import { expect, it } from 'vitest';
import { hex } from '../../crypto/bytes';
import { NO_DETAIL } from '../../crypto/frames';
import { phraseKeys } from '../../crypto/phrase';
import { entropyOf, openVaultSession, readVault } from '../../src/lib/core/personal';
import { link, PASSPHRASE } from '../support/linked';
import { covered, onPaper, recovery } from '../support/phrase';
import { Rhea } from '../support/rhea';
import { type Device, HOST, World } from '../support/world';

const SENT = 6_000;

/** Nothing comes back to who has these words, and so many groups to who has those. */
async function opensAlone(world: World, old: readonly string[], words: readonly string[], groups: number): Promise<void> {
  const stale = world.device('With the old words', 'family');
  await stale.boot();
  expect(await stale.must('restore', { words: old, passphrase: PASSPHRASE })).toEqual({ groups: 0 });
  await world.time.pass(60_000);
  expect(stale.view('home', null).groups).toEqual([]);
  const found = world.device('With the new words', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups });
}

/** What is in the vault that these words open. */
async function vaultOf(world: World, { pat, words }: { readonly pat: Device; readonly words: readonly string[] }): Promise<object[]> {
  const keys = phraseKeys(entropyOf(words)!);
  const { link: line, ports } = pat.core!;
  const read = openVaultSession(line, HOST, ports.random, keys).then(() => readVault(line, keys));
  await world.time.pass(500);
  return (await read)!;
}

it('a phrase that is replaced on one device opens nothing any more of a group that is on another alone', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat);
  await world.time.pass(SENT);
  laptop.goOffline();
  await pat.must('new-group', { name: 'On the phone alone', kind: 'family' });
  await world.time.pass(SENT);
  expect(recovery(pat)).toMatchObject({ covered: 2, of: 2 });
  pat.goOffline();
  laptop.goOnline();
  await world.time.pass(SENT);
  expect(laptop.view('home', null).groups.map((g) => g.name)).toEqual(['Mine']);
  const { words } = await laptop.must('propose-phrase', null);
  await laptop.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  laptop.kill();
  await opensAlone(world, old, words, 2);
  // the phone cannot tell whose the row is that came in the place of the one it made
  pat.goOnline();
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 2, foreign: 1 });
  expect(await pat.must('check-phrase', { words })).toEqual({ right: true, groups: 2 });
  expect(world.reports).toEqual([]);
}, 60_000);

it('a phrase that is replaced on a device that has not heard of a recovery row yet opens nothing by that row any more', async () => {
  const world = await World.make();
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  await pat.must('new-group', { name: 'Mine', kind: 'family' });
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat);
  await world.time.pass(SENT);
  laptop.goOffline();
  const old = await onPaper(pat);
  await world.time.pass(SENT);
  expect(recovery(pat)).toMatchObject({ covered: 1, of: 1 });
  await laptop.must('keep-phrase', { words: old });
  const rhea = new Rhea(world);
  let slow = true;
  rhea.up = (f, from) => (slow && from === laptop && f.is === 'roster' ? [] : [f]);
  laptop.goOnline();
  await world.time.pass(SENT);
  const run = [...laptop.core!.groups.values()][0]!;
  expect([run.synced, [...run.state.rows.values()].some((r) => r.rank === 'recovery')]).toEqual([false, false]);
  slow = false;
  const { words } = await laptop.must('propose-phrase', null);
  await laptop.must('replace-phrase', { old, words });
  for (const d of [laptop, pat]) d.kill();
  await opensAlone(world, old, words, 1);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a phrase is not said to be replaced while a relay keeps back what it opens of a group that is here', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  const rhea = new Rhea(world);
  pat.cut();
  await world.time.pass(3_000);
  const { words } = await pat.must('propose-phrase', null);
  rhea.down = (f) => [f.is === 'items' ? { ...f, items: [], more: false } : f];
  expect(await pat.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  rhea.down = (f) => (f.is === 'welcome' && [...pat.core!.groups.values()].some((g) => hex(g.row.id) === hex(f.group)) ? [{ is: 'refused', re: f.re, group: f.group, why: 'unknown-log', detail: NO_DETAIL }] : [f]);
  expect(await pat.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  rhea.repent();
  await pat.must('replace-phrase', { old, words });
}, 60_000);

it('a phrase is replaced whatever a stolen device put into its vault', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  const { id, tag, relayPk, logSeed, kemSeed } = [...pat.core!.groups.values()][0]!.row;
  const real = { is: 'group', id, tag, relayPk, logSeed, kemSeed };
  const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
  const plant = (item: unknown): Promise<boolean> => pat.core!.personal.add(item as never);
  for (const lie of ['junk', real, { ...real, tag: new Uint8Array(16) }, { ...real, logSeed: seed(1) }, { ...real, id: seed(2) }, { ...real, relayPk: seed(3), logSeed: seed(4) }]) {
    const planted = plant(lie);
    await world.time.pass(500);
    expect(await planted).toBe(true);
  }
  // a live recovery row of a group that the thief alone is in, once under a key that never was the relay's; the relay takes no more of it
  const thief = await covered(world, 'Thief');
  const theirs = [...thief.pat.core!.groups.values()][0]!.row.id;
  const live = (await vaultOf(world, thief)).find((i) => 'id' in i);
  for (const lie of [{ ...live, relayPk: seed(5) }, live, live]) {
    const planted = plant(lie);
    await world.time.pass(500);
    expect(await planted).toBe(true);
  }
  const rhea = new Rhea(world);
  pat.cut();
  await world.time.pass(3_000);
  let refused = 0;
  rhea.up = (f, from, answer) => {
    if (from === thief.pat || f.is !== 'enter' || hex(f.group) !== hex(theirs)) return [f];
    refused++;
    answer({ is: 'refused', re: f.re, group: f.group, why: 'rate', detail: NO_DETAIL });
    return [];
  };
  const { words } = await pat.must('propose-phrase', null);
  await pat.must('replace-phrase', { old, words });
  expect(refused).toBeGreaterThan(0);
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
  pat.kill();
  await opensAlone(world, old, words, 1);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a phrase is not said to be replaced while a group is still on its way back by it', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  pat.kill();
  const rhea = new Rhea(world);
  let full = true;
  rhea.up = (f, from, answer) => {
    if (!full || from.name !== 'Pat again' || f.is !== 'enter') return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'unavailable', detail: NO_DETAIL });
    return [];
  };
  const found = world.device('Pat again', 'family');
  await found.boot();
  expect(await found.must('restore', { words: old, passphrase: PASSPHRASE })).toEqual({ groups: 0 });
  const { words } = await found.must('propose-phrase', null);
  expect(await found.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  full = false;
  await world.time.pass(30_000);
  expect(found.view('home', null).groups.map((g) => g.name)).toEqual(['Mine']);
  await found.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  expect(recovery(found)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
  found.kill();
  await opensAlone(world, old, words, 1);
}, 60_000);

it('a phrase is not said to be replaced while a group is still being covered by it', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  const rhea = new Rhea(world);
  pat.cut();
  await world.time.pass(3_000);
  // the old vault has the new group's item, and says so late
  const vault = hex(phraseKeys(entropyOf(old)!).id);
  let late: (() => void) | null = null;
  rhea.up = (f, _from, answer) => {
    if (late !== null || f.is !== 'put-item' || hex(f.group) !== vault) return [f];
    late = () => undefined;
    rhea.down = (d) => {
      if (d.is !== 'done' || d.re !== f.re) return [d];
      rhea.repent();
      late = () => answer(d);
      return [];
    };
    return [f];
  };
  await pat.must('new-group', { name: 'Second', kind: 'family' });
  await world.time.pass(3_000);
  expect(late).not.toBeNull();
  const { words } = await pat.must('propose-phrase', null);
  const replacing = pat.run('replace-phrase', { old, words });
  await world.time.pass(3_000);
  late!();
  await world.time.pass(SENT);
  if (!(await replacing).ok) await pat.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  pat.kill();
  await opensAlone(world, old, words, 2);
  expect(world.reports).toEqual([]);
}, 60_000);

/** From its next line on this device gets one entry into a roster, and no more. */
async function enteringOnce(world: World, device: Device): Promise<{ readonly rhea: Rhea; entered: number }> {
  const halfway = { rhea: new Rhea(world), entered: 0 };
  device.cut();
  await world.time.pass(3_000);
  halfway.rhea.up = (f, from, answer) => {
    if (from !== device || f.is !== 'enter' || halfway.entered++ < 1) return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'rate', detail: NO_DETAIL });
    return [];
  };
  return halfway;
}

it('a phrase that is half replaced goes on with the same new words alone, whatever the device forgot meanwhile', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  await pat.must('new-group', { name: 'Second', kind: 'family' });
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  const halfway = await enteringOnce(world, pat);
  const [{ words }, { words: third }] = [await pat.must('propose-phrase', null), await pat.must('propose-phrase', null)];
  expect(await pat.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  expect(halfway.entered).toBe(2);
  expect(recovery(pat)).toMatchObject({ half: true });
  halfway.rhea.repent();
  await pat.restart();
  await world.time.pass(SENT);
  expect(recovery(pat)).toMatchObject({ half: true });
  expect(await pat.run('replace-phrase', { old, words: third })).toEqual({ ok: false, fault: 'phrase-begun' });
  await pat.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  pat.kill();
  await opensAlone(world, old, words, 2);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a phrase that was half replaced on one device is not replaced by a third on another', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  await pat.must('new-group', { name: 'Second', kind: 'family' });
  await world.time.pass(SENT);
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat);
  await world.time.pass(SENT);
  expect(recovery(laptop)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  const halfway = await enteringOnce(world, laptop);
  const [{ words }, { words: third }] = [await pat.must('propose-phrase', null), await pat.must('propose-phrase', null)];
  expect(await laptop.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  laptop.kill();
  halfway.rhea.repent();
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 2, foreign: 1 });
  expect(await pat.run('replace-phrase', { old, words: third })).toEqual({ ok: false, fault: 'phrase-begun' });
  await pat.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  expect(recovery(pat)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  pat.kill();
  await opensAlone(world, old, words, 2);
}, 60_000);
