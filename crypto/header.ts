/**
 * The outside of an envelope (PROTOCOL §5): what can be read, placed and hashed without any key. Relay and clients use the
 * same code; sealing and opening live in `envelope.ts`, which the relay never imports.
 */
import type { BlobId, Bytes, GroupId, Hash, LogPk } from './brand';
import { concat } from './bytes';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import { err, type Result } from './result';
import { SIGNATURE, verify } from './verify';
import { decode, type Malformed, type Reader, Writer } from './wire';

export const ENVELOPE_VERSION = 1;
/** XChaCha20-Poly1305 with a random nonce. */
export const ENVELOPE_SUITE = 1;
export const ENVELOPE_NONCE = 24;
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

export const writeHeader = (h: EnvelopeHeader): Bytes =>
  new Writer().u8(ENVELOPE_VERSION).u8(ENVELOPE_SUITE).num(h.n).num(h.rosterSeq).num(h.epoch).list(h.blobs, (b, w) => w.fixed(b)).done();

/** The parts of an envelope's bytes; unknown versions and suites are `version`. */
export function readEnvelope(bytes: Uint8Array): Result<Envelope, Malformed | 'version'> {
  return read(bytes, (r) => {
    const header = readHeader(r);
    const nonce = r.fixed(ENVELOPE_NONCE);
    if (r.left < SIGNATURE + MAC) r.fail();
    return { header, nonce, sealed: r.fixed(r.left - SIGNATURE), signature: r.fixed(SIGNATURE) };
  });
}

/** The header alone; faults are those of `readEnvelope`. */
export function headerOf(bytes: Uint8Array): Result<EnvelopeHeader, Malformed | 'version'> {
  return read(bytes, (r) => {
    const header = readHeader(r);
    if (r.left < ENVELOPE_NONCE + MAC + SIGNATURE) r.fail();
    r.skip(r.left);
    return header;
  });
}

function read<T>(bytes: Uint8Array, one: (r: Reader) => T): Result<T, Malformed | 'version'> {
  if (bytes.length > LIMIT.envelope) return err('malformed');
  if (bytes.length < 2) return err('malformed');
  if (bytes[0] !== ENVELOPE_VERSION || bytes[1] !== ENVELOPE_SUITE) return err('version');
  return decode(bytes, one);
}

function readHeader(r: Reader): EnvelopeHeader {
  r.u8();
  r.u8();
  return { n: r.num(), rosterSeq: r.num(), epoch: r.num(), blobs: r.list(LIMIT.blobsPerEnvelope, (x) => x.fixed<BlobId>(HASH)) };
}

/** What the next envelope of the log calls `prev`: covers the place and every byte. */
export const envelopeHash = (c: EnvelopeContext, bytes: Uint8Array): Hash => hash(LABEL.envelopeHash, c.group, c.logPk, c.prev, c.roster, bytes);

/** Associated data: everything that gives the ciphertext its place. */
export const placeOf = (c: EnvelopeContext, header: Bytes): Bytes => concat(LABEL.envelope, c.group, c.logPk, c.prev, c.roster, header);
/** What the log key signs. */
export const signedPart = (place: Bytes, nonce: Bytes, sealed: Bytes): Bytes => hash(LABEL.envelopeBody, place, nonce, sealed);

/** Whether the log key signed exactly this envelope in exactly this place. */
export const verifyEnvelope = (c: EnvelopeContext, e: Envelope): boolean =>
  verify(LABEL.envelope, signedPart(placeOf(c, writeHeader(e.header)), e.nonce, e.sealed), e.signature, c.logPk);
