/** What was lost and comes back (PROTOCOL §11.6), in PostgreSQL. */
import type { Hash } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { StoredEnvelope } from '../crypto/frames';
import { ZERO_HASH } from '../crypto/hash';
import type { Calls, Giving } from './log';
import { NAME_BLOB } from './log-blobs';
import { lying, setAside } from './log-postgres-feed';
import { all, did, one, type Steps, type Value } from './steps';

interface Head { readonly n: number; readonly hash: Hash; readonly roster: number }
/** A column of values for `unnest`; the driver takes arrays where a statement says so. */
const column = (values: readonly (number | Uint8Array)[]): Value => values as unknown as Value;

export function* give({ g, items }: Calls['give'][0]): Steps<Calls['give'][1]> {
  const found = yield* one('SELECT feed FROM groups WHERE g = ? FOR UPDATE', g);
  if (found === undefined) throw new Error('no such group');
  const logs = yield* all('SELECT device, n, hash, roster FROM logs WHERE g = ?', g);
  const heads = new Map(logs.map((f) => [f['device'] as number, { n: f['n'] as number, hash: f['hash'] as Hash, roster: f['roster'] as number } satisfies Head]));
  const fresh: (Giving & { readonly seq: number })[] = [];
  let feed = found['feed'] as number;
  for (const i of items) {
    let head = heads.get(i.device) ?? { n: 0, hash: ZERO_HASH, roster: 0 };
    if (i.replaces && i.n <= head.n) {
      const there = yield* lying(g, i.device, i.n);
      if (there !== null && equal(there.prev, i.prev)) {
        if (equal(there.envelope, i.envelope)) continue;
        yield* setAside(g, i.device, i.n);
        yield* did('UPDATE logs SET n = ?, hash = ?, roster = 0 WHERE g = ? AND device = ?', i.n - 1, i.prev, g, i.device);
        head = { n: i.n - 1, hash: i.prev, roster: 0 };
        heads.set(i.device, head);
      }
    }
    if (i.n !== head.n + 1 || !equal(i.prev, head.hash) || i.rosterSeq < head.roster) continue;
    fresh.push({ ...i, seq: ++feed });
    heads.set(i.device, { n: i.n, hash: i.hash, roster: i.rosterSeq });
  }
  yield* put(g, fresh, heads);
  return fresh.map(({ device, n, seq, time, envelope }): StoredEnvelope => ({ device, n, seq, time, envelope }));
}

function* put(g: number, fresh: readonly (Giving & { readonly seq: number })[], heads: ReadonlyMap<number, Head>): Steps<null> {
  const last = fresh.at(-1);
  if (last === undefined) return null;
  const of = (pick: (i: Giving & { readonly seq: number }) => number | Uint8Array): Value => column(fresh.map(pick));
  yield* did(
    'INSERT INTO envelopes (g, seq, device, n, time, prev, envelope) SELECT CAST(? AS bigint), * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[])',
    g, of((i) => i.seq), of((i) => i.device), of((i) => i.n), of((i) => i.time), of((i) => i.prev), of((i) => i.envelope)
  );
  for (const device of new Set(fresh.map((i) => i.device))) {
    const { n, hash, roster } = heads.get(device) as Head;
    yield* did('INSERT INTO logs VALUES (?, ?, ?, ?, ?) ON CONFLICT (g, device) DO UPDATE SET n = excluded.n, hash = excluded.hash, roster = excluded.roster', g, device, n, hash, roster);
  }
  for (const i of fresh) for (const id of i.blobs) yield* did(NAME_BLOB, g, id, i.device, i.time);
  return yield* did('UPDATE groups SET feed = ? WHERE g = ?', last.seq, g);
}
