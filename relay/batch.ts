/** Envelopes that lie together in a feed, as a page frame carries them, each with the hash of the one before it in its log: what engines keep and pages are cut from. */
import type { Bytes, Hash } from '../crypto/brand';
import { concat } from '../crypto/bytes';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { PackedItem } from '../crypto/packed';
import type { Calls } from './log';

/** `first`: feed seq of the first of them. */
export interface Batch { readonly first: number; readonly packed: Bytes; readonly prevs: Bytes }
/** How many envelopes and bytes of them lie in a batch that is yet to be read. */
export interface Unread { readonly count: number; readonly bytes: number; read(): Batch }

/** Envelopes or bytes of which a batch is full: what a page takes, so that a feed that is read from its beginning has a batch for each page. */
export const FULL = { count: LIMIT.page, bytes: LIMIT.pageBytes } as const;

export const countOf = (b: Batch): number => b.prevs.length / HASH;
/** The hash before an envelope of the batch in its log. */
export const prevOf = (b: Batch, seq: number): Hash => b.prevs.slice(HASH * (seq - b.first), HASH * (seq - b.first + 1)) as Hash;

/** Where envelope n of a device lies, if it does: the last of them, since what was set aside lies before what counts. */
export function findIn({ packed }: Batch, device: number, n: number): { readonly seq: number; readonly time: number; readonly envelope: number; readonly end: number } | null {
  let there = null;
  for (const i = new PackedItem(packed); i.next(); ) if (i.device === device && i.n === n) there = { seq: i.seq, time: i.time, envelope: i.envelope, end: i.end };
  return there;
}

/**
 * As many as fit into a page, or somewhat fewer, upwards from behind `edge` or downwards from before it, out of batches that follow each other that
 * way in a feed of `feed` envelopes without a hole. A page that is half full ends before a batch that does not go into it as a whole, which would be
 * read for what is left, and then again. The bytes may be a batch's own.
 */
export function pageOf(batches: Iterable<Unread>, { way, from, most }: Pick<Calls['page'][0], 'way' | 'from' | 'most'>, feed: number): Calls['page'][1] {
  const up = way === 'up';
  const edge = Math.min(from, feed + 1);
  const limit = Math.max(1, Math.min(most, LIMIT.page));
  const parts: Bytes[] = [];
  /** Of each device the earliest that is taken. */
  const earliest = new Map<number, { readonly n: number; readonly b: Batch; readonly i: number }>();
  let count = 0;
  let bytes = 0;
  for (const next of batches) {
    const isBeyond = count + next.count > limit || bytes + next.bytes > LIMIT.pageBytes;
    if (isBeyond && (count >= limit / 2 || bytes >= LIMIT.pageBytes / 2)) break;
    const b = next.read();
    const { packed } = b;
    const { starts, devices, ns } = layoutOf(packed);
    const begin = up ? Math.max(0, edge + 1 - b.first) : Math.min(ns.length, edge - b.first) - 1;
    let i = begin;
    for (; i >= 0 && i < ns.length && count < limit; i += up ? 1 : -1) {
      const [start, end, device, n] = [starts[i] as number, starts[i + 1] as number, devices[i] as number, ns[i] as number];
      if (count > 0 && bytes + end - start > LIMIT.pageBytes) break;
      count++;
      bytes += end - start;
      if (n < (earliest.get(device)?.n ?? Infinity)) earliest.set(device, { n, b, i });
      if (!up) parts.push(packed.subarray(start, end));
    }
    if (up && i > begin) parts.push(packed.subarray(starts[begin], starts[i]));
    if (up ? i < ns.length : i >= 0) break;
  }
  return {
    items: { count, bytes: together(parts) },
    more: count > 0 && (up ? edge + count < feed : edge - count > 1),
    prevs: [...earliest].map(([device, { b, i }]) => ({ device, prev: prevOf(b, b.first + i) }))
  };
}

/** One part as it lies, where most of what it lies in is wanted: a small one would keep the whole of it in memory until it was sent. */
function together(parts: readonly Bytes[]): Bytes {
  const [one] = parts;
  return parts.length === 1 && one !== undefined && one.length * 2 >= one.buffer.byteLength ? one : concat(...parts);
}

/** Where each item of a batch begins, and the last ends; whose each is, and its number. */
function layoutOf(packed: Bytes): { readonly starts: readonly number[]; readonly devices: readonly number[]; readonly ns: readonly number[] } {
  const [starts, devices, ns]: [number[], number[], number[]] = [[], [], []];
  for (const item = new PackedItem(packed); item.next(); ) {
    starts.push(item.start);
    devices.push(item.device);
    ns.push(item.n);
  }
  starts.push(packed.length);
  return { starts, devices, ns };
}
