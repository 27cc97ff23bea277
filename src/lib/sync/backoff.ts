/** Full jitter between nothing and a doubling ceiling, so that a crowd does not return at once. */
import type { Random } from '$crypto/sodium';

const FIRST = 500;
const MOST = 60_000;

/** Milliseconds to wait before try `n` (0 for the first retry). */
export function backoff(n: number, random: Random): number {
  const ceiling = Math.min(MOST, FIRST * 2 ** Math.min(n, 20));
  const b = random(4);
  return Math.floor((new DataView(b.buffer, b.byteOffset, 4).getUint32(0) / 2 ** 32) * ceiling);
}
