/**
 * The way of a log that ended (PROTOCOL §5.3): what follows on from where the log stands, one by one, by hashes alone. It is no word of
 * anybody before it leads to an end of the log. Only how far it came is in memory; its envelopes are stored as `held`, with its number.
 */
import type { Hash } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { readEnvelope } from '$crypto/envelope';
import { endsOf, type Row } from '$crypto/roster/state';
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
  if (endsOf(run.state, row).some((e) => e.n === way.n && equal(e.hash, way.hash))) way = { ...way, proven: way.n };
  const out: InboxRow[] = [];
  let next: InboxRow | undefined;
  if (came !== null) {
    if (came.n > cut) {
      run.noteOdd(markOf(came));
      return [];
    }
    if (came.n !== way.n + 1) {
      keep(run, [came]);
      return [];
    }
    next = came;
  }
  const waiting = (run.held.get(device) ?? []).filter((h) => h.n <= cut || void run.noteOdd(markOf(h)));
  for (;;) {
    if (next === undefined) {
      const i = waiting.findIndex((h) => h.n === way.n + 1);
      if (i < 0) break;
      [next] = waiting.splice(i, 1) as [InboxRow];
    }
    const hash = hashBehind(run.state, row, way, next.envelope);
    if (hash === null) {
      waiting.unshift(next);
      break;
    }
    out.push({ ...next, prev: way.hash, way: way.way });
    const isEnd = endsOf(run.state, row).some((e) => e.n === way.n + 1 && equal(e.hash, hash));
    way = { ...way, n: way.n + 1, hash, proven: isEnd ? way.n + 1 : way.proven };
    next = undefined;
  }
  run.held.delete(device);
  keep(run, waiting);
  run.ways.set(device, way);
  return out;
}
