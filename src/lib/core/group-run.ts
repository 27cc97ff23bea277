/** One group while the vault is open: what is in memory of it, loaded from the store and written back to it. */
import type { Bytes, Hex, LogPk, MemberTag } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { begin } from '$crypto/roster/fold';
import { decodeState, encodeState, rowOf, type RosterState, type Row } from '$crypto/roster/state';
import type { Random } from '$crypto/sodium';
import { Feed, type FeedIndex, type FeedPost, emptyIndex } from '../care/feed';
import type { LaneWriter } from '../care/lane';
import type { PhotoRecord } from '../care/record';
import { LOG_START, type LogPlace } from '../group/log';
import { type CacheChange, type Change, type Store, StoreError } from '../store/store';
import type { Link } from '../sync/link';
import type { Clock, Later } from '../sync/ports';
import type { BlobCarrier } from './blobs';
import {
  type DeviceKeys, deviceKeys, type DraftRow, type EntryRow, type GroupRow, type HeadsRow, type InboxRow, keyOf, type KeyringRow, type OutboxRow, type OwnInviteRow, type PendingRow, put, putBytes, read, readAll, type SealedRow
} from './group-rows';
import { pack, unpack } from './pack';
import type { Alarm, GroupRef, Profile } from './port';
import { type Shown, shownOf } from './shown';
import { Turns } from './turns';

/** Rows in one transaction at most: a phone may sleep in the middle of one. */
const PART = 100;

/** What a group is given by the core around it. */
export interface Around {
  readonly store: Store;
  readonly link: Link;
  readonly clock: Clock;
  readonly later: Later;
  readonly random: Random;
  readonly host: string;
  readonly blobs: BlobCarrier;
  profile(): Profile;
  /** Something of the group changed; views follow. `ids` are feed items that changed, or null for all. */
  changed(ref: GroupRef, what: 'group' | 'feed', ids: readonly string[] | null): void;
  /** The store refused for lack of room, or works again. */
  full(yes: boolean): void;
  failed(e: unknown): void;
}

export interface OutboxItem extends OutboxRow { readonly key: string }
/** A request to join as this device opened it. */
export interface OpenedRequest {
  readonly invite: Bytes; readonly request: Bytes; readonly number: string; readonly at: number;
  readonly row: import('$crypto/roster/entry').NewRow; readonly name: string; readonly role: Profile['role']; readonly answerKey: Bytes;
}

/** Where the session with the relay stands. */
export type SessionState = 'none' | 'opening' | 'live' | 'gone';

export class GroupRun {
  /** What may wait for the relay. */
  readonly turns = new Turns();
  /** What never does: writing and reading here go on while the network hangs. */
  readonly local = new Turns();
  readonly keys: DeviceKeys;
  readonly me: Hex<MemberTag>;
  state: RosterState;
  entries: EntryRow[] = [];
  readonly keyring = new Map<number, KeyringRow>();
  readonly heads = new Map<number, LogPlace>();
  /** Feed seq up to which everything is stored here. */
  cursor = 0;
  /** Roster seq up to which own lockboxes were fetched. */
  lockboxes = 0;
  readonly held = new Map<number, InboxRow[]>();
  outbox: OutboxItem[] = [];
  sealed: SealedRow | null = null;
  /** The sealed envelope that this session has sent. */
  inFlight: SealedRow | null = null;
  /** What the relay last refused, so that the same answer twice is waited out. */
  refused: { readonly sealed: SealedRow; readonly why: string } | null = null;
  uploading = false;
  /** The sealed envelope that the relay called stale. */
  staleNamed: SealedRow | null = null;
  wakeUp: (() => void) | null = null;
  pending: PendingRow | null = null;
  writer: LaneWriter | null = null;
  feed: Feed;
  draft: DraftRow = { text: '', replyTo: null, photos: [] };
  readonly ownLinks = new Map<string, string>();
  /** Invite cards that the relay has not taken yet. */
  readonly cards = new Map<string, Bytes>();
  requests: OpenedRequest[] = [];
  readonly uploaded = new Set<string>();
  /** Blobs whose ciphertext is on this device, and those the relay said it lacks. */
  readonly localBlobs = new Set<string>();
  readonly missingBlobs = new Set<string>();
  session: SessionState = 'none';
  bearer: Bytes | null = null;
  synced = false;
  alarm: Alarm | null = null;
  shown: Shown;
  private made = 0;
  private readonly lanes: CacheChange[] = [];
  private flushing: (() => void) | null = null;

  private constructor(readonly ref: GroupRef, readonly row: GroupRow, readonly around: Around, state: RosterState, feed: FeedIndex) {
    this.keys = deviceKeys(row);
    this.me = hex(row.tag);
    this.state = state;
    this.feed = new Feed(feed, this.me, state.members.get(this.me)?.at ?? row.made);
    this.shown = shownOf(this);
  }

  /** Reads a group back from the store. */
  static async open(ref: GroupRef, row: GroupRow, around: Around): Promise<GroupRun> {
    const { store } = around;
    const stored = await store.get('roster', keyOf.state(ref));
    const state = stored === null ? provisional(row) : must(decodeState(stored));
    const index = await store.cacheGet('index', keyOf.index(ref));
    const run = new GroupRun(ref, row, around, state, index === null ? emptyIndex() : unpack<FeedIndex>(index));
    for (const k of (await read<KeyringRow[]>(store, 'roster', keyOf.keyring(ref))) ?? []) run.keyring.set(k.epoch, k);
    run.entries = (await readAll<EntryRow>(store, 'roster', `${ref}/e/`)).map((e) => e.value);
    run.pending = await read<PendingRow>(store, 'roster', keyOf.pending(ref));
    const heads = await read<HeadsRow>(store, 'inbox', keyOf.heads(ref));
    if (heads !== null) {
      run.cursor = heads.cursor;
      run.lockboxes = heads.lockboxes;
      for (const [device, place] of heads.heads) run.heads.set(device, place);
      for (const seq of heads.held) {
        const held = await read<InboxRow>(store, 'inbox', keyOf.envelope(ref, seq));
        if (held !== null) run.hold(held);
      }
    }
    run.outbox = (await readAll<OutboxRow>(store, 'outbox', `${ref}/`)).map((r) => ({ ...r.value, key: r.key }));
    run.made = run.outbox.reduce((most, o) => Math.max(most, o.made), 0);
    run.sealed = await read<SealedRow>(store, 'sealed', keyOf.sealed(ref));
    run.draft = (await read<DraftRow>(store, 'draft', ref)) ?? run.draft;
    for (const { key, value } of await readAll<OwnInviteRow>(store, 'meta', `${ref}/i/`)) {
      const invite = key.slice(key.lastIndexOf('/') + 1);
      run.ownLinks.set(invite, value.link);
      if (value.card !== null) run.cards.set(invite, value.card);
    }
    run.refreshShown();
    return run;
  }

  get ownRow(): Row | null {
    return rowOf(this.state, this.keys.logPk as LogPk);
  }
  get ownHead(): LogPlace {
    const row = this.ownRow;
    return row === null ? LOG_START : (this.heads.get(row.device) ?? LOG_START);
  }
  get stored(): boolean {
    return this.row.unsent === null;
  }
  /** Posts and changes here that the relay has not stored. */
  get waiting(): number {
    return this.outbox.filter((o) => o.record.t !== 'seen').length + (this.row.unsent === null ? 0 : 1);
  }
  /** A fresh place in the outbox: ascending, never given twice. */
  nextMade(): number {
    this.made = Math.max(this.made + 1, this.around.clock());
    return this.made;
  }

  hold(row: InboxRow): void {
    const list = this.held.get(row.device) ?? [];
    if (!list.some((h) => h.seq === row.seq)) list.push(row);
    list.sort((a, b) => a.n - b.n || a.seq - b.seq);
    this.held.set(row.device, list);
  }
  headsRow(): Change {
    const row: HeadsRow = { cursor: this.cursor, heads: [...this.heads], held: [...this.held.values()].flat().map((h) => h.seq), lockboxes: this.lockboxes };
    return put('inbox', keyOf.heads(this.ref), row);
  }
  rosterRows(): Change[] {
    return [
      putBytes('roster', keyOf.state(this.ref), encodeState(this.state)),
      put('group', this.ref, this.row),
      put('roster', keyOf.keyring(this.ref), [...this.keyring.values()])
    ];
  }

  /** One strict transaction; says whether there was room. */
  async commit(changes: readonly Change[]): Promise<void> {
    await this.around.store.commit(changes);
    this.around.full(false);
  }

  /** The same for what came from the relay and can come again: in small parts, the last of which holds the cursor; a full disk stops only the keeping. */
  async commitOrCarryOn(changes: readonly Change[]): Promise<void> {
    try {
      for (let i = 0; i < changes.length; i += PART) await this.commit(changes.slice(i, i + PART));
    } catch (e) {
      if (!(e instanceof StoreError) || e.fault !== 'full') throw e;
      this.around.full(true);
    }
  }

  refreshShown(): void {
    this.shown = shownOf(this);
  }

  /** The newest page, so that records can be added to it. */
  async loadTail(): Promise<void> {
    if (this.feed.posts.length === 0 && this.feed.nextPage !== null) await this.loadOlder();
  }
  /** All that the first look needs. */
  async openFeed(): Promise<void> {
    await this.loadTail();
  }
  /** One page further back. */
  async loadOlder(): Promise<void> {
    const page = this.feed.nextPage;
    if (page === null) return;
    const b = await this.around.store.cacheGet('page', keyOf.page(this.ref, page));
    if (b === null) throw new Error('a page of the feed is missing');
    this.feed.load(page, unpack<FeedPost[]>(b));
  }
  laneRow(member: string, device: number, n: number, update: Bytes): void {
    this.lanes.push({ table: 'lane', key: keyOf.lane(this.ref, member, device, n), value: update });
  }
  dropLaneRow(member: string, device: number, n: number): void {
    this.lanes.push({ table: 'lane', key: keyOf.lane(this.ref, member, device, n), value: null });
  }

  /** Writes the derived rows soon; what a crash loses is made again from the inbox. */
  flushSoon(): void {
    this.flushing ??= this.around.later(400, () => void this.turns.take(() => this.flush()).catch((e: unknown) => this.around.failed(e)));
  }
  async flush(): Promise<void> {
    this.flushing?.();
    this.flushing = null;
    const pages: CacheChange[] = this.feed.takeDirty().map((d) => ({ table: 'page', key: keyOf.page(this.ref, d.page), value: pack(d.posts) }));
    const lanes = this.lanes.splice(0);
    await this.around.store.cacheCommit([...lanes, ...pages]);
    await this.around.store.cacheCommit([{ table: 'index', key: keyOf.index(this.ref), value: pack(this.feed.index) }]);
  }
  /** Derived rows are gone or wrong: start them again. */
  resetFeed(): void {
    this.feed = new Feed(emptyIndex(), this.me, this.state.members.get(this.me)?.at ?? this.row.made);
  }

  photo(id: string): PhotoRecord | null {
    const here = (p: readonly PhotoRecord[]): PhotoRecord | undefined => p.find((x) => x.full.b === id);
    for (const p of this.feed.posts) {
      const found = here(p.photos);
      if (found) return found;
    }
    for (const o of this.outbox) {
      const found = o.record.t === 'post' ? here(o.record.p ?? []) : undefined;
      if (found) return found;
    }
    return here(this.draft.photos) ?? null;
  }
}

/** The state of a group that no relay has receipted yet, for showing only; nothing is sealed under it. */
function provisional(row: GroupRow): RosterState {
  if (row.unsent === null) throw new Error('a group has no roster');
  return must(begin(row.id, row.unsent.genesis, row.made));
}

function must<T>(r: { ok: true; value: T } | { ok: false }): T {
  if (!r.ok) throw new Error('a row of our own does not read');
  return r.value;
}
