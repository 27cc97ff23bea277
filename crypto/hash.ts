/** BLAKE2b-256 under a label (PROTOCOL §3). */
import type { Bytes, Hash } from './brand';
import { concat } from './bytes';
import { na } from './sodium';

export const HASH = 32;
export const ZERO_HASH = new Uint8Array(HASH) as Bytes as Hash;

export const hash = (label: Bytes, ...parts: readonly Uint8Array[]): Hash => na().crypto_generichash(HASH, concat(label, ...parts), null) as Bytes as Hash;
