import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlobId, Bytes } from '../../../../crypto/brand';
import { concat, hex } from '../../../../crypto/bytes';
import { blobHasher } from '../../../../crypto/kept';
import { LIMIT } from '../../../../crypto/limits';
import { ready } from '../../../../crypto/sodium';
import { blobFiles } from '../../../../relay/blob-files';
import { blobS3, type S3 } from '../../../../relay/blob-s3';
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

const inS3 = (more: Partial<S3> = {}): Promise<Blobs> => blobS3({ url: s3.url, key: 'S3RVER', secret: 'S3RVER', region: 'us-east-1', ...more }, join(folder, 'coming'));
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

/** What lies in the folder for what is on its way. */
const coming = (): readonly string[] => (existsSync(join(folder, 'coming')) ? readdirSync(join(folder, 'coming')) : []);
/** A stream of two halves; the second comes, or the line breaks, when it is told to. */
function paced(bytes: Bytes): { readonly chunks: Chunks; half(): Promise<void>; end(): void; fail(): void } {
  let end = (): void => undefined;
  let fail = (): void => undefined;
  const rest = new Promise<void>((done, broke) => {
    end = done;
    fail = () => broke(new Error('the line broke'));
  });
  let taken = (): void => undefined;
  const half = new Promise<void>((done) => (taken = done));
  const middle = bytes.length / 2;
  return {
    chunks: (async function* () {
      yield bytes.subarray(0, middle);
      // the first was taken in before this is asked for
      taken();
      await rest;
      yield bytes.subarray(middle);
    })(),
    half: () => half, end, fail
  };
}

it.runIf(existsSync('/proc/self/fd'))('blobs in files are open only while they are read', async () => {
  const blobs = await blobFiles(folder);
  const bytes = seeded('open')(1_000_000);
  await blobs.put(1, idOf(bytes), chunksOf(bytes));
  const opened = (): number => readdirSync('/proc/self/fd').filter((fd) => linked(fd).includes(hex(idOf(bytes)))).length;
  const chunks = (await blobs.get(1, idOf(bytes))) as Chunks;
  expect(opened()).toBe(1);
  for await (const _ of chunks) break;
  await expect.poll(opened).toBe(0);
  expect((await whole(await blobs.get(1, idOf(bytes))))?.length).toBe(1_000_000);
  await expect.poll(opened).toBe(0);
});
const linked = (fd: string): string => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
};

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

  it('are refused when they are too large, as soon as they are', async () => {
    const blobs = await open();
    const chunk = new Uint8Array(LIMIT.blob / 4) as Bytes;
    let asked = 0;
    const endless: Chunks = (async function* () {
      for (;;) {
        asked++;
        yield chunk;
      }
    })();
    const id = idOf(concat(chunk, chunk, chunk, chunk, chunk));
    expect(await blobs.put(1, id, endless)).toEqual({ ok: false, fault: 'too-large' });
    expect(asked).toBe(5);
    expect(await blobs.get(1, id)).toBeNull();
    expect(coming()).toEqual([]);
  });

  it('put twice at once are one, and whole, though one of the two breaks', async () => {
    const blobs = await open();
    const bytes = random()(200_000);
    const id = idOf(bytes);
    const [left, right, broken] = [paced(bytes), paced(bytes), paced(bytes)];
    const puts = [left, right, broken].map((p) => blobs.put(3, id, p.chunks));
    for (const p of [left, broken, right]) await p.half();
    broken.fail();
    right.end();
    expect(await Promise.all(puts.slice(1))).toEqual([{ ok: true, value: bytes.length }, { ok: false, fault: 'unavailable' }]);
    expect(Buffer.compare((await whole(await blobs.get(3, id))) as Bytes, bytes)).toBe(0);
    left.end();
    expect(await puts[0]).toEqual({ ok: true, value: bytes.length });
    expect(Buffer.compare((await whole(await blobs.get(3, id))) as Bytes, bytes)).toBe(0);
    expect(coming()).toEqual([]);
    await blobs.drop(3, id);
    expect(await blobs.get(3, id)).toBeNull();
  });

  it('are told by the parts in which they lie, those from before a time, each once and however many there are', async () => {
    const blobs = await open();
    const r = random();
    // more than are told at a time, all in one part
    const many: Bytes[] = [];
    while (many.length < (name === 'memory' ? 9 : 520)) {
      const bytes = r(16);
      if (idOf(bytes)[0] === 0x07) many.push(bytes);
    }
    const other = many[0]!.slice(1) as Bytes;
    for (let i = 0; i < many.length; i += 20) await Promise.all(many.slice(i, i + 20).map((bytes) => blobs.put(5, idOf(bytes), chunksOf(bytes))));
    for (const g of [5, 12]) await blobs.put(g, idOf(other), chunksOf(other));
    const told = async (part: number, before: number): Promise<string[]> => {
      const all: string[] = [];
      for await (const some of blobs.old(part, before)) all.push(...some.map(({ g, id }) => `${g} ${hex(id)}`));
      return all.sort();
    };
    const hour = 3_600_000;
    expect(await told(0x07, Date.now() + hour)).toEqual(many.map((bytes) => `5 ${hex(idOf(bytes))}`).sort());
    expect(await told(idOf(other)[0]!, Date.now() + hour)).toEqual([5, 12].map((g) => `${g} ${hex(idOf(other))}`).sort());
    if (name !== 'memory') expect(await told(0x07, Date.now() - hour)).toEqual([]);
    await blobs.drop(12, idOf(other));
    expect(await told(idOf(other)[0]!, Date.now() + hour)).toEqual([`5 ${hex(idOf(other))}`]);
    expect(await told((idOf(other)[0]! + 1) % 256 === 0x07 ? 0x08 : (idOf(other)[0]! + 1) % 256, Date.now() + hour)).toEqual([]);
  }, 60_000);

  it('dropped while they come are there whole or not at all', async () => {
    const blobs = await open();
    const bytes = random()(200_000);
    const id = idOf(bytes);
    const comes = paced(bytes);
    const put = blobs.put(4, id, comes.chunks);
    await comes.half();
    expect(await blobs.get(4, id)).toBeNull();
    expect(await blobs.drop(4, id)).toBe(true);
    expect(await blobs.get(4, id)).toBeNull();
    comes.end();
    expect(await put).toEqual({ ok: true, value: bytes.length });
    expect(Buffer.compare((await whole(await blobs.get(4, id))) as Bytes, bytes)).toBe(0);
    expect(coming()).toEqual([]);
  });
});

describe('blobs in S3', () => {
  it('are what came, though somebody empties the folder of what is on its way and puts others there', async () => {
    const [one, other] = [seeded('one')(200_000), seeded('other')(300_000)];
    const [first, second] = [paced(one), paced(other)];
    const blobs = await inS3();
    const puts = [blobs.put(8, idOf(one), first.chunks)];
    await first.half();
    const others = await inS3();
    puts.push(others.put(8, idOf(other), second.chunks));
    await second.half();
    first.end();
    expect(await puts[0]).toEqual({ ok: true, value: one.length });
    second.end();
    expect(await puts[1]).toEqual({ ok: true, value: other.length });
    for (const bytes of [one, other]) expect(Buffer.compare((await whole(await blobs.get(8, idOf(bytes)))) as Bytes, bytes)).toBe(0);
    expect(coming()).toEqual([]);
  });

  it('wait for a reader who takes nothing for as long as a line may stand still, and no longer', async () => {
    // more than lies between the two of them
    const bytes = new Uint8Array(LIMIT.blob).fill(7) as Bytes;
    expect(await (await inS3()).put(9, idOf(bytes), chunksOf(bytes))).toMatchObject({ ok: true });
    const read = async (stalled: number): Promise<number> => {
      let got = 0;
      for await (const chunk of (await (await inS3({ patience: { answer: 1000, stalled } })).get(9, idOf(bytes))) as Chunks) {
        if (got === 0) await setTimeout(4000);
        got += chunk.length;
      }
      return got;
    };
    expect(await read(60_000)).toBe(bytes.length);
    await expect(read(1000)).rejects.toThrow();
  }, 30_000);

  it('are neither missing nor dropped where there is no bucket', async () => {
    const bytes = seeded('no bucket')(1000);
    const blobs = await inS3({ url: s3.url.replace('carefold', 'elsewhere') });
    await expect(blobs.get(1, idOf(bytes))).rejects.toThrow('there is no such bucket');
    expect(await blobs.drop(1, idOf(bytes))).toBe(false);
    expect(await blobs.put(1, idOf(bytes), chunksOf(bytes))).toEqual({ ok: false, fault: 'unavailable' });
  });

  it('are refused as unavailable while the store is away, and nothing stays behind', async () => {
    const bytes = seeded('away')(1000);
    const blobs = await inS3({ url: 'http://127.0.0.1:9/carefold' });
    expect(await blobs.put(1, idOf(bytes), chunksOf(bytes))).toEqual({ ok: false, fault: 'unavailable' });
    await expect(blobs.get(1, idOf(bytes))).rejects.toThrow();
    for await (const some of blobs.old(1, Date.now())) throw new Error(`told of ${some.length}`);
    expect(readdirSync(join(folder, 'coming'))).toEqual([]);
  });
});
