/**
 * Argon2id by its own library, computed once for the same input: random schedules begin with the same members, and stretching their keys
 * again for every schedule would be most of what they do.
 */
import type * as HashWasm from 'hash-wasm';

export function remembered(real: typeof HashWasm): typeof HashWasm {
  const known = new Map<string, ReturnType<typeof real.argon2id>>();
  const argon2id = (o: Parameters<typeof real.argon2id>[0]): ReturnType<typeof real.argon2id> => {
    const key = JSON.stringify(o);
    const there = known.get(key) ?? real.argon2id(o);
    known.set(key, there);
    return there;
  };
  return { ...real, argon2id: argon2id as typeof real.argon2id };
}
