/**
 * Logs that ended (PROTOCOL §5.3): nothing more of one is taken before the whole run to an end of its is here. The run to the cut that
 * ended it counts above all else, wherever it parts from what was taken before.
 */
import { equal } from '$crypto/bytes';
import { endsOf, type Row, rowByDevice } from '$crypto/roster/state';
import { judgeEnvelope, LOG_START, type LogPlace, runTo } from '../group/log';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';
import { keep, markOf } from './held';
import { envelopesHere } from './inbox';
import { judgeNext, keyLacking, lacksKey } from './judge';
import { rebuildFeed } from './project';
import { changesOf, remember } from './settle';
import { beginWay, isOnWay, isOpenEnded, wayOf } from './ways';

/** Logs that ended and whose whole run to an end of theirs is here: it is taken. `all` false: only what is not on the way, which is looked for among all that is stored. */
export async function takeRuns(run: GroupRun, all = run.synced): Promise<void> {
  for (const device of new Set([...run.held.keys(), ...run.ways.keys()])) {
    const row = rowByDevice(run.state, device);
    const found = row === null || !isOpenEnded(run, row) ? null : await beside(run, row);
    if (found !== null) await takeRun(run, found);
  }
  if (all) await takeWays(run);
}

/** Takes what is on ways that led to an end, in one reading of what is stored, however many they are. */
async function takeWays(run: GroupRun): Promise<void> {
  const due = new Map<number, { readonly row: Row; readonly ahead: Map<number, InboxRow> }>();
  for (const [device, { proven }] of run.ways) {
    const row = rowByDevice(run.state, device);
    const awaits = run.stopped.get(device);
    const isStopped = awaits === null || (awaits !== undefined && lacksKey(run, awaits));
    if (row !== null && !isStopped && proven > (run.heads.get(device) ?? LOG_START).n) due.set(device, { row, ahead: new Map() });
  }
  if (due.size === 0) return;
  // a log that begins anew was taken another way before
  const turns = [...due.keys()].some((device) => run.heads.get(device)?.n === 0);
  for await (const rows of envelopesHere(run)) {
    const taken: InboxRow[] = [];
    for (const { row } of rows) if (isOnWay(run, row)) due.get(row.device)?.ahead.set(row.n, row);
    for (const [device, { row, ahead }] of due) {
      const queue: InboxRow[] = [];
      const proven = wayOf(run, row).proven;
      for (let n = (run.heads.get(device) ?? LOG_START).n + 1, next = ahead.get(n); n <= proven && next !== undefined; next = ahead.get(++n)) queue.push(next);
      if (queue.length === 0) continue;
      const judged = judgeNext(run, row, queue);
      taken.push(...judged.taken);
      for (const { n } of queue) ahead.delete(n);
      const [first] = judged.rest;
      if (first === undefined) run.stopped.delete(device);
      else {
        run.stopped.set(device, keyLacking(run, first));
        due.delete(device);
      }
    }
    if (taken.length > 0) await remember(run, taken, taken.flatMap((r) => changesOf(run, r)));
    if (due.size === 0) break;
  }
  for (const [device, { row }] of due) {
    // one of them is no word of that member's, whatever hash it has: what is behind it never counts
    if ((run.heads.get(device) ?? LOG_START).n < wayOf(run, row).proven) run.stopped.set(device, null);
    close(run, device);
  }
  await run.commitOrCarryOn([run.headsRow()]);
  if (turns) await rebuildFeed(run);
}

/** Of a log that is whole up to its cut nothing more is waited for: what there is beside it is off it. */
function close(run: GroupRun, device: number): void {
  const row = rowByDevice(run.state, device);
  if (row === null || isOpenEnded(run, row)) return;
  for (const h of run.held.get(device) ?? []) run.noteOdd(markOf(h));
  run.held.delete(device);
  run.ways.delete(device);
  run.stopped.delete(device);
}

/** Envelopes of one log, in order, from where it stands (or from its start, when it turns) to an end of its. */
interface EndRun {
  readonly row: Row;
  readonly from: LogPlace;
  readonly items: readonly InboxRow[];
  /** What was taken before is not all on it. */
  readonly turns: boolean;
}

/** The run to an end that leaves the way, or what was taken: to the cut, from wherever it parts; else to the highest restated, from where the log stands. Looked for once for what is here. */
async function beside(run: GroupRun, row: Row): Promise<EndRun | null> {
  const { device } = row;
  const held = run.held.get(device) ?? [];
  const at = run.heads.get(device) ?? LOG_START;
  const way = wayOf(run, row);
  const ends = endsOf(run.state, row).filter((e) => e.n > Math.max(at.n, way.proven) && (way.n >= e.n || held.some((h) => h.n === e.n)));
  const looked = `${way.way} ${way.n + held.length} ${ends.length}`;
  if (ends.length === 0 || run.looked.get(device) === looked) return null;
  run.looked.set(device, looked);
  const here = [...(await storedOf(run, device)).filter((r) => r.state !== 'held' || isOnWay(run, r)), ...held].sort((a, b) => a.n - b.n || a.seq - b.seq);
  for (const end of ends) {
    const isCut = end === row.end?.cut;
    const from = isCut ? LOG_START : at;
    const items = runTo(run.state, row, from, isCut ? here : here.filter((r) => r.state === 'held' && r.n > at.n), end);
    if (items !== null) return { row, from, items, turns: isCut && here.some((r) => r.state !== 'held') };
  }
  // all of it came, and leads nowhere: something on the way is not what it should be
  if (way.n === row.end?.cut.n) run.noteOdd(`${device} astray`);
  return null;
}

async function takeRun(run: GroupRun, { row, from, items, turns }: EndRun): Promise<void> {
  const { device } = row;
  const held = run.held.get(device) ?? [];
  run.held.delete(device);
  run.heads.set(device, from);
  // what was taken before stays as it was stored
  for (const i of items) {
    const j = i.state === 'held' ? null : judgeEnvelope(run.state, row, run.heads.get(device) ?? LOG_START, i.envelope);
    if (j?.is === 'accepted' || j?.is === 'void') run.heads.set(device, j.next);
  }
  const { taken, rest } = judgeNext(run, row, items.filter((i) => i.state === 'held'));
  keep(run, [...rest, ...held.filter((h) => !items.includes(h))]);
  beginWay(run, row);
  if (taken.length > 0) await remember(run, taken, taken.flatMap((r) => changesOf(run, r)));
  close(run, device);
  await run.commitOrCarryOn([run.headsRow()]);
  if (turns) await rebuildFeed(run);
}

/** Whether what was taken of a log, further than a place, went on from there, as far as is stored here. */
export async function wentThrough(run: GroupRun, row: Row, { n, hash }: Pick<LogPlace, 'n' | 'hash'>): Promise<boolean> {
  const next = (await storedOf(run, row.device)).filter((r) => r.state !== 'held' && r.n === n + 1);
  return next.every((r) => r.prev !== null && equal(r.prev, hash));
}

/** Whether this device could show a log up to a place: it stands there, or has the run to it. */
export async function reaches(run: GroupRun, row: Row, to: Pick<LogPlace, 'n' | 'hash'>): Promise<boolean> {
  const at = run.heads.get(row.device) ?? LOG_START;
  const way = wayOf(run, row);
  for (const here of [at, way]) if (here.n === to.n && equal(here.hash, to.hash)) return true;
  const beyond = [...(await storedOf(run, row.device)).filter((r) => isOnWay(run, r)), ...(run.held.get(row.device) ?? [])];
  return runTo(run.state, row, at, beyond.sort((a, b) => a.n - b.n || a.seq - b.seq), to) !== null;
}

/** All that is here of one log. */
async function storedOf(run: GroupRun, device: number): Promise<InboxRow[]> {
  const out: InboxRow[] = [];
  for await (const rows of envelopesHere(run)) for (const { row } of rows) if (row.device === device) out.push(row);
  return out;
}
