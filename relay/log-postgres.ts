/**
 * The log in PostgreSQL, for several relays at once. Calls go into lanes by their group; what comes while a lane's transaction runs
 * gathers into the next one, so that one commit serves many. Seq is given inside the append's transaction, under the group's lock.
 */
import { hex } from '../crypto/bytes';
import { err, ok, type Result } from '../crypto/result';
import type { Turn } from './fanout';
import type { Appending, Call, Log } from './log';
import { appendAll } from './log-postgres-append';
import { CALLS, READS } from './log-postgres-calls';
import { connectTo, isClash, isOutage, Line, notDurable } from './postgres';
import { makeTables } from './schema-postgres';
import { runSoon, type Steps } from './steps';

const LANES = 8;
/** Calls answered by one transaction. */
const TOGETHER = 512;
/** How often a call is tried anew when another relay stood in its way. */
const TRIES = 4;

type Reply = Result<unknown, 'unavailable'>;
interface Pending { readonly call: Call; readonly then: (reply: Result<never, 'unavailable'>) => void }

export interface PostgresParts {
  readonly url: string;
  /** Milliseconds since 1970; the store's incarnation when it is new. */
  readonly now: number;
  /** The relay's public key: relays that share a store are one relay to their groups. */
  readonly relayPk: Uint8Array;
  readonly turn: Turn;
  /** Hears why something was not kept. */
  readonly trouble: (words: string) => void;
}

/** Opens or makes the store. Rejects when it cannot be reached, is no primary, would not be durable, or belongs to another relay. */
export async function postgresLog(p: PostgresParts): Promise<Log> {
  const sql = connectTo(p.url);
  let incarnation: number;
  try {
    const weak = await notDurable(sql);
    if (weak !== null) throw new Error(weak);
    ({ incarnation } = await makeTables(sql, p.now, hex(p.relayPk as never)));
  } finally {
    await sql.end({ timeout: 1 });
  }
  const lanes = Array.from({ length: LANES }, () => new Lane(new Line(p.url), p.turn, p.trouble));
  let closed = false;
  return {
    incarnation,
    isShared: true,
    call(name, input, then) {
      const call = { name, input } as Call;
      if (closed) return then(err('unavailable'));
      lanes[laneOf(call)]?.add({ call, then });
    },
    async close() {
      await Promise.all(lanes.map((l) => l.idle()));
      closed = true;
      await Promise.all(lanes.map((l) => l.line.close()));
    }
  };
}

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

  constructor(readonly line: Line, private readonly turn: Turn, private readonly trouble: (words: string) => void) {}

  add(p: Pending): void {
    this.gathered.push(p);
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
        const replies = await this.answer(part.map((p) => p.call));
        part.forEach((p, i) => p.then((replies[i] ?? err('unavailable')) as Result<never, 'unavailable'>));
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
      if (isClash(e) && tries < TRIES) return this.answer(calls, tries + 1);
      this.trouble(e instanceof Error ? e.message : 'unknown');
      if (calls.length === 1 || isOutage(e)) return calls.map(() => err('unavailable'));
      const alone: Reply[] = [];
      for (const c of calls) alone.push(...(await this.answer([c])));
      return alone;
    }
  }

  private async attempt(calls: readonly Call[]): Promise<unknown[]> {
    const first = calls[0] as Call;
    if (READS.has(first.name)) return this.line.read((rows) => Promise.all(calls.map((c) => runSoon(stepsOf(c), rows))));
    const appends = calls.flatMap((c): Appending[] => (c.name === 'append' ? [c.input] : []));
    return this.line.transaction(async (rows) => {
      if (appends.length > 0) return appendAll(rows, appends);
      const answers: unknown[] = [];
      for (const c of calls) answers.push(await runSoon(stepsOf(c), rows));
      return answers;
    });
  }
}

const stepsOf = (c: Call): Steps<unknown> => (CALLS[c.name as keyof typeof CALLS] as (input: unknown) => Steps<unknown>)(c.input);

/** Runs of calls that can be answered together: envelopes, reads; any other call alone. */
function parts(some: readonly Pending[]): Pending[][] {
  const kind = (p: Pending): string => (p.call.name === 'append' ? 'append' : READS.has(p.call.name) ? 'read' : 'alone');
  const out: Pending[][] = [];
  for (const p of some) {
    const last = out.at(-1);
    if (last !== undefined && kind(p) !== 'alone' && kind(last[0] as Pending) === kind(p)) last.push(p);
    else out.push([p]);
  }
  return out;
}
