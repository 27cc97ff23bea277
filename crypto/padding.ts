/**
 * Padmé with a floor (PROTOCOL §4): a padded length tells at most a few leading bits of the true one. The floor of 256 bytes makes a
 * seen-mark, a reaction and a short post alike; a 300-byte post pays nothing for it.
 */
import type { Bytes } from './brand';

export const PAD_FLOOR = 256;
const MARK = 0x80;

/** Exact for whole numbers below 2^31, whatever the engine's floating point does. */
const log2 = (n: number): number => 31 - Math.clz32(n);

/** Padmé length for `n` bytes, never below the floor. */
export function padme(n: number): number {
  if (n <= PAD_FLOOR) return PAD_FLOOR;
  const e = log2(n);
  const s = log2(e) + 1;
  const unit = 2 ** (e - s);
  return Math.ceil(n / unit) * unit;
}

/** Appends 0x80 and zeros up to the Padmé length. */
export function pad(b: Bytes): Bytes {
  const out = new Uint8Array(padme(b.length + 1));
  out.set(b);
  out[b.length] = MARK;
  return out;
}

/** What was padded; null when the padding is not the one `pad` makes. */
export function unpad(b: Bytes): Bytes | null {
  let end = b.length - 1;
  while (end >= 0 && b[end] === 0) end--;
  if (end < 0 || b[end] !== MARK || padme(end + 1) !== b.length) return null;
  return b.slice(0, end);
}
