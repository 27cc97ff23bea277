/** Envelopes by the hundred in one transaction of PostgreSQL: the groups' rows are locked in order, so that relays never wait for each other in a ring. */
import type { Hash } from '../crypto/brand';
import { equal, hex } from '../crypto/bytes';
import { ZERO_HASH } from '../crypto/hash';
import { envelopeHash } from '../crypto/header';
import type { Appended, Appending, AppendRefusal } from './log';
import { laid } from './log-postgres-feed';
import type { Rows } from './postgres';
import { type Found, runSoon, type Value } from './steps';

interface Head { n: number; hash: Hash; roster: number }
interface Row { feed: number; readonly roster: number }
interface Lying { readonly seq: number; readonly time: number; readonly envelope: Uint8Array }

const logOf = (a: { readonly g: number; readonly device: number }): string => `${a.g} ${a.device}`;
const placeOf = (a: { readonly g: number; readonly device: number; readonly n: number }): string => `${a.g} ${a.device} ${a.n}`;
/** A column of values for `unnest`; the driver takes arrays where a statement says so. */
const column = (values: readonly (number | Uint8Array)[]): Value => values as unknown as Value;

/** What becomes of each, in order; durable once the transaction commits. Throws when a group is not there. */
export async function appendAll(rows: Rows, calls: readonly Appending[]): Promise<Appended[]> {
  const gs = [...new Set(calls.map((a) => a.g))].sort((a, b) => a - b);
  const logs = [...new Map(calls.map((a) => [logOf(a), a])).values()];
  const [found, known, holds] = await Promise.all([
    rows('SELECT g, feed, roster FROM groups WHERE g = ANY(?::bigint[]) ORDER BY g FOR UPDATE', [column(gs)]),
    rows('SELECT l.g, l.device, l.n, l.hash, l.roster FROM unnest(?::bigint[], ?::bigint[]) AS w (g, device) JOIN logs l USING (g, device)', [column(logs.map((a) => a.g)), column(logs.map((a) => a.device))]),
    rows('SELECT g, device, until FROM holds WHERE g = ANY(?::bigint[])', [column(gs)])
  ]);
  const groups = new Map(found.map((f) => [f['g'] as number, { feed: f['feed'] as number, roster: f['roster'] as number } satisfies Row]));
  const heads = new Map(known.map((f) => [logOf(f as never), { n: f['n'] as number, hash: f['hash'] as Hash, roster: f['roster'] as number } satisfies Head]));
  const held = new Map(holds.map((f) => [logOf(f as never), f['until'] as number]));
  const lying = await sentBefore(rows, calls.filter((a) => a.n <= (heads.get(logOf(a))?.n ?? 0)));
  const blobs = await blobsThere(rows, calls);
  const fresh: (Appending & { readonly seq: number; readonly prev: Hash })[] = [];
  const named: Appending[] = [];

  const answers = calls.map((a): Appended => {
    const group = groups.get(a.g);
    if (group === undefined) throw new Error('no such group');
    const head = heads.get(logOf(a)) ?? { n: 0, hash: ZERO_HASH, roster: 0 };
    if (a.n <= head.n) {
      const there = lying.get(placeOf(a));
      if (there !== undefined && equal(there.envelope as never, a.envelope)) return { is: 'again', seq: there.seq, time: there.time };
      return { is: 'conflict', n: head.n, hash: head.hash };
    }
    const no = (is: AppendRefusal, hash = head.hash): Appended => ({ is, n: head.n, hash });
    if (a.judgedAt < group.roster) return no('behind');
    if (a.n > head.n + 1) return no('gap');
    const until = held.get(logOf(a)) ?? 0;
    if (until > a.time) return { is: 'held', n: head.n, hash: head.hash, until };
    if (a.verdict === 'held' || a.verdict === 'void' || a.verdict === 'quota') return no(a.verdict);
    const hash = envelopeHash({ group: a.group, logPk: a.logPk, prev: head.hash, roster: a.roster }, a.envelope);
    if (a.verdict === 'stale') return no('stale', hash);
    if (a.rosterSeq < head.roster) return no('void');
    if (a.blobs.some((id) => !blobs.has(`${a.g} ${hex(id)}`))) return no('no-blob');
    const seq = ++group.feed;
    fresh.push({ ...a, seq, prev: head.hash });
    if (a.blobs.length > 0) named.push(a);
    heads.set(logOf(a), { n: a.n, hash, roster: a.rosterSeq });
    lying.set(placeOf(a), { seq, time: a.time, envelope: a.envelope });
    return { is: 'stored', seq, time: a.time };
  });
  if (fresh.length > 0) await write(rows, fresh, named, groups, heads);
  return answers;
}

async function sentBefore(rows: Rows, calls: readonly Appending[]): Promise<Map<string, Lying>> {
  if (calls.length === 0) return new Map();
  const of = (all: readonly Appending[]): Value[] => [column(all.map((a) => a.g)), column(all.map((a) => a.device)), column(all.map((a) => a.n))];
  const asked = 'unnest(?::bigint[], ?::bigint[], ?::bigint[]) AS w (g, device, n)';
  const found = await rows(`SELECT e.g, e.device, e.n, e.seq, e.time, e.envelope FROM ${asked} JOIN envelopes e USING (g, device, n)`, of(calls));
  const there = new Map(found.map((f) => [placeOf(f as never), f as unknown as Lying]));
  const older = calls.filter((a) => !there.has(placeOf(a)));
  if (older.length === 0) return there;
  // sent long ago, and laid together since
  const runs = await rows(`SELECT w.g, w.device, w.n, r.first FROM ${asked} JOIN runs r ON r.g = w.g AND r.device = w.device AND r.n <= w.n AND r.last >= w.n`, of(older));
  const batches = new Map<string, { readonly g: number; readonly first: number; readonly wanted: { readonly g: number; readonly device: number; readonly n: number }[] }>();
  for (const f of runs) {
    const [g, first, device, n] = ['g', 'first', 'device', 'n'].map((name) => f[name]) as [number, number, number, number];
    const batch = batches.get(`${g} ${first}`) ?? { g, first, wanted: [] };
    batch.wanted.push({ g, device, n });
    batches.set(`${g} ${first}`, batch);
  }
  for (const { g, first, wanted } of batches.values()) {
    const lie = await runSoon(laid(g, first, wanted), rows);
    wanted.forEach((w, i) => there.set(placeOf(w), lie[i] as Lying));
  }
  return there;
}

/** Which of the named blobs are here; locked, so that no sweep takes them before they are marked as named. */
async function blobsThere(rows: Rows, calls: readonly Appending[]): Promise<Set<string>> {
  const asked = calls.flatMap((a) => a.blobs.map((id) => ({ g: a.g, id })));
  if (asked.length === 0) return new Set();
  const found = await rows('SELECT b.g, b.id FROM blobs b WHERE b.size >= 0 AND (b.g, b.id) IN (SELECT * FROM unnest(?::bigint[], ?::bytea[])) ORDER BY b.g, b.id FOR UPDATE', [column(asked.map((x) => x.g)), column(asked.map((x) => x.id))]);
  return new Set(found.map((f) => `${f['g'] as number} ${hex(f['id'] as never)}`));
}

async function write(rows: Rows, fresh: readonly (Appending & { readonly seq: number; readonly prev: Hash })[], named: readonly Appending[], groups: ReadonlyMap<number, Row>, heads: ReadonlyMap<string, Head>): Promise<void> {
  const of = <T extends number | Uint8Array>(all: typeof fresh, what: (a: (typeof fresh)[number]) => T): Value => column(all.map(what));
  const last = [...new Map(fresh.map((a) => [logOf(a), a])).values()];
  const gs = [...new Set(fresh.map((a) => a.g))];
  const headOf = (a: Appending): Head => heads.get(logOf(a)) as Head;
  const writes: Promise<readonly Found[]>[] = [
    rows('INSERT INTO envelopes SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[])', [
      of(fresh, (a) => a.g), of(fresh, (a) => a.seq), of(fresh, (a) => a.device), of(fresh, (a) => a.n), of(fresh, (a) => a.time), of(fresh, (a) => a.prev), of(fresh, (a) => a.envelope)
    ]),
    rows('INSERT INTO logs SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[]) ON CONFLICT (g, device) DO UPDATE SET n = excluded.n, hash = excluded.hash, roster = excluded.roster', [
      of(last, (a) => a.g), of(last, (a) => a.device), of(last, (a) => headOf(a).n), of(last, (a) => headOf(a).hash), of(last, (a) => headOf(a).roster)
    ]),
    rows('UPDATE groups SET feed = w.feed FROM unnest(?::bigint[], ?::bigint[]) AS w (g, feed) WHERE groups.g = w.g', [column(gs), column(gs.map((g) => (groups.get(g) as Row).feed))])
  ];
  const ids = named.flatMap((a) => a.blobs.map((id) => ({ g: a.g, id })));
  if (ids.length > 0) writes.push(rows('UPDATE blobs SET named = 1 WHERE (g, id) IN (SELECT * FROM unnest(?::bigint[], ?::bytea[]))', [column(ids.map((x) => x.g)), column(ids.map((x) => x.id))]));
  await Promise.all(writes);
}
