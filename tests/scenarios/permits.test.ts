/** A relay whose operator says who may begin groups: what a person without a permit keeps, and what becomes of it with one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { permitCode, newPermit } from '../../crypto/permit';
import { ready, type Random } from '../../crypto/sodium';
import { adminPermit } from '../../relay/admin-permit';
import { seeded } from '../support/actor';
import { admit, Seat } from '../support/circle';
import { worldIn } from '../support/restored';
import { Rhea } from '../support/rhea';
import { type Device, type World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

let folder: string;
let world: World;
/** Sees every frame that goes by, and does no harm unless told. */
let rhea: Rhea;
let random: Random;
beforeEach(async () => {
  await ready();
  random = seeded('operator');
  folder = mkdtempSync(join(tmpdir(), 'carefold-permits-'));
  world = await worldIn(folder);
  world.groups = 'permit';
  world.serve(world.relay.log);
  rhea = new Rhea(world);
});
afterEach(async () => {
  expect(world.reports).toEqual([]);
  for (const d of world.devices) d.kill();
  await world.relay.log.close();
  rmSync(folder, { recursive: true, force: true });
});

const admin = (...args: string[]): Promise<string> => adminPermit({ folder, postgres: null, groups: 'permit' }, args, world.time.now, random);
const newCode = async (...args: string[]): Promise<string> => (await admin('new', ...args)).split('\n')[0] as string;
/** How groups were put to the relay so far. */
const creates = (): string[] => rhea.told.map((t) => t.f.is).filter((is) => is.startsWith('create'));
const opened = (d: Device) => d.view('app', null) as Extract<ReturnType<typeof d.view<'app'>>, { phase: 'open' }>;

async function olivia(): Promise<Device> {
  const device = world.device('Olivia', 'clinician');
  await device.setUp();
  await world.time.pass(100);
  return device;
}
async function made(device: Device, name: string): Promise<Seat> {
  const { group } = await device.must('new-group', { name, kind: 'team' });
  const seat = new Seat(device, group);
  await seat.open();
  await world.time.pass(3_000);
  return seat;
}

it('a group made without a permit stays on its device with every word, says so, and begins with the code once it is typed right', async () => {
  const device = await olivia();
  device.goOffline();
  const seat = await made(device, 'Made in a lift');
  expect([seat.view.stored, seat.view.permit]).toEqual([false, null]);
  await seat.post('Written offline');
  await world.time.pass(6_000);
  expect(seat.delivery('Written offline')).toBe('saved');

  const online = world.time.now;
  device.goOnline();
  await world.time.pass(10_000);
  expect(seat.view).toMatchObject({ stored: false, permit: 'none', alarm: null, mayInvite: false, ended: null });
  expect(device.view('home', null).groups).toMatchObject([{ permit: 'none', waiting: 2 }]);
  // nothing pretends to be on its way
  expect(opened(device)).toMatchObject({ permit: 'asked', connection: { state: 'online', waiting: 0, halted: 0, unbegun: 1 } });
  expect(opened(device).connection.lastSynced).toBeGreaterThanOrEqual(online);
  expect(seat.delivery('Written offline')).toBe('halted');
  await seat.post('Written while it waits');
  expect(await device.run('invite', { group: seat.group, history: 'start', days: 3, relationship: '' })).toEqual({ ok: false, fault: 'needs-permit' });

  const code = await newCode();
  const before = creates().length;
  const letters = [...code];
  letters[7] = letters[7] === 'A' ? 'B' : 'A';
  for (const wrong of [letters.join(''), code.slice(1), '']) expect(await device.run('use-permit', { group: seat.group, code: wrong })).toEqual({ ok: false, fault: 'bad-permit' });
  expect([creates().length, seat.view.permit]).toEqual([before, 'none']);
  expect(await device.run('use-permit', { group: seat.group, code: permitCode(newPermit(random)) })).toEqual({ ok: false, fault: 'permit-unknown' });
  expect(seat.view.permit).toBe('unknown');
  await device.restart();
  await seat.open();
  await world.time.pass(3_000);
  expect([seat.words, seat.view.permit]).toEqual([['Written offline', 'Written while it waits'], 'none']);

  expect(await device.run('use-permit', { group: seat.group, code: ` ${code.toLowerCase().replaceAll('-', ' ')} ` })).toEqual({ ok: true, value: { begun: true } });
  await world.time.pass(10_000);
  expect(seat.view).toMatchObject({ stored: true, permit: null, waiting: 0, mayInvite: true });
  expect(['Written offline', 'Written while it waits'].map((w) => seat.delivery(w))).toEqual(['sent', 'sent']);
  expect(opened(device).connection).toMatchObject({ unbegun: 0, waiting: 0 });
});

it('a permit is kept for later groups until it is used up or over, and then asked for anew; one lost answer costs nothing', async () => {
  const device = await olivia();
  const first = await made(device, 'One');
  const code = await newCode('--groups', '2');
  let isLost = false;
  rhea.down = (f) => {
    if (f.is !== 'entered' || isLost) return [f];
    isLost = true;
    return [];
  };
  device.begin('use-permit', { group: first.group, code });
  await world.time.pass(5_000);
  device.cut();
  await world.time.pass(60_000);
  expect([isLost, first.view.stored, opened(device).permit]).toEqual([true, true, 'held']);
  await device.restart();
  const second = await made(device, 'Two');
  expect(second.view).toMatchObject({ stored: true, permit: null });
  const third = await made(device, 'Three');
  expect([third.view.permit, opened(device).permit]).toEqual(['spent', 'asked']);
  expect((JSON.parse(await admin()) as { permits: { groups: number }[] }).permits.map((p) => p.groups)).toEqual([0]);
  // typed again it is still used up; one that its operator ended is told from it
  expect(await device.run('use-permit', { group: third.group, code })).toEqual({ ok: false, fault: 'permit-spent' });
  const ended = await newCode();
  await admin('end', '2');
  expect(await device.run('use-permit', { group: third.group, code: ended })).toEqual({ ok: false, fault: 'permit-ended' });
  expect(await device.run('use-permit', { group: third.group, code: await newCode() })).toEqual({ ok: true, value: { begun: true } });
});

it('a code typed before it is needed, or without a network, is used when it is; a relay that asks for none never sees it', async () => {
  const device = await olivia();
  device.goOffline();
  const seat = await made(device, 'One');
  expect(await device.run('use-permit', { group: seat.group, code: await newCode('--groups', '9') })).toEqual({ ok: true, value: { begun: false } });
  device.goOnline();
  await world.time.pass(5_000);
  expect([seat.view.stored, seat.view.permit]).toEqual([true, null]);
  expect(creates()).toEqual(['create', 'create-by-permit']);
  world.groups = 'open';
  world.serve(world.relay.log);
  device.cut();
  await world.time.pass(5_000);
  expect((await made(device, 'Two')).view.stored).toBe(true);
  expect([creates().slice(2), opened(device).permit]).toEqual([['create'], 'held']);
});

it('whoever has no permit joins as ever, and can let go of a group that was never begun', async () => {
  const device = await olivia();
  const seat = await made(device, 'One');
  await device.must('use-permit', { group: seat.group, code: await newCode() });
  const fay = world.device('Fay', 'family');
  await fay.setUp();
  const joined = await admit(world, seat, fay);
  await joined.post('Hello');
  await world.time.pass(10_000);
  expect(seat.words).toEqual(['Hello']);
  const own = await made(fay, 'Fay’s own');
  expect(own.view.permit).toBe('none');
  await own.post('Never sent');
  expect(opened(fay).connection.unbegun).toBe(1);
  await fay.must('forget-group', { group: own.group });
  await world.time.pass(10);
  expect(opened(fay).connection).toMatchObject({ unbegun: 0, waiting: 0 });
  await fay.restart();
  await world.time.pass(5_000);
  expect(fay.view('home', null).groups.map((g) => g.group)).toEqual([joined.group]);
  expect(await fay.run('forget-group', { group: joined.group })).toEqual({ ok: false, fault: 'not-allowed' });
});

it('the only device is not signed out over words that wait for a permit, before that was said', async () => {
  const device = await olivia();
  const seat = await made(device, 'Made without a permit');
  await seat.post('Kept here alone');
  await world.time.pass(10_000);
  expect(seat.view.permit).toBe('none');
  // the group itself, and the words in it
  expect(device.view('home', null).groups).toMatchObject([{ waiting: 2, stuck: 2, drafts: 0 }]);
  expect(await device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'unsent' });
  expect(seat.words).toEqual(['Kept here alone']);
  // who gives words up has not given the group up
  expect(await device.run('sign-out', { discard: { words: true, groups: false } })).toEqual({ ok: false, fault: 'not-allowed' });
  expect(opened(device).connection).toMatchObject({ unbegun: 1 });
  expect(await device.run('sign-out', { discard: { words: true, groups: true } })).toEqual({ ok: true, value: null });
  expect(device.view('app', null).phase).toBe('signed-out');
});
