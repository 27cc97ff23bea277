/**
 * The disk of a browser: two databases. `carefold` is written with strict durability, `carefold-cache` relaxed. Schemas only
 * ever grow, so that yesterday's build can open what today's has made.
 */
import type { Transaction } from 'dexie';
import type { Bytes } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { Database } from './database';
import { boundsOf, type Disk } from './disk';
import { faultOf } from './fault';
import { CACHE_TABLES, StoreError, TABLES, type CacheTable, type Change, type Row, type Table } from './store';

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
  const own = options.indexedDB && options.IDBKeyRange ? { indexedDB: options.indexedDB, IDBKeyRange: options.IDBKeyRange } : null;
  const strict = new Database({ name, version: 1, tables: schema([...TABLES, 'fence', 'vault']), durability: 'strict', own });
  const relaxed = new Database({ name: `${name}-cache`, version: 1, tables: { ...schema([...CACHE_TABLES, 'fence']), blob: 'k, n' }, durability: 'relaxed', own });

  let closed = false;
  let cacheFenced: Promise<void> = Promise.resolve();

  /** Runs work that may be repeated; a lost connection is opened anew, with patience, before it is called lost. */
  async function run<T>(db: Database | null, work: () => PromiseLike<T>): Promise<T> {
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
        db?.writeAnew();
      }
    }
  }

  /** Everything in one transaction that first looks at the fence. */
  const write = async (db: Database, tables: readonly string[], fence: number, work: (tx: Transaction) => Promise<void>): Promise<void> => {
    if (db === relaxed) await cacheFenced;
    return run(db, () =>
      db.dexie.transaction('rw', ['fence', ...tables], async (tx) => {
        const held = await tx.table<Fence, string>('fence').get(WRITER);
        if (held === undefined) throw new StoreError('lost');
        if (held.n !== fence) throw new StoreError('fenced');
        await work(tx);
      })
    );
  };

  const ask = <T>(from: Database, table: string, key: string): Promise<T | undefined> => from.ask(table, (rows) => rows.get(key) as IDBRequest<T | undefined>);
  const get = async (from: Database, table: string, key: string): Promise<Bytes | null> => (await run(null, () => ask<Kept>(from, table, key)))?.v ?? null;
  const where = <T>(table: Table | CacheTable, work: (db: Database) => Promise<T>): Promise<T> => (CACHE.includes(table) ? cacheFenced.then(() => work(relaxed)) : work(strict));

  return {
    get: (table, key) => where(table, (db) => get(db, table, key)),
    async range(table, prefix, range): Promise<Row[]> {
      const b = boundsOf(prefix, range);
      if (b === null) return [];
      const keyRange = own?.IDBKeyRange ?? IDBKeyRange;
      const asked = (rows: IDBObjectStore): IDBRequest<Kept[]> => rows.getAll(keyRange.bound(b.lower, b.upper, b.lowerOpen, true), range?.most);
      const found = await where(table, (db) => run(null, () => db.ask(table, asked)));
      return rowsOf(found);
    },

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

    async takeFence(...tables) {
      const { n, rows } = await run(null, () => strict.takeFence<Kept>(WRITER, (held) => held + 1, tables));
      // the cache's copy may lag after a power cut, never lead; whoever asks the cache for anything waits for it
      const cache = (cacheFenced = run(null, () => relaxed.takeFence(WRITER, (held) => Math.max(held, n))).then(() => undefined));
      cache.catch(() => undefined);
      return { fence: n, rows: rows.map(rowsOf), cache };
    },

    header() {
      // asked for first of all: the other database opens meanwhile, and what fails is told to whoever needs it
      relaxed.open().catch(() => undefined);
      return get(strict, 'vault', HEADER);
    },
    swapHeader: (old, next) =>
      run(strict, () =>
        strict.dexie.transaction('rw', ['vault'], async (tx) => {
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
      const [held, header] = await run(null, () => Promise.all([ask<Fence>(strict, 'fence', WRITER), ask<Kept>(strict, 'vault', HEADER)]));
      if (!may(held, header)) return false;
      // the cache first: a cut in between leaves what can be wiped again
      await run(relaxed, () =>
        relaxed.dexie.transaction('rw', [...CACHE_TABLES, 'fence'], async (tx) => {
          await Promise.all(CACHE_TABLES.map((t) => tx.table(t).clear()));
          await tx.table('fence').clear();
        })
      );
      return run(strict, () =>
        strict.dexie.transaction('rw', [...TABLES, 'fence', 'vault'], async (tx) => {
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
    mark: () => get(strict, 'vault', MARK),
    close() {
      closed = true;
      strict.close();
      relaxed.close();
    }
  };
}

const rowsOf = (kept: readonly Kept[]): Row[] => kept.map(({ k, v }) => ({ key: k, value: v }));

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
