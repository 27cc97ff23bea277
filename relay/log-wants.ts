/** The part of the log that holds wants for keys and the answers to them: one text for every engine. */
import type { Bytes } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import { wantHash } from '../crypto/want';
import type { CallName, Calls } from './log';
import { all, did, one, type Steps } from './steps';

/** Answers in one frame: LIMIT.keys each at most. */
const AT_ONCE = 2;

function* standing(g: number, device: number): Steps<Bytes | null> {
  return ((yield* one('SELECT want FROM wants WHERE g = ? AND device = ?', g, device))?.['want'] as Bytes | undefined) ?? null;
}

export const WANTS = {
  *putWant({ g, device, want, time }) {
    const before = yield* standing(g, device);
    if (want === null ? before === null : before !== null && equal(before, want)) return 'again';
    yield* did('DELETE FROM wants WHERE g = ? AND device = ?', g, device);
    yield* did('DELETE FROM keys WHERE g = ? AND device = ?', g, device);
    if (want !== null) yield* did('INSERT INTO wants VALUES (?, ?, ?, ?)', g, device, time, want);
    return 'new';
  },
  *wants({ g }) {
    const found = yield* all('SELECT device, want FROM wants WHERE g = ? ORDER BY device', g);
    const answers = new Map((yield* all('SELECT device, count(*) AS n FROM keys WHERE g = ? GROUP BY device', g)).map((f) => [f['device'], Number(f['n'])]));
    return found.map((f) => ({ device: f['device'] as number, want: f['want'] as Bytes, answers: answers.get(f['device']) ?? 0 }));
  },
  *putKeys({ g, device, want, by, keys }) {
    const there = yield* standing(g, device);
    if (there === null || !equal(wantHash(there), want)) return 'not-found';
    const at = Number((yield* one('SELECT max(at) AS at FROM keys WHERE g = ? AND device = ?', g, device))?.['at'] ?? 0) + 1;
    yield* did('DELETE FROM keys WHERE g = ? AND device = ? AND member = ?', g, device, by);
    yield* did('INSERT INTO keys VALUES (?, ?, ?, ?, ?)', g, device, by, at, keys);
    return { at };
  },
  *keys({ g, device, after }) {
    const found = yield* all('SELECT at, keys FROM keys WHERE g = ? AND device = ? AND at > ? ORDER BY at LIMIT ?', g, device, Math.min(after, 2 ** 31), AT_ONCE + 1);
    return { items: found.slice(0, AT_ONCE).map((f) => ({ at: Number(f['at']), keys: f['keys'] as Bytes })), more: found.length > AT_ONCE };
  }
} satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };

/** Forgets wants older than a time, and what was answered to them. */
export function* sweepWants(before: number): Steps<null> {
  yield* did('DELETE FROM keys WHERE EXISTS (SELECT 1 FROM wants WHERE wants.g = keys.g AND wants.device = keys.device AND wants.time < ?)', before);
  return yield* did('DELETE FROM wants WHERE time < ?', before);
}
