/**
 * The disk of a browser: two databases. `carefold` is written with strict durability, `carefold-cache` relaxed. Schemas only
 * ever grow, so that yesterday's build can open what today's has made.
 */
import { Dexie, type Collection, type Table as Store, type Transaction } from 'dexie';
import type { Bytes } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { boundsOf, type Disk } from './disk';
import { faultOf } from './fault';
import { CACHE_TABLES, StoreError, TABLES, type CacheTable, type Change, type RangeOptions, type Row, type Table } from './store';

/** Short names: each row carries them. `n`: order of writing, in the blob table only. */
interface Kept {
  readonly k: string;
  readonly v: Bytes;
  readonly n?: number;
}
interface Fence {
  readonly k: 'writer';
  readonly n: number;
}

export interface DexieOptions {
  /** Beginning of the databases' names. */
  readonly name?: string;
  /** Resolves after so many milliseconds. */
  readonly wait?: (ms: number) => Promise<void>;
  /** Another IndexedDB than the browser's own. */
  readonly indexedDB?: IDBFactory;
  readonly IDBKeyRange?: typeof globalThis.IDBKeyRange;
}

/** Pauses between tries after the connection was lost, in milliseconds: iOS needs a moment after a suspend. */
const PAUSES = [50, 200, 800, 2000];
/** Blobs looked at in one go when making room. */
const EVICT = 10;

const CACHE: readonly string[] = CACHE_TABLES;
const WRITER = 'writer';
const HEADER = 'header';
const MARK = 'mark';

/** Opens at first use. */
export function dexieDisk(options: DexieOptions = {}): Disk {
  const { name = 'carefold', wait = (ms) => new Promise<void>((done) => setTimeout(done, ms)) } = options;
  const own = options.indexedDB && options.IDBKeyRange ? { indexedDB: options.indexedDB, IDBKeyRange: options.IDBKeyRange } : {};
  const common = { ...own, cache: 'disabled' } as const;
  const strict = new Dexie(name, { ...common, chromeTransactionDurability: 'strict' });
  strict.version(1).stores(schema([...TABLES, 'fence', 'vault']));
  const relaxed = new Dexie(`${name}-cache`, { ...common, chromeTransactionDurability: 'relaxed' });
  relaxed.version(1).stores({ ...schema([...CACHE_TABLES, 'fence']), blob: 'k, n' });
  for (const db of [strict, relaxed]) {
    // a newer build in another tab must not wait for us; what we do next opens again
    db.on('versionchange', () => {
      db.close({ disableAutoOpen: false });
      return false;
    });
  }

  let closed = false;
  const dbOf = (table: Table | CacheTable): Dexie => (CACHE.includes(table) ? relaxed : strict);
  const rowsOf = (table: Table | CacheTable): Store<Kept, string> => dbOf(table).table(table);

  /** Runs work that may be repeated; a lost connection is opened anew, with patience, before it is called lost. */
  async function run<T>(db: Dexie, work: () => PromiseLike<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        if (closed) throw new StoreError('lost');
        return await work();
      } catch (e) {
        const fault = faultOf(e);
        if (fault === null) throw e;
        const pause = PAUSES[tries];
        if (e instanceof StoreError || fault !== 'lost' || closed || pause === undefined) throw new StoreError(fault);
        await wait(pause);
        db.close({ disableAutoOpen: false });
      }
    }
  }

  /** Everything in one transaction that first looks at the fence. */
  const write = (db: Dexie, tables: readonly string[], fence: number, work: (tx: Transaction) => Promise<void>): Promise<void> =>
    run(db, () =>
      db.transaction('rw', ['fence', ...tables], async (tx) => {
        const held = await tx.table<Fence, string>('fence').get(WRITER);
        if (held === undefined) throw new StoreError('lost');
        if (held.n !== fence) throw new StoreError('fenced');
        await work(tx);
      })
    );

  function select(table: Table | CacheTable, prefix: string, range: RangeOptions = {}): Collection<Kept, string> | null {
    const b = boundsOf(prefix, range);
    if (b === null) return null;
    const found = rowsOf(table).where('k').between(b.lower, b.upper, !b.lowerOpen, false);
    const turned = range.reverse === true ? found.reverse() : found;
    return range.most === undefined ? turned : turned.limit(range.most);
  }

  return {
    async get(table, key) {
      const row = await run(dbOf(table), () => rowsOf(table).get(key));
      return row === undefined ? null : row.v;
    },
    range: (table, prefix, range) =>
      run(dbOf(table), async (): Promise<Row[]> => {
        const rows = (await select(table, prefix, range)?.toArray()) ?? [];
        return rows.map(({ k, v }) => ({ key: k, value: v }));
      }),

    commit: (fence, changes) => write(strict, tablesIn(changes), fence, (tx) => put(tx, changes)),
    cacheCommit: (fence, changes) => write(relaxed, tablesIn(changes), fence, (tx) => put(tx, changes)),
    async dropPrefix(fence, prefix) {
      // the cache first: what a cut leaves behind then still belongs to a group somebody can forget again
      for (const [db, tables] of [
        [relaxed, CACHE_TABLES],
        [strict, TABLES]
      ] as const) {
        await write(db, tables, fence, async (tx) => {
          const b = boundsOf(prefix);
          for (const t of b === null ? [] : tables)
            await tx.table<Kept, string>(t).where('k').between(prefix, b?.upper, true, false).delete();
        });
      }
    },
    async evict(fence, bytes) {
      let freed = 0;
      for (let left = true; left && freed < bytes;) {
        await write(relaxed, ['blob'], fence, async (tx) => {
          const blobs = tx.table<Kept, string>('blob');
          const oldest = await blobs.orderBy('n').limit(EVICT).toArray();
          left = oldest.length > 0;
          await blobs.bulkDelete(oldest.map(({ k }) => k));
          for (const { v } of oldest) freed += v.length;
        });
      }
      return freed;
    },

    async takeFence() {
      const take = (db: Dexie, at: (held: number) => number): Promise<number> => run(db, () => takeFence(db, at));
      const fence = await take(strict, (held) => held + 1);
      // the cache's copy may lag after a power cut, never lead
      await take(relaxed, (held) => Math.max(held, fence));
      return fence;
    },

    async header() {
      // asked for first of all: the other database opens meanwhile, and what fails is told to whoever needs it
      relaxed.open().catch(() => undefined);
      return (await run(strict, () => strict.table<Kept, string>('vault').get(HEADER)))?.v ?? null;
    },
    swapHeader: (old, next) =>
      run(strict, () =>
        strict.transaction('rw', ['vault'], async (tx) => {
          const vault = tx.table<Kept, string>('vault');
          const held = (await vault.get(HEADER))?.v ?? null;
          if (held === null || old === null ? held !== old : !equal(held, old)) return false;
          await vault.put({ k: HEADER, v: next });
          return true;
        })
      ),
    async wipe(fence, mark) {
      const may = (held: Fence | undefined, header: Kept | undefined): boolean => {
        if (fence === null) return header === undefined;
        if (held === undefined) throw new StoreError('lost');
        if (held.n !== fence) throw new StoreError('fenced');
        return true;
      };
      if (!(await run(strict, async () => may(await strict.table<Fence, string>('fence').get(WRITER), await strict.table<Kept, string>('vault').get(HEADER))))) return false;
      // the cache first: a cut in between leaves what can be wiped again
      await run(relaxed, () =>
        relaxed.transaction('rw', [...CACHE_TABLES, 'fence'], async (tx) => {
          await Promise.all(CACHE_TABLES.map((t) => tx.table(t).clear()));
          await tx.table('fence').clear();
        })
      );
      return run(strict, () =>
        strict.transaction('rw', [...TABLES, 'fence', 'vault'], async (tx) => {
          const fences = tx.table<Fence, string>('fence');
          const vault = tx.table<Kept, string>('vault');
          const held = await fences.get(WRITER);
          if (!may(held, await vault.get(HEADER))) return false;
          await Promise.all(TABLES.map((t) => tx.table(t).clear()));
          await vault.clear();
          if (mark !== null) await vault.put({ k: MARK, v: mark });
          await fences.put({ k: WRITER, n: (held?.n ?? 0) + 1 });
          return true;
        })
      );
    },
    mark: async () => (await run(strict, () => strict.table<Kept, string>('vault').get(MARK)))?.v ?? null,
    close() {
      closed = true;
      strict.close();
      relaxed.close();
    }
  };
}

/**
 * Relaxed also in the strict database: a fence stands against writers that run now, and none of them outlives a power cut. So
 * unlocking waits for no disk.
 */
async function takeFence(db: Dexie, at: (held: number) => number): Promise<number> {
  await db.open();
  return new Promise((done, fail) => {
    const tx = db.backendDB().transaction(['fence'], 'readwrite', { durability: 'relaxed' });
    const fences = tx.objectStore('fence');
    let n = 0;
    const held = fences.get(WRITER) as IDBRequest<Fence | undefined>;
    held.onsuccess = () => {
      n = at(held.result?.n ?? 0);
      fences.put({ k: WRITER, n } satisfies Fence);
    };
    tx.oncomplete = () => done(n);
    tx.onabort = () => fail(tx.error ?? new DOMException('no connection', 'AbortError'));
  });
}

const schema = (tables: readonly string[]): Record<string, string> => Object.fromEntries(tables.map((t) => [t, 'k']));

const tablesIn = (changes: readonly Change<string>[]): string[] => [...new Set(changes.map((c) => c.table))];

async function put(tx: Transaction, changes: readonly Change<string>[]): Promise<void> {
  for (const table of tablesIn(changes)) {
    const rows = tx.table<Kept, string>(table);
    const kept: { k: string; v: Bytes; n?: number }[] = [];
    const gone: string[] = [];
    for (const c of changes) {
      if (c.table !== table) continue;
      if (c.value === null) gone.push(c.key);
      else kept.push({ k: c.key, v: c.value });
    }
    if (table === 'blob' && kept.length > 0) {
      let n = (await rows.orderBy('n').last())?.n ?? 0;
      for (const row of kept) row.n = ++n;
    }
    if (gone.length > 0) await rows.bulkDelete(gone);
    if (kept.length > 0) await rows.bulkPut(kept);
  }
}
