/** Envelopes that lie together in a feed, as a page frame carries them, each with the hash of the one before it in its log: what engines keep and pages are cut from. */
import type { Bytes, Hash } from '../crypto/brand';
import { concat } from '../crypto/bytes';
import type { Prev } from '../crypto/frames';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { type PlacedItem, walkPacked } from '../crypto/packed';
import type { Calls } from './log';

/** `first`: feed seq of the first of them. */
export interface Batch { readonly first: number; readonly packed: Bytes; readonly prevs: Bytes }

/** Envelopes or bytes of which a batch is full: about what a page takes. */
export const FULL = { count: 500, bytes: 160 * 1024 } as const;

export const countOf = (b: Batch): number => b.prevs.length / HASH;
/** The hash before an envelope of the batch in its log. */
export const prevOf = (b: Batch, seq: number): Hash => b.prevs.slice(HASH * (seq - b.first), HASH * (seq - b.first + 1)) as Hash;

/** Envelope n of a device, if it lies there: the last of them, since what was set aside lies before what counts. */
export function findIn({ packed }: Batch, device: number, n: number): PlacedItem | null {
  let there: PlacedItem | null = null;
  walkPacked(packed, (i) => {
    if (i.device === device && i.n === n) there = i;
    return true;
  });
  return there;
}

/** As many as fit into a page, upwards from behind `edge` or downwards from before it, out of batches that follow each other that way. */
export function pageOf(batches: Iterable<Batch>, way: 'up' | 'down', edge: number, most: number): Calls['page'][1] {
  const up = way === 'up';
  const limit = Math.max(1, Math.min(most, LIMIT.page));
  const parts: Bytes[] = [];
  const prevs = new Map<number, Prev & { readonly n: number }>();
  let count = 0;
  let bytes = 0;
  for (const b of batches) {
    const { packed } = b;
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
      if (i.n < (prevs.get(i.device)?.n ?? Infinity)) prevs.set(i.device, { device: i.device, n: i.n, prev: prevOf(b, i.seq) });
      if (!up) parts.push(packed.subarray(i.start, i.end));
      else if (run === null) run = { start: i.start, end: i.end };
      else run.end = i.end;
    }
    if (run !== null) parts.push(packed.subarray(run.start, run.end));
  }
  return { items: { count, bytes: concat(...parts) }, more: false, prevs: named(prevs) };
}

const named = (all: ReadonlyMap<number, Prev>): Prev[] => [...all.values()].map(({ device, prev }) => ({ device, prev }));
