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

/** The hash of what claims to be the envelope behind a place of a log; null where it claims no such thing. Its signature is not looked at. */
export function hashBehind(s: RosterState, row: Row, at: Pick<LogPlace, 'n' | 'hash'>, bytes: Bytes): Hash | null {
  const read = readEnvelope(bytes);
  const roster = read.ok && read.value.header.n === at.n + 1 ? chainAt(s, read.value.header.rosterSeq) : null;
  return roster === null ? null : envelopeHash({ group: s.group, logPk: row.logPk, prev: at.hash, roster }, bytes);
}

/** Ways on that are followed at one number; an honest relay has one more than it was restored. */
const WAYS = 8;
interface Way<T> { readonly hash: Hash; readonly item: T | null; readonly before: Way<T> | null }

/**
 * The envelopes that lead from `at` to a place of the same log, in order (R9); null when they are not all here. Several may bear one
 * number: which of them count is decided by the chain that ends there, never by which came first. `here` ascends by number.
 */
export function runTo<T extends { readonly n: number; readonly envelope: Bytes }>(s: RosterState, row: Row, at: Pick<LogPlace, 'n' | 'hash'>, here: readonly T[], to: Pick<LogPlace, 'n' | 'hash'>): T[] | null {
  const last = here.filter((h) => h.n === to.n);
  if (to.n <= at.n || last.length === 0) return null;
  let ways: Way<T>[] = [{ hash: at.hash, item: null, before: null }];
  let i = 0;
  for (let n = at.n + 1; n <= to.n; n++) {
    while (i < here.length && (here[i] as T).n < n) i++;
    const next: T[] = [];
    for (let j = i; j < here.length && (here[j] as T).n === n; j++) next.push(here[j] as T);
    ways = stepsOn(s, row, n, ways, next);
    if (ways.length === 0) return null;
  }
  const run: T[] = [];
  for (let way = ways.find((w) => equal(w.hash, to.hash)) ?? null; way !== null && way.item !== null; way = way.before) run.unshift(way.item);
  return run.length === 0 ? null : run;
}

/** Where several could follow, the log's signature says which follows what. One alone is followed as it is: it is judged when it is taken. */
function stepsOn<T extends { readonly envelope: Bytes }>(s: RosterState, row: Row, n: number, ways: readonly Way<T>[], items: readonly T[]): Way<T>[] {
  const all: { readonly way: Way<T>; readonly signed: () => boolean }[] = [];
  for (const item of items) {
    const read = readEnvelope(item.envelope);
    const roster = read.ok && read.value.header.n === n ? chainAt(s, read.value.header.rosterSeq) : null;
    if (!read.ok || roster === null) continue;
    for (const before of ways) {
      const context = { group: s.group, logPk: row.logPk, prev: before.hash, roster };
      all.push({ way: { hash: envelopeHash(context, item.envelope), item, before }, signed: () => verifyEnvelope(context, read.value) });
    }
  }
  return all.length <= 1 ? all.map((a) => a.way) : all.filter((a) => a.signed()).slice(0, WAYS).map((a) => a.way);
}
