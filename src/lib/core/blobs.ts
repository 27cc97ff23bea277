/** Attachments on their way to and from the relay, over HTTP with the session's bearer. They are ciphertext here. */
import type { Bytes } from '$crypto/brand';

/** `full`: the group takes no more; `relay-full`: nobody may leave more. */
export type CarryFault = 'offline' | 'denied' | 'missing' | 'full' | 'relay-full' | 'refused';

/** Carries one blob; given by the composition root. `group` and `blob` are hex, `bearer` base64url. */
export interface BlobCarrier {
  put(group: string, blob: string, bearer: string, ciphertext: Bytes): Promise<'stored' | CarryFault>;
  get(group: string, blob: string, bearer: string): Promise<Bytes | CarryFault>;
}

/** By `fetch`, to `origin` (scheme, host and port). */
export function fetchCarrier(origin: string): BlobCarrier {
  const url = (group: string, blob: string): string => `${origin}/api/blob/${group}/${blob}`;
  const fault = (status: number): CarryFault => (status === 401 || status === 403 ? 'denied' : status === 404 ? 'missing' : status === 507 ? 'full' : 'refused');
  return {
    async put(group, blob, bearer, ciphertext) {
      try {
        const r = await fetch(url(group, blob), { method: 'PUT', body: ciphertext, headers: { authorization: `Bearer ${bearer}` }, credentials: 'omit' });
        return r.ok ? 'stored' : r.status === 507 && (await r.text()) === 'the relay is full' ? 'relay-full' : fault(r.status);
      } catch {
        return 'offline';
      }
    },
    async get(group, blob, bearer) {
      try {
        const r = await fetch(url(group, blob), { headers: { authorization: `Bearer ${bearer}` }, credentials: 'omit', cache: 'no-store' });
        return r.ok ? new Uint8Array(await r.arrayBuffer()) : fault(r.status);
      } catch {
        return 'offline';
      }
    }
  };
}
