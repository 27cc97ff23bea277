import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '$crypto/sodium';
import { batchesOf, BATCH_BYTES, BATCH_ROWS } from '$lib/store/batches';
import { memoryDevice, type Fate, type MemoryDevice } from '$lib/store/memory';
import { openStore } from '$lib/store/sealed';
import type { Store } from '$lib/store/store';
import { bytes, faultFrom, newKey, words } from './cast';

const vaultKey = await newKey();
const open = (device: MemoryDevice): Promise<Store> => openStore({ disk: device.open(), vaultKey, random: systemRandom });
const row = (key: string, size: number) => ({ table: 'blob' as const, key, value: new Uint8Array(size) });

describe('a power cut', () => {
  it('loses no commit that was answered, and tears none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom<Fate>('done', 'lost', 'done-unheard'), { minLength: 1, maxLength: 12 }), async (fates) => {
        let at = -1;
        const device = memoryDevice({ fate: (w) => (w === 'commit' ? (fates[++at] ?? 'done') : 'done') });
        const store = await open(device);
        const answered: number[] = [];
        for (const i of fates.keys()) {
          const both = ['cursor', 'row'].map((key) => ({ table: 'inbox' as const, key: `${key}/${i}`, value: bytes(`${i}`) }));
          if ((await faultFrom(store.commit(both))) === 'none') answered.push(i);
        }
        device.cut();
        expect(await faultFrom(store.get('inbox', 'row/0'))).toBe('lost');
        const later = await open(device);
        for (const i of fates.keys()) {
          const there = [await later.get('inbox', `cursor/${i}`), await later.get('inbox', `row/${i}`)].map(words);
          expect(there[0]).toBe(there[1]);
          if (answered.includes(i)) expect(there[0]).toBe(`${i}`);
        }
      }),
      { numRuns: 50 }
    );
  });

  it('takes relaxed writes with it unless they were flushed, in the order they were made', async () => {
    const device = memoryDevice();
    const store = await open(device);
    await store.cacheCommit([{ table: 'page', key: 'a', value: bytes('flushed') }]);
    device.flush();
    await store.cacheCommit([{ table: 'page', key: 'a', value: bytes('first') }]);
    await store.cacheCommit([{ table: 'page', key: 'a', value: bytes('second') }]);
    await store.commit([{ table: 'meta', key: 'a', value: bytes('strict') }]);
    device.cut(1);
    const later = await open(device);
    expect(words(await later.cacheGet('page', 'a'))).toBe('first');
    device.cut();
    const last = await open(device);
    expect(words(await last.cacheGet('page', 'a'))).toBe('first');
    expect(words(await last.get('meta', 'a'))).toBe('strict');
  });
});

describe('a full device', () => {
  const MB = 1024 * 1024;

  it('gives up the oldest blobs to take a post, and nothing else', async () => {
    const device = memoryDevice({ room: 20 * MB });
    const store = await open(device);
    for (let i = 0; i < 9; i++) await store.cacheCommit([row(`b/${i}`, 2 * MB)]);
    await store.cacheCommit([{ table: 'page', key: 'p', value: bytes('page') }]);
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('words') }]);
    await store.commit([{ table: 'upload', key: 'photo', value: new Uint8Array(3 * MB) }]);
    const left = (await store.cacheRange('blob', '')).map((r) => r.key);
    expect(left).not.toContain('b/0');
    expect(left).toContain('b/8');
    expect(words(await store.cacheGet('page', 'p'))).toBe('page');
    expect(words(await store.get('outbox', 'a'))).toBe('words');
  });

  it('says full when there is nothing left to give up, and keeps the outbox', async () => {
    const device = memoryDevice({ room: 4 * MB });
    const store = await open(device);
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('words') }]);
    expect(await faultFrom(store.commit([{ table: 'upload', key: 'photo', value: new Uint8Array(5 * MB) }]))).toBe('full');
    expect(await faultFrom(store.cacheCommit([row('b', 5 * MB)]))).toBe('full');
    expect(words(await store.get('outbox', 'a'))).toBe('words');
    await store.commit([{ table: 'outbox', key: 'a', value: null }]);
    expect(await store.range('outbox', '')).toEqual([]);
  });
});

describe('batches', () => {
  it('hold every change once, in order, within a hundred rows and 256 KB', () => {
    const change = fc.record({
      id: fc.nat(),
      value: fc.option(
        fc.integer({ min: 0, max: BATCH_BYTES * 2 }).map((n) => new Uint8Array(n)),
        { freq: 4 }
      )
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.nat(400), (some, empty) => {
        const all = [...some, ...Array.from({ length: empty }, (_, id) => ({ id, value: null }))];
        const batches = batchesOf(all);
        expect(batches.flat()).toEqual(all);
        for (const b of batches) {
          const size = b.reduce((sum, c) => sum + (c.value?.length ?? 0), 0);
          expect(b.length).toBeGreaterThan(0);
          expect(b.length).toBeLessThanOrEqual(BATCH_ROWS);
          expect(b.length === 1 || size <= BATCH_BYTES).toBe(true);
        }
      }),
      { numRuns: 50 }
    );
  });
});
