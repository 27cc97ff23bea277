/**
 * Taking the history of a forked group along to the one that its owner began anew (PROTOCOL §15.9). It is put together from this device's
 * strict rows beside the network, stored whole before anything of it is sent, and then waits in the outbox like any word: what is cut short
 * goes on.
 */
import { sealBlob } from '$crypto/blob';
import type { Bytes, ContentKey } from '$crypto/brand';
import { base64url, equal, hex } from '$crypto/bytes';
import { type CarriedEnvelope, type CarriedNote, type CarriedPart, encodePart, sealNote, signNote } from '$crypto/carried';
import type { ReceiptedEntry } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import type { KeyringItem } from '$crypto/lockbox';
import { rowByDevice } from '$crypto/roster/state';
import { recordsOf } from '../care/lane';
import { scanUpdate } from '../care/lane-scan';
import { type BlobRecord, blobsOf, CARRIED_BLOBS, type CarriedRecord, parseRecord } from '../care/record';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import type { Seen } from '../store/sealed';
import { type Change, StoreError } from '../store/store';
import type { Core } from './core';
import type { GroupRun } from './group-run';
import { drop, type ForkRow, type InboxRow, keyOf, put, putBytes, read, readAllSeen } from './group-rows';
import { unpack } from './pack';
import { blobRecord, blobRef, storedBlob } from './pictures';
import type { CarryingView, GroupRef } from './port';
import { openPlain } from './project';
import { enqueue, pump } from './send';

/** Table `meta`, key `carry/ref` of the new group. `of`: blobs to bring there, 0 while it is being put together from `parts`. */
interface CarryRow { readonly from: GroupRef; readonly parts: readonly BlobRecord[]; readonly of: number }
const ROW = 'carry/';
export const carryRow = (ref: GroupRef, from: GroupRef): Change => put('meta', `${ROW}${ref}`, { from, parts: [], of: 0 } satisfies CarryRow);

const AT_ONCE = 200;
const AGAIN = 60_000;
/** Room in a part for what stands around its items. */
const AROUND = 64;
/** What an item takes beside its own bytes, at most. */
const BESIDE = 256;

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
    const record = (b: readonly string[], sealed?: string): CarriedRecord => ({ i: base64url(random(16)), t: 'carried', a: clock(), b: [...b], ...(sealed === undefined ? {} : { s: sealed }) });
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

/** Every envelope that this device took, as it is, in the order of the feed and of each log: what does not follow in its log is left out with all after it. */
async function* takenOf(old: GroupRun): AsyncGenerator<InboxRow> {
  const heads = new Map<number, LogPlace>();
  const early = new Map<number, Map<number, InboxRow>>();
  for (let after: string | undefined = keyOf.envelope(old.ref, 0); after !== undefined; ) {
    const rows: readonly { key: string; value: Bytes }[] = await old.around.store.range('inbox', keyOf.envelopes(old.ref), { after, most: AT_ONCE });
    for (const row of rows.map((r) => unpack<InboxRow>(r.value))) {
      if (row.state === 'held' || row.n > (old.heads.get(row.device) ?? LOG_START).n) continue;
      const log = early.get(row.device) ?? new Map<number, InboxRow>();
      early.set(row.device, log.set(row.n, row));
      const device = rowByDevice(old.state, row.device);
      for (let at = heads.get(row.device) ?? LOG_START, next = log.get(at.n + 1); device !== null && next !== undefined; next = log.get(at.n + 1)) {
        log.delete(next.n);
        const j = judgeEnvelope(old.state, device, at, next.envelope);
        if (j.is === 'held' || j.is === 'refused') break;
        at = j.next;
        heads.set(row.device, at);
        yield next;
      }
    }
    after = rows.at(-1)?.key;
  }
}

/** Pictures of posts that their authors did not take back, by id. */
class Pictures {
  private readonly of = new Map<string, readonly string[]>();

  constructor(private readonly old: GroupRun) {}

  note(row: InboxRow): void {
    const opened = row.state === 'ok' ? openPlain(this.old, row) : null;
    if (opened === null || !scanUpdate(opened.plain).ok) return;
    for (const r of recordsOf(opened.plain).map(parseRecord)) {
      if (r?.t === 'post' && r.p !== undefined) this.of.set(`${r.i} ${hex(opened.author)}`, blobsOf(r).map((b) => b.b));
      else if (r?.t === 'retract') this.of.delete(`${r.o} ${hex(opened.author)}`);
    }
  }
  get ids(): readonly string[] {
    return [...new Set([...this.of.values()].flat())];
  }
}

/** Fills parts up to their limit, each given away as soon as it is full. */
class PartMaker {
  private index = 0;
  private bytes = 0;
  private now: { entries: ReceiptedEntry[]; keys: KeyringItem[]; envelopes: CarriedEnvelope[] } = { entries: [], keys: [], envelopes: [] };

  constructor(private readonly give: (part: CarriedPart) => Promise<void>) {}

  async add<K extends 'entries' | 'keys' | 'envelopes'>(kind: K, item: CarriedPart[K][number], size: number): Promise<void> {
    const list = this.now[kind] as CarriedPart[K][number][];
    if (this.bytes + size + BESIDE > LIMIT.carriedPart - AROUND || list.length >= LIMIT.carriedItems) await this.end();
    (this.now[kind] as CarriedPart[K][number][]).push(item);
    this.bytes += size + BESIDE;
  }
  async end(): Promise<void> {
    const part = { index: this.index, ...this.now };
    if (this.bytes === 0) return;
    this.index++;
    this.bytes = 0;
    this.now = { entries: [], keys: [], envelopes: [] };
    await this.give(part);
  }
}
