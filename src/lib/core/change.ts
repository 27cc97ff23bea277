/** Changes to the roster by this device (PROTOCOL §6, §9): planned at the newest state, stored before the first byte leaves, retried or given back. */
import type { Bytes, Hash, InvitePk, LogPk, MemberTag, RelayPk } from '$crypto/brand';
import { compare, equal, fromText, hex, unhex } from '$crypto/bytes';
import { sealDisplay } from '$crypto/display';
import { commitContent, commitRoster, type EpochKeys, newEpochKeys } from '$crypto/epoch';
import type { AddressedLockbox, LogHead } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import { LABEL } from '$crypto/labels';
import { type KeyringItem, KEYS_IN_LOCKBOX, lockboxHash, sealLockbox } from '$crypto/lockbox';
import { chainAfter, type AddedRow, type Cut, deviceClaimBody, type EntryBody, type NewRow, type Rotation, signEntry } from '$crypto/roster/entry';
import { chainAt, chainHead, currentEpoch, endsOf, hasRole, liveRows, mayInvite, mayRemove, owedAt, type RosterState, type Row, rowOf, rowsOf } from '$crypto/roster/state';
import { sign } from '$crypto/verify';
import { LOG_START, type LogPlace } from '../group/log';
import { reaches } from './ended-logs';
import type { GroupRun } from './group-run';
import { type DeviceKeys, drop, keyOf, type KeyringRow, type PendingRow, put } from './group-rows';
import { hasParted } from './parted';
import type { Fault } from './port';
import { keysCame, takeEntries } from './receive';
import { fetchFeed, fetchLockboxes, fetchRoster } from './fetch';
import { isOpenEnded } from './ways';

/** What a change needs to know of where it will stand. */
interface Place { readonly prev: Hash; readonly seq: number }
interface Plan { readonly body: EntryBody; readonly boxes: readonly AddressedLockbox[]; readonly keys: EpochKeys | null }
type Planned = Plan | Fault;
/** Plans at the state of now; `heads` are where the relay said that logs stand. Asked again after every change by others. */
type Planner = (run: GroupRun, at: Place, heads: readonly LogHead[]) => Planned | Promise<Planned>;

const TRIES = 6;

/** Carries out one change. Called inside the group's turn, online and caught up. */
export async function changeRoster(run: GroupRun, plan: Planner): Promise<Fault | null> {
  if (run.row.ended !== null) return 'group-ended';
  if (run.permitWanted !== null) return 'needs-permit';
  if (run.session !== 'live' || !run.synced) return 'needs-network';
  if (run.isOutdated) return 'outdated';
  if (run.isSilent) return 'unavailable';
  let heads: readonly LogHead[] = [];
  for (let i = 0; i < TRIES; i++) {
    if (run.pending !== null) await resendPending(run);
    const place: Place = { prev: chainHead(run.state), seq: run.state.seq + 1 };
    const planned = await plan(run, place, heads);
    if (typeof planned === 'string') return planned;
    const entry = signEntry({ ...place, author: run.keys.logPk, body: planned.body }, run.keys.logSk);
    const keys: KeyringRow | null = planned.keys === null ? null : { epoch: place.seq, roster: planned.keys.roster, content: planned.keys.content };
    const pending: PendingRow = { seq: place.seq, entry, boxes: planned.boxes, keys };
    await run.commit([put('roster', keyOf.pending(run.ref), pending)]);
    run.pending = pending;
    const outcome = await sendPending(run);
    if (outcome === 'done') return null;
    if (outcome === 'lost') return 'unavailable';
    if (outcome.why === 'behind' || outcome.why === 'moved') {
      heads = outcome.why === 'moved' ? outcome.heads : heads;
      if (!(await fetchRoster(run)) || !(await fetchLockboxes(run)) || !(await fetchFeed(run))) return 'unavailable';
      continue;
    }
    return outcome.why === 'rate' ? 'too-many' : outcome.why === 'healing' ? 'restoring' : 'refused-by-relay';
  }
  return 'changed-meanwhile';
}

type Sent = 'done' | 'lost' | { readonly why: string; readonly heads: readonly LogHead[] };

/** Sends the stored entry. It is dropped only when the relay's answer is known. */
async function sendPending(run: GroupRun): Promise<Sent> {
  const p = run.pending as PendingRow;
  const { link } = run.around;
  for (const part of boxParts(p.boxes)) link.tell({ is: 'boxes', group: run.row.id, seq: p.seq, boxes: part });
  const f = await link.ask({ is: 'enter', group: run.row.id, seq: p.seq, entry: p.entry });
  if (f === null) return 'lost';
  if (f.is === 'entered') {
    // a receipt for somebody else's entry at that place says nothing of ours
    const before = chainAt(run.state, p.seq - 1);
    if (f.receipt.seq !== p.seq || before === null || !equal(f.receipt.chain, chainAfter(before, p.entry, f.receipt.time))) return 'lost';
    const { keys } = p;
    // heard of as anybody's first, while the lockbox was lost: what the others say since waits for these
    const isLate = keys !== null && p.seq <= run.state.seq && run.keyring.get(keys.epoch)?.content == null;
    if (keys !== null) run.keyring.set(keys.epoch, keys);
    const took = await takeEntries(run, [{ entry: p.entry, receipt: f.receipt }]);
    if (took === 'gap' && !(await fetchRoster(run))) return 'lost';
    await keepBoxes(run, p);
    await forget(run);
    if (isLate && took === 'all') await keysCame(run);
    return took === 'alarm' ? 'lost' : 'done';
  }
  await forget(run);
  return f.is === 'refused' ? { why: f.why, heads: f.detail.heads } : { why: 'unavailable', heads: [] };
}

/** Lockboxes of the newest entries made here: a relay that loses them can have them back (PROTOCOL §11.6). */
async function keepBoxes(run: GroupRun, { seq, boxes }: PendingRow): Promise<void> {
  if (boxes.length === 0) return;
  const rows = await run.around.store.range('roster', keyOf.boxes(run.ref));
  const tooOld = rows.slice(0, Math.max(0, rows.length + 1 - BOXES_KEPT)).map((r) => drop('roster', r.key));
  await run.commitOrCarryOn([put('roster', keyOf.boxesOf(run.ref, seq), boxes), ...tooOld]);
}
const BOXES_KEPT = 8;

async function forget(run: GroupRun): Promise<void> {
  run.pending = null;
  await run.commit([drop('roster', keyOf.pending(run.ref)), put('roster', keyOf.keyring(run.ref), [...run.keyring.values()])]);
}

/** After a lost answer: the same bytes again. If they landed the receipt comes back, otherwise somebody else's entry stands there. */
export async function resendPending(run: GroupRun): Promise<void> {
  if (run.pending !== null && !run.isOutdated) await sendPending(run);
}

/** New keys by any live device, as long as they are due: a leaver left the rotation owed, or the last one had junk for us. */
export async function rotate(run: GroupRun, isDue: () => boolean): Promise<Fault | null> {
  return changeRoster(run, (r, at) => (isDue() ? rotating(r, at, liveRows(r.state), null, (rotation) => ({ kind: 'rotate', rotation })) : 'changed-meanwhile'));
}

export function* boxParts(boxes: readonly AddressedLockbox[]): Generator<AddressedLockbox[]> {
  let part: AddressedLockbox[] = [];
  let size = 0;
  for (const b of boxes) {
    if (size + b.lockbox.length > LIMIT.pageBytes && part.length > 0) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(b);
    size += b.lockbox.length;
  }
  if (part.length > 0) yield part;
}

// ------------------------------------------------------------------------------------------------------ planners

/** New keys for `rows`; `newcomer` gets the keyring of its horizon too. */
function rotating(run: GroupRun, at: Place, rows: readonly Pick<Row, 'logPk' | 'kem'>[], newcomer: { logPk: LogPk; horizon: number } | null, body: (r: Rotation, k: EpochKeys) => EntryBody): Plan {
  const keys = newEpochKeys(run.around.random);
  const made = makeRotation(at, rows, keys, run.around.random, (logPk) =>
    newcomer !== null && equal(logPk, newcomer.logPk) ? pastKeys(run, newcomer.horizon) : []
  );
  return { body: body(made.rotation, keys), boxes: made.boxes, keys };
}

/** Commitments and lockboxes of an epoch, ascending by log key. */
export function makeRotation(
  at: Place, rows: readonly Pick<Row, 'logPk' | 'kem'>[], keys: EpochKeys, random: GroupRun['around']['random'], past: (to: LogPk) => readonly KeyringItem[]
): { rotation: Rotation; boxes: AddressedLockbox[] } {
  const boxes = [...rows]
    .sort((a, b) => compare(a.logPk, b.logPk))
    .map((r) => ({ to: r.logPk, lockbox: sealLockbox(r.logPk, r.kem, at, [...past(r.logPk), { epoch: at.seq, ...keys }], random) }));
  return {
    rotation: { contentCommit: commitContent(at, keys.content), rosterCommit: commitRoster(at, keys.roster), boxes: boxes.map((b) => ({ to: b.to, hash: lockboxHash(b.lockbox) })) },
    boxes
  };
}

/** All roster keys, and the content keys of a horizon. */
function pastKeys(run: GroupRun, horizon: number): KeyringItem[] {
  // the oldest are wanted later; the new epoch's own keys go beside these
  return [...run.keyring.values()].sort((a, b) => a.epoch - b.epoch).slice(1 - KEYS_IN_LOCKBOX).map((k) => ({ ...k, content: k.epoch >= horizon ? k.content : null }));
}

export const displayBytes = (value: unknown): Bytes => fromText(JSON.stringify(value));

/** Display data under the roster key of now. */
function display(run: GroupRun, at: Place, value: unknown, key = run.keyring.get(currentEpoch(run.state).seq)?.roster): Bytes {
  if (key === undefined) return new Uint8Array(0);
  return sealDisplay(key, { ...at, author: run.keys.logPk }, displayBytes(value), run.around.random);
}

const owns = (s: RosterState, run: GroupRun): boolean => s.owner === run.me;

export const planName = (name: string): Planner => (run, at) =>
  !owns(run.state, run) ? 'not-allowed' : owedAt(run.state, run.state.seq) ? 'unavailable' : { body: { kind: 'name', display: display(run, at, { name }) }, boxes: [], keys: null };

export const planInvite = (invite: InvitePk, expires: number, history: 'start' | 'today', relationship: string, open: boolean): Planner => (run, at) =>
  !mayInvite(run.state, run.me) ? 'not-allowed' : { body: { kind: open ? 'open-invite' : 'invite', invite, expires, history, display: display(run, at, { relationship }) }, boxes: [], keys: null };

export const planRevokeInvite = (invite: InvitePk): Planner => (run) => {
  const i = run.state.invites.get(hex(invite));
  if (i === undefined || (hex(i.by) !== run.me && !mayRemove(run.state, run.me)) || !mayInvite(run.state, run.me)) return 'not-allowed';
  return i.state !== 'pending' ? 'invite-used' : { body: { kind: 'revoke-invite', invite }, boxes: [], keys: null };
};

export const planAdmit = (invite: InvitePk, row: NewRow, person: { name: string; role: string; relationship: string }): Planner => (run, at) => {
  if (!mayInvite(run.state, run.me)) return 'not-allowed';
  const i = run.state.invites.get(hex(invite));
  if (i === undefined) return 'not-found';
  if (i.state !== 'pending') return i.state === 'used' ? 'invite-used' : 'invite-revoked';
  if (run.around.clock() > i.expires && run.state.time > i.expires) return 'invite-expired';
  const mine = run.state.members.get(run.me);
  const horizon = i.history === 'start' ? (mine?.horizon ?? at.seq) : at.seq;
  return rotating(run, at, [...liveRows(run.state), row], { logPk: row.logPk, horizon }, (rotation, keys) => ({
    kind: 'admit', invite, row, rotation, display: display(run, at, { person }, keys.roster)
  }));
};

export const planRemove = (member: MemberTag): Planner => async (run, at, heads) => {
  if (!mayRemove(run.state, run.me)) return 'not-allowed';
  const tag = hex(member);
  const rows = rowsOf(run.state, tag);
  if (rows.length === 0 || run.state.owner === tag) return 'changed-meanwhile';
  const cuts = await cutsOf(run, rows, heads);
  if (cuts === null) return 'refused-by-relay';
  return rotating(run, at, liveRows(run.state).filter((r) => hex(r.member) !== tag), null, (rotation) => ({
    kind: 'remove', member, cuts, rotation
  }));
};

export const planOffer = (to: MemberTag | null): Planner => (run) => {
  if (!owns(run.state, run)) return 'not-allowed';
  if (to !== null && rowsOf(run.state, hex(to)).length === 0) return 'changed-meanwhile';
  if (to === null && run.state.offer === null) return 'changed-meanwhile';
  return { body: { kind: 'offer-owner', to }, boxes: [], keys: null };
};

/** Ends a row of one's own member that is not this device: it is lost, or in the wrong hands. Nobody else has to agree. */
export const planRevoke = (logPk: LogPk): Planner => async (run, at, heads) => {
  const row = rowOf(run.state, logPk);
  if (row === null || row.end !== null) return 'changed-meanwhile';
  const own = run.ownRow;
  if (hex(row.member) !== run.me || row === own || (row.rank === 'recovery' && own?.rank !== 'recovery')) return 'not-allowed';
  const cut = (await cutsOf(run, [row], heads))?.[0];
  if (cut === undefined) return 'refused-by-relay';
  return rotating(run, at, liveRows(run.state).filter((r) => r !== row), null, (rotation) => ({ kind: 'device-revoke', cut, rotation }));
};

/** Ends this device itself; the others make the next keys. The last row of a member cannot. */
export const planSignOut: Planner = async (run, _at, heads) => {
  const own = run.ownRow;
  if (own === null || own.end !== null || rowsOf(run.state, run.me).length === 1) return 'not-allowed';
  const cut = (await cutsOf(run, [own], heads))?.[0];
  return cut === undefined ? 'refused-by-relay' : { body: { kind: 'device-revoke', cut, rotation: null }, boxes: [], keys: null };
};

export const planAccept: Planner = (run, at) => {
  const offer = run.state.offer;
  if (offer === null || offer.to !== run.me) return 'changed-meanwhile';
  return rotating(run, at, liveRows(run.state), null, (rotation) => ({ kind: 'accept-owner', offer: offer.seq, rotation }));
};

/** All roles that a member has from now on. */
export const planRoles = (member: MemberTag, roles: number): Planner => (run) => {
  if (!owns(run.state, run)) return 'not-allowed';
  const tag = hex(member);
  return rowsOf(run.state, tag).length === 0 || tag === run.state.owner ? 'changed-meanwhile' : { body: { kind: 'role', member, roles }, boxes: [], keys: null };
};

/** The successor's claim, or the end of it. */
export const planClaim = (on: boolean): Planner => (run) => {
  const { claim } = run.state;
  if (on ? !hasRole(run.state, run.me, 'successor') : claim !== null && claim.by !== run.me && !owns(run.state, run)) return 'not-allowed';
  return on === (claim !== null) ? 'changed-meanwhile' : { body: { kind: 'claim-owner', on }, boxes: [], keys: null };
};

/** The relay's new key, which its old one named: the owner's device says so to everyone, and the receipt is by the key it names (PROTOCOL §7.1). */
export const planRelayKey = (relayPk: RelayPk): Planner => (run) =>
  !owns(run.state, run) ? 'not-allowed' : run.row.relayPk !== null && equal(run.row.relayPk, relayPk) ? 'changed-meanwhile' : { body: { kind: 'relay', relayPk }, boxes: [], keys: null };

/** The end of the group for everyone, or calling it off. */
export const planDestroy = (on: boolean): Planner => (run) =>
  !owns(run.state, run) ? 'not-allowed' : on === (run.state.destroy !== null) ? 'changed-meanwhile' : { body: { kind: 'destroy', on }, boxes: [], keys: null };

export const planAcceptClaim: Planner = (run, at) => {
  const { claim } = run.state;
  if (claim === null || claim.by !== run.me) return 'changed-meanwhile';
  return rotating(run, at, liveRows(run.state), null, (rotation) => ({ kind: 'accept-owner', offer: claim.seq, rotation }));
};

/** A log that ended is whole where the relay has it, too: the rest is lost (PROTOCOL §5.3). Only to where this device could show it itself. */
export const planRestate = (logPk: LogPk, there: Pick<LogPlace, 'n' | 'hash'>): Planner => async (run, _at, heads) => {
  if (!owns(run.state, run)) return 'not-allowed';
  const row = rowOf(run.state, logPk);
  const { n, hash } = heads.find((h) => equal(h.logPk, logPk)) ?? there;
  if (row?.end == null || !isOpenEnded(run, row) || n >= row.end.cut.n || endsOf(run.state, row).some((e) => e.n === n)) return 'changed-meanwhile';
  return (await reaches(run, row, { n, hash })) ? { body: { kind: 'restate-cut', cut: { logPk, n, hash } }, boxes: [], keys: null } : 'refused-by-relay';
};

export const planLeave: Planner = async (run, _at, heads) => {
  if (owns(run.state, run)) return 'not-allowed';
  const cuts = await cutsOf(run, rowsOf(run.state, run.me), heads);
  return cuts === null ? 'refused-by-relay' : { body: { kind: 'leave', cuts }, boxes: [], keys: null };
};

/** A further row of this member: a device, or its recovery row. It gets the keys of the member's horizon. */
export const planAddRow = (keys: Pick<DeviceKeys, 'logPk' | 'logSk' | 'kemPk'>, rank: AddedRow['rank']): Planner => (run, at) => {
  const { logPk, kemPk: kem } = keys;
  const claim = sign(LABEL.deviceClaim, deviceClaimBody(run.state.group, run.row.tag, run.keys.logPk, { logPk, kem, rank }), keys.logSk);
  return addingRow(run, at, { logPk, kem, rank, claim });
};

/** A device of this person that signed for itself, to this one, that it wants to be added. */
export const planAdopt = (row: Pick<AddedRow, 'logPk' | 'kem' | 'claim'>): Planner => (run, at) =>
  addingRow(run, at, { logPk: row.logPk, kem: row.kem, claim: row.claim, rank: 'ordinary' });

function addingRow(run: GroupRun, at: Place, row: AddedRow): Planned {
  const mine = run.state.members.get(run.me);
  if (mine === undefined || mine.end !== null) return 'group-ended';
  if (rowOf(run.state, row.logPk) !== null) return 'changed-meanwhile';
  const { logPk, kem, rank } = row;
  // a recovery row gives way to the one it adds
  const stay = liveRows(run.state).filter((r) => rank !== 'recovery' || r.rank !== 'recovery' || hex(r.member) !== run.me);
  return rotating(run, at, [...stay, { logPk, kem }], { logPk, horizon: mine.horizon }, (rotation, epoch) => ({
    kind: 'device-add', row, rotation, display: display(run, at, {}, epoch.roster)
  }));
}

/**
 * Where logs end: as they stand here, or further when the relay named a head that we can't verify yet. Null when it named one that
 * contradicts what we verified, and shows nothing that the log's own key signed: to cut there would take out what everybody has.
 */
async function cutsOf(run: GroupRun, rows: readonly Row[], heads: readonly LogHead[]): Promise<Cut[] | null> {
  const cuts: Cut[] = [];
  for (const row of rows) {
    const { logPk } = row;
    const { n, hash } = run.heads.get(row.device) ?? LOG_START;
    const named = heads.find((h) => equal(h.logPk, logPk));
    if (named === undefined || (named.n === n && equal(named.hash, hash))) cuts.push({ logPk, n, hash });
    else if (named.n > n || (await hasParted(run, row, named))) cuts.push({ logPk, n: named.n, hash: named.hash });
    else return null;
  }
  return cuts;
}

export const tagOf = (member: string): MemberTag | null => {
  const b = unhex(member);
  return b?.length === 16 ? (b as MemberTag) : null;
};
