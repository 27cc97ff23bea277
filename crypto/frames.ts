/**
 * What travels over the socket between a device and the relay (PROTOCOL §12): the first byte names the frame. `re` is
 * chosen by the device and echoed in the answer. A page, a push and an answer are built from the same pieces.
 */
import type { BlobId, Bytes, GroupId, Hash, InvitePk, LogPk, MeetId, Permit, RelayPk, VaultId } from './brand';
import { CODE_SECRET } from './code';
import { HASH } from './hash';
import { LIMIT } from './limits';
import { readReceipt, type Receipt, writeReceipt } from './receipt';
import { readTurn, type Turn, TURNS, writeTurn } from './turn';
import { unreachable, type Result } from './result';
import { SIGN_PK, SIGNATURE } from './verify';
import { decode, numSize, type Malformed, type Reader, Writer } from './wire';

/** Bumped whenever a frame changes its shape. */
export const WIRE_VERSION = 1;
export const NONCE = 32;
export const BEARER = 32;
export const REQUEST_ID = 16;
export const BELL_KEY = 65;

/** An envelope as the relay keeps it: `device` is the row's index in the fold, `seq` its place in the group's feed. */
export interface StoredEnvelope { readonly device: number; readonly n: number; readonly seq: number; readonly time: number; readonly envelope: Bytes }
/** A roster entry with its receipt. */
export interface ReceiptedEntry { readonly entry: Bytes; readonly receipt: Receipt }
/** A lockbox for the device `to`, of the entry at roster seq `seq`. */
export interface AddressedLockbox { readonly to: LogPk; readonly lockbox: Bytes }
export interface OwnLockbox { readonly seq: number; readonly lockbox: Bytes }
export interface LogHead { readonly logPk: LogPk; readonly n: number; readonly hash: Hash }
/** The hash that the first envelope of a log in this page says came before it. */
export interface Prev { readonly device: number; readonly prev: Hash }
/** A want that stands, and how many members have answered it. */
export interface StandingWant { readonly want: Bytes; readonly answers: number }
/** An answer to a want of one's own; `at` orders them. */
export interface KeysAnswer { readonly at: number; readonly keys: Bytes }
/** An envelope as somebody gives it back to a relay that lost it; `time` is when the relay first had it. */
export interface GivenEnvelope { readonly device: number; readonly n: number; readonly time: number; readonly envelope: Bytes }
/** Where the log of a device stands. */
export interface DeviceHead { readonly device: number; readonly n: number; readonly hash: Hash }
export interface MailedRequest { readonly invite: InvitePk; readonly request: Bytes; readonly body: Bytes; readonly time: number }

/** Why the relay refused, and its code on the wire. */
export const REFUSAL_CODES = {
  malformed: 1, 'too-large': 2, 'bad-proof': 3, 'unknown-group': 4, 'unknown-log': 5, gap: 6, stale: 7, conflict: 8, behind: 9, moved: 10, held: 11,
  void: 12, 'no-blob': 13, 'no-lockbox': 14, full: 15, rate: 16, 'not-allowed': 17, 'not-found': 18, 'too-many': 19, healing: 20, version: 21,
  unavailable: 22, ended: 23, crowded: 24, quota: 25,
  'no-bell': 30, 'bad-place': 31,
  permit: 32
} as const;
export type Refusal = keyof typeof REFUSAL_CODES;
export const REFUSALS = Object.keys(REFUSAL_CODES) as Refusal[];
const REFUSAL = new Map(REFUSALS.map((why) => [REFUSAL_CODES[why] as number, why]));

/** What a session proves: a log of a group, an invite of a group, a personal vault, or a meeting of two devices (whose id then stands where a group's would). */
export const SESSION_KINDS = ['log', 'invite', 'vault', 'meet'] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

export type ToRelay =
  /** Proves a log key or an invite key for one group and opens its session. */
  | { readonly is: 'auth'; readonly re: number; readonly group: GroupId; readonly as: SessionKind; readonly key: LogPk | InvitePk | VaultId | MeetId; readonly nonce: Bytes; readonly signature: Bytes }
  /** Puts a group there. Answered by `entered`. */
  | { readonly is: 'create'; readonly re: number; readonly group: GroupId; readonly genesis: Bytes; readonly boxes: readonly AddressedLockbox[] }
  /** The same where the relay asks for a permit. Answered by `entered`. */
  | { readonly is: 'create-by-permit'; readonly re: number; readonly group: GroupId; readonly permit: Permit; readonly genesis: Bytes; readonly boxes: readonly AddressedLockbox[] }
  /** The next envelope of the session's own log. Answered by `acks` or `refused` with `re` = n. */
  | { readonly is: 'append'; readonly group: GroupId; readonly n: number; readonly envelope: Bytes }
  /** Lockboxes for an entry that follows; held by the session until `enter` names the same seq. */
  | { readonly is: 'boxes'; readonly group: GroupId; readonly seq: number; readonly boxes: readonly AddressedLockbox[] }
  /** A roster entry, compare-and-swap on `seq`. Answered by `entered`. */
  | { readonly is: 'enter'; readonly re: number; readonly group: GroupId; readonly seq: number; readonly entry: Bytes }
  /** Entries with seq > after. Answered by `entries`. */
  | { readonly is: 'roster'; readonly re: number; readonly group: GroupId; readonly after: number }
  /** The session's own lockboxes with seq > after. Answered by `lockboxes`. */
  | { readonly is: 'lockboxes'; readonly re: number; readonly group: GroupId; readonly after: number }
  /** Envelopes beyond feed seq `from`: upwards (seq > from) or downwards (seq < from, newest first). Answered by `page`. */
  | { readonly is: 'fetch'; readonly re: number; readonly group: GroupId; readonly way: 'up' | 'down'; readonly from: number; readonly most: number }
  /** Stores an invite's card. Answered by `done`. */
  | { readonly is: 'put-card'; readonly re: number; readonly group: GroupId; readonly invite: InvitePk; readonly card: Bytes }
  /** By an invite session: the card. Answered by `card`. */
  | { readonly is: 'get-card'; readonly re: number; readonly group: GroupId }
  /** By an invite session: leaves a request under the invite. Answered by `done`. */
  | { readonly is: 'put-request'; readonly re: number; readonly group: GroupId; readonly request: Bytes; readonly body: Bytes }
  /** By an invite session: takes its request back. */
  | { readonly is: 'drop-request'; readonly re: number; readonly group: GroupId; readonly request: Bytes }
  /** By an invite session: the answer to its request, when there is one. Answered by `answer`. */
  | { readonly is: 'get-answer'; readonly re: number; readonly group: GroupId; readonly request: Bytes }
  /** Requests waiting for this device's member (the registrant) or the owner. Answered by `requests`. */
  | { readonly is: 'mailbox'; readonly re: number; readonly group: GroupId }
  /** Answers a request and frees its slot. Answered by `done`. */
  | { readonly is: 'put-answer'; readonly re: number; readonly group: GroupId; readonly invite: InvitePk; readonly request: Bytes; readonly body: Bytes }
  /** By a vault session or at a meeting: item n, compare-and-swap. Answered by `done`. */
  | { readonly is: 'put-item'; readonly re: number; readonly group: GroupId; readonly n: number; readonly item: Bytes }
  /** By a vault session or at a meeting: items after n. Answered by `items`. */
  | { readonly is: 'get-items'; readonly re: number; readonly group: GroupId; readonly after: number }
  /** How far this device has come: roster and own log; `life` is the incarnation that its places in the feed are of. Answered by `standing`. */
  | { readonly is: 'show'; readonly re: number; readonly group: GroupId; readonly life: number; readonly rosterSeq: number; readonly chain: Hash; readonly n: number; readonly hash: Hash }
  /** Entries that bear the relay's own earlier receipts, from anybody. Answered by `done`. */
  | { readonly is: 'give-entries'; readonly re: number; readonly group: GroupId; readonly items: readonly ReceiptedEntry[] }
  /** Lockboxes that the entry at `seq` lists. Answered by `done`. */
  | { readonly is: 'give-boxes'; readonly re: number; readonly group: GroupId; readonly seq: number; readonly boxes: readonly AddressedLockbox[] }
  /** Envelopes of any log that the relay lost, each log's in its order. Answered by `done`. */
  | { readonly is: 'give'; readonly re: number; readonly group: GroupId; readonly items: readonly GivenEnvelope[] }
  | { readonly is: 'ping'; readonly re: number }
  /** Asks the group's devices for keys; takes the place of this device's want before. Empty takes it back. Answered by `done`. */
  | { readonly is: 'want'; readonly re: number; readonly group: GroupId; readonly want: Bytes }
  /** Wants that stand. Answered by `wants`. */
  | { readonly is: 'get-wants'; readonly re: number; readonly group: GroupId }
  /** Answers the want with this hash of the device `to`. Answered by `done`. */
  | { readonly is: 'put-keys'; readonly re: number; readonly group: GroupId; readonly to: LogPk; readonly want: Hash; readonly keys: Bytes }
  /** Answers to the session's own want, after the one numbered `after`. Answered by `keys`. */
  | { readonly is: 'get-keys'; readonly re: number; readonly group: GroupId; readonly after: number }
  /** What a push service must know this relay by. Answered by `bell`. */
  | { readonly is: 'get-bell'; readonly re: number; readonly group: GroupId }
  /** Where to push to when the group has something new and this device is away; takes the place of what was said before. Answered by `done`. */
  | { readonly is: 'put-bell'; readonly re: number; readonly group: GroupId; readonly place: string }
  /** Takes it back. Answered by `done`. */
  | { readonly is: 'drop-bell'; readonly re: number; readonly group: GroupId };

export type FromRelay =
  /** First frame of every connection. */
  | { readonly is: 'hello'; readonly version: number; readonly relayPk: RelayPk; readonly incarnation: number; readonly nonce: Bytes; readonly time: number }
  /** The session stands. `head` is the session's own log (n = 0 when empty or an invite session); `bearer` opens blobs over HTTP. */
  | { readonly is: 'welcome'; readonly re: number; readonly group: GroupId; readonly rosterSeq: number; readonly feedSeq: number; readonly head: { readonly n: number; readonly hash: Hash }; readonly bearer: Bytes }
  /** The session's row has ended at roster seq `seq`: entries up to it and own lockboxes may be fetched, nothing else. */
  | { readonly is: 'gone'; readonly re: number; readonly group: GroupId; readonly seq: number }
  | { readonly is: 'entered'; readonly re: number; readonly group: GroupId; readonly receipt: Receipt }
  | { readonly is: 'acks'; readonly group: GroupId; readonly items: readonly { readonly n: number; readonly seq: number; readonly time: number }[] }
  /** Answer to `roster` (re > 0) or a push (re = 0). */
  | { readonly is: 'entries'; readonly re: number; readonly group: GroupId; readonly items: readonly ReceiptedEntry[]; readonly more: boolean }
  | { readonly is: 'lockboxes'; readonly re: number; readonly group: GroupId; readonly items: readonly OwnLockbox[]; readonly more: boolean }
  /** Answer to `fetch` (re > 0) or a push (re = 0; `prevs` is then empty). Items in ascending seq when upwards or pushed, descending otherwise. */
  | { readonly is: 'page'; readonly re: number; readonly group: GroupId; readonly items: readonly StoredEnvelope[]; readonly prevs: readonly Prev[]; readonly more: boolean }
  | { readonly is: 'card'; readonly re: number; readonly group: GroupId; readonly card: Bytes }
  | { readonly is: 'answer'; readonly re: number; readonly group: GroupId; readonly request: Bytes; readonly body: Bytes }
  | { readonly is: 'requests'; readonly re: number; readonly group: GroupId; readonly items: readonly MailedRequest[] }
  | { readonly is: 'items'; readonly re: number; readonly group: GroupId; readonly items: readonly Bytes[]; readonly more: boolean }
  | { readonly is: 'done'; readonly re: number; readonly group: GroupId }
  /** Where the relay stands: whether it still waits for what it lost, its roster, how far its feed is the one of the life shown, its logs, and blobs it lacks. */
  | {
      readonly is: 'standing'; readonly re: number; readonly group: GroupId; readonly healing: boolean; readonly rosterSeq: number; readonly chain: Hash; readonly feed: number;
      readonly heads: readonly DeviceHead[]; readonly lacks: readonly BlobId[];
    }
  /** `re` is the asker's (n for an append). What else is filled depends on `why`: see PROTOCOL §12.3. */
  | { readonly is: 'refused'; readonly re: number; readonly group: GroupId; readonly why: Refusal; readonly detail: RefusalDetail }
  | { readonly is: 'pong'; readonly re: number }
  /** Before `hello`, of a relay whose key changed: earlier keys that name later ones. */
  | { readonly is: 'turns'; readonly turns: readonly Turn[] }
  /** The group was destroyed here, as its owner asked; answers any proof of a key of it, and comes unasked (re = 0) when it happens. */
  | { readonly is: 'destroyed'; readonly re: number; readonly group: GroupId; readonly receipt: Receipt }
  /** Answer to `get-wants` (re > 0) or a push (re = 0). */
  | { readonly is: 'wants'; readonly re: number; readonly group: GroupId; readonly items: readonly StandingWant[] }
  /** Answer to `get-keys` (re > 0) or a push (re = 0). */
  | { readonly is: 'keys'; readonly re: number; readonly group: GroupId; readonly items: readonly KeysAnswer[]; readonly more: boolean }
  /** Answer to `get-bell`: an uncompressed point of P-256. */
  | { readonly is: 'bell'; readonly re: number; readonly group: GroupId; readonly key: Bytes };

export interface RefusalDetail {
  /** Of an append: own log's head. Of `behind`: roster head seq. Otherwise 0. */
  readonly n: number;
  /** Of an append: hash of the refused bytes (stale) or of the head (gap, conflict). Otherwise zeros. */
  readonly hash: Hash;
  /** Of `stale`: roster seq that an envelope must at least name. Of `rate`: milliseconds to wait. */
  readonly fence: number;
  /** Of `moved`: where the logs that end really stand. */
  readonly heads: readonly LogHead[];
  /** Of `void`: the fold's word. Of `permit`: what is the matter with it. */
  readonly words: string;
}
export const NO_DETAIL: RefusalDetail = { n: 0, hash: new Uint8Array(HASH) as Bytes as Hash, fence: 0, heads: [], words: '' };

/** First bytes. A new frame takes a number of its own and a line of its own. */
export const TO_CODES: Readonly<Record<ToRelay['is'], number>> = {
  auth: 1, create: 2, append: 3, boxes: 4, enter: 5, roster: 6, lockboxes: 7, fetch: 8, 'put-card': 9, 'get-card': 10, 'put-request': 11,
  'drop-request': 12, 'get-answer': 13, mailbox: 14, 'put-answer': 15, ping: 16, 'put-item': 17, 'get-items': 18,
  show: 23, 'give-entries': 24, 'give-boxes': 25, give: 26,
  want: 27, 'get-wants': 28, 'put-keys': 29, 'get-keys': 30,
  'get-bell': 35, 'put-bell': 36, 'drop-bell': 37,
  'create-by-permit': 38
};
export const FROM_CODES: Readonly<Record<FromRelay['is'], number>> = {
  hello: 1, welcome: 2, gone: 3, entered: 4, acks: 5, entries: 6, lockboxes: 7, page: 8, card: 9, answer: 10, requests: 11, done: 12, refused: 13,
  pong: 14, items: 15,
  standing: 18,
  wants: 20, keys: 21,
  destroyed: 22, turns: 23,
  bell: 26
};
const byCode = <K extends string>(codes: Readonly<Record<K, number>>): ReadonlyMap<number, K> => new Map((Object.keys(codes) as K[]).map((is) => [codes[is], is]));
const TO = byCode(TO_CODES);
const FROM = byCode(FROM_CODES);

/** First bytes of frames that may be large before a key was proven: what they carry proves itself. */
export const LARGE_FRAMES: readonly number[] = [TO_CODES.create, TO_CODES['create-by-permit'], TO_CODES['give-entries']];

const GROUP = 32;
const group = (r: Reader): GroupId => r.fixed<GroupId>(GROUP);
const writeBox = (b: AddressedLockbox, w: Writer): void => void w.fixed(b.to).bytes(b.lockbox);
const writeReceipted = (i: ReceiptedEntry, w: Writer): void => writeReceipt(i.receipt, w.bytes(i.entry));
const readReceipted = (r: Reader): ReceiptedEntry => ({ entry: r.bytes(LIMIT.entry), receipt: readReceipt(r) });
const readBox = (r: Reader): AddressedLockbox => ({ to: r.fixed<LogPk>(SIGN_PK), lockbox: r.bytes(LIMIT.lockbox) });

export function encodeToRelay(f: ToRelay): Bytes {
  const w = new Writer().u8(TO_CODES[f.is]);
  switch (f.is) {
    case 'auth':
      return w.num(f.re).fixed(f.group).u8(SESSION_KINDS.indexOf(f.as)).fixed(f.key).fixed(f.nonce).fixed(f.signature).done();
    case 'create':
      return w.num(f.re).fixed(f.group).bytes(f.genesis).list(f.boxes, writeBox).done();
    case 'create-by-permit':
      return w.num(f.re).fixed(f.group).fixed(f.permit).bytes(f.genesis).list(f.boxes, writeBox).done();
    case 'append':
      return w.fixed(f.group).num(f.n).bytes(f.envelope).done();
    case 'boxes':
      return w.fixed(f.group).num(f.seq).list(f.boxes, writeBox).done();
    case 'enter':
      return w.num(f.re).fixed(f.group).num(f.seq).bytes(f.entry).done();
    case 'roster':
    case 'lockboxes':
      return w.num(f.re).fixed(f.group).num(f.after).done();
    case 'fetch':
      return w.num(f.re).fixed(f.group).bool(f.way === 'down').num(f.from).num(f.most).done();
    case 'put-card':
      return w.num(f.re).fixed(f.group).fixed(f.invite).bytes(f.card).done();
    case 'get-card':
    case 'mailbox':
      return w.num(f.re).fixed(f.group).done();
    case 'put-request':
      return w.num(f.re).fixed(f.group).fixed(f.request).bytes(f.body).done();
    case 'drop-request':
    case 'get-answer':
      return w.num(f.re).fixed(f.group).fixed(f.request).done();
    case 'put-answer':
      return w.num(f.re).fixed(f.group).fixed(f.invite).fixed(f.request).bytes(f.body).done();
    case 'ping':
      return w.num(f.re).done();
    case 'put-item':
      return w.num(f.re).fixed(f.group).num(f.n).bytes(f.item).done();
    case 'get-items':
      return w.num(f.re).fixed(f.group).num(f.after).done();
    case 'want':
      return w.num(f.re).fixed(f.group).bytes(f.want).done();
    case 'get-wants':
      return w.num(f.re).fixed(f.group).done();
    case 'put-keys':
      return w.num(f.re).fixed(f.group).fixed(f.to).fixed(f.want).bytes(f.keys).done();
    case 'get-keys':
      return w.num(f.re).fixed(f.group).num(f.after).done();
    case 'get-bell':
    case 'drop-bell':
      return w.num(f.re).fixed(f.group).done();
    case 'put-bell':
      return w.num(f.re).fixed(f.group).text(f.place).done();
    case 'show':
      return w.num(f.re).fixed(f.group).num(f.life).num(f.rosterSeq).fixed(f.chain).num(f.n).fixed(f.hash).done();
    case 'give-entries':
      return w.num(f.re).fixed(f.group).list(f.items, writeReceipted).done();
    case 'give-boxes':
      return w.num(f.re).fixed(f.group).num(f.seq).list(f.boxes, writeBox).done();
    case 'give':
      return w.num(f.re).fixed(f.group).list(f.items, (i, x) => x.num(i.device).num(i.n).num(i.time).bytes(i.envelope)).done();
    default:
      return unreachable(f);
  }
}

function readToRelay(r: Reader): ToRelay {
  const is = TO.get(r.u8()) ?? r.fail();
  switch (is) {
    case 'auth':
      return { is, re: r.num(), group: group(r), as: SESSION_KINDS[r.u8()] ?? r.fail(), key: r.fixed<LogPk>(SIGN_PK), nonce: r.fixed(NONCE), signature: r.fixed(SIGNATURE) };
    case 'create':
      return { is, re: r.num(), group: group(r), genesis: r.bytes(LIMIT.entry), boxes: r.list(LIMIT.devices, readBox) };
    case 'create-by-permit':
      return { is, re: r.num(), group: group(r), permit: r.fixed<Permit>(CODE_SECRET), genesis: r.bytes(LIMIT.entry), boxes: r.list(LIMIT.devices, readBox) };
    case 'append':
      return { is, group: group(r), n: r.num(), envelope: r.bytes(LIMIT.envelope) };
    case 'boxes':
      return { is, group: group(r), seq: r.num(), boxes: r.list(2 * LIMIT.devices, readBox) };
    case 'enter':
      return { is, re: r.num(), group: group(r), seq: r.num(), entry: r.bytes(LIMIT.entry) };
    case 'roster':
    case 'lockboxes':
      return { is, re: r.num(), group: group(r), after: r.num() };
    case 'fetch':
      return { is, re: r.num(), group: group(r), way: r.bool() ? 'down' : 'up', from: r.num(), most: r.num() };
    case 'put-card':
      return { is, re: r.num(), group: group(r), invite: r.fixed<InvitePk>(SIGN_PK), card: r.bytes(LIMIT.card) };
    case 'get-card':
    case 'mailbox':
      return { is, re: r.num(), group: group(r) };
    case 'put-request':
      return { is, re: r.num(), group: group(r), request: r.fixed(REQUEST_ID), body: r.bytes(LIMIT.request) };
    case 'drop-request':
    case 'get-answer':
      return { is, re: r.num(), group: group(r), request: r.fixed(REQUEST_ID) };
    case 'put-answer':
      return { is, re: r.num(), group: group(r), invite: r.fixed<InvitePk>(SIGN_PK), request: r.fixed(REQUEST_ID), body: r.bytes(LIMIT.answer) };
    case 'ping':
      return { is, re: r.num() };
    case 'put-item':
      return { is, re: r.num(), group: group(r), n: r.num(), item: r.bytes(LIMIT.item) };
    case 'get-items':
      return { is, re: r.num(), group: group(r), after: r.num() };
    case 'want':
      return { is, re: r.num(), group: group(r), want: r.bytes(LIMIT.want) };
    case 'get-wants':
      return { is, re: r.num(), group: group(r) };
    case 'put-keys':
      return { is, re: r.num(), group: group(r), to: r.fixed<LogPk>(SIGN_PK), want: r.fixed<Hash>(HASH), keys: r.bytes(LIMIT.keys) };
    case 'get-keys':
      return { is, re: r.num(), group: group(r), after: r.num() };
    case 'get-bell':
    case 'drop-bell':
      return { is, re: r.num(), group: group(r) };
    case 'put-bell':
      return { is, re: r.num(), group: group(r), place: r.text(LIMIT.place) };
    case 'show':
      return { is, re: r.num(), group: group(r), life: r.num(), rosterSeq: r.num(), chain: r.fixed<Hash>(HASH), n: r.num(), hash: r.fixed<Hash>(HASH) };
    case 'give-entries':
      return { is, re: r.num(), group: group(r), items: r.list(MOST, readReceipted) };
    case 'give-boxes':
      return { is, re: r.num(), group: group(r), seq: r.num(), boxes: r.list(2 * LIMIT.devices, readBox) };
    case 'give':
      return { is, re: r.num(), group: group(r), items: r.list(MOST, (x) => ({ device: x.num(), n: x.num(), time: x.num(), envelope: x.bytes(LIMIT.envelope) })) };
    default:
      return unreachable(is);
  }
}

/** `size`: bytes that are likely to be needed. */
export function encodeFromRelay(f: FromRelay, size?: number): Bytes {
  const w = new Writer(size).u8(FROM_CODES[f.is]);
  switch (f.is) {
    case 'hello':
      return w.num(f.version).fixed(f.relayPk).num(f.incarnation).fixed(f.nonce).num(f.time).last();
    case 'welcome':
      return w.num(f.re).fixed(f.group).num(f.rosterSeq).num(f.feedSeq).num(f.head.n).fixed(f.head.hash).fixed(f.bearer).last();
    case 'gone':
      return w.num(f.re).fixed(f.group).num(f.seq).last();
    case 'entered':
    case 'destroyed':
      w.num(f.re).fixed(f.group);
      writeReceipt(f.receipt, w);
      return w.last();
    case 'acks':
      return w.fixed(f.group).list(f.items, (i, x) => x.num(i.n).num(i.seq).num(i.time)).last();
    case 'entries':
      w.num(f.re).fixed(f.group).bool(f.more);
      return w.list(f.items, writeReceipted).last();
    case 'lockboxes':
      return w.num(f.re).fixed(f.group).bool(f.more).list(f.items, (i, x) => x.num(i.seq).bytes(i.lockbox)).last();
    case 'page':
      w.num(f.re).fixed(f.group).bool(f.more).list(f.prevs, (p, x) => x.num(p.device).fixed(p.prev));
      return w.list(f.items, writeStored).last();
    case 'card':
      return w.num(f.re).fixed(f.group).bytes(f.card).last();
    case 'answer':
      return w.num(f.re).fixed(f.group).fixed(f.request).bytes(f.body).last();
    case 'requests':
      return w.num(f.re).fixed(f.group).list(f.items, (i, x) => x.fixed(i.invite).fixed(i.request).num(i.time).bytes(i.body)).last();
    case 'done':
      return w.num(f.re).fixed(f.group).last();
    case 'refused':
      w.num(f.re).fixed(f.group).u8(REFUSAL_CODES[f.why]).num(f.detail.n).fixed(f.detail.hash).num(f.detail.fence);
      return w.list(f.detail.heads, (h, x) => x.fixed(h.logPk).num(h.n).fixed(h.hash)).text(f.detail.words).last();
    case 'pong':
      return w.num(f.re).last();
    case 'turns':
      return w.list(f.turns, writeTurn).last();
    case 'items':
      return w.num(f.re).fixed(f.group).bool(f.more).list(f.items, (i, x) => x.bytes(i)).last();
    case 'wants':
      return w.num(f.re).fixed(f.group).list(f.items, (i, x) => x.bytes(i.want).num(i.answers)).last();
    case 'keys':
      return w.num(f.re).fixed(f.group).bool(f.more).list(f.items, (i, x) => x.num(i.at).bytes(i.keys)).last();
    case 'bell':
      return w.num(f.re).fixed(f.group).fixed(f.key).last();
    case 'standing':
      w.num(f.re).fixed(f.group).bool(f.healing).num(f.rosterSeq).fixed(f.chain).num(f.feed);
      return w.list(f.heads, (h, x) => x.num(h.device).num(h.n).fixed(h.hash)).list(f.lacks, (b, x) => x.fixed(b)).last();
    default:
      return unreachable(f);
  }
}

/** One envelope inside a `page`, so that a relay can build it once and send the same bytes to everyone. */
export const writeStored = (i: StoredEnvelope, w: Writer): void => void w.num(i.device).num(i.n).num(i.seq).num(i.time).bytes(i.envelope);
/** Bytes that it writes. */
export const storedSize = (i: StoredEnvelope): number => numSize(i.device) + numSize(i.n) + numSize(i.seq) + numSize(i.time) + numSize(i.envelope.length) + i.envelope.length;
export const readStored = (r: Reader): StoredEnvelope => ({ device: r.num(), n: r.num(), seq: r.num(), time: r.num(), envelope: r.bytes(LIMIT.envelope) });

const MOST = 4096;

function readFromRelay(r: Reader): FromRelay {
  const is = FROM.get(r.u8()) ?? r.fail();
  switch (is) {
    case 'hello':
      return { is, version: r.num(), relayPk: r.fixed<RelayPk>(SIGN_PK), incarnation: r.num(), nonce: r.fixed(NONCE), time: r.num() };
    case 'welcome':
      return { is, re: r.num(), group: group(r), rosterSeq: r.num(), feedSeq: r.num(), head: { n: r.num(), hash: r.fixed<Hash>(HASH) }, bearer: r.fixed(BEARER) };
    case 'gone':
      return { is, re: r.num(), group: group(r), seq: r.num() };
    case 'entered':
    case 'destroyed':
      return { is, re: r.num(), group: group(r), receipt: readReceipt(r) };
    case 'acks':
      return { is, group: group(r), items: r.list(MOST, (x) => ({ n: x.num(), seq: x.num(), time: x.num() })) };
    case 'entries':
      return { is, re: r.num(), group: group(r), more: r.bool(), items: r.list(MOST, readReceipted) };
    case 'lockboxes':
      return { is, re: r.num(), group: group(r), more: r.bool(), items: r.list(MOST, (x) => ({ seq: x.num(), lockbox: x.bytes(LIMIT.lockbox) })) };
    case 'page':
      return {
        is, re: r.num(), group: group(r), more: r.bool(),
        prevs: r.list(MOST, (x) => ({ device: x.num(), prev: x.fixed<Hash>(HASH) })),
        items: r.list(MOST, readStored)
      };
    case 'card':
      return { is, re: r.num(), group: group(r), card: r.bytes(LIMIT.card) };
    case 'answer':
      return { is, re: r.num(), group: group(r), request: r.fixed(REQUEST_ID), body: r.bytes(LIMIT.answer) };
    case 'requests':
      return {
        is, re: r.num(), group: group(r),
        items: r.list(MOST, (x) => ({ invite: x.fixed<InvitePk>(SIGN_PK), request: x.fixed(REQUEST_ID), time: x.num(), body: x.bytes(LIMIT.request) }))
      };
    case 'done':
      return { is, re: r.num(), group: group(r) };
    case 'refused':
      return {
        is, re: r.num(), group: group(r), why: REFUSAL.get(r.u8()) ?? r.fail(),
        detail: {
          n: r.num(), hash: r.fixed<Hash>(HASH), fence: r.num(),
          heads: r.list(LIMIT.devices, (x) => ({ logPk: x.fixed<LogPk>(SIGN_PK), n: x.num(), hash: x.fixed<Hash>(HASH) })), words: r.text(64)
        }
      };
    case 'pong':
      return { is, re: r.num() };
    case 'turns':
      return { is, turns: r.list(TURNS, readTurn) };
    case 'items':
      return { is, re: r.num(), group: group(r), more: r.bool(), items: r.list(MOST, (x) => x.bytes(LIMIT.item)) };
    case 'wants':
      return { is, re: r.num(), group: group(r), items: r.list(MOST, (x) => ({ want: x.bytes(LIMIT.want), answers: x.num() })) };
    case 'keys':
      return { is, re: r.num(), group: group(r), more: r.bool(), items: r.list(MOST, (x) => ({ at: x.num(), keys: x.bytes(LIMIT.keys) })) };
    case 'bell':
      return { is, re: r.num(), group: group(r), key: r.fixed(BELL_KEY) };
    case 'standing':
      return {
        is, re: r.num(), group: group(r), healing: r.bool(), rosterSeq: r.num(), chain: r.fixed<Hash>(HASH), feed: r.num(),
        heads: r.list(LIMIT.roster, (x) => ({ device: x.num(), n: x.num(), hash: x.fixed<Hash>(HASH) })), lacks: r.list(MOST, (x) => x.fixed<BlobId>(HASH))
      };
    default:
      return unreachable(is);
  }
}

/**
 * An `append` frame as `decodeToRelay` reads it, without copying: group and envelope are parts of `b`. Null when it is another frame or malformed.
 */
export function viewAppend(b: Uint8Array): { readonly group: GroupId; readonly n: number; readonly envelope: Bytes } | null {
  if (b[0] !== TO_CODES.append) return null;
  let at = 1 + GROUP;
  const num = (): number => {
    let v = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = b[at++];
      if (byte === undefined) return -1;
      v += (byte & 0x7f) * scale;
      if (byte < 0x80) return (byte === 0 && i > 0) || v > Number.MAX_SAFE_INTEGER ? -1 : v;
      scale *= 128;
    }
    return -1;
  };
  const n = num();
  const size = num();
  if (n < 0 || size < 0 || size > LIMIT.envelope || at + size !== b.length) return null;
  return { group: b.subarray(1, 1 + GROUP) as Bytes as GroupId, n, envelope: b.subarray(at) as Bytes };
}

export const decodeToRelay = (b: Uint8Array): Result<ToRelay, Malformed> => decode(b, readToRelay);
export const decodeFromRelay = (b: Uint8Array): Result<FromRelay, Malformed> => decode(b, readFromRelay);
