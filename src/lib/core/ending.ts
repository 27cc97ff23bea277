/**
 * The end of a device: signed out by its person here, or put out by another device of theirs. Everything on it is wiped in one step; what
 * stays is when, and why. Words that were not sent go too: whoever holds a lost device must not read them.
 */
import { rowsOf } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import { changeRoster, planSignOut } from './change';
import type { Core } from './core';
import { drop, put, readSeen } from './group-rows';
import { pack, unpack } from './pack';
import type { Fault } from './port';
import type { Bytes } from '$crypto/brand';
import type { GroupRun } from './group-run';

export interface Mark { readonly why: 'revoked' | 'signed-out'; readonly at: number }
const LEAVING = 'signing-out';
/** How long signing out waits for words on their way. */
const WAIT = 10_000;
const LOOK = 200;

/** Lies on the disk without a seal: whatever else is there is no mark. */
export function readMark(b: Bytes | null): Mark | null {
  if (b === null) return null;
  try {
    const v = unpack<Partial<Mark> | null>(b);
    return (v?.why === 'revoked' || v?.why === 'signed-out') && typeof v.at === 'number' ? { why: v.why, at: v.at } : null;
  } catch {
    return null;
  }
}

/** Wipes this device. */
export async function wipe(core: Core, why: Mark['why']): Promise<void> {
  if (core.out !== null) return;
  const mark: Mark = { why, at: core.ports.clock() };
  core.out = mark;
  core.link.stop();
  for (const run of core.groups.values()) run.stopWriting();
  try {
    await core.needStore().wipe(pack(mark));
  } catch (e) {
    // the row that ended is still on the disk: the next start tries again
    core.out = null;
    throw e;
  }
  core.forget();
  core.to('signed-out');
}

/** Ends this device in every group, then wipes it. Goes on after a restart once it has begun. */
export async function signOut(core: Core, discard: boolean): Promise<Fault | null> {
  const runs = [...core.groups.values()].filter((g) => g.row.ended === null);
  const isBusy = (): boolean => runs.some((g) => g.waiting > 0);
  for (let waited = 0; !discard && isBusy() && core.link.state === 'online' && waited < WAIT; waited += LOOK) await new Promise<void>((r) => core.ports.later(LOOK, r));
  if (!discard && isBusy()) return core.link.state === 'online' ? 'unsent' : 'needs-network';
  if (core.link.state !== 'online') return 'needs-network';
  // nothing can be said to a relay that shows another history
  const there = runs.filter((g) => g.stored && !g.isSilent);
  const isLast = (g: GroupRun): boolean => rowsOf(g.state, g.me).length === 1;
  // nothing would bring such a group back
  if (!discard && runs.some((g) => !g.stored || isLast(g))) return 'not-allowed';
  if (there.some((g) => !g.synced)) return 'needs-network';
  await core.needStore().commit([put('meta', LEAVING, true)]);
  for (const run of there) {
    // where nothing ends its row the relay has to hear it from here
    await run.turns.take(() => core.bell.silence(run));
    const fault = await run.turns.take(() => (isLast(run) ? Promise.resolve(null) : changeRoster(run, planSignOut)));
    if (fault === null || run.row.ended !== null) continue;
    await core.needStore().commit([drop('meta', LEAVING)]);
    return fault === 'too-many' ? fault : 'needs-network';
  }
  await wipe(core, 'signed-out');
  return null;
}

/** Whether signing out had begun when this device was last closed. */
export const isLeaving = (meta: Seen): boolean => readSeen<boolean>(meta, LEAVING) === true;
