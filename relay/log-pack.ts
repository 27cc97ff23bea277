/** Calls as they cross to the worker: envelopes by the thousand in one buffer that changes hands, the rest as they are. */
import type { BlobId, GroupId, Hash, LogPk } from '../crypto/brand';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { SIGN_PK } from '../crypto/verify';
import { decode, type Reader, Writer } from '../crypto/wire';
import { type Appending, type Call, VERDICTS } from './log';

export interface PackedCalls {
  readonly appends: Uint8Array<ArrayBuffer>;
  /** In order; null stands for the next of `appends`. */
  readonly calls: readonly (Call | null)[];
}

export function packCalls(calls: readonly Call[]): PackedCalls {
  const w = new Writer();
  const rest = calls.map((c) => {
    if (c.name !== 'append') return c;
    writeAppending(c.input, w);
    return null;
  });
  return { appends: w.done(), calls: rest };
}

/** Throws when the buffer is not what `packCalls` made. */
export function unpackCalls(p: PackedCalls): Call[] {
  const read = decode(p.appends, (r) => p.calls.map((c): Call => c ?? { name: 'append', input: readAppending(r) }));
  if (!read.ok) throw new Error('calls cannot be unpacked');
  return read.value;
}

function writeAppending(a: Appending, w: Writer): void {
  w.num(a.g).num(a.device).num(a.n).num(a.rosterSeq).num(a.time).u8(VERDICTS.indexOf(a.verdict));
  w.fixed(a.group).fixed(a.logPk).fixed(a.roster).list(a.blobs, (b, x) => x.fixed(b)).bytes(a.envelope);
}
function readAppending(r: Reader): Appending {
  return {
    g: r.num(), device: r.num(), n: r.num(), rosterSeq: r.num(), time: r.num(), verdict: VERDICTS[r.u8()] ?? r.fail(),
    group: r.fixed<GroupId>(HASH), logPk: r.fixed<LogPk>(SIGN_PK), roster: r.fixed<Hash>(HASH),
    blobs: r.list(LIMIT.blobsPerEnvelope, (x) => x.fixed<BlobId>(HASH)), envelope: r.bytes(LIMIT.envelope)
  };
}
