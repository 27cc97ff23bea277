/** What an operator does to a store beside its running relays: one transaction, on whichever engine. */
import { DatabaseSync } from '@photostructure/sqlite';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config';
import { Line } from './postgres';
import { SCHEMA_VERSION } from './schema';
import { VERSION } from './schema-postgres';
import { type Found, runNow, runSoon, type Steps } from './steps';

const OTHER_VERSION = 'the store is of another version. Start the relay of this version once, then say it again';

export type Store = Pick<Config, 'folder' | 'postgres'>;

/** What `steps` returns, once it is durable. Throws when there is no store, or it cannot be written. */
export async function operate<T>(c: Store, steps: () => Steps<T>): Promise<T> {
  if (c.postgres === null) return inSqlite(join(c.folder, 'relay.db'), steps);
  const line = new Line(c.postgres);
  try {
    return await line.transaction(async (rows) => {
      const [version] = await rows("SELECT value FROM meta WHERE name = 'version'", []);
      if (version?.['value'] !== String(VERSION)) throw new Error(OTHER_VERSION);
      return runSoon(steps(), rows);
    }, async () => null);
  } finally {
    await line.close();
  }
}

function inSqlite<T>(path: string, steps: () => Steps<T>): T {
  if (!existsSync(path)) throw new Error(`there is no store at ${path}`);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    const version = (db.prepare("SELECT value FROM meta WHERE name = 'version'").get() as { readonly value: number }).value;
    if (version !== SCHEMA_VERSION) throw new Error(OTHER_VERSION);
    const value = runNow(steps(), (sql, values) => db.prepare(sql).all(...values) as Found[]);
    db.exec('COMMIT');
    return value;
  } catch (e) {
    // what was prepared keeps the connection, and with it the lock, until it is collected
    if (db.isTransaction) db.exec('ROLLBACK');
    throw e;
  } finally {
    db.close();
  }
}
