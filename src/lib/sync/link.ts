/** One socket to the relay for all groups (PROTOCOL §12): hello, asks and answers, pings, and coming back. It knows no keys. */
import type { RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { Random } from '$crypto/sodium';
import { leadsTo, type Turn } from '$crypto/turn';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay, WIRE_VERSION } from '$crypto/frames';
import { backoff } from './backoff';
import type { Clock, Dial, Later, Socket } from './ports';

const PING_EVERY = 20_000;
const ANSWER_WITHIN = 5_000;
const ASK_WITHIN = 30_000;
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

export interface LinkPorts { readonly dial: Dial; readonly clock: Clock; readonly later: Later; readonly random: Random }

type Ask = Extract<ToRelay, { re: number }>;
type Unnumbered<T> = T extends unknown ? Omit<T, 're'> : never;

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
  private readonly asked = new Map<number, { group: Uint8Array | null; answer: (f: FromRelay | null) => void; stop: () => void }>();
  /** What is waited for now: one thing of each kind. */
  private readonly waiting = new Map<'hello' | 'ping' | 'pong' | 'retry', () => void>();
  private heard = true;

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
  /** The page woke or the network came back: a socket that does not answer at once is dropped, and no back-off is waited for. */
  wake(): void {
    if (this.state === 'stopped') return;
    this.tries = 0;
    if (this.state === 'online') this.ping();
    else if (this.state === 'offline') this.connect();
  }

  /** Sends and resolves with the answer; null when the connection ends first. */
  ask(frame: Unnumbered<Ask>): Promise<FromRelay | null> {
    if (this.state !== 'online' || this.socket === null) return Promise.resolve(null);
    const re = this.re++;
    return new Promise((answer) => {
      const stop = this.ports.later(ASK_WITHIN, () => this.lost());
      this.asked.set(re, { group: 'group' in frame ? frame.group : null, answer, stop });
      this.tell({ ...frame, re } as ToRelay);
    });
  }
  tell(frame: ToRelay): void {
    if (this.state === 'online') this.socket?.send(encodeToRelay(frame));
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
    this.heard = true;
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
    waiting.answer(f);
  }

  private keepAlive(): void {
    this.wait('ping', PING_EVERY, () => {
      if (this.state !== 'online') return;
      this.ping();
      this.keepAlive();
    });
  }
  private ping(): void {
    this.tell({ is: 'ping', re: this.re++ });
    // a line asked again and again is given no more time for it
    if (this.waiting.has('pong')) return;
    this.heard = false;
    this.wait('pong', ANSWER_WITHIN, () => {
      if (this.state === 'online' && !this.heard) this.lost();
    });
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
    this.drop();
    this.state = 'offline';
    this.since ??= this.ports.clock();
    if (was === 'online') this.events.down();
    this.events.changed();
    this.wait('retry', backoff(this.tries++, this.ports.random), () => {
      if (this.state === 'offline') this.connect();
    });
  }
  private wait(what: 'hello' | 'ping' | 'pong' | 'retry', ms: number, then: () => void): void {
    this.waiting.get(what)?.();
    this.waiting.set(what, this.ports.later(ms, () => {
      this.waiting.delete(what);
      then();
    }));
  }
  private clearTimers(): void {
    for (const stop of this.waiting.values()) stop();
    this.waiting.clear();
  }
}
