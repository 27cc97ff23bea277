/** How long a restored group waits for what was lost before its roster takes anything new (PROTOCOL §11.6). */
import { hex } from '../crypto/bytes';
import { liveRows } from '../crypto/roster/state';
import type { Group } from './group';
import { RATE } from './limits';

/** Milliseconds until the roster takes something new at the latest; 0 when it does. */
export function waitsFor(group: Group, now: number): number {
  const { healing, state } = group;
  if (healing === null) return 0;
  const rows = liveRows(state).filter((r) => r.rank === 'ordinary');
  if (rows.every((r) => healing.shown.has(r.device))) return 0;
  const hasOwner = rows.some((r) => hex(r.member) === state.owner && healing.shown.has(r.device));
  return Math.max(0, healing.since + (hasOwner ? RATE.healWithOwner : RATE.healWithout) - now);
}
