/**
 * What lies below the seal: rows of ciphertext, the writer's fence and the vault's header. Two of them exist, in the browser's
 * databases and in memory, with the same meaning.
 */
import type { Bytes } from '$crypto/brand';
import type { CacheChange, CacheTable, Change, RangeOptions, Row, Table } from './store';

export interface Taken {
  readonly fence: number;
  /** What the earlier writer left in the tables asked for, each as a whole. */
  readonly rows: readonly Row[][];
  /** Resolves once the cache is fenced too; whatever is asked of it waits for that. */
  readonly cache: Promise<void>;
}

/** Every promise may be rejected with a StoreError. */
export interface Disk {
  get(table: Table | CacheTable, key: string): Promise<Bytes | null>;
  range(table: Table | CacheTable, prefix: string, options?: RangeOptions): Promise<Row[]>;
  /** One strict transaction; `fenced` when another writer took the fence since, `lost` when the fence itself is gone. */
  commit(fence: number, changes: readonly Change[]): Promise<void>;
  /** One relaxed transaction, fenced too, as far as a cache can know. */
  cacheCommit(fence: number, changes: readonly CacheChange[]): Promise<void>;
  dropPrefix(fence: number, prefix: string): Promise<void>;
  /** Deletes blobs, oldest first, until `bytes` are freed or none is left; says how many bytes went. */
  evict(fence: number, bytes: number): Promise<number>;
  /** Becomes the writer: every earlier one is fenced off from now on. */
  takeFence(...tables: readonly Table[]): Promise<Taken>;

  /** The vault's header, readable before anything is unlocked; null where no vault was made. */
  header(): Promise<Bytes | null>;
  /** Puts the header in place of `old` in one strict transaction; false when it is no longer `old`. */
  swapHeader(old: Bytes | null, next: Bytes): Promise<boolean>;
  /**
   * Deletes every row and the header, leaves `mark` in their place (nothing when null), and fences every writer off, in one strict
   * transaction after the cache. Where `fence` is null only if there is no header: false, and nothing happened, when there is one.
   */
  wipe(fence: number | null, mark: Bytes | null): Promise<boolean>;
  /** What the last wipe left, readable without any key; null when nothing. */
  mark(): Promise<Bytes | null>;
  close(): void;
}

/** Keys that begin with `prefix`, as bounds; null when none can be. */
export interface Bounds {
  readonly lower: string;
  readonly lowerOpen: boolean;
  /** Always exclusive. */
  readonly upper: string;
}

/** Local refs and counters never reach the last code unit, so it closes a prefix. */
const END = '\uffff';

export function boundsOf(prefix: string, { after, before }: RangeOptions = {}): Bounds | null {
  const late = after !== undefined && after >= prefix;
  const lower = late ? after : prefix;
  const end = prefix + END;
  const upper = before !== undefined && before < end ? before : end;
  return lower < upper ? { lower, lowerOpen: late, upper } : null;
}

/** The last change of each place, so that one transaction never writes a row twice. */
export function lastOfEach<T extends Change<string>>(changes: readonly T[]): T[] {
  const last = new Map<string, T>();
  for (const c of changes) last.set(`${c.table} ${c.key}`, c);
  return [...last.values()];
}
