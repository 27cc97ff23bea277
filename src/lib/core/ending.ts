/**
 * The end of a device: signed out by its person here, or put out by another device of theirs. Everything on it is wiped in one step; what
 * stays is when, and why. Words that were not sent go too: whoever holds a lost device must not read them.
 */
import { rowsOf } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import { changeRoster, planSignOut } from './change';
import { cancelJoin } from './commands-join';
import type { Core } from './core';
import { drop, put, readSeen } from './group-rows';
import { pack, unpack } from './pack';
import type { Fault, WaitingView } from './port';
import type { Bytes } from '$crypto/brand';
import type { GroupRun } from './group-run';
import { type Agreed, draftOf, waitingIn } from './waiting';

/** Table `meta`: signing out has begun. By group, the records that were not sent then (`lost`) and what was being written (`drafts`) may go; `last`: so may groups that nothing brings back. */
interface Leaving { readonly lost: Readonly<Record<string, readonly string[]>>; readonly drafts?: Readonly<Record<string, string | null>>; readonly last: boolean }
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

/** Ends this device in every group, then wipes it. `begun`: it goes on after a restart, and what came since is nothing that its person agreed to lose. */
export async function signOut(core: Core, discard: { readonly words: boolean; readonly groups: boolean }, begun: Leaving | null = null): Promise<Fault | null> {
  const all = [...core.groups.values()];
  const runs = all.filter((g) => g.row.ended === null);
  const here = (): WaitingView[] => all.map((g) => waitingIn(g, agreedIn(g, begun)));
  for (let waited = 0; !discard.words && here().some((g) => g.waiting > g.stuck) && core.link.state === 'online' && waited < WAIT; waited += LOOK) await new Promise<void>((r) => core.ports.later(LOOK, r));
  if (!discard.words && here().some((g) => g.waiting + g.drafts > 0)) return core.link.state === 'online' ? 'unsent' : 'needs-network';
  if (core.link.state !== 'online') return 'needs-network';
  // nothing can be said to a relay that shows another history
  const there = runs.filter((g) => g.stored && !g.isSilent);
  const isLast = (g: GroupRun): boolean => rowsOf(g.state, g.me).length === 1;
  // nothing would bring such a group back
  if (!discard.groups && runs.some((g) => (!g.stored || isLast(g)) && !(begun?.last === true && g.ref in begun.lost))) return 'not-allowed';
  if (there.some((g) => g.isOutdated && !isLast(g))) return 'outdated';
  if (there.some((g) => !g.synced)) return 'needs-network';
  // whoever is let in later would be a member that nobody is
  for (const j of [...core.joins.values()].filter((x) => x.mayComeIn)) {
    const fault = await cancelJoin(core, j);
    if (fault !== null) return fault === 'outdated' ? fault : 'needs-network';
  }
  // one came in meanwhile: a group like the rest
  if (core.groups.size > all.length) return signOut(core, discard, begun);
  const lost = Object.fromEntries(all.map((g) => [g.ref, g.outbox.map((o) => o.record.i)]));
  const drafts = Object.fromEntries(all.map((g) => [g.ref, draftOf(g)]));
  await core.needStore().commit([put('meta', LEAVING, begun ?? ({ lost, drafts, last: discard.groups } satisfies Leaving))]);
  for (const run of there) {
    // where nothing ends its row the relay has to hear it from here
    await run.turns.take(() => core.bell.silence(run));
    const fault = await run.turns.take(() => (isLast(run) ? Promise.resolve(null) : changeRoster(run, planSignOut)));
    if (fault === null || run.row.ended !== null) continue;
    await core.needStore().commit([drop('meta', LEAVING)]);
    return fault === 'too-many' || fault === 'outdated' ? fault : 'needs-network';
  }
  await wipe(core, 'signed-out');
  return null;
}

/** What was agreed to of a group; null of one that was not here then. */
function agreedIn({ ref }: GroupRun, begun: Leaving | null): Agreed | null {
  const records = begun?.lost[ref];
  return records === undefined ? null : { records, draft: begun?.drafts?.[ref] ?? null };
}

/** Goes on with it. False where something would be lost that nobody agreed to: its person has to ask anew. */
export async function goOnLeaving(core: Core, begun: Leaving): Promise<boolean> {
  const fault = await signOut(core, { words: false, groups: false }, begun);
  if (fault !== 'unsent' && fault !== 'not-allowed') return true;
  await core.needStore().commit([drop('meta', LEAVING)]);
  return false;
}

/** How signing out had begun when this device was last closed; null when it had not. An earlier version agreed to nothing. */
export function readLeaving(meta: Seen): Leaving | null {
  const kept = readSeen<Leaving | true>(meta, LEAVING);
  return kept === true ? { lost: {}, last: false } : kept;
}
