/** One group while the vault is open: what is in memory of it, loaded from the store and written back to it. */
import type { Bytes, Hex, LogPk, MemberTag } from '$crypto/brand';
import { hex, unbase64url } from '$crypto/bytes';
import type { CarriedNote } from '$crypto/carried';
import type { PermitRefusal } from '$crypto/permit';
import { begin } from '$crypto/roster/fold';
import { currentEpoch, decodeState, encodeState, rowByDevice, rowOf, type RosterState, type Row } from '$crypto/roster/state';
import type { Random } from '$crypto/sodium';
import type { Feed } from '../care/feed';
import type { LaneWriter } from '../care/lane';
import { newId, type PhotoRecord, type SaidAt } from '../care/record';
import { LOG_START, type LogPlace } from '../group/log';
import { type Change, type Store, StoreError } from '../store/store';
import type { Link } from '../sync/link';
import type { Clock, Later } from '../sync/ports';
import { keptAhead } from './ahead';
import type { BlobCarrier } from './blobs';
import type { Carrying } from './carrying';
import { FeedRows } from './feed-rows';
import {
  type AheadRow, type DeviceKeys, deviceKeys, type DraftRow, type EntryRow, type GroupRow, type HeadsRow, type InboxRow, keyOf, type KeyringRow, localName, type OutboxRow, type OwnInviteRow, type PendingRow, put, putBytes, read, readAll, type SealedRow, type SeenPartRow
} from './group-rows';
import type { Alarm, GroupRef, Profile, Recognition, VouchedView } from './port';
import type { HeldPermit } from './permit';
import { type Ahead, postsShown } from './posts';
import { NOTHING_SHOWN, type Shown, shownOf } from './shown';
import { Turns } from './turns';
import type { Way } from './ways';

/** Rows in one transaction at most: a phone may sleep in the middle of one. */
const PART = 100;
const ODD_MOST = 1000;
/** Something was odd before the app was started. */
export const ODD_BEFORE = 'before';

/** What a group is given by the core around it. */
export interface Around {
  readonly store: Store;
  readonly link: Link;
  readonly clock: Clock;
  readonly later: Later;
  readonly random: Random;
  /** The newest version of groups that this app knows. */
  readonly knows: number;
  readonly host: string;
  readonly blobs: BlobCarrier;
  readonly permit: HeldPermit;
  profile(): Profile;
  /** Something of the group changed; views follow. `ids` are feed items that changed, or null for all. */
  changed(ref: GroupRef, what: 'group' | 'feed', ids: readonly string[] | null): void;
  /** The store refused for lack of room, or works again. */
  full(yes: boolean): void;
  failed(e: unknown): void;
  /** Something for the group's turn. What fails there by a fault of ours, or for lack of room, is told, and the group is tried again. */
  turn(run: GroupRun, what: () => Promise<void>): void;
  /** What this device knows of who a member is. */
  recognise(run: GroupRun, member: string, name: string): Recognition;
  /** Another group of this device. */
  group(ref: GroupRef): GroupRun | null;
  /** The group on this device that a history is of. */
  history(note: CarriedNote): GroupRun | null;
  /** What organisations say of who a member is. */
  vouched(run: GroupRun, member: string): readonly VouchedView[];
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
  /** Requests to join, whose numbers take their time. */
  readonly asking = new Turns();
  readonly numbers = new Map<string, { readonly number: string; readonly at: number }>();
  readonly me: Hex<MemberTag>;
  state: RosterState;
  entries: EntryRow[] = [];
  readonly keyring = new Map<number, KeyringRow>();
  readonly heads = new Map<number, LogPlace>();
  /** Feed seq up to which everything is stored here. */
  cursor = 0;
  /** Feed seq up to which the relay said that it has the feed. */
  top = 0;
  /** The newest of the feed, while much before it is still to come. */
  ahead: Ahead | null = null;
  /** Posts of it that were on the screen; marks go out once they have their place. */
  readonly seenAhead = new Set<string>();
  /** Life of the relay's store that the places in the feed are of; 0 while there are none. */
  life = 0;
  /** While a restored relay's feed is read: envelopes that are here and have no place in it yet, by device and number. */
  loose: Map<string, { readonly key: string; readonly row: InboxRow }> | null = null;
  /** The relay's roster is not ours; why is to be found out. */
  isSplit = false;
  /** When each device last said, by an envelope that was verified, that our roster is its roster. */
  readonly verified = new Map<number, number>();
  /** Roster seq up to which own lockboxes were fetched. */
  lockboxes = 0;
  readonly held = new Map<number, InboxRow[]>();
  /** Of logs that ended, how far what is here leads (PROTOCOL §5.3). */
  readonly ways = new Map<number, Way>();
  /** Those of them that lead to an end and stopped on the way to it: at an epoch whose key is lacking, or at what is never taken here. */
  readonly stopped = new Map<number, number | null>();
  /** For what the whole of a log that ended was last looked through. */
  readonly looked = new Map<number, string>();
  /** How far the relay said it has the logs that ended, where that is not as far as they went. */
  readonly short = new Map<number, Pick<LogPlace, 'n' | 'hash'>>();
  /** Those of which it says that it has all, and that are not whole here. */
  readonly withheld = new Set<number>();
  outbox: OutboxItem[] = [];
  sealed: SealedRow | null = null;
  /** The sealed envelope that this session has sent. */
  inFlight: SealedRow | null = null;
  /** What the relay last refused, so that the same answer twice is waited out. */
  refused: { readonly sealed: SealedRow; readonly why: string } | null = null;
  /** The sealed envelope of which an ack named a place that is not the next one here. */
  outOfPlace: SealedRow | null = null;
  uploading = false;
  /** The session will be tried again soon. */
  retrying = false;
  /** How often in a row its turn failed by a fault of ours. */
  failures = 0;
  /** The last time since this device had no room for what it had to write. */
  hasNoDisk = false;
  /** The sealed envelope that the relay called stale. */
  staleNamed: SealedRow | null = null;
  wakeUp: (() => void) | null = null;
  pending: PendingRow | null = null;
  writer: LaneWriter | null = null;
  draft: DraftRow = { text: '', replyTo: null, photos: [] };
  /** Of own posts whose ids were made anew while they waited: what the screen calls each by its id, and back. */
  readonly shownIds = new Map<string, string>();
  readonly idsNow = new Map<string, string>();
  /** Records that were said under another id than they had here, until what was begun meanwhile names them by it. */
  moved: ReadonlyMap<string, string> = new Map();
  readonly ownLinks = new Map<string, string>();
  /** Invite cards that the relay has not taken yet. */
  readonly cards = new Map<string, Bytes>();
  requests: OpenedRequest[] = [];
  readonly uploaded = new Set<string>();
  /** Posts that were on the screen; marks go out for whole envelopes. */
  readonly seenPosts = new Set<string>();
  /** Envelopes of which only some were, by log and number. */
  readonly seenParts = new Map<string, SeenPartRow>();
  /** Blobs whose ciphertext is on this device, and those the relay said it lacks. */
  readonly localBlobs = new Set<string>();
  readonly missingBlobs = new Set<string>();
  session: SessionState = 'none';
  bearer: Bytes | null = null;
  /** The connection on which entries were given to a relay that did not know the group or this device. */
  gaveAt: unknown = null;
  synced = false;
  alarm: Alarm | null = null;
  /** The relay lets nobody begin this group without a permit: what is the matter with the one there is. */
  needsPermit: PermitRefusal | null = null;
  /** What the relay last had no room for: since the group takes more than its operator allows, or since there is none for anybody. */
  noRoom: { readonly what: 'words' | 'pictures'; readonly of: 'group' | 'server' } | null = null;
  shown: Shown = NOTHING_SHOWN;
  /** Something new came that could not be what it claimed, or a log lacks an envelope: the feed is read again, once a session. */
  suspect = false;
  readAgain = false;
  /** What was odd so far, and when the feed was last read again for it. */
  readonly odd = new Set<string>();
  readAgainAt = -Infinity;
  readAgainWait = 0;
  readingAgain: (() => void) | null = null;
  /** Epochs whose own lockbox is the one that the entry lists, and junk; and those of them under which words were passed by unread. */
  readonly junk = new Set<number>();
  readonly passedBy = new Set<number>();
  /** Epochs up to here were judged by an app that did not note which words it passed by. */
  unnotedUpTo = 0;
  /** Keys are lacking for longer than somebody who is online takes to give them; `lateKey` ends the wait until then. */
  isKeyLate = false;
  lateKey: (() => void) | null = null;
  /** This device's want as the relay has it, and the newest answer taken. */
  want: Bytes | null = null;
  keysAt = 0;
  /** Others' wants, by hex of their hash: answered by somebody when last seen, or given by this device. */
  readonly answered = new Map<string, 'seen' | 'given'>();
  looking = false;
  /** The history that is being taken along to this group. */
  carrying: Carrying | null = null;
  /** What was brought along to it, as its newest record says; and how far this device has come with reading it, null when nobody asked. */
  opened: { readonly s: string; readonly note: CarriedNote | null } | null = null;
  reading: { readonly done: number; readonly of: number } | 'wrong' | null = null;
  /** What there was no room for yet, in order. */
  unkept: Change[] = [];
  private readonly keeping = new Turns();
  private made = 0;
  private flushing: (() => void) | null = null;

  private constructor(readonly ref: GroupRef, readonly row: GroupRow, readonly around: Around, readonly keys: DeviceKeys, state: RosterState, readonly feedRows: FeedRows) {
    this.me = hex(row.tag);
    this.state = state;
  }

  /** Reads a group back from the store. */
  static async open(ref: GroupRef, row: GroupRow, around: Around): Promise<GroupRun> {
    const { store } = around;
    // asked for all at once: one wait for the disk instead of ten
    const [stored, index, keyring, entries, pending, heads, seenParts, outbox, sealed, draft, invites, keys] = await Promise.all([
      store.get('roster', keyOf.state(ref)),
      FeedRows.readIndex(store, ref),
      read<KeyringRow[]>(store, 'roster', keyOf.keyring(ref)),
      readAll<EntryRow>(store, 'roster', keyOf.entries(ref)),
      read<PendingRow>(store, 'roster', keyOf.pending(ref)),
      read<HeadsRow>(store, 'inbox', keyOf.heads(ref)),
      readAll<SeenPartRow>(store, 'inbox', keyOf.seenParts(ref)),
      readAll<OutboxRow>(store, 'outbox', `${ref}/`),
      read<SealedRow>(store, 'sealed', keyOf.sealed(ref)),
      read<DraftRow>(store, 'draft', ref),
      readAll<OwnInviteRow>(store, 'meta', keyOf.invites(ref)),
      // meanwhile
      Promise.resolve().then(() => deviceKeys(row))
    ]);
    const state = stored === null ? provisional(row) : must(decodeState(stored));
    const me = hex(row.tag);
    const run = new GroupRun(ref, row, around, keys, state, new FeedRows(store, ref, { me, unreadAfter: row.carried !== undefined ? Infinity : (state.members.get(me)?.at ?? row.made) }, index));
    for (const k of keyring ?? []) run.keyring.set(k.epoch, k);
    // a cut between two parts leaves entries that the state has not taken in
    run.entries = entries.slice(0, stored === null ? 0 : state.seq).map((e) => e.value);
    run.pending = pending;
    if (row.ended === 'forked') run.alarm = 'fork';
    run.life = heads?.life ?? row.incarnation;
    for (const [device, time] of heads?.verified ?? []) run.verified.set(device, time);
    if (heads !== null) {
      run.cursor = heads.cursor;
      run.lockboxes = heads.lockboxes;
      run.suspect = heads.suspect;
      for (const [epoch, isPassedBy] of heads.junk ?? []) {
        run.junk.add(epoch);
        if (isPassedBy) run.passedBy.add(epoch);
      }
      if (heads.junk === undefined) run.unnotedUpTo = state.seq;
      for (const [device, place] of heads.heads) run.heads.set(device, place);
      for (const [device, way] of heads.ways ?? []) run.ways.set(device, way);
      if (heads.again !== undefined) {
        run.odd.add(ODD_BEFORE);
        run.readAgainAt = heads.again.at;
        run.readAgainWait = heads.again.wait;
      }
      const held = await Promise.all(heads.held.map((seq) => read<InboxRow>(store, 'inbox', keyOf.envelope(ref, seq))));
      for (const row of held) if (row?.state === 'held' && (row.n > (run.heads.get(row.device)?.n ?? 0) || (rowByDevice(state, row.device)?.end?.cut.n ?? 0) > (run.heads.get(row.device)?.n ?? 0))) run.hold(row);
    }
    for (const { value } of seenParts) {
      run.seenParts.set(`${value.device} ${value.n}`, value);
      for (const post of value.posts) run.seenPosts.add(post);
    }
    run.outbox = outbox.map((r) => ({ ...r.value, key: r.key }));
    run.made = run.outbox.reduce((most, o) => Math.max(most, o.made), 0);
    run.sealed = sealed;
    run.draft = draft ?? run.draft;
    for (const { value } of invites) {
      run.ownLinks.set(value.invite, value.link);
      if (value.card !== null) run.cards.set(value.invite, value.card);
    }
    run.refreshShown();
    if (heads?.ahead === true) keptAhead(run, await read<AheadRow>(store, 'inbox', keyOf.ahead(ref)));
    return run;
  }

  get feed(): Feed {
    return this.feedRows.feed;
  }
  /** The roster went on to a version that this app does not know: from there on nothing of the group is read or sent here (PROTOCOL §9.3). */
  get isOutdated(): boolean {
    return this.state.version > this.around.knows;
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
  /** What a permit that is asked for lacks; null where the group was begun, or nobody asked yet. */
  get permitWanted(): PermitRefusal | null {
    return this.stored || this.row.ended !== null ? null : this.needsPermit;
  }
  /** Whoever answers is not the group's relay, or shows less than was seen: nothing is sent there (P19). */
  get isHalted(): boolean {
    return this.alarm === 'rollback' || this.alarm === 'stranger';
  }
  /** Nothing is said to whoever answers: it is halted, or its relay signed two histories (R13). */
  get isSilent(): boolean {
    return this.alarm === 'fork' || this.isHalted;
  }
  /** Where this device says what it says now. */
  get saysAt(): SaidAt {
    return { device: this.ownRow?.device ?? 0, epoch: currentEpoch(this.state).seq };
  }
  /** A fresh id for a record. */
  newId(): string {
    return newId(this.saysAt, this.around.random);
  }
  /** A fresh place in the outbox, after everything that waits there; a counter, since a time would lie open on the disk. */
  nextMade(): number {
    return ++this.made;
  }
  blobKey(blob: string): string {
    return keyOf.blob(this.ref, this.localName(unbase64url(blob) as Bytes));
  }
  inviteKey(invite: Bytes): string {
    return keyOf.invite(this.ref, this.localName(invite));
  }
  /** What this device calls something that the relay knows (a blob, an invite, a member) in keys of its own. */
  localName(what: Bytes): string {
    return localName(this.row, what);
  }
  /** Whether a post stood beyond the cut-off of a log that ended (R9). */
  isWithdrawn(device: number, n: number): boolean {
    const end = rowByDevice(this.state, device)?.end ?? null;
    return end !== null && (n > end.cut.n || (this.heads.get(device) ?? LOG_START).n === 0);
  }

  hold(row: InboxRow): void {
    const list = this.held.get(row.device) ?? [];
    this.held.set(row.device, list);
    const last = list.at(-1);
    // nearly always it stands behind all others
    if (last === undefined || row.n > last.n) return void list.push(row);
    if (!list.some((h) => h.seq === row.seq)) list.push(row);
    list.sort((a, b) => a.n - b.n || a.seq - b.seq);
  }
  get heldSeqs(): number[] {
    return [...this.held.values()].flat().filter((h) => h.loose === undefined).map((h) => h.seq);
  }
  headsRow(): Change {
    const again = this.odd.size > 0 && this.readAgainAt > -Infinity ? { again: { at: this.readAgainAt, wait: this.readAgainWait } } : {};
    const row: HeadsRow = { cursor: this.cursor, heads: [...this.heads], held: this.heldSeqs, lockboxes: this.lockboxes, suspect: this.suspect, life: this.life, verified: [...this.verified], junk: [...this.junk].map((epoch) => [epoch, this.passedBy.has(epoch)]), ways: [...this.ways], ...(this.ahead === null ? {} : { ahead: true }), ...again };
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
    // newer than what is still to be kept
    const now = new Set(changes.map((c) => `${c.table} ${c.key}`));
    this.unkept = this.unkept.filter((c) => !now.has(`${c.table} ${c.key}`));
    this.around.full(false);
  }

  /**
   * The same for what came from the relay and can come again: in small parts, the last of which holds the cursor. A full disk stops only
   * the keeping: it goes on where it stopped, so that a cursor never gets ahead of the rows it counts.
   */
  commitOrCarryOn(changes: readonly Change[]): Promise<void> {
    this.unkept.push(...changes);
    return this.keeping.take(async () => {
      try {
        while (this.unkept.length > 0) {
          const part = this.unkept.slice(0, PART);
          await this.around.store.commit(part);
          this.unkept = this.unkept.filter((c) => !part.includes(c));
        }
        this.around.full(false);
      } catch (e) {
        if (!(e instanceof StoreError) || e.fault !== 'full') throw e;
        this.around.full(true);
      }
    });
  }

  /** Notes something that an honest relay and honest members do not show; a second time it is no news. */
  noteOdd(what: string): void {
    if (this.odd.has(what)) return;
    if (this.odd.size >= ODD_MOST) this.odd.clear();
    this.odd.add(what);
    this.suspect = true;
  }

  /** Anything that is shown of it may be different now. */
  changed(): void {
    this.around.changed(this.ref, 'group', null);
    this.around.changed(this.ref, 'feed', null);
  }
  refreshShown(): void {
    this.shown = shownOf(this);
  }

  /** Writes the derived rows soon; what a crash loses is made again from the inbox. */
  flushSoon(): void {
    this.flushing ??= this.around.later(400, () => void this.turns.take(() => this.flush()).catch((e: unknown) => this.around.failed(e)));
  }
  /** The group is being forgotten: nothing that waits to be written may come after. */
  stopWriting(): void {
    this.flushing?.();
    this.flushing = () => undefined;
  }
  async flush(): Promise<void> {
    this.flushing?.();
    this.flushing = null;
    await this.feedRows.flush();
  }

  photo(id: string): PhotoRecord | null {
    const here = (p: readonly PhotoRecord[]): PhotoRecord | undefined => p.find((x) => x.full.b === id);
    for (const p of postsShown(this)) {
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
