/** A relay without a network: frames in, frames out. Clock, chance and storage are parameters, so that a simulation can hold them. */
import type { Bytes, GroupId } from '../crypto/brand';
import { NONCE, type Refusal, WIRE_VERSION } from '../crypto/frames';
import { GROUP_VERSION } from '../crypto/roster/rules';
import type { Random } from '../crypto/sodium';
import { answer, priceOf } from './answer';
import { commonBearers, type Opened, ownBearers } from './bearers';
import type { Blobs } from './blobs';
import { compact } from './compact';
import { endAged, endConnection } from './ended';
import { Fanout, type Turn } from './fanout';
import { alone, following } from './follow';
import { Groups } from './group';
import { beginAnew } from './heal';
import { type Hints, NO_HINTS } from './hints';
import type { Clock, House, RelayKeys } from './house';
import { type Bucket, Hourly, Paces, RATE } from './limits';
import { ask, type Budget, type Log } from './log';
import { purge, type Purged } from './purge';
import { type Doorbell, Ringing } from './ringing';
import { fits, took, withSpare } from './quota';
import { Connection } from './session';
import { Staging } from './staging';
import type { Tombs } from './tombs';

export interface RelayParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: RelayKeys;
  /** Host of connections that name none themselves; lower case. */
  readonly host?: string;
  /** When gathered frames go out; a microtask unless given. */
  readonly turn?: Turn;
  /** Of a store that several relays share: how they tell each other of what is new. */
  readonly hints?: Hints;
  /** How devices that are away are pushed to; nobody is unless given. */
  readonly doorbell?: Doorbell;
  /** The newest version of groups that it takes; what this code knows unless given. */
  readonly knows?: number;
  /** Who may begin groups: everybody unless given, or whoever shows a permit. */
  readonly groups?: 'open' | 'permit';
  /** Frames a second that one connection or log key may sustain; 0 = no limit. */
  readonly pace?: number;
}

/** One device's end of the relay. */
export interface Wire {
  /** Takes one frame; the milliseconds to wait before giving it the next. */
  receive(frame: Uint8Array): number;
  close(): void;
  /** Whether a key was proven, or a group put there. */
  readonly proven: boolean;
  /** Whether so many frames made no sense, or proofs did not hold, that the connection should end: nothing more is answered. */
  readonly isHopeless: boolean;
}

export interface Relay {
  /**
   * Opens a connection; `hello` is sent during the call. `end` drops it when the relay wants everyone to come anew. With `sendParts` a page is sent
   * as what stands before its items, and its items.
   */
  connect(send: (frame: Bytes) => void, host?: string, end?: () => void, from?: string | null, sendParts?: (head: Bytes, rest: Bytes) => void): Wire;
  /** When this life of the store began, milliseconds since 1970. */
  readonly life: number;
  /** What a bearer opens in a group; null for nothing. */
  opens(bearer: Bytes, group: GroupId): Promise<Opened | 'unavailable' | null>;
  /** How much there is of what; nothing that could name anybody. */
  gauges(): { readonly sessions: number; readonly groups: number; readonly refusals: ReadonlyMap<Refusal, number>; readonly pushes: ReadonlyMap<string, number> };
  /** What a group may still take in attachments: whether so many bytes fit, and that they were taken. */
  spare(o: Pick<Opened, 'group'>): Promise<{ fits(size: number): boolean; took(size: number): void }>;
  /** Milliseconds until a member may leave more attachments; that so many bytes came from it, and whether that was noted. */
  pace(o: Pick<Opened, 'group' | 'member'>): Promise<number | 'unavailable'>;
  charge(o: Pick<Opened, 'group' | 'member'>, bytes: number): Promise<boolean>;
  /** How often each refusal was given. */
  readonly refusals: ReadonlyMap<Refusal, number>;
  readonly log: Log;
  readonly clock: Clock;
  /** Destroys groups whose owners asked for their end, once the grace is over; to be called every hour. `kept`: what this relay's own folder knows of a store that it shares. */
  purge(blobs: Blobs, kept?: Tombs | null): Promise<Purged>;
  /** Lays feeds together of groups that somebody came to since the last time; to be called every hour. */
  compact(): Promise<void>;
  /** Looks in the store for what is not known here, when it is time to; to be called every few seconds. */
  poll(): void;
  /** Pushes to devices whose time has come; to be called every second. */
  ring(): void;
}

export function createRelay(p: RelayParts): Relay {
  const refusals = new Map<Refusal, number>();
  const turn = p.turn ?? queueMicrotask;
  const groups = new Groups(p.log, RATE.idleGroups);
  const fanout = new Fanout(turn);
  const house: House = {
    incarnation: p.log.incarnation,
    knows: p.knows ?? GROUP_VERSION,
    asksPermit: p.groups === 'permit',
    connections: new Set(),
    log: p.log,
    clock: p.clock,
    random: p.random,
    keys: p.keys,
    groups,
    visited: new Set(),
    fanout,
    follow: p.log.isShared ? following(() => house, p.hints ?? NO_HINTS, turn) : alone(() => house),
    ringing: p.doorbell === undefined ? null : new Ringing(() => house, p.doorbell),
    staging: new Staging(),
    founding: new Hourly(),
    paces: new Paces(p.pace ?? RATE.framesPerSecond, p.clock),
    bearers: p.log.isShared ? commonBearers(() => house) : ownBearers(() => house),
    refusals
  };
  p.log.renewed((life) => beginAnew(house, life));
  const count = (why: Refusal): void => void refusals.set(why, (refusals.get(why) ?? 0) + 1);

  return {
    connect(send, host = p.host ?? 'localhost', end, from = null, sendParts) {
      const c = new Connection(host, p.random(NONCE).slice(), send, from, count, p.clock(), end, sendParts);
      house.connections.add(c);
      const own = house.paces.fresh();
      if (p.keys.turns !== undefined && p.keys.turns.length > 0) c.send({ is: 'turns', turns: p.keys.turns });
      c.send({ is: 'hello', version: WIRE_VERSION, relayPk: p.keys.pk, incarnation: house.incarnation, nonce: c.nonce, time: p.clock() });
      return new Line(house, c, own);
    },
    get life() {
      return house.incarnation;
    },
    opens: (bearer, group) => house.bearers.open(bearer, group),
    spare: ({ group }) =>
      new Promise((known) => withSpare(house, group, () => known({ fits: (size) => fits(group, 'blobs', size), took: (size) => took(group, 'blobs', size) }))),
    async pace({ group, member }) {
      if (p.pace === 0) return 0;
      const r = await ask(p.log, 'pace', { g: group.g, budget: attachmentsOf(member, p.clock()) });
      return r.ok ? r.value : 'unavailable';
    },
    async charge({ group, member }, bytes) {
      return p.pace === 0 || (await ask(p.log, 'charge', { g: group.g, budget: attachmentsOf(member, p.clock()), many: bytes })).ok;
    },
    gauges: () => ({ sessions: house.bearers.count, groups: groups.count, refusals, pushes: house.ringing?.pushes ?? new Map() }),
    refusals,
    log: p.log,
    clock: p.clock,
    purge: (blobs, kept = null) => purge(house, blobs, kept),
    compact: () => compact(house),
    poll() {
      house.follow.poll();
      if (p.log.isShared) endAged(house);
    },
    ring: () => house.ringing?.tick()
  };
}

const attachmentsOf = (member: string, now: number): Budget => ({ key: `blobs ${member}`, most: RATE.blobsHourly, now });

/** A class, because there is one for each socket. */
class Line implements Wire {
  constructor(private readonly house: House, private readonly c: Connection, private readonly own: Bucket) {}
  receive(frame: Uint8Array): number {
    // what came behind too many that made no sense is there already when the connection ends
    if (!this.c.isOpen || this.isHopeless) return 0;
    this.c.wait = this.own.take(this.house.clock(), priceOf(frame));
    answer(this.house, this.c, frame);
    return this.c.wait;
  }
  close(): void {
    endConnection(this.house, this.c);
  }
  get proven(): boolean {
    return this.c.proven;
  }
  get isHopeless(): boolean {
    return this.c.malformed > RATE.malformed;
  }
}
