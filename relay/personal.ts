/** Personal vaults (PROTOCOL §17.3): lists that only grow, sealed to a phrase that the relay never sees. Whoever holds the vault's key may add and read. */
import { hex } from '../crypto/bytes';
import type { ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import type { House } from './house';
import { type Claim, RATE } from './limits';
import { isWait } from './log';
import { read } from './reading';
import type { Connection } from './session';

export type ItemFrame = Extract<ToRelay, { is: 'put-item' }> | Extract<ToRelay, { is: 'get-items' }>;

export function byVault(h: House, c: Connection, f: ItemFrame): void {
  const vault = c.vaults.get(hex(f.group));
  if (vault === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  if (f.is === 'get-items') {
    return read(h, c, 'items', { vault, after: f.after }, (r) => {
      if (r.ok) c.send({ is: 'items', re: f.re, group: f.group, ...r.value });
      else c.refuse(f.re, f.group, 'unavailable');
    });
  }
  if (f.n > LIMIT.items) return c.refuse(f.re, f.group, 'full');
  // a new vault, then what is added to one: neither without bound
  if (f.n === 1 && ++c.begun > RATE.begun) return c.refuse(f.re, f.group, 'rate', { fence: RATE.meet });
  const time = h.clock();
  const claims: Claim[] = c.from === null ? [] : [[`items from ${c.from}`, RATE.itemsFrom]];
  if (c.from !== null && f.n === 1) claims.push([`vaults from ${c.from}`, RATE.begunFrom]);
  const wait = h.founding.claim(claims, time);
  if (wait > 0) return c.refuse(f.re, f.group, 'rate', { fence: wait });
  h.log.call('putItem', { vault, n: f.n, item: f.item, time, most: RATE.items }, (r) => {
    if (!r.ok || r.value !== 'done') for (const [key] of claims) h.founding.uncount(key);
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    if (r.value === 'done') return c.send({ is: 'done', re: f.re, group: f.group });
    if (isWait(r.value)) return c.refuse(f.re, f.group, 'rate', { fence: r.value.wait });
    c.refuse(f.re, f.group, 'behind', { n: r.value.n });
  });
}
