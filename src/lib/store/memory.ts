/**
 * A disk in memory with the semantics of the browser's, for tests and the simulation: strict commits are there once they
 * resolve, relaxed ones only once flushed, and a power cut may come at any moment.
 */
import type { Bytes } from '$crypto/brand';
import { boundsOf, type Disk } from './disk';
import { CACHE_TABLES, StoreError, TABLES, type CacheChange, type Change, type RangeOptions, type Row, type StoreFault } from './store';

/** What becomes of one write: it happens, it fails with a fault and changes nothing, or it happens and nobody hears of it. */
export type Fate = 'done' | StoreFault | 'done-unheard';
export type Write = 'commit' | 'cache-commit' | 'drop-prefix' | 'take-fence' | 'swap-header' | 'wipe';

export interface MemoryOptions {
  /** Asked before every write. */
  readonly fate?: (write: Write) => Fate;
  /** Bytes of rows that fit. */
  readonly room?: number;
}

/** One device. Processes come and go on it; its rows stay. */
export interface MemoryDevice {
  /** The databases, as a fresh process finds them. */
  open(): Disk;
  /** Relaxed writes so far reach the medium. */
  flush(): void;
  /** A power cut: every open disk is `lost`, and of the relaxed writes since the last flush only the first `kept` stay (none unless said). Says how many went. */
  cut(kept?: number): number;
  /** The relaxed database is gone, as browsers lose one of two: every open disk is `lost`. */
  loseCache(): void;
  /** Another device with the same medium, and the same writes not flushed; `fate` is asked before its own writes, this one's when none is given. */
  copy(fate?: MemoryOptions['fate']): MemoryDevice;
  /** Every byte on the medium, with its key, as somebody sees who takes the device. */
  dump(): { readonly table: string; readonly key: string; readonly value: Bytes }[];
}

type Rows = Map<string, Bytes>;
type Relaxed = readonly (CacheChange | Drop)[];
interface Medium {
  readonly tables: Map<string, Rows>;
  fence: number | null;
  header: Bytes | null;
  mark: Bytes | null;
}

const STRICT: readonly string[] = TABLES;

export function memoryDevice(options: MemoryOptions = {}): MemoryDevice {
  const now: Medium = { tables: new Map([...TABLES, ...CACHE_TABLES].map((t) => [t, new Map<string, Bytes>()])), fence: null, header: null, mark: null };
  return deviceOn(now, copyCache(now), [], options);
}

/** `flushed`: the relaxed tables as last flushed; `unflushed`: what was written since. */
function deviceOn(now: Medium, flushed: Map<string, Rows>, unflushed: Relaxed[], options: MemoryOptions): MemoryDevice {
  const { fate = () => 'done', room = Infinity } = options;
  let power = 0;

  const rowsOf = (table: string): Rows => now.tables.get(table) as Rows;

  function rowsIn(table: string, prefix: string, options: RangeOptions = {}): Row[] {
    const b = boundsOf(prefix, options);
    if (b === null) return [];
    const keys = [...rowsOf(table).keys()].filter((k) => (b.lowerOpen ? k > b.lower : k >= b.lower) && k < b.upper).sort(inOrder);
    return keys.slice(0, options.most).map((key) => ({ key, value: (rowsOf(table).get(key) as Bytes).slice() }));
  }

  function judge(write: Write): () => void {
    const f = fate(write);
    if (f !== 'done' && f !== 'done-unheard') throw new StoreError(f);
    return () => {
      if (f === 'done-unheard') throw new StoreError('lost');
    };
  }

  function checkFence(fence: number): void {
    if (now.fence === null) throw new StoreError('lost');
    if (now.fence !== fence) throw new StoreError('fenced');
  }

  function checkRoom(changes: readonly (Change | CacheChange)[]): void {
    if (room === Infinity) return;
    let used = 0;
    for (const rows of now.tables.values()) for (const v of rows.values()) used += v.length;
    for (const c of changes) used += (c.value?.length ?? 0) - (rowsOf(c.table).get(c.key)?.length ?? 0);
    if (used > room) throw new StoreError('full');
  }

  function open(): Disk {
    const mine = power;
    let closed = false;
    /** Everything happens in one turn, so a transaction is atomic by itself. */
    const run = async <T>(work: () => T): Promise<T> => {
      await Promise.resolve();
      if (closed || mine !== power) throw new StoreError('lost');
      return work();
    };
    return {
      get: (table, key) => run(() => rowsOf(table).get(key)?.slice() ?? null),
      range: (table, prefix, options) => run(() => rowsIn(table, prefix, options)),
      commit: (fence, changes) =>
        run(() => {
          const heard = judge('commit');
          checkFence(fence);
          checkRoom(changes);
          apply(now, changes);
          heard();
        }),
      cacheCommit: (fence, changes) =>
        run(() => {
          const heard = judge('cache-commit');
          checkFence(fence);
          checkRoom(changes);
          apply(now, changes);
          unflushed.push(changes);
          heard();
        }),
      dropPrefix: (fence, prefix) =>
        run(() => {
          const heard = judge('drop-prefix');
          checkFence(fence);
          apply(now, [{ drop: prefix, strict: true }]);
          apply(now, [{ drop: prefix, strict: false }]);
          unflushed.push([{ drop: prefix, strict: false }]);
          heard();
        }),
      evict: (fence, bytes) =>
        run(() => {
          checkFence(fence);
          let freed = 0;
          const gone: CacheChange[] = [];
          for (const [key, value] of rowsOf('blob')) {
            if (freed >= bytes) break;
            freed += value.length;
            gone.push({ table: 'blob', key, value: null });
          }
          apply(now, gone);
          unflushed.push(gone);
          return freed;
        }),
      takeFence: (...tables) =>
        run(() => {
          const heard = judge('take-fence');
          now.fence = (now.fence ?? 0) + 1;
          heard();
          return { fence: now.fence, rows: tables.map((t) => rowsIn(t, '')), cache: Promise.resolve() };
        }),
      wipe: (fence, mark) =>
        run(() => {
          const heard = judge('wipe');
          if (fence !== null) checkFence(fence);
          else if (now.header !== null) return false;
          apply(now, [{ drop: '', strict: false }]);
          unflushed.push([{ drop: '', strict: false }]);
          apply(now, [{ drop: '', strict: true }]);
          now.header = null;
          now.mark = mark?.slice() ?? null;
          now.fence = (now.fence ?? 0) + 1;
          heard();
          return true;
        }),
      mark: () => run(() => now.mark?.slice() ?? null),
      header: () => run(() => now.header?.slice() ?? null),
      swapHeader: (old, next) =>
        run(() => {
          const heard = judge('swap-header');
          if (!same(now.header, old)) return false;
          now.header = next.slice();
          heard();
          return true;
        }),
      close() {
        closed = true;
      }
    };
  }

  return {
    open,
    flush() {
      flushed = copyCache(now);
      unflushed = [];
    },
    cut(kept = 0) {
      power++;
      for (const [table, rows] of flushed) now.tables.set(table, new Map(rows));
      const lost = Math.max(0, unflushed.length - kept);
      for (const changes of unflushed.slice(0, kept)) apply(now, changes);
      flushed = copyCache(now);
      unflushed = [];
      return lost;
    },
    loseCache() {
      power++;
      for (const table of CACHE_TABLES) now.tables.set(table, new Map());
      flushed = copyCache(now);
      unflushed = [];
    },
    copy: (other = fate) =>
      deviceOn({ ...now, tables: new Map([...now.tables].map(([t, rows]) => [t, new Map(rows)])) }, new Map([...flushed].map(([t, rows]) => [t, new Map(rows)])), [...unflushed], { ...options, fate: other }),
    dump() {
      const out: { table: string; key: string; value: Bytes }[] = [];
      for (const [table, rows] of now.tables) for (const [key, value] of rows) out.push({ table, key, value });
      if (now.header !== null) out.push({ table: 'vault', key: 'header', value: now.header });
      if (now.mark !== null) out.push({ table: 'vault', key: 'mark', value: now.mark });
      return out;
    }
  };
}

interface Drop {
  readonly drop: string;
  readonly strict: boolean;
}

function apply(medium: Medium, changes: readonly (Change | CacheChange | Drop)[]): void {
  for (const c of changes) {
    if ('drop' in c) {
      for (const [table, rows] of medium.tables) {
        if (STRICT.includes(table) !== c.strict) continue;
        for (const key of [...rows.keys()]) if (key.startsWith(c.drop)) rows.delete(key);
      }
      continue;
    }
    const rows = medium.tables.get(c.table) as Rows;
    // a map keeps the order of writing, which is the order blobs are evicted in
    rows.delete(c.key);
    if (c.value !== null) rows.set(c.key, c.value.slice());
  }
}

const copyCache = (medium: Medium): Map<string, Rows> => new Map(CACHE_TABLES.map((t) => [t, new Map(medium.tables.get(t))]));

/** By UTF-16 code units, as IndexedDB orders keys. */
const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const same = (a: Bytes | null, b: Bytes | null): boolean =>
  a === null || b === null ? a === b : a.length === b.length && a.every((v, i) => v === b[i]);
