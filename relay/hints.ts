/**
 * What relays that share a store tell each other: that a group has something new. A hint may be lost: the store alone is the truth,
 * and is asked from time to time anyway (`follow.ts`).
 */
import { decode, Writer } from '../crypto/wire';

export interface Hint {
  /** The group's number. */
  readonly g: number;
  /** Devices whose logs may not grow until `until`, in milliseconds since 1970. */
  readonly held: readonly number[];
  readonly until: number;
}

export interface Hints {
  /** Whether hints come through now. */
  readonly isUp: boolean;
  /** Tells every other relay that watches the group. */
  tell(hint: Hint): void;
  /** Hears of a group what others tell; what comes back ends it. */
  watch(g: number, heard: (hint: Hint) => void): () => void;
  close(): Promise<void>;
}

const DEVICES = 1000;

export const encodeHint = (h: Hint): Uint8Array => new Writer().num(h.g).list(h.held, (d, w) => w.num(d)).num(h.until).done();
export const decodeHint = (b: Uint8Array): Hint | null => {
  const read = decode(b, (r) => ({ g: r.num(), held: r.list(DEVICES, (x) => x.num()), until: r.num() }));
  return read.ok ? read.value : null;
};

/** Hints among relays of one process: each gets its own end. */
export function localHints(): () => Hints {
  const ends = new Set<Map<number, (hint: Hint) => void>>();
  return () => {
    const own = new Map<number, (hint: Hint) => void>();
    ends.add(own);
    return {
      isUp: true,
      tell: (hint) => queueMicrotask(() => [...ends].forEach((other) => other !== own && other.get(hint.g)?.(hint))),
      watch(g, heard) {
        own.set(g, heard);
        return () => void own.delete(g);
      },
      close: async () => void ends.delete(own)
    };
  };
}

/** For a relay that has its store for itself: there is nobody to tell. */
export const NO_HINTS: Hints = { isUp: true, tell: () => undefined, watch: () => () => undefined, close: async () => undefined };
