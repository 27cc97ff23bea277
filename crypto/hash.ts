/** BLAKE2b-256 under a label (PROTOCOL §3). */
import type { Bytes, Hash } from './brand';
import { concat, putInto, sizeOf } from './bytes';
import { na } from './sodium';

export const HASH = 32;
export const ZERO_HASH = new Uint8Array(HASH) as Bytes as Hash;

/** Where short messages are put together: room made anew for each costs as much as its hash. */
const room = new Uint8Array(4096);

export function hash(label: Bytes, ...parts: readonly Uint8Array[]): Hash {
  const size = label.length + sizeOf(parts);
  if (size > room.length) return blake(concat(label, ...parts));
  room.set(label);
  putInto(room, label.length, parts);
  const made = blake(room.subarray(0, size));
  // some of it may be secret
  room.fill(0, 0, size);
  return made;
}

const blake = (message: Uint8Array): Hash => na().crypto_generichash(HASH, message, null) as Bytes as Hash;
