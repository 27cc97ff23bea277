/** Seconds until a moment, counted down while something on the page reads them. */
import { createSubscriber } from 'svelte/reactivity';

/** Whole seconds left until `until` (milliseconds since 1970), never below 0. */
export function secondsLeft(until: number): { readonly now: number } {
  const left = (): number => Math.max(0, Math.ceil((until - new Date().getTime()) / 1000));
  const subscribe = createSubscriber((changed) => {
    const timer = setInterval(() => {
      changed();
      if (left() === 0) clearInterval(timer);
    }, 250);
    return () => { clearInterval(timer); };
  });
  return {
    get now() {
      subscribe();
      return left();
    }
  };
}
