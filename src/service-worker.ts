/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true"/>
/// <reference lib="es2023" />
/// <reference lib="webworker" />
/** Keeps the app itself on the device, so that it opens with the server gone. It never sees a key or a word: those live in IndexedDB, sealed. */
import { build, files, version } from '$service-worker';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { bell_again, bell_notice } from '$lib/paraglide/messages';

declare const self: ServiceWorkerGlobalScope;

/** Chunks of builds before this one, for tabs that still run them: an update may be taken in one tab while another is in the middle of a post. */
const EARLIER = 'carefold-earlier-';
const EARLIER_BUILDS = 2;
const CHUNKS = '/_app/immutable/';

async function keepEarlier(): Promise<void> {
  const own = new Set(build);
  for (const name of await caches.keys()) {
    if (name.startsWith(EARLIER)) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      const answer = pathname.startsWith(CHUNKS) && !own.has(pathname) ? await cache.match(request) : undefined;
      if (answer !== undefined) await (await caches.open(EARLIER + version)).put(request, answer);
    }
  }
  // oldest first, as they were made
  const all = (await caches.keys()).filter((name) => name.startsWith(EARLIER));
  for (const name of all.slice(0, -EARLIER_BUILDS)) await caches.delete(name);
}
// before this version clears away what it does not know; without room for it the relay still has them
self.addEventListener('install', (event) => event.waitUntil(keepEarlier().catch(() => undefined)));

precacheAndRoute([
  { url: '/', revision: version },
  // their names carry a hash of their bytes already
  ...build.map((url) => ({ url, revision: null })),
  ...files.map((url) => ({ url, revision: version }))
]);
cleanupOutdatedCaches();

// what this build does not know may be a chunk of an earlier one
registerRoute(
  ({ url }) => url.origin === self.location.origin && url.pathname.startsWith(CHUNKS),
  async ({ request }) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request)
);

/** What belongs to the relay is never answered from here. */
const RELAY = [/^\/(ws|api|healthz)(\/|\?|$)/];
registerRoute(new NavigationRoute(createHandlerBoundToURL('/'), { denylist: RELAY }));

// A new version waits until the person says “Update”: a page never changes under a half-written post.
self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const said = event.data as unknown;
  if (said === 'skip-waiting') void self.skipWaiting();
  else if (typeof said === 'object' && said !== null && 'is' in said) {
    if (said.is === 'hold-link' && 'fragment' in said) link = typeof said.fragment === 'string' ? said.fragment : null;
    else if (said.is === 'recall-link') event.ports[0]?.postMessage(link);
  }
});
/** An invite link that waits for a passphrase, through a reload: in this memory alone (src/lib/state/link-keeper.ts). */
let link: string | null = null;

/** The one notice of the doorbell (PROTOCOL §11.7): the same for every push, whatever it brings, with no name, group or word in it. */
function tell(words: string): Promise<void> {
  return self.registration.showNotification(words, { tag: 'carefold-new', data: { path: '/' }, icon: '/icons/icon-192.png' });
}
const language = (): { readonly locale: 'en' | 'es' } => ({ locale: self.navigator.language.startsWith('es') ? 'es' : 'en' });

// always shown: browsers take the right to push away from an app that is woken and says nothing
self.addEventListener('push', (event) => event.waitUntil(tell(bell_notice({}, language()))));

/** Said by a browser that gives out another subscription, or none: the relay can be told only by an app that is open. */
interface SubscriptionChange extends ExtendableEvent {
  readonly oldSubscription?: PushSubscription | null;
  readonly newSubscription?: PushSubscription | null;
}
self.addEventListener('pushsubscriptionchange', (event) => {
  const { oldSubscription, newSubscription } = event as SubscriptionChange;
  event.waitUntil(
    (async () => {
      if (!newSubscription && oldSubscription) await self.registration.pushManager.subscribe(oldSubscription.options).catch(() => undefined);
      const open = await self.clients.matchAll({ type: 'window' });
      for (const page of open) page.postMessage({ is: 'bell-moved' });
      if (open.length === 0) await tell(bell_again({}, language()));
    })()
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { path } = event.notification.data as { path: string };
  event.waitUntil(
    self.clients.matchAll({ type: 'window' }).then(async ([open]) => {
      if (open === undefined) return self.clients.openWindow(path);
      await open.focus();
      open.postMessage({ is: 'go', path });
      return open;
    })
  );
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
