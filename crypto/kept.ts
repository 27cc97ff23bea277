/** Hashes that name what a relay keeps without being able to open it (PROTOCOL §10, §14). */
import type { BlobId, Bytes, Hash } from './brand';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { na } from './sodium';

export const lockboxHash = (lockbox: Uint8Array): Hash => hash(LABEL.lockboxHash, lockbox);

export const blobId = (ciphertext: Uint8Array): BlobId => hash(LABEL.blob, ciphertext) as Bytes as BlobId;

/** A blob's id while its ciphertext streams by. `id` ends it, once; call it even when the stream broke off, it frees the state. */
export interface BlobHasher {
  add(chunk: Uint8Array): void;
  id(): BlobId;
}
export function blobHasher(): BlobHasher {
  const s = na();
  const state = s.crypto_generichash_init(null, HASH);
  s.crypto_generichash_update(state, LABEL.blob);
  return {
    add: (chunk) => s.crypto_generichash_update(state, chunk),
    id: () => s.crypto_generichash_final(state, HASH) as Bytes as BlobId
  };
}
