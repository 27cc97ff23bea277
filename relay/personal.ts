/** Personal vaults (PROTOCOL §17.3): lists that only grow, sealed to a phrase that the relay never sees. Whoever holds the vault's key may add and read. */
import { hex } from '../crypto/bytes';
import type { ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import type { House } from './house';
import { RATE } from './limits';
import { isWait } from './log';
import type { Connection } from './session';

export type ItemFrame = Extract<ToRelay, { is: 'put-item' }> | Extract<ToRelay, { is: 'get-items' }>;

export function byVault(h: House, c: Connection, f: ItemFrame): void {
  const vault = c.vaults.get(hex(f.group));
  if (vault === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  if (f.is === 'get-items') {
    return h.log.call('items', { vault, after: f.after }, (r) => {
      if (r.ok) c.send({ is: 'items', re: f.re, group: f.group, ...r.value });
      else c.refuse(f.re, f.group, 'unavailable');
    });
  }
  if (f.n > LIMIT.items) return c.refuse(f.re, f.group, 'full');
  // a new vault, then what is added to one: neither without bound
  if (f.n === 1 && ++c.begun > RATE.begun) return c.refuse(f.re, f.group, 'rate', { fence: RATE.meet });
  h.log.call('putItem', { vault, n: f.n, item: f.item, time: h.clock(), most: RATE.items }, (r) => {
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    if (r.value === 'done') return c.send({ is: 'done', re: f.re, group: f.group });
    if (isWait(r.value)) return c.refuse(f.re, f.group, 'rate', { fence: r.value.wait });
    c.refuse(f.re, f.group, 'behind', { n: r.value.n });
  });
}
