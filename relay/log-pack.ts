/** Calls and answers as they cross to the worker and back: envelopes by the hundred in one buffer that changes hands, the rest as it is. */
import type { BlobId, GroupId, Hash, LogPk } from '../crypto/brand';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { ok, type Result } from '../crypto/result';
import { SIGN_PK } from '../crypto/verify';
import { decode, type Reader, Writer } from '../crypto/wire';
import { type Appended, type Appending, type Call, type Calls, type Unkept, VERDICTS } from './log';

type Reply = Result<unknown, Unkept>;
interface At<T> { readonly at: number; readonly it: T }

export interface PackedCalls {
  readonly count: number;
  readonly appends: Uint8Array<ArrayBuffer>;
  /** Calls that are no appends, with their places. */
  readonly others: readonly At<Call>[];
}

export function packCalls(calls: readonly Call[]): PackedCalls {
  const w = new Writer(512 * calls.length);
  const others: At<Call>[] = [];
  calls.forEach((it, at) => {
    if (it.name === 'append') writeAppending(it.input, w);
    else others.push({ at, it });
  });
  return { count: calls.length, appends: w.last(), others };
}

/** Buffers of pages, which change hands. */
export function movable(p: PackedReplies): ArrayBuffer[] {
  return [p.kept.buffer, ...p.others.flatMap(({ it }) => (it.ok && isPage(it.value) ? [it.value.items.bytes.buffer] : []))];
}
const isPage = (v: unknown): v is Calls['page'][1] => typeof v === 'object' && v !== null && 'prevs' in v;

/** Throws when the buffer is not what `packCalls` made. */
export function unpackCalls(p: PackedCalls): Call[] {
  const read = decode(p.appends, (r) => spread<Call>(p.count, p.others, () => ({ name: 'append', input: readAppending(r) })));
  if (!read.ok || read.value === null) throw new Error('calls cannot be unpacked');
  return read.value;
}

export interface PackedReplies {
  readonly count: number;
  /** Of each envelope that was kept: 1 new or 0 again, seq, time. */
  readonly kept: Float64Array<ArrayBuffer>;
  readonly others: readonly At<Reply>[];
}

export function packReplies(calls: readonly Call[], replies: readonly Reply[]): PackedReplies {
  const kept = new Float64Array(3 * replies.length);
  const others: At<Reply>[] = [];
  let n = 0;
  replies.forEach((it, at) => {
    const value = it.ok && calls[at]?.name === 'append' ? (it.value as Appended) : null;
    if (value === null || !('seq' in value)) return void others.push({ at, it });
    kept[n++] = value.is === 'stored' ? 1 : 0;
    kept[n++] = value.seq;
    kept[n++] = value.time;
  });
  return { count: replies.length, kept, others };
}

/** Throws when it is not what `packReplies` made. */
export function unpackReplies(p: PackedReplies): Reply[] {
  let n = 0;
  const next = (): number => p.kept[n++] as number;
  const replies = p.kept.length === 3 * p.count ? spread<Reply>(p.count, p.others, () => ok({ is: next() === 1 ? 'stored' : 'again', seq: next(), time: next() } satisfies Appended)) : null;
  if (replies === null) throw new Error('answers cannot be unpacked');
  return replies;
}

/** `count` items: the others at their places, `next` everywhere else; null when not all of the others have one. */
function spread<T>(count: number, others: readonly At<T>[], next: () => T): T[] | null {
  let o = 0;
  const all: T[] = [];
  for (let at = 0; at < count; at++) all.push(others[o]?.at === at ? (others[o++] as At<T>).it : next());
  return o === others.length ? all : null;
}

function writeAppending(a: Appending, w: Writer): void {
  w.num(a.g).num(a.device).num(a.n).num(a.rosterSeq).num(a.time).u8(VERDICTS.indexOf(a.verdict)).num(a.judgedAt);
  w.fixed(a.group).fixed(a.logPk).fixed(a.roster).list(a.blobs, (b, x) => x.fixed(b)).bytes(a.envelope);
}
function readAppending(r: Reader): Appending {
  return {
    g: r.num(), device: r.num(), n: r.num(), rosterSeq: r.num(), time: r.num(), verdict: VERDICTS[r.u8()] ?? r.fail(), judgedAt: r.num(),
    group: r.view<GroupId>(HASH), logPk: r.view<LogPk>(SIGN_PK), roster: r.view<Hash>(HASH),
    blobs: r.list(LIMIT.blobsPerEnvelope, (x) => x.view<BlobId>(HASH)), envelope: r.view(r.num(LIMIT.envelope))
  };
}
