/** Envelopes coming in (PROTOCOL §11): the roster's verdict here, order and sameness in the log, the ack only after it is durable. */
import type { Bytes, Hash, Hex, LogPk } from '../crypto/brand';
import { ZERO_HASH } from '../crypto/hash';
import { type EnvelopeHeader, headerOf } from '../crypto/header';
import { chainAt, epochAt, owedAt, type RosterState } from '../crypto/roster/state';
import type { House } from './house';
import { RATE } from './limits';
import { fits, took, wantsSpare, withSpare } from './quota';
import type { Appended, Verdict } from './log';
import type { LogSession } from './session';

/** The envelope may be part of what the socket gave: it is copied where it is kept. */
interface Append { readonly n: number; readonly envelope: Bytes }

export function append(h: House, s: LogSession, f: Append): void {
  const { group } = s;
  const { connection } = s;
  if (wantsSpare(h, group)) return withSpare(h, group, () => group.run(() => (s.gone === null ? append(h, s, f) : connection.send({ is: 'gone', re: f.n, group: group.id, seq: s.gone }))));
  const time = h.clock();
  connection.wait = Math.max(connection.wait, s.pace.take(time), s.volume.take(time, f.envelope.length), connection.coming > RATE.coming ? RATE.comingWait : 0);
  const read = headerOf(f.envelope);
  if (!read.ok) return connection.refuse(f.n, group.id, read.fault);
  const header = read.value;
  const state = group.state;
  const judged = judge(state, s.key, header, f.n, time < (group.held.get(s.device) ?? 0));
  const verdict = judged === 'fine' && !fits(group, 'bytes', f.envelope.length) ? 'quota' : judged;
  const roster: Hash = chainAt(state, header.rosterSeq) ?? ZERO_HASH;
  connection.coming += f.envelope.length;
  h.log.call(
    'append',
    { g: group.g, device: s.device, n: f.n, rosterSeq: header.rosterSeq, time, verdict, judgedAt: state.seq, group: group.id, logPk: s.logPk, roster, blobs: header.blobs, envelope: f.envelope },
    (r) => {
      connection.coming -= f.envelope.length;
      if (!r.ok) {
        const { from, to } = group.unheard.get(s.device) ?? { from: f.n, to: f.n };
        group.unheard.set(s.device, { from: Math.min(f.n, from), to: Math.max(f.n, to) });
        h.follow.doubted(group);
        return connection.refuse(f.n, group.id, r.fault);
      }
      if (r.value.is === 'behind') return judgeAgain(h, s, f);
      answer(h, s, f.n, f.envelope, roster === ZERO_HASH, r.value);
    }
  );
}

/** Another relay entered something: the verdict has to be of the roster as it is. */
function judgeAgain(h: House, s: LogSession, f: Append): void {
  const { group, connection } = s;
  group.alone((done) =>
    h.follow.renew(group, (ok) => {
      done();
      if (!ok) connection.refuse(f.n, group.id, 'unavailable');
      else if (s.gone !== null) connection.send({ is: 'gone', re: f.n, group: group.id, seq: s.gone });
      else append(h, s, f);
    })
  );
}

/** `head ≥ rosterSeq ≥ fence`, and no rotation is owed there; the epoch is the one there. */
function judge(s: RosterState, by: Hex<LogPk>, e: EnvelopeHeader, n: number, isHeld: boolean): Verdict {
  // a recovery row speaks through the roster alone
  if (e.n !== n || s.rows.get(by)?.rank === 'recovery') return 'void';
  if (isHeld) return 'held';
  if (e.rosterSeq > s.seq || e.rosterSeq < s.fence || owedAt(s, e.rosterSeq)) return 'stale';
  return epochAt(s, e.rosterSeq)?.seq === e.epoch ? 'fine' : 'void';
}

/** The roster seq that an envelope must at least name: while a rotation is owed, one that does not exist yet. */
export const fenceOf = (s: RosterState): number => (owedAt(s, s.seq) ? s.seq + 1 : s.fence);

function answer(h: House, s: LogSession, n: number, envelope: Bytes, isAhead: boolean, a: Appended): void {
  const { group, device } = s;
  if ('seq' in a) {
    if (a.is === 'stored') took(group, 'bytes', envelope.length);
    const unheard = group.unheard.get(device)?.to ?? 0;
    if (n >= unheard) group.unheard.delete(device);
    const isNew = a.is === 'stored' || n <= unheard;
    if (isNew) h.ringing?.stir(group, s.member);
    return h.follow.stored(s, { device, n, seq: a.seq, time: a.time, envelope }, isNew);
  }
  h.fanout.flushAcks(s);
  if (a.until !== undefined) group.held.set(device, a.until);
  const fence = a.is === 'stale' ? fenceOf(group.state) : a.is === 'held' ? Math.max(0, (group.held.get(device) ?? 0) - h.clock()) : 0;
  s.connection.refuse(n, group.id, a.is, { n: a.n, hash: a.is === 'stale' && isAhead ? ZERO_HASH : a.hash, fence });
}
