/** How much a store holds: counts for its operator, nothing that names anybody. */
import { DatabaseSync } from '@photostructure/sqlite';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config';
import { FRESH_ROWS, LAST_WRITTEN, SPAN, unwritten } from './fresh';
import { connectTo } from './postgres';
import type { Found } from './steps';

export interface Stats {
  readonly groups: number;
  readonly entries: number;
  readonly envelopes: number;
  readonly blobs: number;
  readonly blobBytes: number;
  readonly vaults: number;
  /** Bytes of the database. */
  readonly bytes: number;
}

const COMMON = {
  groups: 'SELECT count(*) AS n FROM groups',
  entries: 'SELECT count(*) AS n FROM entries',
  blobs: 'SELECT count(*) AS n FROM blobs WHERE size >= 0',
  blobBytes: 'SELECT coalesce(sum(size), 0) AS n FROM blobs WHERE size >= 0',
  vaults: 'SELECT count(*) AS n FROM items WHERE n = 1'
} as const;
const SQLITE = { ...COMMON, envelopes: 'SELECT coalesce(sum(last - n + 1), 0) AS n FROM runs' } as const;
const POSTGRES = { ...COMMON, envelopes: 'SELECT coalesce(sum(n), 0)::bigint AS n FROM logs', blobBytes: 'SELECT coalesce(sum(size), 0)::bigint AS n FROM blobs WHERE size >= 0', bytes: 'SELECT pg_database_size(current_database()) AS n' } as const;

/** Reads beside a running relay. Throws when the store cannot be read. */
export async function statsOf(c: Pick<Config, 'folder' | 'postgres'>): Promise<Stats> {
  return c.postgres === null ? inSqlite(join(c.folder, 'relay.db')) : inPostgres(c.postgres);
}

function inSqlite(path: string): Stats {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const count = (sql: string): number => Number((db.prepare(sql).get() as { readonly n: number }).n);
    const counts = Object.fromEntries(Object.entries(SQLITE).map(([name, sql]) => [name, count(sql)])) as Omit<Record<keyof Stats, number>, 'bytes'>;
    const last = db.prepare(LAST_WRITTEN);
    const waiting = [...unwritten(db.prepare(FRESH_ROWS).iterate() as Iterable<Found>, (g) => (last.get(g * SPAN, (g + 1) * SPAN) as { readonly seq: number } | undefined)?.seq ?? 0)].length;
    return { ...counts, envelopes: counts.envelopes + waiting, bytes: statSync(path).size };
  } finally {
    db.close();
  }
}

async function inPostgres(url: string): Promise<Stats> {
  const sql = connectTo(url);
  try {
    const counts: [string, number][] = [];
    for (const [name, text] of Object.entries(POSTGRES)) counts.push([name, Number((await sql.unsafe(text))[0]?.['n'])]);
    return Object.fromEntries(counts) as unknown as Stats;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
