/** Joining with a link (PROTOCOL §13): fetch the card, ask, wait for the owner, and become a member when the receipted roster says so. */
import type { Bytes, GroupId, LogPk, MemberTag } from '$crypto/brand';
import { equal, hex, toText } from '$crypto/bytes';
import { sealDisplay } from '$crypto/display';
import { newEpochKeys } from '$crypto/epoch';
import type { FromRelay, ReceiptedEntry } from '$crypto/frames';
import { inviteKeys, type InviteKeys, type InviteLink, decodeLink, openAnswer, openCard, REQUEST_READERS, type RequestReader, sealRequest } from '$crypto/invite-secret';
import { LABEL } from '$crypto/labels';
import { joinNumber } from '$crypto/passphrase';
import { claimBody, type NewRow, signEntry } from '$crypto/roster/entry';
import { chainHead, liveRows, mindersOf, type RosterState, rowsOf } from '$crypto/roster/state';
import { sign } from '$crypto/verify';
import * as v from 'valibot';
import { asLine } from '../group/name';
import { boxParts, displayBytes, makeRotation } from './change';
import type { Around } from './group-run';
import { deviceKeys, type EntryRow, type GroupRow } from './group-rows';
import type { Fault, JoinId, JoinView } from './port';
import { proveKey } from './prove';
import { foldMore } from './receipted';
import { Turns } from './turns';

/** An invite that can't be used any more. */
type Over = 'used' | 'revoked' | 'expired';
const isUnusable = (state: JoinView['state']): state is Over => state === 'used' || state === 'revoked' || state === 'expired';

/** Table `join`, key id. */
export interface JoinRow {
  readonly fragment: string;
  readonly logSeed: Bytes;
  readonly kemSeed: Bytes;
  readonly tag: MemberTag;
  readonly request: Bytes;
  /** Seals the answer to this request. */
  readonly answerKey: Bytes;
  asked: boolean;
  refused: boolean;
  /** What it had come to when it was last looked at, for a start without the connection. */
  over?: Over | null;
  card: JoinView['card'];
  number: string | null;
}

const role = v.picklist(['clinician', 'patient', 'family']);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const line = v.pipe(v.string(), v.maxLength(200), v.transform(asLine));
const cardShape = v.object({
  inviter: line, inviterRole: role, kind: v.picklist(['team', 'across', 'family', 'one-to-one']),
  inside: v.object({ clinician: count, patient: count, family: count }), relationship: line,
  history: v.picklist(['start', 'today']), expires: count, open: v.optional(v.boolean())
});
/** What a card says (PROTOCOL §13.2); null when it says nothing that makes sense. */
export const parseCard = (plain: Bytes): v.InferOutput<typeof cardShape> | null => json(cardShape, plain);
const answerShape = v.object({ refused: v.literal(true) });

export interface JoinEvents {
  changed(): void;
  save(row: JoinRow): Promise<void>;
  /** The roster lists our row: everything the group starts with here. */
  admitted(row: GroupRow, entries: readonly EntryRow[], state: RosterState): Promise<string>;
}

const RETRY = 5_000;
/** How often it is planned anew when somebody else was quicker. */
const TRIES = 6;
const CROWDED_RETRY = 20_000;
/** For so long an older invite that is to be taken back has the connection. */
const LINE = 60_000;

export class JoinRun {
  readonly turns = new Turns();
  readonly link: InviteLink;
  private readonly keys: InviteKeys;
  private state: RosterState | null = null;
  private entries: readonly EntryRow[] = [];
  private phase: JoinView['state'];
  private group: string | null = null;
  live = false;
  /** It is to be taken back, for which it needs the connection before a newer one. */
  wantsLine = false;
  private isOver = false;
  private retrying = false;

  constructor(readonly id: JoinId, readonly row: JoinRow, private readonly around: Around, private readonly events: JoinEvents) {
    const l = decodeLink(row.fragment);
    if (!l.ok) throw new Error('a join was kept with a bad link');
    this.link = l.value;
    this.keys = inviteKeys(l.value.group, l.value.secret);
    this.phase = row.refused ? 'refused' : row.asked ? 'waiting' : 'offline';
    if (l.value.host !== around.host) this.phase = 'other-relay';
  }

  get groupId(): GroupId {
    return this.link.group;
  }
  /** Nothing more can come of it. */
  get isSettled(): boolean {
    return this.phase === 'in' || this.phase === 'refused' || isUnusable(this.phase);
  }
  get done(): boolean {
    return this.phase === 'in';
  }
  view(): JoinView {
    // what it was stands until it is known anew
    const isOpen = this.phase === 'offline' || this.phase === 'opening' || this.phase === 'waiting';
    return { join: this.id, state: isOpen ? (this.row.over ?? this.phase) : this.phase, card: this.row.card, number: this.row.number, group: this.group };
  }

  /** After the link came up, or at the start. */
  async begin(): Promise<void> {
    this.live = false;
    const { link } = this.around;
    if (this.isSettled || this.link.host !== this.around.host) return;
    if (link.hello === null) return this.to(this.row.asked ? 'waiting' : 'offline');
    if (!link.speaksFor(this.link.relayPk)) return this.to('other-relay');
    if (this.phase !== 'crowded') this.to(this.row.asked ? 'waiting' : 'opening');
    const f = await proveKey(this.around, 'invite', this.groupId, { pk: this.keys.invite, sk: this.keys.sk });
    if (f?.is === 'destroyed') return this.to('unknown');
    if (f?.is === 'refused' && (f.why === 'unknown-group' || f.why === 'unknown-log')) return this.to('unknown');
    // another invite of this group was opened on this connection
    if (f?.is === 'refused' && f.why === 'bad-proof') return link.again();
    if (f?.is !== 'welcome') return this.again();
    this.live = true;
    await this.goOn();
  }
  /** What follows once the session stands. */
  private async goOn(): Promise<void> {
    const took = await this.fetchRoster();
    if (this.done) return;
    if (took === 'used' || took === 'revoked' || took === 'expired') return this.toFate(took);
    if (took === 'other') return this.to('other-relay');
    if (this.isOutdated) return this.to('outdated');
    if (took === 'short') return this.again();
    const fate = this.fate();
    if (fate !== null) return this.toFate(fate);
    await this.keepOver(null);
    if (this.row.card === null && !(await this.fetchCard())) return this.phase === 'opening' ? this.again() : undefined;
    if (!this.row.asked) return this.to('card');
    if (this.isOpen) return this.enter();
    await this.fetchAnswer();
    if (!this.row.refused) await this.leaveRequest();
  }

  /** Something did not come: shown as waiting for the network, and tried again. */
  private again(): void {
    this.to(this.row.asked ? 'waiting' : 'offline');
    this.retry(RETRY);
  }
  private retry(after: number): void {
    if (this.retrying || this.around.link.state !== 'online') return;
    this.retrying = true;
    this.around.later(after, () => {
      this.retrying = false;
      if (this.isOver || this.done) return;
      void this.turns.take(() => (this.live ? this.goOn() : this.begin())).catch((e: unknown) => this.around.failed(e));
    });
  }

  /** The group's roster went on to a version that this app cannot judge. */
  private get isOutdated(): boolean {
    return this.state !== null && this.state.version > this.around.knows;
  }

  /** What became of the invite, when it can't be used any more. */
  private fate(): Over | 'unknown' | null {
    const i = this.state?.invites.get(hex(this.keys.invite));
    if (i === undefined) return 'unknown';
    if (i.state === 'used') return 'used';
    if (i.state !== 'pending') return 'revoked';
    return this.around.clock() > i.expires && (this.state as RosterState).time > i.expires ? 'expired' : null;
  }

  /** `short`: less came than the link names. `other`: another history than the link names. Otherwise what became of the invite, says the relay. */
  private async fetchRoster(): Promise<'all' | 'short' | 'other' | ReturnType<typeof fateNamed>> {
    for (;;) {
      const before = this.entries.length;
      const f = await this.around.link.ask({ is: 'roster', group: this.groupId, after: before });
      if (f?.is === 'refused' && f.why === 'not-allowed' && f.detail.words !== '') return fateNamed(f.detail.words);
      if (f?.is !== 'entries') return 'short';
      const took = await this.takeEntries(f.items);
      if (took !== 'all' || this.isOutdated) return took;
      if (!f.more || this.done) break;
      if (this.entries.length === before) return 'short';
    }
    return this.entries.length < this.link.seq ? 'short' : 'all';
  }

  /** Folds receipted entries; becomes a member when one admits this device. */
  private async takeEntries(items: readonly ReceiptedEntry[]): Promise<'all' | 'short' | 'other'> {
    const { state, entries, took } = foldMore(this.groupId, { state: this.state, entries: this.entries }, items, this.around.knows, this.link);
    this.state = state;
    this.entries = entries;
    if (took !== 'all') return took;
    if (this.entries.length < this.link.seq) return 'all';
    const mine = this.state?.rows.get(hex(deviceKeys(this.row).logPk));
    if (mine === undefined || this.state === null) return 'all';
    const last = (this.entries[this.entries.length - 1] as EntryRow).receipt;
    const row: GroupRow = {
      id: this.groupId, logSeed: this.row.logSeed, kemSeed: this.row.kemSeed, tag: this.row.tag, made: this.around.clock(),
      relayPk: last.relayPk, incarnation: last.incarnation, unsent: null, ended: mine.end === null ? null : 'removed', coming: true
    };
    this.live = false;
    this.group = await this.events.admitted(row, this.entries, this.state);
    this.to('in');
    return 'all';
  }

  private async fetchCard(): Promise<boolean> {
    const f = await this.around.link.ask({ is: 'get-card', group: this.groupId });
    if (f?.is === 'refused') await this.toFate(f.why === 'not-allowed' ? fateNamed(f.detail.words) : 'unknown');
    if (f?.is !== 'card') return false;
    const opened = openCard(this.keys, this.groupId, f.card);
    const card = opened.ok ? parseCard(opened.value) : null;
    if (card === null) {
      this.to('bad-link');
      return false;
    }
    this.row.card = { ...card, open: this.isOpen };
    await this.events.save(this.row);
    return true;
  }

  /** “Ask to join”: leaves the request, or keeps it until there is a network. */
  async ask(): Promise<void> {
    if (this.isOutdated) return;
    const k = deviceKeys(this.row);
    // who comes in by itself has no number to compare
    if (!this.isOpen) this.row.number ??= await joinNumber(this.groupId, this.keys.invite, k.logPk, k.kemPk);
    this.row.asked = true;
    await this.events.save(this.row);
    if (this.live) await (this.isOpen ? this.enter() : this.leaveRequest());
    else this.to('waiting');
  }

  private async leaveRequest(): Promise<void> {
    const s = this.state;
    if (s === null) return;
    const f = await this.around.link.ask({ is: 'put-request', group: this.groupId, request: this.row.request, body: this.sealed(s) });
    if (f?.is !== 'refused') return this.to('waiting');
    if (f.why === 'not-allowed') return this.toFate(fateNamed(f.detail.words));
    if (f.why !== 'too-many') return this.again();
    // said at once: waiting here would be for nothing until one of those before is answered
    this.to('crowded');
    this.retry(CROWDED_RETRY);
  }

  private sealed(s: RosterState): Bytes {
    const k = deviceKeys(this.row);
    const row: NewRow = { member: this.row.tag, logPk: k.logPk as LogPk, kem: k.kemPk, ...this.claims() };
    const invite = s.invites.get(hex(this.keys.invite));
    const minders = invite === undefined ? [s.owner] : mindersOf(s, invite);
    const readers: RequestReader[] = minders.flatMap((t) => rowsOf(s, t)).slice(0, REQUEST_READERS).map((r) => ({ logPk: r.logPk, kem: r.kem }));
    const { name, role: as } = this.around.profile();
    return sealRequest(this.groupId, this.keys.invite, readers, { row, display: displayBytes({ name, role: as }), answerKey: this.row.answerKey }, this.around.random);
  }
  /** Whether the invite opens by itself: the roster's word, not the card's. */
  private get isOpen(): boolean {
    return this.state?.invites.get(hex(this.keys.invite))?.open === true;
  }
  /** Comes in by itself (PROTOCOL §13.6): an entry of this device's own, with keys for everyone who is there. */
  private async enter(): Promise<void> {
    const { link, random } = this.around;
    const k = deviceKeys(this.row);
    for (let i = 0; i < TRIES && this.state !== null; i++) {
      const at = { prev: chainHead(this.state), seq: this.state.seq + 1 };
      const row: NewRow = { member: this.row.tag, logPk: k.logPk, kem: k.kemPk, ...this.claims() };
      const keys = newEpochKeys(random);
      const { rotation, boxes } = makeRotation(at, [...liveRows(this.state), row], keys, random, () => []);
      const { name, role: as } = this.around.profile();
      const person = { name, role: as, relationship: this.row.card?.relationship ?? '' };
      const display = sealDisplay(keys.roster, { ...at, author: k.logPk }, displayBytes({ person }), random);
      const entry = signEntry({ ...at, author: k.logPk, body: { kind: 'join', invite: this.keys.invite, row, rotation, display } }, k.logSk);
      for (const part of boxParts(boxes)) link.tell({ is: 'boxes', group: this.groupId, seq: at.seq, boxes: part });
      const f = await link.ask({ is: 'enter', group: this.groupId, seq: at.seq, entry });
      // whether it landed, or another did, the receipted roster says
      if (f === null || (f.is === 'refused' && f.why !== 'behind' && f.why !== 'void')) return this.again();
      const took = await this.fetchRoster();
      if (this.done) return;
      if (took !== 'all') return this.again();
      const fate = this.fate();
      if (fate !== null) return this.toFate(fate);
    }
    this.again();
  }
  private claims(): Pick<NewRow, 'claim' | 'redeem'> {
    const k = deviceKeys(this.row);
    const body = claimBody(this.groupId, this.keys.invite, { member: this.row.tag, logPk: k.logPk as LogPk, kem: k.kemPk });
    return { claim: sign(LABEL.claim, body, k.logSk), redeem: sign(LABEL.redeem, body, this.keys.sk) };
  }

  private async fetchAnswer(): Promise<void> {
    const f = await this.around.link.ask({ is: 'get-answer', group: this.groupId, request: this.row.request });
    if (f?.is === 'answer') await this.takeAnswer(f.body);
  }
  private async takeAnswer(body: Bytes): Promise<void> {
    const opened = openAnswer(this.row.answerKey, this.groupId, this.row.request, body);
    if (!opened.ok || json(answerShape, opened.value) === null) return;
    this.row.refused = true;
    await this.events.save(this.row);
    this.to('refused');
  }

  async takeFrame(f: FromRelay): Promise<void> {
    if (!this.live || this.isOver) return;
    if (f.is === 'entries') {
      if (this.entries.length < this.link.seq) return;
      if ((await this.takeEntries(f.items)) !== 'all' && (await this.fetchRoster()) !== 'all') return this.again();
      const fate = this.done ? null : this.fate();
      if (fate !== null) await this.toFate(fate);
    } else if (f.is === 'destroyed') {
      this.live = false;
      this.to('unknown');
    } else if (f.is === 'answer' && equal(f.request, this.row.request)) await this.takeAnswer(f.body);
  }

  /**
   * Takes back what was asked, for certain: as long as somebody may still let this device in, its keys stay here, or the group would have a
   * member that nobody is. The request goes first, then the roster says whether it came too late; whoever is in by then is `done`.
   */
  async cancel(): Promise<Fault | null> {
    if (this.mayComeIn) {
      if (this.isOutdated) return 'outdated';
      const fault = this.live ? await this.takeBack() : this.askForLine();
      if (fault !== null) return fault;
    }
    this.isOver = true;
    return null;
  }
  private async takeBack(): Promise<Fault | null> {
    const f = await this.around.link.ask({ is: 'drop-request', group: this.groupId, request: this.row.request });
    if (f?.is !== 'done' && !(f?.is === 'refused' && f.why === 'not-found')) return 'needs-network';
    const took = await this.fetchRoster();
    if (this.isOutdated) return 'outdated';
    if (took !== 'short') return null;
    // not known: it stands as before, and is left anew
    this.again();
    return 'needs-network';
  }
  /** Another invite of the group has the connection: the next one is for this, so that it can be taken back. */
  private askForLine(): Fault {
    if (this.around.link.hello === null) return 'needs-network';
    this.wantsLine = true;
    this.around.later(LINE, () => {
      this.wantsLine = false;
      if (!this.isOver) this.around.link.again();
    });
    this.around.link.again();
    return 'unavailable';
  }
  /** It was asked, and nothing that is known keeps it from being let in. */
  get mayComeIn(): boolean {
    return this.row.asked && (['opening', 'card', 'waiting', 'crowded', 'offline', 'outdated'] as JoinView['state'][]).includes(this.phase);
  }

  private async toFate(fate: Over | 'unknown'): Promise<void> {
    this.to(fate);
    if (isUnusable(fate)) await this.keepOver(fate);
  }
  private async keepOver(over: Over | null): Promise<void> {
    if ((this.row.over ?? null) === over) return;
    this.row.over = over;
    await this.events.save(this.row);
  }
  private to(phase: JoinView['state']): void {
    this.phase = phase;
    this.events.changed();
  }
}

/** What the relay says an invite has come to. */
const fateNamed = (words: string): Over => (words === 'used' || words === 'expired' ? words : 'revoked');

function json<T extends v.GenericSchema>(shape: T, b: Bytes): v.InferOutput<T> | null {
  try {
    const parsed = v.safeParse(shape, JSON.parse(toText(b) ?? ''));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

/** What the random parts of a fresh join are made of. */
export const newJoinRow = (fragment: string, random: Around['random']): JoinRow => ({
  fragment, logSeed: random(32), kemSeed: random(32), tag: random(16) as MemberTag, request: random(16), answerKey: random(32),
  asked: false, refused: false, card: null, number: null
});
