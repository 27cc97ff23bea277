/** Where the core's worker comes from: its own script, its own memory, ended when the app locks. */
import workerAddress from '$lib/core/worker?worker&url';
import { scriptUrl } from '$lib/trusted';
import type { Wire } from './client';

/** A fresh worker, locked: it holds no key until a passphrase arrives. */
export const beginWorker = (): Wire => new Worker(scriptUrl(workerAddress), { type: 'module', name: 'carefold' });
