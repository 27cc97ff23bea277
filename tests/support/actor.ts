/**
 * People and groups for tests, made from real bytes: every entry, lockbox, receipt and envelope goes through `crypto/`. A `Made` is what a
 * device would send; `Story` plays an honest relay that receipts it and folds it.
 */
import type { BlobId, Bytes, ContentKey, GroupId, Hash, InvitePk, LogPk, LogSk, MemberTag, RelayPk } from '../../crypto/brand';
import { compare, concat, fromText } from '../../crypto/bytes';
import { sealDisplay } from '../../crypto/display';
import { type EnvelopeContext, envelopeHash, sealEnvelope } from '../../crypto/envelope';
import { commitContent, commitRoster, type EpochKeys, type EpochPlace, newEpochKeys } from '../../crypto/epoch';
import type { AddressedLockbox, ReceiptedEntry } from '../../crypto/frames';
import { ZERO_HASH } from '../../crypto/hash';
import { inviteKeys, type InviteKeys, type JoinRequest } from '../../crypto/invite-secret';
import { LABEL } from '../../crypto/labels';
import { type KemPair, kemPair, type KeyringItem, lockboxHash, sealLockbox } from '../../crypto/lockbox';
import { type Receipt, signReceipt } from '../../crypto/receipt';
import { type AddedRow, chainAfter, claimBody, type Cut, deviceClaimBody, type EntryBody, groupIdOf, type NewRow, type Rotation, signEntry } from '../../crypto/roster/entry';
import { begin, fold } from '../../crypto/roster/fold';
import type { VoidFault } from '../../crypto/roster/rules';
import { chainAt, chainHead, currentEpoch, liveRows, type RosterState, rowsOf } from '../../crypto/roster/state';
import { hex } from '../../crypto/bytes';
import { na, type Random } from '../../crypto/sodium';
import { sign, signPair } from '../../crypto/verify';
import { Writer } from '../../crypto/wire';

/** A deterministic `Random`: block i is BLAKE2b-512(seed, i). Needs `ready()`. */
export function seeded(seed: string | number): Random {
  const key = na().crypto_generichash(32, fromText(`test ${seed}`), null);
  let counter = 0;
  let pool: Bytes = new Uint8Array(0);
  return (size) => {
    const parts: Bytes[] = [pool];
    let have = pool.length;
    while (have < size) {
      const block = na().crypto_generichash(64, new Writer().num(counter++).done(), key) as Bytes;
      parts.push(block);
      have += block.length;
    }
    const all = concat(...parts);
    pool = all.slice(size);
    return all.slice(0, size);
  };
}

/** One device of one person in one group. */
export interface Device {
  readonly member: MemberTag;
  readonly logPk: LogPk;
  readonly logSk: LogSk;
  readonly kem: KemPair;
}

/** A device with fresh keys; of a member that exists when a tag is given. */
export function makeDevice(random: Random, member?: MemberTag): Device {
  const tag = member ?? (random(16) as MemberTag);
  const log = signPair(random(32));
  return { member: tag, logPk: log.pk as LogPk, logSk: log.sk as LogSk, kem: kemPair(random(32)) };
}

/** A roster entry and what goes with it, not yet receipted. `keys` are those of the epoch it makes. */
export interface Made {
  readonly entry: Bytes;
  readonly boxes: readonly AddressedLockbox[];
  readonly keys: EpochKeys | null;
}

interface Recipient {
  readonly logPk: LogPk;
  readonly kem: KemPair['pk'];
  /** Keys of earlier epochs that go into its lockbox as well. */
  readonly past?: readonly KeyringItem[];
}

/** New keys, a lockbox for each recipient, and the rotation that commits to both. */
export function rotation(random: Random, place: EpochPlace, to: readonly Recipient[]): { readonly rotation: Rotation; readonly boxes: AddressedLockbox[]; readonly keys: EpochKeys } {
  const keys = newEpochKeys(random);
  const own: KeyringItem = { epoch: place.seq, roster: keys.roster, content: keys.content };
  const boxes = [...to]
    .sort((a, b) => compare(a.logPk, b.logPk))
    .map((r) => ({ to: r.logPk, lockbox: sealLockbox(r.logPk, r.kem, place, [...(r.past ?? []), own], random) }));
  return {
    rotation: {
      contentCommit: commitContent(place, keys.content),
      rosterCommit: commitRoster(place, keys.roster),
      boxes: boxes.map((b) => ({ to: b.to, hash: lockboxHash(b.lockbox) }))
    },
    boxes,
    keys
  };
}

const json = (v: unknown): Bytes => fromText(JSON.stringify(v));

/** Signs any body by any device at any place: for entries that no honest device would make, too. */
export function rawEntry(by: Device, place: EpochPlace, body: EntryBody): Bytes {
  return signEntry({ seq: place.seq, prev: place.prev, author: by.logPk, body }, by.logSk);
}

/** Where the next entry of a roster goes. */
export const nextPlace = (s: RosterState): EpochPlace => ({ prev: chainHead(s), seq: s.seq + 1 });

/** Makes a group with one founder. */
export function foundGroup(random: Random, founder: Device, display: unknown = { group: 'Test' }): Made & { readonly group: GroupId } {
  const place: EpochPlace = { prev: random(32) as Bytes as Hash, seq: 1 };
  const r = rotation(random, place, [{ logPk: founder.logPk, kem: founder.kem.pk }]);
  const entry = rawEntry(founder, place, {
    kind: 'genesis', member: founder.member, kem: founder.kem.pk, rotation: r.rotation,
    display: sealDisplay(r.keys.roster, { ...place, author: founder.logPk }, json(display), random)
  });
  return { entry, boxes: r.boxes, keys: r.keys, group: groupIdOf(entry) };
}

/** Renames the group, sealed under the roster key given. */
export function nameEntry(random: Random, s: RosterState, by: Device, keys: EpochKeys, name: string): Made {
  const place = nextPlace(s);
  return { entry: rawEntry(by, place, { kind: 'name', display: sealDisplay(keys.roster, { ...place, author: by.logPk }, json({ name }), random) }), boxes: [], keys: null };
}

/** Registers an invite key; the link's secret comes with it. */
export function inviteEntry(
  random: Random, s: RosterState, by: Device, keys: EpochKeys, more: { readonly expires?: number; readonly history?: 'start' | 'today'; readonly secret?: Bytes; readonly open?: boolean } = {}
): Made & { readonly secret: Bytes; readonly invite: InviteKeys } {
  const place = nextPlace(s);
  const secret = more.secret ?? random(16);
  const invite = inviteKeys(s.group, secret);
  const entry = rawEntry(by, place, {
    kind: more.open === true ? 'open-invite' : 'invite', invite: invite.invite, expires: more.expires ?? s.time + 3 * 86_400_000, history: more.history ?? 'start',
    display: sealDisplay(keys.roster, { ...place, author: by.logPk }, json({ label: 'Family' }), random)
  });
  return { entry, boxes: [], keys: null, secret, invite };
}

export const revokeInviteEntry = (s: RosterState, by: Device, invite: InvitePk): Made => ({ entry: rawEntry(by, nextPlace(s), { kind: 'revoke-invite', invite }), boxes: [], keys: null });

/** The row that a joiner asks for, signed by its log key and by the link's invite key. */
export function newRow(group: GroupId, invite: InviteKeys, joiner: Device): NewRow {
  const row = { member: joiner.member, logPk: joiner.logPk, kem: joiner.kem.pk };
  const body = claimBody(group, invite.invite, row);
  return { ...row, claim: sign(LABEL.claim, body, joiner.logSk), redeem: sign(LABEL.redeem, body, invite.sk) };
}

/** A joiner's request as it lies under the link's key, before it is sealed. */
export const joinRequest = (random: Random, group: GroupId, invite: InviteKeys, joiner: Device, name = 'Fay'): JoinRequest => ({
  row: newRow(group, invite, joiner), display: json({ name }), answerKey: random(32)
});

/** Lets a joiner in. `past` are the keys of earlier epochs for its first lockbox. */
export function admitEntry(random: Random, s: RosterState, by: Device, invite: InvitePk, row: NewRow, past: readonly KeyringItem[] = [], display: unknown = { name: 'Fay' }): Made {
  const place = nextPlace(s);
  const r = rotation(random, place, [...liveRows(s), { logPk: row.logPk, kem: row.kem, past }]);
  const entry = rawEntry(by, place, { kind: 'admit', invite, row, rotation: r.rotation, display: sealDisplay(r.keys.roster, { ...place, author: by.logPk }, json(display), random) });
  return { entry, boxes: r.boxes, keys: r.keys };
}

/** Comes in by an open invite, by itself: keys for everyone who is there, and for the newcomer. */
export function joinEntry(random: Random, s: RosterState, invite: InviteKeys, joiner: Device, display: unknown = { name: 'Fay' }): Made {
  const place = nextPlace(s);
  const row = newRow(s.group, invite, joiner);
  const r = rotation(random, place, [...liveRows(s), { logPk: row.logPk, kem: row.kem }]);
  const entry = rawEntry(joiner, place, { kind: 'join', invite: invite.invite, row, rotation: r.rotation, display: sealDisplay(r.keys.roster, { ...place, author: joiner.logPk }, json(display), random) });
  return { entry, boxes: r.boxes, keys: r.keys };
}

/** Any entry without keys of its own. */
export const plainEntry = (s: RosterState, by: Device, body: EntryBody): Made => ({ entry: rawEntry(by, nextPlace(s), body), boxes: [], keys: null });

/** A log's end at its head; `heads` by log key in hex, absent = it never spoke. */
export type Heads = ReadonlyMap<string, { readonly n: number; readonly hash: Hash }>;
export const cutsFor = (s: RosterState, member: MemberTag, heads: Heads = new Map()): Cut[] =>
  rowsOf(s, hex(member)).map((r) => ({ logPk: r.logPk, ...(heads.get(hex(r.logPk)) ?? { n: 0, hash: ZERO_HASH }) }));

/** Ends a member's rows and rotates to everyone else. */
export function removeEntry(random: Random, s: RosterState, by: Device, member: MemberTag, heads?: Heads): Made {
  const place = nextPlace(s);
  const r = rotation(random, place, liveRows(s).filter((x) => hex(x.member) !== hex(member)));
  return { entry: rawEntry(by, place, { kind: 'remove', member, cuts: cutsFor(s, member, heads), rotation: r.rotation }), boxes: r.boxes, keys: r.keys };
}

/** Offers ownership; null withdraws. */
export const offer = (s: RosterState, by: Device, to: MemberTag | null): Made => ({ entry: rawEntry(by, nextPlace(s), { kind: 'offer-owner', to }), boxes: [], keys: null });

/** Accepts the offer that stands, or the one named. */
export function accept(random: Random, s: RosterState, by: Device, offered?: number): Made {
  const place = nextPlace(s);
  const r = rotation(random, place, liveRows(s));
  return { entry: rawEntry(by, place, { kind: 'accept-owner', offer: offered ?? s.offer?.seq ?? 0, rotation: r.rotation }), boxes: r.boxes, keys: r.keys };
}

export const leave = (s: RosterState, by: Device, heads?: Heads): Made => ({ entry: rawEntry(by, nextPlace(s), { kind: 'leave', cuts: cutsFor(s, by.member, heads) }), boxes: [], keys: null });

export function rotate(random: Random, s: RosterState, by: Device): Made {
  const place = nextPlace(s);
  const r = rotation(random, place, liveRows(s));
  return { entry: rawEntry(by, place, { kind: 'rotate', rotation: r.rotation }), boxes: r.boxes, keys: r.keys };
}

/** A further row of `adder`'s member as its own device asks for it. */
export function addedRow(group: GroupId, adder: Device, device: Device, rank: AddedRow['rank'] = 'ordinary'): AddedRow {
  const row = { logPk: device.logPk, kem: device.kem.pk, rank };
  return { ...row, claim: sign(LABEL.deviceClaim, deviceClaimBody(group, adder.member, adder.logPk, row), device.logSk) };
}

/** Adds a device of the author's own member; a recovery row gives way to the one it adds. */
export function deviceAdd(random: Random, s: RosterState, by: Device, device: Device, rank: AddedRow['rank'] = 'ordinary', past: readonly KeyringItem[] = []): Made {
  const place = nextPlace(s);
  const stay = liveRows(s).filter((r) => rank === 'ordinary' || r.rank === 'ordinary' || hex(r.member) !== hex(by.member));
  const r = rotation(random, place, [...stay, { logPk: device.logPk, kem: device.kem.pk, past }]);
  const display = sealDisplay(r.keys.roster, { ...place, author: by.logPk }, json({}), random);
  return { entry: rawEntry(by, place, { kind: 'device-add', row: addedRow(s.group, by, device, rank), rotation: r.rotation, display }), boxes: r.boxes, keys: r.keys };
}

/** Ends one device; rotates unless a device ends itself. */
export function deviceRevoke(random: Random, s: RosterState, by: Device, logPk: LogPk, heads: Heads = new Map()): Made {
  const place = nextPlace(s);
  const cut: Cut = { logPk, ...(heads.get(hex(logPk)) ?? { n: 0, hash: ZERO_HASH }) };
  if (hex(logPk) === hex(by.logPk)) return { entry: rawEntry(by, place, { kind: 'device-revoke', cut, rotation: null }), boxes: [], keys: null };
  const r = rotation(random, place, liveRows(s).filter((x) => hex(x.logPk) !== hex(logPk)));
  return { entry: rawEntry(by, place, { kind: 'device-revoke', cut, rotation: r.rotation }), boxes: r.boxes, keys: r.keys };
}

/** A relay's signing key. */
export interface RelayKeys { readonly pk: RelayPk; readonly sk: Bytes; readonly incarnation: number }
export function makeRelay(random: Random, incarnation = 1): RelayKeys {
  const k = signPair(random(32));
  return { pk: k.pk as RelayPk, sk: k.sk, incarnation };
}

/** The receipt of an entry that follows chain hash `before` (zeros for a genesis). */
export function receipt(relay: RelayKeys, group: GroupId, before: Hash, seq: number, entry: Uint8Array, time: number): Receipt {
  return signReceipt(group, { relayPk: relay.pk, incarnation: relay.incarnation, seq, chain: chainAfter(before, entry, time), time }, relay.sk);
}

/** A log that writes envelope after envelope. */
export interface Pen { readonly device: Device; n: number; prev: Hash }
export const pen = (device: Device): Pen => ({ device, n: 0, prev: ZERO_HASH });

/** The next envelope of a pen, sealed at the roster's head under the key given. */
export function envelope(random: Random, s: RosterState, p: Pen, key: ContentKey, plaintext: Bytes, more: { readonly rosterSeq?: number; readonly epoch?: number; readonly blobs?: readonly Bytes[] } = {}): Bytes {
  const rosterSeq = more.rosterSeq ?? s.seq;
  const context: EnvelopeContext = { group: s.group, logPk: p.device.logPk, prev: p.prev, roster: chainAt(s, rosterSeq) as Hash };
  const bytes = sealEnvelope(context, { n: p.n + 1, rosterSeq, epoch: more.epoch ?? currentEpoch(s).seq, blobs: (more.blobs ?? []) as BlobId[] }, plaintext, key, p.device.logSk, random);
  p.n++;
  p.prev = envelopeHash(context, bytes);
  return bytes;
}

/** A group as it goes on at an honest relay: receipts, folds, and remembers every epoch's keys. */
export interface Story {
  readonly group: GroupId;
  readonly relay: RelayKeys;
  readonly entries: readonly ReceiptedEntry[];
  /** The roster now. */
  readonly state: RosterState;
  /** Keys by epoch, of the entries that counted. */
  readonly keys: ReadonlyMap<number, EpochKeys>;
  /** The newest epoch's keys. */
  readonly now: EpochKeys;
  /** All epochs' keys, roster keys always, content keys from `horizon` on. */
  keyring(horizon?: number): KeyringItem[];
  /** Receipts and folds whatever is given, void or not; says why it was void. */
  let(entry: Bytes, keys?: EpochKeys | null, time?: number): VoidFault | null;
  /** The same, for an entry that must count. Throws when it is void. */
  must(made: Made, time?: number): Made;
}

/** Founds a group and begins its story; `start` is the first receipt's time. */
export function story(random: Random, founder: Device, start = 1_000_000): Story {
  const relay = makeRelay(random);
  const made = foundGroup(random, founder);
  const first = begin(made.group, made.entry, start);
  if (!first.ok) throw new Error(first.fault);
  let state = first.value;
  const entries: ReceiptedEntry[] = [{ entry: made.entry, receipt: receipt(relay, made.group, ZERO_HASH, 1, made.entry, start) }];
  const keys = new Map<number, EpochKeys>([[1, made.keys as EpochKeys]]);
  const allow = (entry: Bytes, its: EpochKeys | null = null, time = state.time + 1000): VoidFault | null => {
    entries.push({ entry, receipt: receipt(relay, made.group, chainHead(state), state.seq + 1, entry, time) });
    const folded = fold(state, entry, time, relay.pk);
    state = folded.state;
    if (folded.void === null && its !== null) keys.set(state.seq, its);
    return folded.void;
  };
  return {
    group: made.group,
    relay,
    entries,
    keys,
    get state() {
      return state;
    },
    get now() {
      return keys.get(currentEpoch(state).seq) as EpochKeys;
    },
    keyring: (horizon = 1) => [...keys].map(([epoch, k]) => ({ epoch, roster: k.roster, content: epoch >= horizon ? k.content : null })),
    let: allow,
    must(m, time) {
      const fault = allow(m.entry, m.keys, time);
      if (fault !== null) throw new Error(`void: ${fault}`);
      return m;
    }
  };
}

/** Invites and admits in two entries. */
export function letIn(random: Random, st: Story, owner: Device, joiner: Device, history: 'start' | 'today' = 'start'): void {
  const i = inviteEntry(random, st.state, owner, st.now, { history });
  st.must(i);
  const horizon = history === 'start' ? 1 : st.state.seq + 1;
  st.must(admitEntry(random, st.state, owner, i.invite.invite, newRow(st.group, i.invite, joiner), st.keyring(horizon)));
}
