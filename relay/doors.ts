/** Who may open a connection, or ask for something: so many from one address, and so many a second from all together, so that a crowd that comes back does it in turn. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';
import { isLoopback } from './hosts';
import { Bucket, RATE } from './limits';

/** Seconds after which to come again; 0: come in. */
export type Wait = number;

export class Doors {
  private readonly from = new Map<string, number>();
  private readonly all: Bucket | null;

  /** `each`: those from one address, 0 = no limit; `pace` 0: no limit on how many come at once. */
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

interface Range { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' }

/** An address, or a network by its prefix; null when it is neither. */
function rangeOf(said: string): Range | null {
  const [, name = '', bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(said) ?? [];
  const address = plain(name);
  if (isIP(address) === 0) return null;
  const [family, most] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
  const prefix = Number(bits ?? most);
  return prefix <= most ? { address, prefix, family } : null;
}
/** Whether a proxy can be told of in these words. */
export const isProxy = (said: string): boolean => rangeOf(said) !== null;

/** Whose `X-Forwarded-For` is believed: this computer, and those of these words that say a proxy. */
export function proxiesOf(said: readonly string[]): BlockList {
  const all = new BlockList();
  for (const r of ['127.0.0.1', '::1', ...said].map(rangeOf)) if (r !== null) all.addSubnet(r.address, r.prefix, r.family);
  return all;
}

/**
 * What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 one, which is what one customer is given. Behind proxies it
 * is the last in their header that is none of them: whatever stands before it, somebody else may have written. Null for this computer itself.
 */
export function addressOf(remote: string | undefined, forwarded: string | string[] | undefined, proxies: BlockList): string | null {
  const way = [...String(forwarded ?? '').split(',').map((a) => plain(a.trim())).filter(Boolean), plain(remote ?? '')];
  const seen = way.findLast((a) => isIP(a) === 0 || !proxies.check(a, isIPv6(a) ? 'ipv6' : 'ipv4')) ?? (way[0] as string);
  if (isLoopback(seen) || seen === '') return null;
  if (!isIPv6(seen)) return seen;
  const [head = '', tail] = seen.split('::') as [string, string?];
  const left = head.split(':').filter(Boolean);
  const right = tail === undefined ? [] : tail.split(':').filter(Boolean);
  const all = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return all.slice(0, 4).join(':');
}
/** An address as it is written once and for all; of an IPv4 one in IPv6, the IPv4 one. */
const plain = (a: string): string => (isIPv6(a) ? new SocketAddress({ address: a, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '') : a);
