import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Bytes, VaultKey } from '$crypto/brand';
import { fromText } from '$crypto/bytes';
import { ready, systemRandom } from '$crypto/sodium';
import { type FeedPost, PAGE, type RecordPlace } from '$lib/care/feed';
import { decodePage } from '$lib/care/feed-page';
import { type OpenRecord, recordIdOf } from '$lib/care/record';
import { FeedRows } from '$lib/core/feed-rows';
import { memoryDevice, type MemoryDevice } from '$lib/store/memory';
import { openStore } from '$lib/store/sealed';
import type { Store } from '$lib/store/store';

await ready();
const REF = 'ref';
const VOLUME = 5 * PAGE;
const vaultKey = systemRandom(32) as Bytes as VaultKey;
const storeOn = (device: MemoryDevice): Promise<Store> => openStore({ disk: device.open(), vaultKey, random: systemRandom });
const rowsIn = async (store: Store): Promise<FeedRows> => new FeedRows(store, REF, { me: 'me', unreadAfter: Infinity }, await FeedRows.readIndex(store, REF));
const place = (n: number): RecordPlace => ({ member: 'a'.repeat(32), device: 1, n, seq: n, time: 1_000 + n, epoch: 1 });
const post = (n: number): OpenRecord => ({ i: String(n).padStart(22, 'A'), t: 'post', a: 5, x: `words ${n} `.padEnd(300, '.') });
const add = (rows: FeedRows, from: number, to: number): void => {
  for (let n = from; n <= to; n++) rows.feed.add(post(n), place(n));
};
const keys = async (store: Store): Promise<string[]> => (await store.cacheRange('page', REF)).map((r) => r.key);

it('keeps full pages together once there are newer ones, and reads them back in order', async () => {
  const store = await storeOn(memoryDevice());
  const written = await rowsIn(store);
  add(written, 1, 2 * VOLUME + PAGE + 50);
  await written.flush();
  const kept = await keys(store);
  expect([kept.filter((k) => k.startsWith(`${REF}/v`)).length, kept.length]).toEqual([2, 4]);

  const read = await rowsIn(store);
  expect(await read.loadNewest()).toBe(true);
  expect(read.feed.posts.length).toBe(PAGE + 50);
  expect(await read.loadOlder(Infinity)).toBe(true);
  expect(read.feed.posts).toEqual(written.feed.posts);
});

it('takes nothing from an index that was made while fewer kinds of records could be read', async () => {
  const store = await storeOn(memoryDevice());
  for (const isOlder of [false, true]) {
    const written = await rowsIn(store);
    add(written, isOlder ? 4 : 1, isOlder ? 6 : 3);
    if (isOlder) written.feed.index.kinds--;
    await written.flush();
    expect((await rowsIn(store)).feed.index.total).toBe(isOlder ? 0 : 3);
  }
});

it('binds pages that were written one by one when they are read again, and leaves none of them behind', async () => {
  const store = await storeOn(memoryDevice());
  let rows = await rowsIn(store);
  for (let n = 1; n <= VOLUME + 2 * PAGE; n += PAGE) {
    rows = await rowsIn(store);
    await rows.loadNewest();
    add(rows, n, n + PAGE - 1);
    await rows.flush();
  }
  expect((await keys(store)).length).toBe(7);
  await rows.loadOlder(Infinity);
  expect(rows.canBind).toBe(true);
  await rows.flush();
  expect([rows.canBind, (await keys(store)).length]).toEqual([false, 3]);
  const again = await rowsIn(store);
  expect(await again.loadOlder(Infinity)).toBe(true);
  expect(again.feed.posts.map((p) => p.seq)).toEqual(Array.from({ length: VOLUME + 2 * PAGE }, (_, i) => i + 1));
});

it('is some earlier whole after a power cut in the middle of writing a volume anew', async () => {
  const late = 700;
  await fc.assert(
    fc.asyncProperty(fc.nat(8), async (kept) => {
      const device = memoryDevice();
      const store = await storeOn(device);
      const rows = await rowsIn(store);
      add(rows, 1, late - 1);
      add(rows, late + 1, VOLUME + PAGE + 10);
      await rows.flush();
      device.flush();
      // withheld, and in its place at last: every page behind it moves by one
      add(rows, late, late);
      await rows.flush();
      device.cut(kept);

      const after = await rowsIn(await storeOn(device));
      expect(await after.loadOlder(Infinity)).toBe(true);
      const seqs = after.feed.posts.map((p) => p.seq);
      const all = Array.from({ length: VOLUME + PAGE + 10 }, (_, i) => i + 1);
      expect([all.filter((n) => n !== late), all]).toContainEqual(seqs);
      expect(after.feed.index.total).toBe(seqs.length);
    }),
    { numRuns: 9, examples: [[0], [1], [2], [3], [4]] }
  );
});

it('reads the pages of an earlier build, and writes anew only what changes', async () => {
  const store = await storeOn(memoryDevice());
  const written = await rowsIn(store);
  add(written, 1, VOLUME + PAGE + 50);
  await written.flush();
  const isEarlier = (b: Bytes): boolean => b[0] === '{'.charCodeAt(0);
  const pages = await store.cacheRange('page', REF);
  await store.cacheCommit(pages.map(({ key, value }) => ({ table: 'page', key, value: asEarlier(decodePage(value) ?? []) })));

  const read = await rowsIn(store);
  expect(await read.loadOlder(Infinity)).toBe(true);
  expect(read.feed.posts).toEqual(written.feed.posts);
  add(read, VOLUME + PAGE + 51, VOLUME + PAGE + 51);
  await read.flush();
  const now = await store.cacheRange('page', REF);
  expect([now.length, now.filter((r) => isEarlier(r.value)).length]).toEqual([pages.length, pages.length - 1]);
  const again = await rowsIn(store);
  expect(await again.loadOlder(Infinity)).toBe(true);
  expect(again.feed.posts).toEqual(read.feed.posts);
});

/** Columns of JSON, as pages were kept before. */
function asEarlier(posts: readonly FeedPost[]): Bytes {
  const column = <K extends keyof FeedPost>(k: K) => posts.map((p) => p[k]);
  const who = [...new Set(column('member'))];
  return fromText(JSON.stringify({
    who, by: posts.map((p) => who.indexOf(p.member)), device: column('device'), n: column('n'), seq: column('seq'), time: column('time'), epoch: column('epoch'),
    id: posts.map((p) => recordIdOf(p.id)), order: column('order'), at: column('at'), text: column('text'), photos: {}, replyTo: {}
  }));
}
