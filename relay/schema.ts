/** Tables of the relay's store, and how a store of an older version comes to have them. A change of shape raises the version. */
import { concat } from '../crypto/bytes';
import { type StoredEnvelope, writeStored } from '../crypto/frames';
import type { Bytes } from '../crypto/brand';
import { LIMIT } from '../crypto/limits';
import { Writer } from '../crypto/wire';
import type { Sqlite } from './sqlite';

export const SCHEMA_VERSION = 5;

export const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- seq and state: the newest checkpoint of the roster state
CREATE TABLE IF NOT EXISTS groups (g INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, seq INTEGER NOT NULL, state BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entries (g INTEGER NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (g, seq)) STRICT;
CREATE TABLE IF NOT EXISTS lockboxes (g INTEGER NOT NULL, device INTEGER NOT NULL, seq INTEGER NOT NULL, lockbox BLOB NOT NULL, PRIMARY KEY (g, device, seq)) STRICT;
-- at: g·2³² + feed seq of the first; packed: items of a page frame; prevs: for each of them the hash of the envelope before it in its log
CREATE TABLE IF NOT EXISTS batches (at INTEGER PRIMARY KEY, count INTEGER NOT NULL, prevs BLOB NOT NULL, packed BLOB NOT NULL) STRICT;
-- commits whose envelopes do not all lie in batches yet, numbered as they came
CREATE TABLE IF NOT EXISTS fresh (i INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT;
-- log: g·2²⁰ + device. Its envelopes n to last lie in the batch at, or in the one that took that in; hash and roster are those of last
CREATE TABLE IF NOT EXISTS runs (log INTEGER NOT NULL, n INTEGER NOT NULL, last INTEGER NOT NULL, hash BLOB NOT NULL, roster INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (log, n)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cards (g INTEGER NOT NULL, invite BLOB NOT NULL, card BLOB NOT NULL, PRIMARY KEY (g, invite)) STRICT;
CREATE TABLE IF NOT EXISTS requests (g INTEGER NOT NULL, invite BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (g, invite, request)) STRICT;
CREATE TABLE IF NOT EXISTS answers (g INTEGER NOT NULL, invite BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (g, invite, request)) STRICT;
CREATE TABLE IF NOT EXISTS items (vault BLOB NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL, item BLOB NOT NULL, PRIMARY KEY (vault, n)) STRICT;
-- meetings of two devices; began: time of the first item
CREATE TABLE IF NOT EXISTS meets (meet BLOB NOT NULL, n INTEGER NOT NULL, began INTEGER NOT NULL, item BLOB NOT NULL, PRIMARY KEY (meet, n)) STRICT;
CREATE INDEX IF NOT EXISTS meets_began ON meets (began) WHERE n = 1;
-- a device's want for keys, and the newest answer of each member; at numbers them
CREATE TABLE IF NOT EXISTS wants (g INTEGER NOT NULL, device INTEGER NOT NULL, time INTEGER NOT NULL, want BLOB NOT NULL, PRIMARY KEY (g, device)) STRICT;
CREATE TABLE IF NOT EXISTS keys (g INTEGER NOT NULL, device INTEGER NOT NULL, member BLOB NOT NULL, at INTEGER NOT NULL, keys BLOB NOT NULL, PRIMARY KEY (g, device, member)) STRICT;
-- where a device is pushed to for a group (PROTOCOL §11.7); rung: when it last was; heard: when it was last known to be connected as there was news
CREATE TABLE IF NOT EXISTS bells (g INTEGER NOT NULL, device INTEGER NOT NULL, place TEXT NOT NULL, rung INTEGER NOT NULL, heard INTEGER NOT NULL, PRIMARY KEY (g, device)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bells_place ON bells (place);
-- lives of the store: one more after each restore
CREATE TABLE IF NOT EXISTS lives (incarnation INTEGER PRIMARY KEY) STRICT;
-- how far a group's feed reached when a life began
CREATE TABLE IF NOT EXISTS bases (g INTEGER NOT NULL, incarnation INTEGER NOT NULL, feed INTEGER NOT NULL, PRIMARY KEY (g, incarnation)) STRICT;
-- devices that have shown their heads since the restore; 0: the group waits no longer
CREATE TABLE IF NOT EXISTS shown (g INTEGER NOT NULL, device INTEGER NOT NULL, PRIMARY KEY (g, device)) STRICT;
-- groups whose end was asked for, at: receipt time of that; and what is left of those that were destroyed: an encoded receipt of it
CREATE TABLE IF NOT EXISTS doomed (g INTEGER PRIMARY KEY, id BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tombs (id BLOB PRIMARY KEY, g INTEGER NOT NULL, tomb BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- size: −1 while an envelope names it and the store lacks it; named: whether an envelope names it
CREATE TABLE IF NOT EXISTS blobs (g INTEGER NOT NULL, id BLOB NOT NULL, device INTEGER NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL, named INTEGER NOT NULL, PRIMARY KEY (g, id)) STRICT;
-- what a group may take; g = 0: every group without limits of its own
CREATE TABLE IF NOT EXISTS quotas (g INTEGER PRIMARY KEY, bytes INTEGER, entries INTEGER, blobs INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS blobs_unnamed ON blobs (time) WHERE named = 0;
CREATE INDEX IF NOT EXISTS blobs_lacking ON blobs (g) WHERE size < 0;
-- who may begin groups where a permit is asked for; remaining: groups that may still be begun with it
CREATE TABLE IF NOT EXISTS permits (n INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, remaining INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
`;

/** Makes the tables, or brings those of an older version up to date. Throws when the version is one that is not known. */
export function prepare(db: Sqlite, now: number): void {
  const isNew = db.one("SELECT 1 FROM sqlite_master WHERE name = 'meta'") === undefined;
  if (isNew) {
    db.exec(SCHEMA);
    db.run("INSERT INTO meta VALUES ('version', ?), ('incarnation', ?)", SCHEMA_VERSION, now);
  }
  for (;;) {
    const version = db.one("SELECT value FROM meta WHERE name = 'version'")?.['value'] as number;
    // tables that were added to a version as it stood
    if (version === SCHEMA_VERSION) return db.exec(SCHEMA);
    const step = STEPS[version];
    if (step === undefined) throw new Error('the store was made by another version');
    step(db);
    db.run("UPDATE meta SET value = ? WHERE name = 'version'", version + 1);
  }
}

/** From each older version to the next. */
const STEPS: Readonly<Record<number, (db: Sqlite) => void>> = { 1: rowsToBatches, 2: withMore, 3: withMore, 4: withMore };

/** Tables came, and no older relay may open the store again: it would not keep them true. */
function withMore(db: Sqlite): void {
  db.exec(SCHEMA);
}

/** Version 1 kept a row for each envelope, and heads and feeds in rows of their own. */
function rowsToBatches(db: Sqlite): void {
  db.exec(SCHEMA);
  const [span, devices] = [2 ** 32, 2 ** 20];
  const ends = new Map(db.all('SELECT * FROM logs').map((l) => [l['log'] as number, l]));
  let rows: { readonly at: number; readonly log: number; readonly prev: Bytes; readonly item: StoredEnvelope }[] = [];
  let bytes = 0;
  const write = (): void => {
    const [first] = rows;
    if (first === undefined) return;
    const w = new Writer();
    for (const r of rows) writeStored(r.item, w);
    db.run('INSERT INTO batches VALUES (?, ?, ?, ?)', first.at, rows.length, concat(...rows.map((r) => r.prev)), w.done());
    rows = [];
    bytes = 0;
  };
  let first = 0;
  for (const f of db.each('SELECT * FROM envelopes ORDER BY at')) {
    const at = f['at'] as number;
    const log = f['log'] as number;
    const envelope = f['envelope'] as Bytes;
    if (Math.floor(at / span) !== Math.floor(first / span) || rows.length >= LIMIT.page || bytes + envelope.length + 32 > LIMIT.pageBytes) write();
    if (rows.length === 0) first = at;
    bytes += envelope.length + 32;
    rows.push({ at, log, prev: f['prev'] as Bytes, item: { device: log % devices, n: f['n'] as number, seq: at % span, time: f['time'] as number, envelope } });
    // where the batch begins that holds it is all that a look for it needs; the last of them carries the head
    db.run('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)', log, f['n'] as number, f['n'] as number, ends.get(log)?.['hash'] as Bytes, ends.get(log)?.['roster'] as number, first);
  }
  write();
  db.exec('DROP INDEX envelopes_by_log; DROP TABLE envelopes; DROP TABLE logs; ALTER TABLE groups DROP COLUMN feed;');
}
