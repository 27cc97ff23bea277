/** The part of the log about groups that end for everyone (PROTOCOL §9.2): what is doomed, what was destroyed, and what is left to clear away. */
import type { BlobId, Bytes, GroupId } from '../crypto/brand';
import type { CallName, Calls } from './log';
import { all, did, one, type Steps } from './steps';

/** Notes since when a group is doomed, or that it is no longer. */
export function* doom(g: number, { group, at }: { readonly group: GroupId; readonly at: number | null }): Steps<null> {
  yield* did('DELETE FROM doomed WHERE g = ?', g);
  return at === null ? null : yield* did('INSERT INTO doomed VALUES (?, ?, ?)', g, group, at);
}

/** Everything of a group goes out of these tables; what is left is a tomb, and the names of attachments that still lie there. */
export function* bury({ g, group, tomb }: Calls['purge'][0], tables: readonly string[]): Steps<Calls['purge'][1]> {
  for (const table of tables) yield* did(`DELETE FROM ${table} WHERE g = ?`, g);
  yield* did('INSERT INTO tombs VALUES (?, ?, ?) ON CONFLICT DO NOTHING', group, g, tomb);
  const there = (yield* ENDS.tomb(group)) as Bytes;
  const blobs = yield* all('SELECT id FROM blobs WHERE g = ?', g);
  return { tomb: there, blobs: blobs.map((b) => b['id'] as BlobId) };
}
/** Tables that outlive what they tell of a group. */
export const OUTLIVING: readonly string[] = ['doomed', 'tombs', 'blobs'];

const TOMBS_AT_ONCE = 1000;

export const ENDS = {
  *doomed({ before }) {
    const found = yield* all('SELECT g, id FROM doomed WHERE at <= ? ORDER BY g', before);
    return found.map((f) => ({ g: f['g'] as number, group: f['id'] as Bytes as GroupId }));
  },
  *tomb(group) {
    return ((yield* one('SELECT tomb FROM tombs WHERE id = ?', group))?.['tomb'] as Bytes | undefined) ?? null;
  },
  *tombs({ after }) {
    const found = yield* all('SELECT id, tomb FROM tombs WHERE id > ? ORDER BY id LIMIT ?', after, TOMBS_AT_ONCE + 1);
    return { items: found.slice(0, TOMBS_AT_ONCE).map((f) => ({ group: f['id'] as Bytes as GroupId, tomb: f['tomb'] as Bytes })), more: found.length > TOMBS_AT_ONCE };
  },
  putTomb: ({ group, tomb }) => did('INSERT INTO tombs VALUES (?, 0, ?) ON CONFLICT DO NOTHING', group, tomb),
  *buried({ g, blobs }) {
    for (const id of blobs) yield* did('DELETE FROM blobs WHERE g = ? AND id = ?', g, id);
    if ((yield* one('SELECT 1 AS is_there FROM blobs WHERE g = ? LIMIT 1', g)) === undefined) yield* did('DELETE FROM doomed WHERE g = ?', g);
    return null;
  }
} satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };
