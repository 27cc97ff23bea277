/** A post's pictures: how a record names them, and where their ciphertext is had. */
import type { BlobId, Bytes, Hash } from '$crypto/brand';
import type { BlobRef } from '$crypto/blob';
import { base64url, equal, hex, unbase64url } from '$crypto/bytes';
import { blobId } from '$crypto/kept';
import type { BlobRecord } from '../care/record';
import type { GroupRun } from './group-run';
import type { Fault } from './port';

export const blobRecord = (b: BlobRef): BlobRecord => ({ b: base64url(b.id), k: base64url(b.key), h: base64url(b.plain), s: b.size });
export const blobRef = (b: BlobRecord): BlobRef => ({ id: unbase64url(b.b) as Bytes as BlobId, key: unbase64url(b.k) as Bytes, plain: unbase64url(b.h) as Bytes as Hash, size: b.s });

/** Ciphertext on this device; anything else in its place is as good as none. */
export async function storedBlob(run: GroupRun, blob: string): Promise<Bytes | null> {
  const { store } = run.around;
  const key = run.blobKey(blob);
  const here = (await store.get('upload', key)) ?? (await store.cacheGet('blob', key));
  return here !== null && equal(blobId(here), unbase64url(blob) as Bytes) ? here : null;
}

/** Ciphertext from this device, or from the relay: of a group that was brought along, where the group lies that it was brought to. */
export async function blobBytes(run: GroupRun, blob: BlobRecord): Promise<Bytes | Fault> {
  const { store, blobs } = run.around;
  const id = unbase64url(blob.b) as Bytes;
  const here = await storedBlob(run, blob.b);
  if (here !== null) {
    run.localBlobs.add(blob.b);
    return here;
  }
  const { carried } = run.row;
  const at = carried === undefined ? run : run.around.group(carried.through);
  if (at === null) return 'not-found';
  if (at.bearer === null) return 'needs-network';
  const got = await blobs.get(hex(at.row.id), hex(id), base64url(at.bearer));
  if (typeof got === 'string') {
    if (got === 'missing') run.missingBlobs.add(blob.b);
    return got === 'missing' ? 'not-found' : got === 'offline' ? 'needs-network' : 'unavailable';
  }
  // anything else is never kept, so that the right bytes can still come
  if (!equal(blobId(got), id)) return 'unavailable';
  await store.cacheCommit([{ table: 'blob', key: run.blobKey(blob.b), value: got }]).catch(() => undefined);
  run.localBlobs.add(blob.b);
  run.missingBlobs.delete(blob.b);
  return got;
}
