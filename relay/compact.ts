/** Feeds of groups that somebody came to are laid together in the store, once in a while and beside what else is asked of it: whoever comes late then reads little. */
import type { House } from './house';
import { ask } from './log';

/** What could not be done waits for the next time. */
export async function compact(h: House): Promise<void> {
  for (const c of h.connections) for (const s of c.logs.values()) h.visited.add(s.group.g);
  const visited = [...h.visited];
  h.visited.clear();
  for (const g of visited) {
    for (let more = true; more; ) {
      const laid = await ask(h.log, 'compact', { g });
      if (!laid.ok) h.visited.add(g);
      more = laid.ok && laid.value;
    }
  }
}
