/** What a page of the open app is called, in its title. Never a name of a group or a person: titles stand in histories and window lists. */
import * as m from '$lib/paraglide/messages';

export function placeWords(path: string): string | null {
  if (path === '/') return m.nav_groups();
  if (path === '/you') return m.nav_you();
  if (path === '/join') return m.join_title();
  if (path.startsWith('/group/')) return path.endsWith('/people') ? m.group_tab_people() : m.group_tab_updates();
  return null;
}
