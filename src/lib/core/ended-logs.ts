/**
 * Logs that ended (PROTOCOL §5.3): nothing more of one is taken before the whole run to an end of its is here. The run to the cut that
 * ended it counts above all else, wherever it parts from what was taken before.
 */
import type { Bytes } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { endsOf, type Row, rowByDevice } from '$crypto/roster/state';
import { LOG_START, type LogPlace, runTo } from '../group/log';
import type { GroupRun } from './group-run';
import { type InboxRow, keyOf } from './group-rows';
import { unpack } from './pack';

/** Envelopes of one log, in order, from where it stands (or stood, when it turns) to an end of its. */
export interface EndRun {
  readonly row: Row;
  readonly from: LogPlace;
  readonly items: readonly InboxRow[];
  /** It ends in the cut that ended the row: what else there is of the log is off it. */
  readonly isLast: boolean;
  /** What was taken before is not all on it. */
  readonly turns: boolean;
}

/** Whether a log ended and stands before the cut that ended it. */
export function isOpenEnded(run: GroupRun, row: Row): boolean {
  return row.end !== null && (run.heads.get(row.device) ?? LOG_START).n < row.end.cut.n;
}

/** Every run to an end that is here and was not taken. */
export async function runsHere(run: GroupRun): Promise<EndRun[]> {
  const found: EndRun[] = [];
  for (const [device, held] of run.held) {
    const row = rowByDevice(run.state, device);
    if (row === null || row.end === null || !isOpenEnded(run, row)) continue;
    const one = (await turning(run, row, held)) ?? forward(run, row, held);
    if (one !== null) found.push(one);
  }
  return found;
}

/** The run that goes on from where the log stands: to the cut, else to the highest restated. */
function forward(run: GroupRun, row: Row, held: readonly InboxRow[]): EndRun | null {
  const from = run.heads.get(row.device) ?? LOG_START;
  for (const end of endsOf(run.state, row)) {
    const items = runTo(run.state, row, from, held, end);
    if (items !== null) return { row, from, items, isLast: end === row.end?.cut, turns: false };
  }
  return null;
}

/** The run to the cut that ended the row, where it does not go on from what was taken: that is among the stored, with what goes on from it. */
async function turning(run: GroupRun, row: Row, held: readonly InboxRow[]): Promise<EndRun | null> {
  const at = run.heads.get(row.device);
  const cut = row.end?.cut;
  // nothing was ever taken, or nothing else stands beside what was
  if (at === undefined || cut === undefined || !held.some((h) => h.n === cut.n) || (at.n > 0 && !held.some((h) => h.n <= at.n))) return null;
  if (runTo(run.state, row, at, held, cut) !== null && at.n > 0) return null;
  const stored = (await inboxOf(run, row.device)).filter((r) => r.state !== 'held');
  const items = runTo(run.state, row, LOG_START, [...stored, ...held].sort((a, b) => a.n - b.n || a.seq - b.seq), cut);
  return items === null ? null : { row, from: LOG_START, items, isLast: true, turns: stored.length > 0 };
}

/** Whether what was taken of a log, further than a place, went on from there, as far as is stored here. */
export async function wentThrough(run: GroupRun, row: Row, { n, hash }: Pick<LogPlace, 'n' | 'hash'>): Promise<boolean> {
  const next = (await inboxOf(run, row.device)).filter((r) => r.state !== 'held' && r.n === n + 1);
  return next.every((r) => r.prev !== null && equal(r.prev, hash));
}

/** All that is stored of one log. */
async function inboxOf(run: GroupRun, device: number): Promise<InboxRow[]> {
  const out: InboxRow[] = [];
  for (let after: string | undefined = keyOf.envelope(run.ref, 0); after !== undefined; ) {
    const rows: readonly { key: string; value: Bytes }[] = await run.around.store.range('inbox', keyOf.envelopes(run.ref), { after, most: 500 });
    for (const { value } of rows) {
      const row = unpack<InboxRow>(value);
      if (row.device === device) out.push(row);
    }
    after = rows.at(-1)?.key;
  }
  return out;
}

/** Whether this device could show a log up to a place: it stands there, or has the run to it. */
export function reaches(run: GroupRun, row: Row, to: Pick<LogPlace, 'n' | 'hash'>): boolean {
  const at = run.heads.get(row.device) ?? LOG_START;
  return at.n === to.n ? equal(at.hash, to.hash) : runTo(run.state, row, at, run.held.get(row.device) ?? [], to) !== null;
}
