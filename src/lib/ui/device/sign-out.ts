/** What signing out would lose, by group, as the core counts it. */
import type { GroupRef, GroupSummary, HomeView } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';

export interface Losing { readonly group: GroupRef; readonly name: string; readonly words: string }
/** `count`: things over all groups. */
export interface Losses { readonly count: number; readonly groups: readonly Losing[] }

/** `leaving`: what is sent to whoever stays online; `staying`: what no waiting brings to anybody. */
export function unsentHere(home: HomeView | null): { readonly leaving: Losses; readonly staying: Losses } {
  const groups = home?.groups ?? [];
  const losses = (count: (g: GroupSummary) => number, words: (g: GroupSummary) => string): Losses => {
    const some = groups.filter((g) => count(g) > 0);
    return { count: some.reduce((sum, g) => sum + count(g), 0), groups: some.map((g) => ({ group: g.group, name: g.name || m.group_loading(), words: words(g) })) };
  };
  return {
    leaving: losses((g) => g.waiting - g.stuck, (g) => m.home_waiting({ count: g.waiting - g.stuck })),
    staying: losses((g) => g.stuck + g.drafts, (g) => [...(g.stuck > 0 ? [m.home_unsent({ count: g.stuck })] : []), ...(g.drafts > 0 ? [m.signout_drafts({ count: g.drafts })] : [])].join(' · '))
  };
}
