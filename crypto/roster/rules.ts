/** Who may do what, judged at the state before the entry (PROTOCOL §9). Pure, keyless, total. */
import type { Hex, InvitePk, LogPk, MemberTag, RelayPk } from '../brand';
import { equal, hex } from '../bytes';
import { ZERO_HASH } from '../hash';
import { LIMIT } from '../limits';
import { unreachable } from '../result';
import { type NewRow, ROLE, verifyAddedRow, verifyNewRow, type Cut, type Entry, type Rotation } from './entry';
import { chainHead, hasRole, type Invite, isLive, liveRows, mayInvite, mayRemove, owedAt, type RosterState, type Row, rowsOf } from './state';

/** Why an entry is void. It stays in the chain, takes its seq, and changes nothing. */
export type VoidFault =
  | 'malformed' | 'too-large' | 'wrong-place' | 'forged' | 'not-live' | 'not-owner' | 'owner-cannot' | 'unknown-member' | 'unknown-invite'
  | 'used' | 'expired' | 'key-reused' | 'bad-claim' | 'wrong-recipients' | 'wrong-cuts' | 'owed' | 'no-offer' | 'too-many' | 'outranked' | 'last-row'
  | 'not-open' | 'no-claim' | 'too-early' | 'wrong-relay' | 'wrong-version' | 'destroyed';

/** How long the owner may answer a successor's claim, and call off the end of the group (PROTOCOL §9.1). */
export const CLAIM_WAIT = 14 * 86_400_000;
export const DESTROY_GRACE = 30 * 86_400_000;
/** The version of entries that this code knows. */
export const GROUP_VERSION = 1;

/** Null when the entry counts; otherwise the reason it is void. `now` is the running maximum of receipt times, its own included; `relay` the key that receipts it. */
export function judge(s: RosterState, e: Entry, signed: boolean, now: number, relay: RelayPk | null): VoidFault | null {
  if (e.seq !== s.seq + 1 || !equal(e.prev, chainHead(s))) return 'wrong-place';
  if (isDestroyed(s, now)) return 'destroyed';
  if (e.body.kind === 'join') return judgeJoin(s, e, e.body, signed, now);
  const author = s.rows.get(hex(e.author));
  if (author === undefined || !isLive(author)) return 'not-live';
  if (!signed) return 'forged';
  const by = hex(author.member);
  const owns = by === s.owner;
  const owed = owedAt(s, s.seq);
  const b = e.body;
  switch (b.kind) {
    case 'genesis':
      return 'wrong-place';
    case 'name':
      return !owns ? 'not-owner' : owed ? 'owed' : null;
    case 'invite':
    case 'open-invite':
      if (!mayInvite(s, by)) return 'not-owner';
      if (owed) return 'owed';
      if (s.invites.has(hex(b.invite)) || s.rows.has(hex(b.invite) as string as Hex<LogPk>)) return 'key-reused';
      return [...s.invites.values()].filter((i) => i.state === 'pending' && i.expires >= now).length >= LIMIT.invites ? 'too-many' : null;
    case 'revoke-invite': {
      if (!mayInvite(s, by)) return 'not-owner';
      const i = s.invites.get(hex(b.invite));
      if (i === undefined) return 'unknown-invite';
      return !minds(s, by, i) ? 'not-owner' : i.state !== 'pending' ? 'used' : null;
    }
    case 'admit': {
      if (!mayInvite(s, by)) return 'not-owner';
      const i = s.invites.get(hex(b.invite));
      if (i === undefined) return 'unknown-invite';
      return minds(s, by, i) ? comesIn(s, b, i, now) : 'not-owner';
    }
    case 'device-add': {
      const key = hex(b.row.logPk);
      if (s.rows.has(key) || s.invites.has(key as string as Hex<InvitePk>)) return 'key-reused';
      if (!verifyAddedRow(s.group, author.member, e.author, b.row)) return 'bad-claim';
      const own = rowsOf(s, by);
      const replaced = b.row.rank === 'recovery' ? own.find((r) => !isOrdinary(r)) : undefined;
      // the first recovery row may be added by any device of its member; after that only it replaces itself
      if (replaced !== undefined && !equal(replaced.logPk, e.author)) return 'outranked';
      if (b.row.rank === 'ordinary' && own.filter(isOrdinary).length >= LIMIT.devicesPerMember) return 'too-many';
      if (b.row.rank === 'ordinary' && liveRows(s).filter(isOrdinary).length >= LIMIT.devices) return 'too-many';
      return recipients(b.rotation, [...liveRows(s).filter((r) => r !== replaced).map((r) => hex(r.logPk)), key]);
    }
    case 'device-revoke': {
      const row = s.rows.get(hex(b.cut.logPk));
      if (row === undefined || !isLive(row) || hex(row.member) !== by) return 'unknown-member';
      if (!isOrdinary(row) && isOrdinary(author)) return 'outranked';
      if (rowsOf(s, by).length === 1) return 'last-row';
      const self = row === author;
      if (self !== (b.rotation === null)) return 'wrong-recipients';
      const wrong = cuts([b.cut], [row]);
      if (wrong !== null || b.rotation === null) return wrong;
      return recipients(b.rotation, liveRows(s).filter((r) => r !== row).map((r) => hex(r.logPk)));
    }
    case 'remove': {
      if (!mayRemove(s, by)) return 'not-owner';
      const subject = hex(b.member);
      if (subject === s.owner) return 'owner-cannot';
      // who speaks for the patient does not shut out another who does: that is the owner's to settle
      if (!owns && hasRole(s, subject, 'representative')) return 'outranked';
      const rows = rowsOf(s, subject);
      if (rows.length === 0) return 'unknown-member';
      return cuts(b.cuts, rows) ?? recipients(b.rotation, liveRows(s).filter((r) => hex(r.member) !== subject).map((r) => hex(r.logPk)));
    }
    case 'offer-owner': {
      if (!owns) return 'not-owner';
      if (b.to === null) return s.offer === null ? 'no-offer' : null;
      const to = hex(b.to);
      if (to === s.owner) return 'owner-cannot';
      return rowsOf(s, to).length === 0 ? 'unknown-member' : null;
    }
    case 'accept-owner':
      if (s.offer === null || s.offer.to !== by || s.offer.seq !== b.offer) {
        if (s.claim === null || s.claim.by !== by || s.claim.seq !== b.offer) return 'no-offer';
        if (now - s.claim.at < CLAIM_WAIT) return 'too-early';
      }
      return recipients(b.rotation, liveRows(s).map((r) => hex(r.logPk)));
    case 'leave':
      return owns ? 'owner-cannot' : cuts(b.cuts, rowsOf(s, by));
    case 'rotate':
      return recipients(b.rotation, liveRows(s).map((r) => hex(r.logPk)));
    case 'role': {
      if (!owns) return 'not-owner';
      const to = hex(b.member);
      if (to === s.owner) return 'owner-cannot';
      if (rowsOf(s, to).length === 0) return 'unknown-member';
      return b.roles > (ROLE.host | ROLE.successor | ROLE.representative) ? 'malformed' : null;
    }
    case 'relay':
      return !owns ? 'not-owner' : relay === null || !equal(relay, b.relayPk) ? 'wrong-relay' : null;
    case 'upgrade':
      return !owns ? 'not-owner' : b.version <= s.version ? 'wrong-version' : null;
    case 'destroy':
      return !owns ? 'not-owner' : b.on === (s.destroy !== null) ? 'used' : null;
    case 'claim-owner':
      if (!b.on) return s.claim === null || (s.claim.by !== by && !owns) ? 'no-claim' : null;
      return !hasRole(s, by, 'successor') ? 'not-owner' : s.claim !== null ? 'used' : null;
    case 'restate-cut': {
      if (!owns) return 'not-owner';
      const key = hex(b.cut.logPk);
      const row = s.rows.get(key);
      if (row === undefined || row.end === null) return 'unknown-member';
      if (b.cut.n >= row.end.cut.n || cuts([b.cut], [row]) !== null) return 'wrong-cuts';
      return s.restated.get(key)?.some((c) => c.n === b.cut.n) === true ? 'used' : null;
    }
    default:
      return unreachable(b);
  }
}

/** Whether the grace of a group that is to end is over: no entry counts any more. */
export const isDestroyed = (s: RosterState, now: number): boolean => s.destroy !== null && now - s.destroy.at >= DESTROY_GRACE;

/** Whether an invite is a member's to admit by or to revoke: its own, or any for the owner and who speaks for the patient. */
const minds = (s: RosterState, by: Hex<MemberTag>, i: Invite): boolean => hex(i.by) === by || mayRemove(s, by);

/** An entry by a row that comes in by an open invite (PROTOCOL §13.6): it signs for itself, and the invite's key for it. */
function judgeJoin(s: RosterState, e: Entry, b: Extract<Entry['body'], { kind: 'join' }>, signed: boolean, now: number): VoidFault | null {
  if (!equal(e.author, b.row.logPk)) return 'not-live';
  if (!signed) return 'forged';
  const i = s.invites.get(hex(b.invite));
  if (i === undefined) return 'unknown-invite';
  return i.open ? comesIn(s, b, i, now) : 'not-open';
}

/** Whether a new row may come in by an invite. */
function comesIn(s: RosterState, b: { readonly invite: InvitePk; readonly row: NewRow; readonly rotation: Rotation }, i: Invite, now: number): VoidFault | null {
  if (i.state !== 'pending') return 'used';
  if (now > i.expires) return 'expired';
  const key = hex(b.row.logPk);
  // whoever holds the link holds the invite's key: no log may be written by it
  if (s.rows.has(key) || s.invites.has(key as string as Hex<InvitePk>) || s.members.has(hex(b.row.member))) return 'key-reused';
  if (!verifyNewRow(s.group, b.invite, b.row)) return 'bad-claim';
  const after = liveRows(s);
  if (after.filter(isOrdinary).length >= LIMIT.devices) return 'too-many';
  return recipients(b.rotation, [...after.map((r) => hex(r.logPk)), key]);
}

/** A recovery row stands outside every count of devices. */
const isOrdinary = (r: Row): boolean => r.rank === 'ordinary';

/** R7: exactly the live rows after the entry. */
function recipients(r: Rotation, live: readonly Hex<LogPk>[]): VoidFault | null {
  const want = new Set<string>(live);
  return r.boxes.length === want.size && r.boxes.every((b) => want.has(hex(b.to))) ? null : 'wrong-recipients';
}

/** A cut for exactly the rows that end; one that never spoke has zeros for its hash. */
function cuts(given: readonly Cut[], rows: readonly Row[]): VoidFault | null {
  const want = new Set<string>(rows.map((r) => hex(r.logPk)));
  return given.length === want.size && given.every((c) => want.has(hex(c.logPk)) && (c.n > 0 || equal(c.hash, ZERO_HASH))) ? null : 'wrong-cuts';
}

/** The member that an entry ends, if it ends one. */
export function subjectOf(s: RosterState, e: Entry): Hex<MemberTag> | null {
  if (e.body.kind === 'remove') return hex(e.body.member);
  if (e.body.kind !== 'leave') return null;
  const author = s.rows.get(hex(e.author));
  return author === undefined ? null : hex(author.member);
}
