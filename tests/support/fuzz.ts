/** Structure-aware fuzzing: bytes that were once valid, changed in the ways that break decoders, all of it drawn from a seed. */
import type { Bytes } from '../../crypto/brand';

export interface Draw {
  /** A whole number from 0 to n−1. */
  (n: number): number;
}
/** A small fast generator (xorshift); for choosing what to break, never for keys. */
export function drawing(seed: number): Draw {
  let x = (seed * 2654435761 + 1) >>> 0 || 1;
  return (n) => {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x % n;
  };
}

/** What is put in whole: counts and lengths at the edges of what they may be, flags, and text that is none. */
const EDGES: readonly (readonly number[])[] = [
  [0], [1], [2], [127], [128, 1], [255, 1], [128, 0], [255, 255, 3], [128, 128, 4], [255, 255, 255, 255, 15], [255, 255, 255, 255, 255, 255, 255, 15], [128, 128, 128, 128, 128, 128, 128, 16],
  [255, 255, 255, 255, 255, 255, 255, 255, 127], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf]
];

/** One of `corpus` with one to four changes, now and then as it is. */
export function broken(corpus: readonly Bytes[], draw: Draw): Bytes {
  let b = corpus[draw(corpus.length)] as Bytes;
  for (let edits = draw(12) === 0 ? 0 : 1 + draw(4); edits > 0; edits--) {
    // most of a format stands at its beginning
    const at = draw(3) === 0 ? draw(Math.min(b.length, 48) + 1) : draw(b.length + 1);
    switch (draw(8)) {
      case 0: {
        b = b.slice();
        if (at < b.length) b[at] = draw(256);
        break;
      }
      case 1: {
        b = b.slice();
        if (at < b.length) b[at] = (b[at] as number) ^ (1 << draw(8));
        break;
      }
      case 2:
        b = b.slice(0, at);
        break;
      case 3:
        b = joined(b, at, at, EDGES[draw(EDGES.length)] as readonly number[]);
        break;
      case 4: {
        // another value where one stood
        b = joined(b, at, Math.min(b.length, at + 1 + draw(3)), EDGES[draw(EDGES.length)] as readonly number[]);
        break;
      }
      case 5:
        b = joined(b, at, Math.min(b.length, at + 1 + draw(40)), []);
        break;
      case 6: {
        const from = draw(b.length + 1);
        b = joined(b, at, at, b.subarray(from, from + 1 + draw(80)));
        break;
      }
      default: {
        const other = corpus[draw(corpus.length)] as Bytes;
        b = joined(b, at, b.length, other.subarray(draw(other.length + 1)));
      }
    }
  }
  return b;
}

function joined(b: Bytes, from: number, to: number, between: ArrayLike<number>): Bytes {
  const out = new Uint8Array(from + between.length + b.length - to);
  out.set(b.subarray(0, from));
  out.set(between, from);
  out.set(b.subarray(to), from + between.length);
  return out;
}
