/** The part of the log that holds cards, requests, answers, and which blobs there are. */
import type { BlobId, Bytes, InvitePk } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { Calls, Mailed } from './log';
import type { Found, Sqlite } from './sqlite';

/** Items in one frame: LIMIT.item each at most. */
const ITEMS_AT_ONCE = 20;

type Name = 'putCard' | 'card' | 'putRequest' | 'dropRequest' | 'requests' | 'putAnswer' | 'answer' | 'spend' | 'blob' | 'putBlob' | 'dropBlob' | 'items' | 'putItem' | 'sweep';

export function mailCalls(db: Sqlite): { readonly [K in Name]: (input: Calls[K][0]) => Calls[K][1] } {
  return {
    putCard: ({ g, invite, card }) => db.did('INSERT OR REPLACE INTO cards VALUES (?, ?, ?)', g, invite, card),
    card: ({ g, invite }) => (db.one('SELECT card FROM cards WHERE g = ? AND invite = ?', g, invite)?.['card'] as Bytes | undefined) ?? null,
    putRequest: ({ g, invite, request, body, time, most }) => {
      const lying = db.all('SELECT request FROM requests WHERE g = ? AND invite = ?', g, invite);
      if (lying.some((l) => equal(l['request'] as Bytes, request))) return 'again';
      if (lying.length >= most) return 'too-many';
      db.run('INSERT INTO requests VALUES (?, ?, ?, ?, ?)', g, invite, request, time, body);
      return 'new';
    },
    dropRequest: ({ g, invite, request }) => db.did('DELETE FROM requests WHERE g = ? AND invite = ? AND request = ?', g, invite, request),
    requests: ({ g, invites }) => invites.flatMap((invite) => db.all('SELECT * FROM requests WHERE g = ? AND invite = ?', g, invite).map(mailed)).sort((a, b) => a.time - b.time),
    putAnswer: ({ g, invite, request, body, time }) => {
      const gone = db.run('DELETE FROM requests WHERE g = ? AND invite = ? AND request = ?', g, invite, request).changes;
      const answered = db.one('SELECT 1 FROM answers WHERE g = ? AND invite = ? AND request = ?', g, invite, request);
      if (Number(gone) === 0 && !answered) return 'not-found';
      db.run('INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)', g, invite, request, time, body);
      return 'done';
    },
    answer: ({ g, invite, request }) =>
      (db.one('SELECT body FROM answers WHERE g = ? AND invite = ? AND request = ?', g, invite, request)?.['body'] as Bytes | undefined) ?? null,
    spend: ({ g, invites }) => {
      for (const invite of invites) {
        db.run('DELETE FROM cards WHERE g = ? AND invite = ?', g, invite);
        db.run('DELETE FROM requests WHERE g = ? AND invite = ?', g, invite);
      }
      return null;
    },
    blob: ({ g, id }) => {
      const found = db.one('SELECT device, size FROM blobs WHERE g = ? AND id = ?', g, id);
      return found ? { device: found['device'] as number, size: found['size'] as number } : null;
    },
    putBlob: ({ g, id, device, size, time }) => db.did('INSERT OR IGNORE INTO blobs VALUES (?, ?, ?, ?, ?, 0)', g, id, device, size, time),
    dropBlob: ({ g, id }) => db.did('DELETE FROM blobs WHERE g = ? AND id = ?', g, id),
    items: ({ vault, after }) => {
      const n = (db.one('SELECT max(n) AS n FROM items WHERE vault = ?', vault)?.['n'] as number | null | undefined) ?? 0;
      const items = db.all('SELECT item FROM items WHERE vault = ? AND n > ? ORDER BY n LIMIT ?', vault, Math.min(after, 2 ** 31), ITEMS_AT_ONCE).map((f) => f['item'] as Bytes);
      return { n, items, more: after + items.length < n };
    },
    putItem: ({ vault, n, item, time }) => {
      const there = db.one('SELECT item FROM items WHERE vault = ? AND n = ?', vault, n);
      if (there && equal(there['item'] as Bytes, item)) return 'done';
      const last = (db.one('SELECT max(n) AS n FROM items WHERE vault = ?', vault)?.['n'] as number | null | undefined) ?? 0;
      if (n !== last + 1) return { n: last };
      db.run('INSERT INTO items VALUES (?, ?, ?, ?)', vault, n, time, item);
      return 'done';
    },
    sweep: ({ blobsBefore, answersBefore }) => {
      db.run('DELETE FROM answers WHERE time < ?', answersBefore);
      return db.all('DELETE FROM blobs WHERE named = 0 AND time < ? RETURNING g, id', blobsBefore).map((f) => ({ g: f['g'] as number, id: f['id'] as BlobId }));
    }
  };
}

const mailed = (f: Found): Mailed => ({ invite: f['invite'] as InvitePk, request: f['request'] as Bytes, body: f['body'] as Bytes, time: f['time'] as number });
