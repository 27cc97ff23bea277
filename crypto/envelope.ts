/**
 * Envelopes (PROTOCOL §5): sealed content of one log. What both ends know (group, log key, hash of the envelope before, roster
 * chain) is authenticated but does not travel. The signature is outside, over the ciphertext, so signed words can't be sealed again.
 */
import type { BlobId, Bytes, ContentKey, GroupId, Hash, LogPk, LogSk } from './brand';
import { concat } from './bytes';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { SIGNATURE, sign, verify } from './verify';
import { decode, type Malformed, type Reader, Writer } from './wire';

export const ENVELOPE_VERSION = 1;
/** XChaCha20-Poly1305 with a random nonce. */
export const ENVELOPE_SUITE = 1;
const NONCE = 24;
const MAC = 16;

/** Known to both ends. `prev` is the hash of the log's envelope n−1 (zeros when n = 1), `roster` the chain hash at `rosterSeq`. */
export interface EnvelopeContext { readonly group: GroupId; readonly logPk: LogPk; readonly prev: Hash; readonly roster: Hash }
export interface EnvelopeHeader {
  readonly n: number;
  readonly rosterSeq: number;
  /** Seq of the entry that made the epoch. */
  readonly epoch: number;
  readonly blobs: readonly BlobId[];
}
export interface Envelope { readonly header: EnvelopeHeader; readonly nonce: Bytes; readonly sealed: Bytes; readonly signature: Bytes }

const writeHeader = (h: EnvelopeHeader): Bytes =>
  new Writer().u8(ENVELOPE_VERSION).u8(ENVELOPE_SUITE).num(h.n).num(h.rosterSeq).num(h.epoch).list(h.blobs, (b, w) => w.fixed(b)).done();

/** Associated data: everything that gives the ciphertext its place. */
const place = (c: EnvelopeContext, header: Bytes): Bytes => concat(LABEL.envelope, c.group, c.logPk, c.prev, c.roster, header);
const signed = (aad: Bytes, nonce: Bytes, sealed: Bytes): Bytes => hash(LABEL.envelope, aad, nonce, sealed);

/** Seals at most LIMIT.plaintext bytes. Throws when asked for more. */
export function sealEnvelope(c: EnvelopeContext, header: EnvelopeHeader, plaintext: Bytes, key: ContentKey, secret: LogSk, random: Random): Bytes {
  if (plaintext.length > LIMIT.plaintext) throw new RangeError('plaintext too large');
  const head = writeHeader(header);
  const aad = place(c, head);
  const nonce = random(NONCE);
  const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plaintext), aad, null, nonce, key) as Bytes;
  return concat(head, nonce, sealed, sign(LABEL.envelope, signed(aad, nonce, sealed), secret));
}

/** The parts of an envelope's bytes; unknown versions and suites are `version`. */
export function readEnvelope(bytes: Uint8Array): Result<Envelope, Malformed | 'version'> {
  if (bytes.length > LIMIT.envelope) return err('malformed');
  if (bytes.length < 2) return err('malformed');
  if (bytes[0] !== ENVELOPE_VERSION || bytes[1] !== ENVELOPE_SUITE) return err('version');
  return decode(bytes, (r) => {
    const header = readHeader(r);
    const nonce = r.fixed(NONCE);
    if (r.left < SIGNATURE + MAC) r.fail();
    return { header, nonce, sealed: r.fixed(r.left - SIGNATURE), signature: r.fixed(SIGNATURE) };
  });
}

function readHeader(r: Reader): EnvelopeHeader {
  r.u8();
  r.u8();
  return { n: r.num(), rosterSeq: r.num(), epoch: r.num(), blobs: r.list(LIMIT.blobsPerEnvelope, (x) => x.fixed<BlobId>(HASH)) };
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

/** What the next envelope of the log calls `prev`: covers the place and every byte. */
export const envelopeHash = (c: EnvelopeContext, bytes: Uint8Array): Hash => hash(LABEL.envelopeHash, c.group, c.logPk, c.prev, c.roster, bytes);
