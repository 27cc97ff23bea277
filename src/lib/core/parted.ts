/**
 * Logs of which the relay has other words than this device, under the same numbers: after a restore a log's own key may have signed them
 * before anybody gave back what was lost (PROTOCOL §11.6). Nobody but that key can have, so the relay's word is not needed.
 */
import { equal } from '$crypto/bytes';
import type { Row } from '$crypto/roster/state';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import { wentThrough } from './ended-logs';
import type { GroupRun } from './group-run';
import { pagesUp } from './pages';

/** Whether a log, of which this device has as much or more, stands at the relay where what was taken here did not lead, each word of it signed. One that is only behind has not parted. */
export async function hasParted(run: GroupRun, row: Row, there: Pick<LogPlace, 'n' | 'hash'>): Promise<boolean> {
  const here = run.heads.get(row.device) ?? LOG_START;
  const isBehind = there.n < here.n ? await wentThrough(run, row, there) : equal(there.hash, here.hash);
  return there.n > 0 && there.n <= here.n && !isBehind && isSigned(run, row, there);
}

/** Reads the feed for one log, from its first envelope to a place. */
async function isSigned(run: GroupRun, row: Row, to: Pick<LogPlace, 'n' | 'hash'>): Promise<boolean> {
  let at = LOG_START;
  for await (const f of pagesUp(run, 0)) {
    if (f === null) return false;
    for (const item of f.items) {
      const j = item.device === row.device && at.n < to.n ? judgeEnvelope(run.state, row, at, item.envelope) : null;
      if (j?.is === 'accepted' || j?.is === 'void') at = j.next;
    }
    if (at.n >= to.n) break;
  }
  return at.n === to.n && equal(at.hash, to.hash);
}
