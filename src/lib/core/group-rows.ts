/** What this device keeps of one group, and under which keys (PROTOCOL §16). Rows are sealed by the store. */
import type { Bytes, ContentKey, GroupId, Hash, KemPk, LogPk, LogSk, MemberTag, RelayPk, RosterKey } from '$crypto/brand';
import { base64url } from '$crypto/bytes';
import type { AddressedLockbox, Prev, ReceiptedEntry, StoredEnvelope } from '$crypto/frames';
import { hash } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { kemPair, type KemPair } from '$crypto/lockbox';
import type { Receipt } from '$crypto/receipt';
import { signPair } from '$crypto/verify';
import type { CareRecord, PhotoRecord } from '../care/record';
import type { LogPlace } from '../group/log';
import type { Seen } from '../store/sealed';
import type { Change, Store } from '../store/store';
import { pack, place, unpack } from './pack';
import type { EditingView, Ended, GroupKind, GroupRef, PersonRole } from './port';
import type { Way } from './ways';

/** Table `group`, key ref. */
export interface GroupRow {
  readonly id: GroupId;
  readonly logSeed: Bytes;
  readonly kemSeed: Bytes;
  readonly tag: MemberTag;
  readonly made: number;
  /** Pinned by the link or by the first receipt. */
  relayPk: RelayPk | null;
  /** The newest life of the relay's store that is known. */
  incarnation: number;
  /** Genesis and its lockbox while the relay has not receipted them. */
  unsent: { readonly genesis: Bytes; readonly boxes: readonly AddressedLockbox[] } | null;
  ended: Ended | null;
  /** It came from elsewhere, and its feed was not read through here yet. */
  coming?: true;
  /** The relay's signed word that it holds nothing of the group any more. */
  destroyed?: Receipt;
  /** A group that ended in a fork, brought along to another one and read there: for reading alone, under keys that no roster knows. */
  readonly carried?: CarriedFrom;
}
/** `through`: the group it was brought to, where its pictures lie. `proven`: two receipts show the fork. `lacksKeys`: some of it is closed here. */
export interface CarriedFrom { readonly by: string; readonly through: GroupRef; readonly proven: boolean; readonly lacksKeys: boolean }
export interface EntryRow { readonly entry: Bytes; readonly receipt: Receipt; readonly void: boolean }
export interface ForkRow { readonly ours: EntryRow | null; readonly theirs: ReceiptedEntry }
export interface KeyringRow { readonly epoch: number; readonly roster: RosterKey; readonly content: ContentKey | null }
/** A roster entry of ours whose answer is not known yet. */
export interface PendingRow { readonly seq: number; readonly entry: Bytes; readonly boxes: readonly AddressedLockbox[]; readonly keys: KeyringRow | null }
/** `changed`: since it was first put here. */
export interface OutboxRow { readonly record: CareRecord; readonly heldUntil: number; readonly made: number; readonly changed: boolean }
/** Puts what waits; its shape is one for all. */
export const putWaiting = ({ key, record, heldUntil, made, changed }: OutboxRow & { readonly key: string }): Change => put('outbox', key, { record, heldUntil, made, changed } satisfies OutboxRow);
/** An envelope of ours on its way; `keys` are the outbox rows inside. */
export interface SealedRow { readonly n: number; readonly bytes: Bytes; readonly keys: readonly string[] }
/** An envelope as received; `prev` is the hash before it in its log, `way` the one of a log that ended which it is on; a `loose` one does not have its place of the feed to itself. */
export interface InboxRow extends StoredEnvelope { readonly prev: Hash | null; readonly state: 'ok' | 'void' | 'held'; readonly way?: number; readonly loose?: true }
export interface HeadsRow {
  readonly cursor: number; readonly heads: readonly (readonly [device: number, place: LogPlace])[]; readonly held: readonly number[]; readonly lockboxes: number; readonly suspect: boolean;
  /** Life of the relay's store that the places are of; when each device last confirmed our roster. */
  readonly life?: number; readonly verified?: readonly (readonly [device: number, time: number])[];
  /** Epochs whose keys came as junk, and whether words under each were passed by unread. */
  readonly junk?: readonly (readonly [epoch: number, isPassedBy: boolean])[];
  /** When the feed was last read again for what stays odd, and how long not to; absent when nothing is. */
  readonly again?: { readonly at: number; readonly wait: number };
  /** Of logs that ended, how far what is here leads. */
  readonly ways?: readonly (readonly [device: number, way: Way])[];
  /** The newest was read ahead of what is missing before it. */
  readonly ahead?: true;
}
/** A stretch of the feed that ends with its newest, as a page of the relay gave it, ascending; `life`: of its store. */
export interface AheadRow { readonly items: readonly StoredEnvelope[]; readonly prevs: readonly Prev[]; readonly life: number }
/** Of an envelope that was on the screen in part: which posts were, by id. */
export interface SeenPartRow { readonly device: number; readonly n: number; readonly posts: readonly string[] }
export interface DraftRow { readonly text: string; readonly replyTo: string | null; readonly photos: readonly PhotoRecord[]; readonly editing?: EditingView | null }
/** `invite`: its key, hex; `card` until the relay has it; `kept` in case it loses it. */
export interface OwnInviteRow { readonly invite: string; readonly link: string; readonly card: Bytes | null; readonly kept?: Bytes }

/** Display data inside entries (PROTOCOL §6.4). */
export interface PersonShown { readonly name: string; readonly role: PersonRole; readonly relationship: string }
export interface GroupShown { readonly name: string; readonly kind: GroupKind }

/** This device's keys in one group. */
export interface DeviceKeys { readonly logPk: LogPk; readonly logSk: LogSk; readonly kem: KemPair; readonly kemPk: KemPk }

export function deviceKeys(r: Pick<GroupRow, 'logSeed' | 'kemSeed'>): DeviceKeys {
  const log = signPair(r.logSeed);
  const kem = kemPair(r.kemSeed);
  return { logPk: log.pk as LogPk, logSk: log.sk as LogSk, kem, kemPk: kem.pk };
}

/** Keys lie open on the disk: refs, counters and local names only, nothing that the relay has ever seen. */
export const keyOf = {
  entries: (ref: GroupRef) => `${ref}/e/`,
  entry: (ref: GroupRef, seq: number) => `${ref}/e/${place(seq)}`,
  state: (ref: GroupRef) => `${ref}/state`,
  keyring: (ref: GroupRef) => `${ref}/keys`,
  pending: (ref: GroupRef) => `${ref}/pending`,
  /** What proves that the relay showed two histories. */
  fork: (ref: GroupRef) => `${ref}/fork`,
  /** Lockboxes of entries that this device made. */
  boxes: (ref: GroupRef) => `${ref}/b/`,
  boxesOf: (ref: GroupRef, seq: number) => `${ref}/b/${place(seq)}`,
  outbox: (ref: GroupRef, made: number) => `${ref}/${place(made)}`,
  sealed: (ref: GroupRef) => `${ref}/now`,
  envelopes: (ref: GroupRef) => `${ref}/e/`,
  envelope: (ref: GroupRef, seq: number) => `${ref}/e/${place(seq)}`,
  /** Of an envelope that is stored, wherever it was shown. */
  inbox: (ref: GroupRef, e: Pick<InboxRow, 'seq' | 'device' | 'n' | 'loose'>) => `${ref}/e/${place(e.seq)}${e.loose === undefined ? '' : `+${e.device}.${e.n}`}`,
  heads: (ref: GroupRef) => `${ref}/heads`,
  ahead: (ref: GroupRef) => `${ref}/ahead`,
  seenParts: (ref: GroupRef) => `${ref}/p/`,
  seenPart: (ref: GroupRef, e: { readonly device: number; readonly n: number }) => `${ref}/p/${place(e.device)}/${place(e.n)}`,
  page: (ref: GroupRef, page: number, slot: number) => `${ref}/${place(page)}/${slot}`,
  volume: (ref: GroupRef, volume: number, slot: number) => `${ref}/v${place(volume)}/${slot}`,
  lanes: (ref: GroupRef, name: string, device: number) => `${ref}/${name}/${place(device)}/`,
  lane: (ref: GroupRef, name: string, device: number, n: number) => `${ref}/${name}/${place(device)}/${place(n)}`,
  index: (ref: GroupRef) => `${ref}/feed`,
  blob: (ref: GroupRef, name: string) => `${ref}/${name}`,
  invites: (ref: GroupRef) => `${ref}/i/`,
  invite: (ref: GroupRef, name: string) => `${ref}/i/${name}`
} as const;

const NAME = 16;
/** What something the relay knows is called in keys of this device: without the group's row nobody can tell. */
export const localName = (row: Pick<GroupRow, 'kemSeed'>, what: Bytes): string => base64url(hash(LABEL.localName, row.kemSeed, what).slice(0, NAME));

export const put = (table: Change['table'], key: string, value: unknown): Change => ({ table, key, value: pack(value) });
export const putBytes = (table: Change['table'], key: string, value: Bytes): Change => ({ table, key, value });
export const drop = (table: Change['table'], key: string): Change => ({ table, key, value: null });

export async function read<T>(store: Store, table: Change['table'], key: string): Promise<T | null> {
  const b = await store.get(table, key);
  return b === null ? null : unpack<T>(b);
}
export async function readAll<T>(store: Store, table: Change['table'], prefix: string): Promise<{ key: string; value: T }[]> {
  return (await store.range(table, prefix)).map((r) => ({ key: r.key, value: unpack<T>(r.value) }));
}
/** The same of a table that was read as a whole. */
export function readSeen<T>(table: Seen, key: string): T | null {
  const b = table.get(key);
  return b === null ? null : unpack<T>(b);
}
export const readAllSeen = <T>(table: Seen, prefix: string): { key: string; value: T }[] => table.range(prefix).map((r) => ({ key: r.key, value: unpack<T>(r.value) }));
