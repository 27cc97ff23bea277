/** Wants for keys and their answers (PROTOCOL §10.1): one want of each live device, the newest answer of each member; the relay opens none of them. */
import { hex, unhex } from '../crypto/bytes';
import type { Bytes, MemberTag } from '../crypto/brand';
import { encodeFromRelay, type Refusal, type ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import { isLive, rowByDevice, rowOf } from '../crypto/roster/state';
import { unreachable } from '../crypto/result';
import { decodeWant, verifyWant } from '../crypto/want';
import { cut } from './cut';
import type { House } from './house';
import { RATE } from './limits';
import { isWait } from './log';
import { read } from './reading';
import type { LogSession } from './session';

type Of<K extends ToRelay['is']> = Extract<ToRelay, { is: K }>;
export type WantFrame = Of<'want'> | Of<'get-wants'> | Of<'put-keys'> | Of<'get-keys'>;

/** By a live device. */
export function byDevice(h: House, s: LogSession, f: WantFrame): void {
  const { group, connection } = s;
  const no = (why: Refusal, fence = 0): void => connection.refuse(f.re, group.id, why, { fence });
  switch (f.is) {
    case 'want':
      return want(h, s, f);
    case 'get-wants':
      return h.log.call('wants', { g: group.g }, (r) => {
        if (!r.ok) return no('unavailable');
        const standing = r.value.filter((w) => (rowByDevice(group.state, w.device)?.end ?? null) === null).sort((a, b) => a.answers - b.answers);
        // the rest is shown once these are answered
        const { items } = cut(standing, LIMIT.devices, (w) => w.want.length + 12);
        connection.send({ is: 'wants', re: f.re, group: group.id, items: items.map(({ want: bytes, answers }) => ({ want: bytes, answers })) });
      });
    case 'put-keys': {
      const to = rowOf(group.state, f.to);
      if (to === null || !isLive(to)) return no('not-found');
      const budget = { key: `keys ${s.device}`, most: RATE.answers, now: h.clock() };
      return h.log.call('putKeys', { g: group.g, device: to.device, want: f.want, by: unhex(s.member) as Bytes as MemberTag, keys: f.keys, budget }, (r) => {
        if (!r.ok) return no('unavailable');
        if (isWait(r.value)) return no('rate', r.value.wait);
        if (r.value === 'not-found') return no('not-found');
        connection.send({ is: 'done', re: f.re, group: group.id });
        h.follow.changed(group);
        const frame = encodeFromRelay({ is: 'keys', re: 0, group: group.id, items: [{ at: r.value.at, keys: f.keys }], more: false });
        for (const other of group.logs) if (other.key === hex(to.logPk)) other.connection.write(frame);
      });
    }
    case 'get-keys':
      return read(h, connection, 'keys', { g: group.g, device: s.device, after: f.after }, (r) => {
        if (r.ok) connection.send({ is: 'keys', re: f.re, group: group.id, ...r.value });
        else no('unavailable');
      });
    default:
      return unreachable(f);
  }
}

function want(h: House, s: LogSession, f: Of<'want'>): void {
  const { group, connection } = s;
  const no = (why: Refusal, fence = 0): void => connection.refuse(f.re, group.id, why, { fence });
  if (f.want.length > 0) {
    const w = decodeWant(f.want);
    if (!w.ok) return no('malformed');
    if (hex(w.value.logPk) !== s.key || !verifyWant(group.id, w.value)) return no('not-allowed');
  }
  const budget = { key: `want ${s.device}`, most: RATE.wants, now: h.clock() };
  h.log.call('putWant', { g: group.g, device: s.device, want: f.want.length > 0 ? f.want : null, time: budget.now, budget }, (r) => {
    if (!r.ok) return no('unavailable');
    if (isWait(r.value)) return no('rate', r.value.wait);
    connection.send({ is: 'done', re: f.re, group: group.id });
    if (r.value === 'again' || f.want.length === 0) return;
    h.follow.changed(group);
    const frame = encodeFromRelay({ is: 'wants', re: 0, group: group.id, items: [{ want: f.want, answers: 0 }] });
    for (const other of group.logs) if (other !== s) other.connection.write(frame);
  });
}
