/**
 * Taking the history of a forked group along to the one that its owner began anew (PROTOCOL §15.9). It is put together from this device's
 * strict rows beside the network, stored whole before anything of it is sent, and then waits in the outbox like any word: what is cut short
 * goes on.
 */
import { sealBlob } from '$crypto/blob';
import type { Bytes, ContentKey } from '$crypto/brand';
import { base64url, equal } from '$crypto/bytes';
import { type CarriedNote, type CarriedPart, encodePart, sealNote, signNote } from '$crypto/carried';
import { LIMIT } from '$crypto/limits';
import { type BlobRecord, CARRIED_BLOBS, type CarriedRecord } from '../care/record';
import type { Seen } from '../store/sealed';
import { type Change, StoreError } from '../store/store';
import { PartMaker, Pictures, takenOf } from './carried-parts';
import type { Core } from './core';
import type { GroupRun } from './group-run';
import { drop, type ForkRow, keyOf, put, putBytes, read, readAllSeen } from './group-rows';
import { blobRecord, blobRef, storedBlob } from './pictures';
import type { CarryingView, GroupRef } from './port';
import { enqueue, pump } from './send';

/** Table `meta`, key `carry/ref` of the new group. `of`: blobs to bring there, 0 while it is being put together from `parts`. */
interface CarryRow { readonly from: GroupRef; readonly parts: readonly BlobRecord[]; readonly of: number }
const ROW = 'carry/';
export const carryRow = (ref: GroupRef, from: GroupRef): Change => put('meta', `${ROW}${ref}`, { from, parts: [], of: 0 } satisfies CarryRow);

const AGAIN = 60_000;

/** What one new group still has to be brought, while it stands. */
export class Carrying {
  private isStopped = false;
  private isFull = false;
  private isTooLarge = false;
  private going: Promise<void> | null = null;

  constructor(private readonly core: Core, readonly run: GroupRun, private row: CarryRow) {}

  get from(): GroupRef {
    return this.row.from;
  }
  get view(): CarryingView {
    const left = this.waiting.flatMap((o) => o.record.b).filter((b) => !this.run.uploaded.has(b)).length;
    return { done: Math.max(0, this.row.of - left), of: this.row.of, stuck: this.isTooLarge ? 'too-large' : this.isFull ? 'full' : null };
  }
  private get waiting(): { readonly key: string; readonly record: CarriedRecord }[] {
    return this.run.outbox.flatMap(({ key, record }) => (record.t === 'carried' ? [{ key, record }] : []));
  }
  /** A picture of the old group, as long as that is here. */
  async lend(blob: string): Promise<Bytes | null> {
    const old = this.core.groups.get(this.row.from);
    return old === undefined ? null : storedBlob(old, blob);
  }

  /** Puts it together, unless that is done; sees whether all of it has gone. */
  go(): Promise<void> {
    return (this.going ??= this.goOn().finally(() => {
      this.going = null;
      this.run.around.changed(this.run.ref, 'group', null);
    }));
  }
  private async goOn(): Promise<void> {
    if (this.isTooLarge || this.isStopped) return;
    try {
      if (this.row.of === 0) await this.build();
      if (this.row.of > 0 && this.waiting.length === 0) await this.end();
      this.isFull = false;
    } catch (e) {
      if (!(e instanceof StoreError) || e.fault !== 'full') throw e;
      this.isFull = true;
      this.core.ports.later(AGAIN, () => void this.go().catch((x: unknown) => this.core.failed(x)));
    }
  }
  /** What was sent stays there; nothing more goes. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.going?.catch(() => undefined);
    await this.run.local.take(async () => {
      const gone = this.waiting.filter((o) => this.run.sealed?.keys.includes(o.key) !== true);
      this.run.outbox = this.run.outbox.filter((o) => !gone.some((g) => g.key === o.key));
      const blobs = [...this.row.parts.map((p) => p.b), ...gone.flatMap((g) => g.record.b)];
      await this.run.commit([...gone.map((g) => drop('outbox', g.key)), ...blobs.map((b) => drop('upload', this.run.blobKey(b)))]);
    });
    await this.end();
  }
  private async end(): Promise<void> {
    await this.core.needStore().commit([drop('meta', `${ROW}${this.run.ref}`)]);
    this.run.carrying = null;
    this.run.around.changed(this.run.ref, 'group', null);
  }

  private async build(): Promise<void> {
    const { core, run } = this;
    const old = core.groups.get(this.row.from);
    const first = run.keyring.get(1)?.content;
    if (old === undefined || first == null) return this.end();
    // what an earlier try left; nothing of it was sent
    if (this.row.parts.length > 0) await this.keep([], this.row.parts.map((p) => drop('upload', run.blobKey(p.b))));
    const parts = new PartMaker((part) => this.keepPart(part));
    for (const { entry, receipt } of old.entries) await parts.add('entries', { entry, receipt }, entry.length);
    const keys = [...old.keyring.values()].sort((a, b) => a.epoch - b.epoch);
    for (const k of keys) await parts.add('keys', { epoch: k.epoch, roster: k.roster, content: k.content }, 0);
    const pictures = new Pictures(old);
    let envelopes = 0;
    for await (const row of takenOf(old)) {
      if (this.isStopped || core.out !== null) return;
      await parts.add('envelopes', { device: row.device, n: row.n, time: row.time, envelope: row.envelope }, row.envelope.length);
      pictures.note(row);
      envelopes++;
    }
    await parts.end();
    if (this.row.parts.length > LIMIT.carriedParts) {
      await this.keep([], this.row.parts.map((p) => drop('upload', run.blobKey(p.b))));
      this.isTooLarge = true;
      return;
    }
    const note: CarriedNote = {
      group: old.row.id, entries: old.entries.length, keys: keys.length, envelopes, fork: await proofOf(old), parts: this.row.parts.map((p) => blobRef(p)), by: old.keys.logPk
    };
    if (!this.isStopped) await this.send(first, signNote(run.row.id, note, old.keys.logSk), pictures.ids);
  }
  private async keepPart(part: CarriedPart): Promise<void> {
    const { random } = this.core.ports;
    const blob = sealBlob(encodePart(part), random);
    const record = blobRecord(blob);
    await this.keep([...this.row.parts, record], [putBytes('upload', this.run.blobKey(record.b), blob.ciphertext)]);
    this.run.around.changed(this.run.ref, 'group', null);
  }
  private async keep(parts: readonly BlobRecord[], more: readonly Change[]): Promise<void> {
    const row: CarryRow = { ...this.row, parts };
    await this.core.needStore().commit([...more, put('meta', `${ROW}${this.run.ref}`, row)]);
    this.row = row;
  }
  /** All that is to be said of it, in one step: the note as soon as its parts are there, then the pictures. */
  private async send(first: ContentKey, note: Bytes, pictures: readonly string[]): Promise<void> {
    const { run, core } = this;
    const { random, clock } = core.ports;
    const parts = this.row.parts.map((p) => p.b);
    const s = base64url(sealNote(run.row.id, first, note, random));
    const record = (b: readonly string[], sealed?: string): CarriedRecord => ({ i: run.newId(), t: 'carried', a: clock(), b: [...b], ...(sealed === undefined ? {} : { s: sealed }) });
    // the last of the parts go with the note
    const cut = Math.max(0, Math.ceil(parts.length / CARRIED_BLOBS) - 1) * CARRIED_BLOBS;
    const records = [...inFours(parts.slice(0, cut)).map((b) => record(b)), record(parts.slice(cut), s), ...inFours(pictures).map((b) => record(b))];
    const row: CarryRow = { from: this.row.from, parts: [], of: parts.length + pictures.length };
    await run.local.take(() => enqueue(run, records.map((r) => ({ record: r, heldUntil: 0 })), [put('meta', `${ROW}${run.ref}`, row)]));
    this.row = row;
    core.inGroupTurn(run, () => pump(run));
  }
}

/** Those that stand, for the groups that are here. */
export async function resumeCarrying(core: Core, meta: Seen): Promise<void> {
  for (const { key, value } of readAllSeen<CarryRow>(meta, ROW)) {
    const run = core.groups.get(key.slice(ROW.length));
    if (run === undefined || run.row.ended !== null) await core.needStore().commit([drop('meta', key)]);
    else beginCarrying(core, run, value);
  }
}
/** From now on; `row` as it was stored with the group. */
export function beginCarrying(core: Core, run: GroupRun, row: Pick<CarryRow, 'from'> & Partial<CarryRow>): void {
  const carrying = new Carrying(core, run, { parts: [], of: 0, ...row });
  run.carrying = carrying;
  void carrying.go().catch((e: unknown) => core.failed(e));
}

const inFours = (ids: readonly string[]): string[][] => Array.from({ length: Math.ceil(ids.length / CARRIED_BLOBS) }, (_, i) => ids.slice(i * CARRIED_BLOBS, (i + 1) * CARRIED_BLOBS));

/** The receipt of another history at a place that this one has too; null where the two were never seen side by side. */
async function proofOf(old: GroupRun): Promise<CarriedNote['fork']> {
  const theirs = (await read<ForkRow>(old.around.store, 'roster', keyOf.fork(old.ref)))?.theirs.receipt;
  const ours = theirs === undefined ? undefined : old.entries[theirs.seq - 1]?.receipt;
  const isProof = theirs !== undefined && ours !== undefined && equal(ours.relayPk, theirs.relayPk) && ours.incarnation === theirs.incarnation && !equal(ours.chain, theirs.chain);
  return isProof ? theirs : null;
}
