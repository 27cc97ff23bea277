/** What really happened, kept apart from every device, and what must hold of what they show. */
import type { Bytes, ContentKey, GroupId, LogPk } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { isContentKey } from '../../crypto/epoch';
import { readEnvelope } from '../../crypto/envelope';
import { openLockbox } from '../../crypto/lockbox';
import { unpackStored } from '../../crypto/packed';
import { decodeEntry } from '../../crypto/roster/entry';
import { encodeState } from '../../crypto/roster/state';
import { ask, type Log } from '../../relay/log';
import type { Post, Seat } from '../support/circle';
import { lanesOf } from '../support/lanes';
import type { Device } from '../support/world';
import { personOf } from './base';

/** What a schedule can break, as counted in the report. */
export const KINDS = ['lost', 'forged', 'diverged', 'leaked', 'stuck', 'falseAlarms', 'missedForks'] as const;
export type Kind = (typeof KINDS)[number];
export interface Breach { readonly kind: Kind; readonly words: string }

export class Truth {
  readonly breaches: Breach[] = [];
  /** Who wrote these words, ever. */
  readonly wrote = new Map<string, string>();
  /** Posts that a device said were saved, and are to arrive; by post id. */
  readonly saved = new Map<string, { readonly by: string; readonly text: string }>();
  /** Posts that were shown as sent. */
  readonly acked = new Map<string, string>();
  /** Who really had which posts on the screen. */
  readonly saw = new Map<string, Set<string>>();
  /** By post: who had it when the relay lost what it had since a copy was made. */
  private readonly holders = new Map<string, ReadonlySet<Device>>();
  /** Posts whose taking back may or may not have happened. */
  readonly taken = new Set<string>();
  /** Member tags of people by name, as they were when the schedule began. */
  readonly tags = new Map<string, string>();

  breach(kind: Kind, words: string): void {
    if (!this.breaches.some((b) => b.kind === kind && b.words === words)) this.breaches.push({ kind, words });
  }

  /** The relay is about to become an older one: what nobody of these has may be gone for good. */
  noteHolders(live: readonly Seat[]): void {
    const ids = new Map<string, Set<Device>>();
    for (const s of live)
      for (const id of [...this.acked.keys(), ...this.saved.keys()])
        if (s.run.feed.find(id) !== null) ids.set(id, (ids.get(id) ?? new Set()).add(s.device));
    for (const id of [...this.acked.keys(), ...this.saved.keys()]) this.holders.set(id, ids.get(id) ?? new Set());
  }
  /** Whether the last who had it went away before they could give it back. */
  private wentWith(id: string, live: readonly Seat[]): boolean {
    const had = this.holders.get(id);
    return had !== undefined && !live.some((s) => had.has(s.device));
  }

  /** Nothing is shown as somebody's that this person did not write, and no post twice. */
  shown(seat: Seat, liars: ReadonlySet<string>): void {
    const seen = new Set<string>();
    for (const p of seat.posts) {
      if (seen.has(p.id)) this.breach('diverged', `${seat.device.name} shows one post twice`);
      seen.add(p.id);
      if (p.text === '' || p.retracted !== null || p.text.endsWith(' was here')) continue;
      const author = [...this.tags].find(([, tag]) => tag === p.author)?.[0];
      if (author !== undefined && liars.has(author)) continue;
      if (author === undefined || this.wrote.get(p.text) !== author) this.breach('forged', `${seat.device.name} shows “${p.text}” as ${author ?? 'somebody’s'}`);
    }
  }

  /** Delivery is never ahead of what the relay has and of what people saw. */
  delivered(seat: Seat, there: ReadonlySet<string>): void {
    for (const p of seat.posts) {
      if (!p.mine || p.text.endsWith(' was here')) continue;
      const at = p.delivery?.at;
      if (at !== 'sent' && at !== 'seen') continue;
      const place = seat.run.feed.find(p.id);
      if (place === null || !there.has(`${place.device} ${place.n}`)) this.breach('lost', `${seat.device.name} shows “${p.text}” as sent, and the relay does not have it`);
      this.acked.set(p.id, p.text);
      if (p.delivery?.at === 'seen') for (const name of p.delivery.by) if (this.saw.get(name)?.has(p.id) !== true) this.breach('lost', `${seat.device.name} shows “${p.text}” as seen by ${name}, who never saw it`);
    }
  }

  /** Whether nothing waits any more at this device. */
  isQuiet(seat: Seat): boolean {
    const { run } = seat;
    return run.row.ended !== null || (run.synced && run.outbox.length === 0 && run.sealed === null && run.pending === null);
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
      const owners = [...s.run.state.members.values()].filter((m) => m.end === null && hex(m.tag) === s.run.state.owner);
      if (owners.length !== 1) this.breach('diverged', `${name} knows ${owners.length} owners`);
      this.shown(s, liars);
    }
    const readers = live.filter((s) => s.view.people.find((p) => p.me)?.history === 'start');
    const told = readers[0];
    if (told === undefined) return;
    const lanes = JSON.stringify(Object.entries(await lanesOf(told)).sort());
    const story = (s: Seat): string => JSON.stringify(s.posts.map((p: Post) => [p.id, p.text, p.retracted !== null, p.photos.length, p.withdrawn, p.author]));
    for (const s of readers) {
      const { name } = s.device;
      if (story(s) !== story(told)) this.breach('diverged', `feeds of ${name} and ${told.device.name}`);
      if (JSON.stringify(Object.entries(await lanesOf(s)).sort()) !== lanes) this.breach('diverged', `lanes of ${name} and ${told.device.name}`);
      const ids = new Map(s.posts.map((p) => [p.id, p]));
      const gone = (by: string): boolean => !live.some((x) => x.device.name === by);
      for (const [id, text] of this.acked) if (!ids.has(id) && !this.wentWith(id, live)) this.breach('lost', `“${text}” was shown as sent, and ${name} does not have it`);
      for (const [id, { by, text }] of this.saved) if (!ids.has(id) && !gone(by) && !rolled.has(by) && !this.taken.has(id) && !this.wentWith(id, live)) this.breach('lost', `“${text}” was saved by ${by}, and ${name} does not have it`);
    }
  }

  /** What one who is out could open with everything it had, and everything the relay has: nothing that came after. */
  async unreadable(seats: readonly Seat[], log: Log): Promise<void> {
    const witness = seats.find((s) => s.run.row.ended === null);
    if (witness === undefined) return;
    const { state } = witness.run;
    for (const s of seats) {
      const row = s.run.ownRow === null ? undefined : state.rows.get(hex(s.run.keys.logPk));
      if (row?.end == null) continue;
      const later = state.epochs.filter((e) => e.seq > (row.end as { seq: number }).seq);
      for (const e of later) {
        const entry = witness.run.entries[e.seq - 1];
        const d = entry === undefined ? null : decodeEntry(entry.entry);
        if (d === null || !d.ok) continue;
        const place = { prev: d.value.prev, seq: e.seq };
        const fits = (k: ContentKey | null): boolean => k !== null && isContentKey(place, k, e.contentCommit);
        if ([...s.run.keyring.values()].some((k) => fits(k.content))) this.breach('leaked', `${s.device.name} is out and has the keys of ${e.seq}`);
        for (const box of await lockboxesOf(log, state.group, e.seq, state.rows.size)) {
          const opened = openLockbox(s.run.keys.logPk as LogPk, s.run.keys.kem, place, box);
          if (opened.ok && opened.value.some((k) => fits(k.content))) this.breach('leaked', `${s.device.name} is out and a lockbox of ${e.seq} is for it`);
        }
      }
    }
  }
}

async function groupOf(log: Log, id: GroupId): Promise<number | null> {
  const loaded = await ask(log, 'load', id);
  return loaded.ok && loaded.value !== null ? loaded.value.g : null;
}

/** Envelopes that the relay has, as “device n”; twice the same place is a breach of its own. */
export async function atRelay(log: Log, id: GroupId, truth: Truth): Promise<Set<string>> {
  const out = new Set<string>();
  const g = await groupOf(log, id);
  if (g === null) return out;
  for (let from = 0, more = true; more; ) {
    const page = await ask(log, 'page', { g, way: 'up', from, most: 500 });
    if (!page.ok) throw new Error('the relay’s log is gone');
    const items = unpackStored(page.value.items);
    for (const i of items) {
      if (out.has(`${i.device} ${i.n}`)) truth.breach('diverged', `the relay has two envelopes at ${i.device} ${i.n}`);
      if (!readEnvelope(i.envelope as Bytes).ok) truth.breach('diverged', 'the relay has an envelope that does not read');
      out.add(`${i.device} ${i.n}`);
    }
    more = page.value.more;
    from = items.at(-1)?.seq ?? from;
  }
  return out;
}

async function lockboxesOf(log: Log, id: GroupId, seq: number, devices: number): Promise<Bytes[]> {
  const g = await groupOf(log, id);
  if (g === null) return [];
  const all: Bytes[] = [];
  for (let device = 1; device <= devices; device++) {
    const boxes = await ask(log, 'lockboxes', { g, device, after: seq - 1 });
    if (boxes.ok) for (const b of boxes.value.items) if (b.seq === seq) all.push(b.lockbox);
  }
  return all;
}
