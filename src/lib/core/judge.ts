/** Which of the envelopes that came count now, and which wait. In memory only. */
import type { Bytes } from '$crypto/brand';
import { readEnvelope } from '$crypto/envelope';
import { LIMIT } from '$crypto/limits';
import { currentEpoch, type Row, rowByDevice } from '$crypto/roster/state';
import { judgeEnvelope, LOG_START } from '../group/log';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';
import { keep, markOf } from './held';
import { follow, isOpenEnded } from './ways';

/**
 * Takes the next envelopes of one log as far as they go: the one that came, then those that waited for it. Gives those that are to be
 * remembered; of a log that ended they are still `held`, until the way they are on has led to its end.
 */
export function judge(run: GroupRun, came: InboxRow | null, deviceOf?: number): InboxRow[] {
  const device = came?.device ?? (deviceOf as number);
  const row = rowByDevice(run.state, device);
  if (row !== null && isOpenEnded(run, row)) return follow(run, row, came);
  const waiting = run.held.get(device) ?? [];
  if (came !== null && changesNothing(run, row, waiting, came)) {
    keep(run, [came]);
    return [];
  }
  const queue = came === null ? waiting : [...waiting, came].sort((a, b) => a.n - b.n || a.seq - b.seq);
  run.held.delete(device);
  if (row === null) {
    // far from any device that could come yet: nothing is kept for it
    if (device <= run.state.rows.size + LIMIT.devices) keep(run, queue);
    return [];
  }
  const { taken, rest } = judgeNext(run, row, queue);
  keep(run, rest);
  return taken;
}

/** A log's next envelopes out of those given, in order; `rest` has to wait. */
export function judgeNext(run: GroupRun, row: Row, queue: readonly InboxRow[]): { readonly taken: InboxRow[]; readonly rest: readonly InboxRow[] } {
  const { device } = row;
  const taken: InboxRow[] = [];
  for (const [i, item] of queue.entries()) {
    const at = run.heads.get(device) ?? LOG_START;
    // written under rules that this app does not know: they wait for one that does
    if (run.isOutdated && namesNewer(run, item.envelope)) return { taken, rest: queue.slice(i) };
    const j = judgeEnvelope(run.state, row, at, item.envelope);
    if (j.is === 'refused') {
      run.noteOdd(markOf(item));
      continue;
    }
    // an unreadable one in the place of a real one must not stand before it
    if (j.is === 'held' && j.why === 'version' && queue[i + 1]?.n === item.n) continue;
    if (j.is === 'held' || (j.is === 'accepted' && lacksKey(run, j.envelope.header.epoch))) return { taken, rest: queue.slice(i) };
    if (j.is === 'accepted' && run.junk.has(j.envelope.header.epoch)) run.passedBy.add(j.envelope.header.epoch);
    run.heads.set(device, j.next);
    run.verified.set(device, Math.max(item.time, run.verified.get(device) ?? 0));
    taken.push({ ...item, prev: at.hash, state: j.is === 'accepted' ? 'ok' : 'void' });
  }
  return { taken, rest: [] };
}

/** Whether one that came has to wait as well, behind what the others wait for: the queue costs what comes to it, not what stands in it (P21). */
function changesNothing(run: GroupRun, row: Row | null, waiting: readonly InboxRow[], came: InboxRow): boolean {
  const [first] = waiting;
  if (first === undefined || row?.end != null) return false;
  const { n } = run.heads.get(came.device) ?? LOG_START;
  return first.n > n && came.n > first.n;
}

/** Whether an envelope names the roster from the entry on that raised the group's version. */
function namesNewer(run: GroupRun, envelope: Bytes): boolean {
  const read = readEnvelope(envelope);
  return read.ok && read.value.header.rosterSeq >= run.state.seq;
}

/** A key within this member's horizon that has not come yet. One that came as junk is not waited for: the words under it stay closed, the log goes on. */
export function lacksKey(run: GroupRun, epoch: number): boolean {
  const horizon = run.state.members.get(run.me)?.horizon ?? 1;
  return epoch >= horizon && !run.junk.has(epoch) && run.keyring.get(epoch)?.content == null && run.row.ended === null;
}

/** The epoch whose key is lacking for an envelope that stands where its log may go on; null for what waits for something else. */
export function keyLacking(run: GroupRun, row: InboxRow): number | null {
  const read = readEnvelope(row.envelope);
  return read.ok && read.value.header.rosterSeq <= run.state.seq && lacksKey(run, read.value.header.epoch) ? read.value.header.epoch : null;
}

/** What waits for a key that is late. */
export const awaitedKey = (run: GroupRun): 'write' | 'read' | null => (run.isKeyLate ? waitsForKey(run) : null);

/** What waits for a key: the newest one holds up writing too. Nothing where no words do. */
export function waitsForKey(run: GroupRun): 'write' | 'read' | null {
  if (run.row.ended !== null || run.isOutdated) return null;
  if (lacksKey(run, currentEpoch(run.state).seq)) return 'write';
  const isClosed = [...run.held].some(([device, held]) => {
    const next = held.find((h) => h.n === (run.heads.get(device) ?? LOG_START).n + 1);
    return next !== undefined && keyLacking(run, next) !== null;
  });
  return isClosed || [...run.stopped.values()].some((epoch) => epoch !== null && lacksKey(run, epoch)) ? 'read' : null;
}
