import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlobId, Bytes } from '../../../../crypto/brand';
import { concat } from '../../../../crypto/bytes';
import { blobHasher } from '../../../../crypto/kept';
import { ready } from '../../../../crypto/sodium';
import { blobFiles } from '../../../../relay/blob-files';
import { blobS3 } from '../../../../relay/blob-s3';
import { type Blobs, type Chunks, memoryBlobs } from '../../../../relay/blobs';
import { type Engine, startS3 } from '../../../support/engines';
import { seeded } from '../../../support/actor';

let folder: string;
let s3: Engine;
beforeAll(async () => {
  await ready();
  s3 = await startS3();
});
afterAll(() => s3.discard());
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-blobs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const inS3 = (url = s3.url): Promise<Blobs> => blobS3({ url, key: 'S3RVER', secret: 'S3RVER', region: 'us-east-1' }, join(folder, 'coming'));
const ENGINES: readonly (readonly [string, () => Promise<Blobs>])[] = [['memory', async () => memoryBlobs()], ['files', () => blobFiles(folder)], ['S3', () => inS3()]];

const idOf = (bytes: Bytes): BlobId => {
  const h = blobHasher();
  h.add(bytes);
  return h.id();
};
async function* chunksOf(...parts: readonly Bytes[]): Chunks {
  for (const p of parts) yield p;
}
async function whole(chunks: Chunks | null): Promise<Bytes | null> {
  if (chunks === null) return null;
  const parts: Uint8Array[] = [];
  for await (const c of chunks) parts.push(new Uint8Array(c));
  return concat(...parts);
}

describe.each(ENGINES)('blobs in %s', (name, open) => {
  const random = seeded.bind(null, `blobs ${name}`);

  it('come back as they went, each under its group, until they are dropped', async () => {
    const blobs = await open();
    const r = random();
    const parts = [r(300_000), r(70_001), r(1)];
    const bytes = concat(...parts);
    const id = idOf(bytes);
    expect(await blobs.get(5, id)).toBeNull();
    expect(await blobs.put(5, id, chunksOf(...parts))).toEqual({ ok: true, value: bytes.length });
    expect(Buffer.compare((await whole(await blobs.get(5, id))) as Bytes, bytes)).toBe(0);
    expect(await blobs.get(6, id)).toBeNull();
    expect(await blobs.put(5, id, chunksOf(bytes))).toMatchObject({ ok: true });
    await blobs.drop(5, id);
    await blobs.drop(5, id);
    expect(await blobs.get(5, id)).toBeNull();
  });

  it('are kept only when their hash is their name, and whole', async () => {
    const blobs = await open();
    const r = random();
    const bytes = r(1000);
    const id = idOf(bytes);
    expect(await blobs.put(1, id, chunksOf(bytes, r(1)))).toEqual({ ok: false, fault: 'wrong-hash' });
    const breaking: Chunks = (async function* () {
      yield bytes;
      throw new Error('the line broke');
    })();
    expect(await blobs.put(1, id, breaking)).toEqual({ ok: false, fault: 'unavailable' });
    expect(await blobs.get(1, id)).toBeNull();
  });
});

describe('blobs in S3', () => {
  it('are refused as unavailable while the store is away, and nothing stays behind', async () => {
    const bytes = seeded('away')(1000);
    const blobs = await inS3('http://127.0.0.1:9/carefold');
    expect(await blobs.put(1, idOf(bytes), chunksOf(bytes))).toEqual({ ok: false, fault: 'unavailable' });
    await expect(blobs.get(1, idOf(bytes))).rejects.toThrow();
    expect(readdirSync(join(folder, 'coming'))).toEqual([]);
  });
});
