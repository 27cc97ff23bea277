/**
 * Linking a device (PROTOCOL §18): a code of 112 random bits leads two devices of one person to a meeting at the relay. Whoever saw the
 * code can read and write there, so the keys that count are exchanged fresh, committed to before either side knows the other's, and
 * compared by eye.
 */
import { box, unbox } from './box';
import type { Bytes, Hash, KemPk, MeetId, RelayPk } from './brand';
import { concat, equal } from './bytes';
import { CODE_SECRET, codeOf, secretIn } from './code';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { type KemPair, openFrom, sealTo } from './lockbox';
import { err, ok, type Result } from './result';
import { KEM_PK } from './roster/entry';
import type { Random } from './sodium';
import { SIGN_PK, signPair } from './verify';
import { decode, type Malformed, type Reader, Writer } from './wire';

export const LINK_SECRET = CODE_SECRET;
/** Bytes of a device's name. */
const NAME = 480;
const HALF = 32;
const BOX = 1120 + 24 + HALF + 16;

/** Six groups of four letters: 112 bits and a check of 8. */
export const linkCode = (secret: Bytes): string => codeOf(LABEL.linkCheck, secret);
/** The secret of a code however it was typed; null when it is none. */
export const linkSecret = (code: string): Bytes | null => secretIn(LABEL.linkCheck, code);

/** What the code leads to: the meeting's name and its key pair, and the key that hides from the relay what is said there. */
export interface MeetKeys { readonly id: MeetId; readonly sk: Bytes; readonly key: Bytes }
export function meetKeys(secret: Bytes): MeetKeys {
  const pair = signPair(hash(LABEL.linkSign, secret));
  return { id: pair.pk as MeetId, sk: pair.sk, key: hash(LABEL.linkKey, secret) };
}

/** `new`: the device that joins; `live`: the one that lets it in. */
export type MeetSide = 'new' | 'live';
const SIDES: readonly MeetSide[] = ['new', 'live'];

const about = (label: Bytes, id: MeetId, n: number, side: MeetSide): Bytes => new Writer().fixed(label).fixed(id).num(n).u8(SIDES.indexOf(side)).done();

/** Item n of the meeting: side ‖ nonce ‖ sealed under `key`, bound to its place. */
export function sealMeet(k: MeetKeys, n: number, side: MeetSide, plain: Bytes, random: Random): Bytes {
  return concat(new Uint8Array([SIDES.indexOf(side)]), box(k.key, about(LABEL.linkItem, k.id, n, side), plain, random));
}
export function openMeet(k: MeetKeys, n: number, item: Bytes): Result<{ readonly side: MeetSide; readonly plain: Bytes }, 'unreadable'> {
  const side = SIDES[item[0] ?? 2];
  const plain = side === undefined ? null : unbox(k.key, about(LABEL.linkItem, k.id, n, side), item.slice(1));
  return side === undefined || plain?.ok !== true ? err('unreadable') : ok({ side, plain: plain.value });
}

/** What each side shows of itself: fresh randomness, a fresh KEM key, the relay it speaks to, its name. */
export interface Opening { readonly nonce: Bytes; readonly kem: KemPk; readonly relayPk: RelayPk; readonly name: string }
export const encodeOpening = (o: Opening): Bytes => new Writer().fixed(o.nonce).fixed(o.kem).fixed(o.relayPk).text(o.name).done();
const readOpening = (r: Reader): Opening => ({ nonce: r.fixed(HASH), kem: r.fixed<KemPk>(KEM_PK), relayPk: r.fixed<RelayPk>(SIGN_PK), name: r.text(NAME) });

/** What is said, in this order: commit, answer, reveal, approve, then sealed words of both; or stop, at any time. */
export type MeetWords =
  | { readonly is: 'stop' }
  | { readonly is: 'commit'; readonly commit: Hash }
  | { readonly is: 'answer'; readonly opening: Opening }
  /** The new device's opening, and its half of the session key, sealed to the live one. */
  | { readonly is: 'reveal'; readonly opening: Opening; readonly half: Bytes }
  /** The live device's half. */
  | { readonly is: 'approve'; readonly half: Bytes }
  | { readonly is: 'sealed'; readonly sealed: Bytes };
const WORDS = ['stop', 'commit', 'answer', 'reveal', 'approve', 'sealed'] as const;
const SEALED_MOST = 8192;

export function encodeMeet(w: MeetWords): Bytes {
  const out = new Writer().u8(WORDS.indexOf(w.is));
  switch (w.is) {
    case 'stop':
      return out.done();
    case 'commit':
      return out.fixed(w.commit).done();
    case 'answer':
      return out.fixed(encodeOpening(w.opening)).done();
    case 'reveal':
      return out.fixed(encodeOpening(w.opening)).fixed(w.half).done();
    case 'approve':
      return out.fixed(w.half).done();
    case 'sealed':
      return out.bytes(w.sealed).done();
  }
}
export const decodeMeet = (b: Bytes): Result<MeetWords, Malformed> =>
  decode(b, (r): MeetWords => {
    const is = WORDS[r.u8()] ?? r.fail();
    switch (is) {
      case 'stop':
        return { is };
      case 'commit':
        return { is, commit: r.fixed<Hash>(HASH) };
      case 'answer':
        return { is, opening: readOpening(r) };
      case 'reveal':
        return { is, opening: readOpening(r), half: r.fixed(BOX) };
      case 'approve':
        return { is, half: r.fixed(BOX) };
      case 'sealed':
        return { is, sealed: r.bytes(SEALED_MOST) };
    }
  });

export const commitTo = (opening: Opening): Hash => hash(LABEL.linkCommit, encodeOpening(opening));
/** Whether a reveal is what was committed to. */
export const isCommitted = (commit: Hash, opening: Opening): boolean => equal(commit, commitTo(opening));

/** What both sides saw: everything that the number covers. */
export const transcript = (id: MeetId, of: Opening, live: Opening): Hash => hash(LABEL.linkNumber, id, commitTo(of), encodeOpening(live), encodeOpening(of));

/**
 * The six digits that two screens show. No slow hash: neither side's randomness is known to anybody before the other's is fixed, so there
 * is nothing to search, and whoever stands between has one guess in a million, in front of a person who looks.
 */
export function linkNumber(transcript: Hash): string {
  let v = 0n;
  for (const b of transcript.subarray(0, 8)) v = (v << 8n) | BigInt(b);
  return (v % 1_000_000n).toString().padStart(6, '0');
}

const halfPlace = (t: Hash, side: MeetSide): { label: Bytes; place: Bytes } => ({ label: LABEL.linkHalf, place: concat(LABEL.linkHalf, t, new Uint8Array([SIDES.indexOf(side)])) });
/** `by`'s half of the session key, sealed to the other side's KEM key. */
export const sealHalf = (to: KemPk, t: Hash, by: MeetSide, half: Bytes, random: Random): Bytes => sealTo(to, halfPlace(t, by), half, random);
export const openHalf = (pair: KemPair, t: Hash, by: MeetSide, box: Bytes): Result<Bytes, 'unreadable'> => openFrom(pair, halfPlace(t, by), box);

/** Known only to who holds both KEM keys' secrets between them: each side gave a half that the other alone could open. */
export const sessionKey = (t: Hash, ofNew: Bytes, ofLive: Bytes): Bytes => hash(LABEL.linkSession, t, ofNew, ofLive);

export const sealWords = (key: Bytes, id: MeetId, n: number, side: MeetSide, plain: Bytes, random: Random): Bytes => box(key, about(LABEL.linkWords, id, n, side), plain, random);
export const openWords = (key: Bytes, id: MeetId, n: number, side: MeetSide, sealed: Bytes): Result<Bytes, 'unreadable'> => unbox(key, about(LABEL.linkWords, id, n, side), sealed);
