/** Linking in a scenario: both devices, as their person uses them. */
import type { Device, World } from './world';

export const PASSPHRASE = 'four quiet lamps over harbour';

/** As far as the numbers on both screens. */
export async function meet(world: World, fresh: Device, live: Device, name = 'Laptop'): Promise<void> {
  if (fresh.core === null) await fresh.boot();
  fresh.watch('link', null);
  live.watch('link', null);
  await fresh.must('begin-link', { passphrase: PASSPHRASE, name });
  await world.time.pass(50);
  const shown = fresh.view('link', null);
  if (shown.state !== 'showing') throw new Error(`no code but ${JSON.stringify(shown)}`);
  await live.must('read-code', { code: shown.code });
  await world.time.pass(3_000);
}
/** The numbers as both screens show them. */
export const numbers = (...devices: readonly Device[]): (string | null)[] =>
  devices.map((d) => {
    const view = d.view('link', null);
    return view.state === 'compare' ? view.number : null;
  });

/** All of it: the numbers are the same, and the new device is in every group. */
export async function link(world: World, fresh: Device, live: Device, name = 'Laptop'): Promise<void> {
  await meet(world, fresh, live, name);
  const [a, b] = numbers(fresh, live);
  if (a === null || a === undefined || a !== b) throw new Error(`numbers ${a} and ${b}`);
  await live.must('approve-link', null);
  await world.time.pass(20_000);
}
export const groupNamed = (d: Device, name: string): string => {
  const found = d.view('home', null).groups.find((g) => g.name === name);
  if (found === undefined) throw new Error(`${d.name} has no ${name}`);
  return found.group;
};
export const devicesOf = (d: Device) => {
  d.watch('devices', null);
  return d.view('devices', null).devices;
};
