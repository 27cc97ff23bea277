/** What somebody may do so often, or by so many bytes, within an hour: one text for every engine, with a ledger of its own in each. */
import { Hourly } from './limits';
import type { Budget, CallName, Calls, Wait } from './log';
import { all, did, done, one, type Steps } from './steps';

export const HOUR = 3_600_000;

/** Times that are kept of one budget: more than any allows, though some count what never waits. */
const TIMES = 1000;

/** Where it is counted. Relays that share a store count in it; one that has its store for itself needs no more than its memory. */
export interface Ledger {
  /** Milliseconds until another is allowed. */
  wait(g: number, b: Budget): Steps<number>;
  count(g: number, b: Budget): Steps<null>;
  /** When all that was charged will have been made up for; 0 for never charged. */
  due(g: number, key: string): Steps<number>;
  /** Puts that off by so many milliseconds, from `now` at the earliest. */
  putOff(g: number, b: Budget, by: number): Steps<null>;
}

/** In the store itself: rows by group and key. */
export const SHARED: Ledger = {
  *wait(g, { key, most, now }) {
    // its row is made if need be and locked: of two relays the second sees what the first counted
    yield* did("INSERT INTO budgets VALUES (?, ?, ?, '{}') ON CONFLICT (g, key) DO UPDATE SET at = budgets.at", g, key, now);
    const recent = (yield* all('SELECT t FROM budgets, unnest(times) AS t WHERE g = ? AND key = ? AND t > ? ORDER BY t', g, key, now - HOUR)).map((f) => f['t'] as number);
    return recent.length < most ? 0 : Math.max(1, (recent[recent.length - most] as number) + HOUR - now);
  },
  count: (g, { key, now }) =>
    did(
      'INSERT INTO budgets VALUES (?, ?, ?, ARRAY[CAST(? AS bigint)]) ON CONFLICT (g, key) DO UPDATE SET at = greatest(budgets.at, excluded.at), times = excluded.times || ARRAY(SELECT t FROM unnest(budgets.times) AS t WHERE t > ? ORDER BY t DESC LIMIT ?)',
      g, key, now, now, now - HOUR, TIMES
    ),
  *due(g, key) {
    return ((yield* one('SELECT at FROM budgets WHERE g = ? AND key = ?', g, key))?.['at'] as number | undefined) ?? 0;
  },
  putOff: (g, { key, now }, by) =>
    did("INSERT INTO budgets VALUES (?, ?, ?, '{}') ON CONFLICT (g, key) DO UPDATE SET at = greatest(budgets.at, ?) + ?", g, key, now + by, now, by)
};

/** In memory; what a transaction counted that came to nothing is taken back. */
export class OwnLedger implements Ledger {
  private readonly hourly = new Hourly();
  private readonly dues = new Map<string, number>();
  private since: (() => void)[] = [];

  wait(g: number, { key, most, now }: Budget): Steps<number> {
    return done(this.hourly.wait(`${g} ${key}`, most, now));
  }
  count(g: number, { key, now }: Budget): Steps<null> {
    const at = `${g} ${key}`;
    this.hourly.count(at, now);
    this.since.push(() => this.hourly.uncount(at));
    return done(null);
  }
  due(g: number, key: string): Steps<number> {
    return done(this.dues.get(`${g} ${key}`) ?? 0);
  }
  putOff(g: number, { key, now }: Budget, by: number): Steps<null> {
    const at = `${g} ${key}`;
    const before = this.dues.get(at) ?? 0;
    if (this.dues.size >= 20_000) for (const [k, due] of this.dues) if (due <= now) this.dues.delete(k);
    this.dues.set(at, Math.max(before, now) + by);
    this.since.push(() => this.dues.set(at, before));
    return done(null);
  }
  /** What was counted since the last time is durable, or was for nothing. */
  settle(isKept: boolean): void {
    const back = this.since.splice(0);
    if (!isKept) for (const undo of back.reverse()) undo();
  }
}

type Inner = { readonly [K in 'putWant' | 'putKeys' | 'putBell' | 'putRequest']: (input: Calls[K][0]) => Steps<Calls[K][1]> };

/** The same calls, each within its budget. */
export const within = (ledger: Ledger, inner: Inner): Inner => ({
  putWant: bounded(ledger, inner.putWant, (input, reply) => reply === 'new' && input.want !== null),
  // one that fits no want counts too: it is no less work
  putKeys: bounded(ledger, inner.putKeys, () => true),
  putBell: bounded(ledger, inner.putBell, (_, reply) => reply === 'new'),
  // one that lies there is done again, however many came since
  *putRequest(input) {
    const { g, budget } = input;
    const wait = budget === undefined ? 0 : yield* ledger.wait(g, budget);
    const reply = yield* inner.putRequest(wait > 0 ? { ...input, most: 0 } : input);
    if (budget !== undefined && reply === 'new') yield* ledger.count(g, budget);
    return wait > 0 && reply === 'too-many' ? { wait } : reply;
  }
});

function bounded<I extends { readonly g: number; readonly budget?: Budget }, O>(ledger: Ledger, run: (input: I) => Steps<O>, counts: (input: I, reply: O) => boolean): (input: I) => Steps<O | Wait> {
  return function* (input) {
    const { g, budget } = input;
    const wait = budget === undefined ? 0 : yield* ledger.wait(g, budget);
    if (wait > 0) return { wait };
    const reply = yield* run(input);
    if (budget !== undefined && counts(input, reply)) yield* ledger.count(g, budget);
    return reply;
  };
}

/** Bytes: as many at once as an hour brings, and then as they are made up for. */
export const paces = (ledger: Ledger) =>
  ({
    *pace({ g, budget }) {
      return Math.max(0, (yield* ledger.due(g, budget.key)) - budget.now - HOUR);
    },
    charge: ({ g, budget, many }) => ledger.putOff(g, budget, Math.ceil((many * HOUR) / budget.most))
  }) satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };
