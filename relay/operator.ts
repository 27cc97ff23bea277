/** What an operator does to a store beside its running relays: one transaction, on whichever engine. */
import { DatabaseSync } from '@photostructure/sqlite';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config';
import { Line } from './postgres';
import { type Found, runNow, runSoon, type Steps } from './steps';

export type Store = Pick<Config, 'folder' | 'postgres'>;

/** What `steps` returns, once it is durable. Throws when there is no store, or it cannot be written. */
export async function operate<T>(c: Store, steps: () => Steps<T>): Promise<T> {
  if (c.postgres === null) return inSqlite(join(c.folder, 'relay.db'), steps);
  const line = new Line(c.postgres);
  try {
    return await line.transaction((rows) => runSoon(steps(), rows), async () => null);
  } finally {
    await line.close();
  }
}

function inSqlite<T>(path: string, steps: () => Steps<T>): T {
  if (!existsSync(path)) throw new Error(`there is no store at ${path}`);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    const value = runNow(steps(), (sql, values) => db.prepare(sql).all(...values) as Found[]);
    db.exec('COMMIT');
    return value;
  } finally {
    db.close();
  }
}
