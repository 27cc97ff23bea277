/** Attachments on their way to and from the relay, over HTTP with the session's bearer. They are ciphertext here. */
import type { Bytes } from '$crypto/brand';
import { concat } from '$crypto/bytes';
import type { Later } from '../sync/ports';

/** `full`: the group takes no more; `relay-full`: nobody may leave more. */
export type CarryFault = 'offline' | 'denied' | 'missing' | 'full' | 'relay-full' | 'refused';

/** Carries one blob; given by the composition root. `group` and `blob` are hex, `bearer` base64url. */
export interface BlobCarrier {
  put(group: string, blob: string, bearer: string, ciphertext: Bytes): Promise<'stored' | CarryFault>;
  get(group: string, blob: string, bearer: string): Promise<Bytes | CarryFault>;
}

/** Milliseconds without any headway after which a line is taken for dead. */
const STILL = 60_000;
/** Bytes in a millisecond on the slowest line that is waited for: nobody tells how far an upload is, so its time goes by its size. */
const SLOWEST = 2;

/** By `fetch`, to `origin` (scheme, host and port). */
export function fetchCarrier(origin: string, later: Later): BlobCarrier {
  const url = (group: string, blob: string): string => `${origin}/api/blob/${group}/${blob}`;
  const fault = (status: number): CarryFault => (status === 401 || status === 403 ? 'denied' : status === 404 ? 'missing' : status === 507 ? 'full' : 'refused');
  /** How often each was given up: beside others it takes longer than alone. */
  const given = new Map<string, number>();
  return {
    async put(group, blob, bearer, ciphertext) {
      const stop = new AbortController();
      const times = given.get(blob) ?? 0;
      given.delete(blob);
      const carried = later((STILL + ciphertext.length / SLOWEST) * 2 ** times, () => {
        given.set(blob, Math.min(times + 1, 6));
        stop.abort();
      });
      try {
        const r = await fetch(url(group, blob), { signal: stop.signal, method: 'PUT', body: ciphertext, headers: { authorization: `Bearer ${bearer}` }, credentials: 'omit' });
        return r.ok ? 'stored' : r.status === 507 && (await r.text()) === 'the relay is full' ? 'relay-full' : fault(r.status);
      } catch {
        return 'offline';
      } finally {
        carried();
      }
    },
    async get(group, blob, bearer) {
      const stop = new AbortController();
      const wait = (): (() => void) => later(STILL, () => stop.abort());
      let came = wait();
      try {
        const r = await fetch(url(group, blob), { signal: stop.signal, headers: { authorization: `Bearer ${bearer}` }, credentials: 'omit', cache: 'no-store' });
        if (!r.ok) return fault(r.status);
        const body = r.body?.getReader();
        const parts: Uint8Array[] = [];
        for (let part = await body?.read(); part?.done === false; part = await body?.read()) {
          came();
          came = wait();
          parts.push(part.value);
        }
        return concat(...parts);
      } catch {
        return 'offline';
      } finally {
        came();
      }
    }
  };
}
