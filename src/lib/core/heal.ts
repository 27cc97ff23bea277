/**
 * Reading the feed again: when the relay showed what could not be what it claimed, or a log lacks an envelope while later ones are here.
 * A member's own bad bytes look the same from here, so this happens once a session, and decides nothing but what else is asked for.
 */
import { equal } from '$crypto/bytes';
import { readEnvelope } from '$crypto/envelope';
import type { StoredEnvelope } from '$crypto/frames';
import { type Row, rowByDevice } from '$crypto/roster/state';
import { judgeEnvelope, LOG_START } from '../group/log';
import type { Change } from '../store/store';
import { takeRuns } from './ended-logs';
import { type GroupRun, ODD_BEFORE } from './group-run';
import { type InboxRow, keyOf, put } from './group-rows';
import { envelopeAt, envelopesHere } from './inbox';
import { beginWay, isOnWay, isOpenEnded, isWhole } from './ways';
import { isMislabelled, markOf } from './held';
import { pagesUp } from './pages';
import { judge } from './judge';
import { changesOf, remember } from './settle';

/** A member's bad bytes stay odd for ever: they must not make everybody read the feed at each connection. Each reading in vain waits longer. */
const READ_AGAIN_AFTER = 15_000;
const READ_AGAIN_MOST = 86_400_000;

/** Reads all of the feed once more when there is reason to, and says when a log still lacks something. */
export async function healFeed(run: GroupRun): Promise<boolean> {
  if ((isSuspicious(run) && !run.readAgain) || isDue(run)) {
    run.readAgain = true;
    run.readAgainAt = run.around.clock();
    // what is odd still will be noted again
    const oddBefore = new Set(run.odd);
    run.odd.clear();
    run.suspect = false;
    // what leads to an end is right; the rest is followed anew, through what is shown now
    for (const [device, way] of run.ways) {
      const row = rowByDevice(run.state, device);
      if (row !== null && isOpenEnded(run, row) && way.proven <= (run.heads.get(device) ?? LOG_START).n) beginWay(run, row);
    }
    const known = await knownHere(run);
    const before = [...run.heads.values()].reduce((sum, h) => sum + h.n, 0);
    let isWhole = true;
    let from = 0;
    for await (const f of pagesUp(run, 0, run.cursor)) {
      if (f === null) {
        for (const o of oddBefore) run.odd.add(o);
        run.suspect = true;
        return false;
      }
      isWhole = (await takeAgain(run, f.items, from, known)) && isWhole;
      from = f.items.at(-1)?.seq ?? 0;
    }
    if (from < run.cursor) isWhole = false;
    run.suspect = !isWhole || (!oddBefore.has(ODD_BEFORE) && [...run.odd].some((o) => !oddBefore.has(o)));
    const isInVain = [...run.heads.values()].reduce((sum, h) => sum + h.n, 0) === before;
    run.readAgainWait = isInVain ? Math.min(READ_AGAIN_MOST, Math.max(READ_AGAIN_AFTER, run.readAgainWait * 4)) : READ_AGAIN_AFTER;
    await run.commitOrCarryOn([run.headsRow()]);
  }
  tellGaps(run);
  return true;
}

/** Shows that something is held back (P19), where nothing worse is shown. */
export function tellGap(run: GroupRun): void {
  if (run.alarm !== null) return;
  run.alarm = 'gap';
  run.changed();
}

/** Shows whether a log lacks something. */
export function tellGaps(run: GroupRun): void {
  const rowOf = (device: number): Row | null => rowByDevice(run.state, device);
  const lacks = lacking(run).some((device) => !isNewer(run, device)) || [...run.withheld].map(rowOf).some((row) => row !== null && !isWhole(run, row));
  if (lacks) return tellGap(run);
  if (run.alarm !== 'gap') return;
  run.alarm = null;
  run.changed();
}

/** Whether there is reason to read again: something new that is odd, or something odd that was last looked after some time ago. */
export function isSuspicious(run: GroupRun): boolean {
  for (const device of lacking(run)) run.noteOdd(`${device} lacks ${(run.heads.get(device) ?? LOG_START).n + 1}`);
  for (const [device, held] of run.held) if (held.length > 0 && rowByDevice(run.state, device) === null) run.noteOdd(`${device} unknown`);
  return run.suspect || isDue(run);
}

/** Something stays odd, and was last looked after longer ago than the last looks in vain allow; whatever became of the clock. */
const isDue = (run: GroupRun): boolean => run.odd.size > 0 && Math.abs(run.around.clock() - run.readAgainAt) > run.readAgainWait;

/** Whether some log waits for an app that can read its next envelope (R12). */
export const isReadByNewer = (run: GroupRun): boolean => [...run.held.keys()].some((device) => isNewer(run, device));

function isNewer(run: GroupRun, device: number): boolean {
  const row = rowByDevice(run.state, device);
  const at = run.heads.get(device) ?? LOG_START;
  const waiting = run.held.get(device) ?? [];
  // an app that reads newer ones writes newer ones: before one of ours it is noise, and the relay holds back what belongs there
  return row !== null && !waiting.some((h) => readEnvelope(h.envelope).ok) && waiting.some((h) => {
    const j = h.n === at.n + 1 ? judgeEnvelope(run.state, row, at, h.envelope) : null;
    return j?.is === 'held' && j.why === 'version';
  });
}

/** Live logs that lack their next envelope while later ones are here, or have one in its place that can't be read. */
const lacking = (run: GroupRun): number[] =>
  [...run.held].flatMap(([device, held]) => {
    const row = rowByDevice(run.state, device);
    if (row === null || row.end !== null || held.length === 0 || run.isOutdated) return [];
    const at = run.heads.get(device) ?? LOG_START;
    const goesOn = held.some((h) => {
      if (h.n > at.n + 1) return false;
      const j = judgeEnvelope(run.state, row, at, h.envelope);
      return j.is === 'accepted' || (j.is === 'held' && j.why === 'roster');
    });
    return goesOn ? [] : [device];
  });

/** What is shown a second time, below the cursor: only what a log still lacks counts. Says whether nothing was left out. */
async function takeAgain(run: GroupRun, items: readonly StoredEnvelope[], after: number, known: ReadonlySet<string>): Promise<boolean> {
  const judged: InboxRow[] = [];
  const changes: Change[] = [];
  let seq = after;
  let isWhole = true;
  for (const item of items) {
    if (item.seq > run.cursor) break;
    const isAgain = item.seq <= seq;
    if (item.seq !== ++seq) isWhole = false;
    seq = item.seq;
    if (known.has(markOf(item)) || run.held.get(item.device)?.some((h) => equal(h.envelope, item.envelope)) === true) continue;
    const there = await envelopeAt(run, item.seq);
    const counts = there !== null && (there.state !== 'held' || isOnWay(run, there));
    if (counts && there.device === item.device && there.n === item.n && equal(there.envelope, item.envelope)) continue;
    for (const [device, held] of run.held) run.held.set(device, held.filter((h) => h.seq !== item.seq));
    const row = rowByDevice(run.state, item.device);
    // of a log that ended, another run may be the one to its cut
    const isOdd = row === null || isMislabelled(item) || (item.n <= (run.heads.get(row.device) ?? LOG_START).n && !isOpenEnded(run, row));
    if (isOdd) run.noteOdd(markOf(item));
    // another was shown at its place of the feed before, and stays there
    else judged.push(...judge(run, { ...item, prev: null, state: 'held', ...(counts || isAgain ? { loose: true } : {}) }));
    const held = run.held.get(item.device)?.find((h) => h.seq === item.seq);
    if (held === undefined) continue;
    // it waits on: over a restart too, or it is read once more
    if (held.loose === undefined) changes.push(put('inbox', keyOf.inbox(run.ref, held), held));
    else isWhole = false;
  }
  changes.push(...judged.flatMap((row) => changesOf(run, row)));
  await remember(run, judged, changes);
  await takeRuns(run);
  return isWhole;
}

/** Envelopes that were verified and are here, wherever in the feed they were shown. */
async function knownHere(run: GroupRun): Promise<Set<string>> {
  const known = new Set<string>();
  // one that had to wait, and was refused when its turn came, may bear the mark of the one it was made from
  for await (const rows of envelopesHere(run)) for (const { row } of rows) if (row.state !== 'held') known.add(markOf(row));
  return known;
}
