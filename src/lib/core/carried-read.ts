/**
 * Reading what was brought along from a forked group (PROTOCOL §15.9): fetched when its person asks, checked as a whole, and kept as a group
 * of its own that is for reading alone. What does not hold together leaves nothing behind.
 */
import { openBlob } from '$crypto/blob';
import type { MemberTag } from '$crypto/brand';
import { type CarriedNote, decodePart } from '$crypto/carried';
import { err, ok, type Result } from '$crypto/result';
import { encodeState } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import type { Change } from '../store/store';
import { CarriedCheck, type Checked, type CheckFault } from './carried-check';
import { groupOf, noteIn } from './carried-note';
import type { Core } from './core';
import { GroupRun } from './group-run';
import { drop, type GroupRow, type HeadsRow, keyOf, put, putBytes, readAllSeen } from './group-rows';
import { nameOf } from './group-view';
import { blobBytes, blobRecord } from './pictures';
import type { Fault, GroupRef } from './port';
import { catchUpFeed } from './project';

/** Table `meta`, key `reading/ref`: rows under `ref` are of a reading that is under way; one that was cut short goes. */
const ROW = 'reading/';
const PART = 40;

const faultOf = (fault: CheckFault): Fault => (fault === 'outdated' ? 'outdated' : 'bad-history');

export class Readings {
  private readonly going = new Map<GroupRef, Promise<Result<GroupRef, Fault>>>();

  constructor(private readonly core: Core) {}

  /** Drops what an earlier life of this device left unfinished. */
  async resume(meta: Seen): Promise<void> {
    for (const { key } of readAllSeen<true>(meta, ROW)) await this.discard(key.slice(ROW.length));
  }

  /** Beside the group's turn; a second call waits for the first. */
  read(run: GroupRun): Promise<Result<GroupRef, Fault>> {
    const now = this.going.get(run.ref) ?? this.begin(run).finally(() => this.going.delete(run.ref));
    this.going.set(run.ref, now);
    return now;
  }

  private async begin(run: GroupRun): Promise<Result<GroupRef, Fault>> {
    const { core } = this;
    const note = noteIn(run);
    if (note === null) return err('not-found');
    const there = groupOf(core.groups.values(), note);
    if (there !== null) return ok(there.ref);
    const ref = core.newRef();
    await core.needStore().commit([put('meta', `${ROW}${ref}`, true)]);
    let read: Result<Checked, Fault> | null = null;
    try {
      read = await this.fetch(run, note, ref);
      if (!read.ok) return read;
      await this.keep(run, note, ref, read.value);
      return ok(ref);
    } finally {
      if (read?.ok !== true || !core.groups.has(ref)) await this.discard(ref).catch(() => undefined);
      this.at(run, read !== null && !read.ok && read.fault === 'bad-history' ? 'wrong' : null);
    }
  }
  private async discard(ref: GroupRef): Promise<void> {
    const store = this.core.needStore();
    await store.dropPrefix(ref);
    await store.commit([drop('meta', `${ROW}${ref}`)]);
  }
  private at(run: GroupRun, reading: GroupRun['reading']): void {
    run.reading = reading;
    run.around.changed(run.ref, 'group', null);
  }

  /** Part after part: fetched, checked, and what it holds of the inbox written under `ref`, which is no group yet. */
  private async fetch(run: GroupRun, note: CarriedNote, ref: GroupRef): Promise<Result<Checked, Fault>> {
    const store = this.core.needStore();
    const check = new CarriedCheck(note, run.around.knows);
    for (const [i, blob] of note.parts.entries()) {
      this.at(run, { done: i, of: note.parts.length });
      const ciphertext = await blobBytes(run, blobRecord(blob));
      if (typeof ciphertext === 'string') return err(ciphertext === 'not-found' ? 'unavailable' : ciphertext);
      const plain = openBlob(blob, ciphertext);
      const part = plain.ok ? decodePart(plain.value) : plain;
      if (!part.ok) return err(part.fault === 'version' ? 'outdated' : 'bad-history');
      const opened = check.open(part.value);
      if (!opened.ok) return err(faultOf(opened.fault));
      // a few at a time: whoever writes meanwhile does not wait for all of them
      for (let at = 0; at < part.value.envelopes.length; at += PART) {
        const rows: Change[] = [];
        for (const e of part.value.envelopes.slice(at, at + PART)) {
          const judged = check.judge(e);
          if (!judged.ok) return err(faultOf(judged.fault));
          rows.push(put('inbox', keyOf.envelope(ref, judged.value.seq), judged.value));
        }
        await store.commit(rows);
      }
    }
    const checked = check.finish();
    return checked.ok ? checked : err(faultOf(checked.fault));
  }

  private async keep(run: GroupRun, note: CarriedNote, ref: GroupRef, checked: Checked): Promise<void> {
    const { core } = this;
    const { random, clock } = core.ports;
    const last = checked.entries.at(-1)?.receipt;
    const row: GroupRow = {
      id: note.group, logSeed: random(32), kemSeed: random(32), tag: random(16) as MemberTag, made: clock(), relayPk: last?.relayPk ?? null, incarnation: last?.incarnation ?? 0, unsent: null, ended: 'carried',
      carried: { by: nameOf(run, run.feed.index.carried?.member ?? ''), through: run.ref, proven: checked.isProven, lacksKeys: checked.lacksKeys }
    };
    const heads: HeadsRow = { cursor: checked.envelopes, heads: [...checked.heads], held: [], lockboxes: 0, suspect: false, life: row.incarnation, verified: [] };
    const entries: Change[] = checked.entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e));
    const store = core.needStore();
    for (let at = 0; at < entries.length; at += PART) await store.commit(entries.slice(at, at + PART));
    // from here on it is a group
    await store.commit([
      put('group', ref, row), putBytes('roster', keyOf.state(ref), encodeState(checked.state)), put('roster', keyOf.keyring(ref), [...checked.keyring]), put('inbox', keyOf.heads(ref), heads), drop('meta', `${ROW}${ref}`)
    ]);
    const archive = await GroupRun.open(ref, row, core.around());
    await catchUpFeed(archive);
    core.groups.set(ref, archive);
    // its parts have done their work; what is asked for again comes from the relay
    await store.cacheCommit(note.parts.map((p) => ({ table: 'blob' as const, key: run.blobKey(blobRecord(p).b), value: null }))).catch(() => undefined);
    core.views.touch('home', null);
    run.around.changed(run.ref, 'feed', null);
  }
}
