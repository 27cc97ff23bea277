/** The core: everything that needs keys. Commands come in, views go out; it runs in one worker and ends with it. */
import { base64url, equal, hex } from '$crypto/bytes';
import type { FromRelay } from '$crypto/frames';
import type { Argon } from '$crypto/passphrase';
import { ready, type Random } from '$crypto/sodium';
import { openStore } from '../store/sealed';
import type { Disk } from '../store/disk';
import { type Store, StoreError, type StoreFault } from '../store/store';
import { Link } from '../sync/link';
import type { Clock, Dial, Later } from '../sync/ports';
import { type Passkey, passkeys } from '../vault/passkey';
import { vaultState, type VaultParts } from '../vault/vault';
import type { BlobCarrier } from './blobs';
import { commands } from './commands';
import type { Handlers } from './commands-kit';
import { type Around, GroupRun } from './group-run';
import { type GroupRow, keyOf, put, putBytes, read, readAll } from './group-rows';
import { PersonalVault } from './personal';
import { restoreGroup, restoreKey, type RestoreRow } from './restore';
import { summary } from './group-view';
import { JoinRun, type JoinRow } from './join';
import { encodeState } from '$crypto/roster/state';
import { catchUpFeed } from './project';
import type { AppView, CommandName, Down, Fault, HomeView, JoinId, Outcome, Profile, RecoveryView, Up } from './port';
import { wakeAfterHold } from './send';
import { beginSession, catchUp, endSession, takeFrame } from './session';
import type { VaultItem } from './vault-item';
import { ViewBoard } from './views';

export interface CorePorts {
  readonly disk: Disk;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly later: Later;
  readonly random: Random;
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

const RETRY = 5_000;

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
  private readonly restores = new Map<string, RestoreRow>();
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
    this.personal = new PersonalVault({ link: this.link, host: ports.host, random: ports.random, store: () => this.needStore(), profile: () => this.profile });
    this.handlers = commands(this);
  }

  get vault(): VaultParts {
    const { disk, random, clock, argon } = this.ports;
    return { disk, random, now: clock, ...(argon === undefined ? {} : { argon }) };
  }

  async start(): Promise<void> {
    try {
      // the disk opens while the ciphers are made; what fails there is told to whoever needs it
      await Promise.all([ready(), this.ports.disk.header().catch(() => null)]);
      await this.showVault();
    } catch (e) {
      this.failed(e);
    }
  }
  /** Before anything is unlocked. */
  async showVault(): Promise<void> {
    const s = await vaultState(this.vault);
    this.locked = s.is === 'made' ? { retryAt: s.retryAt, wrongTries: s.wrongTries } : { retryAt: null, wrongTries: 0 };
    this.passkeys = await passkeys(this.vault);
    if (s.is === 'damaged') return this.fail('storage-damaged');
    this.to(s.is === 'none' ? 'new' : 'locked');
  }
  private locked: { retryAt: number | null; wrongTries: number } = { retryAt: null, wrongTries: 0 };
  private passkeys: readonly Passkey[] = [];

  /** The vault is open: read everything, then go online. */
  async open(vaultKey: Parameters<typeof openStore>[0]['vaultKey'], profile: Profile | null): Promise<void> {
    const store = await openStore({ disk: this.ports.disk, vaultKey, random: this.ports.random });
    this.store = store;
    if (profile !== null) await this.saveProfile(profile);
    const [kept, rows, joins, restores] = await Promise.all([
      read<Profile & { persisted?: boolean | null }>(store, 'meta', 'profile'), readAll<GroupRow>(store, 'group', ''), readAll<JoinRow>(store, 'join', ''),
      readAll<RestoreRow>(store, 'meta', restoreKey('')), this.personal.load()
    ]);
    if (kept !== null) this.profile = { name: kept.name, role: kept.role, lockAfter: kept.lockAfter };
    this.persisted = kept?.persisted ?? null;
    for (const { key, value } of restores) this.restores.set(key.slice(restoreKey('').length), value);
    const runs = await Promise.all(rows.map(({ key, value }) => GroupRun.open(key, value, this.around())));
    for (const run of runs) {
      await catchUpFeed(run);
      this.groups.set(run.ref, run);
    }
    for (const { key, value } of joins) this.addJoin(key, value);
    this.to('open');
    this.views.touch('home', null);
    // a hold that was cut short by closing the app ends in time, network or not
    for (const run of runs) wakeAfterHold(run);
    this.link.start();
    void this.measure();
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
    const { clock, later, random, host, blobs } = this.ports;
    return {
      store: this.needStore(), link: this.link, clock, later, random, host, blobs,
      profile: () => this.profile,
      changed: (ref, what, ids) => {
        this.views.touch('home', null);
        this.views.touch('app', null);
        if (what === 'group') this.views.touch('group', ref);
        else this.views.touchFeed(ref, ids);
      },
      full: (yes) => {
        if (this.isFull !== yes) this.views.touch('app', null);
        this.isFull = yes;
      },
      failed: (e) => this.failed(e)
    };
  }

  addJoin(id: JoinId, row: JoinRow): JoinRun {
    const join = new JoinRun(id, row, this.around(), {
      changed: () => {
        this.views.touch('join', id);
        this.views.touch('home', null);
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
    if (this.restores.size > 0) void this.bringBack().catch((e: unknown) => this.failed(e));
  }
  /** One connection opens one invite of a group: the newest that is still open. */
  private isNewest(join: JoinRun): boolean {
    const of = [...this.joins.values()].filter((j) => !j.isSettled && equal(j.groupId, join.groupId));
    return of.at(-1) === join;
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
    for (const run of this.groups.values()) if (hex(run.row.id) === id) this.inGroupTurn(run, () => takeFrame(run, f));
    for (const join of this.joins.values()) if (hex(join.groupId) === id) this.inTurn(join, () => join.takeFrame(f));
  }
  /** Opens a group's session, and sees to it that the recovery phrase covers it. */
  begin(run: GroupRun): void {
    this.inGroupTurn(run, async () => {
      await beginSession(run);
      await this.personal.cover(run);
    });
  }
  /** Groups that a recovery phrase is to bring back; a second call waits for the first. How many are back. */
  bringBack(): Promise<number> {
    return (this.bringing ??= this.bringEach().finally(() => {
      this.bringing = null;
    }));
  }
  private bringing: Promise<number> | null = null;
  private async bringEach(): Promise<number> {
    let back = 0;
    for (const [ref, row] of [...this.restores]) {
      const outcome = await restoreGroup(ref, row, this.around(), this.needStore());
      if (outcome === 'later') continue;
      this.restores.delete(ref);
      const kept = outcome === 'back' ? await read<GroupRow>(this.needStore(), 'group', ref) : null;
      if (kept === null) continue;
      this.groups.set(ref, await GroupRun.open(ref, kept, this.around()));
      back++;
    }
    this.views.touch('home', null);
    // the recovery rows' sessions end with the connection; the new devices prove themselves on a fresh one
    if (back > 0) this.link.again();
    if (this.restores.size > 0) this.ports.later(RETRY, () => this.link.state === 'online' && void this.bringBack().catch((e: unknown) => this.failed(e)));
    return back;
  }
  /** Remembers which groups to bring back, so that neither a crash nor a lost connection forgets one. */
  async toRestore(items: readonly Extract<VaultItem, { is: 'group' }>[]): Promise<void> {
    const byGroup = new Map<string, Extract<VaultItem, { is: 'group' }>[]>();
    for (const i of items) byGroup.set(hex(i.id), [...(byGroup.get(hex(i.id)) ?? []), i]);
    for (const its of byGroup.values()) {
      const ref = this.newRef();
      const row: RestoreRow = { items: its, logSeed: this.ports.random(32), kemSeed: this.ports.random(32) };
      await this.needStore().commit([put('meta', restoreKey(ref), row)]);
      this.restores.set(ref, row);
    }
  }

  inTurn(who: { turns: GroupRun['turns'] }, what: () => Promise<void>): void {
    who.turns.take(what).then(() => this.noteSynced(), (e: unknown) => this.failed(e));
  }
  inGroupTurn(run: GroupRun, what: () => Promise<void>): void {
    this.inTurn(run, async () => {
      try {
        await what();
      } catch (e) {
        run.synced = false;
        this.retry(run);
        throw e;
      }
    });
  }
  /** The group's own part of a turn failed on a fault of ours: begin its session again, later. */
  private retry(run: GroupRun): void {
    this.ports.later(RETRY, () => {
      if (this.link.state === 'online' && !run.synced) this.inTurn(run, () => (run.session === 'live' ? catchUp(run) : beginSession(run)));
    });
  }
  private noteSynced(): void {
    if (this.link.state !== 'online') return;
    if ([...this.groups.values()].every((g) => g.synced || g.row.ended !== null)) this.lastSynced = this.ports.clock();
    this.views.touch('app', null);
  }

  // -------------------------------------------------------------------------------------------------------- views

  appView(): AppView {
    switch (this.phase) {
      case 'locked':
        return { phase: 'locked', name: null, ...this.locked, passkeys: this.passkeys };
      case 'failed':
        return { phase: 'failed', fault: this.fault };
      case 'open': {
        const { state, since } = this.link;
        return {
          phase: 'open', profile: this.profile,
          connection: {
            state: state === 'online' ? 'online' : state === 'connecting' ? 'connecting' : 'offline', since,
            waiting: [...this.groups.values()].reduce((sum, g) => sum + (g.row.ended === null ? g.waiting : 0), 0), lastSynced: this.lastSynced
          },
          storage: { ...this.estimate, persisted: this.persisted, full: this.isFull },
          passkeys: this.passkeys,
          recovery: this.recovery()
        };
      }
      default:
        return { phase: this.phase } as AppView;
    }
  }
  private recovery(): RecoveryView {
    const groups = [...this.groups.values()].filter((g) => g.row.ended === null);
    return { set: this.personal.set, covered: groups.filter((g) => this.personal.covers(g)).length, of: groups.length, foreign: 0 };
  }
  homeView(): HomeView {
    const groups = [...this.groups.values()].map((g) => ({ ...summary(g), made: g.row.made })).sort((a, b) => (b.last?.at ?? b.made) - (a.last?.at ?? a.made));
    return {
      groups: groups.map(({ made: _, ...g }) => g),
      joins: [...this.joins.values()].filter((j) => !j.done).map((j) => j.view()),
      letIn: [...this.joins.values()].flatMap((j) => j.view().group ?? []),
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
    const beforeOpen: readonly CommandName[] = ['set-up', 'restore', 'unlock', 'unlock-passkey', 'lock', 'take-over', 'wake'];
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
