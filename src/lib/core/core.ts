/** The core: everything that needs keys. Commands come in, views go out; it runs in one worker and ends with it. */
import type { GroupId } from '$crypto/brand';
import { base64url, equal, hex } from '$crypto/bytes';
import type { FromRelay } from '$crypto/frames';
import type { Argon } from '$crypto/passphrase';
import type { Random } from '$crypto/sodium';
import { openStore, openStoreAndSee, type Seen } from '../store/sealed';
import type { Disk } from '../store/disk';
import { type Change, type Store, StoreError, type StoreFault } from '../store/store';
import { Link } from '../sync/link';
import type { Clock, Dial, Later } from '../sync/ports';
import { type Passkey, passkeys } from '../vault/passkey';
import { type DraftVault, draftVault, keepVault, vaultState, type VaultParts } from '../vault/vault';
import { Adoptions } from './adopt';
import { Arrivals } from './arrivals';
import type { BlobCarrier } from './blobs';
import { changeRoster, planRelayKey } from './change';
import { commands } from './commands';
import { groupOf } from './carried-note';
import { Readings } from './carried-read';
import { resumeCarrying } from './carrying';
import { Credentials } from './credentials';
import type { Handlers } from './commands-kit';
import { type Around, GroupRun } from './group-run';
import { type GroupRow, keyOf, put, putBytes, readAllSeen, readSeen } from './group-rows';
import { deviceViews, type KnownRow, knownKey, newPerson, type OwnedRow, ownedRows, personKey, type PersonRow, putPerson, sayDevice } from './devices';
import { goOnLeaving, type Mark, readLeaving, readMark, wipe } from './ending';
import { Organisations } from './organisations';
import { recognise, sayPerson, Verified } from './people';
import { Bell } from './bell';
import { HeldPermit } from './permit';
import { PersonalVault } from './personal';
import { Revocations, wasRevoked } from './revoke';
import { Shares } from './shares';
import { lacksSomething, summary } from './group-view';
import { JoinRun, type JoinRow } from './join';
import type { OfferedGroup } from './link-words';
import { Linking } from './linking';
import { GROUP_VERSION } from '$crypto/roster/rules';
import { encodeState } from '$crypto/roster/state';
import { pack } from './pack';
import { catchUpFeed } from './project';
import type { AppView, CommandName, DeviceView, Down, Fault, HomeView, JoinId, Outcome, Profile, RecoveryView, Up } from './port';
import { waitsForKey } from './judge';
import { pump, wakeAfterHold } from './send';
import { beginSession, catchUp, endSession, takeFrame } from './session';
import { ViewBoard } from './views';
import { noteDisk, waitingOver } from './waiting';
import { noteLateKeys } from './wants';

export interface CorePorts {
  readonly disk: Disk;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly later: Later;
  readonly random: Random;
  /** The newest version of groups that this app knows; its own unless given. */
  readonly knows?: number;
  /** Host and port of the relay, as dialled. */
  readonly host: string;
  /** Where links lead: scheme, host and port of the app. */
  readonly origin: string;
  readonly blobs: BlobCarrier;
  readonly estimate: () => Promise<{ used: number; quota: number }>;
  readonly argon?: Argon;
  /** A fault of our own, for a developer; never shown, never sent. */
  readonly report: (e: unknown) => void;
}

/** After a fault of ours a group is tried again, each time in a row twice as late. */
const RETRY = 5_000;
const RETRY_MOST = 60_000;
const SETTLE_AGAIN = 20_000;

const FAULTS: Record<StoreFault, Fault> = { full: 'storage-full', lost: 'storage-lost', damaged: 'storage-damaged', fenced: 'not-writer' };
export const faultOf = (e: unknown): Fault => (e instanceof StoreError ? FAULTS[e.fault] : 'internal');

export class Core {
  phase: AppView['phase'] = 'starting';
  store: Store | null = null;
  profile: Profile = { name: '', role: 'family', lockAfter: 15 };
  persisted: boolean | null = null;
  readonly groups = new Map<string, GroupRun>();
  readonly joins = new Map<JoinId, JoinRun>();
  readonly link: Link;
  readonly views: ViewBoard;
  readonly personal: PersonalVault;
  readonly revocations: Revocations;
  readonly adoptions: Adoptions;
  readonly linking: Linking;
  readonly verified = new Verified(() => this.needStore());
  readonly organisations = new Organisations(() => this.needStore());
  readonly credentials = new Credentials(this);
  readonly bell = new Bell(() => this.needStore(), () => this.views.touch('app', null));
  readonly permit = new HeldPermit(() => this.needStore(), () => this.views.touch('app', null));
  readonly shares: Shares;
  readonly arrivals: Arrivals;
  readonly readings = new Readings(this);
  /** What this person's devices share; null while nothing is open. */
  person: PersonRow | null = null;
  known: KnownRow[] = [];
  /** When this device ended; null while it has not. */
  out: Mark | null = null;
  private leaving: ReturnType<typeof readLeaving> = null;
  private fault: Fault = 'internal';
  private isFull = false;
  private lastSynced: number | null = null;
  private estimate = { used: 0, quota: 0 };
  private readonly handlers: Handlers;

  constructor(readonly ports: CorePorts, private readonly up: (u: Up) => void) {
    this.link = new Link(ports, {
      up: () => this.linkUp(),
      down: () => this.linkDown(),
      frame: (f) => this.dispatch(f),
      changed: () => this.views.touch('app', null)
    });
    this.views = new ViewBoard(this, up);
    this.personal = new PersonalVault({ link: this.link, host: ports.host, random: ports.random, store: () => this.needStore(), profile: () => this.profile, seed: () => this.person?.seed ?? null, credentials: () => this.credentials.said });
    this.revocations = new Revocations(() => this.needStore(), () => this.newRef());
    this.adoptions = new Adoptions(() => this.needStore(), ports.clock, (row) => this.known.push(row));
    this.linking = new Linking(this);
    this.shares = new Shares(this);
    this.arrivals = new Arrivals(this);
    this.handlers = commands(this);
  }

  get vault(): VaultParts {
    const { disk, random, clock, argon } = this.ports;
    return { disk, random, now: clock, ...(argon === undefined ? {} : { argon }) };
  }

  async start(): Promise<void> {
    try {
      await this.showVault();
    } catch (e) {
      this.failed(e);
    }
  }
  /** Before anything is unlocked. */
  async showVault(): Promise<void> {
    const [s, keys] = await Promise.all([vaultState(this.vault), passkeys(this.vault)]);
    this.locked = s.is === 'made' ? { retryAt: s.retryAt, wrongTries: s.wrongTries } : { retryAt: null, wrongTries: 0 };
    this.passkeys = keys;
    if (s.is === 'damaged') return this.fail('storage-damaged');
    this.out = s.is === 'none' ? readMark(await this.ports.disk.mark()) : null;
    this.to(this.out !== null ? 'signed-out' : s.is === 'none' ? 'new' : 'locked');
  }
  private locked: { retryAt: number | null; wrongTries: number } = { retryAt: null, wrongTries: 0 };
  private passkeys: readonly Passkey[] = [];

  /** A vault under a passphrase, written nowhere yet. */
  async draft(passphrase: string): Promise<Outcome<DraftVault>> {
    const draft = await draftVault(this.vault, passphrase);
    return draft.ok ? draft : { ok: false, fault: draft.fault === 'exists' ? 'not-allowed' : draft.fault };
  }
  /**
   * Makes this device somebody's: its first rows, then the header that opens them. A device that loses its power in between is as bare as
   * before, and what is left of the rows goes when it is made again.
   */
  async make(draft: DraftVault, profile: Profile, person: PersonRow, rows: readonly Change[] = []): Promise<Fault | null> {
    const { disk, random } = this.ports;
    if (!(await disk.wipe(null, null))) return 'not-allowed';
    const store = await openStore({ disk, vaultKey: draft.key, random });
    await store.commit([put('meta', 'profile', { ...profile, persisted: this.persisted }), putPerson(person), ...rows]);
    if (!(await keepVault({ disk }, draft))) return 'not-allowed';
    await this.open(draft.key);
    return null;
  }

  /** The vault is open: read everything, then go online. */
  async open(vaultKey: Parameters<typeof openStore>[0]['vaultKey']): Promise<void> {
    const { store, seen, cache } = await openStoreAndSee({ disk: this.ports.disk, vaultKey, random: this.ports.random }, 'meta', 'group', 'join');
    const [meta, groups, joins] = seen as [Seen, Seen, Seen];
    this.store = store;
    const [runs] = await Promise.all([
      Promise.all(readAllSeen<GroupRow>(groups, '').map(({ key, value }) => GroupRun.open(key, value, this.around()))),
      // while the disk looks for what the groups asked of it
      Promise.resolve().then(() => this.remember(meta)),
      cache
    ]);
    for (const run of runs) this.groups.set(run.ref, run);
    // cut short the last time, or never shown: whoever unlocks this device again finds nothing
    if (runs.some(wasRevoked)) return wipe(this, 'revoked');
    for (const run of runs) await catchUpFeed(run);
    await this.readings.resume(meta);
    await resumeCarrying(this, meta);
    for (const { key, value } of readAllSeen<JoinRow>(joins, '')) this.addJoin(key, value);
    this.to('open');
    this.views.touch('home', null);
    this.linking.load(meta);
    // a hold that was cut short by closing the app ends in time, network or not
    for (const run of runs) wakeAfterHold(run);
    for (const run of runs) noteLateKeys(run);
    this.link.start();
    void this.measure();
  }
  /** What is kept beside the groups. */
  private get beside(): readonly { load(meta: Seen): void; forget(): void }[] {
    return [this.personal, this.revocations, this.adoptions, this.verified, this.organisations, this.credentials, this.shares, this.arrivals, this.bell, this.permit];
  }
  /** What is of no group. */
  private async remember(meta: Seen): Promise<void> {
    const kept = readSeen<Profile & { persisted?: boolean | null }>(meta, 'profile');
    if (kept !== null) this.profile = { name: kept.name, role: kept.role, lockAfter: kept.lockAfter };
    this.persisted = kept?.persisted ?? null;
    this.known = readAllSeen<KnownRow>(meta, knownKey('')).map((k) => k.value);
    this.leaving = readLeaving(meta);
    for (const what of this.beside) what.load(meta);
    const person = readSeen<PersonRow>(meta, personKey);
    this.person = person ?? newPerson(this.ports.random);
    if (person === null) await this.needStore().commit([putPerson(this.person)]);
  }
  async saveProfile(profile: Profile): Promise<void> {
    await this.needStore().commit([put('meta', 'profile', { ...profile, persisted: this.persisted })]);
    this.profile = profile;
  }
  async readPasskeys(): Promise<void> {
    this.passkeys = await passkeys(this.vault);
    this.views.touch('app', null);
  }
  needStore(): Store {
    if (this.store === null) throw new StoreError('lost');
    return this.store;
  }

  around(): Around {
    const { clock, later, random, host, blobs, knows = GROUP_VERSION } = this.ports;
    return {
      knows,
      store: this.needStore(), link: this.link, clock, later, random, host, blobs, permit: this.permit,
      profile: () => this.profile,
      changed: (ref, what, ids) => {
        this.views.touch('home', null);
        this.views.touch('app', null);
        if (what === 'group') this.groupChanged(ref);
        else this.views.touchFeed(ref, ids);
      },
      full: (yes) => {
        if (this.isFull !== yes) this.views.touch('app', null);
        this.isFull = yes;
      },
      failed: (e) => this.failed(e),
      turn: (run, what) => this.inGroupTurn(run, what),
      recognise: (run, member, name) => recognise(run, member, name, this.verified, this.groups.values()),
      vouched: (run, member) => this.credentials.of(run, member),
      group: (ref) => this.groups.get(ref) ?? null,
      history: (note) => groupOf(this.groups.values(), note)
    };
  }

  private groupChanged(ref: string): void {
    this.views.touch('group', ref);
    this.views.touch('devices', null);
    const run = this.groups.get(ref);
    if (run?.row.ended === 'gone' && wasRevoked(run)) void wipe(this, 'revoked').catch((e: unknown) => this.failed(e));
  }
  /** A linking that broke off before this device asked for anything: as bare as before. */
  async bare(): Promise<void> {
    this.link.stop();
    const store = this.needStore();
    this.forget();
    await store.wipe(pack(null));
    await this.showVault();
  }
  /** Nothing of the person stays in memory. */
  forget(): void {
    this.groups.clear();
    this.joins.clear();
    for (const what of [...this.beside, this.linking]) what.forget();
    this.person = null;
    this.known = [];
    this.profile = { name: '', role: 'family', lockAfter: 15 };
    this.passkeys = [];
    this.store = null;
  }

  addJoin(id: JoinId, row: JoinRow): JoinRun {
    const join = new JoinRun(id, row, this.around(), {
      changed: () => {
        this.views.touch('join', id);
        this.views.touch('home', null);
        this.giveLineOn(join);
      },
      save: (r) => this.needStore().commit([put('join', id, r)]),
      admitted: async (group, entries, state) => {
        const ref = this.newRef();
        const rows = entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e));
        for (let i = 0; i < rows.length; i += 100) await this.needStore().commit(rows.slice(i, i + 100));
        await this.needStore().commit([
          putBytes('roster', keyOf.state(ref), encodeState(state)), put('group', ref, group), { table: 'join', key: id, value: null }
        ]);
        const run = await GroupRun.open(ref, group, this.around());
        this.groups.set(ref, run);
        this.begin(run);
        return ref;
      }
    });
    this.joins.set(id, join);
    return join;
  }
  newRef(): string {
    return base64url(this.ports.random(12));
  }

  // -------------------------------------------------------------------------------------------------------- relay

  private linkUp(): void {
    for (const run of this.groups.values()) this.begin(run);
    for (const join of this.joins.values()) if (this.isNewest(join)) this.inTurn(join, () => join.begin());
    void this.personal.linkUp().catch((e: unknown) => this.failed(e));
    if (!this.arrivals.isEmpty) void this.arrivals.bring().catch((e: unknown) => this.failed(e));
    if (this.leaving !== null) void this.goOnLeaving(this.leaving).catch((e: unknown) => this.failed(e));
  }
  /** Signing out had begun: once every group is up to date it goes on. */
  private async goOnLeaving(begun: NonNullable<Core['leaving']>): Promise<void> {
    await Promise.all([...this.groups.values()].map((g) => g.turns.take(() => Promise.resolve())));
    if (!(await goOnLeaving(this, begun))) this.leaving = null;
  }
  /** One connection opens one invite of a group: the newest that is still open, unless one is to be taken back. */
  private isNewest(join: JoinRun): boolean {
    const of = [...this.joins.values()].filter((j) => !j.isSettled && equal(j.groupId, join.groupId));
    return (of.findLast((j) => j.wantsLine) ?? of.at(-1)) === join;
  }
  /** Nothing more comes of an invite that has the connection: another one of the group, which it kept out, gets the next. */
  private giveLineOn(join: JoinRun): void {
    if (!join.live || !join.isSettled || join.done) return;
    join.live = false;
    if ([...this.joins.values()].some((j) => !j.isSettled && equal(j.groupId, join.groupId))) this.link.again();
  }
  private linkDown(): void {
    this.personal.down();
    for (const run of this.groups.values()) {
      endSession(run);
      this.views.touch('group', run.ref);
    }
    for (const join of this.joins.values()) join.live = false;
  }
  private dispatch(f: FromRelay): void {
    if (!('group' in f)) return;
    const id = hex(f.group);
    for (const run of this.groups.values()) if (hex(run.row.id) === id) this.inGroupTurn(run, async () => {
      await takeFrame(run, f);
      // the last of what is taken along may be there now
      if (f.is === 'acks') void run.carrying?.go().catch((e: unknown) => this.failed(e));
      if (f.is === 'entries' || (f.is === 'page' && (this.shares.isDue(run) || this.credentials.isDue(run)))) await this.settle(run);
    });
    for (const join of this.joins.values()) if (hex(join.groupId) === id) this.inTurn(join, () => join.takeFrame(f));
  }
  /** Opens a group's session, and sees to it that the recovery phrase covers it. */
  begin(run: GroupRun): void {
    this.inGroupTurn(run, async () => {
      await beginSession(run);
      await this.settle(run);
    });
  }
  /** The same, with another permit, for a group that the relay has not begun. */
  beginUnsent(run: GroupRun): Promise<void> {
    return run.turns.take(async () => {
      if (run.stored || run.session !== 'none') return;
      await beginSession(run);
      await this.settle(run);
    }).catch((e: unknown) => this.failed(e));
  }
  /** What this device owes the group beside words: a recovery row, the end of a lost device, its own name. Inside the group's turn. */
  async settle(run: GroupRun): Promise<void> {
    if (run.session !== 'live' || !run.synced || run.isOutdated || run.row.ended !== null) return;
    const { hello } = this.link;
    if (hello !== null && run.state.owner === run.me && run.row.relayPk !== null && !equal(hello.relayPk, run.row.relayPk)) await changeRoster(run, planRelayKey(hello.relayPk));
    await this.personal.cover(run);
    await this.bell.settle(run);
    const lost = this.person === null ? [] : ownedRows([run], this.person, this.known).filter((r) => !r.me && r.row.end === null && this.revocations.isLost(r.device));
    const isSettled = [await this.revocations.settle(run, lost.map((r) => r.row.logPk)), await this.adoptions.settle(run)];
    if (isSettled.includes(false)) this.settleLater(run, SETTLE_AGAIN);
    if (this.person === null) return;
    await sayDevice(run, this.person);
    await sayPerson(run, this.person);
    await this.credentials.settle(run);
    void run.carrying?.go().catch((e: unknown) => this.failed(e));
    await this.shares.settle(run);
    await pump(run);
  }
  /** What organisations vouch for, or whom this device believes, is to be shown anew. */
  vouchingChanged(): void {
    this.views.touch('organisations', null);
    for (const ref of this.groups.keys()) this.views.touch('group', ref);
  }
  /** Whether a group is here; one that was brought along for reading is not. */
  isHere(id: GroupId): boolean {
    return [...this.groups.values()].some((g) => g.row.carried === undefined && equal(g.row.id, id));
  }
  /** Whether an offered group is here, or on its way. */
  hasGroup(g: OfferedGroup): boolean {
    return this.isHere(g.id) || this.arrivals.has(g);
  }
  settleLater(run: GroupRun, ms: number): void {
    this.ports.later(ms, () => this.out === null && this.groups.get(run.ref) === run && this.inGroupTurn(run, () => this.settle(run)));
  }
  inTurn(who: { turns: GroupRun['turns'] }, what: () => Promise<void>): void {
    who.turns.take(what).then(() => this.noteSynced(), (e: unknown) => this.failed(e));
  }
  inGroupTurn(run: GroupRun, what: () => Promise<void>): void {
    this.inTurn(run, async () => {
      try {
        await what();
        if (!run.synced) return;
        run.failures = 0;
        noteDisk(run, false);
      } catch (e) {
        run.synced = false;
        if (faultOf(e) === 'storage-full') noteDisk(run, true);
        this.retry(run);
        throw e;
      }
    });
  }
  /** The group's own part of a turn failed on a fault of ours, or the disk is full: begin its session again, later, until it goes well. */
  private retry(run: GroupRun): void {
    this.ports.later(Math.min(RETRY_MOST, RETRY * 2 ** run.failures++), () => {
      if (this.link.state !== 'online' || run.synced || this.groups.get(run.ref) !== run) return;
      this.inGroupTurn(run, () => (run.session === 'live' ? catchUp(run) : beginSession(run)));
    });
  }
  private noteSynced(): void {
    if (this.link.state !== 'online') return;
    if (this.arrivals.count === 0 && [...this.groups.values()].every((g) => (g.synced && !lacksSomething(g) && waitsForKey(g) === null) || g.row.ended !== null || g.permitWanted !== null)) this.lastSynced = this.ports.clock();
    this.views.touch('app', null);
  }

  // -------------------------------------------------------------------------------------------------------- views

  appView(): AppView {
    switch (this.phase) {
      case 'locked':
        return { phase: 'locked', name: null, ...this.locked, passkeys: this.passkeys };
      case 'failed':
        return { phase: 'failed', fault: this.fault };
      case 'signed-out':
        return { phase: 'signed-out', ...(this.out ?? { why: 'signed-out', at: 0 }) };
      case 'open': {
        const { state, since } = this.link;
        return {
          phase: 'open', profile: this.profile,
          connection: {
            state: state === 'online' ? 'online' : state === 'connecting' ? 'connecting' : 'offline', since,
            ...waitingOver([...this.groups.values()]),
            unbegun: [...this.groups.values()].filter((g) => g.permitWanted !== null).length, lacking: [...this.groups.values()].filter(lacksSomething).length,
            reading: this.arrivals.count + [...this.groups.values()].filter((g) => !g.synced && g.row.ended === null && g.permitWanted === null && !lacksSomething(g)).length, lastSynced: this.lastSynced
          },
          storage: { ...this.estimate, persisted: this.persisted, full: this.isFull },
          passkeys: this.passkeys,
          recovery: this.recovery(),
          bell: this.bell.view(this.groups.values()),
          permit: this.permit.view,
          named: (this.person?.name ?? '') !== ''
        };
      }
      default:
        return { phase: this.phase } as AppView;
    }
  }
  private recovery(): RecoveryView {
    const groups = [...this.groups.values()].filter((g) => g.row.ended === null);
    return { set: this.personal.set, covered: groups.filter((g) => this.personal.covers(g)).length, of: groups.length, foreign: groups.filter((g) => this.personal.isForeign(g)).length, ...(this.personal.isHalf && { half: true }) };
  }
  /** Every row of this person's that this device knows of. */
  ownedRows(): OwnedRow[] {
    return this.person === null ? [] : ownedRows(this.groups.values(), this.person, this.known);
  }
  devicesView(): { devices: DeviceView[] } {
    return { devices: this.person === null ? [] : deviceViews(this.ownedRows(), this.person, this.revocations.pending) };
  }
  homeView(): HomeView {
    const groups = [...this.groups.values()].map((g) => ({ ...summary(g), made: g.row.made })).sort((a, b) => (b.last?.at ?? b.made) - (a.last?.at ?? a.made));
    return {
      groups: groups.map(({ made: _, ...g }) => g),
      joins: [...this.joins.values()].filter((j) => !j.done).map((j) => j.view()),
      letIn: [...this.joins.values()].flatMap((j) => j.view().group ?? []),
      arriving: this.arrivals.count,
      unread: groups.reduce((sum, g) => sum + g.unread, 0)
    };
  }
  to(phase: AppView['phase']): void {
    this.phase = phase;
    this.views.touch('app', null);
  }
  fail(fault: Fault): void {
    this.fault = fault;
    this.link.stop();
    this.to('failed');
  }
  /** Something went wrong where nobody waits for an answer. */
  failed(e: unknown): void {
    // what was still under way when everything was wiped
    if (this.out !== null) return;
    const fault = faultOf(e);
    if (fault === 'not-writer') {
      this.link.stop();
      this.to('elsewhere');
    } else if (fault === 'storage-full') {
      this.isFull = true;
      this.views.touch('app', null);
    } else if (fault === 'storage-lost' || fault === 'storage-damaged') this.fail(fault);
    else this.ports.report(e);
  }
  async measure(): Promise<void> {
    this.estimate = await this.ports.estimate();
    this.views.touch('app', null);
  }

  // ----------------------------------------------------------------------------------------------------- commands

  take(d: Down): void {
    if (d.is === 'watch') return this.views.watch(d.name, d.key);
    if (d.is === 'unwatch') return this.views.unwatch(d.name, d.key);
    void this.run(d.name, d.input).then((outcome) => this.up({ is: 'outcome', id: d.id, outcome }));
  }
  private async run(name: CommandName, input: unknown): Promise<Outcome<unknown>> {
    const beforeOpen: readonly CommandName[] = ['set-up', 'restore', 'unlock', 'unlock-passkey', 'lock', 'take-over', 'wake', 'start-over', 'begin-link', 'cancel-link'];
    if (this.phase !== 'open' && !beforeOpen.includes(name)) return { ok: false, fault: this.phase === 'elsewhere' ? 'not-writer' : 'locked' };
    try {
      return await (this.handlers[name] as (i: unknown) => Promise<Outcome<unknown>>)(input);
    } catch (e) {
      const fault = faultOf(e);
      if (fault !== 'internal') this.failed(e);
      else this.ports.report(e);
      return { ok: false, fault };
    }
  }
}
