/**
 * One of a browser's databases. Dexie makes it and writes it; what is read goes past it, since opening through Dexie alone takes longer than
 * reading a whole group. All that is asked for in one turn is read in one transaction.
 */
import { Dexie } from 'dexie';
import { StoreError } from './store';

interface Asked {
  readonly table: string;
  readonly what: (rows: IDBObjectStore) => IDBRequest;
  readonly done: (found: unknown) => void;
  readonly fail: (e: unknown) => void;
}

const FENCE = 'fence';
/** Dexie counts versions in tenths. */
const TENTHS = 10;

export interface Shape {
  readonly name: string;
  readonly version: number;
  /** By table, what Dexie makes it with. */
  readonly tables: Readonly<Record<string, string>>;
  readonly durability: 'strict' | 'relaxed';
  /** Another IndexedDB than the browser's own. */
  readonly own: { readonly indexedDB: IDBFactory; readonly IDBKeyRange: typeof IDBKeyRange } | null;
}

export class Database {
  private writer: Dexie | null = null;
  private db: Promise<IDBDatabase> | null = null;
  private asked: Asked[] = [];

  constructor(private readonly shape: Shape) {}

  /** What writes; made and opened at the first write. */
  get dexie(): Dexie {
    if (this.writer !== null) return this.writer;
    const { name, version, tables, durability, own } = this.shape;
    const db = new Dexie(name, { ...own, cache: 'disabled', chromeTransactionDurability: durability });
    db.version(version).stores(tables);
    // a newer build in another tab must not wait for us; what we do next opens again
    db.on('versionchange', () => {
      db.close({ disableAutoOpen: false });
      return false;
    });
    return (this.writer = db);
  }
  /** The writer's connection was lost: the next write opens another. */
  writeAnew(): void {
    this.writer?.close({ disableAutoOpen: false });
  }
  close(): void {
    this.writer?.close();
    if (this.db !== null) this.drop(this.db);
  }

  /** Opens at first use, and again when it was closed under us. Made by Dexie when it is not there or of an older build. */
  open(): Promise<IDBDatabase> {
    if (this.db !== null) return this.db;
    const opening: Promise<IDBDatabase> = this.connect().then((db) => {
      db.onversionchange = () => this.drop(opening);
      db.onclose = () => this.drop(opening);
      return db;
    });
    opening.catch(() => this.drop(opening));
    return (this.db = opening);
  }
  private drop(opened: Promise<IDBDatabase>): void {
    if (this.db === opened) this.db = null;
    opened.then((db) => db.close(), () => undefined);
  }
  private async connect(): Promise<IDBDatabase> {
    const { name, version, own } = this.shape;
    const indexedDB = own?.indexedDB ?? (globalThis.indexedDB as IDBFactory | undefined);
    if (indexedDB === undefined) throw new StoreError('lost');
    const there = await openAsIs(indexedDB, name);
    if (there !== null && there.version >= version * TENTHS) return there;
    there?.close();
    await this.dexie.open();
    const made = await openAsIs(indexedDB, name);
    if (made === null) throw new StoreError('lost');
    return made;
  }

  /** One question to one table. */
  ask<T>(table: string, what: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((done, fail) => {
      if (this.asked.push({ table, what, done: done as Asked['done'], fail }) === 1) void this.askAll();
    });
  }
  private async askAll(): Promise<void> {
    const opening = this.open();
    let asked: readonly Asked[] = [];
    const failed = (e: unknown): void => {
      this.drop(opening);
      for (const a of asked) a.fail(e);
    };
    const take = (): readonly Asked[] => {
      const all = this.asked;
      this.asked = [];
      return all;
    };
    try {
      const db = await opening;
      asked = take();
      const tx = db.transaction([...new Set(asked.map((a) => a.table))], 'readonly');
      tx.onabort = () => failed(tx.error ?? aborted());
      for (const a of asked) {
        const request = a.what(tx.objectStore(a.table));
        request.onsuccess = () => a.done(request.result);
      }
    } catch (e) {
      if (asked.length === 0) asked = take();
      failed(e);
    }
  }

  /**
   * Puts what `at` makes of the fence's number in its place, and says it and what lies in `tables` at that moment. Relaxed also in the
   * strict database: a fence stands against writers that run now, and none of them outlives a power cut. So unlocking waits for no disk.
   */
  async takeFence<R>(key: string, at: (held: number) => number, tables: readonly string[] = []): Promise<{ readonly n: number; readonly rows: readonly (readonly R[])[] }> {
    const opening = this.open();
    try {
      const db = await opening;
      return await new Promise((done, fail) => {
        const tx = db.transaction([FENCE, ...tables], 'readwrite', { durability: 'relaxed' });
        const fences = tx.objectStore(FENCE);
        const held = fences.get(key) as IDBRequest<{ readonly n: number } | undefined>;
        const whole = tables.map((t) => tx.objectStore(t).getAll() as IDBRequest<R[]>);
        let n = 0;
        held.onsuccess = () => {
          n = at(held.result?.n ?? 0);
          fences.put({ k: key, n });
        };
        tx.oncomplete = () => done({ n, rows: whole.map((w) => w.result) });
        tx.onabort = () => fail(tx.error ?? aborted());
      });
    } catch (e) {
      this.drop(opening);
      throw e;
    }
  }
}

const aborted = (): DOMException => new DOMException('no connection', 'AbortError');

/** The database in the version that is there; null, and nothing was made, when there is none. */
function openAsIs(indexedDB: IDBFactory, name: string): Promise<IDBDatabase | null> {
  return new Promise((done, fail) => {
    let isNew = false;
    // whatever keeps it from opening is no bug of ours
    const refused = (inner: unknown): void => fail(Object.assign(new Error('does not open', { cause: inner }), { name: 'OpenFailedError', inner }));
    try {
      const asked = indexedDB.open(name);
      asked.onupgradeneeded = () => {
        isNew = true;
        asked.transaction?.abort();
      };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = (e) => {
        e.preventDefault();
        if (isNew) done(null);
        else refused(asked.error);
      };
    } catch (e) {
      refused(e);
    }
  });
}
