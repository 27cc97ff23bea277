/** What a session may fetch: entries, its own lockboxes, pages of envelopes (PROTOCOL §11). */
import { hex } from '../crypto/bytes';
import type { ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import { encodePage } from '../crypto/packed';
import type { House } from './house';
import type { Connection, LogSession } from './session';

type Of<K extends ToRelay['is']> = Extract<ToRelay, { is: K }>;

/** Entries after a seq: all of them, or up to the one that ended the session's row. */
export function entries(h: House, c: Connection, f: Of<'roster'>): void {
  const log = c.logs.get(hex(f.group));
  const group = (log ?? c.invites.get(hex(f.group)))?.group;
  if (group === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  h.follow.current(group, (ok) => group.run(() => {
    if (!ok) return c.refuse(f.re, f.group, 'unavailable');
    const upTo = log?.gone ?? group.state.seq;
    h.log.call('entries', { g: group.g, after: f.after, upTo, most: LIMIT.page }, (r) => {
      if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
      c.send({ is: 'entries', re: f.re, group: f.group, items: r.value.items, more: r.value.more });
    });
  }));
}

export function lockboxes(h: House, c: Connection, f: Of<'lockboxes'>): void {
  const s = c.logs.get(hex(f.group));
  if (s === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  s.group.run(() =>
    h.log.call('lockboxes', { g: s.group.g, device: s.device, after: f.after }, (r) => {
      if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
      c.send({ is: 'lockboxes', re: f.re, group: f.group, items: r.value.items, more: r.value.more });
    })
  );
}

export function page(h: House, s: LogSession, f: Of<'fetch'>): void {
  const { group, connection } = s;
  h.log.call('page', { g: group.g, way: f.way, from: f.from, most: f.most }, (r) => {
    if (!r.ok) return connection.refuse(f.re, group.id, 'unavailable');
    const page = r.value;
    // the row may have ended since it asked, here or at another relay
    h.follow.current(group, (ok) => {
      if (!ok) return connection.refuse(f.re, group.id, 'unavailable');
      if (s.gone !== null) return connection.send({ is: 'gone', re: f.re, group: group.id, seq: s.gone });
      connection.write(encodePage({ re: f.re, group: group.id, ...page }));
    });
  });
}
