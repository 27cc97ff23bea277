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
export const systemRandom: Random = (size) => na().randombytes_buf(size) as Bytes;
