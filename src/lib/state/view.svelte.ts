/** A view of the core as something Svelte can read: `const group = $derived(watchView(core, 'group', ref))`, then `group.now`. */
import { createSubscriber } from 'svelte/reactivity';
import type { CoreClient, ViewName, Views } from '$lib/core/port';

export interface Seen<T> {
  /** The newest view; null until the first arrives. */
  readonly now: T | null;
}

/** Watches while something on the page reads `now`, and stops when nothing does. For the feed use `foldFeed` over `core.watch`. */
export function watchView<V extends Exclude<ViewName, 'feed'>>(core: CoreClient, name: V, key: Views[V]['key']): Seen<Views[V]['view']> {
  let now: Views[V]['view'] | null = null;
  const subscribe = createSubscriber((changed) => {
    const stop = core.watch(name, key, (view) => {
      now = view;
      changed();
    });
    return () => {
      stop();
      now = null;
    };
  });
  return {
    get now() {
      subscribe();
      return now;
    }
  };
}
