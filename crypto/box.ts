/** Something sealed under a key that is at hand: padded, with a nonce before it (PROTOCOL §4), bound to what it is and where it belongs. */
import type { Bytes } from './brand';
import { concat } from './bytes';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';

const NONCE = 24;

export function box(key: Bytes, about: Bytes, plain: Bytes, random: Random): Bytes {
  const nonce = random(NONCE);
  return concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plain), about, null, nonce, key));
}
export function unbox(key: Bytes, about: Bytes, sealed: Bytes): Result<Bytes, 'unreadable'> {
  try {
    const plain = unpad(na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(NONCE), about, sealed.slice(0, NONCE), key) as Bytes);
    return plain === null ? err('unreadable') : ok(plain);
  } catch {
    return err('unreadable');
  }
}
