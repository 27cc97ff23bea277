/** Opening sessions (PROTOCOL §11): a proven key becomes a session of its group, or learns that it no longer is one. */
import type { Bytes, InvitePk, LogPk, MeetId, VaultId } from '../crypto/brand';
import { verifyAccess } from '../crypto/access';
import { base64url, concat, EMPTY, equal, fromText, hex } from '../crypto/bytes';
import { BEARER, type ToRelay } from '../crypto/frames';
import { ZERO_HASH } from '../crypto/hash';
import { rowOf, type Row } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import { RATE } from './limits';
import { answerUnknown } from './purge';
import type { Connection, InviteSession, LogSession } from './session';

type Auth = Extract<ToRelay, { is: 'auth' }>;

export function authenticate(h: House, c: Connection, f: Auth): void {
  if (c.tried.size >= RATE.proofs) return c.refuse(f.re, f.group, 'rate', { fence: 60_000 });
  const proof = { as: f.as, host: c.host, group: f.group, serverNonce: c.nonce, nonce: f.nonce };
  const once = hex(concat(fromText(f.as), f.group, f.nonce));
  // a row that ended makes way for another of the same person
  const opened = f.as === 'log' ? c.logs.get(hex(f.group))?.gone === null : c.invites.has(hex(f.group));
  if (opened || c.tried.has(once)) return c.refuse(f.re, f.group, 'bad-proof');
  // counted before it costs anything
  c.tried.add(once);
  if (!verifyAccess(proof, f.signature, f.key)) {
    c.malformed++;
    return c.refuse(f.re, f.group, 'bad-proof');
  }
  if (f.as === 'vault') return openVault(h, c, f);
  if (f.as === 'meet') return openMeeting(h, c, f);
  h.groups.with(f.group, (group) => {
    if (group === null) return answerUnknown(h, c, f);
    if (group === 'unavailable') return c.refuse(f.re, f.group, 'unavailable');
    group.pins++;
    group.run(() => {
      group.pins--;
      if (!c.isOpen) return;
      h.follow.current(group, (ok) => {
        if (!c.isOpen) return;
        if (!ok) return c.refuse(f.re, f.group, 'unavailable');
        if (f.as === 'invite') openInvite(h, c, f, group);
        else openLog(h, c, f, group);
      });
    });
  });
}

/** A personal vault proves itself: its id is the key. */
function openVault(h: House, c: Connection, f: Auth): void {
  if (!equal(f.key, f.group)) return c.refuse(f.re, f.group, 'bad-proof');
  const vault = f.key as VaultId;
  c.proven = true;
  c.vaults.set(hex(f.group), vault);
  h.log.call('items', { vault, after: Number.MAX_SAFE_INTEGER }, (r) => {
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    c.send({ is: 'welcome', re: f.re, group: f.group, rosterSeq: 0, feedSeq: 0, head: { n: r.value.n, hash: ZERO_HASH }, bearer: h.random(BEARER) });
  });
}

/** A meeting proves itself like a vault; it begins with its first item. */
function openMeeting(h: House, c: Connection, f: Auth): void {
  if (!equal(f.key, f.group)) return c.refuse(f.re, f.group, 'bad-proof');
  const meet = f.key as MeetId;
  c.proven = true;
  c.meets.set(hex(f.group), meet);
  h.log.call('meeting', { meet, after: Number.MAX_SAFE_INTEGER, since: h.clock() - RATE.meet }, (r) => {
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    c.send({ is: 'welcome', re: f.re, group: f.group, rosterSeq: 0, feedSeq: 0, head: { n: r.value?.n ?? 0, hash: ZERO_HASH }, bearer: h.random(BEARER) });
  });
}

function openInvite(h: House, c: Connection, f: Auth, group: Group): void {
  const invite = group.state.invites.get(hex(f.key as InvitePk));
  if (invite === undefined) return c.refuse(f.re, f.group, 'unknown-log');
  c.proven = true;
  const session: InviteSession = { as: 'invite', connection: c, group, invite: invite.invite, asked: new Map(), gone: null, staged: null };
  c.invites.set(group.key, session);
  // one whose time is over hears nothing that comes (reads.ts)
  if (invite.state === 'pending' && h.clock() <= invite.expires) group.invites.add(session);
  h.follow.arrive(group, null);
  c.send({ is: 'welcome', re: f.re, group: group.id, rosterSeq: group.state.seq, feedSeq: 0, head: { n: 0, hash: ZERO_HASH }, bearer: h.random(BEARER) });
}

function openLog(h: House, c: Connection, f: Auth, group: Group): void {
  const row = rowOf(group.state, f.key as LogPk);
  if (row === null) return c.refuse(f.re, f.group, 'unknown-log');
  c.proven = true;
  if (row.end !== null) {
    c.opened(newSession(h, c, group, row, EMPTY));
    return c.send({ is: 'gone', re: f.re, group: group.id, seq: row.end.seq });
  }
  group.pins++;
  h.log.call('head', { g: group.g, device: row.device }, (r) => {
    group.pins--;
    // the row may have ended meanwhile: judge it again once no change is under way
    group.run(() => {
      const now = rowOf(group.state, row.logPk);
      if (!c.isOpen || now === null) return;
      if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
      if (c.logs.get(group.key)?.gone === null) return c.refuse(f.re, f.group, 'bad-proof');
      const bearer = h.bearers.make(group, now.device);
      const session = newSession(h, c, group, now, bearer);
      c.opened(session);
      if (now.end !== null) return c.send({ is: 'gone', re: f.re, group: group.id, seq: now.end.seq });
      h.fanout.flushGroup(group);
      group.logs.add(session);
      h.bearers.begin(session);
      const { n, hash, feed } = r.value;
      c.send({ is: 'welcome', re: f.re, group: group.id, rosterSeq: group.state.seq, feedSeq: feed, head: { n, hash }, bearer });
      h.follow.arrive(group, feed);
    });
  });
}

function newSession(h: House, c: Connection, group: Group, row: Row, bearer: Bytes): LogSession {
  return {
    as: 'log', connection: c, group, logPk: row.logPk, key: hex(row.logPk), device: row.device, member: hex(row.member),
    bearer: base64url(bearer), pace: h.paces.of(hex(row.logPk)), volume: h.paces.bytesOf(`${group.key} ${hex(row.member)}`), gone: row.end?.seq ?? null, bell: false, staged: null
  };
}
