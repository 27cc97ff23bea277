/** P14: a stolen, unlocked device against the recovery phrase, on the real core and relay. The thief drives a real core as it likes. */
import { expect, it, vi } from 'vitest';
import type { Bytes, LogPk } from '../../crypto/brand';
import { base64url, equal, hex } from '../../crypto/bytes';
import { sealDeviceShare } from '../../crypto/device-name';
import { NO_DETAIL } from '../../crypto/frames';
import { awaiting, claimOf } from '../../src/lib/core/arrivals';
import { changeRoster, planAddRow, planRevoke } from '../../src/lib/core/change';
import { deviceKeys } from '../../src/lib/core/group-rows';
import type { GroupRun } from '../../src/lib/core/group-run';
import { encodeLinkWords } from '../../src/lib/core/link-words';
import { pump, say } from '../../src/lib/core/send';
import { seeded } from '../support/actor';
import { cast, type Seat } from '../support/circle';
import { devicesOf, groupNamed, link, PASSPHRASE } from '../support/linked';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const GROUP = 'Pat’s Updates';
let n = 0;
const seed = (): Bytes => seeded(`a thief ${++n}`)(32);
const run = (d: Device): GroupRun => [...d.core!.groups.values()][0]!;

/** Pat, covered by a phrase, and whose phone is now a thief’s. */
async function stolen(): Promise<{ world: World; olivia: Seat; phone: Device; words: readonly string[] }> {
  const { world, olivia, pat } = await cast(2);
  await pat.post('Mine');
  await world.time.pass(6_000);
  const { words } = await pat.device.must('propose-phrase', null);
  await pat.device.must('keep-phrase', { words });
  await world.time.pass(2_000);
  return { world, olivia, phone: pat.device, words };
}
/** A change of the roster by whoever holds the device. */
async function does(world: World, d: Device, plan: Parameters<typeof changeRoster>[1]): Promise<string | null> {
  const g = run(d);
  const done = g.turns.take(() => changeRoster(g, plan));
  await world.time.pass(1_500);
  return done;
}
/** The thief ends the newest row of the person that is not its own. */
const revokeNewest: Parameters<typeof changeRoster>[1] = (r, at, heads) => {
  const newest = live(r, r.row.tag).filter((x) => x.rank === 'ordinary' && x !== r.ownRow).sort((a, b) => b.from - a.from)[0];
  return newest === undefined ? 'not-found' : planRevoke(newest.logPk)(r, at, heads);
};
const newRow = () => deviceKeys({ logSeed: seed(), kemSeed: seed() });
async function restored(world: World, words: readonly string[], endOthers: boolean): Promise<Device> {
  const found = world.device('Found', 'patient');
  await found.boot();
  await found.must('restore', { words, passphrase: PASSPHRASE, endOthers });
  await world.time.pass(8_000);
  return found;
}
const live = (g: GroupRun, tag: Uint8Array) => [...g.state.rows.values()].filter((r) => equal(r.member, tag as never) && r.end === null);

it('P14 the phrase brings the person back and throws out the stolen device and every row it added, even eight of them', async () => {
  const { world, olivia, phone, words } = await stolen();
  const { tag } = run(phone).row;
  for (let i = 0; i < 7; i++) expect(await does(world, phone, planAddRow(newRow(), 'ordinary'))).toBeNull();
  expect(live(olivia.run, tag).filter((r) => r.rank === 'ordinary')).toHaveLength(8);
  // nobody said that the others are lost: eight are there, so they make room all the same
  const found = await restored(world, words, false);
  const left = live(olivia.run, tag);
  expect(left.map((r) => r.rank).sort()).toEqual(['ordinary', 'recovery']);
  expect(left.some((r) => hex(r.logPk) === hex(run(found).keys.logPk))).toBe(true);
  expect(phone.view('app', null)).toMatchObject({ phase: 'signed-out', why: 'revoked' });
  const back = groupNamed(found, GROUP);
  await found.openGroup(back);
  expect(found.words(back)).toEqual(['Mine']);
  await found.must('post', { group: back, text: 'I am back', photos: [], replyTo: null });
  await world.time.pass(6_000);
  expect(olivia.words).toEqual(['Mine', 'I am back']);
  expect(olivia.view.alarm).toBeNull();
  expect(world.reports).toEqual([]);
}, 60_000);

it('P14 without a word about the others they stay, and with it they go, the thief’s at whatever moment it acts', async () => {
  const acts = ['before', 'adds', 'revokes', 'outranks', 'is-kept'] as const;
  for (const act of acts) {
    for (const at of act === 'adds' ? [4, 5, 6, 7, 8, 9, 10, 11, 12] : [5, 8, 11]) {
      const { world, olivia, phone, words } = await stolen();
      const { tag } = run(phone).row;
      const rhea = new Rhea(world);
      // the thief acts while the person’s nth answer is on its way
      let answers = 0;
      let acted: Promise<unknown> | undefined;
      const thief = run(phone);
      rhea.down = (f, to) => {
        if (to.name === 'Found' && ++answers === at && acted === undefined) {
          const plan = act === 'adds' ? planAddRow(newRow(), 'ordinary') : act === 'revokes' ? revokeNewest : act === 'outranks' ? planAddRow(newRow(), 'recovery') : null;
          acted = plan === null ? Promise.resolve() : thief.turns.take(() => changeRoster(thief, plan)).catch(() => null);
        }
        return [f];
      };
      if (act === 'before') await does(world, phone, planAddRow(newRow(), 'ordinary'));
      const found = await restored(world, words, act !== 'is-kept');
      await acted;
      await world.time.pass(5_000);
      const left = live(olivia.run, tag).filter((r) => r.rank === 'ordinary');
      const mine = run(found).keys.logPk;
      if (act === 'is-kept') expect(left).toHaveLength(2);
      else {
        expect(left.map((r) => hex(r.logPk))).toEqual([hex(mine)]);
        expect(phone.view('app', null).phase).toBe('signed-out');
      }
      expect(live(olivia.run, tag).filter((r) => r.rank === 'recovery')).toHaveLength(1);
      const back = groupNamed(found, GROUP);
      await found.openGroup(back);
      expect(found.words(back)).toEqual(['Mine']);
    }
  }
}, 120_000);

it('P14 a group that the thief handed over stays with whom it was handed to, and the person stays in it', async () => {
  const { world, olivia, pat } = await cast(2);
  const { words } = await olivia.device.must('propose-phrase', null);
  await olivia.device.must('keep-phrase', { words });
  await world.time.pass(2_000);
  await olivia.device.must('offer-owner', { group: olivia.group, member: pat.view.me });
  await world.time.pass(300);
  await pat.device.must('accept-owner', { group: pat.group });
  await world.time.pass(300);
  const found = await restored(world, words, true);
  const back = groupNamed(found, GROUP);
  await found.openGroup(back);
  expect([found.view('group', back).iOwn, pat.view.iOwn]).toEqual([false, true]);
  expect(olivia.device.view('app', null).phase).toBe('signed-out');
  // an offer that nobody took yet goes with the device that made it
  const { world: w2, olivia: o2, pat: p2 } = await cast(2);
  const kept = await o2.device.must('propose-phrase', null);
  await o2.device.must('keep-phrase', kept);
  await w2.time.pass(2_000);
  await o2.device.must('offer-owner', { group: o2.group, member: p2.view.me });
  await w2.time.pass(300);
  await restored(w2, kept.words, true);
  expect(p2.view.offer).toBeNull();
  expect(await p2.device.run('accept-owner', { group: p2.group })).toEqual({ ok: false, fault: 'changed-meanwhile' });
}, 60_000);

it('P14 a stolen device cannot put another recovery row over the phrase’s, and one it put where there was none is not counted as covered', async () => {
  const { world, olivia, phone, words } = await stolen();
  expect(await does(world, phone, planAddRow(newRow(), 'recovery'))).toBe('refused-by-relay');
  const recovery = live(olivia.run, run(phone).row.tag).find((r) => r.rank === 'recovery')!;
  expect(await does(world, phone, planRevoke(recovery.logPk as LogPk))).toBe('not-allowed');
  // a group without one: the thief is quicker than the phrase
  phone.core!.personal.cover = async () => undefined;
  await phone.must('new-group', { name: 'Later', kind: 'family' });
  await world.time.pass(1_000);
  const later = [...phone.core!.groups.values()].find((g) => g.shown.group.name === 'Later')!;
  expect(await later.turns.take(async () => {
    const done = changeRoster(later, planAddRow(newRow(), 'recovery'));
    await world.time.pass(1_500);
    return done;
  })).toBeNull();
  const app = phone.view('app', null);
  expect(app.phase === 'open' && app.recovery).toEqual({ set: true, covered: 1, of: 2, foreign: 1 });
  expect(await phone.must('check-phrase', { words })).toEqual({ right: true, groups: 1 });
}, 60_000);

it('a restore without a word about the others leaves them in, and the list shows them to be ended one by one', async () => {
  const { world, olivia, phone, words } = await stolen();
  const found = await restored(world, words, false);
  await world.time.pass(5_000);
  expect(phone.view('app', null).phase).toBe('open');
  expect(devicesOf(found).map((d) => [d.me, d.state])).toEqual([[true, 'live'], [false, 'live']]);
  await found.must('revoke-device', { device: devicesOf(found)[1]!.device });
  await world.time.pass(3_000);
  expect(phone.view('app', null)).toMatchObject({ phase: 'signed-out', why: 'revoked' });
  expect(live(olivia.run, run(found).row.tag)).toHaveLength(2);
}, 60_000);

it('a power cut at any write of a first run or a restore leaves a device that starts over cleanly, or one that is done', async () => {
  const { world, phone, words } = await stolen();
  phone.kill();
  for (const what of ['set-up', 'restore'] as const) {
    for (let cut = 1; cut <= 6; cut++) {
      const d = world.device(`Cut ${what} ${cut}`, 'patient');
      await d.boot();
      let writes = 0;
      d.fate = () => (++writes >= cut ? 'lost' : 'done');
      const again = (): Promise<unknown> => (what === 'set-up' ? d.run('set-up', { name: 'Pat', role: 'patient', passphrase: PASSPHRASE }) : d.run('restore', { words, passphrase: PASSPHRASE }));
      await again();
      d.kill();
      d.fate = () => 'done';
      await d.boot();
      const { phase } = d.view('app', null);
      expect(['new', 'locked']).toContain(phase);
      if (phase === 'new') expect(await again()).toMatchObject({ ok: true });
      else await d.unlock();
      await world.time.pass(8_000);
      const app = d.view('app', null);
      expect(app.phase === 'open' && app.profile.name).toBe('Pat');
      if (what === 'restore') expect(d.view('home', null).groups.map((g) => g.name)).toEqual([GROUP]);
      d.kill();
    }
  }
}, 60_000);

it('P13 what a device says that is reported lost is not heard, even where the relay does not end it yet, and under whatever name', async () => {
  const { world, pat } = await cast(2);
  await pat.device.must('name-device', { name: 'Phone' });
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat.device);
  await pat.device.must('new-group', { name: 'Sisters', kind: 'family' });
  await world.time.pass(10_000);
  const of = (d: Device, name: string): GroupRun => d.core!.groups.get(groupNamed(d, name)) as GroupRun;
  const [shared, sisters] = [of(pat.device, GROUP), of(laptop, 'Sisters')];
  laptop.goOffline();
  // the thief lets the laptop add a row of the thief's own to the other group
  const { core } = pat.device;
  const { id, tag } = sisters.row;
  const row = claimOf(awaiting({ id, relayPk: sisters.row.relayPk!, tag, adder: sisters.keys.logPk, recovery: null }, core!.ports));
  const words = encodeLinkWords({ is: 'claims', device: seed().subarray(0, 16), rows: [row] });
  const s = base64url(sealDeviceShare(core!.person!.seed, shared.row.id, shared.keys.logPk, words, seeded('a share')));
  await shared.turns.take(async () => {
    await say(shared, (at) => ({ ...at, t: 'share', s }));
    await pump(shared);
  });
  await world.time.pass(10_000);
  const rhea = new Rhea(world);
  rhea.up = (f, from, answer) => {
    if (f.is !== 'enter' || from !== laptop || !equal(f.group, shared.row.id)) return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'rate', detail: { ...NO_DETAIL, fence: 60_000 } });
    return [];
  };
  await laptop.must('revoke-device', { device: devicesOf(laptop).find((d) => d.name === 'Phone')!.device });
  laptop.goOnline();
  await world.time.pass(30_000);
  expect(live(of(laptop, GROUP), of(laptop, GROUP).row.tag)).toHaveLength(2);
  expect(live(of(laptop, 'Sisters'), tag).map((r) => hex(r.logPk))).toEqual([hex(of(laptop, 'Sisters').keys.logPk)]);
}, 60_000);
