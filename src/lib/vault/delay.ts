/** How long to wait after wrong passphrases: Argon2id slows a thief's machine, this slows fingers. Never locks out for good. */

/** Milliseconds to wait after the first, second, … wrong try in a row; the last one stays. */
export const DELAYS = [0, 0, 1_000, 2_000, 5_000, 15_000, 30_000, 60_000] as const;

export interface Tries {
  readonly tries: number;
  /** Milliseconds since 1970. */
  readonly lastTry: number;
}

/** When the next try is allowed, and null when now. */
export function retryAt({ tries, lastTry }: Tries, now: number): number | null {
  const delay = tries === 0 ? 0 : (DELAYS[Math.min(tries, DELAYS.length) - 1] ?? 0);
  const at = lastTry + delay;
  return at > now ? at : null;
}

/** A clock set back would make the wait as long as the step: count from now instead. */
export const anchored = <T extends Tries>(t: T, now: number): T => (now < t.lastTry ? { ...t, lastTry: now } : t);
