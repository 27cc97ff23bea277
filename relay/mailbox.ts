/** Cards, requests and answers under an invite (PROTOCOL §13). They die with the invite; the relay reads none of them. */
import type { Bytes, Hex, InvitePk, MemberTag } from '../crypto/brand';
import { EMPTY, hex } from '../crypto/bytes';
import { encodeFromRelay, type MailedRequest, type Refusal, type ToRelay } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import { unreachable } from '../crypto/result';
import { mindersOf, type Invite } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import { RATE } from './limits';
import { isWait, type Mailed } from './log';
import { read } from './reading';
import type { InviteSession, LogSession } from './session';

type Of<K extends ToRelay['is']> = Extract<ToRelay, { is: K }>;

/** What an invite has come to, by the relay's clock. */
export function standing(h: House, group: Group, key: InvitePk): { readonly invite: Invite; readonly words: Invite['state'] | 'expired' } | null {
  const invite = group.state.invites.get(hex(key));
  if (invite === undefined) return null;
  return { invite, words: invite.state === 'pending' && h.clock() > invite.expires ? 'expired' : invite.state };
}

const minds = (group: Group, member: Hex<MemberTag>, i: Invite): boolean => mindersOf(group.state, i).includes(member);

/** By the member that registered an invite, the owner, or who acts for the patient. */
export function byMember(h: House, s: LogSession, f: Of<'put-card'> | Of<'mailbox'> | Of<'put-answer'>): void {
  const { group, connection } = s;
  const no = (why: Refusal, words = ''): void => connection.refuse(f.re, group.id, why, { words });
  const done = (): void => connection.send({ is: 'done', re: f.re, group: group.id });
  if (f.is === 'mailbox') return mailbox(h, s, f.re);
  const at = standing(h, group, f.invite);
  if (at === null) return no('not-found');
  if (!minds(group, s.member, at.invite)) return no('not-allowed');
  if (f.is === 'put-card') {
    if (at.words !== 'pending') return no('not-allowed', at.words);
    return h.log.call('putCard', { g: group.g, invite: f.invite, card: f.card }, (r) => (r.ok ? done() : no('unavailable')));
  }
  h.log.call('putAnswer', { g: group.g, invite: f.invite, request: f.request, body: f.body, time: h.clock() }, (r) => {
    if (!r.ok) return no('unavailable');
    if (r.value === 'not-found') return no('not-found');
    done();
    h.follow.changed(group);
    const frame = encodeFromRelay({ is: 'answer', re: 0, group: group.id, request: f.request, body: f.body });
    for (const i of group.invites) if (hex(i.invite) === hex(f.invite)) i.connection.write(frame);
  });
}

/** Bytes of requests that one asking brings at most: whoever has a few links must not fill what the others' are shown in. */
const MAILBOX = 4 * 1024 * 1024;

/** The first under each invite before all second ones, oldest first; in parts that fit in a frame. */
function parts(waiting: readonly Mailed[]): MailedRequest[][] {
  const under = new Map<string, number>();
  const ranked = waiting.map((m) => {
    const key = hex(m.invite);
    const rank = under.get(key) ?? 0;
    under.set(key, rank + 1);
    return { m, rank };
  });
  const out: MailedRequest[][] = [[]];
  let [all, bytes] = [0, 0];
  for (const { m } of ranked.sort((a, b) => a.rank - b.rank)) {
    const size = m.body.length + 64;
    all += size;
    if (all > MAILBOX) break;
    if (bytes > 0 && bytes + size > LIMIT.pageBytes) {
      out.push([]);
      bytes = 0;
    }
    out.at(-1)?.push(m);
    bytes += size;
  }
  return out;
}

/** Requests that wait for this member: what one frame does not hold comes behind it, unasked. What expired is cleared away. */
function mailbox(h: House, s: LogSession, re: number): void {
  const { group, connection } = s;
  const all = [...group.state.invites.values()].filter((i) => i.state === 'pending');
  const expired = all.filter((i) => h.clock() > i.expires).map((i) => i.invite);
  if (expired.length > 0) h.log.call('spend', { g: group.g, invites: expired }, () => undefined);
  const invites = all.filter((i) => minds(group, s.member, i) && h.clock() <= i.expires).map((i) => i.invite);
  read(h, connection, 'requests', { g: group.g, invites }, (r) => {
    if (!r.ok) return connection.refuse(re, group.id, 'unavailable');
    parts(r.value).forEach((items, i) => connection.send({ is: 'requests', re: i === 0 ? re : 0, group: group.id, items }));
  });
}

/** The newest that it asked about: one joiner has one request, and whoever has the link may name any number. */
function note(asked: InviteSession['asked'], request: Bytes): void {
  const key = hex(request);
  asked.delete(key);
  asked.set(key, request);
  const [oldest] = asked.keys();
  if (asked.size > LIMIT.requestsPerInvite && oldest !== undefined) asked.delete(oldest);
}

/** By whoever holds an invite's key. */
export function byInvite(h: House, s: InviteSession, f: Of<'get-card'> | Of<'put-request'> | Of<'drop-request'> | Of<'get-answer'>): void {
  const { group, connection } = s;
  const at = standing(h, group, s.invite);
  const no = (why: Refusal, words = ''): void => connection.refuse(f.re, group.id, why, { words });
  if (!connection.isOpen) return;
  if (at === null) return no('not-found');
  const slot = { g: group.g, invite: s.invite };
  if (f.is === 'put-request' || f.is === 'get-answer') note(s.asked, f.request);
  switch (f.is) {
    case 'get-card':
      if (at.words !== 'pending') return no('not-allowed', at.words);
      return h.log.call('card', slot, (r) => {
        if (!r.ok) return no('unavailable');
        if (r.value === null) return no('not-found');
        connection.send({ is: 'card', re: f.re, group: group.id, card: r.value });
      });
    case 'put-request': {
      if (at.words !== 'pending') return no('not-allowed', at.words);
      const time = h.clock();
      // each costs whoever reads it a slow number: taking back and asking anew must not go on without end
      const budget = { key: `requests ${hex(s.invite)}`, most: RATE.requests, now: time };
      return h.log.call('putRequest', { ...slot, request: f.request, body: f.body, time, most: LIMIT.requestsPerInvite, budget }, (r) => {
        if (!r.ok) return no('unavailable');
        if (isWait(r.value)) return connection.refuse(f.re, group.id, 'rate', { fence: r.value.wait });
        if (r.value === 'too-many') return no('too-many');
        connection.send({ is: 'done', re: f.re, group: group.id });
        if (r.value === 'again') return;
        h.follow.changed(group);
        const frame = encodeFromRelay({ is: 'requests', re: 0, group: group.id, items: [{ invite: s.invite, request: f.request, body: f.body, time }] });
        h.fanout.toMembers(group, mindersOf(group.state, at.invite), frame);
      });
    }
    case 'drop-request':
      return h.log.call('dropRequest', { ...slot, request: f.request }, (r) => {
        if (!r.ok) return no('unavailable');
        connection.send({ is: 'done', re: f.re, group: group.id });
        if (!r.value) return;
        h.follow.changed(group);
        const frame = encodeFromRelay({ is: 'requests', re: 0, group: group.id, items: [{ invite: s.invite, request: f.request, body: EMPTY, time: h.clock() }] });
        h.fanout.toMembers(group, mindersOf(group.state, at.invite), frame);
      });
    case 'get-answer':
      return h.log.call('answer', { ...slot, request: f.request }, (r) => {
        if (!r.ok) return no('unavailable');
        if (r.value === null) return no('not-found', at.words);
        connection.send({ is: 'answer', re: f.re, group: group.id, request: f.request, body: r.value });
      });
    default:
      return unreachable(f);
  }
}
