/**
 * The secret part of an invite link. It is taken out of the address bar before anything else runs, so that it reaches no
 * screenshot and no later entry of the history (the browser has noted the first by then: THREATS), and it is kept in this page's memory alone until it is used.
 */
const JOIN = '/join';

let held: string | null = null;
const listeners = new Set<() => void>();

function hold(fragment: string | null): void {
  held = fragment;
  for (const tell of [...listeners]) tell();
}

/** Takes the fragment of a join address out of the address bar; called first thing, and at every change of the fragment. */
export function scrub(): void {
  if (location.pathname !== JOIN || location.hash.length <= 1) return;
  const fragment = location.hash.slice(1);
  history.replaceState(history.state, '', location.pathname + location.search);
  hold(fragment);
}

/** The fragment that waits to be used, or null. */
export const heldFragment = (): string | null => held;

/** Keeps a link that was pasted by hand until the app is ready for it. */
export const holdFragment = (fragment: string): void => hold(fragment);

/** Gives the fragment to whoever uses it; it is held no longer. */
export function takeFragment(): string | null {
  const fragment = held;
  if (fragment !== null) hold(null);
  return fragment;
}

/** Tells when a fragment is held, or no longer; the returned function stops it. */
export function onFragment(tell: () => void): () => void {
  listeners.add(tell);
  return () => void listeners.delete(tell);
}

/** The whole link again, for the moment when it has to be carried into another browser by hand. */
export const linkOf = (fragment: string): string => `${location.origin}${JOIN}#${fragment}`;

/** The fragment of a pasted link, or of a message around it; null when there is none. */
export function fragmentIn(pasted: string): string | null {
  const found = /\/join\/?#([A-Za-z0-9_~.\-=&]+)/.exec(pasted) ?? /^#?([A-Za-z0-9_~.\-=&]{20,})$/.exec(pasted.trim());
  return found?.[1] ?? null;
}
