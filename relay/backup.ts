/** A relay's store in one file, and back (OPERATING.md): a consistent copy while it runs; a restore begins a new life (PROTOCOL §11.6). */
import { DatabaseSync } from '@photostructure/sqlite';
import { copyFileSync, existsSync, mkdirSync, openSync, closeSync, fsyncSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BlobId, Bytes, GroupId } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { err, ok, type Result } from '../crypto/result';
import { blobFiles } from './blob-files';
import { FEEDS, SqliteFeed } from './feed-sqlite';
import { beginLife } from './lives';
import { GOING } from './log-blobs';
import { bury, ENDS } from './log-ends';
import { tablesOf } from './log-sqlite';
import { besideOf } from './mark';
import { prepare, SCHEMA, SCHEMA_VERSION } from './schema';
import { holdAlone, Sqlite } from './sqlite';
import { type Found, runNow, type Value } from './steps';

export interface Carried { readonly groups: number; readonly blobs: number; readonly missing: number }
/** `before`: the name under which the store that was there stays, null when there was none. */
export interface Restored extends Carried { readonly before: string | null }

/** A store's files: the log beside it belongs to no other. */
const FILES = ['-wal', '-shm', ''];

const blobPath = (folder: string, g: number, id: Uint8Array): string => join(folder, 'blobs', hex(id as Bytes).slice(0, 2), `${g}.${hex(id as Bytes)}`);

/** Writes everything but the relay's key to `file`, which must not be there. The database first, then the attachments that it names. */
export function backUp(folder: string, file: string): Result<Carried> {
  const from = join(folder, 'relay.db');
  if (!existsSync(from)) return err(`There is no store in ${folder}.`);
  if (existsSync(file)) return err(`${file} is there already. Choose another name.`);
  const coming = `${file}.coming`;
  rmSync(coming, { force: true });
  const source = new DatabaseSync(from);
  try {
    source.exec('PRAGMA busy_timeout = 10000');
    source.prepare('VACUUM INTO ?').run(coming);
  } finally {
    source.close();
  }
  const copy = new Sqlite(coming);
  let blobs = 0;
  let missing = 0;
  let groups = 0;
  try {
    copy.exec('CREATE TABLE carried (g INTEGER NOT NULL, id BLOB NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (g, id)) STRICT');
    groups = copy.one('SELECT count(*) AS n FROM groups')?.['n'] as number;
    for (const row of copy.all(`SELECT g, id FROM blobs WHERE size <> ${GOING}`)) {
      const [g, id] = [row['g'] as number, row['id'] as Uint8Array];
      const path = blobPath(folder, g, id);
      if (existsSync(path)) {
        copy.run('INSERT INTO carried VALUES (?, ?, ?)', g, id, readFileSync(path));
        blobs++;
      } else missing++;
    }
    copy.exec('PRAGMA journal_mode = DELETE');
  } finally {
    copy.close();
  }
  rmSync(`${coming}.lock`, { force: true });
  sync(coming);
  renameSync(coming, file);
  sync(dirname(file));
  return ok({ groups, blobs, missing });
}

/**
 * Puts a backup in the place of the store in `folder`, as a new life of it. The store that was there stays beside it as
 * `relay.db.before-restore`, or `.before-restore.2` … where one from before lies, and attachments that the backup does not have stay where they are.
 */
export async function restore(folder: string, file: string, now: number): Promise<Result<Restored>> {
  if (!existsSync(file)) return err(`There is no file ${file}.`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'relay.db');
  const coming = `${path}.coming`;
  let lock: ReturnType<typeof holdAlone>;
  try {
    lock = holdAlone(`${path}.lock`);
  } catch {
    return err('A relay is using this folder. Stop it first.');
  }
  try {
    for (const end of ['', '-wal', '-shm', '.lock']) rmSync(`${coming}${end}`, { force: true });
    copyFileSync(file, coming);
    const above = existsSync(path) ? lifeOf(path) : 0;
    const fault = faultOf(coming);
    if (fault !== null) {
      rmSync(coming);
      return err(`${file} ${fault}`);
    }
    const db = new Sqlite(coming);
    let carried: Carried;
    try {
      db.transaction(() => {
        prepare(db, now);
        db.exec(SCHEMA);
        new SqliteFeed(db).settle();
        buryAgain(db, path);
      });
      carried = await carry(db, folder);
      db.exec('DROP TABLE carried');
      db.transaction(() => {
        db.run("INSERT OR IGNORE INTO lives SELECT value FROM meta WHERE name = 'incarnation'");
        db.take(beginLife(now, above, FEEDS));
        db.run("INSERT OR REPLACE INTO meta VALUES ('mark', ?)", besideOf(path));
      });
      // one file, whole by itself
      db.exec('VACUUM; PRAGMA journal_mode = DELETE');
    } finally {
      db.close();
    }
    rmSync(`${coming}.lock`, { force: true });
    const there = FILES.filter((end) => existsSync(path + end));
    const before = there.length === 0 ? null : freeBeside(path);
    if (before !== null) for (const end of there) renameSync(path + end, before + end);
    renameSync(coming, path);
    sync(folder);
    return ok({ ...carried, before: before === null ? null : basename(before) });
  } finally {
    lock.close();
  }
}

/** A name for the store of now that nothing has, nor anything beside it. */
function freeBeside(path: string): string {
  const name = (n: number): string => `${path}.before-restore${n > 1 ? `.${n}` : ''}`;
  let n = 1;
  while (FILES.some((end) => existsSync(name(n) + end))) n++;
  return name(n);
}

function faultOf(path: string): string | null {
  const look = (sql: string): unknown => {
    const db = new DatabaseSync(path);
    try {
      return Object.values((db.prepare(sql).get() as Record<string, unknown> | undefined) ?? {})[0];
    } finally {
      db.close();
    }
  };
  try {
    if (look('PRAGMA integrity_check') !== 'ok') return 'is damaged.';
    if (look("SELECT name FROM sqlite_master WHERE name = 'carried'") === undefined) return 'is no backup of a relay.';
    // it may come from anywhere: nothing in it runs, and names of files are made of numbers and hashes alone
    const isOdd = look("SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')") ?? look("SELECT 1 FROM blobs WHERE typeof(g) <> 'integer' OR typeof(id) <> 'blob' OR length(id) <> 32");
    if (isOdd !== undefined) return 'is no backup of a relay.';
    return (look("SELECT value FROM meta WHERE name = 'version'") as number) <= SCHEMA_VERSION ? null : 'was made by another version.';
  } catch {
    return 'is no backup of a relay.';
  }
}

/** Attachments out of the backup into the folder; those that are nowhere are noted as lacking, so that devices bring them. */
async function carry(db: Sqlite, folder: string): Promise<Carried> {
  const files = await blobFiles(join(folder, 'blobs'));
  let blobs = 0;
  let missing = 0;
  db.run(`DELETE FROM blobs WHERE named = 0 AND size = ${GOING}`);
  for (const row of db.all('SELECT g, id FROM blobs')) {
    const [g, id] = [row['g'] as number, row['id'] as BlobId];
    const bytes = db.one('SELECT bytes FROM carried WHERE g = ? AND id = ?', g, id)?.['bytes'] as Uint8Array | undefined;
    const there = existsSync(blobPath(folder, g, id)) || (bytes !== undefined && (await files.put(g, id, once(bytes))).ok);
    if (there) blobs++;
    else {
      missing++;
      db.run('UPDATE blobs SET size = -1 WHERE g = ? AND id = ? AND named = 1', g, id);
      db.run('DELETE FROM blobs WHERE g = ? AND id = ? AND named = 0', g, id);
    }
  }
  return { groups: db.one('SELECT count(*) AS n FROM groups')?.['n'] as number, blobs, missing };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** What the store before had destroyed does not come back with a backup from before that. */
function buryAgain(db: Sqlite, path: string): void {
  const rows = (sql: string, values: readonly Value[]): readonly Found[] => db.all(sql, ...values);
  for (const t of tombsOf(path)) {
    const there = db.one('SELECT g FROM groups WHERE id = ?', t.id)?.['g'] as number | undefined;
    const g = there ?? t.g;
    if (there !== undefined) new SqliteFeed(db).purge(g);
    const { blobs } = runNow(bury({ g, group: t.id as GroupId, tomb: t.tomb }, there === undefined ? [] : tablesOf(db)), rows);
    if (there !== undefined) runNow(ENDS.buried({ g, blobs }), rows);
  }
}

function tombsOf(path: string): readonly { readonly id: Bytes; readonly g: number; readonly tomb: Bytes }[] {
  if (!existsSync(path)) return [];
  try {
    const db = new DatabaseSync(path);
    try {
      return db.prepare('SELECT id, g, tomb FROM tombs').all() as never;
    } finally {
      db.close();
    }
  } catch {
    // a store that cannot be read, or one from before there were any
    return [];
  }
}

/** The life that a store is in, so that the next is above it though the backup does not know of it. */
function lifeOf(path: string): number {
  try {
    const db = new DatabaseSync(path);
    try {
      return (db.prepare("SELECT value FROM meta WHERE name = 'incarnation'").get() as { value: number } | undefined)?.value ?? 0;
    } finally {
      db.close();
    }
  } catch {
    // a store that cannot be read any more is why there is a backup
    return 0;
  }
}

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } catch {
    // not every system syncs a folder
  } finally {
    closeSync(handle);
  }
}
