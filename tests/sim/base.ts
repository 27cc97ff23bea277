/** Groups as they stand when a schedule begins: made once in a process by the real commands, then copied, disk by disk and store by store. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Log } from '../../relay/log';
import { localLog } from '../../relay/log-sqlite';
import type { MemoryDevice } from '../../src/lib/store/memory';
import { circle, Seat } from '../support/circle';
import { groupNamed, link } from '../support/linked';
import { type Device, World } from '../support/world';
import { LogPort } from './log-port';

/** Where the stores of this process lie; whoever started it clears it away. */
const folder = mkdtempSync(join(process.env['SIM_FOLDER'] ?? tmpdir(), 'stores-'));
let stores = 0;
function fresh(): string {
  const of = join(folder, String(++stores));
  mkdirSync(of);
  return join(of, 'relay.db');
}

/** Another store with everything that is durable in this one; in a folder of its own, or at `to`. */
export function copyStore(path: string, to = fresh()): string {
  for (const end of ['', '-wal']) {
    rmSync(`${to}${end}`, { force: true });
    if (existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${to}${end}`);
  }
  rmSync(`${to}-shm`, { force: true });
  return to;
}
export const forget = (path: string): void => rmSync(dirname(path), { recursive: true, force: true });

interface Base {
  readonly now: number;
  readonly store: string;
  /** By person: the words on paper. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  readonly people: readonly { readonly device: Device; readonly disk: MemoryDevice; readonly group: string }[];
}
/** So many people, and so many of them, from the first, with a laptop beside the phone; the second, when `paper`, with a phrase on paper. */
export interface Shape { readonly people: number; readonly laptops: number; readonly paper: boolean }
const made = new Map<string, Promise<Base>>();

async function make({ people, laptops, paper }: Shape): Promise<Base> {
  const store = fresh();
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
  await world.time.pass(60_000);
  for (const s of seats) s.device.kill();
  await world.time.pass(1_000);
  if (log !== null) await (log as Log).close();
  return { now: world.time.now, store, words, people: seats.map((s) => ({ device: s.device, disk: s.device.disk, group: s.group })) };
}

export const laptopOf = (person: string): string => `${person}’s laptop`;
/** Whose device it is. */
export const personOf = (device: string): string => device.replace('’s laptop', '');

export interface Start {
  readonly world: World;
  readonly seats: Seat[];
  readonly log: LogPort;
  readonly store: string;
  readonly words: Base['words'];
}

/** A group of this shape, everyone online. */
export async function start(shape: Shape, seed: string): Promise<Start> {
  const key = JSON.stringify(shape);
  let base = made.get(key);
  if (base === undefined) made.set(key, (base = make(shape)));
  const { now, store: from, words, people: all } = await base;
  const store = copyStore(from);
  const log = new LogPort(localLog(store, now));
  const world = await World.make(seed, () => log);
  log.later = world.time.later;
  world.time.now = now;
  const seats: Seat[] = [];
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
  }
  await world.time.pass(200);
  return { world, seats, log, store, words };
}
