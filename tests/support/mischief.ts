/** Random mischief by Rhea: what a hostile relay and network can do to frames without proving itself a liar. All of it is drawn from a seed. */
import type { Bytes } from '../../crypto/brand';
import { type FromRelay, NO_DETAIL, type Refusal, type ToRelay } from '../../crypto/frames';
import type { Random } from '../../crypto/sodium';
import { seeded } from './actor';
import type { Rhea } from './rhea';
import type { Device } from './world';

export const TRICKS = [
  'withhold', 'delay', 'duplicate', 'replay', 'cross', 'mislabel', 'spoil', 'cut-pages', 'refuse', 'swallow', 'junk-boxes', 'older', 'more', 'no-receipt', 'gone'
] as const;
export type Trick = (typeof TRICKS)[number];

const FALSE: readonly Refusal[] = ['stale', 'gap', 'conflict', 'held', 'void', 'unavailable', 'rate', 'behind', 'moved', 'not-allowed', 'no-blob', 'malformed'];

/** Plays these tricks, each at about one frame in `rarity`, until `rhea.repent()`. */
export function misbehave(rhea: Rhea, tricks: readonly Trick[], seed: number, rarity: number): void {
  const random: Random = seeded(`mischief ${seed}`);
  const draw = (n: number): number => ((random(2)[0] as number) * 256 + (random(1)[0] as number)) % n;
  const plays = (t: Trick): boolean => tricks.includes(t) && draw(rarity) === 0;
  const spoil = (b: Bytes): Bytes => {
    const out = b.slice();
    if (out.length > 0) out[draw(out.length)]! ^= 1 << draw(8);
    return out;
  };
  const later = (device: Device, f: FromRelay): void => void rhea.world.time.later(draw(4_000), () => rhea.tell(device, f));

  const alter = (f: FromRelay, to: Device): FromRelay[] => {
    switch (f.is) {
      case 'page': {
        let { items } = f;
        if (plays('mislabel')) items = items.map((i) => (draw(2) ? { ...i, n: i.n + draw(3) } : { ...i, device: 1 + draw(4) }));
        if (plays('spoil')) items = items.map((i) => (draw(2) ? { ...i, envelope: spoil(i.envelope) } : i));
        if (plays('cut-pages')) items = items.filter(() => draw(2) === 0);
        return [{ ...f, items, more: plays('more') ? !f.more : f.more }];
      }
      case 'entries': {
        let { items } = f;
        if (plays('cut-pages')) items = items.filter(() => draw(2) === 0);
        if (plays('no-receipt')) items = items.map((i) => ({ ...i, receipt: { ...i.receipt, signature: spoil(i.receipt.signature) } }));
        return [{ ...f, items, more: plays('more') ? !f.more : f.more }];
      }
      case 'lockboxes': {
        let { items } = f;
        if (plays('junk-boxes')) items = items.map((i) => (draw(2) ? { ...i, lockbox: spoil(i.lockbox) } : { ...i, seq: i.seq + draw(3) }));
        if (plays('cut-pages')) items = items.filter(() => draw(2) === 0);
        return [{ ...f, items }];
      }
      case 'welcome':
        if (!plays('older')) return [f];
        return [draw(2) ? { ...f, rosterSeq: Math.max(0, f.rosterSeq - 1) } : { ...f, feedSeq: 0, head: { ...f.head, n: 0 } }];
      case 'acks':
      case 'requests':
        return plays('withhold') ? [] : [f];
      default:
        if (plays('gone') && 'group' in f) rhea.tell(to, { is: 'gone', re: 0, group: f.group, seq: draw(20) });
        return [f];
    }
  };

  rhea.down = (f, to) => {
    if (f.is === 'hello') return [f];
    if (plays('withhold')) return [];
    const out = alter(f, to);
    if (plays('replay')) {
      const old = rhea.heard[draw(rhea.heard.length)];
      if (old !== undefined && (old.device === to.name || plays('cross')) && old.f.is !== 'hello') out.push(old.f);
    }
    if (plays('duplicate')) out.push(...out);
    if (plays('delay')) {
      for (const o of out) later(to, o);
      return [];
    }
    return out;
  };
  rhea.up = (f: ToRelay, _from, answer) => {
    if (plays('swallow')) return [];
    if (f.is !== 'ping' && f.is !== 'boxes' && plays('refuse')) {
      const re = f.is === 'append' ? f.n : f.re;
      answer({ is: 'refused', re, group: f.group, why: FALSE[draw(FALSE.length)] as Refusal, detail: { ...NO_DETAIL, n: draw(9), fence: draw(9) } });
      return [];
    }
    return plays('duplicate') && f.is !== 'auth' ? [f, f] : [f];
  };
}
