/** The recovery phrase on the real core and relay: what it brings back on a bare device, and what it takes to be covered. */
import { expect, it } from 'vitest';
import { hex } from '../../crypto/bytes';
import type { Bytes } from '../../crypto/brand';
import { NO_DETAIL } from '../../crypto/frames';
import { LIMIT } from '../../crypto/limits';
import { phraseKeys, signPhraseRow } from '../../crypto/phrase';
import { openLink } from '../support/circle';
import { link } from '../support/linked';
import { covered, onPaper, recovery, say } from '../support/phrase';
import { Rhea } from '../support/rhea';
import { type Device, World } from '../support/world';

const SENT = 6_000;
const PASSPHRASE = 'four quiet lamps over harbour';

async function letIn(world: World, owner: Device, group: string, joiner: Device, history: 'start' | 'today'): Promise<string> {
  const { link } = await owner.must('invite', { group, history, days: 3, relationship: '' });
  const join = await openLink(joiner, link);
  await world.time.pass(300);
  await joiner.must('ask', { join });
  await world.time.pass(500);
  await owner.must('let-in', { group, request: owner.view('group', group).requests[0]!.request });
  await world.time.pass(1_500);
  return joiner.view('join', join).group!;
}
/** Olivia with a group of her own, and Fay, in none yet, with her words on paper. */
async function ward() {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  const fay = world.device('Fay', 'family');
  await olivia.setUp();
  await fay.setUp();
  const words = await onPaper(fay);
  const { group } = await olivia.must('new-group', { name: 'Ward', kind: 'family' });
  await olivia.openGroup(group);
  return { world, olivia, fay, words, group };
}
const groupRef = (d: Device, name: string): string => d.view('home', null).groups.find((g) => g.name === name)!.group;

it('the phrase alone brings back name, groups, history and ownership on a bare device', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  const pat = world.device('Pat', 'patient');
  await olivia.setUp();
  await pat.setUp();
  const { group } = await olivia.must('new-group', { name: 'Pat’s updates', kind: 'family' });
  await olivia.openGroup(group);
  await say(world, olivia, group, 'From the first day');
  const patGroup = await letIn(world, olivia, group, pat, 'start');
  await pat.openGroup(patGroup);
  await say(world, pat, patGroup, 'Thank you all');
  await olivia.must('offer-owner', { group, member: pat.view('group', patGroup).me });
  await world.time.pass(300);
  await pat.must('accept-owner', { group: patGroup });
  await world.time.pass(300);

  const { words } = await pat.must('propose-phrase', null);
  expect(words).toHaveLength(13);
  expect(recovery(pat)).toEqual({ set: false, covered: 0, of: 1, foreign: 0 });
  await pat.must('keep-phrase', { words });
  await world.time.pass(2_000);
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
  expect(await pat.must('check-phrase', { words })).toEqual({ right: true, groups: 1 });
  expect(await pat.must('check-phrase', { words: [...words].reverse() })).toEqual({ right: false, groups: 0 });
  await say(world, olivia, group, 'After the phrase was written down');

  // the phone is lost; nothing of it remains but thirteen words on paper
  pat.kill();
  const found = world.device('Pat again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 1 });
  await world.time.pass(5_000);
  const app = found.view('app', null);
  expect(app.phase === 'open' && app.profile).toMatchObject({ name: 'Pat', role: 'patient' });
  const back = groupRef(found, 'Pat’s updates');
  await found.openGroup(back);
  expect(found.view('group', back).iOwn).toBe(true);
  expect(found.words(back)).toEqual(['From the first day', 'Thank you all', 'After the phrase was written down']);
  await say(world, found, back, 'I am back');
  expect(found.delivery(back, 'I am back')).toBe('sent');
  expect(olivia.words(group)).toContain('I am back');
  expect(recovery(found)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
  expect(olivia.view('group', group).people).toHaveLength(2);

  await found.restart();
  await found.openGroup(back);
  expect(found.words(back)).toContain('I am back');
  expect(world.reports).toEqual([]);
}, 60_000);

it('a group joined or made after the phrase is covered by itself, and one from today brings back from today', async () => {
  const { world, olivia, fay, words, group } = await ward();
  await say(world, olivia, group, 'Before Fay');
  await letIn(world, olivia, group, fay, 'today');
  await fay.must('new-group', { name: 'Sisters', kind: 'family' });
  await world.time.pass(3_000);
  expect(recovery(fay)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  await say(world, olivia, group, 'After Fay');

  fay.kill();
  const found = world.device('Fay again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 2 });
  await world.time.pass(5_000);
  const back = groupRef(found, 'Ward');
  await found.openGroup(back);
  expect(found.words(back)).toEqual(['After Fay']);
  expect(world.reports).toEqual([]);
}, 60_000);

it('wrong words bring back nothing and leave the device bare, and without a network it says so', async () => {
  const world = await World.make();
  const bare = world.device('Nobody', 'family');
  await bare.boot();
  const { words } = await (async () => {
    const other = world.device('Other', 'family');
    await other.setUp();
    return other.must('propose-phrase', null);
  })();
  expect(await bare.run('restore', { words: words.slice(1), passphrase: PASSPHRASE })).toEqual({ ok: false, fault: 'wrong-phrase' });
  expect(await bare.run('restore', { words, passphrase: PASSPHRASE })).toEqual({ ok: false, fault: 'wrong-phrase' });
  bare.goOffline();
  expect(await bare.run('restore', { words, passphrase: PASSPHRASE })).toEqual({ ok: false, fault: 'needs-network' });
  expect(bare.view('app', null).phase).toBe('new');
}, 60_000);

it('a device can’t read what it sealed to the phrase, and the relay sees neither names nor groups in it', async () => {
  const world = await World.make();
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  await pat.must('new-group', { name: 'Mine', kind: 'family' });
  await onPaper(pat);
  await world.time.pass(2_000);
  const kept = pat.core!.personal as unknown as { writer: Record<string, unknown> };
  expect(Object.keys(kept.writer).sort()).toEqual(['id', 'isProfileThere', 'kem', 'known', 'life', 'sk']);
  const group = [...pat.core!.groups.values()][0]!;
  const row = [...group.state.rows.values()].find((r) => r.rank === 'recovery')!;
  expect(hex(row.kem)).not.toBe(hex(kept.writer['kem'] as never));
  pat.kill();
});

/** A stolen, unlocked device adds to the vault whatever it likes: it holds the key to add. */
const plant = (thief: Device, item: unknown) => thief.core!.personal.add(item as never);

it('what a stolen device adds to the vault, junk or lies, keeps the phrase from nothing', async () => {
  const world = await World.make();
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  const { group } = await pat.must('new-group', { name: 'Mine', kind: 'family' });
  await pat.openGroup(group);
  await say(world, pat, group, 'Still mine');
  const words = await onPaper(pat);
  await world.time.pass(2_000);
  const run = [...pat.core!.groups.values()][0]!;
  const { id, tag, relayPk, logSeed, kemSeed } = run.row;
  const real = { is: 'group', id, tag, relayPk, logSeed: new Uint8Array(32), kemSeed: new Uint8Array(32) };
  const lies = [
    null, 'junk', [1], { is: 'group' }, { is: 'profile' }, { is: 'profile', name: 7, role: 'patient' }, { is: 'profile', name: 'Pat', role: 'owner' },
    { ...real, relayPk: new Uint8Array(32).fill(1) }, { ...real, logSeed: new Uint8Array(3) }, { ...real, kemSeed: 'seed' }, real, { ...real, tag: new Uint8Array(16) },
    // its own row, which the phrase shall not take for the recovery row
    { ...real, logSeed, kemSeed }
  ];
  const planted = Promise.all(lies.map((lie) => plant(pat, lie)));
  await world.time.pass(1_000);
  expect(await planted).toEqual(lies.map(() => true));

  pat.kill();
  const found = world.device('Pat again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 1 });
  await world.time.pass(5_000);
  const app = found.view('app', null);
  expect(app.phase === 'open' && app.profile).toMatchObject({ name: 'Pat', role: 'patient' });
  const back = groupRef(found, 'Mine');
  await found.openGroup(back);
  expect(found.words(back)).toEqual(['Still mine']);
  const state = [...found.core!.groups.values()][0]!.state;
  const rows = [...state.rows.values()].sort((a, b) => a.device - b.device);
  expect(rows.map((r) => [r.rank, r.end === null])).toEqual([['ordinary', true], ['recovery', true], ['ordinary', true]]);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a group that was left and joined again comes back by the newer row', async () => {
  const { world, olivia, fay, words, group } = await ward();
  const first = await letIn(world, olivia, group, fay, 'start');
  await world.time.pass(2_000);
  await fay.must('leave', { group: first });
  await world.time.pass(2_000);
  await letIn(world, olivia, group, fay, 'start');
  await world.time.pass(3_000);
  await say(world, olivia, group, 'Welcome back');

  fay.kill();
  const found = world.device('Fay again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 1 });
  await world.time.pass(5_000);
  const back = groupRef(found, 'Ward');
  await found.openGroup(back);
  expect(found.words(back)).toContain('Welcome back');
  expect(world.reports).toEqual([]);
}, 60_000);

it('a relay that says of a group that it is over, without a receipted end, only delays its return', async () => {
  const world = await World.make();
  const rhea = new Rhea(world);
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  await pat.must('new-group', { name: 'Mine', kind: 'family' });
  const words = await onPaper(pat);
  await world.time.pass(2_000);
  const id: Bytes = [...pat.core!.groups.values()][0]!.row.id;
  pat.kill();
  rhea.down = (f) => (f.is === 'welcome' && hex(f.group as Bytes) === hex(id) ? [{ is: 'gone', re: f.re, group: f.group, seq: 2 }] : [f]);
  const found = world.device('Pat again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 0 });
  rhea.repent();
  found.cut();
  await world.time.pass(120_000);
  expect(found.view('home', null).groups.map((g) => g.name)).toEqual(['Mine']);
}, 60_000);

it('another phrase takes the place of one that is known: the old words bring nothing back any more, the new ones do', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  const { words } = await pat.must('propose-phrase', null);
  expect(await pat.run('replace-phrase', { old: words, words: old })).toEqual({ ok: false, fault: 'wrong-phrase' });
  pat.goOffline();
  expect(await pat.run('replace-phrase', { old, words })).toEqual({ ok: false, fault: 'needs-network' });
  pat.goOnline();
  await world.time.pass(2_000);
  expect(await pat.must('replace-phrase', { old, words })).toBeNull();
  await world.time.pass(2_000);
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
  expect(await pat.must('check-phrase', { words })).toEqual({ right: true, groups: 1 });
  expect(await pat.must('check-phrase', { words: old })).toEqual({ right: false, groups: 0 });
  pat.kill();
  const stale = world.device('With the old words', 'family');
  await stale.boot();
  expect(await stale.must('restore', { words: old, passphrase: PASSPHRASE })).toEqual({ groups: 0 });
  await world.time.pass(60_000);
  expect(stale.view('home', null).groups).toEqual([]);
  const found = world.device('With the new words', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 1 });
  await world.time.pass(3_000);
  const back = groupRef(found, 'Mine');
  await found.openGroup(back);
  expect(found.words(back)).toEqual(['Mine from the start']);
  expect(found.view('group', back).iOwn).toBe(true);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a person’s other devices learn of a new phrase from the recovery row that it opens, and cover groups with it', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  await pat.must('new-group', { name: 'Second', kind: 'family' });
  await world.time.pass(3_000);
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat);
  await world.time.pass(SENT);
  expect(recovery(laptop)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  laptop.goOffline();
  const { words } = await pat.must('propose-phrase', null);
  await pat.must('replace-phrase', { old, words });
  await world.time.pass(SENT);
  laptop.goOnline();
  await world.time.pass(SENT);
  expect(recovery(laptop)).toEqual({ set: true, covered: 2, of: 2, foreign: 0 });
  expect(await laptop.must('check-phrase', { words: old })).toEqual({ right: false, groups: 0 });
  expect(await laptop.must('check-phrase', { words })).toEqual({ right: true, groups: 2 });
  await laptop.must('new-group', { name: 'From the laptop', kind: 'family' });
  await world.time.pass(SENT);
  for (const d of [pat, laptop]) d.kill();
  const found = world.device('With the new words', 'patient');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 3 });
  expect(world.reports).toEqual([]);
}, 60_000);

it('a phrase that a stolen device says took the place of another is not believed, whatever row it names', async () => {
  const world = await World.make();
  const { pat } = await covered(world);
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat);
  await world.time.pass(SENT);
  const run = [...laptop.core!.groups.values()][0]!;
  const theirs = phraseKeys(run.around.random(16));
  const phrase = { id: theirs.id, sk: theirs.sk, kem: theirs.kem.pk };
  const recoveryRow = [...run.state.rows.values()].find((r) => r.rank === 'recovery')!.logPk;
  for (const [row, sk] of [[recoveryRow, run.keys.logSk], [run.keys.logPk, run.keys.logSk]] as const) {
    await run.turns.take(() => laptop.core!.shares.tellPhrase(run, { is: 'phrase', phrase, row, s: signPhraseRow(run.row.id, phrase, sk) }));
  }
  await world.time.pass(SENT);
  const heard = [...pat.core!.groups.values()][0]!.feed.index.shares.filter((x) => x.device === run.ownRow!.device);
  expect(heard).toHaveLength(2);
  expect(hex(pat.core!.personal.shared!.id)).not.toBe(hex(theirs.id));
  expect(recovery(pat)).toEqual({ set: true, covered: 1, of: 1, foreign: 0 });
}, 60_000);

it('a phrase that was being replaced when the line broke goes on being replaced by the same words', async () => {
  const world = await World.make();
  const { pat, words: old } = await covered(world);
  for (const name of ['Second', 'Third']) await pat.must('new-group', { name, kind: 'family' });
  await world.time.pass(3_000);
  expect(recovery(pat)).toMatchObject({ covered: 3, of: 3 });
  const { words } = await pat.must('propose-phrase', null);
  const rhea = new Rhea(world);
  pat.cut();
  await world.time.pass(3_000);
  let entered = 0;
  rhea.down = (f) => (f.is === 'entered' && ++entered > 1 ? [] : [f]);
  const broken = await pat.run('replace-phrase', { old, words });
  expect(broken).toEqual({ ok: false, fault: 'needs-network' });
  rhea.repent();
  await world.time.pass(60_000);
  expect(await pat.must('replace-phrase', { old, words })).toBeNull();
  expect(await pat.must('check-phrase', { words })).toEqual({ right: true, groups: 3 });
  pat.kill();
  const found = world.device('Found', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 3 });
}, 60_000);

it('a group that was planted in the vault, and that its relay knows nothing of, is waited for a week and no longer', async () => {
  const world = await World.make();
  const { pat, words } = await covered(world);
  const { tag, relayPk } = [...pat.core!.groups.values()][0]!.row;
  for (const id of [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]) {
    const planted = plant(pat, { is: 'group', id, tag, relayPk: id[0] === 7 ? relayPk : id, logSeed: new Uint8Array(32).fill(1), kemSeed: new Uint8Array(32).fill(2) });
    await world.time.pass(500);
    expect(await planted).toBe(true);
  }
  pat.kill();
  const found = world.device('Found', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 1 });
  expect(found.core!.arrivals.restores.size).toBe(2);
  await world.time.pass(8 * 86_400_000 / 100);
  found.kill();
  world.time.now += 8 * 86_400_000;
  await found.boot();
  await found.unlock();
  await world.time.pass(5_000);
  expect(found.core!.arrivals.restores.size).toBe(0);
  expect(found.view('home', null).groups.map((g) => g.name)).toEqual(['Mine']);
}, 60_000);

it('a relay that could keep nothing when the phrase was used keeps nobody out: the group comes once it can', async () => {
  const { world, olivia, fay, words, group } = await ward();
  await letIn(world, olivia, group, fay, 'start');
  await world.time.pass(10_000);
  fay.kill();
  const rhea = new Rhea(world);
  let full = true;
  rhea.up = (f, from, answer) => {
    if (!full || from.name !== 'Fay again' || f.is !== 'enter') return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'unavailable', detail: NO_DETAIL });
    return [];
  };
  const found = world.device('Fay again', 'family');
  await found.boot();
  expect(await found.must('restore', { words, passphrase: PASSPHRASE })).toEqual({ groups: 0 });
  full = false;
  await world.time.pass(30_000);
  expect(found.view('home', null).groups.map((g) => g.name)).toEqual(['Ward']);
});

it('a relay that brings items of a vault without end, or others in each new life, fills no device with them', async () => {
  const { world, fay } = await ward();
  const rhea = new Rhea(world);
  let round = 0;
  let frames = 0;
  let most = 0;
  rhea.down = (f, to) => {
    if (to !== fay) return [f];
    if (f.is === 'hello') {
      frames = 0;
      round++;
      return [{ ...f, incarnation: f.incarnation + round }];
    }
    if (f.is !== 'items') return [f];
    const items = Array.from({ length: 1000 }, (_, i) => new TextEncoder().encode(`${round} ${frames} ${i}`) as Bytes);
    return [{ ...f, items, more: ++frames < most }];
  };
  const kept = async (): Promise<number> => (await fay.core!.needStore().range('meta', 'vaulted/')).length;
  const before = await kept();
  most = 10;
  fay.cut();
  await world.time.pass(5_000);
  expect([await kept(), frames]).toEqual([before, 5]);
  most = 3;
  for (let i = 0; i < 3; i++) {
    fay.cut();
    await world.time.pass(5_000);
  }
  expect(await kept()).toBeLessThanOrEqual(LIMIT.items);
  expect(world.reports).toEqual([]);
});
