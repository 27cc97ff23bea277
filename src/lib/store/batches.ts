/** Cuts many writes into small transactions: a phone that falls asleep in a long one loses all of it. */

export const BATCH_ROWS = 100;
export const BATCH_BYTES = 256 * 1024;

/** In order, at most 100 rows and 256 KB each; one larger row is a batch of its own. */
export function batchesOf<T extends { readonly value: Uint8Array | null }>(changes: readonly T[]): T[][] {
  const out: T[][] = [];
  let batch: T[] = [];
  let bytes = 0;
  for (const c of changes) {
    const size = c.value?.length ?? 0;
    if (batch.length > 0 && (batch.length === BATCH_ROWS || bytes + size > BATCH_BYTES)) {
      out.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(c);
    bytes += size;
  }
  if (batch.length > 0) out.push(batch);
  return out;
}
