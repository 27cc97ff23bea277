/**
 * Envelopes (PROTOCOL §5): sealed content of one log. What both ends know (group, log key, hash of the envelope before, roster
 * chain) is authenticated but does not travel. The signature is outside, over the ciphertext, so signed words can't be sealed again.
 */
import type { Bytes, ContentKey, LogSk } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { ENVELOPE_NONCE, type Envelope, type EnvelopeContext, type EnvelopeHeader, writeHeader } from './header';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { sign, verify } from './verify';

export * from './header';

/** Associated data: everything that gives the ciphertext its place. */
const place = (c: EnvelopeContext, header: Bytes): Bytes => concat(LABEL.envelope, c.group, c.logPk, c.prev, c.roster, header);
const signed = (aad: Bytes, nonce: Bytes, sealed: Bytes): Bytes => hash(LABEL.envelopeBody, aad, nonce, sealed);

/** Seals at most LIMIT.plaintext bytes. Throws when asked for more. */
export function sealEnvelope(c: EnvelopeContext, header: EnvelopeHeader, plaintext: Bytes, key: ContentKey, secret: LogSk, random: Random): Bytes {
  if (plaintext.length > LIMIT.plaintext) throw new RangeError('plaintext too large');
  const head = writeHeader(header);
  const aad = place(c, head);
  const nonce = random(ENVELOPE_NONCE);
  const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plaintext), aad, null, nonce, key) as Bytes;
  return concat(head, nonce, sealed, sign(LABEL.envelope, signed(aad, nonce, sealed), secret));
}

/** Whether the log key signed exactly this envelope in exactly this place. */
export function verifyEnvelope(c: EnvelopeContext, e: Envelope): boolean {
  const aad = place(c, writeHeader(e.header));
  return verify(LABEL.envelope, signed(aad, e.nonce, e.sealed), e.signature, c.logPk);
}

/** Plaintext of an envelope whose signature was verified. */
export function openEnvelope(c: EnvelopeContext, e: Envelope, key: ContentKey): Result<Bytes, 'unreadable'> {
  try {
    const padded = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, e.sealed, place(c, writeHeader(e.header)), e.nonce, key) as Bytes;
    const plain = unpad(padded);
    return plain === null ? err('unreadable') : ok(plain);
  } catch {
    return err('unreadable');
  }
}
