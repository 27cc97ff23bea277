/**
 * The doorbell (PROTOCOL §11.7): devices that are away, and asked for it, are pushed to when their group has something new. Without a
 * word in it, each at a moment of its own, seldom, and to nobody whose row has ended. It is no promise: what waits here goes with the process.
 */
import type { Bytes, GroupId, Hex, MemberTag } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { isLive, rowByDevice } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import { RATE } from './limits';

/** What became of a push: `gone` when the place is no more, else, in milliseconds, when to try again. */
export type Pushed = 'rung' | 'gone' | 'refused' | { readonly later: number };

export interface Doorbell {
  /** Names this relay to push services: an uncompressed point of P-256. */
  readonly key: Bytes;
  /** Milliseconds within which a push leaves, at a moment of chance: those who get one for the same reason do not get it together. */
  readonly within: number;
  /** The place that a device says, as it is to be kept; null for one that may not be asked. */
  placeOf(said: string): string | null;
  /** Pushes nothing at all to a place; never rejects. */
  push(place: string, signal: AbortSignal): Promise<Pushed>;
}

interface Due { readonly place: string; readonly g: number; readonly group: GroupId; readonly device: number; readonly news: number; readonly at: number; readonly tries: number }
/** Whose doing it was, of members; null of somebody without a row. */
interface Stirred { readonly by: Set<Hex<MemberTag> | null>; readonly news: number }

const keyOf = (g: number, device: number): string => `${g} ${device}`;

export class Ringing {
  /** How often each came of a push; all that is ever told about them. */
  readonly pushes = new Map<string, number>();
  private readonly stirred = new Map<Group, Stirred>();
  private readonly passedOn = new Set<Group>();
  /** One for each place, however many groups have news. */
  private readonly due = new Map<string, Due>();
  private readonly under = new Map<string, AbortController>();

  constructor(private readonly house: () => House, readonly doorbell: Doorbell) {}

  /** Something new of a group was stored. */
  stir(group: Group, by: Hex<MemberTag> | null): void {
    const there = this.stirred.get(group);
    if (there !== undefined) return void there.by.add(by);
    group.pins++;
    this.stirred.set(group, { by: new Set([by]), news: this.house().clock() });
  }
  /** Something new of a group came from another relay and was passed on to the sessions here: those need no push. */
  heard(group: Group): void {
    this.passedOn.add(group);
  }
  /** Rows of these devices are about to end: what is under way to them is broken off. What was left to send for another reason goes with it. */
  stop(group: Group, devices: readonly number[]): void {
    for (const device of devices) this.under.get(keyOf(group.g, device))?.abort();
  }

  tick(): void {
    const { log, clock } = this.house();
    for (const [group, s] of [...this.stirred]) {
      this.stirred.delete(group);
      this.look(group, s);
    }
    for (const group of this.passedOn) {
      const devices = [...group.logs].filter((s) => s.bell).map((s) => s.device);
      if (devices.length > 0) log.call('heard', { g: group.g, devices, time: clock() }, () => undefined);
    }
    this.passedOn.clear();
    const now = clock();
    for (const d of [...this.due.values()]) {
      if (this.under.size >= RATE.bellAtOnce) return;
      if (d.at <= now && !this.under.has(keyOf(d.g, d.device))) this.ring(d);
    }
  }

  /** Who is to be pushed to for what stirred a group. */
  private look(group: Group, s: Stirred): void {
    const { log, clock } = this.house();
    log.call('bells', { g: group.g }, (r) => {
      group.pins--;
      if (!r.ok) return;
      for (const { device, place, rung } of r.value) {
        const row = rowByDevice(group.state, device);
        const isOwn = row !== null && [...s.by].every((by) => by === hex(row.member));
        if (isOwn || isHere(group, device)) continue;
        const there = this.due.get(place);
        const at = there?.at ?? this.moment(Math.max(clock(), rung + RATE.bellGap));
        this.wait({ place, g: group.g, group: group.id, device, news: s.news, at, tries: there?.tries ?? 0 });
      }
    });
  }

  private wait(d: Due): void {
    if (this.due.size < RATE.bellWaiting || this.due.has(d.place)) this.due.set(d.place, d);
  }

  /** The row must be live by the roster as it is, and the place still stand in the store, when the push leaves. */
  private ring(d: Due): void {
    const h = this.house();
    const key = keyOf(d.g, d.device);
    const on = new AbortController();
    const end = (): void => void this.under.delete(key);
    const again = (): void => {
      end();
      this.later(d, 0);
    };
    this.due.delete(d.place);
    this.under.set(key, on);
    h.groups.with(d.group, (group) => {
      if (group === null) return end();
      if (group === 'unavailable') return again();
      group.pins++;
      h.follow.current(group, (ok) =>
        group.run(() => {
          group.pins--;
          if (!ok) return again();
          const row = rowByDevice(group.state, d.device);
          if (row === null || !isLive(row)) {
            end();
            return h.log.call('dropBell', { g: d.g, device: d.device }, () => undefined);
          }
          if (on.signal.aborted || isHere(group, d.device)) return end();
          const time = h.clock();
          h.log.call('ring', { g: d.g, device: d.device, time, before: d.tries > 0 ? time : time - RATE.bellGap, news: d.news }, (r) => {
            if (!r.ok) return again();
            if (r.value === null || on.signal.aborted) return end();
            void this.doorbell.push(r.value, on.signal).catch((): Pushed => 'refused').then((what) => {
              end();
              if (!on.signal.aborted) this.settle(d, what);
            });
          });
        })
      );
    });
  }

  private settle(d: Due, what: Pushed): void {
    const h = this.house();
    const name = typeof what === 'string' ? what : 'later';
    this.pushes.set(name, (this.pushes.get(name) ?? 0) + 1);
    if (what === 'gone') h.log.call('dropPlace', { place: d.place }, () => undefined);
    if (typeof what !== 'string') this.later(d, Math.min(what.later, RATE.bellLongest));
  }

  private later(d: Due, least: number): void {
    const now = this.house().clock();
    const newer = this.due.get(d.place);
    // what came meanwhile goes in its stead, and no sooner than the place has asked for
    if (newer !== undefined) return this.wait({ ...newer, at: Math.max(newer.at, now + least) });
    const tries = d.tries + 1;
    if (tries < RATE.bellTries) this.wait({ ...d, tries, at: now + Math.max(least, RATE.bellAgain * 2 ** d.tries) + this.chance(RATE.bellAfter) });
  }

  /** Some time after `from`: not at once, so that a relay which has the device can say so. */
  private moment(from: number): number {
    const { within } = this.doorbell;
    const least = Math.min(RATE.bellAfter, within);
    return from + least + this.chance(within - least);
  }

  /** Milliseconds, anything up to `most`. */
  private chance(most: number): number {
    const [a = 0, b = 0, c = 0] = this.house().random(3);
    return Math.floor((((a << 16) | (b << 8) | c) / 2 ** 24) * most);
  }
}

const isHere = (group: Group, device: number): boolean => [...group.logs].some((s) => s.device === device);
