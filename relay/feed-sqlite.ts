/**
 * Envelopes of all groups as they lie in SQLite: rows of a group's envelopes, as a page frame carries them. A commit that brought a group few
 * writes them as they came (`fresh`); they wait in memory until there are more. Rows that stay small are merged by and by, so that a
 * newcomer reads few and large ones.
 */
import type { Bytes, Hash } from '../crypto/brand';
import { concat } from '../crypto/bytes';
import { type DeviceHead, storedSize, type StoredEnvelope, writeStored } from '../crypto/frames';
import { HASH, ZERO_HASH } from '../crypto/hash';
import { PackedItem } from '../crypto/packed';
import { Writer } from '../crypto/wire';
import { type Batch, findIn, FULL, pageOf, prevOf, type Unread } from './batch';
import { FRESH_ROWS, type Fresh, packFresh, SPAN, unwritten } from './fresh';
import type { Calls } from './log';
import type { Sqlite } from './sqlite';
import type { Found } from './steps';

/** Indices of devices in one group; far above LIMIT.devices, since an index is given once. */
const DEVICES = 2 ** 20;
const logKey = (g: number, device: number): number => g * DEVICES + device;
/** Heads, and groups' feeds, that are remembered. */
const KEPT = 50_000;
/** Rows at a feed's end that are worth merging: once they are full together, and when it is asked for. */
const ROWS = { full: 32, asked: 8 } as const;
/** Envelopes of a group in one commit that are worth a row of their own. */
const MANY = 8;
/** Bytes that may wait for a row, commits that may come meanwhile, and rows of commits that are no longer needed before they go. */
export const WAITING = 4 * 1024 * 1024;
const COMMITS = 4096;
const SPENT = 64;

/** Of every group its number and its feed's last seq. */
export const FEEDS = `SELECT g, coalesce((SELECT at + count - 1 - g * ${SPAN} FROM batches WHERE at > g * ${SPAN} AND at < (g + 1) * ${SPAN} ORDER BY at DESC LIMIT 1), 0) AS feed FROM groups`;

/** The last run of each log between two: from one log to the next, so that the runs in between are not read. */
const HEADS = `WITH RECURSIVE logs (log) AS (SELECT min(log) FROM runs WHERE log >= ?1 AND log < ?2
  UNION ALL SELECT (SELECT min(r.log) FROM runs r WHERE r.log > logs.log AND r.log < ?2) FROM logs WHERE logs.log IS NOT NULL)
  SELECT r.log, r.last, r.hash FROM logs JOIN runs r ON r.log = logs.log AND r.n = (SELECT max(n) FROM runs WHERE log = logs.log)`;

/** Where a log stands; `roster` is the roster seq that its last envelope names. */
export interface LogEnd { readonly n: number; readonly hash: Hash; readonly roster: number }
/** The end of a group's feed: its last seq, and the rows there that may still be merged. */
interface FeedEnd { seq: number; from: number; rows: number; count: number; bytes: number }
/** What lies in no row of its group yet; `row`: of the commit that brought the first of it. */
interface Coming { readonly first: number; readonly row: number; count: number; bytes: number; readonly packed: Writer; readonly prevs: Writer; readonly runs: Map<number, number> }

export class SqliteFeed {
  private readonly ends = new Map<number, LogEnd>();
  private readonly feeds = new Map<number, FeedEnd>();
  /** The oldest first. */
  private readonly coming = new Map<number, Coming>();
  /** What the open transaction has added. */
  private added: Fresh[] = [];
  private waiting = 0;
  /** Numbers of the next commit's row, and of the oldest that is there. */
  private row = 0;
  private oldest = 0;
  private isKnown = false;

  /** `most`: bytes that may wait. */
  constructor(private readonly db: Sqlite, private readonly most = WAITING) {}

  /** Before anything is asked, inside a transaction: takes up what waits. */
  remember(): void {
    if (this.isKnown) return;
    this.isKnown = true;
    const ends = this.db.one('SELECT min(i) AS oldest, max(i) AS newest FROM fresh') as { readonly oldest: number | null; readonly newest: number | null };
    this.oldest = ends.oldest ?? 0;
    const lost = new Map<number, boolean>();
    for (const f of unwritten(this.db.each(FRESH_ROWS), (g) => this.feed(g).seq)) {
      const isLost = lost.get(f.g) ?? this.db.one('SELECT 1 FROM groups WHERE g = ?', f.g) === undefined;
      lost.set(f.g, isLost);
      if (isLost) continue;
      this.row = f.row;
      this.put(f, true);
    }
    this.row = ends.newest === null ? 0 : ends.newest + 1;
  }

  end(g: number, device: number): LogEnd {
    const log = logKey(g, device);
    const known = this.ends.get(log);
    if (known !== undefined) return known;
    const found = this.db.one('SELECT last, hash, roster FROM runs WHERE log = ? ORDER BY n DESC LIMIT 1', log);
    const end = found ? { n: found['last'] as number, hash: found['hash'] as Hash, roster: found['roster'] as number } : { n: 0, hash: ZERO_HASH, roster: 0 };
    this.ends.set(log, end);
    return end;
  }
  /** Seq of the group's last envelope; 0 when there is none. */
  last(g: number): number {
    return this.feed(g).seq;
  }
  /** What a group's envelopes take. */
  bytes(g: number): number {
    const written = this.db.one('SELECT sum(length(packed)) AS n FROM batches WHERE at > ? AND at < ?', g * SPAN, (g + 1) * SPAN)?.['n'] as number | null | undefined;
    return (written ?? 0) + (this.coming.get(g)?.bytes ?? 0);
  }
  /** Envelope n of a device, if it lies here. */
  find(g: number, device: number, n: number): { readonly seq: number; readonly time: number; readonly envelope: Bytes } | null {
    const c = this.coming.get(g);
    const run = (c?.runs.get(device) ?? Infinity) <= n ? { at: g * SPAN + (c as Coming).first } : this.db.one('SELECT at FROM runs WHERE log = ? AND n <= ? ORDER BY n DESC LIMIT 1', logKey(g, device), n);
    if (!run) return null;
    const batch = this.batch(g, (run['at'] as number) - g * SPAN) as Batch;
    const i = findIn(batch, device, n);
    return i === null ? null : { seq: i.seq, time: i.time, envelope: batch.packed.subarray(i.envelope, i.end) };
  }
  /** Where each log of a group stands. */
  heads(g: number): DeviceHead[] {
    const found = this.db.all(HEADS, logKey(g, 0), logKey(g + 1, 0));
    const heads = new Map(found.map((f) => [(f['log'] as number) % DEVICES, { n: f['last'] as number, hash: f['hash'] as Hash }]));
    for (const device of this.coming.get(g)?.runs.keys() ?? []) heads.set(device, this.end(g, device));
    return [...heads].map(([device, { n, hash }]) => ({ device, n, hash })).filter((h) => h.n > 0).sort((a, b) => a.device - b.device);
  }
  /** The hash before envelope n of a log that goes at least to n − 1. */
  before(g: number, device: number, n: number): Hash | null {
    const end = this.end(g, device);
    if (n > end.n) return n === end.n + 1 ? end.hash : null;
    const there = this.find(g, device, n);
    const batch = there === null ? null : this.batch(g, there.seq);
    return there === null || batch === null ? null : prevOf(batch, there.seq);
  }
  /** From envelope n on, what a log has is no part of it any more; it keeps its place in the feed, so that the feed has no hole. `prev`: the hash before n. */
  setAside(g: number, device: number, n: number, prev: Hash): void {
    this.write(g);
    const log = logKey(g, device);
    const run = this.db.one('SELECT n, at FROM runs WHERE log = ? AND n < ? ORDER BY n DESC LIMIT 1', log, n);
    this.db.run('DELETE FROM runs WHERE log = ? AND n >= ?', log, n);
    if (run) this.db.run('UPDATE runs SET last = ?, hash = ?, roster = 0 WHERE log = ? AND n = ?', n - 1, prev, log, run['n'] as number);
    this.ends.set(log, { n: n - 1, hash: prev, roster: 0 });
  }
  /** Puts the log's next envelope, whose hash is `hash`, at the feed's end; its seq there. */
  add(g: number, { device, n, time, envelope }: Omit<StoredEnvelope, 'seq'>, hash: Hash, roster: number): number {
    const stored: StoredEnvelope = { device, n, seq: this.feed(g).seq + 1, time, envelope };
    const fresh = { g, roster, hash, stored };
    this.put(fresh);
    this.added.push(fresh);
    return stored.seq;
  }
  /** `isKept`: it is only taken up again, which must write nothing: that a disk is full keeps nobody from reading. */
  private put({ g, roster, hash, stored }: Fresh, isKept = false): void {
    const size = storedSize(stored);
    const feed = this.feed(g);
    let c = this.coming.get(g);
    if (!isKept && (feed.count + (c?.count ?? 0) >= FULL.count || feed.bytes + (c?.bytes ?? 0) + size > FULL.bytes)) {
      this.write(g);
      this.fill(g, feed);
      c = undefined;
    }
    const seq = ++feed.seq;
    if (stored.seq !== seq) throw new Error('a commit is out of order');
    if (c === undefined) this.coming.set(g, (c = { first: seq, row: this.row, count: 0, bytes: 0, packed: new Writer(size), prevs: new Writer(HASH), runs: new Map() }));
    writeStored(stored, c.packed);
    c.prevs.fixed(this.end(g, stored.device).hash);
    c.count++;
    c.bytes += size;
    this.waiting += size;
    if (!c.runs.has(stored.device)) c.runs.set(stored.device, stored.n);
    this.ends.set(logKey(g, stored.device), { n: stored.n, hash, roster });
  }

  page({ g, way, from, most }: Calls['page'][0]): Calls['page'][1] {
    const feed = this.last(g);
    return pageOf(this.batches(g, way === 'up', Math.min(from, feed + 1), feed), { way, from, most }, feed);
  }

  /** From the one that holds what is next to `edge`, upwards or downwards. */
  private *batches(g: number, up: boolean, edge: number, feed: number): Iterable<Unread> {
    for (let seq = up ? edge + 1 : edge - 1; seq >= 1 && seq <= feed; ) {
      const b = this.lying(g, seq);
      if (b === null || seq >= b.first + b.count) throw new Error('a feed has a hole');
      yield b;
      seq = up ? b.first + b.count : b.first - 1;
    }
  }
  /** The one that holds a place of the feed. */
  private lying(g: number, seq: number): (Unread & { readonly first: number }) | null {
    const c = this.coming.get(g);
    if (c !== undefined && seq >= c.first) return { first: c.first, count: c.count, bytes: c.bytes, read: () => ({ first: c.first, packed: c.packed.done(), prevs: c.prevs.done() }) };
    // its length is known without a byte of it being read
    const row = this.db.one('SELECT at, count, length(packed) AS bytes FROM batches WHERE at <= ? ORDER BY at DESC LIMIT 1', g * SPAN + seq);
    if (row === undefined) return null;
    const at = row['at'] as number;
    return { first: at - g * SPAN, count: row['count'] as number, bytes: row['bytes'] as number, read: () => batchOf(g, this.db.one('SELECT * FROM batches WHERE at = ?', at) as Found) };
  }
  private batch(g: number, seq: number): Batch | null {
    return this.lying(g, seq)?.read() ?? null;
  }

  /** Before the commit: what it brought goes into rows, of its groups or of its own. */
  flush(): void {
    if (this.ends.size > KEPT || this.feeds.size > KEPT) this.settle();
    // what only reads writes nothing, so that a full disk keeps nobody from reading
    if (this.added.length === 0) return;
    const many = new Map<number, number>();
    for (const f of this.added) many.set(f.g, (many.get(f.g) ?? 0) + 1);
    for (const [g, count] of many) if (count >= MANY) this.write(g);
    const few = this.added.filter((f) => f.stored.seq >= (this.coming.get(f.g)?.first ?? Infinity));
    this.added = [];
    if (few.length > 0) this.db.run('INSERT INTO fresh VALUES (?, ?)', this.row++, packFresh(few));
    // a group that says no more would keep the rows of all commits since
    for (const [g, { row }] of this.coming) {
      if (this.waiting <= this.most && this.row - row <= COMMITS) break;
      this.write(g);
    }
    this.drop(SPENT);
  }
  /** Everything goes into rows of its group; nothing remembered is needed then. */
  settle(): void {
    this.remember();
    this.added = [];
    for (const g of this.coming.keys()) this.write(g);
    this.drop(1);
    this.ends.clear();
    this.feeds.clear();
  }
  /** What waits of a group goes into a row, and the rows at its feed's end become one when there are some. */
  compact(g: number): void {
    this.write(g);
    const feed = this.feed(g);
    if (feed.rows < ROWS.asked) return;
    this.merge(g, feed.from);
    feed.rows = 1;
  }
  private drop(least: number): void {
    const needed = this.coming.values().next().value?.row ?? this.row;
    if (needed - this.oldest < least) return;
    this.db.run('DELETE FROM fresh WHERE i < ?', needed);
    this.oldest = needed;
  }
  /** Nothing of a group stays, here or remembered. */
  purge(g: number): void {
    this.settle();
    this.db.run('DELETE FROM batches WHERE at >= ? AND at < ?', g * SPAN, (g + 1) * SPAN);
    this.db.run('DELETE FROM runs WHERE log >= ? AND log < ?', logKey(g, 0), logKey(g + 1, 0));
  }
  /** After a rollback, or a change made elsewhere, nothing remembered is true. */
  forget(): void {
    this.ends.clear();
    this.feeds.clear();
    this.coming.clear();
    this.added = [];
    this.waiting = 0;
    this.isKnown = false;
  }

  private write(g: number): void {
    const c = this.coming.get(g);
    if (c === undefined) return;
    this.coming.delete(g);
    this.waiting -= c.bytes;
    const at = g * SPAN + c.first;
    this.db.run('INSERT INTO batches VALUES (?, ?, ?, ?)', at, c.count, c.prevs.done(), c.packed.done());
    for (const [device, n] of c.runs) this.putRun(g, device, n, at);
    const feed = this.feed(g);
    // after a start the end of the feed may begin elsewhere than it did
    if (feed.count + c.count > FULL.count || feed.bytes + c.bytes > FULL.bytes) Object.assign(feed, { from: c.first, rows: 0, count: 0, bytes: 0 });
    feed.rows++;
    feed.count += c.count;
    feed.bytes += c.bytes;
    if (feed.count >= FULL.count) this.fill(g, feed);
  }
  /** The rows at a feed's end are full together, and what comes goes into others. */
  private fill(g: number, feed: FeedEnd): void {
    if (feed.rows > ROWS.full) this.merge(g, feed.from);
    Object.assign(feed, { from: feed.seq + 1, rows: 0, count: 0, bytes: 0 });
  }
  private putRun(g: number, device: number, n: number, at: number): void {
    const end = this.end(g, device);
    this.db.run('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)', logKey(g, device), n, end.n, end.hash, end.roster, at);
  }
  /** All rows from feed seq `from` on become one, and so do each log's runs in them. */
  private merge(g: number, from: number): void {
    const at = g * SPAN + from;
    const rows = this.db.all('SELECT count, prevs, packed FROM batches WHERE at >= ? AND at < ? ORDER BY at', at, (g + 1) * SPAN);
    const packed = concat(...rows.map((r) => r['packed'] as Bytes));
    const devices = new Set<number>();
    for (const item = new PackedItem(packed); item.next(); ) devices.add(item.device);
    this.db.run('DELETE FROM batches WHERE at >= ? AND at < ?', at, (g + 1) * SPAN);
    const count = rows.reduce((sum, r) => sum + (r['count'] as number), 0);
    this.db.run('INSERT INTO batches VALUES (?, ?, ?, ?)', at, count, concat(...rows.map((r) => r['prevs'] as Bytes)), packed);
    for (const device of devices) {
      const n = this.firstFrom(g, device, at);
      if (n === null) continue;
      this.end(g, device); // known before the row that says it goes
      this.db.run('DELETE FROM runs WHERE log = ? AND n >= ?', logKey(g, device), n);
      this.putRun(g, device, n, at);
    }
  }
  /** The first envelope of a log that lies in a row from `at` on; null when all that lie there were set aside. */
  private firstFrom(g: number, device: number, at: number): number | null {
    let first: number | null = null;
    for (const run of this.db.each('SELECT n, at FROM runs WHERE log = ? ORDER BY n DESC', logKey(g, device))) {
      if ((run['at'] as number) < at) break;
      first = run['n'] as number;
    }
    return first;
  }

  private feed(g: number): FeedEnd {
    const known = this.feeds.get(g);
    if (known !== undefined) return known;
    const end: FeedEnd = { seq: 0, from: 1, rows: 0, count: 0, bytes: 0 };
    for (const row of this.db.each('SELECT at, count, length(packed) AS bytes FROM batches WHERE at > ? AND at < ? ORDER BY at DESC', g * SPAN, (g + 1) * SPAN)) {
      const first = (row['at'] as number) - g * SPAN;
      const count = row['count'] as number;
      if (end.seq === 0) Object.assign(end, { seq: first + count - 1, from: first + count });
      if (end.count + count > FULL.count || end.bytes + (row['bytes'] as number) > FULL.bytes) break;
      end.from = first;
      end.rows++;
      end.count += count;
      end.bytes += row['bytes'] as number;
    }
    this.feeds.set(g, end);
    return end;
  }
}

const batchOf = (g: number, f: Found): Batch => ({ first: (f['at'] as number) - g * SPAN, packed: f['packed'] as Bytes, prevs: f['prevs'] as Bytes });
