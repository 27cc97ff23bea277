/** `admin quota`: what groups may take, said by the operator and shown beside what they take. */
import { EVERY, type Quota, quotas, setQuota } from './log-quota';
import { operate, type Store } from './operator';
import { all, type Steps } from './steps';

const USAGE = 'Say: admin quota, or admin quota every|NUMBER --bytes 2G --entries 5000 --blobs 20G (none: no limit).';
const WHAT = ['bytes', 'entries', 'blobs'] as const;
const SHOWN = 20;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** A number, 500M, or null for none. Throws when it is neither. */
export function sizeOf(text: string | undefined): number | null {
  if (text === 'none') return null;
  const [, digits, unit = ''] = /^(\d{1,12})([KMGT]?)$/.exec(text ?? '') ?? [];
  const size = digits === undefined ? NaN : Number(digits) * (UNITS[unit] as number);
  if (!Number.isSafeInteger(size)) throw new Error(USAGE);
  return size;
}

/** `args`: what stands after `admin quota`. The line to print; throws with words for the operator. */
export async function adminQuota(c: Store, args: readonly string[]): Promise<string> {
  const [whose, ...rest] = args;
  if (whose === undefined) return JSON.stringify(await operate(c, () => shown(c)));
  const g = whose === 'every' ? EVERY : Number(whose);
  if (!Number.isSafeInteger(g) || (g < 1 && whose !== 'every') || rest.length % 2 > 0) throw new Error(USAGE);
  const q: { -readonly [K in keyof Quota]: Quota[K] } = { bytes: null, entries: null, blobs: null };
  for (let i = 0; i < rest.length; i += 2) {
    const name = WHAT.find((w) => `--${w}` === rest[i]);
    if (name === undefined) throw new Error(USAGE);
    q[name] = sizeOf(rest[i + 1]);
  }
  await operate(c, () => setQuota(g, q));
  return `Set. Relays that run follow within half a minute.`;
}

/** What is set, and the groups that take the most. */
function* shown(c: Store): Steps<unknown> {
  const set = yield* quotas();
  const largest = yield* all(
    c.postgres === null
      ? 'SELECT at / 4294967296 AS g, sum(length(packed)) AS bytes FROM batches GROUP BY 1 ORDER BY 2 DESC LIMIT ?'
      : 'SELECT g, sum(bytes)::bigint AS bytes FROM (SELECT g, octet_length(envelope) AS bytes FROM envelopes UNION ALL SELECT g, octet_length(packed) FROM batches) AS lie GROUP BY 1 ORDER BY 2 DESC LIMIT ?',
    SHOWN
  );
  const every = set.find((s) => s.g === EVERY);
  return {
    every: every === undefined ? null : { bytes: every.bytes, entries: every.entries, blobs: every.blobs },
    groups: set.filter((s) => s.g !== EVERY),
    largest: largest.map((f) => ({ g: Number(f['g']), bytes: Number(f['bytes']) }))
  };
}
