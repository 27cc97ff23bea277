/**
 * Envelopes as commits brought them: a row for each commit, whatever groups they are of, so that a commit writes little and in one place
 * (performance R3). They go into their groups' batches by and by; until then these rows are what makes them durable.
 */
import type { Bytes, Hash } from '../crypto/brand';
import { readStored, type StoredEnvelope, writeStored } from '../crypto/frames';
import { HASH } from '../crypto/hash';
import { decode, Writer } from '../crypto/wire';
import type { Found } from './steps';

/** Where a group's batches begin: they are keyed by g·2³² + feed seq of their first, so that a group's feed lies together and grows at its end. */
export const SPAN = 2 ** 32;

/** An envelope, its hash and the roster seq that it names. */
export interface Fresh { readonly g: number; readonly roster: number; readonly hash: Hash; readonly stored: StoredEnvelope }

export function packFresh(all: readonly Fresh[]): Bytes {
  const w = new Writer(all.reduce((sum, f) => sum + f.stored.envelope.length + 96, 0));
  for (const f of all) writeStored(f.stored, w.num(f.g).num(f.roster).fixed(f.hash));
  return w.done();
}

/** Those that lie in no batch yet, in the order they came, each with the number of its row. Throws when a row is not what `packFresh` made. */
export function* unwritten(rows: Iterable<Found>, lastWritten: (g: number) => number): Generator<Fresh & { readonly row: number }> {
  const written = new Map<number, number>();
  for (const found of rows) {
    const read = decode(found['packed'] as Bytes, (r) => {
      const all: Fresh[] = [];
      while (r.left > 0) all.push({ g: r.num(), roster: r.num(), hash: r.fixed<Hash>(HASH), stored: readStored(r) });
      return all;
    });
    if (!read.ok) throw new Error('a commit cannot be read');
    for (const f of read.value) {
      let last = written.get(f.g);
      if (last === undefined) written.set(f.g, (last = lastWritten(f.g)));
      if (f.stored.seq > last) yield { ...f, row: found['i'] as number };
    }
  }
}
/** All rows, and the last seq of a group's batches. */
export const FRESH_ROWS = 'SELECT i, packed FROM fresh ORDER BY i';
export const LAST_WRITTEN = 'SELECT at + count - 1 - ?1 AS seq FROM batches WHERE at > ?1 AND at < ?2 ORDER BY at DESC LIMIT 1';
