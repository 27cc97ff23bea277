/** Groups as they stand when a schedule begins: made once in a process by the real commands, then copied, disk by disk and store by store. */
import { type Log } from '../../relay/log';
import { localLog } from '../../relay/log-sqlite';
import type { MemoryDevice } from '../../src/lib/store/memory';
import { admit, circle, Seat } from '../support/circle';
import { groupNamed, link } from '../support/linked';
import { type Device, World } from '../support/world';
import { DiskLog } from './disk-log';
import { LogPort } from './log-port';
import { copyStore, freshStore } from './stores';

interface Base {
  readonly now: number;
  readonly store: string;
  /** By person: the words on paper. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  readonly people: readonly { readonly device: Device; readonly disk: MemoryDevice; readonly group: string }[];
  /** The same people's other group, by device; empty when they have none. */
  readonly others: ReadonlyMap<string, string>;
}
/** So many people, and so many of them, from the first, with a laptop beside the phone; the second, when `paper`, with a phrase on paper. `twice`: they have another group too. */
export interface Shape { readonly people: number; readonly laptops: number; readonly paper: boolean; readonly twice: boolean }
const made = new Map<string, Promise<Base>>();

async function make({ people, laptops, paper, twice }: Shape): Promise<Base> {
  const store = freshStore();
  let log: Log | null = null;
  const { world, seats } = await circle(people, 'start', undefined, () => World.make('', (now) => (log = localLog(store, now))));
  const words = new Map<string, readonly string[]>();
  for (const s of paper ? seats.slice(1, 2) : []) {
    const phrase = (await s.device.must('propose-phrase', null)).words;
    await s.device.must('keep-phrase', { words: phrase });
    words.set(s.device.name, phrase);
    await world.time.pass(5_000);
  }
  for (const s of seats.slice(0, laptops)) {
    const laptop = world.device(laptopOf(s.device.name), s.device.role);
    await link(world, laptop, s.device);
    const seat = new Seat(laptop, groupNamed(laptop, s.view.name));
    await seat.open();
    seats.push(seat);
  }
  for (const s of seats) await s.post(`${s.device.name} was here`);
  const others = new Map<string, string>();
  if (twice) {
    const [first, ...rest] = seats as [Seat, ...Seat[]];
    const { group } = await first.device.must('new-group', { name: 'Elsewhere', kind: 'family' });
    const owner = new Seat(first.device, group);
    await owner.open();
    await world.time.pass(100);
    others.set(first.device.name, group);
    for (const s of rest) others.set(s.device.name, (await admit(world, owner, s.device)).group);
  }
  await world.time.pass(60_000);
  for (const s of seats) s.device.kill();
  await world.time.pass(1_000);
  if (log !== null) await (log as Log).close();
  return { now: world.time.now, store, words, others, people: seats.map((s) => ({ device: s.device, disk: s.device.disk, group: s.group })) };
}

export const laptopOf = (person: string): string => `${person}’s laptop`;
/** Whose device it is. */
export const personOf = (device: string): string => device.replace('’s laptop', '');

export interface Start {
  readonly world: World;
  readonly seats: Seat[];
  /** The same devices in the other group. */
  readonly others: Seat[];
  readonly log: LogPort;
  readonly words: Base['words'];
}

/** A group of this shape, everyone online. */
export async function start(shape: Shape, seed: string): Promise<Start> {
  const key = JSON.stringify(shape);
  let base = made.get(key);
  if (base === undefined) made.set(key, (base = make(shape)));
  const { now, store: from, words, people: all, others: elsewhere } = await base;
  const log = new LogPort(new DiskLog(copyStore(from), now));
  const world = await World.make(seed, () => log.process());
  log.later = world.time.later;
  world.time.now = now;
  const seats: Seat[] = [];
  const others: Seat[] = [];
  for (const p of all) {
    const { name, role } = p.device;
    const device = world.device(name, role, p.disk.copy());
    // the copy asks the first device what becomes of a write
    p.device.fate = (w) => device.fate(w);
    await device.boot();
    await device.unlock();
    const seat = new Seat(device, p.group);
    await seat.open();
    seats.push(seat);
    const other = elsewhere.get(name);
    if (other !== undefined) others.push(new Seat(device, other));
    await others.at(-1)?.open();
  }
  await world.time.pass(200);
  return { world, seats, others, log, words };
}
