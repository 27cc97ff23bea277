/**
 * A request for keys of epochs (PROTOCOL §10.1): signed by the device that lacks them, kept by the relay, answered by any live device with
 * a box that opens for the asker alone.
 */
import type { Bytes, GroupId, Hash, LogPk, LogSk } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import type { Result } from './result';
import { SIGN_PK, SIGNATURE, sign, verify } from './verify';
import { decode, type Malformed, type Reader, Writer } from './wire';

const WANT_VERSION = 1;
export const WANT_SPANS = 64;

/** Epochs from `first` to `last`, both included, by the seqs of their entries. */
export interface Span { readonly first: number; readonly last: number }
export interface Want {
  readonly logPk: LogPk;
  /** Ascending and apart; at least one. */
  readonly spans: readonly Span[];
  readonly signature: Bytes;
}

const unsigned = (w: Pick<Want, 'logPk' | 'spans'>): Bytes =>
  new Writer().u8(WANT_VERSION).fixed(w.logPk).list(w.spans, (s, x) => x.num(s.first).num(s.last)).done();

export function signWant(group: GroupId, w: Pick<Want, 'logPk' | 'spans'>, secret: LogSk): Bytes {
  const body = unsigned(w);
  return concat(body, sign(LABEL.want, concat(group, body), secret));
}

export const verifyWant = (group: GroupId, w: Want): boolean => verify(LABEL.want, concat(group, unsigned(w)), w.signature, w.logPk);

export const decodeWant = (bytes: Uint8Array): Result<Want, Malformed> => decode(bytes, read);

function read(r: Reader): Want {
  if (r.u8() !== WANT_VERSION) r.fail();
  const logPk = r.fixed<LogPk>(SIGN_PK);
  const spans = r.list(WANT_SPANS, (x): Span => ({ first: x.num(), last: x.num() }));
  if (spans.length === 0 || !spans.every((s, i) => s.first <= s.last && s.first > (i === 0 ? 0 : (spans[i - 1] as Span).last))) r.fail();
  return { logPk, spans, signature: r.fixed(SIGNATURE) };
}

/** What answers name: these bytes and no others. */
export const wantHash = (want: Uint8Array): Hash => hash(LABEL.wantHash, want);

export const covers = (w: Want, epoch: number): boolean => w.spans.some((s) => s.first <= epoch && epoch <= s.last);
