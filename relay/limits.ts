/** How much one device, one member or one connection may ask of the relay. Times in milliseconds. */
import { LIMIT } from '../crypto/limits';

export const RATE = {
  /** Frames that a connection, and a log key over all its connections, may send at once and then each second. */
  framesAtOnce: 4000,
  framesPerSecond: 1000,
  /** Roster appends in an hour, by member and by the owner (PROTOCOL §11). */
  entries: 20,
  entriesByOwner: 200,
  /** The same by recovery rows: enough to end eight devices and all that a thief can add meanwhile, and to come back. */
  recovery: 60,
  recoveryByOwner: 260,
  /** Personal vaults and meetings that one connection may begin, and items that a vault may grow by in an hour. */
  begun: 10,
  items: 600,
  /** Vaults, and meetings, begun from one address in an hour, and items of vaults put from there: a whole hospital may be behind one. */
  begunFrom: 240,
  itemsFrom: 6000,
  /** How long a meeting of two devices lasts, and how many there may be at a time. */
  meet: 15 * 60_000,
  meetings: 2000,
  /** Wants for keys, and answers to them, in an hour by one device. */
  wants: 20,
  answers: 500,
  /** New requests under one invite in an hour. */
  requests: 20,
  /** Places to push to that one device may say in an hour. */
  bells: 20,
  /** A push waits so long at least, so that devices that are here can be passed over. */
  bellAfter: 10_000,
  /** The next push to a device that has not come since. */
  bellGap: 600_000,
  /** Tries of one push, and the wait before the second, which doubles. */
  bellTries: 5,
  bellAgain: 30_000,
  /** The longest that a push service may ask to wait; one that does not answer in time is tried again. */
  bellLongest: 3_600_000,
  bellAnswer: 8_000,
  /** Pushes under way, and waiting. */
  bellAtOnce: 16,
  bellWaiting: 50_000,
  /** Seconds that a push service keeps a push for a device it cannot reach. */
  bellKept: 86_400,
  /** Groups put there by one connection, and from one address in an hour. */
  creates: 50,
  createsFrom: 200,
  /** Permits that nobody made, shown from one address in an hour. */
  permitsFrom: 20,
  /** Entries of a roster after which it takes only those that end something. */
  roster: LIMIT.roster,
  /** Bytes of envelopes that a member may send at once and then each second. */
  bytesAtOnce: 32 * 1024 * 1024,
  bytesPerSecond: 1024 * 1024,
  /** Bytes of attachments that a member may leave in an hour. */
  blobsHourly: 2 * 1024 ** 3,
  /** Attachments of a member that may be on their way at once: their bytes are counted when they have come. */
  uploads: 16,
  /** Attachments that may be on their way to a device at once. */
  downloads: 64,
  /** How long a bearer of attachments lasts that several relays know; before that its connection is ended, so many at a time, so that its device comes for another. */
  bearer: 24 * 3_600_000,
  bearerBefore: 3_600_000,
  awayAtOnce: 100,
  /** Proofs that this relay signed something else (PROTOCOL §7): so many of a group are shown in a minute. */
  proofsShown: 8,
  proofShown: 60_000,
  /** Connections that may come at once and then each second, from one address unless set otherwise, and when to try again, in seconds. */
  comeAtOnce: 2000,
  comePerSecond: 500,
  from: 1000,
  comeAgain: 30,
  /** A request on whose line nothing moves for so long is ended. A proxy takes a megabyte and more at a time for a phone, which takes minutes where its line is slow. */
  stalled: 600_000,
  /** A session has to stand by then. */
  proveWithin: 5_000,
  /** A connection that says nothing for so long is dropped. */
  idle: 75_000,
  /** Logs that are about to end may not grow. */
  hold: 60_000,
  /** Frames that cannot be read, and proofs that do not hold, before the connection ends. */
  malformed: 50,
  /** Bytes of envelopes under way from one connection before it is read more slowly, and how slowly. */
  coming: 4 * 1024 * 1024,
  comingWait: 20,
  /** Proofs of access on one connection, whether they hold or not. */
  proofs: 5000,
  /** Answers that are read from the store for one connection at a time: each may have some hundred kilobytes. */
  reads: 8,
  /** Bytes waiting for a reader before it is heard no more until it takes them, and before it is dropped. */
  unreadAsk: 1024 * 1024,
  unread: 8 * 1024 * 1024,
  /** The same of all connections together before those that have more than an equal part of it are dropped: of 1,000 slow readers each may have a page waiting. */
  unreadByAll: 256 * 1024 * 1024,
  /** Bytes of lockboxes that a session may leave for the entry that follows. */
  staged: 8 * 1024 * 1024,
  /** The same of all sessions together; what has waited longest goes. */
  stagedByAll: 256 * 1024 * 1024,
  /** Blobs that no envelope names are forgotten after this. */
  blobUnnamed: 48 * 3_600_000,
  /** What is being forgotten cannot be put again for so long: by then it has been dropped, or is not. */
  blobGoing: 600_000,
  /** Blobs that the store knows nothing of stay for so long after a restore. */
  strayAfterRestore: 30 * 86_400_000,
  /** Answers to requests are forgotten after this. */
  answer: 30 * 86_400_000,
  /** After a restore the roster takes nothing new until everybody came, the owner did and so long passed, or so long passed. */
  healWithOwner: 24 * 3_600_000,
  healWithout: 7 * 24 * 3_600_000,
  /** Groups without a session that stay in memory. */
  idleGroups: 500
} as const;

/** Fills by `perSecond` up to `most`; what is taken beyond has to be waited for. */
export class Bucket {
  private left: number;
  private at: number;
  constructor(private readonly most: number, private readonly perSecond: number, now: number) {
    this.left = most;
    this.at = now;
  }
  /** Takes one, or so many; the milliseconds to wait before taking another. */
  take(now: number, many = 1): number {
    this.left = Math.min(this.most, this.left + (Math.max(0, now - this.at) * this.perSecond) / 1000) - many;
    this.at = now;
    return this.left >= 0 ? 0 : Math.ceil((-this.left * 1000) / this.perSecond);
  }
  /** Puts back what was taken for nothing. */
  give(many = 1): void {
    this.left += many;
  }
  isFull(now: number): boolean {
    return this.left + ((now - this.at) * this.perSecond) / 1000 >= this.most;
  }
}

/** One bucket for each key; full ones are forgotten. A pace of 0 is no limit. */
export class Paces {
  private readonly buckets = new Map<string, Bucket>();
  constructor(private readonly perSecond: number, private readonly clock: () => number) {}
  fresh(): Bucket {
    return this.make(RATE.framesAtOnce, this.perSecond);
  }
  private make(atOnce: number, perSecond: number): Bucket {
    return this.perSecond === 0 ? new Bucket(Infinity, 0, 0) : new Bucket(atOnce, perSecond, this.clock());
  }
  /** Bytes of a member, whatever device sends them. */
  bytesOf(member: string): Bucket {
    return this.kept(`${member} bytes`, () => this.make(RATE.bytesAtOnce, RATE.bytesPerSecond));
  }
  of(key: string): Bucket {
    return this.kept(key, () => this.fresh());
  }
  private kept(key: string, make: () => Bucket): Bucket {
    const there = this.buckets.get(key);
    if (there !== undefined) return there;
    if (this.buckets.size >= 40_000) for (const [k, b] of this.buckets) if (b.isFull(this.clock())) this.buckets.delete(k);
    const bucket = make();
    this.buckets.set(key, bucket);
    return bucket;
  }
}

/** What is counted, and how many of it there may be within an hour. */
export type Claim = readonly [key: string, most: number];

/** At most so many within an hour, by key. */
export class Hourly {
  private readonly times = new Map<string, number[]>();
  /** Milliseconds until another is allowed; 0 at once. */
  wait(key: string, most: number, now: number): number {
    const recent = (this.times.get(key) ?? []).filter((t) => t > now - 3_600_000);
    if (recent.length === 0) this.times.delete(key);
    else this.times.set(key, recent);
    return recent.length < most ? 0 : (recent[recent.length - most] as number) + 3_600_000 - now;
  }
  count(key: string, now: number): void {
    if (this.times.size >= 20_000) for (const [k, times] of this.times) if ((times.at(-1) ?? 0) <= now - 3_600_000) this.times.delete(k);
    this.times.set(key, [...(this.times.get(key) ?? []), now]);
  }
  /** Counts one of each when all are allowed; otherwise the milliseconds until they are. */
  claim(what: readonly Claim[], now: number): number {
    const wait = Math.max(0, ...what.map(([key, most]) => this.wait(key, most, now)));
    if (wait === 0) for (const [key] of what) this.count(key, now);
    return wait;
  }
  /** Takes back the last that was counted: nothing came of it. */
  uncount(key: string): void {
    const times = (this.times.get(key) ?? []).slice(0, -1);
    if (times.length === 0) this.times.delete(key);
    else this.times.set(key, times);
  }
}
