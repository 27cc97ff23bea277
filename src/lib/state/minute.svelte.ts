/** The time of day, moving on every half minute while somebody looks at it. */
import { createSubscriber } from 'svelte/reactivity';

const STEP_MS = 30_000;

export function makeMinute(): { readonly now: number } {
  const subscribe = createSubscriber((changed) => {
    const timer = setInterval(changed, STEP_MS);
    return () => clearInterval(timer);
  });
  return {
    get now() {
      subscribe();
      return Date.now();
    }
  };
}
