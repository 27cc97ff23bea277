/** The beginning of what was found that fits into one frame. */
import { LIMIT } from '../crypto/limits';

/** At most `most` of them, and not more than a page's bytes, but one at least; the rest is not even read. */
export function cut<T>(found: Iterable<T>, most: number, size: (t: T) => number): { items: readonly T[]; more: boolean } {
  const items: T[] = [];
  let bytes = 0;
  for (const f of found) {
    bytes += size(f);
    if (items.length >= most || (items.length > 0 && bytes > LIMIT.pageBytes)) return { items, more: true };
    items.push(f);
  }
  return { items, more: false };
}
