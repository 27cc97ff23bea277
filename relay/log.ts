/**
 * What the relay keeps, as calls on a log (PROTOCOL §11): each call is atomic and durable before its answer. The answer may come
 * during the call or later; calls about one group are answered in the order they were made.
 */
import type { BlobId, Bytes, GroupId, Hash, InvitePk, LogPk, MeetId, MemberTag, RelayPk, VaultId } from '../crypto/brand';
import type { DeviceHead, Prev, ReceiptedEntry, StoredEnvelope } from '../crypto/frames';
import type { Packed } from '../crypto/packed';
import type { PermitRefusal } from '../crypto/permit';
import type { Result } from '../crypto/result';
import type { Placed } from './blobs';

/** What stands against a new envelope outside its log; counts only once it is known to be new. */
export type Verdict = 'fine' | 'stale' | 'held' | 'void' | 'quota';
export const VERDICTS: readonly Verdict[] = ['fine', 'stale', 'held', 'void', 'quota'];

export interface Appending {
  /** The group's number in this store. */
  readonly g: number;
  readonly device: number;
  readonly n: number;
  readonly rosterSeq: number;
  readonly time: number;
  readonly verdict: Verdict;
  /** Roster seq by which the verdict was judged. */
  readonly judgedAt: number;
  readonly group: GroupId;
  readonly logPk: LogPk;
  /** Chain hash at `rosterSeq`; zeros when the relay has none. */
  readonly roster: Hash;
  readonly blobs: readonly BlobId[];
  readonly envelope: Bytes;
}
/** What somebody may do so often within an hour: counted by whoever stores it, so that relays that share a store count together. */
export interface Budget {
  /** What, and whose: a member's tag or a row's device. */
  readonly key: string;
  readonly most: number;
  readonly now: number;
}
/** Milliseconds until it is allowed again; nothing was stored. */
export interface Wait { readonly wait: number }
export const isWait = (answer: unknown): answer is Wait => typeof answer === 'object' && answer !== null && 'wait' in answer;

/** `behind`: the roster has gone beyond `judgedAt`; nothing was judged. */
export type AppendRefusal = 'gap' | 'conflict' | 'stale' | 'held' | 'void' | 'quota' | 'no-blob' | 'behind';
export type Appended =
  /** `again`: the same bytes lay there already. */
  | { readonly is: 'stored' | 'again'; readonly seq: number; readonly time: number }
  /** `n` is the log's head; `hash` the refused envelope's when stale, the head's otherwise; `until`: of a log that is held by another relay. */
  | { readonly is: AppendRefusal; readonly n: number; readonly hash: Hash; readonly until?: number };

export interface Kept { readonly device: number; readonly lockbox: Bytes }

export interface Entering {
  readonly g: number;
  /** Stored only when the roster's head is seq − 1. */
  readonly seq: number;
  readonly entry: ReceiptedEntry;
  readonly boxes: readonly Kept[];
  /** Where the logs that end must stand. */
  readonly ends: readonly DeviceHead[];
  /** Rows that end with it, by device: nobody is pushed to for them any more. */
  readonly gone: readonly number[];
  /** Invites whose cards and requests go. */
  readonly spent: readonly InvitePk[];
  /** The roster state after the entry, when it is time for a checkpoint. */
  readonly state: Bytes | null;
  /** With an entry that asks for the group's end, the receipt time of that; null with one that calls it off. */
  readonly ending?: { readonly group: GroupId; readonly at: number | null };
  /** Whom it counts for; none of what an earlier life had. */
  readonly budget?: Budget;
  /** Logs that may not grow until then when it has to be answered with MOVED. A store that one relay has for itself leaves that to it. */
  readonly holding?: { readonly devices: readonly number[]; readonly until: number };
}
export type Entered = { readonly is: 'entered' } | { readonly is: 'behind' } | ({ readonly is: 'rate' } & Wait) | { readonly is: 'moved'; readonly heads: readonly DeviceHead[] };

/** Proof that the relay signed another entry for a place (PROTOCOL §7); `time`: when it was shown. */
export interface Fork { readonly item: ReceiptedEntry; readonly time: number }
/** What is left of a group that was destroyed. */
export interface Tomb { readonly group: GroupId; readonly tomb: Bytes }

export interface Loaded {
  readonly g: number;
  /** An encoded roster state, and the entries after it. */
  readonly state: Bytes;
  readonly after: readonly ReceiptedEntry[];
  /** The relay's key that receipted its newest entry. */
  readonly signer: RelayPk;
  /** Seq of the newest entry that an earlier life of this store receipted; 0 when none did. */
  readonly earlier: number;
  /** When the present life began by a restore and the devices that have shown their heads since; null when the group waits for nothing. */
  readonly healing: { readonly since: number; readonly shown: readonly number[] } | null;
}
/** An envelope given back; it fits behind the one before it in its log, whose hash is `prev`. */
export interface Giving {
  readonly device: number;
  readonly n: number;
  readonly rosterSeq: number;
  readonly time: number;
  readonly prev: Hash;
  readonly hash: Hash;
  readonly blobs: readonly BlobId[];
  readonly envelope: Bytes;
  /** Whether what is stored from this number on gives way: the run ends in the log's cut-off. */
  readonly replaces: boolean;
}
export interface Mailed { readonly invite: InvitePk; readonly request: Bytes; readonly body: Bytes; readonly time: number }
/** How far a group has come: its feed, its roster, and a number that changes whenever cards, requests, answers or wants do. */
export interface News { readonly g: number; readonly feed: number; readonly roster: number; readonly mail: number }
/** Where a device wants to be pushed to for a group; `rung`: when it last was, for whichever of its groups. Milliseconds since 1970, 0 for never. */
export interface Bell { readonly device: number; readonly place: string; readonly rung: number }
/** What is left to a group of its quota: bytes of envelopes, roster entries, bytes of attachments; null where nothing is limited. */
export interface Spare { readonly bytes: number | null; readonly entries: number | null; readonly blobs: number | null }
interface Slot { readonly g: number; readonly invite: InvitePk; readonly request: Bytes }
interface Paged<T> { readonly items: readonly T[]; readonly more: boolean }

/** Every call: what goes in, what comes out. */
export interface Calls {
  load: [GroupId, Loaded | null];
  /** A group that is there already stays as it is; its first receipt comes back. Null for one that was destroyed. A new one spends the permit, where one is asked for; no hash: none was shown. */
  create: [
    { readonly group: GroupId; readonly genesis: ReceiptedEntry; readonly boxes: readonly Kept[]; readonly state: Bytes; readonly permit?: { readonly hash: Hash | null; readonly time: number } },
    { readonly g: number; readonly genesis: ReceiptedEntry } | PermitRefusal | null
  ];
  head: [{ readonly g: number; readonly device: number }, { readonly n: number; readonly hash: Hash; readonly feed: number }];
  /** Of the groups that there are, by their numbers. */
  news: [readonly number[], readonly News[]];
  /** What the group's quota leaves; null when there is none. */
  spare: [{ readonly g: number }, Spare | null];
  append: [Appending, Appended];
  enter: [Entering, Entered];
  /** Entries with after < seq ≤ upTo. */
  entries: [{ readonly g: number; readonly after: number; readonly upTo: number; readonly most: number }, Paged<ReceiptedEntry>];
  lockboxes: [{ readonly g: number; readonly device: number; readonly after: number }, Paged<{ readonly seq: number; readonly lockbox: Bytes }>];
  /** Envelopes with seq > from ascending, or seq < from descending: at most `most`, and not more than LIMIT.pageBytes, but one at least. */
  page: [{ readonly g: number; readonly way: 'up' | 'down'; readonly from: number; readonly most: number }, { readonly items: Packed; readonly prevs: readonly Prev[]; readonly more: boolean }];
  /** Lays what lies loose of a group's feed together, so that whoever comes late reads little and in few places, some of it at a time; whether there is more to lay. To everybody the feed stays what it is. */
  compact: [{ readonly g: number }, boolean];
  putCard: [{ readonly g: number; readonly invite: InvitePk; readonly card: Bytes }, null];
  card: [{ readonly g: number; readonly invite: InvitePk }, Bytes | null];
  putRequest: [Slot & { readonly body: Bytes; readonly time: number; readonly most: number; readonly budget?: Budget }, 'new' | 'again' | 'too-many' | Wait];
  /** Whether it lay there. */
  dropRequest: [Slot, boolean];
  requests: [{ readonly g: number; readonly invites: readonly InvitePk[] }, readonly Mailed[]];
  putAnswer: [Slot & { readonly body: Bytes; readonly time: number }, 'done' | 'not-found'];
  answer: [Slot, Bytes | null];
  /** Cards and requests of these invites go. */
  spend: [{ readonly g: number; readonly invites: readonly InvitePk[] }, null];
  /** A device's want in place of the one before, whose answers go; null takes it back. */
  putWant: [{ readonly g: number; readonly device: number; readonly want: Bytes | null; readonly time: number; readonly budget?: Budget }, 'new' | 'again' | Wait];
  wants: [{ readonly g: number }, readonly { readonly device: number; readonly want: Bytes; readonly answers: number }[]];
  /** A member's answer to a want that stands, in place of its one before. */
  putKeys: [{ readonly g: number; readonly device: number; readonly want: Hash; readonly by: MemberTag; readonly keys: Bytes; readonly budget?: Budget }, { readonly at: number } | 'not-found' | Wait];
  keys: [{ readonly g: number; readonly device: number; readonly after: number }, Paged<{ readonly at: number; readonly keys: Bytes }>];
  /** A device's place in place of the one before; it counts as not rung since. */
  putBell: [{ readonly g: number; readonly device: number; readonly place: string; readonly budget?: Budget }, 'new' | 'again' | Wait];
  dropBell: [{ readonly g: number; readonly device: number }, null];
  bells: [{ readonly g: number }, readonly Bell[]];
  /** These devices were connected when there was news of the group. */
  heard: [{ readonly g: number; readonly devices: readonly number[]; readonly time: number }, null];
  /** Notes that a device is being rung, in all its groups: its place; null when it has none, was rung after `before`, or was connected since `news`. */
  ring: [{ readonly g: number; readonly device: number; readonly time: number; readonly before: number; readonly news: number }, string | null];
  /** The push service knows the place no more. */
  dropPlace: [{ readonly place: string }, null];
  blob: [{ readonly g: number; readonly id: BlobId }, { readonly device: number; readonly size: number } | null];
  /** `going`: it is being dropped and cannot be put yet. */
  putBlob: [{ readonly g: number; readonly id: BlobId; readonly device: number; readonly size: number; readonly time: number }, 'kept' | 'going'];
  /** It is going from `time` on. */
  dropBlob: [{ readonly g: number; readonly id: BlobId; readonly time: number }, null];
  /** Items of a personal vault after `after`, and how many there are. */
  items: [{ readonly vault: VaultId; readonly after: number }, Paged<Bytes> & { readonly n: number }];
  /** Milliseconds until somebody may leave more by the byte, after all that was charged. */
  pace: [{ readonly g: number; readonly budget: Budget }, number];
  /** Charges so many bytes of a budget's `most`. */
  charge: [{ readonly g: number; readonly budget: Budget; readonly many: number }, null];
  /** Item n of a personal vault, which grows by `most` in an hour; the same bytes at n again are done again. */
  putItem: [{ readonly vault: VaultId; readonly n: number; readonly item: Bytes; readonly time: number; readonly most?: number }, 'done' | { readonly n: number } | Wait];
  /** Items of a meeting after `after`, and how many there are; null when none began since `since`. */
  meeting: [{ readonly meet: MeetId; readonly after: number; readonly since: number }, (Paged<Bytes> & { readonly n: number }) | null];
  /** Item n of a meeting that began since `since`, as with a vault; n = 1 begins it, unless `most` go on already. Older ones are forgotten. */
  putMeeting: [
    { readonly meet: MeetId; readonly n: number; readonly item: Bytes; readonly time: number; readonly since: number; readonly most: number },
    'done' | 'ended' | 'crowded' | { readonly n: number }
  ];
  /** Where the logs of a group stand, the blobs that it lacks, up to where its feed is still the one of an earlier life (0 when that is not known), and what it waits for; `earlier` as it was loaded. */
  standing: [{ readonly g: number; readonly life: number; readonly earlier: number }, { readonly heads: readonly DeviceHead[]; readonly lacks: readonly BlobId[]; readonly feed: number; readonly healing: Loaded['healing'] }];
  /** A device has shown its head since the restore; device 0: the group waits no longer. */
  shown: [{ readonly g: number; readonly device: number }, null];
  /** The hash before envelope n of a log that goes at least to n − 1; null when it does not. */
  before: [{ readonly g: number; readonly device: number; readonly n: number }, Hash | null];
  /** Stores envelopes given back, those that fit; what was stored anew comes back with its place in the feed. */
  give: [{ readonly g: number; readonly items: readonly Giving[] }, readonly StoredEnvelope[]];
  /** Lockboxes that an entry lists and the store may have lost. */
  keepBoxes: [{ readonly g: number; readonly seq: number; readonly boxes: readonly Kept[] }, null];
  /** Begins a new life of the store, since it turned out to be older than what it signed; its number, above `above`. One that is above it already goes on. */
  renew: [{ readonly now: number; readonly above: number }, number];
  /** Groups whose end was asked for at `before` or earlier, until nothing of them is left. */
  doomed: [{ readonly before: number }, readonly { readonly g: number; readonly group: GroupId }[]];
  /** Everything of a group goes but a tomb, an encoded receipt of destruction; the one that lay there first comes back, with attachments still to be cleared away. */
  purge: [{ readonly g: number; readonly group: GroupId; readonly tomb: Bytes }, { readonly tomb: Bytes; readonly blobs: readonly BlobId[] }];
  /** These attachments of a destroyed group lie nowhere any more. */
  buried: [{ readonly g: number; readonly blobs: readonly BlobId[] }, null];
  /** What is left of a group that was destroyed. */
  tomb: [GroupId, Bytes | null];
  /** The same of all, in the order of their ids, after one. */
  tombs: [{ readonly after: Bytes }, Paged<Tomb>];
  /** A tomb that the store lost, of a group that it does not have. */
  putTomb: [Tomb, null];
  /** Notes a proof to be shown to everybody: whether it is, or was since `since`, or as many as `most` were. */
  putFork: [{ readonly g: number; readonly item: ReceiptedEntry; readonly time: number; readonly since: number; readonly most: number }, boolean];
  /** Proofs of the last while. */
  forks: [{ readonly g: number }, readonly Fork[]];
  /** Forgets blobs that no envelope names, answers, wants and meetings, older than the times given; the blobs come back, and are going from `time` on for RATE.blobGoing. `hourBefore`: what was only kept for an hour. */
  sweep: [{ readonly blobsBefore: number; readonly answersBefore: number; readonly meetingsBefore: number; readonly hourBefore?: number; readonly time?: number }, readonly Placed[]];
  /** Of these blobs those that it knows nothing of, which are going from `time` on. */
  strays: [{ readonly blobs: readonly Placed[]; readonly time: number }, readonly Placed[]];
}
export type CallName = keyof Calls;
export type Call = { [K in CallName]: { readonly name: K; readonly input: Calls[K][0] } }[CallName];
/** Nothing was kept, for want of room; or it is not known whether anything was. */
export type Unkept = 'full' | 'unavailable';
export type Reply<K extends CallName> = Result<Calls[K][1], Unkept>;

export interface Log {
  /** Milliseconds since 1970 when this life of the store began; `renew` begins another. */
  readonly incarnation: number;
  /** Whether other relays write to it too, so that what is known of a group may have grown old. */
  readonly isShared: boolean;
  /** Hears the number of another life that was begun elsewhere: whatever is known of any group is void, and nothing called before is answered as done. */
  renewed(then: (life: number) => void): void;
  call<K extends CallName>(name: K, input: Calls[K][0], then: (reply: Reply<K>) => void): void;
  /** Ends it once everything called is answered. */
  close(): Promise<void>;
}

export const ask = <K extends CallName>(log: Log, name: K, input: Calls[K][0]): Promise<Reply<K>> => new Promise((done) => log.call(name, input, done));
