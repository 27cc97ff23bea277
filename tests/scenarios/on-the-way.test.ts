/** Before the updates of a group were ever all here, nothing is said of what is not shown: not that there is nothing, nor that all is here. */
import { expect, it, vi } from 'vitest';
import { admit, cast, type Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import { type Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const home = (d: Device) => d.view('home', null);
const connection = (d: Device) => {
  const app = d.view('app', null);
  if (app.phase !== 'open') throw new Error(app.phase);
  return app.connection;
};
const holdsBack = (rhea: Rhea, name: string): void => void (rhea.up = (f, from) => (from.name === name && f.is === 'fetch' ? [] : [f]));

it('a group that was just joined is opening until its feed was read through, and stays so over a restart without network', async () => {
  const { world, olivia } = await cast(2);
  await olivia.post('Before Dan');
  await world.time.pass(10_000);
  const rhea = new Rhea(world);
  holdsBack(rhea, 'Dan');
  const device = world.device('Dan', 'family');
  await device.setUp();
  const dan = await admit(world, olivia, device);
  await world.time.pass(2_000);
  const told = (s: Seat) => [s.view.opening, home(s.device).groups[0]?.opening, connection(s.device).reading, connection(s.device).lastSynced === null];
  expect(dan.words).toEqual([]);
  expect(told(dan).slice(0, 3)).toEqual([true, true, 1]);
  dan.device.goOffline();
  await dan.device.restart();
  await dan.open();
  expect([dan.view.opening, home(dan.device).groups[0]?.opening]).toEqual([true, true]);
  rhea.repent();
  dan.device.goOnline();
  await world.time.pass(60_000);
  expect(dan.words).toEqual(['Before Dan']);
  expect(told(dan)).toEqual([false, false, 0, false]);
  dan.device.goOffline();
  await dan.device.restart();
  await dan.open();
  expect(dan.view.opening).toBe(false);
  expect(olivia.view.opening).toBe(false);
});

it('groups that the phrase brings back are on their way until each is here, and opening until it was read', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  await olivia.setUp();
  for (const name of ['Ward', 'Clinic']) await olivia.must('new-group', { name, kind: 'team' });
  await world.time.pass(1_000);
  const { words } = await olivia.must('propose-phrase', null);
  await olivia.must('keep-phrase', { words });
  await world.time.pass(5_000);
  olivia.kill();
  const rhea = new Rhea(world);
  const found = world.device('Found', 'family');
  rhea.up = (f, from) => (from.name === 'Found' && f.is === 'roster' ? [] : [f]);
  await found.boot();
  found.watch('home', null);
  let back: unknown = null;
  found.begin('restore', { words, passphrase: 'four quiet lamps over harbour' }, (o) => (back = o));
  await world.time.pass(3_000);
  expect(back).toBeNull();
  found.watch('home', null);
  await world.time.pass(100);
  expect(home(found)).toMatchObject({ groups: [], arriving: 2 });
  expect(connection(found)).toMatchObject({ state: 'online', reading: 2, lastSynced: null });
  holdsBack(rhea, 'Found');
  await world.time.pass(60_000);
  expect(home(found)).toMatchObject({ arriving: 0, groups: [{ opening: true, last: null }, { opening: true, last: null }] });
  expect(connection(found).reading).toBe(2);
  rhea.repent();
  await world.time.pass(60_000);
  expect(home(found).groups.map((g) => g.opening)).toEqual([false, false]);
  expect(connection(found).reading).toBe(0);
});

it('a device of a person without groups says no day on which it was added', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  await olivia.setUp();
  olivia.watch('devices', null);
  await world.time.pass(100);
  expect(olivia.view('devices', null).devices).toMatchObject([{ me: true, added: null, groups: 0 }]);
  await olivia.must('new-group', { name: 'Ward', kind: 'team' });
  await world.time.pass(1_000);
  expect(olivia.view('devices', null).devices).toMatchObject([{ me: true, added: expect.any(Number) as number, groups: 1 }]);
});
