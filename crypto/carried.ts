/**
 * The history of a group that ended in a fork, as its owner brings it along to the next one (PROTOCOL §15.9): parts that travel as blobs, and
 * the note that names them, signed by a device of the old group and sealed for those who read the new one from the start.
 */
import type { BlobId, Bytes, ContentKey, GroupId, Hash, LogPk, LogSk, RosterKey } from './brand';
import { concat, equal } from './bytes';
import { ENVELOPE_NONCE } from './header';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import type { KeyringItem } from './lockbox';
import { pad, unpad } from './padding';
import { readReceipt, type Receipt, writeReceipt } from './receipt';
import type { ReceiptedEntry } from './frames';
import { err, type Result } from './result';
import { na, type Random } from './sodium';
import { SIGN_PK, SIGNATURE, sign, verify } from './verify';
import { decode, type Reader, Writer } from './wire';

export const CARRIED_VERSION = 1;

/** An envelope as it was taken; its place in the feed is its place in the list. */
export interface CarriedEnvelope { readonly device: number; readonly n: number; readonly time: number; readonly envelope: Bytes }
/** Some of it, in order: first all entries, then all keys, then all envelopes. */
export interface CarriedPart { readonly index: number; readonly entries: readonly ReceiptedEntry[]; readonly keys: readonly KeyringItem[]; readonly envelopes: readonly CarriedEnvelope[] }
/** What is needed to fetch, open and check a part's blob. */
export interface CarriedBlob { readonly id: BlobId; readonly key: Bytes; readonly plain: Hash; readonly size: number }
export interface CarriedNote {
  /** The group that ended. */
  readonly group: GroupId;
  readonly entries: number;
  readonly keys: number;
  readonly envelopes: number;
  /** The relay's receipt for a place of that roster with another chain: the proof that it forked the group. */
  readonly fork: Receipt | null;
  readonly parts: readonly CarriedBlob[];
  /** The log key of the device that brings it. */
  readonly by: LogPk;
}
export type CarriedFault = 'malformed' | 'version' | 'forged' | 'unreadable';

// an unknown version is told before anything else is looked at
const versioned = <T>(bytes: Bytes, read: (r: Reader) => T): Result<T, 'malformed' | 'version'> =>
  bytes.length > 0 && bytes[0] !== CARRIED_VERSION ? err('version') : decode(bytes, (r) => {
    r.u8();
    return read(r);
  });

export const encodePart = (p: CarriedPart): Bytes =>
  new Writer(4096).u8(CARRIED_VERSION).num(p.index)
    .list(p.entries, (e, w) => writeReceipt(e.receipt, w.bytes(e.entry)))
    .list(p.keys, (k, w) => {
      w.num(k.epoch).fixed(k.roster).bool(k.content !== null);
      if (k.content !== null) w.fixed(k.content);
    })
    .list(p.envelopes, (e, w) => void w.num(e.device).num(e.n).num(e.time).bytes(e.envelope))
    .done();

export const decodePart = (bytes: Bytes): Result<CarriedPart, 'malformed' | 'version'> =>
  bytes.length > LIMIT.carriedPart ? err('malformed') : versioned(bytes, (r) => ({
    index: r.num(),
    entries: r.list(LIMIT.carriedItems, (x) => ({ entry: x.bytes(LIMIT.entry), receipt: readReceipt(x) })),
    keys: r.list(LIMIT.carriedItems, (x) => ({ epoch: x.num(), roster: x.fixed<RosterKey>(HASH), content: x.bool() ? x.fixed<ContentKey>(HASH) : null })),
    envelopes: r.list(LIMIT.carriedItems, (x) => ({ device: x.num(), n: x.num(), time: x.num(), envelope: x.bytes(LIMIT.envelope) }))
  }));

function bodyOf(n: CarriedNote): Bytes {
  const w = new Writer(1024).u8(CARRIED_VERSION).fixed(n.group).num(n.entries).num(n.keys).num(n.envelopes).bool(n.fork !== null);
  if (n.fork !== null) writeReceipt(n.fork, w);
  return w.list(n.parts, (p, x) => void x.fixed(p.id).fixed(p.key).fixed(p.plain).num(p.size)).fixed(n.by).done();
}

/** For the group `into`, by the log key of a device of the old group. */
export function signNote(into: GroupId, note: CarriedNote, secret: LogSk): Bytes {
  const body = bodyOf(note);
  return concat(body, sign(LABEL.carriedNote, concat(into, body), secret));
}

/** Whether that device was one of the old group's owner shows in the roster that the parts hold. */
export function readNote(into: GroupId, bytes: Bytes): Result<CarriedNote, 'malformed' | 'version' | 'forged'> {
  let signature: Bytes = new Uint8Array(0);
  const read = versioned(bytes, (r): CarriedNote => {
    const note: CarriedNote = {
      group: r.fixed<GroupId>(HASH), entries: r.num(), keys: r.num(), envelopes: r.num(), fork: r.bool() ? readReceipt(r) : null,
      parts: r.list(LIMIT.carriedParts, (x) => ({ id: x.fixed<BlobId>(HASH), key: x.fixed(HASH), plain: x.fixed<Hash>(HASH), size: x.num(LIMIT.carriedPart) })),
      by: r.fixed<LogPk>(SIGN_PK)
    };
    signature = r.fixed(SIGNATURE);
    return note;
  });
  if (!read.ok) return read;
  const isSigned = verify(LABEL.carriedNote, concat(into, bytes.subarray(0, -SIGNATURE)), signature, read.value.by);
  return isSigned && !equal(read.value.group, into) ? read : err('forged');
}

/** The content key of the first epoch is had by those alone who read the group from the start, whenever the note is sent. */
const keyFor = (into: GroupId, first: ContentKey): Bytes => hash(LABEL.carriedKey, first, into);

export function sealNote(into: GroupId, first: ContentKey, note: Bytes, random: Random): Bytes {
  const nonce = random(ENVELOPE_NONCE);
  return concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(note), concat(LABEL.carried, into), null, nonce, keyFor(into, first)));
}

export function openNote(into: GroupId, first: ContentKey, sealed: Bytes): Result<CarriedNote, CarriedFault> {
  try {
    const padded = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(ENVELOPE_NONCE), concat(LABEL.carried, into), sealed.slice(0, ENVELOPE_NONCE), keyFor(into, first)) as Bytes;
    const plain = unpad(padded);
    return plain === null ? err('unreadable') : readNote(into, plain);
  } catch {
    return err('unreadable');
  }
}
