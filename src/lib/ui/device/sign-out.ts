/** What signing out would lose, and how it is asked for: nothing goes that its person was not shown. */
import type { ConnectionView, CoreClient, HomeView, Outcome } from '$lib/core/port';

/** What was written here and no server has; `stuck` of it does not leave however long one waits, since its group is halted or wants a permit. */
export function unsentHere(home: HomeView | null, connection: ConnectionView): { readonly all: number; readonly stuck: number } {
  const all = (home?.groups ?? []).reduce((sum, group) => sum + (group.ended === null ? group.waiting : 0), 0);
  return { all: Math.max(all, connection.waiting), stuck: Math.max(0, all - connection.waiting) };
}

/**
 * Signs out. `agreed`: the core said before what would be lost, and it was shown. `alone`: the dialog said from the start that nothing
 * brings the groups back; words that are not sent it did not say, and the core looks for those first.
 */
export async function askToSignOut(core: Pick<CoreClient, 'run'>, { agreed, alone }: { readonly agreed: boolean; readonly alone: boolean }): Promise<Outcome<null>> {
  const done = await core.run('sign-out', { discard: agreed });
  return !done.ok && done.fault === 'not-allowed' && alone ? core.run('sign-out', { discard: true }) : done;
}
