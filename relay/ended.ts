/** The end of sessions: of a connection that closed, and of rows that the roster ended. */
import type { Hex, LogPk } from '../crypto/brand';
import type { RosterState } from '../crypto/roster/state';
import type { House } from './house';
import { RATE } from './limits';
import type { Connection, LogSession } from './session';

/** Takes a session out of everything live. */
export function endSession(h: House, s: LogSession): void {
  s.group.logs.delete(s);
  h.visited.add(s.group.g);
  h.bearers.end(s);
  s.staged = null;
  h.follow.depart(s.group);
}

export function endConnection(h: House, c: Connection): void {
  if (!c.isOpen) return;
  c.isOpen = false;
  c.toRead = undefined;
  h.connections.delete(c);
  for (const s of c.logs.values()) endSession(h, s);
  for (const s of c.invites.values()) {
    s.group.invites.delete(s);
    h.follow.depart(s.group);
  }
}

/** Connections whose bearers are about to end (PROTOCOL §11.1), so many at a time: their devices come anew, for others. */
export function endAged(h: House): void {
  const before = h.clock() - RATE.bearer + RATE.bearerBefore;
  const aged: Connection[] = [];
  // in the order in which they came
  for (const c of h.connections) {
    if (c.since > before || aged.length === RATE.awayAtOnce) break;
    aged.push(c);
  }
  if (aged.length > 0) h.fanout.flush();
  for (const c of aged) {
    endConnection(h, c);
    c.end();
  }
}

/** GONE for every session whose row has ended; it can no more than read up to there. */
export function tellEnded(h: House, sessions: Iterable<LogSession>, state: RosterState): void {
  for (const s of [...sessions]) {
    const end = state.rows.get(s.key as Hex<LogPk>)?.end ?? null;
    if (end === null) continue;
    s.gone = end.seq;
    h.fanout.flushAcks(s);
    endSession(h, s);
    s.connection.send({ is: 'gone', re: 0, group: s.group.id, seq: end.seq });
  }
}
