/**
 * A small world for scenarios: virtual time, a real relay in process over real SQLite in memory, and devices that run the real core over
 * a disk in memory. Nothing here is a stand-in for what it tests; only the clock, chance, the cable and the disk are ours.
 */
import { GROUP_VERSION } from '../../crypto/roster/rules';
import type { BlobId, Bytes, GroupId, RelayPk } from '../../crypto/brand';
import { equal, unbase64url, unhex } from '../../crypto/bytes';
import { blobId } from '../../crypto/blob';
import { ready, type Random } from '../../crypto/sodium';
import { signPair } from '../../crypto/verify';
import { localLog } from '../../relay/log-sqlite';
import { ask, type Log } from '../../relay/log';
import { createRelay, type Relay, type RelayParts, type Wire } from '../../relay/relay';
import type { Doorbell } from '../../relay/ringing';
import type { BlobCarrier } from '../../src/lib/core/blobs';
import { Core } from '../../src/lib/core/core';
import type { CommandName, Commands, Outcome, Up, ViewName, Views } from '../../src/lib/core/port';
import { type Fate, memoryDevice, type MemoryDevice, type Write } from '../../src/lib/store/memory';
import { seeded } from './actor';

export const HOST = 'relay.test';
const PASSPHRASE = 'four quiet lamps over harbour';

/** Virtual time: timers fire in order, and everything that was promised is done in between. */
export class Time {
  now = 1_760_000_000_000;
  private readonly timers: { at: number; n: number; what: () => void }[] = [];
  private n = 0;

  later = (ms: number, what: () => void): (() => void) => {
    const t = { at: this.now + ms, n: this.n++, what };
    this.timers.push(t);
    return () => {
      const i = this.timers.indexOf(t);
      if (i >= 0) this.timers.splice(i, 1);
    };
  };
  /** Steps that may still be taken; a world that takes more goes round in circles. */
  left = Infinity;

  /** Lets `ms` pass. Throws when no step is left. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      if (this.left-- <= 0) throw new Error('it never ends');
      await settle();
      let first = -1;
      for (const [i, t] of this.timers.entries()) {
        const best = this.timers[first];
        if (t.at <= until && (best === undefined || t.at < best.at || (t.at === best.at && t.n < best.n))) first = i;
      }
      const next = this.timers[first];
      if (next === undefined) break;
      this.timers.splice(first, 1);
      this.now = Math.max(this.now, next.at);
      next.what();
    }
    this.now = Math.max(this.now, until);
  }
}

/** Everything that can go on without time passing goes on; what WebCrypto and WebAssembly do on other threads is waited for. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < settling.turns; quiet++) {
    await new Promise((r) => setImmediate(r));
    if (elsewhere > 0) quiet = -1;
  }
}
/** Turns of the event loop that must be quiet; one is enough where nothing runs on other threads. */
export const settling = { turns: 3 };
let elsewhere = 0;
function countCalls(where: object, names: readonly string[]): void {
  for (const name of names) {
    const there = (where as Record<string, (...a: unknown[]) => Promise<unknown>>)[name]!;
    // once in a process, however many copies of this module it loads
    if (there.name === 'counted') continue;
    const real = there.bind(where);
    const counted = (...a: unknown[]): Promise<unknown> => {
      elsewhere++;
      return real(...a).finally(() => elsewhere--);
    };
    Object.defineProperty(where, name, { value: counted });
  }
}
/** A log whose answers come from elsewhere, and are waited for. */
export function counted(log: Log): Log {
  return {
    get incarnation() {
      return log.incarnation;
    },
    isShared: log.isShared,
    renewed: (then) => log.renewed(then),
    call(name, input, then) {
      elsewhere++;
      log.call(name, input, (reply) => {
        elsewhere--;
        then(reply);
      });
    },
    close: () => log.close()
  };
}
countCalls(crypto.subtle, ['encrypt', 'decrypt', 'importKey', 'deriveKey']);
countCalls(WebAssembly, ['compile', 'instantiate']);

/** One direction of a line: when a frame of so many bytes is there that is sent now, behind what was sent before. */
function direction(time: Time, rate: () => number): (bytes: number) => number {
  let free = 0;
  return (bytes) => {
    free = Math.max(free, time.now) + (bytes * 1_000) / rate();
    return Math.ceil(free - time.now) + 1;
  };
}

/** A connection to whoever poses as the relay; `hello` comes during the call. */
export type Connect = (device: Device, send: (frame: Bytes) => void, end: () => void) => Pick<Wire, 'receive' | 'close'>;

/** A device with its disk; `core` comes and goes. */
export class Device {
  core: Core | null = null;
  readonly disk: MemoryDevice;
  /** What becomes of the next write to the disk. */
  fate: (write: Write) => Fate = () => 'done';
  online = true;
  /** Bytes a second that its line carries, in either direction. */
  rate = Infinity;
  /** Connections that were made so far. */
  dialled = 0;
  /** The newest version of groups that its app knows, from its next worker on. */
  knows = GROUP_VERSION;
  /** How far this device's clock is off, in milliseconds. */
  skew = 0;
  private end = (): void => undefined;
  private readonly views = new Map<string, unknown>();
  private readonly outcomes = new Map<number, (o: Outcome<unknown>) => void>();
  private readonly wires = new Set<() => void>();
  private id = 0;
  /** Workers so far; what is looked at is the newest one’s screen. */
  private tabs = 0;
  private readonly random: Random;

  constructor(readonly name: string, readonly role: 'clinician' | 'patient' | 'family', private readonly world: World, disk?: MemoryDevice) {
    this.disk = disk ?? memoryDevice({ fate: (w) => this.fate(w) });
    // an older disk in a second device of one name does not draw the same again
    this.random = seeded(`${world.seed}device ${name}${disk === undefined ? '' : ` ${++world.copies}`}`);
  }

  /** A fresh worker: locked, or new on a bare device. */
  async boot(): Promise<void> {
    const { time } = this.world;
    const disk = this.disk.open();
    const tab = ++this.tabs;
    let alive = true;
    this.end = () => {
      alive = false;
      disk.close();
    };
    const core = new Core(
      {
        disk, clock: () => time.now + this.skew, later: (ms, what) => time.later(ms, () => alive && what()), random: this.random, host: HOST, knows: this.knows, origin: `https://${HOST}`,
        dial: (events) => {
          let wire: ReturnType<Connect> | null = null;
          let open = true;
          const end = (): void => {
            if (!open) return;
            open = false;
            this.wires.delete(end);
            wire?.close();
            time.later(0, () => events.closed());
          };
          this.wires.add(end);
          this.dialled++;
          const [up, down] = [direction(time, () => this.rate), direction(time, () => this.rate)];
          time.later(1, () => {
            if (!open) return;
            if (!this.online || this.world.down) return end();
            wire = this.world.connect(this, (frame) => time.later(down(frame.length), () => open && events.frame(frame)), end);
            events.open();
          });
          return { send: (f) => void time.later(up(f.length), () => void (open && wire?.receive(f))), close: end };
        },
        blobs: this.world.blobs(this), estimate: () => Promise.resolve({ used: 0, quota: 0 }), argon: { memory: 64, passes: 1, lanes: 1 },
        report: (e) => alive && this.world.reports.push(e)
      },
      (u: Up) => {
        if (!alive) return;
        if (u.is === 'outcome') {
          this.outcomes.get(u.id)?.(u.outcome);
          this.outcomes.delete(u.id);
        } else if (tab === this.tabs) this.show(u.name, u.key, u.view);
      }
    );
    this.core = core;
    this.watch('app', null);
    this.watch('home', null);
    await core.start();
    await time.pass(5);
  }
  private show(name: ViewName, key: string | null, view: unknown): void {
    const k = `${name} ${key ?? ''}`;
    const patch = view as Views['feed']['view'];
    if (name !== 'feed' || patch.reset) return void this.views.set(k, view);
    const before = this.views.get(k) as Extract<Views['feed']['view'], { reset: true }>;
    const items = new Map(before.items.map((i) => [i.id, i]));
    for (const id of patch.gone) items.delete(id);
    for (const i of patch.put) items.set(i.id, i);
    this.views.set(k, { ...before, more: patch.more, items: [...items.values()].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1)) });
  }
  watch(name: ViewName, key: string | null): void {
    this.core?.take({ is: 'watch', name, key });
  }
  view<V extends ViewName>(name: V, key: Views[V]['key']): Views[V]['view'] {
    return this.views.get(`${name} ${key ?? ''}`) as Views[V]['view'];
  }
  /** Gives a command and goes on at once; `then` hears the outcome, if the device lives to tell it. `tab`: an earlier worker that is still there. */
  begin<K extends CommandName>(name: K, input: Commands[K]['in'], then: (o: Outcome<Commands[K]['out']>) => void = () => undefined, tab = this.core): void {
    const id = ++this.id;
    this.outcomes.set(id, then as (o: Outcome<unknown>) => void);
    tab?.take({ is: 'command', id, name, input } as never);
  }
  /** Runs a command and lets time pass until it answers. */
  async run<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Outcome<Commands[K]['out']>> {
    const id = ++this.id;
    let outcome: Outcome<unknown> | null = null;
    this.outcomes.set(id, (o) => (outcome = o));
    this.core?.take({ is: 'command', id, name, input } as never);
    for (let i = 0; i < 600 && outcome === null; i++) await this.world.time.pass(i < 400 ? 10 : 1_000);
    if (outcome === null) throw new Error(`${name} never answered`);
    return outcome as Outcome<Commands[K]['out']>;
  }
  async must<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Commands[K]['out']> {
    const o = await this.run(name, input);
    if (!o.ok) throw new Error(`${this.name}: ${name} failed: ${o.fault}`);
    return o.value;
  }
  async setUp(): Promise<void> {
    await this.boot();
    await this.must('set-up', { name: this.name, role: this.role, passphrase: PASSPHRASE });
  }
  unlock(): Promise<Outcome<null>> {
    return this.run('unlock', { passphrase: PASSPHRASE });
  }
  /** The cable is pulled. */
  cut(): void {
    for (const end of [...this.wires]) end();
  }
  goOffline(): void {
    this.online = false;
    this.cut();
  }
  goOnline(): void {
    this.online = true;
    this.core?.take({ is: 'command', id: ++this.id, name: 'wake', input: null });
  }
  /** The worker is killed in the middle of whatever it does; what was strictly stored stays. */
  kill(): void {
    this.end();
    this.core?.link.stop();
    this.cut();
    this.core = null;
    this.views.clear();
  }
  async restart(): Promise<void> {
    this.kill();
    await this.boot();
    await this.unlock();
    await this.world.time.pass(50);
  }
  /** Words of the posts as the feed shows them. */
  words(group: string): string[] {
    const feed = this.view('feed', group) as Extract<Views['feed']['view'], { reset: true }> | undefined;
    return (feed?.items ?? []).flatMap((i) => (i.is === 'post' ? [i.text] : []));
  }
  delivery(group: string, text: string): string | undefined {
    const feed = this.view('feed', group) as Extract<Views['feed']['view'], { reset: true }>;
    const p = feed.items.find((i) => i.is === 'post' && i.text === text);
    return p?.is === 'post' ? p.delivery?.at : undefined;
  }
  async openGroup(group: string): Promise<void> {
    this.watch('group', group);
    this.watch('feed', group);
    await this.world.time.pass(20);
  }
}

export function pairOf(seed: string): { readonly pk: RelayPk; readonly sk: Bytes } {
  const { pk, sk } = signPair(seeded(seed)(32));
  return { pk: pk as RelayPk, sk };
}

export class World {
  readonly time = new Time();
  readonly reports: unknown[] = [];
  readonly stored = new Map<string, Bytes>();
  down = false;
  /** How far the relay's clock is off, in milliseconds. */
  skew = 0;
  /** What chance is drawn from, before the names of devices. */
  seed = '';
  /** Devices that were given a disk from elsewhere. */
  copies = 0;
  /** The newest version of groups that the relay's next process takes. */
  knows = GROUP_VERSION;
  /** Who may begin groups at the relay's next process. */
  groups: 'open' | 'permit' = 'open';
  /** Keys of the relay's next process. */
  keys!: RelayParts['keys'];
  relay!: Relay;
  /** Whom devices reach when they dial; the honest relay unless somebody stands in between. */
  connect: Connect = (_device, send, end) => this.relay.connect(send, HOST, end);

  static async make(seed = '', log?: (now: number) => Log): Promise<World> {
    await ready();
    const w = new World();
    w.seed = seed;
    w.keys = pairOf('relay');
    w.serve(log?.(w.time.now) ?? localLog(':memory:', w.time.now));
    return w;
  }
  /** The relay's process begins, on this log; connections to the one before lead nowhere. */
  serve(log: Log): Relay {
    const { time } = this;
    this.relay = createRelay({
      log, clock: () => time.now + this.skew, random: seeded(`${this.seed}relay chance ${this.lives++}`), keys: this.keys, host: HOST,
      turn: (what) => void time.later(0, what), pace: 0, knows: this.knows, groups: this.groups, ...(this.doorbell && { doorbell: this.doorbell })
    });
    return this.relay;
  }
  private lives = 0;
  /** How the next relay to be served pushes to devices that are away. */
  doorbell: Doorbell | null = null;
  readonly devices: Device[] = [];
  /** `disk`: one that was used before, unless the device is new. */
  device(name: string, role: 'clinician' | 'patient' | 'family', disk?: MemoryDevice): Device {
    const device = new Device(name, role, this, disk);
    this.devices.push(device);
    return device;
  }
  /** Blobs by the relay's own session bearers; their HTTP is tested elsewhere. */
  blobs(device: Device): BlobCarrier {
    const opened = async (group: string, bearer: string) => {
      const [id, bytes] = [unhex(group) as Bytes as GroupId, unbase64url(bearer) as Bytes];
      const by = device.online && !this.down ? await this.relay.opens(bytes, id) : null;
      return by === 'unavailable' ? null : by;
    };
    return {
      put: async (group, id, bearer, bytes) => {
        const s = await opened(group, bearer);
        if (s === null) return 'offline';
        const blob = unhex(id) as Bytes as BlobId;
        if (!equal(blob, blobId(bytes))) return 'refused';
        const kept = await ask(this.relay.log, 'putBlob', { g: s.group.g, id: blob, device: s.device, size: bytes.length, time: this.time.now });
        if (!kept.ok) return 'offline';
        if (kept.value === 'going') return 'refused';
        this.stored.set(id, bytes);
        return 'stored';
      },
      get: async (group, id, bearer) => ((await opened(group, bearer)) === null ? 'offline' : (this.stored.get(id) ?? 'missing'))
    };
  }
}
