/** One frame in, frames out: which part of the relay answers, and whether the session may ask at all (PROTOCOL §11, §12). */
import type { GroupId } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { decodeToRelay, LARGE_FRAMES, TO_CODES, type ToRelay, viewAppend } from '../crypto/frames';
import { ZERO_HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import { unreachable } from '../crypto/result';
import type { RosterState } from '../crypto/roster/state';
import { authenticate } from './access';
import { append } from './append';
import { byBell } from './bell';
import { create, enter, stage } from './enter';
import { give, giveBoxes, giveEntries, show } from './heal';
import type { House } from './house';
import { byInvite, byMember } from './mailbox';
import { byMeeting } from './meet';
import { byVault } from './personal';
import { entries, lockboxes, page } from './reads';
import type { Connection, InviteSession, LogSession } from './session';
import { byDevice } from './wants';

/** Frames that one counts as, by what it takes to answer: a signature; where every log stands and what is lacking; entries, each with its receipt. */
const PRICE = { auth: 4, show: 4, roster: 2 } as const;
const BY_CODE = new Map<unknown, number>(Object.entries(PRICE).map(([is, price]) => [TO_CODES[is as keyof typeof PRICE], price]));
/** What a frame costs of its connection's pace. */
export const priceOf = (frame: Uint8Array): number => BY_CODE.get(frame[0]) ?? 1;
/** Rows of a roster whose logs' heads cost as much as a frame. */
const HEADS = 64;
/** Frames that a mailbox costs as many as, for each invite that waits. */
const MAILBOX_COST = 4;
const pending = ({ invites }: RosterState): number => [...invites.values()].filter((i) => i.state === 'pending').length;

const NO_GROUP = ZERO_HASH as Uint8Array as GroupId;

export function answer(h: House, c: Connection, bytes: Uint8Array): void {
  const most = c.proven || LARGE_FRAMES.includes(bytes[0] as number) ? LIMIT.frame : LIMIT.frameBeforeAuth;
  if (bytes.length > most) {
    c.malformed++;
    return c.refuse(0, NO_GROUP, 'too-large');
  }
  const a = viewAppend(bytes);
  if (a !== null) return live(c, a, a.n, (s) => append(h, s, a));
  const read = decodeToRelay(bytes);
  if (!read.ok) {
    c.malformed++;
    return c.refuse(0, NO_GROUP, 'malformed');
  }
  dispatch(h, c, read.value);
}

function dispatch(h: House, c: Connection, f: ToRelay): void {
  switch (f.is) {
    case 'ping':
      return c.send({ is: 'pong', re: f.re });
    case 'auth':
      return authenticate(h, c, f);
    case 'create':
    case 'create-by-permit':
      return create(h, c, f);
    case 'append':
      return live(c, f, f.n, (s) => append(h, s, f));
    case 'boxes':
      return c.logs.has(hex(f.group)) ? live(c, f, 0, (s) => stage(h, s, f)) : byHolder(c, f, 0, (s) => stage(h, s, f));
    case 'enter': {
      const s = c.logs.get(hex(f.group));
      return s === undefined ? byHolder(c, f, f.re, (i) => enter(h, i, f)) : enter(h, s, f);
    }
    case 'roster':
      charge(h, c, f, () => PRICE.roster);
      return entries(h, c, f);
    case 'lockboxes':
      return lockboxes(h, c, f);
    case 'fetch':
      return liveNow(h, c, f, f.re, (s) => page(h, s, f));
    case 'mailbox':
      // three requests of 32 KiB may lie under each invite: a small question with a large answer
      charge(h, c, f, (roster) => MAILBOX_COST * pending(roster));
      return liveNow(h, c, f, f.re, (s) => byMember(h, s, f));
    case 'put-card':
    case 'put-answer':
      return liveNow(h, c, f, f.re, (s) => byMember(h, s, f));
    case 'get-card':
    case 'put-request':
    case 'drop-request':
    case 'get-answer': {
      const s = c.invites.get(hex(f.group));
      if (s === undefined) return c.refuse(f.re, f.group, 'not-allowed');
      return h.follow.current(s.group, (ok) => (ok ? s.group.run(() => byInvite(h, s, f)) : c.refuse(f.re, f.group, 'unavailable')));
    }
    case 'put-item':
    case 'get-items':
      return c.meets.has(hex(f.group)) ? byMeeting(h, c, f) : byVault(h, c, f);
    case 'want':
    case 'get-wants':
    case 'put-keys':
    case 'get-keys':
      return liveNow(h, c, f, f.re, (s) => byDevice(h, s, f));
    case 'get-bell':
    case 'put-bell':
    case 'drop-bell':
      return liveNow(h, c, f, f.re, (s) => byBell(h, s, f));
    case 'show':
      charge(h, c, f, ({ rows }) => PRICE.show + Math.floor(rows.size / HEADS));
      return liveNow(h, c, f, f.re, (s) => show(h, s, f));
    case 'give-boxes':
      return liveNow(h, c, f, f.re, (s) => giveBoxes(h, s, f));
    case 'give-entries':
      return giveEntries(h, c, f);
    case 'give': {
      // a log that ended may still bring what it had
      const s = c.logs.get(hex(f.group));
      if (s === undefined) return c.refuse(f.re, f.group, 'not-allowed');
      // as what is appended: whoever was there before a restore must not fill the disk by it
      c.wait = Math.max(c.wait, s.volume.take(h.clock(), f.items.reduce((sum, i) => sum + i.envelope.length, 0)));
      return h.follow.current(s.group, (ok) => (ok ? give(h, s, f) : c.refuse(f.re, f.group, 'unavailable')));
    }
    default:
      return unreachable(f);
  }
}

/** Takes what a frame costs of the pace of the log key that asks, over all its connections. */
function charge(h: House, c: Connection, f: { readonly group: GroupId }, price: (roster: RosterState) => number): void {
  const s = c.logs.get(hex(f.group));
  if (s !== undefined) c.wait = Math.max(c.wait, s.pace.take(h.clock(), price(s.group.state)));
}

/** Runs `f` for whoever holds an invite that opens by itself. */
function byHolder(c: Connection, f: { readonly group: GroupId }, re: number, then: (s: InviteSession) => void): void {
  const s = c.invites.get(hex(f.group));
  if (s?.group.state.invites.get(hex(s.invite))?.open === true) then(s);
  else c.refuse(re, f.group, 'not-allowed');
}

/** Runs `f` for a live session; one whose row has ended hears GONE and nothing else. */
function live(c: Connection, f: { readonly group: GroupId }, re: number, then: (s: LogSession) => void): void {
  const s = c.session(f.group);
  if (s === undefined) return c.refuse(re, f.group, 'not-allowed');
  s.group.run(() => {
    if (!c.isOpen) return;
    if (s.gone === null) then(s);
    else c.send({ is: 'gone', re, group: f.group, seq: s.gone });
  });
}

/** The same, by the roster as other relays have left it. An append needs none: the log itself minds what it was judged by. */
function liveNow(h: House, c: Connection, f: { readonly group: GroupId }, re: number, then: (s: LogSession) => void): void {
  const s = c.logs.get(hex(f.group));
  if (s === undefined) return c.refuse(re, f.group, 'not-allowed');
  h.follow.current(s.group, (ok) => (ok ? live(c, f, re, then) : c.refuse(re, f.group, 'unavailable')));
}
