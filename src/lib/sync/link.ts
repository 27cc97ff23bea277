/**
 * One socket to the relay for all groups (PROTOCOL §11.9, §12): hello, asks and answers, pings, and coming back. It knows no keys.
 * Only whole messages are seen of a socket, so a slow line looks like a dead one until the answer is there.
 */
import type { RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { Random } from '$crypto/sodium';
import { LIMIT } from '$crypto/limits';
import { leadsTo, type Turn } from '$crypto/turn';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay, WIRE_VERSION } from '$crypto/frames';
import { backoff } from './backoff';
import type { Clock, Dial, Later, Socket } from './ports';

const PING_EVERY = 20_000;
const ANSWER_WITHIN = 5_000;
/**
 * An answer is of 192 KiB at most, which at 4 KiB a second is there in 48 s. The largest envelope, a page of its own, is there in 24 s, and
 * in 48 s when the ask goes out behind another such. Only of a group that has had thousands of logs
 * is what `show` brings larger. On a line that dies unseen with an ask under way nobody knows for as long.
 */
const ASK_WITHIN = 60_000;
/** A page that takes longer is too large for the line; one that takes less than a quarter of it may be twice as large. */
const PAGE_WITHIN = 10_000;
/** Bytes that a line takes in a second, at the least. */
const SLOWEST = 4096;
/** Asks are numbered above every possible n, so that a refused append is never taken for an answer. */
const FIRST_RE = 2 ** 32;

export type Hello = Extract<FromRelay, { is: 'hello' }>;
export type LinkState = 'offline' | 'connecting' | 'online' | 'stopped';

export interface LinkEvents {
  /** A fresh connection stands; sessions must be opened anew. */
  up(hello: Hello): void;
  down(): void;
  /** Anything that is no answer to an ask. */
  frame(f: FromRelay): void;
  changed(): void;
}

type Wait = 'hello' | 'ping' | 'pong' | 'sign' | 'retry';
export interface LinkPorts { readonly dial: Dial; readonly clock: Clock; readonly later: Later; readonly random: Random }

type Ask = Extract<ToRelay, { re: number }>;
type Unnumbered<T> = T extends unknown ? Omit<T, 're'> : never;
interface Asked {
  readonly group: Uint8Array | null;
  readonly answer: (f: FromRelay | null) => void;
  readonly stop: () => void;
  readonly at: number;
  /** Envelopes asked for; 0 when it is no page. */
  readonly most: number;
}

export class Link {
  state: LinkState = 'stopped';
  /** Since when there is no connection; null while online. */
  since: number | null = null;
  hello: Hello | null = null;
  /** How the relay's earlier keys name later ones, as it said before its hello. */
  turns: readonly Turn[] = [];
  private socket: Socket | null = null;
  private tries = 0;
  private re = FIRST_RE;
  private readonly asked = new Map<number, Asked>();
  /** What is waited for now: one thing of each kind. */
  private readonly waiting = new Map<Wait, () => void>();
  /** Bytes told on this connection, how many of them have arrived for certain, and how many went before the newest ping: its answer says that those have. */
  private told = { all: 0, arrived: 0, before: { re: 0, bytes: 0 } };
  /** Envelopes that come in good time in one page; it outlasts connections. */
  private fits = Infinity;

  constructor(private readonly ports: LinkPorts, private readonly events: LinkEvents) {}

  start(): void {
    if (this.state !== 'stopped') return;
    this.since = this.ports.clock();
    this.connect();
  }
  stop(): void {
    this.drop();
    this.clearTimers();
    this.state = 'stopped';
  }
  /**
   * The page woke or the network came back: a socket that gives no sign at once is dropped, and no back-off is waited for. With an answer
   * under way it has the time in which a page should be there; one that takes longer is lost, and the next is smaller.
   */
  wake(): void {
    if (this.state === 'stopped') return;
    this.tries = 0;
    if (this.state === 'online') this.ping('sign', this.asked.size > 0 ? PAGE_WITHIN : ANSWER_WITHIN);
    else if (this.state === 'offline') this.connect();
  }

  /** Sends and resolves with the answer; null when the connection ends first. Of a page no more is asked for than the line brings in good time. */
  ask(frame: Unnumbered<Ask>): Promise<FromRelay | null> {
    if (this.state !== 'online' || this.socket === null) return Promise.resolve(null);
    const re = this.re++;
    const most = frame.is === 'fetch' ? Math.min(frame.most, this.fits) : 0;
    return new Promise((answer) => {
      const stop = this.ports.later(ASK_WITHIN, () => this.lost());
      this.asked.set(re, { group: 'group' in frame ? frame.group : null, answer, stop, at: this.ports.clock(), most });
      this.tell({ ...frame, re, ...(most > 0 && { most }) } as ToRelay);
    });
  }
  tell(frame: ToRelay): void {
    if (this.state !== 'online') return;
    const bytes = encodeToRelay(frame);
    this.told.all += bytes.length;
    this.socket?.send(bytes);
  }
  /** Whether the relay that is there speaks for one with this key: it is that one, or that one named it. */
  speaksFor(relayPk: RelayPk): boolean {
    return this.hello !== null && leadsTo(this.turns, relayPk, this.hello.relayPk);
  }
  /** Drops the connection and makes a new one. */
  again(): void {
    if (this.state === 'online') this.lost();
  }

  private connect(): void {
    this.clearTimers();
    this.turns = [];
    this.told = { all: 0, arrived: 0, before: { re: 0, bytes: 0 } };
    this.state = 'connecting';
    this.events.changed();
    let mine: Socket | null = null;
    const current = (): boolean => mine !== null && this.socket === mine;
    mine = this.ports.dial({
      open: () => undefined,
      frame: (bytes) => {
        if (current()) this.take(bytes);
      },
      closed: () => {
        if (current()) this.lost();
      }
    });
    this.socket = mine;
    this.wait('hello', ANSWER_WITHIN * 2, () => {
      if (this.state === 'connecting') this.lost();
    });
  }

  private take(bytes: Uint8Array): void {
    const d = decodeFromRelay(bytes);
    if (!d.ok) return;
    const f = d.value;
    // whatever comes is a sign of life
    this.callOff('pong');
    this.callOff('sign');
    if (f.is === 'pong' && f.re === this.told.before.re) this.told.arrived = this.told.before.bytes;
    if (f.is === 'turns' && this.state === 'connecting') {
      this.turns = f.turns;
      return;
    }
    if (f.is === 'hello') {
      if (this.state !== 'connecting' || f.version !== WIRE_VERSION) return;
      this.clearTimers();
      this.state = 'online';
      this.since = null;
      this.tries = 0;
      this.hello = f;
      this.keepAlive();
      this.events.up(f);
      this.events.changed();
      return;
    }
    const waiting = 're' in f ? this.asked.get(f.re) : undefined;
    if (waiting === undefined) {
      this.events.frame(f);
      return;
    }
    // an answer about another group is none
    if (waiting.group !== null && 'group' in f && !equal(f.group, waiting.group)) return;
    this.asked.delete((f as { re: number }).re);
    waiting.stop();
    if (f.is === 'page' && f.more) this.learn(this.ports.clock() - waiting.at, waiting.most, f.items.length);
    waiting.answer(f);
  }

  private keepAlive(): void {
    this.wait('ping', PING_EVERY, () => {
      if (this.state !== 'online') return;
      // on a line that was slow before, a large envelope of somebody may be on its way
      this.ping('pong', ANSWER_WITHIN, this.fits < LIMIT.page ? LIMIT.envelope : 0);
      this.keepAlive();
    });
  }
  /** Asks for a sign of life within `ms`, and the time that may go by for what was told before it and for `pushed` bytes before the answer. */
  private ping(as: 'pong' | 'sign', ms: number, pushed = 0): void {
    const re = this.re++;
    const more = Math.floor((this.told.all - this.told.arrived + pushed) / SLOWEST) * 1000;
    this.told.before = { re, bytes: this.told.all };
    this.tell({ is: 'ping', re });
    // a line asked again and again is given no more time for it
    if (this.waiting.has(as)) return;
    this.wait(as, Math.min(ms + more, ASK_WITHIN), () => {
      // behind an answer that is under way no pong can come; that answer has a time of its own
      if (as === 'sign' || this.asked.size === 0) this.lost();
    });
  }
  /** A page of `items`, behind which there is more, came after `ms`. */
  private learn(ms: number, most: number, items: number): void {
    if (ms > PAGE_WITHIN) this.fits = Math.max(1, Math.min(this.fits, Math.floor(items / 2)));
    else if (ms < PAGE_WITHIN / 4 && most >= this.fits) this.fits = most * 2;
  }
  /** Pages are lost with the line. How large their envelopes were nobody knows, so the next ones are far smaller: they grow again soon enough. */
  private learnOfLost(): void {
    const slow = [...this.asked.values()].filter((a) => this.ports.clock() - a.at >= PAGE_WITHIN).map((a) => a.most);
    const most = Math.max(0, ...slow);
    if (most > 0) this.fits = Math.max(1, Math.min(this.fits, Math.floor(most / 8)));
  }

  private drop(): void {
    const s = this.socket;
    this.socket = null;
    this.hello = null;
    s?.close();
    for (const a of this.asked.values()) {
      a.stop();
      a.answer(null);
    }
    this.asked.clear();
  }
  private lost(): void {
    const was = this.state;
    this.clearTimers();
    this.learnOfLost();
    this.drop();
    this.state = 'offline';
    this.since ??= this.ports.clock();
    if (was === 'online') this.events.down();
    this.events.changed();
    this.wait('retry', backoff(this.tries++, this.ports.random), () => {
      if (this.state === 'offline') this.connect();
    });
  }
  private wait(what: Wait, ms: number, then: () => void): void {
    this.callOff(what);
    this.waiting.set(what, this.ports.later(ms, () => {
      this.waiting.delete(what);
      then();
    }));
  }
  private callOff(what: Wait): void {
    this.waiting.get(what)?.();
    this.waiting.delete(what);
  }
  private clearTimers(): void {
    for (const stop of this.waiting.values()) stop();
    this.waiting.clear();
  }
}
