/** Attachments (PROTOCOL §14): a fresh key each, secretstream chunks with a final tag, id = hash of the ciphertext. */
import type { BlobId, Bytes, Hash } from './brand';
import { concat, equal } from './bytes';
import { hash } from './hash';
import { blobId } from './kept';
import { LABEL } from './labels';
import { padme } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';

export { blobId };

const CHUNK = 1024 * 1024;
const HEADER = 24;
const OVERHEAD = 17;

export interface SealedBlob {
  readonly id: BlobId;
  readonly key: Bytes;
  /** Hash of the plaintext, checked after opening. */
  readonly plain: Hash;
  readonly size: number;
  readonly ciphertext: Bytes;
}
/** What a record says of a blob: enough to fetch, open and check it. */
export type BlobRef = Omit<SealedBlob, 'ciphertext'>;

export function sealBlob(plaintext: Bytes, random: Random): SealedBlob {
  const key = random(32);
  const s = na();
  const padded = new Uint8Array(padme(plaintext.length));
  padded.set(plaintext);
  const header = random(HEADER);
  // init_push would draw the header by itself; init_pull makes the same state from one given
  const state = s.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
  const parts: Bytes[] = [header];
  for (let at = 0; at < padded.length; at += CHUNK) {
    const last = at + CHUNK >= padded.length;
    const tag = last ? s.crypto_secretstream_xchacha20poly1305_TAG_FINAL : s.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    parts.push(s.crypto_secretstream_xchacha20poly1305_push(state, padded.subarray(at, at + CHUNK), null, tag) as Bytes);
  }
  const ciphertext = concat(...parts);
  return { id: blobId(ciphertext), key, plain: hash(LABEL.blobPlain, plaintext), size: plaintext.length, ciphertext };
}

/** The plaintext, or why the bytes are not the blob the record means. */
export function openBlob(ref: BlobRef, ciphertext: Bytes): Result<Bytes, 'wrong-blob' | 'unreadable'> {
  if (!equal(blobId(ciphertext), ref.id)) return err('wrong-blob');
  const s = na();
  const parts: Bytes[] = [];
  try {
    const state = s.crypto_secretstream_xchacha20poly1305_init_pull(ciphertext.slice(0, HEADER), ref.key);
    let final = false;
    for (let at = HEADER; at < ciphertext.length; at += CHUNK + OVERHEAD) {
      if (final) return err('unreadable');
      const pulled = s.crypto_secretstream_xchacha20poly1305_pull(state, ciphertext.subarray(at, at + CHUNK + OVERHEAD), null);
      if (!pulled) return err('unreadable');
      parts.push(pulled.message as Bytes);
      final = pulled.tag === s.crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    }
    if (!final) return err('unreadable');
  } catch {
    return err('unreadable');
  }
  const padded = concat(...parts);
  if (padded.length < ref.size) return err('unreadable');
  const plain = padded.slice(0, ref.size);
  return equal(hash(LABEL.blobPlain, plain), ref.plain) ? ok(plain) : err('wrong-blob');
}
