/** SQLite as the store uses it: durable when it commits, statements prepared once, one process at a time. */
import { DatabaseSync, type StatementSyncInstance } from '@photostructure/sqlite';
import { type Found, runNow, type Steps, type Value } from './steps';

export class Sqlite {
  private readonly db: InstanceType<typeof DatabaseSync>;
  private readonly lock: InstanceType<typeof DatabaseSync> | null;
  private readonly statements = new Map<string, StatementSyncInstance>();

  /** Opens or makes the file. Throws when it cannot be written, is in use, or would not be durable. */
  constructor(path: string) {
    this.lock = path === ':memory:' ? null : holdAlone(`${path}.lock`);
    this.db = new DatabaseSync(path);
    // a checkpoint keeps a commit waiting: small ones take no longer than a slow sync (performance R2)
    this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000; PRAGMA wal_autocheckpoint = 500; PRAGMA cache_size = -16384;');
    if (path !== ':memory:' && this.one('PRAGMA journal_mode')?.['journal_mode'] !== 'wal') throw new Error('the store has no write-ahead log');
    if (this.one('PRAGMA synchronous')?.['synchronous'] !== 2) throw new Error('the store is not synchronous');
  }

  /** What `f` returns, once it is durable. Throws, with nothing of it kept, when `f` or the commit does. */
  transaction<T>(f: () => T): T {
    try {
      this.run('BEGIN IMMEDIATE');
      const value = f();
      this.run('COMMIT');
      return value;
    } catch (e) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw e;
    }
  }
  exec(sql: string): void {
    this.db.exec(sql);
  }
  one(sql: string, ...values: Value[]): Found | undefined {
    return this.prepared(sql).get(...values) as Found | undefined;
  }
  all(sql: string, ...values: Value[]): Found[] {
    return this.prepared(sql).all(...values) as Found[];
  }
  /** One after the other, as far as asked. */
  each(sql: string, ...values: Value[]): Iterable<Found> {
    return this.db.prepare(sql).iterate(...values) as Iterable<Found>;
  }
  /** What a call comes to that is written for every engine. */
  take<T>(steps: Steps<T>): T {
    return runNow(steps, (sql, values) => this.all(sql, ...values));
  }
  run(sql: string, ...values: Value[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint } {
    return this.prepared(sql).run(...values);
  }
  /** What was committed goes from the log beside it into the file, and nothing stays in the log; false where a disk has no room for that, or somebody is reading. */
  empty(): boolean {
    try {
      return (this.db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as Found | undefined)?.['busy'] === 0;
    } catch {
      return false;
    }
  }
  close(): void {
    this.statements.clear();
    // prepared statements keep the connection until they are collected: what is in the log goes to the file now
    if (this.lock !== null) this.empty();
    this.db.close();
    this.lock?.close();
  }

  private prepared(sql: string): StatementSyncInstance {
    let s = this.statements.get(sql);
    if (s === undefined) this.statements.set(sql, (s = this.db.prepare(sql)));
    return s;
  }
}

/** Said to who asks for what is done while the relay is stopped. */
export const IN_USE = 'A relay is using this folder. Stop it first.';

/** A lock that ends with the process: heads and feeds are kept in memory, so nobody else may write. */
export function holdAlone(path: string): InstanceType<typeof DatabaseSync> {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA busy_timeout = 2000; BEGIN EXCLUSIVE');
  } catch {
    throw new Error('another relay is using it');
  }
  return lock;
}
