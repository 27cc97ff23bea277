/** What really happened, kept apart from every device, and what must hold of what they show. */
import type { GroupId } from '../../crypto/brand';
import { equal, hex } from '../../crypto/bytes';
import { readEnvelope } from '../../crypto/envelope';
import type { StoredEnvelope } from '../../crypto/frames';
import { unpackStored } from '../../crypto/packed';
import { fold } from '../../crypto/roster/fold';
import { chainAt, chainHead, decodeState, encodeState, isLive, type RosterState } from '../../crypto/roster/state';
import { ask, type Log } from '../../relay/log';
import { idNow } from '../../src/lib/core/renew';
import { lasting, type Post, type Seat } from '../support/circle';
import { lanesOf } from '../support/lanes';
import type { Device } from '../support/world';
import { personOf } from './base';
import { AFTER } from './words';

/** What a schedule can break, as counted in the report. */
export const KINDS = ['lost', 'forged', 'diverged', 'leaked', 'stuck', 'falseAlarms', 'missedForks'] as const;
export type Kind = (typeof KINDS)[number];
export interface Breach { readonly kind: Kind; readonly words: string }

export class Truth {
  readonly breaches: Breach[] = [];
  /** Who wrote these words, ever. */
  readonly wrote = new Map<string, string>();
  /** Posts that a device said were saved, and are to arrive; by what lasts of their ids, like all here. */
  readonly saved = new Map<string, { readonly by: string; readonly text: string }>();
  /** Posts that were shown as sent. */
  readonly acked = new Map<string, string>();
  /** Who really had which posts on the screen, and in which words. */
  readonly saw = new Map<string, Set<string>>();
  /** By post: who had it when the relay lost what it had since a copy was made. */
  private readonly holders = new Map<string, ReadonlySet<Device>>();
  /** Posts whose taking back may or may not have happened. */
  readonly taken = new Set<string>();
  /** Posts that their device said were taken back before they went out. */
  readonly undone = new Set<string>();
  /** By device: the draft that it said it keeps, and that nothing was done to since. */
  readonly drafts = new Map<string, string>();
  /** Member tags of people by name, as they were when the schedule began. */
  readonly tags = new Map<string, string>();
  /** The same in their other group, and what was written there. */
  readonly tagsElsewhere = new Map<string, string>();
  readonly elsewhere = new Set<string>();

  breach(kind: Kind, words: string): void {
    if (!this.breaches.some((b) => b.kind === kind && b.words === words)) this.breaches.push({ kind, words });
  }

  /** The relay is about to become an older one: what nobody of these has may be gone for good. */
  noteHolders(live: readonly Seat[]): void {
    const ids = new Map<string, Set<Device>>();
    for (const s of live)
      for (const id of [...this.acked.keys(), ...this.saved.keys()])
        if (s.run.feed.posts.some((p) => lasting(p.id) === id)) ids.set(id, (ids.get(id) ?? new Set()).add(s.device));
    for (const id of [...this.acked.keys(), ...this.saved.keys()]) this.holders.set(id, ids.get(id) ?? new Set());
  }
  /** Whether the last who had it went away before they could give it back. */
  private wentWith(id: string, live: readonly Seat[]): boolean {
    const had = this.holders.get(id);
    return had !== undefined && !live.some((s) => had.has(s.device));
  }

  /** Nothing is shown as somebody's that this person did not write here, no post twice, and none that was taken back in time. */
  shown(seat: Seat, liars: ReadonlySet<string>, isElsewhere = false): void {
    const seen = new Set<string>();
    const texts = new Set<string>();
    for (const p of seat.posts) {
      if (this.undone.has(lasting(p.id))) this.breach('leaked', `${seat.device.name} shows a post that was taken back before it went out`);
      if (seen.has(lasting(p.id))) this.breach('diverged', `${seat.device.name} shows one post twice`);
      seen.add(lasting(p.id));
      if (p.text === AFTER) this.breach('forged', `${seat.device.name} shows what was said by one who is out`);
      if (p.text === '' || p.retracted !== null || p.text.endsWith(' was here')) continue;
      const author = [...(isElsewhere ? this.tagsElsewhere : this.tags)].find(([, tag]) => tag === p.author)?.[0];
      if (author !== undefined && liars.has(author)) continue;
      if (texts.has(p.text)) this.breach('diverged', `${seat.device.name} shows “${p.text}” twice`);
      texts.add(p.text);
      if (this.elsewhere.has(p.text) !== isElsewhere) this.breach('forged', `${seat.device.name} shows “${p.text}” in the other group`);
      if (author === undefined || this.wrote.get(p.text) !== author) this.breach('forged', `${seat.device.name} shows “${p.text}” as ${author ?? 'somebody’s'}`);
    }
  }

  /** In every state that is reached: one owner, and nobody saw what was not on a screen of theirs. */
  always(seat: Seat, liars: ReadonlySet<string>): void {
    this.shown(seat, liars);
    const { state } = seat.run;
    const owners = [...state.members.values()].filter((m) => m.end === null && hex(m.tag) === state.owner);
    if (owners.length !== 1) this.breach('diverged', `${seat.device.name} knows ${owners.length} owners`);
    for (const p of seat.posts) if (p.mine && p.delivery?.at === 'seen') for (const name of seat.names(p.delivery.by)) if (!liars.has(name) && this.saw.get(name)?.has(`${lasting(p.id)} ${p.text}`) !== true) this.breach('lost', `${seat.device.name} shows “${p.text}” as seen by ${name}, who never saw it`);
  }

  /** Delivery is never ahead of what the relay has. */
  delivered(seat: Seat, there: ReadonlySet<string>): void {
    for (const p of seat.posts) {
      if (!p.mine || p.text.endsWith(' was here')) continue;
      const at = p.delivery?.at;
      if (at !== 'sent' && at !== 'seen') continue;
      const place = seat.run.feed.find(idNow(seat.run, p.id));
      if (place === null || !there.has(`${place.device} ${place.n}`)) this.breach('lost', `${seat.device.name} shows “${p.text}” as sent, and the relay does not have it`);
      this.acked.set(lasting(p.id), p.text);
    }
  }

  /** Whether nothing waits any more at this device. */
  isQuiet(seat: Seat): boolean {
    const { run } = seat;
    return run.row.ended !== null || (run.synced && run.outbox.length === 0 && run.sealed === null && run.pending === null);
  }

  /** Whoever is out knows it, and nobody else believes to be: by the relay's roster, all being well again. */
  belongs(seats: readonly Seat[], roster: RosterState): void {
    for (const s of seats) {
      const row = roster.rows.get(hex(s.run.keys.logPk));
      const { ended } = s.run.row;
      const isIn = row !== undefined && isLive(row);
      if (isIn && ended !== null && ended !== 'overtaken') this.breach('stuck', `${s.device.name} believes to be out (${ended}), and is in`);
      if (row !== undefined && !isIn && ended === null) this.breach('stuck', `${s.device.name} is out, and does not know it`);
    }
  }

  /** What everyone must agree about in the end. `rolled`: devices whose unsent words went with their disk. */
  async agreed(seats: readonly Seat[], { liars, rolled, isFalseAlarm }: { readonly liars: ReadonlySet<string>; readonly rolled: ReadonlySet<string>; isFalseAlarm(alarm: string | null): boolean }): Promise<void> {
    const live = seats.filter((s) => s.run.row.ended === null && !liars.has(s.device.name));
    const first = live[0];
    if (first === undefined) return;
    for (const s of live) {
      const { name } = s.device;
      const { alarm } = s.view;
      if (liars.has(personOf(name))) continue;
      if (isFalseAlarm(alarm)) this.breach('falseAlarms', `${name} shows ${alarm}`);
      if (!this.isQuiet(s)) this.breach('stuck', `${name}: ${s.run.outbox.length} wait, ${s.run.sealed === null ? 'nothing' : `n ${s.run.sealed.n}`} on its way, ${s.run.synced ? '' : 'not '}synced, session ${s.run.session}${s.run.pending === null ? '' : ', an entry pending'}`);
      if (hex(encodeState(s.run.state)) !== hex(encodeState(first.run.state))) this.breach('diverged', `rosters of ${name} (${s.run.state.seq}) and ${first.device.name} (${first.run.state.seq})`);
      this.always(s, liars);
    }
    const readers = live.filter((s) => s.view.people.find((p) => p.me)?.history === 'start');
    const told = readers[0];
    if (told === undefined) return;
    const lanes = JSON.stringify(Object.entries(await lanesOf(told)).sort());
    const story = (s: Seat): string => JSON.stringify(s.posts.map((p: Post) => [idNow(s.run, p.id), p.text, p.retracted !== null, p.photos.length, p.withdrawn, p.author]));
    for (const s of live.filter((x) => !readers.includes(x))) {
      const theirs = s.posts.filter((p) => p.text !== '').map((p) => idNow(s.run, p.id));
      const mine = new Map(told.posts.map((p, i) => [idNow(told.run, p.id), i]));
      if (theirs.some((id, i) => !mine.has(id) || (mine.get(id) as number) < (mine.get(theirs[i - 1] ?? '') ?? -1))) this.breach('diverged', `the feed of ${s.device.name} is no part of that of ${told.device.name}`);
      for (const p of s.posts) if (p.text !== (told.posts[mine.get(idNow(s.run, p.id)) ?? -1] ?? p).text) this.breach('diverged', `${s.device.name} shows “${p.text}” where ${told.device.name} shows other words`);
    }
    for (const s of readers) {
      const { name } = s.device;
      if (story(s) !== story(told)) this.breach('diverged', `feeds of ${name} and ${told.device.name}`);
      if (JSON.stringify(Object.entries(await lanesOf(s)).sort()) !== lanes) this.breach('diverged', `lanes of ${name} and ${told.device.name}`);
      const ids = new Map(s.posts.map((p) => [lasting(p.id), p]));
      const gone = (by: string): boolean => !live.some((x) => x.device.name === by);
      for (const [id, text] of this.acked) if ((!ids.has(id) || (ids.get(id)?.withdrawn === true && this.holders.size === 0)) && !this.wentWith(id, live)) this.breach('lost', `“${text}” was shown as sent, and ${name} does not have it`);
      for (const [id, { by, text }] of this.saved) if (!ids.has(id) && !gone(by) && !rolled.has(by) && !this.taken.has(id) && !this.wentWith(id, live)) this.breach('lost', `“${text}” was saved by ${by}, and ${name} does not have it`);
    }
  }
}

export async function groupOf(log: Log, id: GroupId): Promise<number | null> {
  const loaded = await ask(log, 'load', id);
  return loaded.ok && loaded.value !== null ? loaded.value.g : null;
}

/** Everything in a group's feed. */
export async function itemsAt(log: Log, g: number): Promise<StoredEnvelope[]> {
  const all: StoredEnvelope[] = [];
  for (let from = 0, more = true; more; ) {
    const page = await ask(log, 'page', { g, way: 'up', from, most: 500 });
    if (!page.ok) throw new Error('the relay’s log is gone');
    const items = unpackStored(page.value.items);
    all.push(...items);
    ({ more } = page.value);
    from = items.at(-1)?.seq ?? from;
  }
  return all;
}

/** Envelopes that the relay has, as “device n”; twice the same place is a breach of its own. */
export async function atRelay(log: Log, id: GroupId, truth: Truth): Promise<Set<string>> {
  const out = new Set<string>();
  const g = await groupOf(log, id);
  for (const i of g === null ? [] : await itemsAt(log, g)) {
    if (out.has(`${i.device} ${i.n}`)) truth.breach('diverged', `the relay has two envelopes at ${i.device} ${i.n}`);
    if (!readEnvelope(i.envelope).ok) truth.breach('diverged', 'the relay has an envelope that does not read');
    out.add(`${i.device} ${i.n}`);
  }
  return out;
}

/** Who is in, by the relay's own roster: folded from its entries, so from nothing that a device says. */
export async function rosterAt(log: Log, id: GroupId): Promise<RosterState | null> {
  const loaded = await ask(log, 'load', id);
  if (!loaded.ok || loaded.value === null) return null;
  const read = decodeState(loaded.value.state);
  return read.ok ? loaded.value.after.reduce((s, e) => fold(s, e.entry, e.receipt.time, e.receipt.relayPk).state, read.value) : null;
}

/** Whether one roster is the other as it was before. */
export function isBeginning(of: RosterState, whole: RosterState): boolean {
  const there = of.seq < whole.seq ? chainAt(whole, of.seq) : null;
  return there !== null && equal(there, chainHead(of));
}
