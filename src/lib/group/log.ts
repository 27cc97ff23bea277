/** Judging one envelope against the roster and its log (PROTOCOL §5, §9: R9, R12). Pure: no clock, keys, storage or Yjs. */
import type { Bytes, Hash } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { type Envelope, type EnvelopeContext, envelopeHash, readEnvelope, verifyEnvelope } from '$crypto/envelope';
import { ZERO_HASH } from '$crypto/hash';
import { chainAt, epochAt, liveAt, owedAt, type RosterState, type Row } from '$crypto/roster/state';

/** How far a log has come here: its last envelope, and the roster seq that one named. */
export interface LogPlace { readonly n: number; readonly hash: Hash; readonly rosterSeq: number }
export const LOG_START: LogPlace = { n: 0, hash: ZERO_HASH, rosterSeq: 0 };

/** Correctly signed and in its place, but without effect. */
export type VoidWhy = 'not-live' | 'roster-back' | 'wrong-epoch' | 'owed';
/** Not taken, and its log does not advance. */
export type RefuseWhy = 'malformed' | 'forged' | 'repeated' | 'beyond-cut';
/** Kept until something else arrives. */
export type HoldWhy = 'gap' | 'roster' | 'version';

export type Judged =
  | { readonly is: 'accepted'; readonly context: EnvelopeContext; readonly envelope: Envelope; readonly next: LogPlace }
  | { readonly is: 'void'; readonly why: VoidWhy; readonly next: LogPlace }
  | { readonly is: 'held'; readonly why: HoldWhy }
  | { readonly is: 'refused'; readonly why: RefuseWhy };

/** Judges the bytes that claim to be envelope `at.n` + 1 of `row`'s log. */
export function judgeEnvelope(s: RosterState, row: Row, at: LogPlace, bytes: Bytes): Judged {
  const read = readEnvelope(bytes);
  if (!read.ok) return read.fault === 'version' ? { is: 'held', why: 'version' } : { is: 'refused', why: 'malformed' };
  const { header } = read.value;
  if (header.n <= at.n) return { is: 'refused', why: 'repeated' };
  if (row.end !== null && header.n > row.end.cut.n) return { is: 'refused', why: 'beyond-cut' };
  if (header.n > at.n + 1) return { is: 'held', why: 'gap' };
  const roster = chainAt(s, header.rosterSeq);
  if (roster === null) return header.rosterSeq > s.seq ? { is: 'held', why: 'roster' } : { is: 'refused', why: 'malformed' };
  const context: EnvelopeContext = { group: s.group, logPk: row.logPk, prev: at.hash, roster };
  if (!verifyEnvelope(context, read.value)) return { is: 'refused', why: 'forged' };
  const next: LogPlace = { n: header.n, hash: envelopeHash(context, bytes), rosterSeq: Math.max(at.rosterSeq, header.rosterSeq) };
  const why = voidWhy(s, row, at, header.rosterSeq, header.epoch);
  return why === null ? { is: 'accepted', context, envelope: read.value, next } : { is: 'void', why, next };
}

function voidWhy(s: RosterState, row: Row, at: LogPlace, rosterSeq: number, epoch: number): VoidWhy | null {
  if (row.rank === 'recovery') return 'not-live';
  if (rosterSeq < at.rosterSeq) return 'roster-back';
  if (!liveAt(row, rosterSeq)) return 'not-live';
  if (epochAt(s, rosterSeq)?.seq !== epoch) return 'wrong-epoch';
  return owedAt(s, rosterSeq) ? 'owed' : null;
}

/**
 * Whether a run of envelopes from `at` ends in the row's cut-off (R9): nothing of an ended log is taken before the whole run is here.
 * The run is in order and contiguous.
 */
export function endsInCut(s: RosterState, row: Row, at: LogPlace, run: readonly Bytes[]): boolean {
  if (row.end === null) return false;
  let { n, hash } = at;
  for (const bytes of run) {
    const read = readEnvelope(bytes);
    if (!read.ok || read.value.header.n !== n + 1) return false;
    const roster = chainAt(s, read.value.header.rosterSeq);
    if (roster === null) return false;
    hash = envelopeHash({ group: s.group, logPk: row.logPk, prev: hash, roster }, bytes);
    n++;
  }
  return n === row.end.cut.n && equal(hash, row.end.cut.hash);
}
