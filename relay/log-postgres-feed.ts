/**
 * Feeds in PostgreSQL. An envelope comes as a row of its own, which lies wherever there was room; `compact` lays full batches together from the
 * feed's beginning on (batch.ts), so that a feed is batches up to somewhere and rows from there.
 */
import type { Bytes, Hash } from '../crypto/brand';
import { concat } from '../crypto/bytes';
import type { StoredEnvelope } from '../crypto/frames';
import { headerOf } from '../crypto/header';
import { LIMIT } from '../crypto/limits';
import { packStored } from '../crypto/packed';
import { type Batch, countOf, findIn, FULL, pageOf, prevOf } from './batch';
import type { Calls } from './log';
import { all, did, type Found, one, type Steps } from './steps';

/** Beyond every feed, and yet a number when a page is added to it. */
const FAR = 2 ** 52;

/**
 * Where a page is cut from: the batch that begins it and the rows behind, or the rows that begin it and the batch behind; rows beyond its bytes are
 * left out, and the running sum needs no byte of them. Pages of a feed that is read from one end so come from one batch each. One statement, so
 * that nothing is laid together in between.
 */
const near = (isUp: boolean): string => {
  const edge = '(SELECT seq FROM edge)';
  const [batch, rows, order] = isUp
    ? [`first <= ${edge} + 1 AND first > ${edge} - ${FULL.count} AND last > ${edge}`, `seq > ${edge} AND seq <= ${edge} + ?`, 'seq']
    : [`first < ${edge} AND first > ${edge} - ${LIMIT.page + FULL.count} AND last >= ${edge} - ?`, `seq < ${edge} AND seq >= ${edge} - ?`, 'seq DESC'];
  const size = 'octet_length(envelope) + 32';
  return `WITH edge AS (SELECT feed, least(?, feed + 1) AS seq FROM groups WHERE g = ?)
    SELECT *, (SELECT feed FROM edge) AS feed FROM (
      (SELECT first AS seq, NULL::bigint AS device, NULL::bigint AS n, NULL::bigint AS time, prevs AS prev, packed AS envelope FROM batches WHERE g = ? AND ${batch} ORDER BY first DESC LIMIT 1)
      UNION ALL
      (SELECT seq, device, n, time, prev, envelope FROM (SELECT *, sum(${size}) OVER (ORDER BY ${order}) - (${size}) AS ahead FROM envelopes WHERE g = ? AND ${rows}) AS there WHERE ahead <= ${LIMIT.pageBytes})
    ) AS near ORDER BY ${order}`;
};
const UP = near(true);
const DOWN = near(false);

export function* page({ g, way, from, most }: Calls['page'][0]): Steps<Calls['page'][1]> {
  const limit = Math.max(1, Math.min(most, LIMIT.page));
  const up = way === 'up';
  const found = yield* all(up ? UP : DOWN, Math.min(from, FAR), g, g, ...(up ? [g] : [limit, g]), limit);
  const feed = (found[0]?.['feed'] as number | undefined) ?? 0;
  return pageOf(following(found, up).map((b) => ({ count: countOf(b), bytes: b.packed.length, read: () => b })), { way, from, most }, feed);
}

/** What was found, the rows as one batch, as far as it follows each other. */
function following(found: readonly Found[], up: boolean): Batch[] {
  const rows = found.filter((f) => f['device'] !== null);
  const laid = found.filter((f) => f['device'] === null).map(batchOf);
  const loose = rows.length === 0 ? [] : [together(up ? rows : rows.toReversed())];
  const [below, above] = [laid[0], loose[0]];
  if (below === undefined || above === undefined) return [...laid, ...loose];
  if (below.first + countOf(below) !== above.first) return up ? laid : loose;
  return up ? [below, above] : [above, below];
}
const batchOf = (f: Found): Batch => ({ first: f['seq'] as number, packed: f['envelope'] as Bytes, prevs: f['prev'] as Bytes });

/** Rows that follow each other as one batch. */
const together = (rows: readonly Found[]): Batch => ({ first: rows[0]?.['seq'] as number, packed: packStored(rows.map(storedIn)).bytes, prevs: concat(...rows.map((f) => f['prev'] as Bytes)) });
const storedIn = (f: Found): StoredEnvelope => ({ device: f['device'] as number, n: numberOf(f), seq: f['seq'] as number, time: f['time'] as number, envelope: f['envelope'] as Bytes });

/** An envelope's number in its log, in rows of `envelopes`. */
function numberOf(f: Found): number {
  if ((f['n'] as number) > 0) return f['n'] as number;
  const read = headerOf(f['envelope'] as Bytes);
  if (!read.ok) throw new Error('a stored envelope cannot be read');
  return read.value.n;
}

export interface Lying { readonly seq: number; readonly time: number; readonly prev: Hash; readonly envelope: Bytes }

/** Envelope n of a log that goes at least so far. */
export function* lying(g: number, device: number, n: number): Steps<Lying | null> {
  const row = yield* one('SELECT seq, time, prev, envelope FROM envelopes WHERE g = ? AND device = ? AND n = ?', g, device, n);
  // from rows to batches it goes, and never back
  if (row !== undefined) return row as unknown as Lying;
  const run = yield* one('SELECT first FROM runs WHERE g = ? AND device = ? AND n <= ? AND last >= ?', g, device, n, n);
  return run === undefined ? null : ((yield* laid(g, run['first'] as number, [{ device, n }]))[0] as Lying);
}

/** Envelopes out of one batch. Throws when one is not in it. */
export function* laid(g: number, first: number, wanted: readonly { readonly device: number; readonly n: number }[]): Steps<readonly Lying[]> {
  const found = yield* one('SELECT first AS seq, prevs AS prev, packed AS envelope FROM batches WHERE g = ? AND first = ?', g, first);
  return wanted.map(({ device, n }) => {
    const batch = batchOf(found as Found);
    const i = findIn(batch, device, n);
    if (i === null) throw new Error('a batch lacks what it holds');
    return { seq: i.seq, time: i.time, prev: prevOf(batch, i.seq), envelope: batch.packed.slice(i.envelope, i.end) as Bytes };
  });
}

/** What a log has from there on is no part of it any more: it keeps its place in the feed, and its number stands only in its header. */
export function* setAside(g: number, device: number, from: number): Steps<null> {
  yield* did('UPDATE envelopes SET n = -seq WHERE g = ? AND device = ? AND n >= ?', g, device, from);
  yield* did('DELETE FROM runs WHERE g = ? AND device = ? AND n >= ?', g, device, from);
  return yield* did('UPDATE runs SET last = ? WHERE g = ? AND device = ? AND last >= ?', from - 1, g, device, from);
}

export function* bytesOf(g: number): Steps<number> {
  const rows = 'coalesce((SELECT sum(octet_length(envelope) + 32) FROM envelopes WHERE g = ?), 0)';
  return Number((yield* one(`SELECT ${rows} + coalesce((SELECT sum(octet_length(packed)) FROM batches WHERE g = ?), 0) AS n`, g, g))?.['n']);
}

/** Lays the oldest rows together when they fill a batch. */
export function* compact({ g }: Calls['compact'][0]): Steps<boolean> {
  // alone in the group: whatever is appended, given back or destroyed waits for a moment
  yield* did('SELECT 1 FROM groups WHERE g = ? FOR UPDATE', g);
  const sizes = yield* all('SELECT seq, octet_length(envelope) + 32 AS size FROM envelopes WHERE g = ? ORDER BY seq LIMIT ?', g, FULL.count + 1);
  let count = 0;
  let bytes = 0;
  for (const f of sizes) {
    bytes += f['size'] as number;
    if (count === FULL.count || (count > 0 && bytes > FULL.bytes)) break;
    count++;
  }
  const last = sizes[count - 1]?.['seq'] as number | undefined;
  if (last === undefined || (count === sizes.length && count < FULL.count)) return false;
  const rows = yield* all('SELECT * FROM envelopes WHERE g = ? AND seq <= ? ORDER BY seq', g, last);
  const { first, packed, prevs } = together(rows);
  yield* did('INSERT INTO batches VALUES (?, ?, ?, ?, ?)', g, first, last, prevs, packed);
  const runs = new Map<number, number[]>();
  for (const f of rows) if ((f['n'] as number) > 0) runs.set(f['device'] as number, [...(runs.get(f['device'] as number) ?? []), f['n'] as number]);
  for (const [device, ns] of runs) yield* did('INSERT INTO runs VALUES (?, ?, ?, ?, ?)', g, device, Math.min(...ns), Math.max(...ns), first);
  yield* did('DELETE FROM envelopes WHERE g = ? AND seq <= ?', g, last);
  return true;
}
