/** The worker: the only place in the app that touches the clock, randomness, the network and the store. */
import { systemRandom } from '$crypto/sodium';
import type { Bytes } from '$crypto/brand';
import { dexieDisk } from '../store/dexie';
import type { Dial, Later } from '../sync/ports';
import { fetchCarrier } from './blobs';
import { Core } from './core';
import type { Down, Up } from './port';

/** A worker's own scope; the page's types name only a window. */
declare const self: { readonly name: string; postMessage(message: Up): void; onmessage: ((e: MessageEvent<Down>) => void) | null };

const relay = new URL(self.name);

const dial: Dial = (events) => {
  const ws = new WebSocket(`${relay.protocol === 'https:' ? 'wss' : 'ws'}://${relay.host}/ws`);
  ws.binaryType = 'arraybuffer';
  ws.onopen = () => events.open();
  ws.onmessage = (e: MessageEvent<unknown>) => {
    if (e.data instanceof ArrayBuffer) events.frame(new Uint8Array(e.data));
  };
  ws.onclose = () => events.closed();
  return { send: (frame: Bytes) => ws.readyState === WebSocket.OPEN && ws.send(frame), close: () => ws.close() };
};

const later: Later = (ms, what) => {
  const t = setTimeout(what, ms);
  return () => clearTimeout(t);
};

const core = new Core(
  {
    disk: dexieDisk(),
    dial,
    clock: () => Date.now(),
    later,
    random: systemRandom,
    host: relay.host,
    origin: location.origin,
    blobs: fetchCarrier(relay.origin, later),
    estimate: async () => {
      const e = await navigator.storage.estimate();
      return { used: e.usage ?? 0, quota: e.quota ?? 0 };
    },
    report: (e) => {
      if (import.meta.env.DEV) throw e;
    }
  },
  (u: Up) => self.postMessage(u)
);
self.onmessage = (e: MessageEvent<Down>) => core.take(e.data);
void core.start();
