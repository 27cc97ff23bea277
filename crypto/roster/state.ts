/** What a roster amounts to after some entries (PROTOCOL §8): one readonly value, and its canonical bytes. */
import type { Bytes, GroupId, Hash, Hex, InvitePk, KemPk, LogPk, MemberTag, RelayPk } from '../brand';
import { compare, equal, hex, unhex } from '../bytes';
import { HASH } from '../hash';
import { err, type Result } from '../result';
import { SIGN_PK } from '../verify';
import { decode, type Malformed, type Reader, Writer } from '../wire';
import { KEM_PK, ROLE, type RoleName, TAG, type Cut } from './entry';

/** A device in the group. `device` is its index, given once: 1, 2, 3 … */
export interface Row {
  readonly logPk: LogPk;
  readonly member: MemberTag;
  readonly kem: KemPk;
  readonly device: number;
  readonly rank: 'ordinary' | 'recovery';
  /** Roster seq that made it live. */
  readonly from: number;
  readonly end: { readonly seq: number; readonly cut: Cut } | null;
}

export interface Member {
  readonly tag: MemberTag;
  readonly from: number;
  /** Receipt time of that entry. */
  readonly at: number;
  /** First epoch whose content this member may read. */
  readonly horizon: number;
  /** Who let this member in; null for the founder. */
  readonly invitedBy: MemberTag | null;
  readonly end: { readonly how: 'removed' | 'left'; readonly seq: number; readonly at: number } | null;
}

export interface Invite {
  readonly invite: InvitePk;
  readonly by: MemberTag;
  readonly seq: number;
  readonly expires: number;
  readonly history: 'start' | 'today';
  readonly state: 'pending' | 'used' | 'revoked' | 'void';
  /** Whether its holder lets itself in. */
  readonly open: boolean;
}

/** Named by the seq of the entry that made it. */
export interface Epoch { readonly seq: number; readonly contentCommit: Hash; readonly rosterCommit: Hash }

/** A stretch of the roster in which a rotation was owed: from seq `from` until before seq `to`. */
export interface Owed { readonly from: number; readonly to: number | null }

export interface RosterState {
  readonly group: GroupId;
  /** Seq of the last entry; the genesis is 1. */
  readonly seq: number;
  /** Chain hash after entry i+1, for every entry so far. */
  readonly chains: readonly Hash[];
  /** Running maximum of receipt times. */
  readonly time: number;
  readonly owner: Hex<MemberTag>;
  readonly offer: { readonly to: Hex<MemberTag>; readonly seq: number } | null;
  /** Last entry that changed a row or listed lockboxes. */
  readonly fence: number;
  readonly rows: ReadonlyMap<Hex<LogPk>, Row>;
  readonly members: ReadonlyMap<Hex<MemberTag>, Member>;
  readonly invites: ReadonlyMap<Hex<InvitePk>, Invite>;
  readonly epochs: readonly Epoch[];
  readonly owed: readonly Owed[];
  /** Bits of `ROLE` by member, never 0. */
  readonly roles: ReadonlyMap<Hex<MemberTag>, number>;
  /** Whose budget a member shares: who let it in, or that one's own sponsor, unless that was the owner (PROTOCOL §11.3). */
  readonly sponsors: ReadonlyMap<Hex<MemberTag>, MemberTag>;
  /** The successor's claim to ownership, and the receipt time it counts from. */
  readonly claim: { readonly by: Hex<MemberTag>; readonly seq: number; readonly at: number } | null;
  /** When the owner asked for the group's end. */
  readonly destroy: { readonly seq: number; readonly at: number } | null;
  /** The relay's newer key, once the owner named one. */
  readonly relayPk: RelayPk | null;
  /** The version of entries that may come. */
  readonly version: number;
  /** Lower cuts that the owner restated for logs that ended, ascending by n; a log is whole at any of its cuts. */
  readonly restated: ReadonlyMap<Hex<LogPk>, readonly Cut[]>;
}

/** What is empty in every group that begins. */
export const PLAIN: Pick<RosterState, 'roles' | 'sponsors' | 'claim' | 'destroy' | 'relayPk' | 'version' | 'restated'> = {
  roles: new Map(), sponsors: new Map(), claim: null, destroy: null, relayPk: null, version: 1, restated: new Map()
};
export const hasRole = (s: RosterState, member: Hex<MemberTag>, role: RoleName): boolean => ((s.roles.get(member) ?? 0) & ROLE[role]) !== 0;
/** May invite, and admit by its own invites. */
export const mayInvite = (s: RosterState, member: Hex<MemberTag>): boolean => s.owner === member || hasRole(s, member, 'host') || hasRole(s, member, 'representative');
/** Acts for the patient: admits by any invite, and removes. */
export const mayRemove = (s: RosterState, member: Hex<MemberTag>): boolean => s.owner === member || hasRole(s, member, 'representative');
/** Who answers requests under an invite, in the order of who is asked first: the owner, its registrant, and who acts for the patient. */
export const mindersOf = (s: RosterState, invite: Pick<Invite, 'by'>): Hex<MemberTag>[] => [
  ...new Set([s.owner, hex(invite.by), ...[...s.roles.keys()].filter((m) => hasRole(s, m, 'representative'))])
];

export const chainAt = (s: RosterState, seq: number): Hash | null => s.chains[seq - 1] ?? null;
export const chainHead = (s: RosterState): Hash => s.chains[s.seq - 1] as Hash;
export const isLive = (r: Row): boolean => r.end === null;
export const liveAt = (r: Row, seq: number): boolean => r.from <= seq && (r.end === null || seq < r.end.seq);
export const liveRows = (s: RosterState): Row[] => [...s.rows.values()].filter(isLive).sort((a, b) => compare(a.logPk, b.logPk));
/** Where a log that ended is whole: at the cut of the entry that ended it, else at those restated since, the highest first. None while its row is live. */
export const endsOf = (s: RosterState, r: Row): readonly Cut[] => (r.end === null ? [] : [r.end.cut, ...[...(s.restated.get(hex(r.logPk)) ?? [])].reverse()]);
/** Whether a place of a log that ended is one of its ends. */
export const isEndOf = (s: RosterState, r: Row, at: Pick<Cut, 'n' | 'hash'>): boolean => endsOf(s, r).some((e) => e.n === at.n && equal(e.hash, at.hash));
export const rowsOf = (s: RosterState, member: Hex<MemberTag>): Row[] => liveRows(s).filter((r) => hex(r.member) === member);
export const rowByDevice = (s: RosterState, device: number): Row | null => [...s.rows.values()].find((r) => r.device === device) ?? null;
export const rowOf = (s: RosterState, logPk: LogPk): Row | null => s.rows.get(hex(logPk)) ?? null;
export const liveMembers = (s: RosterState): Member[] => [...s.members.values()].filter((m) => m.end === null);
/** The epoch in force at roster seq `seq`. */
export function epochAt(s: RosterState, seq: number): Epoch | null {
  for (let i = s.epochs.length - 1; i >= 0; i--) {
    const e = s.epochs[i] as Epoch;
    if (e.seq <= seq) return e;
  }
  return null;
}
export const currentEpoch = (s: RosterState): Epoch => s.epochs[s.epochs.length - 1] as Epoch;
/** Whether a rotation was owed at roster seq `seq`. */
export const owedAt = (s: RosterState, seq: number): boolean => s.owed.some((o) => o.from <= seq && (o.to === null || seq < o.to));

const HOW = ['removed', 'left'] as const;
const INVITE = ['pending', 'used', 'revoked', 'void'] as const;

const STATE = 3;
/** Canonical bytes: equal exactly when two states are. */
export function encodeState(s: RosterState): Bytes {
  const w = new Writer().u8(STATE).fixed(s.group).num(s.seq).list(s.chains, (c, x) => x.fixed(c)).num(s.time).num(s.fence);
  w.fixed(unhex(s.owner) as Bytes).bool(s.offer !== null);
  if (s.offer !== null) w.fixed(unhex(s.offer.to) as Bytes).num(s.offer.seq);
  w.list(sorted(s.rows), (r, x) => {
    x.fixed(r.logPk).fixed(r.member).fixed(r.kem).num(r.device).bool(r.rank === 'recovery').num(r.from).bool(r.end !== null);
    if (r.end !== null) x.num(r.end.seq).num(r.end.cut.n).fixed(r.end.cut.hash);
  });
  w.list(sorted(s.members), (m, x) => {
    x.fixed(m.tag).num(m.from).num(m.at).num(m.horizon).bool(m.invitedBy !== null);
    if (m.invitedBy !== null) x.fixed(m.invitedBy);
    x.u8(m.end === null ? 0 : HOW.indexOf(m.end.how) + 1);
    if (m.end !== null) x.num(m.end.seq).num(m.end.at);
  });
  w.list(sorted(s.invites), (i, x) => x.fixed(i.invite).fixed(i.by).num(i.seq).num(i.expires).bool(i.history === 'today').u8(INVITE.indexOf(i.state)));
  w.list(s.epochs, (e, x) => x.num(e.seq).fixed(e.contentCommit).fixed(e.rosterCommit));
  w.list(s.owed, (o, x) => x.num(o.from).num(o.to ?? 0));
  w.list(byKey(s.roles), ([tag, roles], x) => x.fixed(unhex(tag) as Bytes).u8(roles)).list(byKey(s.sponsors), ([tag, sponsor], x) => x.fixed(unhex(tag) as Bytes).fixed(sponsor));
  w.list(sorted(s.invites).filter((i) => i.open), (i, x) => x.fixed(i.invite)).bool(s.claim !== null);
  if (s.claim !== null) w.fixed(unhex(s.claim.by) as Bytes).num(s.claim.seq).num(s.claim.at);
  w.bool(s.destroy !== null);
  if (s.destroy !== null) w.num(s.destroy.seq).num(s.destroy.at);
  w.bool(s.relayPk !== null);
  if (s.relayPk !== null) w.fixed(s.relayPk);
  w.num(s.version).list(byKey(s.restated).flatMap(([, cuts]) => cuts), (c, x) => x.fixed(c.logPk).num(c.n).fixed(c.hash));
  return w.done();
}

/** A state kept at rest. It is our own word, not evidence: never taken from anybody else. */
export function decodeState(b: Uint8Array): Result<RosterState, Malformed> {
  const d = decode(b, readState);
  if (!d.ok) return d;
  const again = encodeState(d.value);
  return equal(b[0] === STATE ? again.slice(1) : again.slice(1, b.length), b.slice(1)) ? d : err('malformed');
}

function readState(r: Reader): RosterState {
  // version 1 ends where roles begin, version 2 before the cuts restated
  const version = r.u8();
  if (version < 1 || version > STATE) r.fail();
  const many = Number.MAX_SAFE_INTEGER;
  const group = r.fixed<GroupId>(HASH);
  const seq = r.num();
  const chains = r.list(many, (x) => x.fixed<Hash>(HASH));
  const time = r.num();
  const fence = r.num();
  const owner = hex(r.fixed<MemberTag>(TAG));
  const offer = r.bool() ? { to: hex(r.fixed<MemberTag>(TAG)), seq: r.num() } : null;
  const rows = new Map(
    r.list(many, (x): [Hex<LogPk>, Row] => {
      const logPk = x.fixed<LogPk>(SIGN_PK);
      const member = x.fixed<MemberTag>(TAG);
      const kem = x.fixed<KemPk>(KEM_PK);
      const device = x.num();
      const rank = x.bool() ? ('recovery' as const) : ('ordinary' as const);
      const from = x.num();
      const end = x.bool() ? { seq: x.num(), cut: { logPk, n: x.num(), hash: x.fixed<Hash>(HASH) } } : null;
      return [hex(logPk), { logPk, member, kem, device, rank, from, end }];
    })
  );
  const members = new Map(
    r.list(many, (x): [Hex<MemberTag>, Member] => {
      const tag = x.fixed<MemberTag>(TAG);
      const m = { tag, from: x.num(), at: x.num(), horizon: x.num(), invitedBy: x.bool() ? x.fixed<MemberTag>(TAG) : null };
      const how = x.u8();
      return [hex(tag), { ...m, end: how === 0 ? null : { how: HOW[how - 1] ?? x.fail(), seq: x.num(), at: x.num() } }];
    })
  );
  const invites = new Map(
    r.list(many, (x): [Hex<InvitePk>, Invite] => {
      const invite = x.fixed<InvitePk>(SIGN_PK);
      const i = { invite, by: x.fixed<MemberTag>(TAG), seq: x.num(), expires: x.num(), history: x.bool() ? ('today' as const) : ('start' as const), open: false };
      return [hex(invite), { ...i, state: INVITE[x.u8()] ?? x.fail() }];
    })
  );
  const epochs = r.list(many, (x) => ({ seq: x.num(), contentCommit: x.fixed<Hash>(HASH), rosterCommit: x.fixed<Hash>(HASH) }));
  const owed = r.list(many, (x) => ({ from: x.num(), to: x.num() || null }));
  // what the fold relies on without asking again
  if (seq === 0 || chains.length !== seq || epochs.length === 0 || !members.has(owner)) r.fail();
  const plain = { group, seq, chains, time, fence, owner, offer, rows, members, invites, epochs, owed };
  return version === 1 ? { ...plain, ...PLAIN } : { ...plain, ...readMore(r, invites), restated: version === 2 ? PLAIN.restated : readRestated(r, rows) };
}

function readMore(r: Reader, invites: Map<Hex<InvitePk>, Invite>): Omit<typeof PLAIN, 'restated'> {
  const many = Number.MAX_SAFE_INTEGER;
  const roles = new Map(r.list(many, (x): [Hex<MemberTag>, number] => [hex(x.fixed<MemberTag>(TAG)), x.u8()]));
  const sponsors = new Map(r.list(many, (x): [Hex<MemberTag>, MemberTag] => [hex(x.fixed<MemberTag>(TAG)), x.fixed<MemberTag>(TAG)]));
  for (const key of r.list(many, (x) => hex(x.fixed<InvitePk>(SIGN_PK)))) invites.set(key, { ...(invites.get(key) ?? r.fail()), open: true });
  return {
    roles,
    sponsors,
    claim: r.bool() ? { by: hex(r.fixed<MemberTag>(TAG)), seq: r.num(), at: r.num() } : null,
    destroy: r.bool() ? { seq: r.num(), at: r.num() } : null,
    relayPk: r.bool() ? r.fixed<RelayPk>(SIGN_PK) : null,
    version: r.num()
  };
}

function readRestated(r: Reader, rows: RosterState['rows']): Map<Hex<LogPk>, Cut[]> {
  const restated = new Map<Hex<LogPk>, Cut[]>();
  for (const c of r.list(Number.MAX_SAFE_INTEGER, (x): Cut => ({ logPk: x.fixed<LogPk>(SIGN_PK), n: x.num(), hash: x.fixed<Hash>(HASH) }))) {
    const key = hex(c.logPk);
    const before = restated.get(key) ?? [];
    // ascending, each of a log that ended, below its cut
    if (c.n >= (rows.get(key)?.end?.cut.n ?? 0) || before.some((b) => b.n >= c.n)) r.fail();
    restated.set(key, [...before, c]);
  }
  return restated;
}

const byKey = <K extends string, V>(m: ReadonlyMap<K, V>): [K, V][] => [...m.entries()].sort(([a], [b]) => (a < b ? -1 : 1));

const sorted = <K extends string, V>(m: ReadonlyMap<K, V>): V[] => byKey(m).map(([, v]) => v);
