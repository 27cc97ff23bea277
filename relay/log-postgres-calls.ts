/** The log's calls in PostgreSQL, but for envelopes coming in. */
import type { BlobId, Bytes, Hash } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { DeviceHead } from '../crypto/frames';
import { ZERO_HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { encodeReceipt } from '../crypto/receipt';
import { cut } from './cut';
import { healingOf, sharedFeed } from './lives';
import type { CallName, Calls } from './log';
import { bury, doom, OUTLIVING } from './log-ends';
import { mayShow } from './log-forks';
import { genesisOf, loaded, putEntry, receipted } from './log-entries';
import { paces, SHARED, within } from './log-budget';
import { MAIL, STIRRING } from './log-mail';
import { givePermit, spendPermit } from './log-permits';
import { bytesOf, compact, lying, page } from './log-postgres-feed';
import { give } from './log-postgres-give';
import { OF_GROUP } from './schema-postgres';
import { spareOf } from './log-quota';
import { all, did, one, type Steps } from './steps';

/** Envelopes come in by hundreds (log-postgres-append.ts), and a life begins outside every line (log-postgres.ts). */
type Every = { readonly [K in Exclude<CallName, 'append' | 'renew'>]: (input: Calls[K][0]) => Steps<Calls[K][1]> };

/** Locks a group against other changes until the transaction ends; its roster seq, 0 when there is none. */
function* hold(g: number): Steps<number> {
  return ((yield* one('SELECT roster FROM groups WHERE g = ? FOR UPDATE', g))?.['roster'] as number | undefined) ?? 0;
}
/** The same, and other relays will see that something waits beside its feed. */
const stir = (g: number): Steps<null> => did('UPDATE groups SET mail = mail + 1 WHERE g = ?', g);

function* headOf(g: number, device: number): Steps<{ readonly n: number; readonly hash: Hash }> {
  const found = yield* one('SELECT n, hash FROM logs WHERE g = ? AND device = ?', g, device);
  return found === undefined ? { n: 0, hash: ZERO_HASH } : { n: found['n'] as number, hash: found['hash'] as Hash };
}

/** Rows after which a page is full: those beyond are never sent. The running sum needs no byte of them. */
const paged = (what: string, from: string, size: string, order: string): string =>
  `SELECT ${what} FROM (SELECT *, sum(${size}) OVER (ORDER BY ${order}) - (${size}) AS ahead FROM (SELECT * FROM ${from} ORDER BY ${order} LIMIT ?) AS near) AS near WHERE ahead <= ${LIMIT.pageBytes} ORDER BY ${order}`;
const ENTRIES = paged('entry, receipt', 'entries WHERE g = ? AND seq > ? AND seq <= ?', 'octet_length(entry) + 200', 'seq');
const LOCKBOXES = paged('seq, lockbox', 'lockboxes WHERE g = ? AND device = ? AND seq > ?', 'octet_length(lockbox) + 10', 'seq');

const LIVING = OF_GROUP.filter((name) => !OUTLIVING.includes(name));

type Stirring = Pick<Every, (typeof STIRRING)[number]>;
const stirring = Object.fromEntries(
  STIRRING.map((name) => [
    name,
    function* (input: never): Steps<unknown> {
      yield* stir((input as { readonly g: number }).g);
      return yield* (MAIL[name] as (input: never) => Steps<unknown>)(input);
    }
  ])
) as Stirring;

export const CALLS: Every = {
  ...MAIL,
  ...stirring,
  ...within(SHARED, { ...stirring, putBell: MAIL.putBell }),
  ...paces(SHARED),
  *load(group) {
    const found = yield* one('SELECT c.g, c.seq, c.state FROM group_ids i JOIN checkpoints c ON c.g = i.g WHERE i.id = ?', group);
    if (found === undefined) return null;
    return yield* loaded(found['g'] as number, found['seq'] as number, found['state'] as Bytes);
  },
  *create(c) {
    if ((yield* MAIL.tomb(c.group)) !== null) return null;
    const permit = c.permit === undefined || (yield* one('SELECT 1 AS is_there FROM group_ids WHERE id = ?', c.group)) !== undefined ? null : c.permit;
    const refused = permit === null ? null : yield* spendPermit(permit);
    if (refused !== null) return refused;
    const made = yield* one("INSERT INTO group_ids VALUES (?, nextval('group_numbers')) ON CONFLICT DO NOTHING RETURNING g", c.group);
    if (made === undefined) {
      // another relay was quicker with this very group
      if (permit !== null && permit.hash !== null) yield* givePermit(permit.hash);
      const there = (yield* one('SELECT g FROM group_ids WHERE id = ?', c.group))?.['g'] as number;
      return { g: there, genesis: yield* genesisOf(there) };
    }
    const g = made['g'] as number;
    yield* did('INSERT INTO groups VALUES (?, 0, 1, 0)', g);
    yield* did('INSERT INTO checkpoints VALUES (?, 1, ?)', g, c.state);
    yield* putEntry(g, 1, c.genesis);
    for (const b of c.boxes) yield* did('INSERT INTO lockboxes VALUES (?, ?, 1, ?)', g, b.device, b.lockbox);
    return { g, genesis: c.genesis };
  },
  *head({ g, device }) {
    // the feed first: what is appended in between is then told of twice rather than never
    const feed = ((yield* one('SELECT feed FROM groups WHERE g = ?', g))?.['feed'] as number | undefined) ?? 0;
    return { ...(yield* headOf(g, device)), feed };
  },
  spare: ({ g }) => spareOf(g, () => bytesOf(g)),
  *news(groups) {
    const found = yield* all('SELECT g, feed, roster, mail FROM groups WHERE g = ANY(?::bigint[]) ORDER BY g', groups as unknown as string);
    return found.map((f) => ({ g: f['g'] as number, feed: f['feed'] as number, roster: f['roster'] as number, mail: f['mail'] as number }));
  },
  *standing({ g, life, earlier }) {
    const logs = yield* all('SELECT device, n, hash FROM logs WHERE g = ? AND n > 0 ORDER BY device', g);
    const lacks = yield* all('SELECT id FROM blobs WHERE g = ? AND size < 0 AND named = 1 LIMIT ?', g, LIMIT.page);
    const feed = ((yield* one('SELECT feed FROM groups WHERE g = ?', g))?.['feed'] as number | undefined) ?? 0;
    return {
      heads: logs.map((f) => ({ device: f['device'] as number, n: f['n'] as number, hash: f['hash'] as Hash })),
      lacks: lacks.map((f) => f['id'] as BlobId),
      feed: (yield* sharedFeed(g, life)) ?? feed,
      healing: yield* healingOf(g, earlier)
    };
  },
  *before({ g, device, n }) {
    const head = yield* headOf(g, device);
    if (n > head.n) return n === head.n + 1 ? head.hash : null;
    return (yield* lying(g, device, n))?.prev ?? null;
  },
  give,
  *enter(e) {
    if ((yield* hold(e.g)) !== e.seq - 1) return { is: 'behind' };
    const wait = e.budget === undefined ? 0 : yield* SHARED.wait(e.g, e.budget);
    if (wait > 0) return { is: 'rate', wait };
    const heads: DeviceHead[] = [];
    for (const { device } of e.ends) heads.push({ device, ...(yield* headOf(e.g, device)) });
    if (heads.some((h, i) => h.n !== e.ends[i]?.n || !equal(h.hash, e.ends[i].hash))) {
      const { devices, until } = e.holding ?? { devices: [], until: 0 };
      for (const device of devices) yield* did('INSERT INTO holds VALUES (?, ?, ?) ON CONFLICT (g, device) DO UPDATE SET until = greatest(holds.until, excluded.until)', e.g, device, until);
      return { is: 'moved', heads };
    }
    for (const { device } of e.ends) yield* did('DELETE FROM holds WHERE g = ? AND device = ?', e.g, device);
    if (e.budget !== undefined) yield* SHARED.count(e.g, e.budget);
    yield* putEntry(e.g, e.seq, e.entry);
    for (const b of e.boxes) yield* did('INSERT INTO lockboxes VALUES (?, ?, ?, ?)', e.g, b.device, e.seq, b.lockbox);
    yield* MAIL.spend({ g: e.g, invites: e.spent });
    for (const device of e.gone) yield* MAIL.dropBell({ g: e.g, device });
    if (e.state !== null) yield* did('UPDATE checkpoints SET seq = ?, state = ? WHERE g = ?', e.seq, e.state, e.g);
    yield* did('UPDATE groups SET roster = ? WHERE g = ?', e.seq, e.g);
    if (e.ending !== undefined) yield* doom(e.g, e.ending);
    return { is: 'entered' };
  },
  *purge(p) {
    yield* hold(p.g);
    yield* did('DELETE FROM group_ids WHERE id = ?', p.group);
    // until its attachments are gone, however its end was learned of
    yield* did('INSERT INTO doomed VALUES (?, ?, 0) ON CONFLICT DO NOTHING', p.g, p.group);
    return yield* bury(p, LIVING);
  },
  *putFork(p) {
    const { g, item, time } = p;
    yield* hold(g);
    yield* did('DELETE FROM forks WHERE g = ? AND time <= ?', g, p.since);
    if (!mayShow(yield* CALLS.forks({ g }), p)) return false;
    yield* did('INSERT INTO forks VALUES (?, ?, ?, ?, ?)', g, item.receipt.seq, time, item.entry, encodeReceipt(item.receipt));
    yield* stir(g);
    return true;
  },
  *forks({ g }) {
    const found = yield* all('SELECT time, entry, receipt FROM forks WHERE g = ? ORDER BY seq', g);
    return found.map((f) => ({ item: receipted(f), time: f['time'] as number }));
  },
  *sweep(s) {
    const { hourBefore = 0 } = s;
    yield* did('DELETE FROM budgets WHERE at < ?', hourBefore);
    yield* did('DELETE FROM holds WHERE until < ?', hourBefore);
    yield* did('DELETE FROM forks WHERE time < ?', hourBefore);
    return yield* MAIL.sweep(s);
  },
  *entries({ g, after, upTo, most }) {
    const found = yield* all(ENTRIES, g, after, upTo, most + 1);
    const { items, more } = cut(found, most, (f) => (f['entry'] as Bytes).length + 200);
    return { items: items.map(receipted), more };
  },
  *lockboxes({ g, device, after }) {
    const found = yield* all(LOCKBOXES, g, device, after, LIMIT.page + 1);
    const { items, more } = cut(found, LIMIT.page, (f) => (f['lockbox'] as Bytes).length + 10);
    return { items: items.map((f) => ({ seq: f['seq'] as number, lockbox: f['lockbox'] as Bytes })), more };
  },
  page,
  compact
};

/** Calls that change nothing: they need no transaction. */
export const READS: ReadonlySet<CallName> = new Set<CallName>(['load', 'head', 'news', 'spare', 'entries', 'lockboxes', 'page', 'card', 'requests', 'answer', 'blob', 'items', 'meeting', 'wants', 'keys', 'standing', 'before', 'doomed', 'tomb', 'tombs', 'bells', 'pace', 'forks']);
