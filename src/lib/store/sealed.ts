/** The store over any disk: seals every row to its place, takes the fence, makes room when the device is full (PROTOCOL §16). */
import { openRow, rowKeyOf, sealRow } from '$crypto/at-rest';
import type { Bytes, VaultKey } from '$crypto/brand';
import { ready, type Random } from '$crypto/sodium';
import { batchesOf } from './batches';
import { cacheKeyOf, openCache, sealCache } from './cache-key';
import { lastOfEach, type Disk } from './disk';
import { StoreError, type CacheChange, type CacheTable, type Change, type RangeOptions, type Row, type Store, type Table } from './store';

/** What is freed at least when the device is full, so that the next photo does not ask again. */
const ROOM = 8 * 1024 * 1024;

export interface StoreOptions {
  readonly disk: Disk;
  readonly vaultKey: VaultKey;
  readonly random: Random;
}

/** A table as it lay there when the store was opened. Rows are opened as they are asked for; one that does not open is `damaged`. */
export interface Seen {
  get(key: string): Bytes | null;
  /** Rows whose key begins with `prefix`, ascending by key. */
  range(prefix: string): Row[];
}

/** Becomes the writer and opens the rows; whoever wrote before is fenced off. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { store, cache } = await openStoreAndSee(options);
  await cache;
  return store;
}

/** The same, with whole tables read in the same moment, and while the cache is still being fenced: see to `cache` too. */
export async function openStoreAndSee({ disk, vaultKey, random }: StoreOptions, ...tables: readonly Table[]): Promise<{ readonly store: Store; readonly seen: readonly Seen[]; readonly cache: Promise<void> }> {
  await ready();
  const rowKey = rowKeyOf(vaultKey);
  const [cacheKey, { fence, rows, cache }] = await Promise.all([cacheKeyOf(vaultKey), disk.takeFence(...tables)]);

  const open = (table: Table, key: string, sealed: Bytes): Bytes => {
    const opened = openRow(rowKey, { table, key }, sealed);
    if (!opened.ok) throw new StoreError('damaged');
    return opened.value;
  };

  /** Runs a write; when the device is full, blobs that can be had again make room for one more try. */
  async function write(bytes: number, attempt: () => Promise<void>): Promise<void> {
    try {
      await attempt();
    } catch (e) {
      if (!(e instanceof StoreError) || e.fault !== 'full') throw e;
      if ((await disk.evict(fence, Math.max(ROOM, 2 * bytes))) === 0) throw e;
      await attempt();
    }
  }

  const dropFromCache = (table: CacheTable, keys: readonly string[]): Promise<void> =>
    disk.cacheCommit(
      fence,
      keys.map((key) => ({ table, key, value: null }))
    );

  async function cacheWrite(changes: readonly CacheChange[]): Promise<void> {
    for (const batch of batchesOf(changes)) {
      const sealed = await Promise.all(
        batch.map(async (c) => ({ ...c, value: c.value === null ? null : await sealCache(cacheKey, c, c.value, random) }))
      );
      await write(sizeOf(sealed), () => disk.cacheCommit(fence, sealed));
    }
  }

  const store: Store = {
    async get(table, key) {
      const sealed = await disk.get(table, key);
      return sealed === null ? null : open(table, key, sealed);
    },
    async range(table, prefix, options) {
      const rows = await disk.range(table, prefix, options);
      return rows.map(({ key, value }) => ({ key, value: open(table, key, value) }));
    },
    async commit(changes) {
      const sealed = lastOfEach(changes).map((c) => ({ ...c, value: c.value === null ? null : sealRow(rowKey, c, c.value, random) }));
      await write(sizeOf(sealed), () => disk.commit(fence, sealed));
    },

    async cacheGet(table, key) {
      const sealed = await disk.get(table, key);
      if (sealed === null) return null;
      const value = await openCache(cacheKey, { table, key }, sealed);
      if (value === null) await dropFromCache(table, [key]);
      return value;
    },
    async cacheRange(table, prefix, options?: RangeOptions) {
      const rows = await disk.range(table, prefix, options);
      const values = await Promise.all(rows.map(({ key, value }) => openCache(cacheKey, { table, key }, value)));
      const good: Row[] = [];
      const bad: string[] = [];
      rows.forEach(({ key }, i) => {
        const value = values[i] ?? null;
        if (value === null) bad.push(key);
        else good.push({ key, value });
      });
      if (bad.length > 0) await dropFromCache(table, bad);
      return good;
    },
    cacheCommit: (changes) => cacheWrite(lastOfEach(changes)),

    dropPrefix: (prefix) => disk.dropPrefix(fence, prefix),
    wipe: async (mark) => void (await disk.wipe(fence, mark)),
    close: () => disk.close()
  };
  const see = (table: Table, all: readonly Row[]): Seen => ({
    get(key) {
      const row = all.find((r) => r.key === key);
      return row === undefined ? null : open(table, key, row.value);
    },
    range: (prefix) => all.filter((r) => r.key.startsWith(prefix)).map(({ key, value }) => ({ key, value: open(table, key, value) }))
  });
  return { store, seen: tables.map((t, i) => see(t, rows[i] ?? [])), cache };
}

const sizeOf = (changes: readonly (Change | CacheChange)[]): number => changes.reduce((sum, c) => sum + (c.value?.length ?? 0), 0);
