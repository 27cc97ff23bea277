/**
 * Meetings of two devices of one person (PROTOCOL §18): a few sealed items under a key that both hold, for a quarter of an hour, then
 * gone. Whoever knows the code may read and add; the relay sees neither who meets nor why.
 */
import { hex } from '../crypto/bytes';
import { LIMIT } from '../crypto/limits';
import type { House } from './house';
import { type Claim, RATE } from './limits';
import type { ItemFrame } from './personal';
import { read } from './reading';
import type { Connection } from './session';

export function byMeeting(h: House, c: Connection, f: ItemFrame): void {
  const meet = c.meets.get(hex(f.group));
  if (meet === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  const now = h.clock();
  const since = now - RATE.meet;
  if (f.is === 'get-items') {
    return read(h, c, 'meeting', { meet, after: f.after, since }, (r) => {
      if (!r.ok) c.refuse(f.re, f.group, 'unavailable');
      else if (r.value === null) c.refuse(f.re, f.group, 'ended');
      else c.send({ is: 'items', re: f.re, group: f.group, items: r.value.items, more: r.value.more });
    });
  }
  if (f.n > LIMIT.meetItems) return c.refuse(f.re, f.group, 'full');
  if (f.n === 1 && ++c.begun > RATE.begun) return c.refuse(f.re, f.group, 'rate', { fence: RATE.meet });
  const claims: Claim[] = c.from === null || f.n !== 1 ? [] : [[`meetings from ${c.from}`, RATE.begunFrom]];
  const wait = h.founding.claim(claims, now);
  if (wait > 0) return c.refuse(f.re, f.group, 'rate', { fence: wait });
  h.log.call('putMeeting', { meet, n: f.n, item: f.item, time: now, since, most: RATE.meetings }, (r) => {
    if (!r.ok || r.value !== 'done') for (const [key] of claims) h.founding.uncount(key);
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    if (r.value === 'done') return c.send({ is: 'done', re: f.re, group: f.group });
    if (typeof r.value === 'string') return c.refuse(f.re, f.group, r.value);
    c.refuse(f.re, f.group, 'behind', { n: r.value.n });
  });
}
