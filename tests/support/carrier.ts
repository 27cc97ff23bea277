/** A device on real sockets that does not give up: it sends what it has sealed, again after every fault, to whichever relay answers. */
import WebSocket from 'ws';
import { proveAccess } from '../../crypto/access';
import type { Bytes, GroupId } from '../../crypto/brand';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../crypto/frames';
import type { Random } from '../../crypto/sodium';
import type { Device } from './actor';
import { until } from './engines';

const AT_ONCE = 64;
const AGAIN = 250;

export class Carrier {
  readonly heard: FromRelay[] = [];
  /** Number in its log → feed seq, as acknowledged. */
  readonly acked = new Map<number, number>();
  /** Feed seq → envelope, as shown. */
  readonly feed = new Map<number, Bytes>();
  sealed: readonly Bytes[] = [];
  bearer: Bytes | null = null;
  /** How often it came to a relay. */
  visits = 0;
  private ws: WebSocket | null = null;
  private isLive = false;
  private sent = 0;
  private re = 1;
  private ends = false;
  private isWaiting = false;

  /** `ports`: relays, tried in turn. */
  constructor(readonly device: Device, readonly group: GroupId, private readonly ports: readonly number[], private readonly random: Random) {}

  tell(f: ToRelay): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(encodeToRelay(f));
  }
  /** Sends with a fresh `re`; its answer. */
  async ask(make: (re: number) => ToRelay): Promise<FromRelay> {
    const re = ++this.re;
    this.tell(make(re));
    await until(() => this.heard.some((f) => 're' in f && f.re === re));
    return this.heard.find((f) => 're' in f && f.re === re) as FromRelay;
  }
  /** Connects, to `opens` alone before there is a group; resolves once a session stands. */
  async go(first?: (hello: FromRelay) => void): Promise<void> {
    this.connect(first);
    await until(() => this.isLive || (first !== undefined && this.heard.length > 0));
  }
  prove(): void {
    const hello = this.heard.findLast((f) => f.is === 'hello');
    if (hello?.is !== 'hello') return;
    const nonce = this.random(32);
    const proof = { as: 'log', host: `127.0.0.1:${this.port}`, group: this.group, serverNonce: hello.nonce, nonce } as const;
    this.tell({ is: 'auth', re: ++this.re, group: this.group, as: 'log', key: this.device.logPk, nonce, signature: proveAccess(proof, this.device.logSk) });
  }
  get port(): number {
    return this.ports[this.visits % this.ports.length] as number;
  }
  end(): void {
    this.ends = true;
    this.ws?.terminate();
  }
  /** Sends what is sealed and not acknowledged, a window of it. */
  pump(): void {
    if (!this.isLive) return;
    while (this.sent < this.sealed.length && this.sent < this.acked.size + AT_ONCE) {
      const n = ++this.sent;
      this.tell({ is: 'append', group: this.group, n, envelope: this.sealed[n - 1] as Bytes });
    }
  }

  private connect(first?: (hello: FromRelay) => void): void {
    const ws = new WebSocket(`ws://127.0.0.1:${this.port}/ws`);
    this.ws = ws;
    ws.on('message', (m: Buffer) => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (!f.ok) throw new Error('unreadable');
      this.take(f.value, first);
    });
    ws.on('error', () => undefined);
    ws.on('close', () => {
      this.isLive = false;
      this.visits++;
      if (!this.ends) setTimeout(() => !this.ends && this.connect(), AGAIN);
    });
  }
  private fetch(): void {
    this.tell({ is: 'fetch', re: 0xfe, group: this.group, way: 'up', from: this.cursor, most: 500 });
  }
  /** Feed seq up to which nothing is missing. */
  private get cursor(): number {
    let at = this.seen;
    while (this.feed.has(at + 1)) at++;
    return (this.seen = at);
  }
  private seen = 0;

  private take(f: FromRelay, first?: (hello: FromRelay) => void): void {
    if (f.is !== 'page' && f.is !== 'acks') this.heard.push(f);
    switch (f.is) {
      case 'hello':
        return first === undefined ? this.prove() : first(f);
      case 'welcome':
        this.isLive = true;
        this.bearer = f.bearer;
        this.sent = this.acked.size;
        this.fetch();
        return this.pump();
      case 'acks':
        for (const i of f.items) {
          this.acked.set(i.n, i.seq);
          this.feed.set(i.seq, this.sealed[i.n - 1] as Bytes);
        }
        return this.pump();
      case 'page':
        for (const i of f.items) this.feed.set(i.seq, i.envelope);
        if (f.re !== 0 && f.more) this.fetch();
        return;
      case 'refused':
        // the store was away, or the session never opened: once more, a little later
        if ((f.why !== 'unavailable' && f.why !== 'gap') || this.isWaiting) return;
        this.isWaiting = true;
        setTimeout(() => {
          this.isWaiting = false;
          if (!this.isLive) return this.prove();
          this.sent = this.acked.size;
          this.fetch();
          this.pump();
        }, AGAIN);
        return;
      default:
    }
  }
}
