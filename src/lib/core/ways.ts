/**
 * The way of a log that ended (PROTOCOL §5.3): what follows on from where the log stands, one by one, by hashes alone. It is no word of
 * anybody before it leads to an end of the log. Only how far it came is in memory; its envelopes are stored as `held`, with its number.
 */
import type { Hash } from '$crypto/brand';
import { readEnvelope } from '$crypto/envelope';
import { isEndOf, type Row } from '$crypto/roster/state';
import { hashBehind, LOG_START } from '../group/log';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';
import { keep, markOf } from './held';

export interface Way {
  /** The last envelope on it. */
  readonly n: number;
  readonly hash: Hash;
  /** Which way of this log it is: what an earlier one left in the store is no part of it. */
  readonly way: number;
  /** The furthest end that it led to; 0 when to none. */
  readonly proven: number;
}

/** Whether a log ended and stands before the cut that ended it. */
export function isOpenEnded(run: GroupRun, row: Row): boolean {
  return row.end !== null && (run.heads.get(row.device) ?? LOG_START).n < row.end.cut.n;
}

/** Whether all of a log that ended is here, though it may not be taken yet. */
export const isWhole = (run: GroupRun, row: Row): boolean => !isOpenEnded(run, row) || wayOf(run, row).proven === row.end?.cut.n;

/** Whether what the way would go on with is here, in bytes that this app can't read: those of a newer one look so. */
export function isUnread(run: GroupRun, row: Row): boolean {
  const { n } = wayOf(run, row);
  return (run.held.get(row.device) ?? []).some((h) => h.n === n + 1 && !readEnvelope(h.envelope).ok);
}

/** The way of a log that ended. */
export function wayOf(run: GroupRun, { device }: Row): Way {
  const { n, hash } = run.heads.get(device) ?? LOG_START;
  return run.ways.get(device) ?? { n, hash, way: 1, proven: 0 };
}

/** Begins another way where the log stands. */
export function beginWay(run: GroupRun, row: Row): void {
  const { n, hash } = run.heads.get(row.device) ?? LOG_START;
  run.ways.set(row.device, { n, hash, way: wayOf(run, row).way + 1, proven: 0 });
  run.stopped.delete(row.device);
}

/** Whether a stored row is part of the present way of its log. */
export const isOnWay = (run: GroupRun, row: InboxRow): boolean => row.state === 'held' && row.way !== undefined && row.way === run.ways.get(row.device)?.way;

/** The way goes on with what came, and with what had waited for that. Gives what is on it now, to be stored; the rest waits. */
export function follow(run: GroupRun, row: Row, came: InboxRow | null): InboxRow[] {
  const { device } = row;
  const cut = row.end?.cut.n ?? 0;
  let way = wayOf(run, row);
  // at an end that was restated since
  if (isEndOf(run.state, row, way)) way = { ...way, proven: way.n };
  if (came !== null && came.n > cut) {
    run.noteOdd(markOf(came));
    return [];
  }
  if (came !== null && came.n !== way.n + 1) {
    keep(run, [came]);
    return [];
  }
  const out: InboxRow[] = [];
  const held = (run.held.get(device) ?? []).filter((h) => h.n <= cut || void run.noteOdd(markOf(h)));
  const waiting = came === null ? held : [came, ...held];
  for (;;) {
    const i = waiting.findIndex((h) => h.n === way.n + 1);
    const next = waiting[i];
    const hash = next === undefined ? null : hashBehind(run.state, row, way, next.envelope);
    if (next === undefined || hash === null) break;
    waiting.splice(i, 1);
    out.push({ ...next, prev: way.hash, way: way.way });
    way = { ...way, n: next.n, hash };
    if (isEndOf(run.state, row, way)) way = { ...way, proven: way.n };
  }
  run.held.delete(device);
  keep(run, waiting);
  run.ways.set(device, way);
  return out;
}
