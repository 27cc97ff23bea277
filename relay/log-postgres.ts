/**
 * The log in PostgreSQL, for several relays at once. Calls go into lanes by their group; what comes while a lane's transaction runs
 * gathers into the next one, so that one commit serves many. Seq is given inside the append's transaction, under the group's lock.
 */
import { hex } from '../crypto/bytes';
import { err, ok, type Result } from '../crypto/result';
import type { Random } from '../crypto/sodium';
import type { Turn } from './fanout';
import type { Appending, Call, Log, Unkept } from './log';
import { appendAll } from './log-postgres-append';
import { CALLS, READS } from './log-postgres-calls';
import { Outgrown, Place, Renewed } from './place-postgres';
import { connectTo, isClash, isFull, isOutage, Line, unfit, UNHURRIED } from './postgres';
import { makeTables } from './schema-postgres';
import { runSoon, type Steps } from './steps';

const LANES = 8;
/** Calls answered by one transaction. */
const TOGETHER = 512;
/** How often a call is tried anew when another relay stood in its way. */
const TRIES = 4;

type Reply = Result<unknown, Unkept>;
type Then = (reply: Result<never, Unkept>) => void;
/** `life`: the one it was called in, and is answered in or not at all. */
interface Pending { readonly call: Call; readonly then: Then; readonly life: number }

export interface PostgresParts {
  readonly url: string;
  readonly clock: () => number;
  readonly random: Random;
  /** File in the relay's own folder by which an older copy of the store is noticed; null: only while it runs. */
  readonly note: string | null;
  /** The relay's public key: relays that share a store are one relay to their groups. */
  readonly relayPk: Uint8Array;
  /** Its keys before that one. */
  readonly earlier?: readonly Uint8Array[];
  /** Called once the store is this relay's; where it throws, it is not. */
  readonly taken?: () => void;
  readonly turn: Turn;
  /** Hears why something was not kept. */
  readonly trouble: (words: string) => void;
}

/** Opens or makes the store. Rejects when it cannot be reached, is read only, would not be durable, or belongs to another relay. */
export async function postgresLog(p: PostgresParts): Promise<Log> {
  const sql = connectTo(p.url);
  try {
    const fault = await unfit(sql);
    if (fault !== null) throw new Error(fault);
    await makeTables(sql, p.clock(), hex(p.relayPk as never), (p.earlier ?? []).map((k) => hex(k as never)), p.taken);
  } finally {
    await sql.end({ timeout: 1 });
  }
  const place = new Place({ note: p.note, random: p.random, clock: p.clock, lines: LANES });
  const heard: ((life: number) => void)[] = [];
  const own = new Line(p.url, UNHURRIED);
  let looking: Promise<void> | null = null;
  /** Until the store's life is known again, and above `above`. */
  const settle = (above = 0): Promise<void> =>
    (looking ??= own.transaction((rows) => place.look(rows, above), nothing).then((stand) => {
      if (place.take(stand)) for (const hear of heard) hear(place.life);
    }).finally(() => (looking = null))).then(() => (place.life > above ? undefined : settle(above)));
  await settle();

  const lanes = Array.from({ length: LANES }, (_, i) => new Lane(i, new Line(p.url), place, settle, p.turn, p.trouble));
  let closed = false;
  return {
    get incarnation() {
      return place.life;
    },
    isShared: true,
    renewed: (then) => void heard.push(then),
    call(name, input, then) {
      const call = { name, input } as Call;
      if (closed) return then(err('unavailable'));
      if (call.name === 'renew') settle(call.input.above).then(() => then(ok(place.life) as never), () => then(err('unavailable')));
      else lanes[laneOf(call)]?.add(call, then as Then);
    },
    async close() {
      await Promise.all(lanes.map((l) => l.idle()));
      closed = true;
      await Promise.all([own, ...lanes.map((l) => l.line)].map((l) => l.close()));
      await place.close();
    }
  };
}
const nothing = (): Promise<null> => Promise.resolve(null);

/** By the group's number; a group asked for by id, and a vault, by their first byte, which is random. */
function laneOf({ input }: Call): number {
  if (input instanceof Uint8Array) return (input[0] as number) % LANES;
  if ('g' in input) return input.g % LANES;
  const id = 'group' in input ? input.group : 'vault' in input ? input.vault : [0];
  return (id[0] as number) % LANES;
}

class Lane {
  private gathered: Pending[] = [];
  private isBusy = false;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly i: number, readonly line: Line, private readonly place: Place, private readonly settle: () => Promise<void>, private readonly turn: Turn, private readonly trouble: (words: string) => void
  ) {}

  add(call: Call, then: Then): void {
    this.gathered.push({ call, then, life: this.place.life });
    if (this.isBusy) return;
    this.isBusy = true;
    this.turn(() => void this.work());
  }
  idle(): Promise<void> {
    return this.isBusy ? new Promise((done) => this.whenIdle.push(done)) : Promise.resolve();
  }

  private async work(): Promise<void> {
    while (this.gathered.length > 0) {
      const some = this.gathered.splice(0, TOGETHER);
      for (const part of parts(some)) {
        const { life } = this.place;
        const replies = part[0]?.life === life ? await this.answer(part.map((p) => p.call)) : [];
        // what was done in a life that is over by now may be gone with it
        part.forEach((p, i) => p.then((life === this.place.life ? (replies[i] ?? err('unavailable')) : err('unavailable')) as Result<never, Unkept>));
      }
    }
    this.isBusy = false;
    for (const done of this.whenIdle.splice(0)) done();
  }

  /** All in one transaction; when that fails each in its own, so that one bad call spoils no other. */
  private async answer(calls: readonly Call[], tries = 1): Promise<Reply[]> {
    try {
      return (await this.attempt(calls)).map(ok);
    } catch (e) {
      if (e instanceof Renewed) {
        await this.settle().catch(() => undefined);
        return calls.map(() => err('unavailable'));
      }
      if (isClash(e) && tries < TRIES) return this.answer(calls, tries + 1);
      this.trouble(e instanceof Error ? e.message : 'unknown');
      if (isFull(e)) return calls.map(() => err('full'));
      if (calls.length === 1 || isOutage(e) || e instanceof Outgrown) return calls.map(() => err('unavailable'));
      const alone: Reply[] = [];
      for (const c of calls) alone.push(...(await this.answer([c])));
      return alone;
    }
  }

  private async attempt(calls: readonly Call[]): Promise<unknown[]> {
    const first = calls[0] as Call;
    const { place, i } = this;
    if (READS.has(first.name)) return this.line.read(async (rows) => (await Promise.all([Promise.all(calls.map((c) => runSoon(stepsOf(c), rows))), place.read(rows, i)]))[0]);
    const { life } = place;
    let mark = 0;
    const appends = calls.flatMap((c): Appending[] => (c.name === 'append' ? [c.input] : []));
    const answers = await this.line.transaction<unknown[], number>(async (rows, n) => {
      mark = n;
      if (appends.length > 0) return appendAll(rows, appends);
      const found: unknown[] = [];
      for (const c of calls) found.push(await runSoon(stepsOf(c), rows));
      return found;
    }, (rows) => place.write(rows, i));
    place.confirmed(i, mark, life);
    return answers;
  }
}

const stepsOf = (c: Call): Steps<unknown> => (CALLS[c.name as keyof typeof CALLS] as (input: unknown) => Steps<unknown>)(c.input);

/** Runs of calls that can be answered together: envelopes, reads; any other call alone. */
function parts(some: readonly Pending[]): Pending[][] {
  const kind = ({ call, life }: Pending): string => (call.name === 'append' ? `append ${life}` : READS.has(call.name) ? `read ${life}` : 'alone');
  const out: Pending[][] = [];
  for (const p of some) {
    const last = out.at(-1);
    if (last !== undefined && kind(p) !== 'alone' && kind(last[0] as Pending) === kind(p)) last.push(p);
    else out.push([p]);
  }
  return out;
}
