/**
 * Lives of a store (PROTOCOL §11.6): each restore begins one, with a number of its own that every receipt names. So a history that was
 * lost and another that came after it are told from a fork.
 */
import { readReceipt } from '../crypto/receipt';
import { decode } from '../crypto/wire';
import { SPAN } from './fresh';
import type { Sqlite } from './sqlite';

/** Begins a new life inside the open transaction, with every envelope in its batch; its number. All groups wait for what was lost. */
export function beginLife(db: Sqlite, now: number, above = 0): number {
  const last = (db.one('SELECT max(incarnation) AS last FROM lives')?.['last'] as number | null | undefined) ?? 0;
  const incarnation = Math.max(now, last + 1, above + 1);
  db.run("UPDATE meta SET value = ? WHERE name = 'incarnation'", incarnation);
  db.run("INSERT OR REPLACE INTO meta VALUES ('healing', ?)", now);
  db.run('INSERT INTO lives VALUES (?)', incarnation);
  db.run(`INSERT INTO bases SELECT g, ?, coalesce((SELECT at + count - 1 - g * ${SPAN} FROM batches WHERE at > g * ${SPAN} AND at < (g + 1) * ${SPAN} ORDER BY at DESC LIMIT 1), 0) FROM groups`, incarnation);
  db.run('DELETE FROM shown');
  // devices that were put out since the backup must not be pushed to: whoever is still in says it again
  db.run('DELETE FROM bells');
  return incarnation;
}

/** Seq of the newest entry of a group that an earlier life receipted. Receipts of a life follow those of the lives before it. */
export function earlierSeq(db: Sqlite, g: number, incarnation: number): number {
  if (db.one("SELECT 1 FROM meta WHERE name = 'healing'") === undefined) return 0;
  for (const f of db.each('SELECT seq, receipt FROM entries WHERE g = ? ORDER BY seq DESC', g)) {
    const receipt = decode(f['receipt'] as Uint8Array, readReceipt);
    if (receipt.ok && receipt.value.incarnation !== incarnation) return f['seq'] as number;
  }
  return 0;
}

/** What a group waits for since the restore; null for nothing. */
export function healingOf(db: Sqlite, g: number): { since: number; shown: number[] } | null {
  const since = db.one("SELECT value FROM meta WHERE name = 'healing'")?.['value'] as number | undefined;
  const shown = db.all('SELECT device FROM shown WHERE g = ?', g).map((f) => f['device'] as number);
  return since === undefined || shown.includes(0) ? null : { since, shown };
}

/** Up to where the feed of now is the one of `life` too; null when it is the same life, 0 when that is not known. */
export function sharedFeed(db: Sqlite, g: number, life: number, incarnation: number): number | null {
  if (life === incarnation) return null;
  if (db.one('SELECT 1 FROM lives WHERE incarnation = ?', life) === undefined) return 0;
  const since = db.one('SELECT count(*) AS lives FROM lives WHERE incarnation > ?', life)?.['lives'] as number;
  const bases = db.one('SELECT count(*) AS bases, min(feed) AS feed FROM bases WHERE g = ? AND incarnation > ?', g, life);
  return bases?.['bases'] === since ? (bases['feed'] as number) : 0;
}
