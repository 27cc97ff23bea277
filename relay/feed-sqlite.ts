/**
 * Envelopes of all groups as they lie in SQLite: a row for the envelopes of a group that one commit brought, as a page frame carries them.
 * Rows that stay small are merged by and by, so that a newcomer reads few and large ones.
 */
import type { Bytes, Hash } from '../crypto/brand';
import { concat } from '../crypto/bytes';
import { type DeviceHead, type Prev, type StoredEnvelope, writeStored } from '../crypto/frames';
import { HASH, ZERO_HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { type PlacedItem, walkPacked } from '../crypto/packed';
import { Writer } from '../crypto/wire';
import type { Calls } from './log';
import type { Sqlite } from './sqlite';

/** Where a group begins: rows are keyed by g·2³² + feed seq of their first, so that a group's feed lies together and grows at its end. */
const SPAN = 2 ** 32;
/** Indices of devices in one group; far above LIMIT.devices, since an index is given once. */
const DEVICES = 2 ** 20;
const logKey = (g: number, device: number): number => g * DEVICES + device;
/** Heads, and groups' feeds, that are remembered. */
const KEPT = 50_000;
/** Envelopes or bytes after which the rows at a feed's end are closed, and how many of them are worth merging. */
const CLOSE = { count: 500, bytes: 160 * 1024, rows: 32 } as const;

/** Where a log stands; `roster` is the roster seq that its last envelope names. */
export interface LogEnd { readonly n: number; readonly hash: Hash; readonly roster: number }
/** The end of a group's feed: its last seq, and the rows there that may still be merged. */
interface FeedEnd { seq: number; from: number; rows: number; count: number; bytes: number }
/** What the open transaction adds to a group. */
interface Coming { readonly first: number; count: number; bytes: number; readonly packed: Writer; readonly prevs: Writer; readonly runs: Map<number, number> }

export class SqliteFeed {
  private readonly ends = new Map<number, LogEnd>();
  private readonly feeds = new Map<number, FeedEnd>();
  private readonly coming = new Map<number, Coming>();

  constructor(private readonly db: Sqlite) {}

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
  /** Envelope n of a device, if it lies here. */
  find(g: number, device: number, n: number): { readonly seq: number; readonly time: number; readonly envelope: Bytes } | null {
    this.write(g);
    const run = this.db.one('SELECT at FROM runs WHERE log = ? AND n <= ? ORDER BY n DESC LIMIT 1', logKey(g, device), n);
    if (!run) return null;
    const row = this.db.one('SELECT packed FROM batches WHERE at <= ? ORDER BY at DESC LIMIT 1', run['at'] as number);
    const packed = row?.['packed'] as Bytes;
    let there: PlacedItem | null = null;
    walkPacked(packed, (i) => {
      if (i.device === device && i.n === n) there = i;
      return there === null;
    });
    const i = there as PlacedItem | null;
    return i === null ? null : { seq: i.seq, time: i.time, envelope: packed.subarray(i.envelope, i.end) };
  }
  /** Where each log of a group stands. */
  heads(g: number): DeviceHead[] {
    this.write(g);
    const found = this.db.all('SELECT log, max(n) AS n, last, hash FROM runs WHERE log >= ? AND log < ? GROUP BY log ORDER BY log', logKey(g, 0), logKey(g + 1, 0));
    return found.map((f) => ({ device: (f['log'] as number) % DEVICES, n: f['last'] as number, hash: f['hash'] as Hash })).filter((h) => h.n > 0);
  }
  /** The hash before envelope n of a log that goes at least to n − 1. */
  before(g: number, device: number, n: number): Hash | null {
    const end = this.end(g, device);
    if (n > end.n) return n === end.n + 1 ? end.hash : null;
    const there = this.find(g, device, n);
    const row = there === null ? undefined : this.db.one('SELECT at, prevs FROM batches WHERE at <= ? ORDER BY at DESC LIMIT 1', g * SPAN + there.seq);
    if (there === null || row === undefined) return null;
    const place = HASH * (g * SPAN + there.seq - (row['at'] as number));
    return (row['prevs'] as Bytes).slice(place, place + HASH) as Hash;
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
  add(g: number, e: Omit<StoredEnvelope, 'seq'>, hash: Hash, roster: number): number {
    const feed = this.feed(g);
    const size = e.envelope.length + 32;
    if ((this.coming.get(g)?.bytes ?? 0) + size > LIMIT.pageBytes) this.write(g);
    const seq = ++feed.seq;
    let c = this.coming.get(g);
    if (c === undefined) this.coming.set(g, (c = { first: seq, count: 0, bytes: 0, packed: new Writer(), prevs: new Writer(), runs: new Map() }));
    writeStored({ ...e, seq }, c.packed);
    c.prevs.fixed(this.end(g, e.device).hash);
    c.count++;
    c.bytes += size;
    if (!c.runs.has(e.device)) c.runs.set(e.device, e.n);
    this.ends.set(logKey(g, e.device), { n: e.n, hash, roster });
    return seq;
  }

  page({ g, way, from, most }: Calls['page'][0]): Calls['page'][1] {
    this.write(g);
    const least = g * SPAN;
    const edge = Math.min(from, SPAN - 1);
    const up = way === 'up';
    const rows = up
      ? this.db.each('SELECT * FROM batches WHERE at >= coalesce((SELECT max(at) FROM batches WHERE at > ?1 AND at <= ?2), ?1) AND at < ?3 ORDER BY at', least, least + edge + 1, least + SPAN)
      : this.db.each('SELECT * FROM batches WHERE at > ? AND at < ? ORDER BY at DESC', least, least + edge);
    const limit = Math.max(1, Math.min(most, LIMIT.page));
    const parts: Bytes[] = [];
    const prevs = new Map<number, Prev & { readonly n: number }>();
    let count = 0;
    let bytes = 0;
    for (const row of rows) {
      const packed = row['packed'] as Bytes;
      const hashes = row['prevs'] as Bytes;
      const first = (row['at'] as number) - least;
      const items: PlacedItem[] = [];
      walkPacked(packed, (i) => (items.push(i), true));
      if (!up) items.reverse();
      let run: { start: number; end: number } | null = null;
      for (const i of items) {
        if (up ? i.seq <= edge : i.seq >= edge) continue;
        bytes += i.end - i.start;
        if (count >= limit || (count > 0 && bytes > LIMIT.pageBytes)) {
          if (run !== null) parts.push(packed.subarray(run.start, run.end));
          return { items: { count, bytes: concat(...parts) }, more: true, prevs: named(prevs) };
        }
        count++;
        const place = HASH * (i.seq - first);
        if (i.n < (prevs.get(i.device)?.n ?? Infinity)) prevs.set(i.device, { device: i.device, n: i.n, prev: hashes.slice(place, place + HASH) as Hash });
        if (!up) parts.push(packed.subarray(i.start, i.end));
        else if (run === null) run = { start: i.start, end: i.end };
        else run.end = i.end;
      }
      if (run !== null) parts.push(packed.subarray(run.start, run.end));
    }
    return { items: { count, bytes: concat(...parts) }, more: false, prevs: named(prevs) };
  }

  /** Writes what the transaction has gathered; before its commit. */
  flush(): void {
    for (const g of [...this.coming.keys()]) this.write(g);
  }
  /** After a rollback, or a change made elsewhere, nothing remembered is true. */
  forget(): void {
    this.ends.clear();
    this.feeds.clear();
    this.coming.clear();
  }

  private write(g: number): void {
    const c = this.coming.get(g);
    if (c === undefined) return;
    this.coming.delete(g);
    const at = g * SPAN + c.first;
    this.db.run('INSERT INTO batches VALUES (?, ?, ?, ?)', at, c.count, c.prevs.done(), c.packed.done());
    for (const [device, n] of c.runs) this.putRun(g, device, n, at);
    const feed = this.feed(g);
    feed.rows++;
    feed.count += c.count;
    feed.bytes += c.bytes;
    if (feed.count < CLOSE.count && feed.bytes < CLOSE.bytes) return;
    if (feed.rows > CLOSE.rows) this.merge(g, feed.from);
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
    const firsts = new Map<number, number>();
    walkPacked(packed, (i) => (firsts.has(i.device) || firsts.set(i.device, i.n), true));
    this.db.run('DELETE FROM batches WHERE at >= ? AND at < ?', at, (g + 1) * SPAN);
    const count = rows.reduce((sum, r) => sum + (r['count'] as number), 0);
    this.db.run('INSERT INTO batches VALUES (?, ?, ?, ?)', at, count, concat(...rows.map((r) => r['prevs'] as Bytes)), packed);
    for (const [device, n] of firsts) {
      this.end(g, device); // known before the row that says it goes
      this.db.run('DELETE FROM runs WHERE log = ? AND n >= ?', logKey(g, device), n);
      this.putRun(g, device, n, at);
    }
  }

  private feed(g: number): FeedEnd {
    const known = this.feeds.get(g);
    if (known !== undefined) return known;
    const end: FeedEnd = { seq: 0, from: 1, rows: 0, count: 0, bytes: 0 };
    for (const row of this.db.each('SELECT at, count, length(packed) AS bytes FROM batches WHERE at > ? AND at < ? ORDER BY at DESC', g * SPAN, (g + 1) * SPAN)) {
      const first = (row['at'] as number) - g * SPAN;
      const count = row['count'] as number;
      if (end.seq === 0) Object.assign(end, { seq: first + count - 1, from: first + count });
      if (end.count + count > CLOSE.count || end.bytes + (row['bytes'] as number) > CLOSE.bytes) break;
      end.from = first;
      end.rows++;
      end.count += count;
      end.bytes += row['bytes'] as number;
    }
    this.feeds.set(g, end);
    return end;
  }
  /** Between transactions: keeps what is remembered within bounds. */
  trim(): void {
    if (this.ends.size > KEPT) this.ends.clear();
    if (this.feeds.size > KEPT) this.feeds.clear();
  }
}

const named = (all: ReadonlyMap<number, Prev>): Prev[] => [...all.values()].map(({ device, prev }) => ({ device, prev }));
