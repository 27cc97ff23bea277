/**
 * Locks after a while without a touch. Hiding the page does not lock by itself: the camera and the SMS app need a moment.
 * The time of the last touch is compared on every return, so a page that was frozen for an hour locks before anything is seen.
 */
export interface Idle {
  /** To be called at every touch, key or scroll. */
  touch(): void;
  /** To be called every few seconds and at every return to the page; tells whether the app locked. */
  check(): boolean;
}

/** How long before locking the person is told, in milliseconds. */
export const WARN_BEFORE_MS = 30_000;

export interface IdleOptions {
  /** Milliseconds since 1970: it goes on while the device sleeps. */
  readonly clock: () => number;
  /** Milliseconds without a touch before it locks. */
  readonly limit: () => number;
  readonly lock: () => void;
  /** Told true once when locking is near, and false when it is not any more. */
  readonly warn: (soon: boolean) => void;
}

export function watchIdle({ clock, limit, lock, warn }: IdleOptions): Idle {
  let last = clock();
  let warned = false;
  const tell = (soon: boolean): void => {
    if (soon === warned) return;
    warned = soon;
    warn(soon);
  };
  const check = (): boolean => {
    const now = clock();
    // a clock set back must not keep the app open for longer
    if (now < last) last = now;
    const left = limit() - (now - last);
    if (left <= 0) {
      tell(false);
      lock();
      return true;
    }
    tell(left <= Math.min(WARN_BEFORE_MS, limit() / 2));
    return false;
  };
  return {
    touch() {
      // coming back after the limit is not a touch: it locks first
      if (clock() - last >= limit()) return void check();
      last = clock();
      tell(false);
    },
    check
  };
}
