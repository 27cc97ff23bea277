/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true"/>
/// <reference lib="es2023" />
/// <reference lib="webworker" />
/** Keeps the app itself on the device, so that it opens with the server gone. It never sees a key or a word: those live in IndexedDB, sealed. */
import { build, files, version } from '$service-worker';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

declare const self: ServiceWorkerGlobalScope;

precacheAndRoute([
  { url: '/', revision: version },
  // their names carry a hash of their bytes already
  ...build.map((url) => ({ url, revision: null })),
  ...files.map((url) => ({ url, revision: version }))
]);
cleanupOutdatedCaches();

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
