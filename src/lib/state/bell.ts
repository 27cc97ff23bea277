/**
 * The browser's part of the doorbell: its subscription with a push service, which the page alone can ask for. It stays while the app is
 * locked, and goes when no group rings any more and when the device is nobody's.
 */
import type { BellView, Fault, GroupRef } from '$lib/core/port';
import type { Core } from './client';
import type { Surroundings } from './surroundings';

/** `install`: first to the home screen; `none`: this browser has none; `denied`: its person said no to notices before. */
export type BellWay = 'ready' | 'install' | 'none' | 'denied';

export function bellWay(around: Pick<Surroundings, 'ios' | 'installed'>): BellWay {
  const has = 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
  if (!has) return around.ios && !around.installed ? 'install' : 'none';
  return Notification.permission === 'denied' ? 'denied' : 'ready';
}

/** Asks for permission; to be called from a press of the person's, before anything else is waited for. */
const mayNotify = async (): Promise<boolean> => (await Notification.requestPermission()) === 'granted';

const PATIENCE = 15_000;

const subscription = async (): Promise<PushSubscription | null> => (await (await navigator.serviceWorker?.getRegistration())?.pushManager?.getSubscription()) ?? null;

/** Where this browser is pushed to in the name of `key`; null when it could not subscribe. */
async function subscribe(key: Uint8Array<ArrayBuffer>): Promise<string | null> {
  try {
    const registration = await navigator.serviceWorker.getRegistration();
    if (registration === undefined) return null;
    const there = await registration.pushManager.getSubscription();
    const its = there?.options.applicationServerKey;
    if (there !== null && its && isSame(new Uint8Array(its), key)) return there.endpoint;
    await there?.unsubscribe();
    // where its push service is out of reach a browser may never answer
    const late = new Promise<null>((done) => setTimeout(() => done(null), PATIENCE));
    return (await Promise.race([registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }), late]))?.endpoint ?? null;
  } catch {
    return null;
  }
}

export async function unsubscribe(): Promise<void> {
  await (await subscription().catch(() => null))?.unsubscribe().catch(() => false);
}

/** What came of asking to be told here: `on` alone means that the core has it; `no-leave`: the browser was not allowed to; `no-place`: it could not subscribe. */
export type Rung = 'on' | 'no-leave' | 'no-place' | Fault;

/** Turns it on for one group on this device, from a press of the person's; `others`: other groups ring here already, and keep the subscription. */
export async function ringFor(core: Pick<Core, 'run'>, group: GroupRef, key: Uint8Array<ArrayBuffer>, others: () => boolean): Promise<Rung> {
  if (!(await mayNotify())) return 'no-leave';
  const place = await subscribe(key);
  if (place === null) return 'no-place';
  const done = await core.run('set-bell', { group, place });
  if (done.ok) return 'on';
  if (!others()) await unsubscribe();
  return done.fault;
}

/** Brings together what the browser and what the core know: browsers change their subscriptions, and take them away. */
export async function keepBell(core: Core, { place, groups }: BellView): Promise<void> {
  const [group] = groups;
  if (group === undefined) return unsubscribe();
  const there = await subscription().catch(() => null);
  if (there !== null) {
    if (there.endpoint !== place) await core.run('move-bell', { place: there.endpoint });
    return;
  }
  if (!('Notification' in globalThis) || Notification.permission !== 'granted') return void (await core.run('move-bell', { place: null }));
  const key = await core.run('bell-key', { group });
  const fresh = key.ok ? await subscribe(key.value.key) : null;
  if (fresh !== null) await core.run('move-bell', { place: fresh });
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
