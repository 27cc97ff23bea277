/** One schedule: everything that happens in it is drawn from its seed, on real devices and a real relay over virtual time. */
import type { Bytes } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { decodeFromRelay, decodeToRelay } from '../../crypto/frames';
import type { Relay } from '../../relay/relay';
import { localLog } from '../../relay/log-sqlite';
import { Seat } from '../support/circle';
import { type Draw, drawing } from '../support/fuzz';
import { misbehave, TRICKS } from '../support/mischief';
import { Rhea } from '../support/rhea';
import { type Connect, type Device, settling } from '../support/world';
import { copyStore, forget, personOf, type Shape, start, type Start } from './base';
import { devicesOf } from '../support/linked';
import { LogPort } from './log-port';
import { MalloryAtPlay } from './mallory';
import { turnBook } from './quick';
import { atRelay, type Breach, Truth } from './truth';

settling.turns = 1;

export type Mode = 'honest' | 'mischief' | 'fork' | 'member';
export const modeOf = (seed: number): Mode => (seed % 10 < 6 ? 'honest' : seed % 10 < 8 ? 'mischief' : seed % 10 === 8 ? 'fork' : 'member');

export interface Lived {
  readonly seed: number;
  readonly breaches: readonly Breach[];
  readonly trace: readonly string[];
}

const PEACE = [
  'post', 'post', 'post', 'post', 'post', 'edit', 'retract', 'undo', 'seen', 'seen', 'photo', 'offline', 'online', 'online', 'restart', 'cut-line', 'rename', 'offer', 'accept', 'withdraw', 'remove', 'leave', 'wait', 'lose', 'sign-out'
] as const;
const FAULTS = ['power-cut', 'full', 'unheard', 'second-tab', 'older-disk', 'skew', 'lag', 'half-open', 'relay-crash', 'relay-slow', 'relay-refuses', 'relay-down', 'ask', 'let-in'] as const;
type Doing = (typeof PEACE)[number] | (typeof FAULTS)[number];
/** Who is the one to do it, if anybody may. */
const OWNERS: ReadonlySet<Doing> = new Set(['rename', 'offer', 'withdraw', 'remove', 'ask', 'let-in']);
const WAITS = [0, 0, 1, 3, 20, 120, 900, 5_100, 6_000, 16_000, 31_000] as const;
const YEARS = 10 * 365 * 86_400_000;
/** Five virtual minutes to heal in, looked at every ten seconds. */
const HEALING = 300_000;
const LOOK = 10_000;
/** An honest schedule takes about a thousand. */
const STEPS = 50_000;

interface Line { lag: number; dead: boolean; up: number; down: number }

export class Life {
  readonly trace: string[] = [];
  readonly truth = new Truth();
  readonly draw: Draw;
  private readonly lines = new Map<Device, Line>();
  private readonly rolled = new Set<string>();
  private readonly liars = new Set<string>();
  private readonly joining: { readonly device: Device; join: string | null }[] = [];
  private texts = 0;
  private readonly from: number;

  constructor(readonly seed: number, readonly mode: Mode, readonly s: Start) {
    this.draw = drawing(seed * 7919 + 13);
    this.from = s.world.time.now;
  }
  get seats(): Seat[] {
    return this.s.seats;
  }
  note(words: string): void {
    this.trace.push(`${String(this.s.world.time.now - this.from).padStart(7)} ${words}`);
  }
  private pick<T>(of: readonly T[]): T | undefined {
    return of.length === 0 ? undefined : of[this.draw(of.length)];
  }
  private isOpen = (s: Seat): boolean => s.device.core?.phase === 'open' && s.device.core.groups.has(s.group);
  /** Put out by its person's other device, or signed out: bare again. */
  private isGone = (s: Seat): boolean => s.device.core !== null && ['signed-out', 'new'].includes(s.device.core.phase);
  private get open(): Seat[] {
    return this.seats.filter(this.isOpen);
  }
  private get live(): Seat[] {
    return this.open.filter((s) => s.run.row.ended === null);
  }

  /** The network between a device and whoever it dials: late, or silent for ever while it looks open. */
  private readonly between = (inner: Connect): Connect => (device, send, end) => {
    const { time } = this.s.world;
    const line = this.line(device);
    line.dead = false;
    const mine = { open: true };
    const said = (to: string, f: { readonly is: string }): void => {
      if (process.env['FRAMES'] !== undefined) this.note(`    ${device.name} ${to} ${JSON.stringify(f, (_, v: unknown) => (v instanceof Uint8Array ? `${Buffer.from(v.slice(0, 4)).toString('hex')}…${v.length}` : v)).slice(0, 300)}`);
    };
    const heard = (frame: Uint8Array): void => {
      const d = decodeFromRelay(frame);
      if (d.ok && d.value.is !== 'pong') said('<', d.value);
    };
    const told = (frame: Uint8Array): void => {
      const d = decodeToRelay(frame);
      if (d.ok && d.value.is !== 'ping') said('>', d.value);
    };
    const way = (key: 'up' | 'down', go: () => void): void => {
      if (line.dead) return;
      line[key] = Math.max(line[key], time.now + line.lag);
      if (line[key] <= time.now) return go();
      time.later(line[key] - time.now, () => (mine.open || key === 'up') && !line.dead && go());
    };
    const wire = inner(device, (frame) => way('down', () => (heard(frame), send(frame))), end);
    return {
      receive: (frame) => (way('up', () => (told(frame), void wire.receive(frame))), 0),
      // what was sent before the end still arrives before it
      close: () => {
        mine.open = false;
        if (line.dead) wire.close();
        else way('up', () => wire.close());
      }
    };
  };
  private line(device: Device): Line {
    let l = this.lines.get(device);
    if (l === undefined) this.lines.set(device, (l = { lag: 0, dead: false, up: 0, down: 0 }));
    return l;
  }

  async pass(): Promise<readonly Breach[]> {
    const { world } = this.s;
    for (const s of this.seats) this.truth.tags.set(personOf(s.device.name), s.run.me);
    const rhea = this.mode === 'mischief' || this.mode === 'fork' ? new Rhea(world) : null;
    world.connect = this.between(world.connect);
    if (rhea !== null) for (const s of this.seats) s.device.cut();
    if (rhea !== null) await world.time.pass(1_500);
    if (this.mode === 'mischief' && rhea !== null) {
      const tricks = TRICKS.filter(() => this.draw(2) === 0);
      const rarity = [3, 8, 20][this.draw(3)] as number;
      this.note(`Rhea plays ${tricks.join(', ')}, one in ${rarity}`);
      misbehave(rhea, tricks, this.seed, rarity);
    }
    const mallory = this.mode === 'member' ? await this.turns() : null;
    const steps = 8 + this.draw(20);
    if (this.mode === 'fork' && rhea !== null) await this.forks(rhea);
    else {
      for (let i = 0; i < steps; i++) {
        if (mallory !== null && this.draw(2) === 0) this.note(await mallory.act(this.draw));
        else await this.step();
        await this.look();
      }
      for (const what of mallory?.taken ?? []) this.truth.breach('forged', `the relay took it: ${what}`);
      rhea?.repent();
      await this.heal(rhea !== null);
      await this.judge();
    }
    return this.truth.breaches;
  }

  // ---------------------------------------------------------------------------------------------------------- steps

  private async step(): Promise<void> {
    const hostile = this.mode !== 'honest';
    const doing: Doing = this.draw(3) > 0 || hostile ? (this.pick(PEACE) as Doing) : (this.pick(FAULTS) as Doing);
    const all = this.seats.filter((s) => !this.liars.has(s.device.name));
    const apt = all.filter((s) => this.isOpen(s) && (OWNERS.has(doing) ? s.view.iOwn : doing === 'accept' ? s.view.offer?.toMe === true : doing === 'lose' || doing === 'sign-out' ? all.filter((x) => personOf(x.device.name) === personOf(s.device.name)).length > 1 : true));
    const seat = this.pick(apt.length > 0 && this.draw(5) > 0 ? apt : all);
    if (seat === undefined) return;
    await this.act(seat, doing);
    const wait = this.pick(WAITS) as number;
    await this.s.world.time.pass(wait);
    await this.arrivals();
  }

  private async act(seat: Seat, doing: Doing): Promise<void> {
    const { device, group } = seat;
    const { world, log } = this.s;
    const { name } = device;
    const person = personOf(name);
    this.note(`${name} ${doing}`);
    if (!this.isOpen(seat) && doing !== 'online' && doing !== 'restart' && !doing.startsWith('relay')) return;
    const some = seat.posts.filter((p) => p.mine && p.retracted === null && !p.text.endsWith(' was here'));
    const own = this.pick(some);
    const other = (): string | undefined => this.pick(seat.view.people.filter((p) => p.ended === null && !p.me))?.member;
    switch (doing) {
      case 'post':
      case 'photo':
        return this.posts(seat, doing === 'photo');
      case 'edit': {
        if (own === undefined) return;
        const text = `${own.text}+`;
        this.truth.wrote.set(text, person);
        return device.begin('edit', { group, post: own.id, text });
      }
      case 'retract':
        if (own !== undefined) device.begin('retract', { group, post: own.id });
        return;
      case 'undo': {
        const last = some.at(-1);
        if (last === undefined) return;
        this.truth.taken.add(last.id);
        return device.begin('undo-post', { group, post: last.id });
      }
      case 'seen':
        return this.sees(seat, seat.posts.filter((p) => !p.mine).map((p) => p.id).slice(this.draw(3)));
      case 'offline':
        return device.goOffline();
      case 'online':
        return device.goOnline();
      case 'restart':
        return this.again(seat);
      case 'cut-line':
        return device.cut();
      case 'power-cut':
        device.disk.cut(this.draw(8));
        return this.again(seat);
      case 'rename':
        return device.begin('rename-group', { group, name: `Name ${++this.texts}` });
      case 'offer': {
        const to = other();
        if (to !== undefined) device.begin('offer-owner', { group, member: to });
        return;
      }
      case 'accept':
        return device.begin('accept-owner', { group });
      case 'withdraw':
        return device.begin('withdraw-offer', { group });
      case 'remove': {
        const who = other();
        if (who !== undefined && this.live.length > 2 && this.draw(2) === 0) device.begin('remove', { group, member: who });
        return;
      }
      case 'leave':
        if (this.live.length > 2 && this.draw(3) === 0) device.begin('leave', { group });
        return;
      case 'lose': {
        const other = devicesOf(device).find((d) => !d.me && d.state === 'live');
        if (other !== undefined && this.draw(2) === 0) device.begin('revoke-device', { device: other.device });
        return;
      }
      case 'sign-out':
        if (this.draw(2) === 0 && this.live.some((s) => s !== seat && personOf(s.device.name) === person)) device.begin('sign-out', { discard: false });
        return;
      case 'wait':
        return world.time.pass(12_000);
      case 'full':
      case 'unheard': {
        // the next writes of this device go wrong
        let left = 1 + this.draw(6);
        const how = doing === 'full' ? 'full' : 'done-unheard';
        device.fate = () => (left-- > 0 ? how : 'done');
        return;
      }
      case 'second-tab': {
        // another process of the same profile opens the vault: the first is fenced off
        const first = device.core;
        await device.boot();
        await device.unlock();
        await seat.open();
        first?.link.stop();
        return;
      }
      case 'older-disk': {
        // the profile comes back from a copy that was made some time ago
        const copy = device.disk.copy();
        await world.time.pass(this.pick(WAITS) as number);
        this.posts(seat, false);
        await world.time.pass(this.pick(WAITS) as number);
        device.kill();
        this.rolled.add(name);
        const older = world.device(name, device.role, copy);
        older.fate = (w) => device.fate(w);
        const at = this.seats.indexOf(seat);
        const back = new Seat(older, group);
        this.seats[at] = back;
        await older.boot();
        await older.unlock();
        return this.isOpen(back) ? back.open() : undefined;
      }
      case 'skew':
        device.skew = (this.draw(3) - 1) * this.draw(YEARS);
        return;
      case 'lag':
        this.line(device).lag = [0, 40, 700, 4_000][this.draw(4)] as number;
        return;
      case 'half-open':
        this.line(device).dead = true;
        return;
      case 'relay-crash':
        return this.crash();
      case 'relay-slow': {
        const after = 1 + this.draw(400);
        let left = 1 + this.draw(12);
        log.fate = () => (left-- > 0 ? { after } : 'done');
        return;
      }
      case 'relay-refuses': {
        let left = 1 + this.draw(5);
        const how = this.draw(2) === 0 ? 'unavailable' : 'done-unheard';
        const only = this.pick(['append', 'append', 'enter', null] as const);
        log.fate = (call) => ((only === null || only === call) && left-- > 0 ? how : 'done');
        return;
      }
      case 'relay-down':
        world.down = !world.down;
        if (world.down) for (const s of this.seats) s.device.cut();
        return;
      case 'ask':
        return this.asks(seat);
      case 'let-in': {
        const r = seat.view.requests[0];
        if (r !== undefined) device.begin('let-in', { group, request: r.request });
        return;
      }
    }
  }

  private posts(seat: Seat, photo: boolean): void {
    const { device, group } = seat;
    const text = `${device.name} ${++this.texts}`;
    this.truth.wrote.set(text, personOf(device.name));
    const say = (photos: readonly string[]): void =>
      device.begin('post', { group, text, photos, replyTo: null }, (o) => {
        if (o.ok) this.truth.saved.set(o.value.post, { by: device.name, text });
      });
    if (!photo) return say([]);
    const bytes = new Uint8Array(300).fill(this.texts);
    device.begin('add-photo', { group, photo: { full: bytes, thumb: bytes.slice(0, 60), width: 4, height: 3, type: 'image/jpeg' } }, (o) => say(o.ok ? [o.value.photo] : []));
  }
  private sees(seat: Seat, posts: readonly string[]): void {
    const who = personOf(seat.device.name);
    const saw = this.truth.saw.get(who) ?? new Set();
    for (const id of posts) saw.add(id);
    this.truth.saw.set(who, saw);
    seat.device.begin('seen', { group: seat.group, posts });
  }
  private async again(seat: Seat): Promise<void> {
    const { device } = seat;
    device.kill();
    await device.boot();
    await device.unlock();
    await this.s.world.time.pass(5);
    if (this.isOpen(seat)) await seat.open();
  }
  private crash(): void {
    const { world, log } = this.s;
    log.crash(this.draw(2) === 0);
    log.fate = () => 'done';
    for (const s of this.seats) s.device.cut();
    world.serve(log);
  }
  private async asks(seat: Seat): Promise<void> {
    if (this.joining.length > 0 || this.seats.length > 5) return;
    const { world } = this.s;
    let link: string | null = null;
    seat.device.begin('invite', { group: seat.group, history: this.draw(2) === 0 ? 'start' : 'today', days: 3, relationship: '' }, (o) => {
      if (o.ok) ({ link } = o.value);
    });
    await world.time.pass(300);
    if (link === null) return;
    const device = world.device('Gil', 'family');
    await device.setUp();
    const opened = await device.run('open-link', { fragment: new URL(link).hash });
    if (!opened.ok) return;
    const { join } = opened.value;
    this.joining.push({ device, join });
    device.watch('join', join);
    await world.time.pass(200);
    device.begin('ask', { join });
    await world.time.pass(100);
  }
  private async arrivals(): Promise<void> {
    for (const j of this.joining) {
      const group = [...(j.device.core?.groups.keys() ?? [])][0];
      if (group === undefined || this.seats.some((s) => s.device === j.device)) continue;
      const seat = new Seat(j.device, group);
      await seat.open();
      this.seats.push(seat);
      this.truth.tags.set(j.device.name, seat.run.me);
    }
  }

  // ---------------------------------------------------------------------------------------------------------- looks

  private async look(): Promise<void> {
    const open = this.live.filter((s) => !this.liars.has(s.device.name));
    for (const s of open) this.truth.shown(s, this.liars);
    if (this.mode === 'mischief' || this.mode === 'fork') return;
    const any = open[0];
    if (any === undefined) return;
    const there = await atRelay(this.s.log.real, any.run.row.id, this.truth);
    for (const s of open) {
      this.truth.delivered(s, there);
      if (s.view.alarm !== null && !((s.view.alarm === 'gap' || s.view.alarm === 'wrong-key') && this.liars.size > 0)) this.truth.breach('falseAlarms', `${s.device.name} shows ${s.view.alarm}`);
    }
  }

  /** The network is whole, clocks are right, disks have room, and everybody is there. */
  private async heal(afterLies: boolean): Promise<void> {
    const { world, log } = this.s;
    this.note('all heals');
    world.down = false;
    log.fate = () => 'done';
    const honest = this.seats.filter((s) => !this.liars.has(s.device.name));
    for (const s of honest) {
      this.line(s.device).lag = 0;
      this.line(s.device).dead = false;
      s.device.fate = () => 'done';
      if (this.isGone(s)) continue;
      if (!this.isOpen(s)) await this.again(s);
      // a try that was counted and never judged makes the next one wait
      for (let i = 0; i < 4 && !this.isOpen(s) && !this.isGone(s); i++) {
        await world.time.pass(61_000);
        await this.again(s);
      }
      if (!this.isOpen(s) && !this.isGone(s)) this.truth.breach('stuck', `${s.device.name} does not open: ${s.device.core?.phase ?? 'dead'}`);
      s.device.cut();
      s.device.goOnline();
    }
    for (const j of this.joining) j.device.goOnline();
    const quiet = async (most: number): Promise<void> => {
      for (let t = 0; t < most; t += LOOK) {
        await world.time.pass(LOOK);
        await this.arrivals();
        if (this.live.filter((s) => !this.liars.has(s.device.name)).every((s) => this.truth.isQuiet(s) && (s.view.alarm === null || this.liars.size > 0))) break;
      }
    };
    await quiet(HEALING);
    if (afterLies) {
      // what was odd is looked at again when a connection begins, and after long lies not at every one: the app is started anew
      for (const s of this.seats) if (!this.isGone(s)) await this.again(s);
      await quiet(HEALING);
    }
    await world.time.pass(3_000);
  }

  private async judge(): Promise<void> {
    const { world, log } = this.s;
    const { truth } = this;
    for (const e of world.reports) truth.breach('stuck', `a fault of ours: ${wordsOf(e)}`);
    if (process.env['FRAMES'] !== undefined)
      for (const s of this.open) this.note(`${s.device.name}: cursor ${s.run.cursor} heads ${JSON.stringify([...s.run.heads].map(([d, h]) => [d, h.n]))} held ${JSON.stringify([...s.run.held].map(([d, h]) => [d, h.map((x) => [x.n, x.seq])]))} epochs ${s.run.state.epochs.map((e) => e.seq).join()} keys ${[...s.run.keyring.values()].map((k) => `${k.epoch}${k.content === null ? '-' : ''}`).join()} junk ${[...s.run.junk].join()} odd ${[...s.run.odd].join(' | ').slice(0, 200)}`);
    await truth.agreed(this.open, this.liars, this.rolled);
    await truth.unreadable(this.open, log.real);
    const any = this.live.find((s) => !this.liars.has(s.device.name));
    if (any !== undefined) {
      const there = await atRelay(log.real, any.run.row.id, truth);
      if (this.mode !== 'mischief') for (const s of this.live) if (!this.liars.has(s.device.name)) truth.delivered(s, there);
    }
    const conflicts = world.relay.refusals.get('conflict') ?? 0;
    if (conflicts > 0 && this.mode === 'honest' && this.rolled.size === 0) truth.breach('diverged', 'a number was used twice');
    for (const words of turnBook()) truth.breach('leaked', words);
  }

  // --------------------------------------------------------------------------------------------------- hostile ends

  private async turns(): Promise<MalloryAtPlay> {
    const seat = this.seats.at(-1) as Seat;
    this.liars.add(seat.device.name);
    const mallory = new MalloryAtPlay(this.s.world, seat);
    await mallory.begin();
    return mallory;
  }

  /** The relay shows two halves of the group two histories, and then is one again: each side must notice at its first look at the other's. */
  private async forks(rhea: Rhea): Promise<void> {
    const { world, store } = this.s;
    const path = copyStore(store);
    const otherLog = localLog(path, world.time.now);
    const one = world.relay;
    const other: Relay = world.serve(new LogPort(otherLog));
    world.relay = one;
    const owner = this.seats.find((s) => s.view.iOwn) as Seat;
    const apart = new Set(this.seats.filter((s) => s !== owner).slice(-2).map((s) => s.device));
    const relayOf = (d: Device): Relay => (apart.has(d) ? other : one);
    rhea.relayFor = relayOf;
    for (const s of this.seats) s.device.cut();
    await world.time.pass(2_000);
    for (let i = this.draw(6); i > 0; i--) await this.step();
    for (const s of this.seats) if (!this.isOpen(s)) await this.again(s);
    for (const s of this.seats) s.device.goOnline();
    await world.time.pass(70_000);
    // on each side the roster goes on
    const [leaver, stays] = this.seats.filter((s) => apart.has(s.device)) as [Seat, Seat];
    if (this.live.length < this.seats.length || !owner.view.iOwn) return otherLog.close();
    owner.device.begin('rename-group', { group: owner.group, name: 'One name' });
    leaver.device.begin('leave', { group: leaver.group });
    await world.time.pass(8_000);
    this.posts(stays, false);
    this.posts(owner, false);
    await world.time.pass(15_000);
    const isForked = stays.run.state.seq > 0 && hex(stays.run.state.chains.at(-1) as Bytes) !== hex(owner.run.state.chains.at(-1) as Bytes) && leaver.run.row.ended === 'left';
    this.note(isForked ? 'two histories stand' : 'no fork came about');
    if (isForked) {
      // the first honest exchange: whoever was apart meets what the others have
      const [who, to] = this.draw(2) === 0 ? [stays, one] : [owner, other];
      rhea.relayFor = () => to;
      for (const s of this.seats) s.device.cut();
      who.device.goOnline();
      await world.time.pass(30_000);
      const { alarm } = who.view;
      this.note(`${who.device.name} shows ${alarm ?? 'nothing'}`);
      if (alarm !== 'fork' && alarm !== 'rollback') this.truth.breach('missedForks', `${who.device.name} met the other history and shows ${alarm ?? 'nothing'}`);
    }
    for (const words of turnBook()) this.truth.breach('leaked', words);
    for (const s of this.open) this.truth.shown(s, this.liars);
    await otherLog.close();
    forget(path);
  }
}

const SHAPES: readonly Shape[] = [
  [2, 0], [2, 0], [3, 0], [3, 0], [4, 0], [5, 0], [6, 0], [1, 1], [2, 1], [2, 2], [3, 1], [3, 2], [4, 2], [6, 6]
].map(([people, laptops]) => ({ people, laptops }) as Shape);

export function shapeOf(seed: number): Shape {
  const mode = modeOf(seed);
  const draw = drawing(seed + 1);
  // twelve devices take their time: one schedule in fifty has them
  return mode === 'fork' || mode === 'member' ? { people: 4, laptops: 0 } : (SHAPES[draw(50) === 0 ? SHAPES.length - 1 : draw(SHAPES.length - 1)] as Shape);
}

/** Lives one seed, and cleans up after it. */
export async function lifeOf(seed: number): Promise<Lived> {
  const mode = modeOf(seed);
  const shape = shapeOf(seed);
  turnBook();
  let s: Start;
  try {
    s = await start(shape, `${seed} `);
  } catch (e) {
    return { seed, breaches: [{ kind: 'stuck', words: `nothing begins: ${wordsOf(e)}` }], trace: [] };
  }
  const life = new Life(seed, mode, s);
  s.world.time.left = STEPS;
  try {
    await life.pass();
  } catch (e) {
    life.truth.breach('stuck', `the schedule stopped: ${wordsOf(e)}`);
  }
  for (const x of s.seats) x.device.kill();
  await s.log.close();
  forget(s.store);
  return { seed, breaches: life.truth.breaches, trace: [`seed ${seed}: ${mode}, ${shape.people} people, ${s.seats.length} devices`, ...life.trace] };
}
const wordsOf = (e: unknown): string => (e instanceof Error ? (e.stack ?? e.message).split('\n').slice(0, 5).join(' ') : String(e));
