/** What groups may take, in the store: limits for all and for single groups, set by the operator, and what is left of them; one text for every engine. */
import type { Spare } from './log';
import { all, did, one, type Steps } from './steps';

/** Bytes of envelopes, roster entries, bytes of attachments; null for no limit. */
export type Quota = { readonly [K in keyof Spare]: number | null };
/** Stands for every group that has none of its own. */
export const EVERY = 0;

const quotaOf = (f: Readonly<Record<string, unknown>>): Quota => ({ bytes: f['bytes'] as number | null, entries: f['entries'] as number | null, blobs: f['blobs'] as number | null });

/** What is left to a group; null when nothing is limited. `bytes`: what its envelopes take. */
export function* spareOf(g: number, bytes: () => Steps<number>): Steps<Spare | null> {
  const found = yield* one('SELECT bytes, entries, blobs FROM quotas WHERE g = ? OR g = 0 ORDER BY g DESC LIMIT 1', g);
  if (found === undefined) return null;
  const most = quotaOf(found);
  return {
    bytes: most.bytes === null ? null : most.bytes - (yield* bytes()),
    entries: most.entries === null ? null : most.entries - (yield* entriesOf(g)),
    blobs: most.blobs === null ? null : most.blobs - (yield* blobsOf(g))
  };
}
function* entriesOf(g: number): Steps<number> {
  return Number((yield* one('SELECT max(seq) AS n FROM entries WHERE g = ?', g))?.['n'] ?? 0);
}
function* blobsOf(g: number): Steps<number> {
  return Number((yield* one('SELECT sum(size) AS n FROM blobs WHERE g = ? AND size > 0', g))?.['n'] ?? 0);
}

/** Sets what a group, or every one without limits of its own, may take; nothing set takes the limits back. */
export function* setQuota(g: number, q: Quota): Steps<null> {
  yield* did('DELETE FROM quotas WHERE g = ?', g);
  if (q.bytes === null && q.entries === null && q.blobs === null) return null;
  return yield* did('INSERT INTO quotas VALUES (?, ?, ?, ?)', g, q.bytes, q.entries, q.blobs);
}

export interface QuotaRow extends Quota { readonly g: number }
export function* quotas(): Steps<readonly QuotaRow[]> {
  return (yield* all('SELECT g, bytes, entries, blobs FROM quotas ORDER BY g')).map((f) => ({ g: f['g'] as number, ...quotaOf(f) }));
}
