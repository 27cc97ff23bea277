/** What a session may fetch: entries, its own lockboxes, pages of envelopes (PROTOCOL §11). */
import { equal, hex } from '../crypto/bytes';
import type { ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import { decodeEntry } from '../crypto/roster/entry';
import type { Invite } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import { ask } from './log';
import { standing } from './mailbox';
import { read } from './reading';
import type { Connection, LogSession } from './session';

type Of<K extends ToRelay['is']> = Extract<ToRelay, { is: K }>;

/** Entries after a seq: all of them, up to the one that ended the session's row, or up to the one that used its invite. */
export function entries(h: House, c: Connection, f: Of<'roster'>): void {
  const log = c.logs.get(hex(f.group));
  const invite = log === undefined ? c.invites.get(hex(f.group)) : undefined;
  const group = (log ?? invite)?.group;
  if (group === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  h.follow.current(group, (ok) => group.run(() => {
    if (!ok) return c.refuse(f.re, f.group, 'unavailable');
    const send = (upTo: number): void =>
      read(h, c, 'entries', { g: group.g, after: f.after, upTo, most: LIMIT.page }, (r) => {
        if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
        c.send({ is: 'entries', re: f.re, group: f.group, items: r.value.items, more: r.value.more });
      });
    if (invite === undefined) return send(log?.gone ?? group.state.seq);
    // whoever has a link has it for good, those who are out included: what comes after its time is not theirs to follow
    const at = standing(h, group, invite.invite);
    if (at?.words === 'pending') return send(group.state.seq);
    if (at?.words !== 'used') return c.refuse(f.re, f.group, 'not-allowed', { words: at?.words ?? '' });
    void usedAt(h, group, at.invite).then((seq) => (seq === null ? c.refuse(f.re, f.group, 'unavailable') : send(seq)));
  }));
}

/** Seq of the entry by which somebody came in by an invite. Null when the store did not answer. It is looked for once: whoever has the link may ask without end. */
function usedAt(h: House, group: Group, invite: Invite): Promise<number | null> {
  const key = hex(invite.invite);
  const known = group.used.get(key);
  if (known !== undefined) return known;
  const found = useOf(h, group, invite);
  group.used.set(key, found);
  void found.then((seq) => seq === null && group.used.delete(key));
  return found;
}
/** Of those who came in by an invite of the same member, the one whose entry names it. */
async function useOf(h: House, group: Group, { invite, by }: Invite): Promise<number | null> {
  for (const m of group.state.members.values()) {
    if (m.invitedBy === null || !equal(m.invitedBy, by)) continue;
    const r = await ask(h.log, 'entries', { g: group.g, after: m.from - 1, upTo: m.from, most: 1 });
    const entry = r.ok && r.value.items[0] !== undefined ? decodeEntry(r.value.items[0].entry) : null;
    if (!r.ok || entry?.ok !== true) return null;
    const { body } = entry.value;
    if ((body.kind === 'admit' || body.kind === 'join') && equal(body.invite, invite)) return m.from;
  }
  return null;
}

export function lockboxes(h: House, c: Connection, f: Of<'lockboxes'>): void {
  const s = c.logs.get(hex(f.group));
  if (s === undefined) return c.refuse(f.re, f.group, 'not-allowed');
  s.group.run(() =>
    read(h, c, 'lockboxes', { g: s.group.g, device: s.device, after: f.after }, (r) => {
      if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
      c.send({ is: 'lockboxes', re: f.re, group: f.group, items: r.value.items, more: r.value.more });
    })
  );
}

export function page(h: House, s: LogSession, f: Of<'fetch'>): void {
  const { group, connection } = s;
  read(h, connection, 'page', { g: group.g, way: f.way, from: f.from, most: f.most }, (r) => {
    if (!r.ok) return connection.refuse(f.re, group.id, 'unavailable');
    const page = r.value;
    // the row may have ended since it asked, here or at another relay
    h.follow.current(group, (ok) => {
      if (!ok) return connection.refuse(f.re, group.id, 'unavailable');
      if (s.gone !== null) return connection.send({ is: 'gone', re: f.re, group: group.id, seq: s.gone });
      connection.writePage({ re: f.re, group: group.id, ...page });
    });
  });
}
