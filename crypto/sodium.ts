/** The only home of libsodium. `ready()` once, then everything is synchronous. */
import sodium from 'libsodium-wrappers';
import type { Bytes } from './brand';

export type Sodium = typeof sodium;

let loaded: Sodium | null = null;

/** Resolves once the wasm module can be used. */
export async function ready(): Promise<void> {
  await sodium.ready;
  loaded = sodium;
}

/** The primitives; throws when `ready()` was not awaited. */
export function na(): Sodium {
  if (loaded === null) throw new Error('libsodium is not ready');
  return loaded;
}

/** Random bytes as a parameter, so that a simulation can be seeded. */
export type Random = (size: number) => Bytes;

/** The operating system's randomness, for composition roots only. */
export const systemRandom: Random = (size) => {
  const out = new Uint8Array(size);
  // the browser's source of libsodium's own randomness, which asks for it four bytes at a time
  for (let at = 0; at < size; at += ASK) crypto.getRandomValues(out.subarray(at, at + ASK));
  return out;
};
/** Bytes that `getRandomValues` gives at once. */
const ASK = 65_536;
