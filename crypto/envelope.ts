/**
 * Envelopes (PROTOCOL §5): sealed content of one log. What both ends know (group, log key, hash of the envelope before, roster
 * chain) is authenticated but does not travel. The signature is outside, over the ciphertext, so signed words can't be sealed again.
 */
import type { Bytes, ContentKey, LogSk } from './brand';
import { concat } from './bytes';
import { ENVELOPE_NONCE, type Envelope, type EnvelopeContext, type EnvelopeHeader, placeOf, signedPart, writeHeader } from './header';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { sign } from './verify';

export * from './header';

/** Seals at most LIMIT.plaintext bytes. Throws when asked for more. */
export function sealEnvelope(c: EnvelopeContext, header: EnvelopeHeader, plaintext: Bytes, key: ContentKey, secret: LogSk, random: Random): Bytes {
  if (plaintext.length > LIMIT.plaintext) throw new RangeError('plaintext too large');
  const head = writeHeader(header);
  const aad = placeOf(c, head);
  const nonce = random(ENVELOPE_NONCE);
  const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plaintext), aad, null, nonce, key) as Bytes;
  return concat(head, nonce, sealed, sign(LABEL.envelope, signedPart(aad, nonce, sealed), secret));
}

/** Plaintext of an envelope whose signature was verified. */
export function openEnvelope(c: EnvelopeContext, e: Envelope, key: ContentKey): Result<Bytes, 'unreadable'> {
  try {
    const padded = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, e.sealed, placeOf(c, writeHeader(e.header)), e.nonce, key) as Bytes;
    const plain = unpad(padded);
    return plain === null ? err('unreadable') : ok(plain);
  } catch {
    return err('unreadable');
  }
}
