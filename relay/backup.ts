/** A relay's store in one file, and back (OPERATING.md): a consistent copy while it runs; a restore begins a new life (PROTOCOL §11.6). */
import { DatabaseSync } from '@photostructure/sqlite';
import { closeSync, constants, copyFileSync, createReadStream, createWriteStream, existsSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BlobId, Bytes, GroupId } from '../crypto/brand';
import { equal, hex } from '../crypto/bytes';
import { blobId } from '../crypto/kept';
import { err, ok, type Result } from '../crypto/result';
import { blobFiles } from './blob-files';
import { NoBucket } from './blob-s3';
import { type Blobs, checked, type Chunks } from './blobs';
import { FEEDS, SqliteFeed } from './feed-sqlite';
import { beginLife } from './lives';
import { GOING } from './log-blobs';
import { bury, ENDS } from './log-ends';
import { tablesOf } from './log-sqlite';
import { besideOf } from './mark';
import { ownedAs } from './owner';
import { prepare, SCHEMA, SCHEMA_VERSION } from './schema';
import { holdAlone, IN_USE, Sqlite } from './sqlite';
import { type Found, runNow, type Value } from './steps';

/** `missing`: attachments that lay nowhere, or not as they were put there. */
export interface Carried { readonly groups: number; readonly blobs: number; readonly missing: number }
/** `before`: the name under which the store that was there stays, null when there was none. */
export interface Restored extends Carried { readonly before: string | null }

/** A store's files: the log beside it belongs to no other. */
const FILES = ['', '-wal'];
/** A mode: for its owner's eyes alone. */
const OWNERS = 0o600;
/** SQLite's word for a store that somebody else has to themselves. */
const LOCKED = 'locked';

const blobPath = (folder: string, g: number, id: Uint8Array): string => join(folder, 'blobs', hex(id as Bytes).slice(0, 2), `${g}.${hex(id as Bytes)}`);

/** Writes everything but the relay's key to `file`, which must not be there. The database first, then the attachments that it names, unless they lie in a bucket. */
export function backUp(folder: string, file: string, hasBucket = false): Result<Carried> {
  const from = join(folder, 'relay.db');
  if (!existsSync(from)) return err(`There is no store in ${folder}.`);
  if (existsSync(file)) return err(`${file} is there already. Choose another name.`);
  const coming = `${file}.coming`;
  rmSync(coming, { force: true });
  closeSync(openSync(coming, 'wx', OWNERS));
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
    for (const row of hasBucket ? [] : copy.all(`SELECT g, id FROM blobs WHERE size <> ${GOING}`)) {
      const [g, id] = [row['g'] as number, row['id'] as BlobId];
      const bytes = fileAt(blobPath(folder, g, id));
      if (bytes !== null && equal(blobId(bytes), id)) {
        copy.run('INSERT INTO carried VALUES (?, ?, ?)', g, id, bytes);
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
 * `bucket` opens where attachments lie when that is not in the folder. On a fault the store that was there is untouched.
 */
export async function restore(folder: string, file: string, now: number, bucket: (() => Promise<Blobs>) | null = null): Promise<Result<Restored>> {
  if (!existsSync(file)) return err(`There is no file ${file}.`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'relay.db');
  const coming = `${path}.coming`;
  let lock: ReturnType<typeof holdAlone>;
  try {
    lock = holdAlone(`${path}.lock`);
  } catch {
    return err(IN_USE);
  }
  const own = ownedAs(folder);
  const clear = (): void => ['', '-wal', '-shm', '.lock'].forEach((end) => rmSync(`${coming}${end}`, { force: true }));
  try {
    own(`${path}.lock`);
    clear();
    // a copy of the system's own would have the backup's mode
    await pipeline(createReadStream(file), createWriteStream(coming, { flags: 'wx', mode: OWNERS }));
    const above = existsSync(path) ? lifeOf(path) : 0;
    const fault = faultOf(coming);
    if (fault !== null) return err(`${file} ${fault}`);
    const db = new Sqlite(coming);
    let carried: Result<Carried>;
    try {
      db.transaction(() => {
        prepare(db, now);
        db.exec(SCHEMA);
        new SqliteFeed(db).settle();
        buryAgain(db, path);
      });
      carried = await carry(db, folder, own, bucket);
      if (!carried.ok) return carried;
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
    own(coming);
    if (!emptied(path)) return err('The store that is there cannot be put aside: somebody reads it, or the disk is full. Nothing was restored, and the store is as it was.');
    const before = nameBeside(path);
    if (before !== null) own(before, `${before}-wal`);
    renameSync(coming, path);
    sync(folder);
    return ok({ ...carried.value, before: before === null ? null : basename(before) });
  } finally {
    clear();
    lock.close();
  }
}

/**
 * Whether nothing of a store lies in the log beside it any more: another store under its name would take what does for its own. Of one that
 * cannot be read, whatever there is.
 */
function emptied(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    const db = new DatabaseSync(path);
    try {
      db.exec('PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_master');
      try {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // what lies there still tells
      }
      return (lstatSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
    } finally {
      db.close();
    }
  } catch (e) {
    return !(e instanceof Error && e.message.includes(LOCKED));
  }
}

/** Gives the store of now another name beside its own, which it keeps until another store takes that; null when there is none. */
function nameBeside(path: string): string | null {
  const there = FILES.filter((end) => (lstatSync(path + end, { throwIfNoEntry: false })?.size ?? 0) > 0);
  if (there.length === 0) return null;
  const name = (n: number): string => `${path}.before-restore${n > 1 ? `.${n}` : ''}`;
  let n = 1;
  // a name that it has already is from a restore that was cut short
  while (FILES.some((end) => existsSync(name(n) + end)) && !isSame(path, name(n))) n++;
  const before = name(n);
  for (const end of there) if (!isSame(path + end, before + end)) link(path + end, before + end);
  sync(dirname(path));
  for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  sync(dirname(path));
  return before;
}

/** Whether both are names of one file. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** A second name for a file; a copy where the disk knows no such thing. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    sync(to);
  }
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

/**
 * Attachments out of the backup to where the relay looks for them, unless they lie there whole; those that are nowhere are noted as lacking, so that
 * devices bring them. The fault is that one could not be looked for or put there.
 */
async function carry(db: Sqlite, folder: string, own: (...paths: string[]) => void, bucket: (() => Promise<Blobs>) | null): Promise<Result<Carried>> {
  const under = join(folder, 'blobs');
  const kept = await (bucket?.() ?? blobFiles(under));
  own(under, join(under, 'coming'), join(folder, 'coming'));
  const fault = (done: string, why: string): Result<Carried> => err(`An attachment could not be ${done} ${bucket === null ? under : 'the bucket'}: ${why}. Nothing was restored, and the store is as it was.`);
  let blobs = 0;
  let missing = 0;
  db.run(`DELETE FROM blobs WHERE named = 0 AND size = ${GOING}`);
  for (const row of db.all('SELECT g, id, size FROM blobs')) {
    const [g, id, known] = [row['g'] as number, row['id'] as BlobId, row['size'] as number];
    let size: number | null;
    try {
      size = await sizeOf(await kept.get(g, id), id, bucket === null ? null : known);
    } catch (e) {
      return fault('looked for in', e instanceof NoBucket ? e.message : 'it cannot be read');
    }
    const bytes = size === null ? db.one('SELECT bytes FROM carried WHERE g = ? AND id = ?', g, id)?.['bytes'] : undefined;
    if (bytes !== undefined) {
      const put = await kept.put(g, id, once(bytes as Uint8Array));
      if (!put.ok && put.fault === 'full') return fault('put into', 'the disk is full');
      if (!put.ok && put.fault === 'unavailable') return fault('put into', 'it cannot be written');
      own(dirname(blobPath(folder, g, id)), blobPath(folder, g, id));
      if (put.ok) size = put.value;
    }
    if (size === null) {
      missing++;
      db.run('UPDATE blobs SET size = -1 WHERE g = ? AND id = ? AND named = 1', g, id);
      db.run('DELETE FROM blobs WHERE g = ? AND id = ? AND named = 0', g, id);
    } else {
      blobs++;
      if (size !== known) db.run('UPDATE blobs SET size = ? WHERE g = ? AND id = ?', size, g, id);
    }
  }
  return ok({ groups: db.one('SELECT count(*) AS n FROM groups')?.['n'] as number, blobs, missing });
}

/** The size of what is whole, null for anything else. A bucket has things whole or not at all, so one whose size is known is not read through. */
async function sizeOf(chunks: Chunks | null, id: BlobId, known: number | null): Promise<number | null> {
  if (chunks === null) return null;
  if (known !== null && known >= 0) {
    for await (const _ of chunks) break;
    return known;
  }
  const size = await checked(id, chunks, async () => undefined);
  return size.ok ? size.value : null;
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

/** Null when there is none, or none any more. */
function fileAt(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw e;
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
