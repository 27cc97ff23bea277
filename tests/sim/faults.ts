/** What goes wrong with devices, disks, clocks, lines, and the relay's process and store. */
import type { CallName } from '../../relay/log';
import { Seat } from '../support/circle';
import { memoryDevice } from '../../src/lib/store/memory';
import { PASSPHRASE } from '../support/linked';
import type { Device } from '../support/world';
import { personOf } from './base';
import { type Doing, ifOpen, posts } from './deeds';
import { asEarlierVersion } from './earlier';
import type { Life } from './life';

/** Of one device, its disk, its clock and its line: they befall people whoever runs the relay. */
export const MISHAPS = ['power-cut', 'full', 'unheard', 'second-tab', 'cache-lost', 'skew', 'lag', 'half-open', 'drop', 'partition'] as const;
export const FAULTS = [
  ...MISHAPS, 'older-disk', 'twin', 'twin', 'evicted', 'evicted', 'earlier-version', 'ask', 'let-in',
  'relay-crash', 'relay-dies', 'relay-dies', 'relay-dies', 'relay-slow', 'relay-refuses', 'relay-full', 'relay-down', 'relay-clock', 'older-relay', 'older-relay'
] as const;
export type Fault = (typeof FAULTS)[number];

const DAY = 86_400_000;
/** A post that may still be taken back has left by then. */
const SENT = 5_800;
/** Ten years. */
const DAYS = 3_653;
/** Calls on the relay's store: it dies at one of them, or at the next of a kind. */
const CALLS: readonly CallName[] = ['append', 'append', 'append', 'enter', 'enter', 'load', 'head', 'page', 'entries', 'lockboxes', 'putBlob', 'give'];

/** Writes. */
const LONG = 300;
function hasNoRoom(device: Device, left: number): void {
  device.fate = () => (left-- > 0 ? 'full' : 'done');
}

interface Copy { readonly disk: Device['disk']; owner: Device | null }
/** A copy of this device's disk; whoever it comes to says what becomes of its writes. */
function copyOf({ device }: Seat): Copy {
  const copy: Copy = { disk: device.disk.copy((w) => copy.owner?.fate(w) ?? 'done'), owner: null };
  return copy;
}
/** Another device with this disk. */
async function onDisk(l: Life, { device, group }: Seat, copy: Copy): Promise<Seat> {
  const again = l.world.device(device.name, device.role, copy.disk);
  copy.owner = again;
  const seat = new Seat(again, group);
  await again.boot();
  await again.unlock();
  if (l.isOpen(seat)) await seat.open();
  return seat;
}
const instead = (l: Life, of: Seat, seat: Seat): void => void (l.seats[l.seats.indexOf(of)] = seat);

const open = {
  'power-cut': async (l, seat) => {
    seat.device.disk.cut(l.draw(8));
    await l.again(seat);
  },
  /** The next writes of this device go wrong, or all for long. */
  full: (l, { device }) => hasNoRoom(device, l.draw(3) === 0 ? LONG : 1 + l.draw(6)),
  unheard: (l, { device }) => {
    let left = 1 + l.draw(6);
    device.fate = () => (left-- > 0 ? 'done-unheard' : 'done');
  },
  /** Another process of the same profile opens the vault: the first is fenced off, does not know it, and its person goes on in it. */
  'second-tab': async (l, seat) => {
    const first = seat.device.core;
    await seat.device.boot();
    await seat.device.unlock();
    await seat.open();
    if (first === null) return;
    l.tabs.push(first);
    for (let i = l.draw(3); i > 0; i--) {
      posts(l, seat, false, first);
      posts(l, seat);
      await l.wait();
    }
  },
  /** The database that holds what is derived is gone, the strict one is there. */
  'cache-lost': async (l, seat) => {
    seat.device.disk.loseCache();
    await l.again(seat);
  },
  /** The profile comes back from a copy that was made some time ago. */
  'older-disk': async (l, seat) => {
    if (l.relayStore.isRestored) return;
    const copy = copyOf(seat);
    await l.wait();
    posts(l, seat);
    await l.wait();
    seat.device.kill();
    l.rolled.add(seat.device.name);
    l.isCopied(seat.device.name);
    const back = await onDisk(l, seat, copy);
    instead(l, seat, back);
  },
  /** The profile was copied, and both copies are used. */
  twin: async (l, seat) => {
    if (l.relayStore.isRestored || l.copied.size > 0 || l.seats.length > 5) return;
    l.isCopied(seat.device.name);
    l.seats.push(await onDisk(l, seat, copyOf(seat)));
  },
  /** The browser throws everything of this device away. Its person comes back by the words on paper, if there are any and the network is there. */
  evicted: async (l, drawn) => {
    const seat = (l.draw(3) > 0 ? l.open.find((s) => l.s.words.has(s.device.name)) : undefined) ?? drawn;
    const { name, role } = seat.device;
    if (l.live.length < 2) return;
    seat.device.kill();
    // a draft is on its device alone
    l.rolled.add(name);
    l.truth.drafts.delete(name);
    const disk = memoryDevice({ fate: (w) => device.fate(w) });
    const device: Device = l.world.device(name, role, disk);
    await device.boot();
    const words = l.s.words.get(personOf(name));
    const back = words === undefined ? null : await device.run('restore', { words, passphrase: PASSPHRASE });
    l.note(`${name} ${back === null ? 'has no words' : back.ok ? 'comes back' : `does not come back: ${back.fault}`}`);
    l.seats.splice(l.seats.indexOf(seat), 1);
    if (back?.ok === true) l.joining.push(device);
    await l.world.time.pass(5_000);
  },
  'earlier-version': async (l, seat) => {
    await asEarlierVersion(seat, l.world.time);
    await l.again(seat);
  },
  /** The clock is set while words wait to be taken back. */
  skew: (l, seat) => {
    posts(l, seat);
    const { device } = seat;
    device.skew = (l.draw(2) === 0 ? -1 : 1) * (l.draw(4) === 0 ? l.draw(DAY) : l.draw(DAYS) * DAY);
  },
  lag: (l, { device }) => {
    l.lines.of(device).lag = [0, 40, 700, 4_000][l.draw(4)] as number;
  },
  'half-open': (l, { device }) => {
    l.lines.of(device).dead = true;
  },
  drop: (l, { device }) => l.lines.drop(device),
  /** Some reach the relay, and the others do not. */
  partition: (l) => {
    for (const s of l.seats) if (l.draw(2) === 0) s.device.goOffline();
  },
  ask: (l, seat) => asks(l, seat),
  'let-in': (l, { device, group, view }) => {
    const r = view.requests[0];
    if (r !== undefined) device.begin('let-in', { group, request: r.request });
  }
} satisfies Partial<Record<Fault, Doing>>;

const relay = {
  'relay-crash': (l) => l.relayStore.crash(l.draw(2) === 0),
  /** At one of the next calls on its store, on a busy day: before that is durable, before or after it is answered. */
  'relay-dies': async (l) => {
    const { log } = l.s;
    const only = l.draw(3) > 0 ? l.pick(CALLS) : undefined;
    let left = l.draw(only === undefined ? 12 : 2);
    const how = l.pick(['lost', 'kept', 'told'] as const) ?? 'lost';
    log.fate = (call) => ((only === undefined || only === call) && left-- === 0 ? how : 'done');
    for (const s of l.live) {
      if (l.draw(2) === 0) posts(l, s, l.draw(6) === 0);
      if (l.draw(4) === 0) s.device.cut();
    }
    const owner = l.live.find((s) => s.view.iOwn);
    if (owner !== undefined && l.draw(3) === 0) owner.device.begin('rename-group', { group: owner.group, name: `Name ${++l.texts}` });
    await l.world.time.pass(SENT);
  },
  /** What comes while it commits is committed together. */
  'relay-slow': (l) => {
    l.s.log.pace = 1 + l.draw(400);
  },
  'relay-refuses': async (l) => {
    let left = 1 + l.draw(5);
    const how = l.draw(2) === 0 ? 'unavailable' : 'done-unheard';
    const only = l.pick(['append', 'append', 'enter', null] as const);
    l.s.log.fate = (call) => ((only === null || only === call) && left-- > 0 ? how : 'done');
    for (const s of l.live) if (l.draw(2) === 0) posts(l, s);
    await l.world.time.pass(SENT);
  },
  /** Its disk is full, now or soon: what is there can be read. A quarter of a minute later somebody has made room. */
  'relay-full': async (l) => {
    const { real } = l.s.log;
    real.hasRoomFor(l.draw(2));
    for (const s of l.live) for (let i = 1 + l.draw(4); i > 0; i--) posts(l, s);
    l.world.time.later(SENT - l.draw(800) + (l.draw(2) * l.draw(20_000)), () => real.hasRoom());
    await l.world.time.pass(SENT);
  },
  /** Its clock is set: receipts never go back, whatever it says. */
  'relay-clock': (l) => {
    l.world.skew = l.pick([-400 * DAY, -DAY, -60_000, 0, 60_000, DAY]) ?? 0;
  },
  'relay-down': (l) => {
    l.world.down = !l.world.down;
    if (l.world.down) for (const s of l.seats) s.device.cut();
  },
  /**
   * Its store is copied, and some time later the copy is put in the store's place. Not where a device was copied too: one that forgot what
   * it sent, and a relay that forgot it as well, cannot know that a number was used.
   */
  'older-relay': async (l) => {
    if (!l.relayStore.hasCopy) return l.relayStore.copy();
    if (l.copied.size > 0) return;
    const full = l.draw(2) === 0 ? l.pick(l.live) : undefined;
    // somebody has what the others say last in memory alone, and no room when all is to be given back
    if (full !== undefined) {
      hasNoRoom(full.device, LONG);
      for (const s of l.live) if (s !== full) posts(l, s);
      await l.world.time.pass(SENT + 1_000);
    }
    await l.relayStore.putBack();
  }
} satisfies Partial<Record<Fault, Doing>>;

async function asks(l: Life, seat: Seat): Promise<void> {
  if (l.joining.some((d) => d.name === 'Gil') || l.seats.length > 5) return;
  const { world } = l;
  let link: string | null = null;
  seat.device.begin('invite', { group: seat.group, history: l.draw(2) === 0 ? 'start' : 'today', days: 3, relationship: '' }, (o) => {
    if (o.ok) ({ link } = o.value);
  });
  await world.time.pass(300);
  if (link === null) return;
  const device = world.device('Gil', 'family');
  await device.setUp();
  const opened = await device.run('open-link', { fragment: new URL(link).hash });
  if (!opened.ok) return;
  const { join } = opened.value;
  l.joining.push(device);
  device.watch('join', join);
  await world.time.pass(200);
  device.begin('ask', { join });
  await world.time.pass(100);
}

export const ILLS: Record<Fault, Doing> = { ...(Object.fromEntries(Object.entries(open).map(([name, doing]) => [name, ifOpen(doing)])) as typeof open), ...relay };
