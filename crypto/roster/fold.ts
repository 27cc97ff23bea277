/**
 * The fold (PROTOCOL §8): state after entries, the same code on relay and clients. It needs no key, no clock and no network, and it
 * never fails: a void entry takes its seq and changes nothing else.
 */
import type { GroupId, Hash, Hex, InvitePk, MemberTag, RelayPk } from '../brand';
import { equal, hex } from '../bytes';
import { LIMIT } from '../limits';
import { err, ok, unreachable, type Result } from '../result';
import { chainAfter, decodeEntry, groupIdOf, ROLE, verifyEntry, type Cut, type Entry, type Rotation } from './entry';
import { judge, subjectOf, type VoidFault } from './rules';
import { hasRole, type Invite, type Member, PLAIN, type RosterState, type Row } from './state';
import { ZERO_HASH } from '../hash';

export interface Folded {
  readonly state: RosterState;
  /** Null when the entry counted. */
  readonly void: VoidFault | null;
  /** The entry, when its bytes could be read at all. */
  readonly entry: Entry | null;
}

/** The state after a genesis receipted at `time`; a fault when the bytes are no valid genesis of `group`. */
export function begin(group: GroupId, genesis: Uint8Array, time: number): Result<RosterState, VoidFault> {
  if (genesis.length > LIMIT.entry) return err('too-large');
  const d = decodeEntry(genesis);
  if (!d.ok) return err('malformed');
  const e = d.value;
  if (e.body.kind !== 'genesis' || e.seq !== 1 || !equal(groupIdOf(genesis), group)) return err('wrong-place');
  if (!verifyEntry(genesis, e)) return err('forged');
  const { rotation, member, kem } = e.body;
  if (rotation.boxes.length !== 1 || !equal((rotation.boxes[0] as { to: Uint8Array }).to, e.author)) return err('wrong-recipients');
  const row: Row = { logPk: e.author, member, kem, device: 1, rank: 'ordinary', from: 1, end: null };
  const founder: Member = { tag: member, from: 1, at: time, horizon: 1, invitedBy: null, end: null };
  return ok({
    group,
    seq: 1,
    chains: [chainAfter(ZERO_HASH, genesis, time)],
    time,
    owner: hex(member),
    offer: null,
    fence: 1,
    rows: new Map([[hex(e.author), row]]),
    members: new Map([[hex(member), founder]]),
    invites: new Map(),
    epochs: [{ seq: 1, contentCommit: rotation.contentCommit, rosterCommit: rotation.rosterCommit }],
    owed: [],
    ...PLAIN
  });
}

/** The state after one more entry, receipted at `time` by the relay's key `by`. */
export function fold(s: RosterState, bytes: Uint8Array, time: number, by: RelayPk | null = null): Folded {
  const now = Math.max(s.time, time);
  const chain = chainAfter(s.chains[s.seq - 1] as Hash, bytes, time);
  const passed: RosterState = { ...s, seq: s.seq + 1, chains: [...s.chains, chain], time: now };
  if (bytes.length > LIMIT.entry) return { state: passed, void: 'too-large', entry: null };
  const d = decodeEntry(bytes);
  if (!d.ok) return { state: passed, void: 'malformed', entry: null };
  const fault = judge(s, d.value, verifyEntry(bytes, d.value), now, by);
  return fault === null ? { state: withClaim(s, apply(s, passed, d.value), d.value), void: null, entry: d.value } : { state: passed, void: fault, entry: d.value };
}

/** A claim to ownership goes with the role, with its device's end, with the owner's change, and with whatever the owner does by hand (PROTOCOL §9.1). */
function withClaim(before: RosterState, s: RosterState, e: Entry): RosterState {
  if (s.claim === null || s.claim.seq === e.seq) return s;
  const author = before.rows.get(hex(e.author));
  const by = author === undefined ? null : hex(author.member);
  const isAnswered = by === before.owner && e.body.kind !== 'rotate' && e.body.kind !== 'relay';
  const isLost = by === s.claim.by && e.body.kind === 'device-revoke';
  return isAnswered || isLost || s.owner !== before.owner || !hasRole(s, s.claim.by, 'successor') ? { ...s, claim: null } : s;
}

/** The effect of an entry that counts: `s` before it, `to` the same with its seq taken. */
function apply(s: RosterState, to: RosterState, e: Entry): RosterState {
  const b = e.body;
  switch (b.kind) {
    case 'genesis':
    case 'name':
      return to;
    case 'invite':
    case 'open-invite': {
      const by = (s.rows.get(hex(e.author)) as Row).member;
      const invite: Invite = { invite: b.invite, by, seq: e.seq, expires: b.expires, history: b.history, state: 'pending', open: b.kind === 'open-invite' };
      return { ...to, invites: new Map(s.invites).set(hex(b.invite), invite) };
    }
    case 'revoke-invite':
      return { ...to, invites: settle(s, (i) => equal(i.invite, b.invite), 'revoked') };
    case 'admit':
    case 'join': {
      const i = s.invites.get(hex(b.invite)) as Invite;
      // who lets itself in is given what the inviter could give
      const by = s.members.get(hex(b.kind === 'join' ? i.by : (s.rows.get(hex(e.author)) as Row).member)) as Member;
      const sponsor = hex(i.by) === s.owner ? null : (s.sponsors.get(hex(i.by)) ?? i.by);
      const row: Row = { logPk: b.row.logPk, member: b.row.member, kem: b.row.kem, device: s.rows.size + 1, rank: 'ordinary', from: e.seq, end: null };
      const member: Member = { tag: row.member, from: e.seq, at: to.time, horizon: i.history === 'start' ? by.horizon : e.seq, invitedBy: i.by, end: null };
      const grown: RosterState = {
        ...to,
        rows: new Map(s.rows).set(hex(row.logPk), row),
        members: new Map(s.members).set(hex(row.member), member),
        sponsors: sponsor === null ? s.sponsors : new Map(s.sponsors).set(hex(row.member), sponsor),
        invites: settle(s, (x) => equal(x.invite, b.invite), 'used')
      };
      return rotate(grown, e.seq, b.rotation);
    }
    case 'remove':
      return rotate(end(s, to, subjectOf(s, e) as Hex<MemberTag>, 'removed', b.cuts), e.seq, b.rotation);
    case 'offer-owner':
      return { ...to, offer: b.to === null ? null : { to: hex(b.to), seq: e.seq } };
    case 'accept-owner': {
      const ex = s.owner;
      const owner = hex((s.rows.get(hex(e.author)) as Row).member);
      return rotate({ ...to, owner, offer: null, invites: settle(s, (i) => hex(i.by) === ex, 'void'), roles: withRoles(s, owner, 0) }, e.seq, b.rotation);
    }
    case 'leave':
      return owe(s, end(s, to, subjectOf(s, e) as Hex<MemberTag>, 'left', b.cuts), e.seq);
    case 'rotate':
      return rotate(to, e.seq, b.rotation);
    case 'device-add': {
      const author = s.rows.get(hex(e.author)) as Row;
      const rows = new Map(s.rows);
      // a recovery row gives way to the one it adds; it never wrote, so its log ends where it began
      if (b.row.rank === 'recovery' && author.rank === 'recovery') rows.set(hex(e.author), ended(author, e.seq, { logPk: e.author, n: 0, hash: ZERO_HASH }));
      const { logPk, kem, rank } = b.row;
      rows.set(hex(logPk), { logPk, member: author.member, kem, device: s.rows.size + 1, rank, from: e.seq, end: null });
      return rotate({ ...to, rows }, e.seq, b.rotation);
    }
    case 'device-revoke': {
      const row = s.rows.get(hex(b.cut.logPk)) as Row;
      const tag = hex(row.member);
      const without: RosterState = {
        ...to,
        rows: new Map(s.rows).set(hex(row.logPk), ended(row, e.seq, b.cut)),
        invites: settle(s, (i) => hex(i.by) === tag, 'void'),
        offer: s.owner === tag ? null : s.offer
      };
      return b.rotation === null ? owe(s, without, e.seq) : rotate(without, e.seq, b.rotation);
    }
    case 'role': {
      const tag = hex(b.member);
      const roles = new Map(withRoles(s, tag, b.roles));
      // one successor: a new one takes the place of the one before
      if ((b.roles & ROLE.successor) !== 0) for (const [other, had] of s.roles) if (other !== tag) setRoles(roles, other, had & ~ROLE.successor);
      const invites = (b.roles & (ROLE.host | ROLE.representative)) === 0 ? settle(s, (i) => hex(i.by) === tag, 'void') : s.invites;
      return { ...to, roles, invites };
    }
    case 'relay':
      return { ...to, relayPk: b.relayPk };
    case 'upgrade':
      return { ...to, version: b.version };
    case 'destroy':
      return { ...to, destroy: b.on ? { seq: e.seq, at: to.time } : null };
    case 'claim-owner':
      return { ...to, claim: b.on ? { by: hex((s.rows.get(hex(e.author)) as Row).member), seq: e.seq, at: to.time } : null };
    case 'restate-cut': {
      // one more place where the log may end; the cut that ended it, and those restated before, stay what they are
      const key = hex(b.cut.logPk);
      return { ...to, restated: new Map(s.restated).set(key, [...(s.restated.get(key) ?? []), b.cut].sort((x, y) => x.n - y.n)) };
    }
    default:
      return unreachable(b);
  }
}

/** New epoch, named by the entry's seq; pays a rotation that is owed. */
function rotate(s: RosterState, seq: number, r: Rotation): RosterState {
  return {
    ...s,
    fence: seq,
    epochs: [...s.epochs, { seq, contentCommit: r.contentCommit, rosterCommit: r.rosterCommit }],
    owed: s.owed.map((o) => (o.to === null ? { from: o.from, to: seq } : o))
  };
}

/** Somebody left who must not make the next keys: whoever is live owes a rotation (R10). */
function owe(s: RosterState, to: RosterState, seq: number): RosterState {
  const last = s.owed[s.owed.length - 1];
  return { ...to, fence: seq, owed: last !== undefined && last.to === null ? s.owed : [...s.owed, { from: seq, to: null }] };
}

const ended = (row: Row, seq: number, cut: Cut): Row => ({ ...row, end: { seq, cut } });

/** Ends all rows of a member; voids its pending invites and what was offered to it (R6). */
function end(s: RosterState, to: RosterState, tag: Hex<MemberTag>, how: 'removed' | 'left', cuts: readonly Cut[]): RosterState {
  const rows = new Map(s.rows);
  for (const cut of cuts) {
    const key = hex(cut.logPk);
    rows.set(key, ended(rows.get(key) as Row, to.seq, cut));
  }
  const member = s.members.get(tag) as Member;
  return {
    ...to,
    rows,
    members: new Map(s.members).set(tag, { ...member, end: { how, seq: to.seq, at: to.time } }),
    invites: settle(s, (i) => hex(i.by) === tag, 'void'),
    offer: s.offer?.to === tag ? null : s.offer,
    roles: withRoles(s, tag, 0)
  };
}

const setRoles = (of: Map<Hex<MemberTag>, number>, tag: Hex<MemberTag>, roles: number): void => void (roles === 0 ? of.delete(tag) : of.set(tag, roles));
function withRoles(s: RosterState, tag: Hex<MemberTag>, roles: number): ReadonlyMap<Hex<MemberTag>, number> {
  if ((s.roles.get(tag) ?? 0) === roles) return s.roles;
  const out = new Map(s.roles);
  setRoles(out, tag, roles);
  return out;
}

/** Pending invites that match take another state. */
function settle(s: RosterState, match: (i: Invite) => boolean, state: Invite['state']): ReadonlyMap<Hex<InvitePk>, Invite> {
  return new Map([...s.invites].map(([k, i]) => [k, i.state === 'pending' && match(i) ? { ...i, state } : i]));
}
