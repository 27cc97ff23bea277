/** Where the core's worker comes from: its own script, its own memory, ended when the app locks. */
import workerAddress from '$lib/core/worker?worker&url';
import { scriptUrl } from '$lib/trusted';
import type { Wire } from './client';

/** Where the relay is: as the page was made to say when it is served (relay/apart.mjs), or where the page came from. */
const relayOrigin = (): string => document.querySelector<HTMLMetaElement>('meta[name="carefold-relay"]')?.content || location.origin;

/** A fresh worker, locked: it holds no key until a passphrase arrives. Its name tells it where the relay is. */
export const beginWorker = (): Wire => new Worker(scriptUrl(workerAddress), { type: 'module', name: relayOrigin() });
