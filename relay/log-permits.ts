/** Permits to begin groups, in the store (PROTOCOL §11.8): made and ended by the operator, spent with the group that is begun; one text for every engine. What was begun with which is written nowhere. */
import type { Hash } from '../crypto/brand';
import type { PermitRefusal } from '../crypto/permit';
import { all, did, one, type Steps } from './steps';

/** As the operator sees it: a short number, groups that may still be begun with it, and until when. */
export interface PermitRow { readonly n: number; readonly groups: number; readonly expires: number }

/** How long one that is over is known as that. */
const KNOWN_FOR = 90 * 86_400_000;

/** Its number. Those that ended long ago are forgotten. */
export function* makePermit(hash: Hash, groups: number, expires: number, now: number): Steps<number> {
  const n = Number((yield* one('SELECT coalesce(max(n), 0) + 1 AS n FROM permits'))?.['n']);
  yield* did('DELETE FROM permits WHERE expires <= ?', now - KNOWN_FOR);
  yield* did('INSERT INTO permits VALUES (?, ?, ?, ?)', n, hash, groups, expires);
  return n;
}

export function* permits(): Steps<readonly PermitRow[]> {
  return (yield* all('SELECT n, remaining, expires FROM permits ORDER BY n')).map((f) => ({ n: Number(f['n']), groups: Number(f['remaining']), expires: Number(f['expires']) }));
}

/** Whether there was one with that number that went on. */
export function* endPermit(n: number, now: number): Steps<boolean> {
  return (yield* one('UPDATE permits SET expires = ? WHERE n = ? AND expires > ? RETURNING n', now, n, now)) !== undefined;
}

/** Takes one group off it; why it cannot, or null when it is done. No hash: none was shown. */
export function* spendPermit({ hash, time }: { readonly hash: Hash | null; readonly time: number }): Steps<PermitRefusal | null> {
  if (hash === null) return 'none';
  if ((yield* one('UPDATE permits SET remaining = remaining - 1 WHERE hash = ? AND remaining > 0 AND expires > ? RETURNING n', hash, time)) !== undefined) return null;
  const there = yield* one('SELECT expires FROM permits WHERE hash = ?', hash);
  return there === undefined ? 'unknown' : Number(there['expires']) > time ? 'spent' : 'ended';
}
/** The group was there after all. */
export const givePermit = (hash: Hash): Steps<null> => did('UPDATE permits SET remaining = remaining + 1 WHERE hash = ?', hash);
