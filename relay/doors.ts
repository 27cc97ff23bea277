/** Who may open a connection: so many from one address, and so many a second from all together, so that a crowd that comes back does it in turn. */
import { isIPv6 } from 'node:net';
import { isLoopback } from './hosts';
import { Bucket, RATE } from './limits';

/** Seconds after which to come again; 0: come in. */
export type Wait = number;

export class Doors {
  private readonly from = new Map<string, number>();
  private readonly all: Bucket | null;

  /** `each`: connections from one address, 0 = no limit; `pace` 0: no limit on how many come at once. */
  constructor(private readonly each: number, pace: number, private readonly clock: () => number) {
    this.all = pace === 0 ? null : new Bucket(RATE.comeAtOnce, RATE.comePerSecond, clock());
  }
  enter(from: string | null): Wait {
    if (from !== null && this.each > 0 && (this.from.get(from) ?? 0) >= this.each) return RATE.comeAgain;
    const wait = this.all?.take(this.clock()) ?? 0;
    if (wait > 0) {
      this.all?.give();
      return Math.ceil(wait / 1000);
    }
    if (from !== null) this.from.set(from, (this.from.get(from) ?? 0) + 1);
    return 0;
  }
  leave(from: string | null): void {
    if (from === null) return;
    const left = (this.from.get(from) ?? 0) - 1;
    if (left > 0) this.from.set(from, left);
    else this.from.delete(from);
  }
}

/**
 * What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 one, which is what one customer is given. Behind a proxy on
 * this computer it is the one that the proxy saw, the last in its header. Null for this computer itself.
 */
export function addressOf(remote: string | undefined, forwarded: string | string[] | undefined): string | null {
  const peer = plain(remote ?? '');
  const seen = isLoopback(peer) && forwarded !== undefined ? plain(String(forwarded).split(',').at(-1)?.trim() ?? '') : peer;
  if (isLoopback(seen) || seen === '') return null;
  if (!isIPv6(seen)) return seen;
  const [head = '', tail] = seen.split('::') as [string, string?];
  const left = head.split(':').filter(Boolean);
  const right = tail === undefined ? [] : tail.split(':').filter(Boolean);
  const all = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return all.slice(0, 4).map((x) => parseInt(x, 16).toString(16)).join(':');
}
const plain = (a: string): string => a.replace(/^::ffff:(?=\d+\.)/, '');
