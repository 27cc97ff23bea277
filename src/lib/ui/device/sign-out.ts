/** What signing out would lose. */
import type { ConnectionView, HomeView } from '$lib/core/port';

/** What was written here and no server has; `stuck` of it does not leave however long one waits, since its group is halted or wants a permit. */
export function unsentHere(home: HomeView | null, connection: ConnectionView): { readonly all: number; readonly stuck: number } {
  const all = (home?.groups ?? []).reduce((sum, group) => sum + (group.ended === null ? group.waiting : 0), 0);
  return { all: Math.max(all, connection.waiting), stuck: Math.max(0, all - connection.waiting) };
}
