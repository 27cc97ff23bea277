/** The end of a group for everyone, and groups that an app is too old for: real devices on a real relay. */
import { expect, it, vi } from 'vitest';
import type { RelayPk } from '../../crypto/brand';
import { decodeFromRelay, encodeFromRelay, type FromRelay } from '../../crypto/frames';
import { type Receipt, signDestroyed } from '../../crypto/receipt';
import { DESTROY_GRACE } from '../../crypto/roster/rules';
import { chainHead } from '../../crypto/roster/state';
import { signPair } from '../../crypto/verify';
import { memoryBlobs } from '../../relay/blobs';
import { changeRoster } from '../../src/lib/core/change';
import { seeded } from '../support/actor';
import { admit, cast, type Seat } from '../support/circle';
import { link } from '../support/linked';
import { HOST, type World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const NAME = 'Pat’s Updates';
const end = (s: Seat) => s.device.run('end-group', { group: s.group });
/** The grace passes in one leap, and the relay does what it does every hour. */
async function wait(world: World): Promise<void> {
  world.time.now += DESTROY_GRACE;
  await world.relay.purge(memoryBlobs());
  await world.time.pass(200);
}
/** What a device hears, changed on the way; null is not heard. */
function between(world: World, to: Seat, change: (f: FromRelay) => FromRelay | null): void {
  world.connect = (device, send, ended) =>
    world.relay.connect((frame) => {
      const f = decodeFromRelay(frame);
      const heard = !f.ok || device !== to.device ? null : change(f.value);
      if (device !== to.device || !f.ok) send(frame);
      else if (heard !== null) send(encodeFromRelay(heard));
    }, HOST, ended);
}

it('the owner ends a group for everyone: all see the day, nobody else can, and it can be called off until then', async () => {
  const { world, olivia, pat } = await cast(2);
  expect(await end(pat)).toEqual({ ok: false, fault: 'not-allowed' });
  expect(await end(olivia)).toMatchObject({ ok: true });
  await world.time.pass(200);
  const ending = { asked: world.time.now, from: world.time.now + DESTROY_GRACE };
  for (const s of [olivia, pat]) {
    const seen = s.view.ending;
    expect(Math.abs((seen?.from ?? 0) - ending.from)).toBeLessThan(5_000);
    expect(s.view.ended).toBeNull();
  }
  await pat.post('Still here');
  await world.time.pass(SENT);
  expect(olivia.words).toEqual(['Still here']);
  expect(await pat.device.run('keep-group', { group: pat.group })).toEqual({ ok: false, fault: 'not-allowed' });
  await olivia.device.must('keep-group', { group: olivia.group });
  await world.time.pass(200);
  expect([olivia.view.ending, pat.view.ending]).toEqual([null, null]);
  await wait(world);
  expect([olivia.view.ended, pat.view.ended]).toEqual([null, null]);
  expect(world.reports).toEqual([]);
});

it('once the grace is over the relay destroys it, and each device keeps what it had read until its person takes it off', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  await olivia.post('Everybody read this');
  await world.time.pass(SENT);
  // Fay hears of nothing until all is gone
  fay.device.goOffline();
  await end(olivia);
  await world.time.pass(200);
  await fay.post('Written too late');
  await wait(world);
  for (const s of [olivia, pat]) expect([s.view.ended, s.view.destroyed, s.words]).toEqual(['destroyed', expect.closeTo(world.time.now, -4), ['Everybody read this']]);
  fay.device.goOnline();
  await world.time.pass(5_000);
  expect([fay.view.ended, fay.view.alarm, fay.words]).toEqual(['destroyed', null, ['Everybody read this', 'Written too late']]);
  expect(fay.delivery('Written too late')).toBe('unsent');
  // it stays so, whatever connects again
  await pat.device.restart();
  await pat.open();
  await world.time.pass(2_000);
  expect([pat.view.ended, pat.words]).toEqual(['destroyed', ['Everybody read this']]);
  await pat.device.must('forget-group', { group: pat.group });
  expect(world.reports).toEqual([]);
});

it('a device whose clock is years behind calls nobody a liar for it, and learns of the end once its clock is right', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.skew = -3 * 365 * 86_400_000;
  await end(olivia);
  await world.time.pass(200);
  await wait(world);
  pat.device.goOffline();
  pat.device.goOnline();
  await world.time.pass(5_000);
  expect([olivia.view.ended, pat.view.ended, pat.view.alarm]).toEqual(['destroyed', null, null]);
  pat.device.skew = 0;
  await world.time.pass(3_700_000);
  expect([pat.view.ended, pat.view.alarm]).toEqual(['destroyed', null]);
  expect(world.reports).toEqual([]);
});

it('a relay that says so of a group whose owner never asked, or long before its time, is not believed', async () => {
  const { world, olivia, pat } = await cast(2);
  const pair = signPair(seeded('relay')(32));
  const word = (time: number, sk = pair.sk): Receipt =>
    signDestroyed(pat.run.row.id, { relayPk: pair.pk as RelayPk, incarnation: pat.run.row.incarnation, seq: pat.run.state.seq, chain: chainHead(pat.run.state), time }, sk);
  const lies = async (receipt: () => Receipt): Promise<unknown> => {
    between(world, pat, (f) => (f.is === 'welcome' ? { is: 'destroyed', re: f.re, group: f.group, receipt: receipt() } : f));
    pat.device.goOffline();
    await world.time.pass(100);
    pat.device.goOnline();
    await world.time.pass(3_000);
    return [pat.view.ended, pat.view.alarm];
  };
  expect(await lies(() => word(world.time.now + 2 * DESTROY_GRACE))).toEqual([null, 'rollback']);
  between(world, pat, (f) => f);
  pat.device.goOffline();
  await end(olivia);
  pat.device.goOnline();
  await world.time.pass(8_000);
  expect([pat.view.ending === null, pat.view.alarm]).toEqual([false, null]);
  expect(await lies(() => word(world.time.now + DESTROY_GRACE / 2))).toEqual([null, 'rollback']);
  expect(await lies(() => word(world.time.now + 2 * DESTROY_GRACE, signPair(seeded('mallory')(32)).sk))).toEqual([null, 'rollback']);
  // no moment that has not come yet
  expect(await lies(() => word(world.time.now + 2 * DESTROY_GRACE))).toEqual([null, 'rollback']);
  world.time.now += 2 * DESTROY_GRACE;
  expect(await lies(() => word(world.time.now))).toEqual(['destroyed', null]);
});

it('a relay cannot end a group by naming entries that a device has not seen, before thirty days since the newest that it has', async () => {
  const { world, pat } = await cast(2);
  const pair = signPair(seeded('relay')(32));
  const lie = async (time: number): Promise<unknown> => {
    const { row, state } = pat.run;
    const receipt = signDestroyed(row.id, { relayPk: pair.pk as RelayPk, incarnation: row.incarnation, seq: state.seq + 1, chain: chainHead(state), time }, pair.sk);
    between(world, pat, (f) => (f.is === 'welcome' ? { is: 'destroyed', re: f.re, group: f.group, receipt } : f));
    pat.device.goOffline();
    await world.time.pass(100);
    pat.device.goOnline();
    await world.time.pass(3_000);
    return [pat.view.ended, pat.view.alarm];
  };
  expect(await lie(world.time.now)).toEqual([null, 'rollback']);
  expect(await lie(world.time.now + 2 * DESTROY_GRACE)).toEqual([null, 'rollback']);
  // and all is well once it stops
  between(world, pat, (f) => f);
  pat.device.goOffline();
  pat.device.goOnline();
  await world.time.pass(8_000);
  expect([pat.view.ended, pat.view.alarm]).toEqual([null, null]);
});

const raise = (s: Seat): Promise<unknown> => s.run.turns.take(() => changeRoster(s.run, () => ({ body: { kind: 'upgrade', version: 2 }, boxes: [], keys: null })));

it('a group that goes on to a version that an app does not know stops there on that device, loses nothing, and goes on once the app is updated', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  world.knows = 2;
  world.serve(world.relay.log);
  for (const s of [olivia, pat, fay]) s.device.goOffline();
  for (const s of [olivia, fay]) {
    s.device.knows = 2;
    await s.device.restart();
    await s.open();
    s.device.goOnline();
  }
  pat.device.goOnline();
  await world.time.pass(5_000);
  await pat.post('Before');
  await world.time.pass(SENT);
  const raised = raise(olivia);
  await world.time.pass(500);
  expect(await raised).toBeNull();
  expect([olivia.view.outdated, pat.view.outdated, fay.view.outdated]).toEqual([null, 'group', null]);
  await pat.post('Waits for the update');
  await fay.post('After');
  await olivia.device.must('rename-group', { group: olivia.group, name: 'Renamed since' });
  await world.time.pass(SENT);
  expect([pat.words, pat.view.name, pat.view.alarm, pat.delivery('Waits for the update')]).toEqual([['Before', 'Waits for the update'], NAME, null, 'halted']);
  expect(fay.words).toEqual(['Before', 'After']);
  expect(await pat.device.run('leave', { group: pat.group })).toMatchObject({ ok: false });
  // the old app, started again, stops at the same place; so does whoever follows a link into the group
  await pat.device.restart();
  await pat.open();
  await world.time.pass(5_000);
  expect([pat.view.outdated, pat.words]).toEqual(['group', ['Before', 'Waits for the update']]);
  const old = world.device('Dan', 'family');
  await old.setUp();
  await expect(admit(world, olivia, old)).rejects.toThrow('Dan never asked');
  pat.device.knows = 2;
  await pat.device.restart();
  await pat.open();
  await world.time.pass(10_000);
  expect([pat.view.outdated, pat.view.name, [...pat.words].sort()]).toEqual([null, 'Renamed since', ['After', 'Before', 'Waits for the update']]);
  expect(fay.words).toContain('Waits for the update');
  expect(world.reports).toEqual([]);
});

/** The owner's app is updated and raises the group beyond what the other's knows. */
async function outgrow(world: World, owner: Seat, other: Seat): Promise<void> {
  world.knows = 2;
  world.serve(world.relay.log);
  for (const s of [owner, other]) s.device.goOffline();
  owner.device.knows = 2;
  await owner.device.restart();
  await owner.open();
  for (const s of [owner, other]) s.device.goOnline();
  await world.time.pass(5_000);
  const raised = raise(owner);
  await world.time.pass(SENT);
  expect(await raised).toBeNull();
  expect(other.view.outdated).toBe('group');
}

it('nobody is told to wait for the network where only an update of the app lets a device sign out', async () => {
  const { world, olivia, pat } = await cast(2);
  await link(world, world.device('', 'family'), pat.device, 'Tablet');
  await outgrow(world, olivia, pat);
  // its row there could not be ended: the other device would show it for ever
  expect(await pat.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'outdated' });
  expect(pat.device.view('app', null).phase).toBe('open');
  pat.device.knows = 2;
  await pat.device.restart();
  await world.time.pass(10_000);
  await pat.device.must('sign-out', { discard: { words: false, groups: true } });
  expect(pat.device.view('app', null).phase).toBe('signed-out');
  expect(world.reports).toEqual([]);
});

it('the last device of somebody signs out of a group that it is too old for', async () => {
  const { world, olivia, pat } = await cast(2);
  await outgrow(world, olivia, pat);
  await pat.device.must('sign-out', { discard: { words: false, groups: true } });
  expect(pat.device.view('app', null).phase).toBe('signed-out');
});

it('an envelope of a version that an app does not know holds its own log alone, and the person is asked to update', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  let isNew = true;
  const device = fay.run.ownRow?.device;
  // as a newer app would write it: one byte says so, and nothing else of it can be read
  between(world, pat, (f) => (f.is === 'page' && isNew ? { ...f, items: f.items.map((i) => (i.device === device ? { ...i, envelope: Uint8Array.from(i.envelope, (b, at) => (at === 0 ? 2 : b)) } : i)) } : f));
  pat.device.goOffline();
  await fay.post('In a newer way');
  await world.time.pass(SENT);
  pat.device.goOnline();
  await olivia.post('As ever');
  await world.time.pass(SENT);
  expect([pat.words, pat.view.outdated, pat.view.alarm]).toEqual([['As ever'], 'log', null]);
  await pat.post('I can write');
  await world.time.pass(SENT);
  expect(pat.delivery('I can write')).toBe('sent');
  isNew = false;
  await pat.device.restart();
  await pat.open();
  await world.time.pass(90_000);
  expect([[...pat.words].sort(), pat.view.outdated]).toEqual([['As ever', 'I can write', 'In a newer way'], null]);
});
