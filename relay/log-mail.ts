/** The part of the log that holds cards, requests, answers and personal vaults: one text for every engine. */
import type { Bytes, InvitePk } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { CallName, Calls, Mailed } from './log';
import { BELLS } from './log-bells';
import { BLOBS, sweepBlobs } from './log-blobs';
import { HOUR } from './log-budget';
import { ENDS } from './log-ends';
import { sweepWants, WANTS } from './log-wants';
import { all, did, type Found, one, type Steps } from './steps';

/** Items in one frame: LIMIT.item each at most. */
const ITEMS_AT_ONCE = 20;

function* lastItem(vault: Uint8Array): Steps<number> {
  return ((yield* one('SELECT max(n) AS n FROM items WHERE vault = ?', vault))?.['n'] as number | null | undefined) ?? 0;
}

/** Items of a meeting that goes on; 0 when it ended or never was. */
function* lastSaid(meet: Uint8Array, since: number): Steps<number> {
  const began = (yield* one('SELECT began FROM meets WHERE meet = ? AND n = 1', meet))?.['began'] as number | undefined;
  if (began === undefined || began < since) return 0;
  return (yield* one('SELECT max(n) AS n FROM meets WHERE meet = ?', meet))?.['n'] as number;
}
/** Meetings that began earlier are forgotten, with all their items. */
const endMeetings = (before: number): Steps<null> => did('DELETE FROM meets WHERE meet IN (SELECT meet FROM meets WHERE n = 1 AND began < ?)', before);

export const MAIL = {
  ...WANTS,
  ...BELLS,
  ...ENDS,
  ...BLOBS,
  putCard: ({ g, invite, card }) => did('INSERT INTO cards VALUES (?, ?, ?) ON CONFLICT (g, invite) DO UPDATE SET card = excluded.card', g, invite, card),
  *card({ g, invite }) {
    return ((yield* one('SELECT card FROM cards WHERE g = ? AND invite = ?', g, invite))?.['card'] as Bytes | undefined) ?? null;
  },
  *putRequest({ g, invite, request, body, time, most }) {
    const lying = yield* all('SELECT request FROM requests WHERE g = ? AND invite = ?', g, invite);
    if (lying.some((l) => equal(l['request'] as Bytes, request))) return 'again';
    if (lying.length >= most) return 'too-many';
    yield* did('INSERT INTO requests VALUES (?, ?, ?, ?, ?)', g, invite, request, time, body);
    return 'new';
  },
  *dropRequest({ g, invite, request }) {
    return (yield* all('DELETE FROM requests WHERE g = ? AND invite = ? AND request = ? RETURNING time', g, invite, request)).length > 0;
  },
  *requests({ g, invites }) {
    const found: Mailed[] = [];
    for (const invite of invites) found.push(...(yield* all('SELECT * FROM requests WHERE g = ? AND invite = ?', g, invite)).map(mailed));
    return found.sort((a, b) => a.time - b.time);
  },
  *putAnswer({ g, invite, request, body, time }) {
    const gone = yield* all('DELETE FROM requests WHERE g = ? AND invite = ? AND request = ? RETURNING time', g, invite, request);
    const answered = yield* one('SELECT 1 AS is_there FROM answers WHERE g = ? AND invite = ? AND request = ?', g, invite, request);
    if (gone.length === 0 && answered === undefined) return 'not-found';
    yield* did('INSERT INTO answers VALUES (?, ?, ?, ?, ?) ON CONFLICT (g, invite, request) DO UPDATE SET time = excluded.time, body = excluded.body', g, invite, request, time, body);
    return 'done';
  },
  *answer({ g, invite, request }) {
    return ((yield* one('SELECT body FROM answers WHERE g = ? AND invite = ? AND request = ?', g, invite, request))?.['body'] as Bytes | undefined) ?? null;
  },
  *spend({ g, invites }) {
    for (const invite of invites) {
      yield* did('DELETE FROM cards WHERE g = ? AND invite = ?', g, invite);
      yield* did('DELETE FROM requests WHERE g = ? AND invite = ?', g, invite);
    }
    return null;
  },
  shown: ({ g, device }) => did('INSERT INTO shown VALUES (?, ?) ON CONFLICT DO NOTHING', g, device),
  *keepBoxes({ g, seq, boxes }) {
    for (const b of boxes) yield* did('INSERT INTO lockboxes VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', g, b.device, seq, b.lockbox);
    return null;
  },
  *items({ vault, after }) {
    const n = yield* lastItem(vault);
    const found = yield* all('SELECT item FROM items WHERE vault = ? AND n > ? ORDER BY n LIMIT ?', vault, Math.min(after, 2 ** 31), ITEMS_AT_ONCE);
    const items = found.map((f) => f['item'] as Bytes);
    return { n, items, more: after + items.length < n };
  },
  *putItem({ vault, n, item, time, most = Infinity }) {
    const there = yield* one('SELECT item FROM items WHERE vault = ? AND n = ?', vault, n);
    if (there !== undefined && equal(there['item'] as Bytes, item)) return 'done';
    const last = yield* lastItem(vault);
    if (n !== last + 1) return { n: last };
    // items are numbered in the order of their times
    const before = n > most ? yield* one('SELECT time FROM items WHERE vault = ? AND n = ?', vault, n - most) : undefined;
    const wait = before === undefined ? 0 : (before['time'] as number) + HOUR - time;
    if (wait > 0) return { wait };
    yield* did('INSERT INTO items VALUES (?, ?, ?, ?)', vault, n, time, item);
    return 'done';
  },
  *meeting({ meet, after, since }) {
    const n = yield* lastSaid(meet, since);
    if (n === 0) return null;
    const found = yield* all('SELECT item FROM meets WHERE meet = ? AND n > ? ORDER BY n LIMIT ?', meet, Math.min(after, 2 ** 31), ITEMS_AT_ONCE);
    const items = found.map((f) => f['item'] as Bytes);
    return { n, items, more: after + items.length < n };
  },
  *putMeeting({ meet, n, item, time, since, most }) {
    const last = yield* lastSaid(meet, since);
    const there = last === 0 ? undefined : yield* one('SELECT item FROM meets WHERE meet = ? AND n = ?', meet, n);
    if (there !== undefined && equal(there['item'] as Bytes, item)) return 'done';
    if (last === 0 && n > 1) return 'ended';
    if (n !== last + 1) return { n: last };
    if (n === 1) {
      yield* endMeetings(since);
      const going = Number((yield* one('SELECT count(*) AS n FROM meets WHERE n = 1'))?.['n'] ?? 0);
      if (going >= most) return 'crowded';
    }
    yield* did('INSERT INTO meets VALUES (?, ?, ?, ?)', meet, n, time, item);
    return 'done';
  },
  *sweep({ blobsBefore, answersBefore, meetingsBefore, time = 0 }) {
    yield* endMeetings(meetingsBefore);
    yield* did('DELETE FROM answers WHERE time < ?', answersBefore);
    yield* sweepWants(answersBefore);
    return yield* sweepBlobs(blobsBefore, time);
  }
} satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };

/** Calls after which something else waits beside a group's feed. */
export const STIRRING = ['putCard', 'putRequest', 'dropRequest', 'putAnswer', 'putWant', 'putKeys'] as const satisfies readonly CallName[];

const mailed = (f: Found): Mailed => ({ invite: f['invite'] as InvitePk, request: f['request'] as Bytes, body: f['body'] as Bytes, time: f['time'] as number });
