/** One schedule: everything that happens in it is drawn from its seed, on real devices and a real relay over virtual time. */
import { Seat } from '../support/circle';
import { type Draw, drawing } from '../support/fuzz';
import { misbehave, TRICKS } from '../support/mischief';
import type { Core } from '../../src/lib/core/core';
import { Rhea } from '../support/rhea';
import { type Device, settling, type World } from '../support/world';
import { personOf, type Start } from './base';
import { type Deed, DEEDS, PEACE } from './deeds';
import { FAULTS, type Fault, ILLS, MISHAPS } from './faults';
import { uncover } from './forks';
import { Thief } from './knowledge';
import { lie, LIES, letThrough } from './lies';
import { Lines } from './lines';
import { MalloryAtPlay } from './mallory';
import { heal, judge } from './mending';
import { RelayStore } from './relay-store';
import type { Mode } from './shapes';
import { atRelay, type Breach, isBeginning, rosterAt, Truth } from './truth';

settling.turns = 1;

const WAITS = [0, 0, 1, 3, 20, 120, 900, 5_100, 6_000, 16_000, 31_000] as const;
/** An honest schedule takes about a thousand. */
const STEPS = 6_000;
/** What only somebody who may can do. */
const OWNERS: ReadonlySet<Deed | Fault> = new Set(['rename', 'offer', 'withdraw', 'remove', 'ask', 'let-in']);

export class Life {
  readonly trace: string[] = [];
  readonly truth = new Truth();
  readonly thief = new Thief();
  readonly draw: Draw;
  readonly lines: Lines;
  readonly relayStore: RelayStore;
  /** Names of devices whose unsent words went with their disk. */
  readonly rolled = new Set<string>();
  /** Names of devices that were copied, to be used again or twice. */
  readonly copied = new Set<string>();
  readonly liars = new Set<string>();
  /** Windows that were there before another of their device took over. */
  readonly tabs: Core[] = [];
  /** Devices whose group is still to come. */
  readonly joining: Device[] = [];
  /** How often each deed and fault came about. */
  readonly counts = new Map<string, number>();
  texts = 0;
  private readonly from: number;

  constructor(readonly seed: number, readonly mode: Mode, readonly s: Start) {
    this.draw = drawing(seed * 7919 + 13);
    this.from = s.world.time.now;
    s.world.time.left = STEPS;
    this.relayStore = new RelayStore(s, this);
    this.lines = new Lines(s.world, () => s.log.life, process.env['FRAMES'] === undefined ? null : (words) => this.note(words));
  }
  get world(): World {
    return this.s.world;
  }
  get seats(): Seat[] {
    return this.s.seats;
  }
  note(words: string): void {
    this.trace.push(`${String(this.world.time.now - this.from).padStart(7)} ${words}`);
  }
  pick<T>(of: readonly T[]): T | undefined {
    return of.length === 0 ? undefined : of[this.draw(of.length)];
  }
  wait(): Promise<void> {
    return this.world.time.pass(this.pick(WAITS) as number);
  }
  readonly isOpen = (s: Seat): boolean => s.device.core?.phase === 'open' && s.device.core.groups.has(s.group);
  /** Put out by its person's other device, signed out, or emptied: bare again. */
  readonly isGone = (s: Seat): boolean => s.device.core !== null && ['signed-out', 'new'].includes(s.device.core.phase);
  /** From an older copy of the disk comes back what was done away with since. */
  isCopied(device: string): void {
    this.copied.add(device);
    this.truth.undone.clear();
    this.truth.drafts.delete(device);
  }
  readonly isHonest = (s: Seat): boolean => !this.liars.has(s.device.name);
  get open(): Seat[] {
    return this.seats.filter(this.isOpen);
  }
  get live(): Seat[] {
    return this.open.filter((s) => s.run.row.ended === null);
  }
  /** What a device shows that it may not show in such a life. */
  isFalseAlarm(alarm: string | null): boolean {
    // a member's log that hangs on what she signed badly is told as what it looks like
    return alarm !== null && !((alarm === 'gap' || alarm === 'wrong-key') && this.liars.size > 0);
  }

  /** Lives to the end, or, when `atOnce`, to the first breach. */
  async pass(atOnce: boolean): Promise<readonly Breach[]> {
    const { world, mode, truth } = this;
    for (const s of this.seats) {
      truth.tags.set(personOf(s.device.name), s.run.me);
      this.thief.looksAt(s);
    }
    for (const s of this.s.others) truth.tagsElsewhere.set(personOf(s.device.name), s.run.me);
    // she stands between the network and the relay
    const rhea = mode === 'mischief' || mode === 'fork' ? new Rhea(world) : null;
    this.lines.wire();
    if (rhea !== null) {
      for (const s of this.seats) s.device.cut();
      await world.time.pass(1_500);
    }
    let lies: typeof LIES[number][] = [];
    if (mode === 'mischief' && rhea !== null) {
      const tricks = TRICKS.filter(() => this.draw(2) === 0);
      const rarity = [3, 8, 20][this.draw(3)] as number;
      lies = LIES.filter(() => this.draw(2) === 0);
      this.note(`Rhea plays ${[...tricks, ...lies].join(', ')}, one in ${rarity}`);
      misbehave(rhea, tricks, this.seed, rarity);
      lie(this, rhea, lies, rarity * 2);
    }
    const mallory = mode === 'member' ? await this.turns() : null;
    const steps = 8 + this.draw(20);
    if (mode === 'fork' && rhea !== null) await uncover(this, rhea);
    else {
      for (let i = 0; i < steps; i++) {
        if (mallory !== null && this.draw(16) === 0) await this.restored(mallory);
        else if (mallory !== null && this.draw(3) > 0) this.note(await mallory.act(this.draw, this.live.filter(this.isHonest)));
        else if (lies.includes('void-entries') && this.draw(8) === 0) await this.letThrough();
        else await this.step();
        if (this.s.others.length > 0 && this.draw(3) === 0) this.elsewhere();
        world.relay.poll();
        if (i % 4 === 3) await this.relayStore.compact();
        await this.look();
        if (atOnce && truth.breaches.length > 0) return truth.breaches;
      }
      for (const what of mallory?.taken ?? []) truth.breach('forged', `the relay took it: ${what}`);
      rhea?.repent();
      await heal(this, rhea !== null);
      await judge(this);
    }
    return truth.breaches;
  }
  /** The relay is copied, and later put back, and Mallory is quick to give it what it lost. */
  private async restored(mallory: MalloryAtPlay): Promise<void> {
    if (this.relayStore.isRestored) return;
    if (!this.relayStore.hasCopy) return this.relayStore.copy();
    await this.relayStore.putBack();
    await mallory.again();
    for (let i = 0; i < 3; i++) this.note(await mallory.givesSpoilt(this.live.filter(this.isHonest), this.draw));
  }
  private async letThrough(): Promise<void> {
    const seat = this.pick(this.live);
    if (seat !== undefined) this.note(`Rhea lets through ${await letThrough(this, seat)}`);
    await this.wait();
  }
  /** Somebody says something in the other group. */
  private elsewhere(): void {
    const seat = this.pick(this.s.others.filter((s) => s.device.core?.groups.has(s.group) === true));
    if (seat === undefined) return;
    const text = `${seat.device.name} elsewhere ${++this.texts}`;
    this.truth.wrote.set(text, personOf(seat.device.name));
    this.truth.elsewhere.add(text);
    seat.device.begin('post', { group: seat.group, text, photos: [], replyTo: null });
  }
  private async turns(): Promise<MalloryAtPlay> {
    const seat = this.seats.at(-1) as Seat;
    this.liars.add(seat.device.name);
    const mallory = new MalloryAtPlay(this.world, seat, this.s.log.real);
    await mallory.begin();
    return mallory;
  }

  async step(): Promise<void> {
    const isCalm = this.mode === 'honest' ? this.draw(3) > 0 : this.mode !== 'mischief' || this.draw(8) > 0;
    const doing = isCalm ? (this.pick(PEACE) as Deed) : (this.pick(this.mode === 'honest' ? FAULTS : MISHAPS) as Fault);
    const all = this.seats.filter(this.isHonest);
    const others = (s: Seat): number => all.filter((x) => x !== s && personOf(x.device.name) === personOf(s.device.name)).length;
    const may = (s: Seat): boolean => (OWNERS.has(doing) ? s.view.iOwn : doing === 'accept' ? s.view.offer?.toMe === true : doing === 'lose' || doing === 'sign-out' ? others(s) > 0 : true);
    const apt = all.filter((s) => this.isOpen(s) && may(s));
    const seat = this.pick(apt.length > 0 && this.draw(5) > 0 ? apt : all);
    if (seat === undefined) return;
    this.note(`${seat.device.name} ${doing}`);
    this.counts.set(doing, (this.counts.get(doing) ?? 0) + 1);
    if (doing in ILLS) await ILLS[doing as Fault](this, seat);
    else await DEEDS[doing as Deed](this, seat);
    await this.wait();
    await this.arrivals();
  }
  /** Whoever was let in, or came back, takes a seat. */
  async arrivals(): Promise<void> {
    for (const device of this.joining) {
      const group = [...(device.core?.groups.keys() ?? [])][0];
      if (group === undefined || this.seats.some((s) => s.device === device)) continue;
      const seat = new Seat(device, group);
      await seat.open();
      this.seats.push(seat);
      this.truth.tags.set(personOf(device.name), seat.run.me);
      this.thief.looksAt(seat);
    }
  }
  /** The app is started anew. */
  async again(seat: Seat): Promise<void> {
    const { device } = seat;
    device.kill();
    await device.boot();
    await device.unlock();
    await this.world.time.pass(5);
    if (!this.isOpen(seat)) return;
    await seat.open();
    const draft = this.truth.drafts.get(device.name);
    if (draft !== undefined && !this.copied.has(device.name) && seat.run.draft.text !== draft) this.truth.breach('lost', `${device.name} kept the draft “${draft}”, and has “${seat.run.draft.text}”`);
  }

  /** What everybody sees, between any two steps. */
  private async look(): Promise<void> {
    const { truth } = this;
    for (const s of this.open) this.thief.looksAt(s);
    const open = this.live.filter(this.isHonest);
    for (const s of open) truth.always(s, this.liars);
    for (const s of this.s.others) if (s.device.core?.groups.has(s.group) === true) truth.shown(s, this.liars, true);
    // proof is what puts a device out, never a relay's word
    const out = this.open.filter((s) => this.isHonest(s) && s.run.row.ended !== null && s.run.row.ended !== 'overtaken' && s.run.row.ended !== 'forked');
    const roster = out[0] === undefined || this.mode === 'fork' ? null : await rosterAt(this.s.log.real, out[0].run.row.id);
    // a relay that was put back is still to be given the end of what it had
    if (roster !== null) truth.belongs(out.filter((s) => !(this.relayStore.isRestored && isBeginning(roster, s.run.state))), roster);
    if (this.mode === 'mischief' || this.mode === 'fork') return;
    const any = open[0];
    if (any === undefined) return;
    const there = await atRelay(this.s.log.real, any.run.row.id, truth);
    for (const s of open) {
      // before it has spoken with a restored relay it cannot know what that lost
      if (s.run.life === this.s.log.real.incarnation) truth.delivered(s, there);
      if (this.isFalseAlarm(s.view.alarm)) truth.breach('falseAlarms', `${s.device.name} shows ${s.view.alarm}`);
    }
  }
}
