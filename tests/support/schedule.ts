/** Random schedules over a group: steps drawn at random, carried out on real devices, and what must hold during and after them. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { hex } from '../../crypto/bytes';
import { unpackStored } from '../../crypto/packed';
import { encodeState } from '../../crypto/roster/state';
import { ask } from '../../relay/log';
import { idNow } from '../../src/lib/core/renew';
import { lanesOf } from './lanes';
import { lasting, openLink, type Post, Seat, shown } from './circle';
import type { Device, World } from './world';

export const DOINGS = [
  'post', 'post', 'post', 'edit', 'retract', 'photo', 'offline', 'online', 'restart', 'power-cut', 'seen', 'wait', 'cut-line',
  'burst', 'undo', 'older', 'ask', 'let-in', 'refuse', 'offer', 'accept', 'withdraw', 'remove', 'leave', 'rename'
] as const;
export type Doing = (typeof DOINGS)[number];
export interface Step { readonly who: number; readonly what: Doing; readonly pick: number; readonly wait: number }

export const does = (who: number, what: Doing, wait = 0, pick = 0): Step => ({ who, what, pick, wait });
export const step = (doings: readonly Doing[] = DOINGS): fc.Arbitrary<Step> =>
  fc.record({ who: fc.nat(4), what: fc.constantFrom(...doings), pick: fc.nat(7), wait: fc.constantFrom(0, 1, 7, 40, 300, 6_000, 31_000) });

export class Schedule {
  /** Who really ran `seen` on which posts. */
  private readonly saw = new Map<string, Set<string>>();
  /** Posts that were shown as sent at any time, by id. */
  readonly acked = new Map<string, string>();
  private readonly joining: { device: Device; join: string; link: string }[] = [];
  private texts = 0;

  constructor(readonly world: World, readonly seats: Seat[]) {}

  get live(): Seat[] {
    return this.seats.filter((s) => s.run.row.ended === null);
  }

  async take(s: Step): Promise<void> {
    const seat = this.seats[s.who % this.seats.length] as Seat;
    await this.act(seat, s);
    await this.world.time.pass(s.wait);
    for (const x of this.seats) await this.truthful(x);
  }

  private async act(seat: Seat, { what, pick }: Step): Promise<void> {
    const { device, group } = seat;
    const own = seat.posts.filter((p) => p.mine && p.retracted === null);
    const someone = seat.view.people.filter((p) => p.ended === null && !p.me)[pick % Math.max(1, seat.view.people.length - 1)];
    switch (what) {
      case 'post':
        return void (await seat.post(`${device.name} ${++this.texts}`));
      case 'photo': {
        const bytes = new Uint8Array(900 + pick).fill(++this.texts);
        const photo = await device.run('add-photo', { group, photo: { full: bytes, thumb: bytes.slice(0, 60), width: 4, height: 3, type: 'image/jpeg' } });
        if (photo.ok) await seat.post(`${device.name} ${this.texts}`, [photo.value.photo]);
        return;
      }
      case 'edit':
      case 'retract': {
        const p = own[pick % Math.max(1, own.length)];
        if (p !== undefined) await (what === 'edit' ? device.run('edit', { group, post: p.id, text: `${p.text}+` }) : device.run('retract', { group, post: p.id }));
        return;
      }
      case 'offline':
        return device.goOffline();
      case 'online':
        return device.goOnline();
      case 'cut-line':
        return device.cut();
      case 'power-cut':
        device.disk.cut(pick);
        return this.again(seat);
      case 'restart':
        return this.again(seat);
      case 'seen': {
        const posts = seat.posts.filter((p) => !p.mine);
        return this.sees(seat, posts.slice(pick % Math.max(1, posts.length)));
      }
      case 'burst': {
        // everything at once, as fast fingers and two windows do
        const some = seat.posts.filter((p) => !p.mine);
        const p = own[pick % Math.max(1, own.length)];
        await Promise.all([
          seat.post(`${device.name} ${++this.texts}`), this.sees(seat, some), seat.post(`${device.name} ${++this.texts}`),
          ...(p === undefined ? [] : [device.run('edit', { group, post: p.id, text: `${p.text}*` }), device.run('undo-post', { group, post: p.id })]),
          device.run('older', { group }), device.run('save-draft', { group, text: 'half', replyTo: null })
        ]);
        return;
      }
      case 'undo':
        return void (own[0] && (await device.run('undo-post', { group, post: (own.at(-1) as Post).id })));
      case 'older':
        return void (await device.run('older', { group }));
      case 'wait':
        return this.world.time.pass(10_000);
      case 'ask':
        return this.asks(seat, pick);
      case 'let-in':
      case 'refuse': {
        const r = seat.view.requests[0];
        if (r === undefined) return;
        await (what === 'let-in' ? device.run('let-in', { group, request: r.request }) : device.run('refuse', { group, request: r.request }));
        await this.world.time.pass(200);
        return this.arrivals();
      }
      case 'offer':
        return void (someone && (await device.run('offer-owner', { group, member: someone.member })));
      case 'withdraw':
        return void (await device.run('withdraw-offer', { group }));
      case 'accept':
        return void (await device.run('accept-owner', { group }));
      case 'remove':
        return void (someone && this.live.length > 2 && (await device.run('remove', { group, member: someone.member })));
      case 'leave':
        return void (this.live.length > 2 && (await device.run('leave', { group })));
      case 'rename':
        return void (await device.run('rename-group', { group, name: `Name ${++this.texts}` }));
    }
  }

  private async sees(seat: Seat, posts: readonly Post[]): Promise<void> {
    const saw = this.saw.get(seat.device.name) ?? new Set();
    for (const p of posts) saw.add(`${lasting(p.id)} ${p.text}`);
    this.saw.set(seat.device.name, saw);
    await seat.device.run('seen', { group: seat.group, ...shown(posts) });
  }
  private async again(seat: Seat): Promise<void> {
    await seat.device.restart();
    await seat.open();
  }
  /** Somebody new follows a link of the owner's and asks; at most one at a time, since comparing numbers is slow by design. */
  private async asks(seat: Seat, pick: number): Promise<void> {
    if (this.joining.length > 0) return;
    const made = await seat.device.run('invite', { group: seat.group, history: pick % 2 === 0 ? 'start' : 'today', days: 3, relationship: '' });
    if (!made.ok) return;
    const device = this.world.device('Gil', 'family');
    await device.setUp();
    const join = await openLink(device, made.value.link);
    await this.world.time.pass(100);
    await device.run('ask', { join });
    await this.world.time.pass(100);
    this.joining.push({ device, join, link: made.value.link });
  }
  private async arrivals(): Promise<void> {
    for (const j of this.joining) {
      const group = j.device.view('join', j.join)?.group ?? [...(j.device.core?.groups.keys() ?? [])][0] ?? null;
      if (group === null || this.seats.some((s) => s.device === j.device)) continue;
      const seat = new Seat(j.device, group);
      await seat.open();
      this.seats.push(seat);
    }
  }

  /** Delivery is never ahead of the truth: sent means that the relay has it, seen that this person's device ran the command. */
  private async truthful(seat: Seat): Promise<void> {
    const own = seat.posts.filter((p) => p.mine);
    const sent = own.filter((p) => p.delivery?.at === 'sent' || p.delivery?.at === 'seen');
    if (sent.length === 0) return;
    const there = await this.atRelay(seat);
    for (const p of sent) {
      const at = seat.run.feed.find(idNow(seat.run, p.id));
      expect(at !== null && there.has(`${at.device} ${at.n}`), `“${p.text}” is shown as sent and the relay has it`).toBe(true);
      this.acked.set(lasting(p.id), p.text);
      if (p.delivery?.at === 'seen') for (const name of seat.names(p.delivery.by)) expect(this.saw.get(name)?.has(`${lasting(p.id)} ${p.text}`), `${name} saw “${p.text}”`).toBe(true);
    }
  }
  private async atRelay(seat: Seat): Promise<Set<string>> {
    const { log } = this.world.relay;
    const loaded = await ask(log, 'load', seat.run.row.id);
    if (!loaded.ok || loaded.value === null) return new Set();
    const out = new Set<string>();
    for (let from = 0, more = true; more; ) {
      const page = await ask(log, 'page', { g: loaded.value.g, way: 'up', from, most: 500 });
      if (!page.ok) throw new Error('the relay’s log is gone');
      const items = unpackStored(page.value.items);
      for (const i of items) out.add(`${i.device} ${i.n}`);
      more = page.value.more;
      from = items.at(-1)?.seq ?? from;
    }
    return out;
  }

  /** Everyone comes online, and what can arrive arrives. */
  async heal(afterLies = false): Promise<void> {
    this.world.down = false;
    for (const s of this.seats) {
      s.device.goOnline();
      await this.world.time.pass(100);
    }
    for (const j of this.joining) j.device.goOnline();
    await this.world.time.pass(70_000);
    if (afterLies) {
      // what was odd is looked at again when a connection begins, and after long lies not at every one: the app is started anew
      for (const s of this.seats) await this.again(s);
      await this.world.time.pass(20_000);
    }
    await this.arrivals();
    await this.world.time.pass(2_000);
  }

  /** What everyone must agree about in the end. */
  async agreed(): Promise<void> {
    const live = this.live;
    expect(this.world.reports).toEqual([]);
    expect(live.length).toBeGreaterThan(0);
    const first = live[0] as Seat;
    for (const s of live) {
      const name = s.device.name;
      expect(s.view.alarm, `alarm at ${name}`).toBeNull();
      expect(s.run.outbox.map((o) => o.record), `outbox of ${name}`).toEqual([]);
      expect(s.run.sealed, `on its way at ${name}`).toBeNull();
      expect(hex(encodeState(s.run.state)) === hex(encodeState(first.run.state)), `roster of ${name}`).toBe(true);
      for (const [id, text] of this.acked) {
        const shown = s.posts.filter((p) => lasting(p.id) === id);
        const canRead = s.view.people.find((p) => p.me)?.history === 'start';
        expect(shown.length, `“${text}” at ${name}`).toBe(canRead ? 1 : Math.min(1, shown.length));
      }
    }
    const readers = live.filter((s) => s.view.people.find((p) => p.me)?.history === 'start');
    const story = (s: Seat): unknown[] => s.posts.map((p: Post) => ({ id: idNow(s.run, p.id), text: p.text, retracted: p.retracted !== null, photos: p.photos.length, withdrawn: p.withdrawn, author: p.author }));
    const told = readers[0];
    if (told === undefined) return;
    for (const author of new Set(told.posts.map((p) => p.author))) {
      // a picture may be overtaken by words
      const numbers = told.posts.filter((p) => p.author === author && p.photos.length === 0 && p.retracted === null).map((p) => Number(/\d+/.exec(p.text)?.[0]));
      expect(numbers, 'one person’s posts in the order of writing').toEqual([...numbers].sort((a, b) => a - b));
    }
    const lanes = await lanesOf(told);
    for (const s of readers) {
      expect(story(s), `feed of ${s.device.name}`).toEqual(story(told));
      expect(await lanesOf(s), `lanes of ${s.device.name}`).toEqual(lanes);
    }
  }
}
