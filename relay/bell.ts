/** Where a device is to be pushed to (PROTOCOL §11.7): said by the device itself, for one group, in each of its sessions. */
import type { Refusal, ToRelay } from '../crypto/frames';
import { rowOf } from '../crypto/roster/state';
import type { House } from './house';
import { RATE } from './limits';
import { isWait } from './log';
import type { LogSession } from './session';

export type BellFrame = Extract<ToRelay, { is: 'get-bell' | 'put-bell' | 'drop-bell' }>;

export function byBell(h: House, s: LogSession, f: BellFrame): void {
  const { group, connection } = s;
  const no = (why: Refusal, fence = 0): void => connection.refuse(f.re, group.id, why, { fence });
  const done = (): void => connection.send({ is: 'done', re: f.re, group: group.id });
  if (f.is === 'drop-bell') {
    s.bell = false;
    return h.log.call('dropBell', { g: group.g, device: s.device }, (r) => (r.ok ? done() : no('unavailable')));
  }
  const { ringing } = h;
  if (ringing === null) return no('no-bell');
  if (f.is === 'get-bell') return connection.send({ is: 'bell', re: f.re, group: group.id, key: ringing.doorbell.key });
  // a recovery row is a secret on paper, not something that could ring
  if (rowOf(group.state, s.logPk)?.rank === 'recovery') return no('not-allowed');
  const place = ringing.doorbell.placeOf(f.place);
  if (place === null) return no('bad-place');
  const budget = { key: `bell ${s.device}`, most: RATE.bells, now: h.clock() };
  h.log.call('putBell', { g: group.g, device: s.device, place, budget }, (r) => {
    if (!r.ok) return no('unavailable');
    if (isWait(r.value)) return no('rate', r.value.wait);
    s.bell = true;
    done();
  });
}
