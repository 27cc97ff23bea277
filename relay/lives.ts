/**
 * Lives of a store (PROTOCOL §11.6): each restore begins one, with a number of its own that every receipt names. So a history that was
 * lost and another that came after it are told from a fork. One text for every engine.
 */
import { readReceipt } from '../crypto/receipt';
import { decode } from '../crypto/wire';
import { all, did, one, type Steps } from './steps';

/** Entries that are looked through at a time. */
const AT_ONCE = 64;

function* meta(name: 'incarnation' | 'healing'): Steps<number | null> {
  const found = yield* one('SELECT value FROM meta WHERE name = ?', name);
  return found === undefined ? null : Number(found['value']);
}

/** The store's present life. */
export function* lifeNow(): Steps<number> {
  return (yield* meta('incarnation')) ?? 0;
}

/** When that began by a restore, milliseconds since 1970; null when it did not. */
export const restoredAt = (): Steps<number | null> => meta('healing');

/** For a store that went on for a while before it was noticed: how much of a feed is that of earlier lives cannot be known. */
export const NO_FEEDS = 'SELECT g, 0 AS feed FROM groups';

/** Begins a new life inside the open transaction; its number. All groups wait for what was lost. `feeds`: the groups' numbers and how far their feeds go, in SQL. */
export function* beginLife(now: number, above: number, feeds: string): Steps<number> {
  const last = Number((yield* one('SELECT max(incarnation) AS last FROM lives'))?.['last'] ?? 0);
  const incarnation = Math.max(now, last + 1, above + 1);
  yield* did("UPDATE meta SET value = ? WHERE name = 'incarnation'", incarnation);
  yield* did("INSERT INTO meta VALUES ('healing', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", now);
  yield* did('INSERT INTO lives VALUES (?)', incarnation);
  yield* did(`INSERT INTO bases SELECT g, CAST(? AS BIGINT), feed FROM (${feeds}) AS feeds`, incarnation);
  yield* did('DELETE FROM shown');
  // devices that were put out since the backup must not be pushed to: whoever is still in says it again
  yield* did('DELETE FROM bells');
  return incarnation;
}

/** Seq of the newest entry of a group that an earlier life receipted. Receipts of a life follow those of the lives before it. */
export function* earlierSeq(g: number): Steps<number> {
  if ((yield* restoredAt()) === null) return 0;
  const now = yield* lifeNow();
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const found = yield* all('SELECT seq, receipt FROM entries WHERE g = ? AND seq < ? ORDER BY seq DESC LIMIT ?', g, before, AT_ONCE);
    for (const f of found) {
      before = f['seq'] as number;
      const receipt = decode(f['receipt'] as Uint8Array, readReceipt);
      if (receipt.ok && receipt.value.incarnation !== now) return before;
    }
    if (found.length < AT_ONCE) return 0;
  }
}

/** What a group waits for since the restore; null for nothing. `earlier`: its `earlierSeq`. */
export function* healingOf(g: number, earlier: number): Steps<{ since: number; shown: number[] } | null> {
  const since = earlier === 0 ? null : yield* restoredAt();
  if (since === null) return null;
  const shown = (yield* all('SELECT device FROM shown WHERE g = ?', g)).map((f) => f['device'] as number);
  return shown.includes(0) ? null : { since, shown };
}

/** Up to where the feed of now is the one of `life` too; null when it is the same life, 0 when that is not known. */
export function* sharedFeed(g: number, life: number): Steps<number | null> {
  if (life === (yield* lifeNow())) return null;
  if ((yield* one('SELECT 1 AS is_there FROM lives WHERE incarnation = ?', life)) === undefined) return 0;
  const since = Number((yield* one('SELECT count(*) AS lives FROM lives WHERE incarnation > ?', life))?.['lives']);
  const bases = yield* one('SELECT count(*) AS bases, min(feed) AS feed FROM bases WHERE g = ? AND incarnation > ?', g, life);
  return Number(bases?.['bases']) === since ? Number(bases?.['feed']) : 0;
}
