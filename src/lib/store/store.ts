/** Where the core keeps bytes on this device (PROTOCOL §16): plaintext above this line, ciphertext below it. */
import type { Bytes } from '$crypto/brand';

/** Tables of the strict database: what must survive a power cut. */
export const TABLES = ['meta', 'group', 'roster', 'outbox', 'sealed', 'inbox', 'draft', 'join', 'upload'] as const;
export type Table = (typeof TABLES)[number];

/** Tables of the relaxed database: derived, or to be had again. */
export const CACHE_TABLES = ['page', 'lane', 'index', 'blob'] as const;
export type CacheTable = (typeof CACHE_TABLES)[number];

/** `key` is opaque and made of local refs and counters only, like `${groupRef}/00000012`; keys order as strings. */
export interface Row {
  readonly key: string;
  readonly value: Bytes;
}
/** `null` deletes. */
export interface Change<T extends string = Table> {
  readonly table: T;
  readonly key: string;
  readonly value: Bytes | null;
}
export type CacheChange = Change<CacheTable>;

/** `after` and `before` are whole keys and exclusive; `most` counts rows. */
export interface RangeOptions {
  readonly after?: string;
  readonly before?: string;
  readonly most?: number;
}

/** `full`: no room left. `lost`: the database can't be reached. `fenced`: another tab took over. `damaged`: a row does not open. */
export type StoreFault = 'full' | 'lost' | 'fenced' | 'damaged';

export class StoreError extends Error {
  constructor(readonly fault: StoreFault) {
    super(fault);
    this.name = 'StoreError';
  }
}

/** Every promise may be rejected with a StoreError. */
export interface Store {
  get(table: Table, key: string): Promise<Bytes | null>;
  /** Rows whose key begins with `prefix`, ascending by key. */
  range(table: Table, prefix: string, options?: RangeOptions): Promise<Row[]>;
  /** All changes, or none, in one strict transaction that also checks this writer's fence. Keep it small: a phone may sleep in the middle. */
  commit(changes: readonly Change[]): Promise<void>;

  /** A row that does not open is absent, and deleted. */
  cacheGet(table: CacheTable, key: string): Promise<Bytes | null>;
  cacheRange(table: CacheTable, prefix: string, options?: RangeOptions): Promise<Row[]>;
  /** In batches: a crash may keep some and lose others. */
  cacheCommit(changes: readonly CacheChange[]): Promise<void>;

  /** Deletes every row of every table whose key begins with `prefix`: forgets a group. */
  dropPrefix(prefix: string): Promise<void>;
  /** Deletes everything on this device, the vault's header included, and leaves `mark`, which needs no key to be read. Nothing can be written afterwards. */
  wipe(mark: Bytes): Promise<void>;
  close(): void;
}
