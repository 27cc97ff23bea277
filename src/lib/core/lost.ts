/**
 * Words of somebody whose log ended that the relay says it has not (PROTOCOL §5.3, §11.6): after a restore the end of a log may be lost.
 * Whoever has more of it gives it; all others hold what there is until the whole is here, or the owner goes on without the rest. A relay
 * that says it has all of it, and shows less, holds something back.
 */
import { equal, hex } from '$crypto/bytes';
import { isEndOf, type Row, rowByDevice } from '$crypto/roster/state';
import { LOG_START, type LogPlace } from '../group/log';
import { show } from './give-back';
import type { GroupRun } from './group-run';
import { tellGap } from './heal';
import { isOpenEnded, isUnread, isWhole } from './ways';

/** Logs that ended, of rows that write, and of which more is to come than is here; of those that this member may read, and all for who can go on without. */
function openLogs(run: GroupRun): Row[] {
  const horizon = run.state.owner === run.me ? 0 : (run.state.members.get(run.me)?.horizon ?? 0);
  return [...run.state.rows.values()].filter((r) => r.rank === 'ordinary' && (r.end?.seq ?? 0) > horizon && isOpenEnded(run, r));
}

/** Asks the relay how far it has the logs that ended before they are whole here. Says whether it still waits for others, who may have more. */
export async function lookForLost(run: GroupRun): Promise<boolean> {
  const open = openLogs(run);
  const before = run.short.size;
  run.short.clear();
  run.withheld.clear();
  const there = open.length === 0 ? null : await show(run);
  if (there !== null && !there.healing) {
    for (const row of open) {
      const { device, end } = row;
      const { n, hash } = there.heads.find((h) => h.device === device) ?? LOG_START;
      if (end !== null && n < end.cut.n) run.short.set(device, { n, hash });
      else if (end !== null && equal(hash, end.cut.hash) && !isWhole(run, row) && !isUnread(run, row)) run.withheld.add(device);
    }
  }
  for (const device of run.withheld) run.noteOdd(`${device} withheld`);
  // it may have been spoiled on the way here: that is said once the feed was read again
  if (run.withheld.size > 0 && run.readAgain) tellGap(run);
  if (before + run.short.size > 0) run.changed();
  return there?.healing === true;
}

/** Where the relay stands in logs whose end it has not, and that were not restated to there. */
export function lostLogs(run: GroupRun): { readonly row: Row; readonly there: Pick<LogPlace, 'n' | 'hash'> }[] {
  return [...run.short].flatMap(([device, there]) => {
    const row = rowByDevice(run.state, device);
    if (row === null || !isOpenEnded(run, row) || isEndOf(run.state, row, there)) return [];
    return [{ row, there }];
  });
}

/** Members whose words those are, hex. */
export const lostMembers = (run: GroupRun): string[] => [...new Set(lostLogs(run).map(({ row }) => hex(row.member)))];
