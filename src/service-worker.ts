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
self.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') void self.skipWaiting();
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
