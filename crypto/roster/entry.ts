/** Roster entries as bytes (PROTOCOL §6): plaintext and pseudonymous, signed by a log of the group, bound to the chain before them. */
import type { Bytes, GroupId, Hash, InvitePk, KemPk, LogPk, MemberTag, RelayPk } from '../brand';
import { compare, concat } from '../bytes';
import { HASH, hash } from '../hash';
import { LABEL } from '../labels';
import { LIMIT } from '../limits';
import { unreachable, type Result } from '../result';
import { SIGN_PK, SIGNATURE, sign, verify } from '../verify';
import { decode, type Malformed, type Reader, Writer } from '../wire';

export const ENTRY_VERSION = 1;
export const SUITE = 1;
export const TAG = 16;
export const KEM_PK = 1216;

/** New keys for the group: commitments to both, and who was sent them in which bytes (ascending by log key). */
export interface Rotation {
  readonly contentCommit: Hash;
  readonly rosterCommit: Hash;
  readonly boxes: readonly { readonly to: LogPk; readonly hash: Hash }[];
}

/** Where a log ends: nothing beyond `n` counts, and envelope `n` has this hash. `n` = 0: it never spoke. */
export interface Cut { readonly logPk: LogPk; readonly n: number; readonly hash: Hash }

/** A new row as its own device asks for it: `claim` by the log key, `redeem` by the invite key. */
export interface NewRow {
  readonly member: MemberTag;
  readonly logPk: LogPk;
  readonly kem: KemPk;
  readonly claim: Bytes;
  readonly redeem: Bytes;
}

/** A further row of the author's own member: `claim` by the new log key, over whoever adds it. */
export interface AddedRow {
  readonly logPk: LogPk;
  readonly kem: KemPk;
  readonly rank: 'ordinary' | 'recovery';
  readonly claim: Bytes;
}

export type EntryBody =
  | { readonly kind: 'genesis'; readonly member: MemberTag; readonly kem: KemPk; readonly rotation: Rotation; readonly display: Bytes }
  | { readonly kind: 'name'; readonly display: Bytes }
  | { readonly kind: 'invite'; readonly invite: InvitePk; readonly expires: number; readonly history: 'start' | 'today'; readonly display: Bytes }
  | { readonly kind: 'revoke-invite'; readonly invite: InvitePk }
  | { readonly kind: 'admit'; readonly invite: InvitePk; readonly row: NewRow; readonly rotation: Rotation; readonly display: Bytes }
  | { readonly kind: 'remove'; readonly member: MemberTag; readonly cuts: readonly Cut[]; readonly rotation: Rotation }
  | { readonly kind: 'offer-owner'; readonly to: MemberTag | null }
  | { readonly kind: 'accept-owner'; readonly offer: number; readonly rotation: Rotation }
  | { readonly kind: 'leave'; readonly cuts: readonly Cut[] }
  | { readonly kind: 'rotate'; readonly rotation: Rotation }
  | { readonly kind: 'device-add'; readonly row: AddedRow; readonly rotation: Rotation; readonly display: Bytes }
  /** `rotation` is null exactly when a device ends itself: it must not make the keys that shut it out. */
  | { readonly kind: 'device-revoke'; readonly cut: Cut; readonly rotation: Rotation | null }
  /** All roles that the member has from now on: the bits of `ROLE`. */
  | { readonly kind: 'role'; readonly member: MemberTag; readonly roles: number }
  /** Another key of the group's relay; counts only under a receipt by that key. */
  | { readonly kind: 'relay'; readonly relayPk: RelayPk }
  | { readonly kind: 'upgrade'; readonly version: number }
  /** Ends the group for everyone once the grace is over, or calls that off. */
  | { readonly kind: 'destroy'; readonly on: boolean }
  /** An invite whose holder lets itself in. */
  | { readonly kind: 'open-invite'; readonly invite: InvitePk; readonly expires: number; readonly history: 'start' | 'today'; readonly display: Bytes }
  /** By the new row itself. */
  | { readonly kind: 'join'; readonly invite: InvitePk; readonly row: NewRow; readonly rotation: Rotation; readonly display: Bytes }
  /** By the successor, who may accept ownership when the wait is over; off: taken back, or refused by the owner. */
  | { readonly kind: 'claim-owner'; readonly on: boolean }
  /** A log that ended counts as whole there too: the run to its cut is lost. */
  | { readonly kind: 'restate-cut'; readonly cut: Cut };
export type EntryKind = EntryBody['kind'];

export interface Entry {
  readonly seq: number;
  /** Chain hash before it; of a genesis: 32 random bytes. */
  readonly prev: Hash;
  readonly author: LogPk;
  readonly body: EntryBody;
  readonly signature: Bytes;
}

/** What a member may do beyond every member's rights (PROTOCOL §9.1). */
export const ROLE = { host: 1, successor: 2, representative: 4 } as const;
export type RoleName = keyof typeof ROLE;

/** Kind codes on the wire, from 1. */
export const KINDS = [
  'genesis', 'name', 'invite', 'revoke-invite', 'admit', 'remove', 'offer-owner', 'accept-owner', 'leave', 'rotate', 'device-add', 'device-revoke',
  'role', 'relay', 'upgrade', 'destroy', 'open-invite', 'join', 'claim-owner', 'restate-cut'
] as const;

/** Hash of an entry's bytes; of a genesis it is the group's id. */
export const entryHash = (entry: Uint8Array): Hash => hash(LABEL.entryHash, entry);
export const groupIdOf = (genesis: Uint8Array): GroupId => entryHash(genesis) as Bytes as GroupId;

/** The chain after an entry: covers everything before, the entry's bytes, and the time in its receipt. */
export const chainAfter = (before: Hash, entry: Uint8Array, time: number): Hash => hash(LABEL.chain, before, entryHash(entry), new Writer().num(time).done());

/** An entry's bytes: what is signed, then the signature. */
export const encodeEntry = (e: Entry): Bytes => concat(writeUnsigned(e), e.signature);

export function signEntry(e: Omit<Entry, 'signature'>, secret: Bytes): Bytes {
  const unsigned = writeUnsigned(e);
  return concat(unsigned, sign(LABEL.entry, unsigned, secret));
}

/** Whether the author's log key signed these bytes. */
export const verifyEntry = (bytes: Uint8Array, e: Entry): boolean =>
  verify(LABEL.entry, bytes.subarray(0, bytes.length - SIGNATURE), e.signature, e.author);

/** What a new row's log key signs. */
export const claimBody = (group: GroupId, invite: InvitePk, r: Pick<NewRow, 'member' | 'logPk' | 'kem'>): Bytes => concat(group, invite, r.member, r.logPk, r.kem);

export function verifyNewRow(group: GroupId, invite: InvitePk, r: NewRow): boolean {
  const body = claimBody(group, invite, r);
  return verify(LABEL.claim, body, r.claim, r.logPk) && verify(LABEL.redeem, body, r.redeem, invite);
}

/** What an added row's log key signs: the group, the member, who adds it, and its own keys and rank. */
export const deviceClaimBody = (group: GroupId, member: MemberTag, adder: LogPk, r: Omit<AddedRow, 'claim'>): Bytes =>
  concat(group, member, adder, r.logPk, r.kem, Uint8Array.of(r.rank === 'recovery' ? 1 : 0));

export const verifyAddedRow = (group: GroupId, member: MemberTag, adder: LogPk, r: AddedRow): boolean =>
  verify(LABEL.deviceClaim, deviceClaimBody(group, member, adder, r), r.claim, r.logPk);

export function decodeEntry(bytes: Uint8Array): Result<Entry, Malformed> {
  return decode(bytes, readEntry);
}

function writeUnsigned(e: Omit<Entry, 'signature'>): Bytes {
  const w = new Writer().u8(ENTRY_VERSION).u8(SUITE).u8(KINDS.indexOf(e.body.kind) + 1).num(e.seq).fixed(e.prev).fixed(e.author);
  const b = e.body;
  switch (b.kind) {
    case 'genesis':
      writeRotation(b.rotation, w.fixed(b.member).fixed(b.kem));
      return w.bytes(b.display).done();
    case 'name':
      return w.bytes(b.display).done();
    case 'invite':
    case 'open-invite':
      return w.fixed(b.invite).num(b.expires).bool(b.history === 'today').bytes(b.display).done();
    case 'revoke-invite':
      return w.fixed(b.invite).done();
    case 'admit':
    case 'join':
      w.fixed(b.invite);
      writeNewRow(b.row, w);
      writeRotation(b.rotation, w);
      return w.bytes(b.display).done();
    case 'remove':
      w.fixed(b.member).list(b.cuts, writeCut);
      writeRotation(b.rotation, w);
      return w.done();
    case 'offer-owner':
      w.bool(b.to !== null);
      return b.to === null ? w.done() : w.fixed(b.to).done();
    case 'accept-owner':
      writeRotation(b.rotation, w.num(b.offer));
      return w.done();
    case 'leave':
      return w.list(b.cuts, writeCut).done();
    case 'rotate':
      writeRotation(b.rotation, w);
      return w.done();
    case 'device-add':
      w.fixed(b.row.logPk).fixed(b.row.kem).bool(b.row.rank === 'recovery').fixed(b.row.claim);
      writeRotation(b.rotation, w);
      return w.bytes(b.display).done();
    case 'device-revoke':
      writeCut(b.cut, w);
      w.bool(b.rotation !== null);
      if (b.rotation !== null) writeRotation(b.rotation, w);
      return w.done();
    case 'role':
      return w.fixed(b.member).u8(b.roles).done();
    case 'relay':
      return w.fixed(b.relayPk).done();
    case 'upgrade':
      return w.num(b.version).done();
    case 'destroy':
    case 'claim-owner':
      return w.bool(b.on).done();
    case 'restate-cut':
      writeCut(b.cut, w);
      return w.done();
    default:
      return unreachable(b);
  }
}

function readEntry(r: Reader): Entry {
  if (r.u8() !== ENTRY_VERSION || r.u8() !== SUITE) r.fail();
  const kind = KINDS[r.u8() - 1] ?? r.fail();
  const seq = r.num();
  const prev = r.fixed<Hash>(HASH);
  const author = r.fixed<LogPk>(SIGN_PK);
  return { seq, prev, author, body: readBody(kind, r), signature: r.fixed(SIGNATURE) };
}

function readBody(kind: EntryKind, r: Reader): EntryBody {
  switch (kind) {
    case 'genesis':
      return { kind, member: r.fixed<MemberTag>(TAG), kem: r.fixed<KemPk>(KEM_PK), rotation: readRotation(r), display: r.bytes(LIMIT.display) };
    case 'name':
      return { kind, display: r.bytes(LIMIT.display) };
    case 'invite':
    case 'open-invite':
      return { kind, invite: r.fixed<InvitePk>(SIGN_PK), expires: r.num(), history: r.bool() ? 'today' : 'start', display: r.bytes(LIMIT.display) };
    case 'revoke-invite':
      return { kind, invite: r.fixed<InvitePk>(SIGN_PK) };
    case 'admit':
    case 'join':
      return { kind, invite: r.fixed<InvitePk>(SIGN_PK), row: readNewRow(r), rotation: readRotation(r), display: r.bytes(LIMIT.display) };
    case 'remove':
      return { kind, member: r.fixed<MemberTag>(TAG), cuts: readCuts(r), rotation: readRotation(r) };
    case 'offer-owner':
      return { kind, to: r.bool() ? r.fixed<MemberTag>(TAG) : null };
    case 'accept-owner':
      return { kind, offer: r.num(), rotation: readRotation(r) };
    case 'leave':
      return { kind, cuts: readCuts(r) };
    case 'rotate':
      return { kind, rotation: readRotation(r) };
    case 'device-add':
      return { kind, row: readAddedRow(r), rotation: readRotation(r), display: r.bytes(LIMIT.display) };
    case 'device-revoke':
      return { kind, cut: readCut(r), rotation: r.bool() ? readRotation(r) : null };
    case 'role':
      return { kind, member: r.fixed<MemberTag>(TAG), roles: r.u8() };
    case 'relay':
      return { kind, relayPk: r.fixed<RelayPk>(SIGN_PK) };
    case 'upgrade':
      return { kind, version: r.num() };
    case 'destroy':
    case 'claim-owner':
      return { kind, on: r.bool() };
    case 'restate-cut':
      return { kind, cut: readCut(r) };
    default:
      return unreachable(kind);
  }
}

function writeRotation(r: Rotation, w: Writer): void {
  w.fixed(r.contentCommit).fixed(r.rosterCommit).list(r.boxes, (b, x) => x.fixed(b.to).fixed(b.hash));
}
function readRotation(r: Reader): Rotation {
  const rotation = {
    contentCommit: r.fixed<Hash>(HASH),
    rosterCommit: r.fixed<Hash>(HASH),
    boxes: r.list(LIMIT.devices * 2, (x) => ({ to: x.fixed<LogPk>(SIGN_PK), hash: x.fixed<Hash>(HASH) }))
  };
  if (!ascending(rotation.boxes.map((b) => b.to))) r.fail();
  return rotation;
}
const writeCut = (c: Cut, w: Writer): void => void w.fixed(c.logPk).num(c.n).fixed(c.hash);
const readCut = (r: Reader): Cut => ({ logPk: r.fixed<LogPk>(SIGN_PK), n: r.num(), hash: r.fixed<Hash>(HASH) });
function readCuts(r: Reader): Cut[] {
  const cuts = r.list(LIMIT.devicesPerMember + 1, readCut);
  if (!ascending(cuts.map((c) => c.logPk))) r.fail();
  return cuts;
}
export function writeNewRow(n: NewRow, w: Writer): void {
  w.fixed(n.member).fixed(n.logPk).fixed(n.kem).fixed(n.claim).fixed(n.redeem);
}
const readAddedRow = (r: Reader): AddedRow => ({
  logPk: r.fixed<LogPk>(SIGN_PK),
  kem: r.fixed<KemPk>(KEM_PK),
  rank: r.bool() ? 'recovery' : 'ordinary',
  claim: r.fixed(SIGNATURE)
});
export const readNewRow = (r: Reader): NewRow => ({
  member: r.fixed<MemberTag>(TAG),
  logPk: r.fixed<LogPk>(SIGN_PK),
  kem: r.fixed<KemPk>(KEM_PK),
  claim: r.fixed(SIGNATURE),
  redeem: r.fixed(SIGNATURE)
});

const ascending = (keys: readonly Uint8Array[]): boolean => keys.every((k, i) => i === 0 || compare(keys[i - 1] as Uint8Array, k) < 0);

