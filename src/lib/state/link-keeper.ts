/**
 * An invite link that waits for a passphrase, kept through a reload. The app writes it nowhere in the clear: `history.state` and
 * `sessionStorage` end up in the browser's session files. What is left is memory that outlives a page: the service worker's. It
 * forgets with its own end, some seconds after the last page is gone; then only the message has the link.
 */
import { heldFragment, onFragment } from './fragment';

const LOOK_AGAIN = 500;
/** A service worker ends after half a minute without a message. */
const REMIND = 10_000;
const ANSWER_WITHIN = 1_500;

async function worker(): Promise<ServiceWorker | null> {
  const registration = 'serviceWorker' in navigator ? await navigator.serviceWorker.getRegistration().catch(() => undefined) : undefined;
  return registration?.active ?? registration?.waiting ?? registration?.installing ?? null;
}

/** Lends the link that is held to the service worker, for as long as it is held; the returned function stops it. */
export function lendLink(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lent = false;
  let over = false;
  async function lend(): Promise<void> {
    clearTimeout(timer);
    const fragment = heldFragment();
    if (over || (fragment === null && !lent)) return;
    const to = await worker();
    to?.postMessage({ is: 'hold-link', fragment });
    if (to !== null) lent = fragment !== null;
    clearTimeout(timer);
    if (fragment !== null || lent) timer = setTimeout(() => void lend(), to === null ? LOOK_AGAIN : REMIND);
  }
  void lend();
  const off = onFragment(() => void lend());
  return () => {
    over = true;
    clearTimeout(timer);
    off();
  };
}

/** The link that this address was opened with before a reload; null when nobody remembers it. */
export async function recallLink(): Promise<string | null> {
  const to = await worker();
  if (to === null) return null;
  const { port1, port2 } = new MessageChannel();
  const answer = await new Promise<unknown>((done) => {
    port1.onmessage = (event: MessageEvent<unknown>) => done(event.data);
    setTimeout(() => done(null), ANSWER_WITHIN);
    to.postMessage({ is: 'recall-link' }, [port2]);
  });
  port1.close();
  return typeof answer === 'string' ? answer : null;
}

/** An address that an invite was opened at, without the invite. */
export const isBareJoin = ({ pathname, search }: Location): boolean => pathname === '/join' && search === '' && heldFragment() === null;
