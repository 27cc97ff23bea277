import { Dexie } from 'dexie';
import { IDBDatabase, IDBFactory, IDBKeyRange, IDBObjectStore } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemRandom } from '$crypto/sodium';
import { dexieDisk } from '$lib/store/dexie';
import { faultOf } from '$lib/store/fault';
import { openStore } from '$lib/store/sealed';
import { StoreError, TABLES, CACHE_TABLES, type Store } from '$lib/store/store';
import { bytes, faultFrom, newKey, words } from './cast';

const vaultKey = await newKey();
const wait = (): Promise<void> => Promise.resolve();
const diskOn = (indexedDB: IDBFactory) => dexieDisk({ indexedDB, IDBKeyRange, wait });
const open = (indexedDB: IDBFactory): Promise<Store> => openStore({ disk: diskOn(indexedDB), vaultKey, random: systemRandom });

afterEach(() => vi.restoreAllMocks());

describe('the databases of a browser', () => {
  it('are written strictly where a power cut must lose nothing, and relaxed in the cache', async () => {
    const seen: [string, string][] = [];
    const real = IDBDatabase.prototype.transaction;
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, names, mode, options) {
      if (mode === 'readwrite') seen.push([this.name, (options as IDBTransactionOptions | undefined)?.durability ?? 'none']);
      return real.call(this, names, mode, options);
    });
    const store = await open(new IDBFactory());
    seen.length = 0;
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]);
    await store.cacheCommit([{ table: 'page', key: 'a', value: bytes('x') }]);
    expect(seen).toEqual([
      ['carefold', 'strict'],
      ['carefold-cache', 'relaxed']
    ]);
  });

  it('are read in one transaction where much is asked for at once', async () => {
    const store = await open(new IDBFactory());
    await store.commit([{ table: 'meta', key: 'a', value: bytes('one') }, { table: 'roster', key: 'a', value: bytes('two') }]);
    const asked = vi.spyOn(IDBDatabase.prototype, 'transaction');
    const [one, two, none, all] = await Promise.all([store.get('meta', 'a'), store.get('roster', 'a'), store.get('draft', 'a'), store.range('roster', '')]);
    expect([words(one), words(two), none, all.map((r) => words(r.value))]).toEqual(['one', 'two', null, ['two']]);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('are read by a new writer only once no earlier one can write', async () => {
    const indexedDB = new IDBFactory();
    const old = await open(indexedDB);
    const disk = diskOn(indexedDB);
    const written = Array.from({ length: 20 }, (_, i) => old.commit([{ table: 'outbox', key: `a/${i}`, value: bytes('x') }]).then(() => true, () => false));
    const { rows } = await disk.takeFence('outbox');
    // what the earlier writer was told is written is there to be read
    expect(rows[0]?.length).toBe((await Promise.all(written)).filter(Boolean).length);
  });

  it('get the tables they lack where an earlier build made them', async () => {
    const indexedDB = new IDBFactory();
    const earlier = new Dexie('carefold', { indexedDB, IDBKeyRange });
    earlier.version(0.5).stores({ vault: 'k' });
    await earlier.table('vault').put({ k: 'header', v: bytes('kept') });
    earlier.close();
    expect(words(await diskOn(indexedDB).header())).toBe('kept');
    const store = await open(indexedDB);
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]);
    expect(words(await store.get('outbox', 'a'))).toBe('x');
  });

  it('open under an older build after a newer one added a table and an index', async () => {
    const indexedDB = new IDBFactory();
    const first = await open(indexedDB);
    await first.commit([{ table: 'meta', key: 'a', value: bytes('kept') }]);
    await first.cacheCommit([{ table: 'blob', key: 'a', value: bytes('kept') }]);
    first.close();
    for (const [name, more] of [
      ['carefold', { tomorrow: 'k', outbox: 'k, n' }],
      ['carefold-cache', { tomorrow: 'k', page: 'k, n' }]
    ] as const) {
      const today = Object.fromEntries(
        [...(name === 'carefold' ? [...TABLES, 'vault'] : CACHE_TABLES), 'fence'].map((t) => [t, t === 'blob' ? 'k, n' : 'k'])
      );
      const newer = new Dexie(name, { indexedDB, IDBKeyRange });
      newer.version(1).stores(today);
      newer.version(2).stores(more);
      await newer.open();
      expect(newer.verno).toBe(2);
      newer.close();
    }
    const older = await open(indexedDB);
    expect(words(await older.get('meta', 'a'))).toBe('kept');
    await older.commit([{ table: 'outbox', key: 'b', value: bytes('more') }]);
    await older.cacheCommit([{ table: 'page', key: 'b', value: bytes('more') }]);
    expect(words(await older.get('outbox', 'b'))).toBe('more');
    expect(words(await older.cacheGet('page', 'b'))).toBe('more');
    expect(words(await older.cacheGet('blob', 'a'))).toBe('kept');
  });

  it('are opened anew after the connection was lost, without anybody hearing of it', async () => {
    const indexedDB = new IDBFactory();
    const store = await open(indexedDB);
    let failures = 3;
    const real = IDBObjectStore.prototype.put;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      if (failures-- > 0)
        throw new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');
      return real.apply(this, args);
    });
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]);
    expect(failures).toBeLessThan(0);
    expect(words(await store.get('outbox', 'a'))).toBe('x');
  });

  it('are lost when the connection stays lost, and come back later', async () => {
    const store = await open(new IDBFactory());
    const broken = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('gone', 'InvalidStateError');
    });
    expect(await faultFrom(store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]))).toBe('lost');
    broken.mockRestore();
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]);
    expect(words(await store.get('outbox', 'a'))).toBe('x');
  });

  it('are lost when the browser deleted them under an open app: nothing is written into the empty ones', async () => {
    const indexedDB = new IDBFactory();
    const store = await open(indexedDB);
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('x') }]);
    for (const name of ['carefold', 'carefold-cache']) {
      await new Promise((done) => (indexedDB.deleteDatabase(name).onsuccess = done));
    }
    expect(await faultFrom(store.commit([{ table: 'outbox', key: 'b', value: bytes('x') }]))).toBe('lost');
    expect(await diskOn(indexedDB).range('outbox', '')).toEqual([]);
  });

  it('give up blobs, oldest first, when the quota is reached while the transaction commits', async () => {
    const store = await open(new IDBFactory());
    for (let i = 0; i < 25; i++) await store.cacheCommit([{ table: 'blob', key: `b/${i}`, value: new Uint8Array(1024 * 1024) }]);
    let once = true;
    const real = IDBObjectStore.prototype.put;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      if (once) {
        once = false;
        throw new DOMException('', 'QuotaExceededError');
      }
      return real.apply(this, args);
    });
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('words') }]);
    expect(words(await store.get('outbox', 'a'))).toBe('words');
    const left = (await store.cacheRange('blob', '')).map((r) => Number(r.key.slice(2)));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(25);
    expect(Math.min(...left)).toBe(25 - left.length);
  });

  it('say full when the quota stays reached, and keep everything', async () => {
    const store = await open(new IDBFactory());
    await store.commit([{ table: 'outbox', key: 'a', value: bytes('words') }]);
    const broken = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('', 'QuotaExceededError');
    });
    expect(await faultFrom(store.commit([{ table: 'outbox', key: 'b', value: bytes('more') }]))).toBe('full');
    broken.mockRestore();
    expect(words(await store.get('outbox', 'a'))).toBe('words');
    expect(await store.get('outbox', 'b')).toBeNull();
  });

  it('tear no commit whose transaction aborts half way', async () => {
    const store = await open(new IDBFactory());
    await store.commit([{ table: 'inbox', key: 'cursor', value: bytes('1') }]);
    const real = IDBObjectStore.prototype.put;
    const torn = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      const asked = real.apply(this, args);
      if (this.name === 'sealed') this.transaction.abort();
      return asked;
    });
    const both = [
      { table: 'inbox' as const, key: 'cursor', value: bytes('2') },
      { table: 'sealed' as const, key: 'a', value: bytes('row') }
    ];
    expect(await faultFrom(store.commit(both))).toBe('lost');
    torn.mockRestore();
    expect(words(await store.get('inbox', 'cursor'))).toBe('1');
    expect(await store.get('sealed', 'a')).toBeNull();
  });
});

describe('the words for an error of the database', () => {
  it.each([
    [new DOMException('', 'QuotaExceededError'), 'full'],
    [Object.assign(new Error('Transaction aborted'), { name: 'AbortError', inner: new DOMException('', 'QuotaExceededError') }), 'full'],
    [new DOMException('Encountered full disk while opening backing store', 'UnknownError'), 'full'],
    [new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError'), 'lost'],
    [new DOMException('The database connection is closing.', 'InvalidStateError'), 'lost'],
    [Object.assign(new Error('x'), { name: 'AbortError', inner: new StoreError('fenced') }), 'fenced'],
    [new TypeError('our own bug'), null],
    [new DOMException('our own bug', 'DataError'), null],
    ['a string', null]
  ] as const)('%s is %s', (error, fault) => {
    expect(faultOf(error)).toBe(fault);
  });
});
