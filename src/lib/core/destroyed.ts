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
 * Signed by the key of the group's receipts, at a time that is no more to come; and, where the roster goes as far here, for the history that
 * is here, whose owner asked for the end long enough before. Where it is shorter here nobody can say who asked, but not before what is here.
 */
export function isDestruction({ row, state, entries, around }: GroupRun, r: Receipt): boolean {
  // the group may have followed a new key since
  if (row.relayPk === null || !leadsTo(around.link.turns, row.relayPk, r.relayPk) || !verifyDestroyed(row.id, r)) return false;
  if (r.time > around.clock() + BEHIND || r.time - (state.destroy?.at ?? state.time) < DESTROY_GRACE) return false;
  if (r.seq > entries.length) return true;
  const chain = chainAt(state, r.seq);
  // what came after it would have no place: nothing is entered once the grace is over
  return r.seq === entries.length && chain !== null && equal(chain, r.chain) && state.destroy !== null;
}
