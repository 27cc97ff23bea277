/** Whether a relay's word that it destroyed a group can be true (PROTOCOL §9.2). */
import { equal } from '$crypto/bytes';
import { type Receipt, verifyDestroyed } from '$crypto/receipt';
import { DESTROY_GRACE } from '$crypto/roster/rules';
import { leadsTo } from '$crypto/turn';
import { chainAt } from '$crypto/roster/state';
import type { GroupRun } from './group-run';

/** How far this device's clock may be behind. */
const BEHIND = 86_400_000;

/**
 * Signed by the key of the group's receipts; where the roster goes as far here, for the history that is here, whose owner asked for the end
 * long enough before. Where it is shorter here nobody can say who asked, but not before what is here. `early`: at a time that is still to
 * come here. A clock that is wrong tells no liar, so it is neither believed nor an alarm.
 */
export function isDestruction({ row, state, entries, around }: GroupRun, r: Receipt): boolean | 'early' {
  // the group may have followed a new key since
  if (row.relayPk === null || !leadsTo(around.link.turns, row.relayPk, r.relayPk) || !verifyDestroyed(row.id, r)) return false;
  if (r.time - (state.destroy?.at ?? state.time) < DESTROY_GRACE) return false;
  const chain = chainAt(state, r.seq);
  // what came after it would have no place: nothing is entered once the grace is over
  const fits = r.seq > entries.length || (r.seq === entries.length && chain !== null && equal(chain, r.chain) && state.destroy !== null);
  return fits && r.time > around.clock() + BEHIND ? 'early' : fits;
}
