/** The outbox on its way out (PROTOCOL §5.4): records are sealed only when they are sent, after the roster is up to date. */
import { base64url, equal, unbase64url } from '$crypto/bytes';
import type { BlobId, Bytes } from '$crypto/brand';
import { envelopeHash, readEnvelope, sealEnvelope } from '$crypto/envelope';
import type { FromRelay, StoredEnvelope } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import { chainAt, chainHead, currentEpoch, liveMembers, owedAt } from '$crypto/roster/state';
import { sealEdit } from '$crypto/sealed-edit';
import { LaneWriter } from '../care/lane';
import { blobIdsOf, type CareRecord, epochOf, recordIdOf } from '../care/record';
import type { Change } from '../store/store';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, keyOf, put, putWaiting, type SealedRow } from './group-rows';
import { isHeld } from './hold';
import { pack } from './pack';
import { takeEnvelopes } from './receive';
import { renewWaiting } from './renew';
import { noSpaceFor, spaceFor, uploadSoon } from './upload';

const RECORDS_MOST = 200;
/** Bytes of records in one envelope; a Yjs update adds a few. */
const RECORD_BYTES = LIMIT.plaintext - 4096;

/** Saves records here before anything else; they are sent when their hold is over. */
export async function enqueue(run: GroupRun, records: readonly { record: CareRecord; heldUntil: number }[], more: Parameters<GroupRun['commit']>[0] = []): Promise<OutboxItem[]> {
  const items = records.map(({ record, heldUntil }): OutboxItem => {
    const made = run.nextMade();
    return { record, heldUntil, made, changed: false, key: keyOf.outbox(run.ref, made) };
  });
  await run.commit([...items.map(putWaiting), ...more]);
  run.outbox.push(...items);
  return items;
}

/** Changes what waits, in memory first: whatever is sealed meanwhile is the new version. */
export async function replaceItem(run: GroupRun, item: OutboxItem, record: CareRecord, more: readonly Change[] = []): Promise<void> {
  const changed = { ...item, record, changed: true };
  run.outbox = run.outbox.map((o) => (o === item ? changed : o));
  await run.commit([putWaiting(changed), ...more]);
}

/** Whether this device has a place in the group from which it can say something. */
export const maySay = (run: GroupRun): boolean => run.stored && run.row.ended === null && run.ownRow?.end === null;
/** Saves a word that the device says by itself, under a fresh id and the time. */
export async function say(run: GroupRun, word: (at: Pick<CareRecord, 'i' | 'a'>) => CareRecord, more: Parameters<typeof enqueue>[2] = []): Promise<void> {
  await run.local.take(async () => void (await enqueue(run, [{ record: word({ i: run.newId(), a: run.around.clock() }), heldUntil: 0 }], more)));
}

/** Sends what may be sent now. Called inside the group's turn whenever something changed. */
export async function pump(run: GroupRun): Promise<void> {
  wakeAfterHold(run);
  if (run.session !== 'live' || !run.synced || run.isOutdated || run.row.ended !== null || run.isSilent || run.ownRow === null) return;
  await dropStale(run);
  if (run.sealed === null) await seal(run);
  if (lacksPicture(run)) return uploadSoon(run, pump);
  if (run.sealed !== null && run.inFlight !== run.sealed) {
    run.inFlight = run.sealed;
    run.around.link.tell({ is: 'append', group: run.row.id, n: run.sealed.n, envelope: run.sealed.bytes });
  }
}

/** Blobs that the records of the sealed envelope refer to. */
const blobsOfSealed = (run: GroupRun): string[] => run.outbox.filter((o) => run.sealed?.keys.includes(o.key)).flatMap((o) => blobIdsOf(o.record));
/** The relay forgot a picture that no envelope named in time: it goes again, and then the sealed bytes. */
export const lacksPicture = (run: GroupRun): boolean =>
  run.sealed !== null && run.refused?.sealed === run.sealed && run.refused.why === 'no-blob' && !blobsOfSealed(run).every((b) => run.uploaded.has(b));

/** The next envelope, from the records whose time has come and whose blobs the relay holds. */
async function seal(run: GroupRun): Promise<void> {
  if (owedAt(run.state, run.state.seq)) return;
  const epoch = currentEpoch(run.state).seq;
  const content = run.keyring.get(epoch)?.content;
  const row = run.ownRow;
  if (content == null || row === null) return;
  await renewWaiting(run);
  const now = run.around.clock();
  const ready: { readonly key: string; readonly record: CareRecord }[] = [];
  let bytes = 0;
  let blobs: string[] = [];
  const waits = new Set<string>();
  for (const o of run.outbox) {
    const its = blobIdsOf(o.record);
    const isLate = !isHeld(o, now) && !its.every((b) => run.uploaded.has(b));
    if (isLate) uploadSoon(run, pump);
    // what is said of a record never leaves ahead of it: its id is not for certain yet
    if (isLate || isHeld(o, now) || waits.has(saidOf(run, o.record))) {
      waits.add(o.record.i);
      continue;
    }
    const record = outgoing(run, o);
    const size = pack(record).length;
    if (ready.length > 0 && (bytes + size > RECORD_BYTES || ready.length >= RECORDS_MOST || blobs.length + its.length > LIMIT.blobsPerEnvelope)) break;
    ready.push({ key: o.key, record });
    bytes += size;
    blobs = [...blobs, ...its];
  }
  if (ready.length === 0) return;
  if (run.writer === null || run.writer.epoch !== epoch) run.writer = new LaneWriter(row.device, epoch, run.around.random);
  const at = run.ownHead;
  const context = { group: run.state.group, logPk: run.keys.logPk, prev: at.hash, roster: chainHead(run.state) };
  const header = { n: at.n + 1, rosterSeq: run.state.seq, epoch, blobs: blobs.map((b) => unbase64url(b) as Bytes as BlobId) };
  const envelope = sealEnvelope(context, header, run.writer.write(ready.map((o) => o.record)), content, run.keys.logSk, run.around.random);
  const sealed: SealedRow = { n: header.n, bytes: envelope, keys: ready.map((o) => o.key) };
  // first in memory: from here on nothing inside may change in place
  run.sealed = sealed;
  try {
    await run.commit([put('sealed', keyOf.sealed(run.ref), sealed)]);
  } catch (e) {
    run.sealed = null;
    run.writer = null;
    throw e;
  }
}

/** The own post that a record is said of, by its record id; empty where it is said of none. */
export function saidOf(run: GroupRun, r: CareRecord): string {
  if (r.t === 'edit' || r.t === 'retract') return r.o;
  return r.t === 'post' && r.r?.endsWith(`.${run.me}`) === true ? recordIdOf(r.r) : '';
}

/** As it leaves: new words of a post that not everybody here can read are for those alone who can (PROTOCOL §15.4). */
function outgoing(run: GroupRun, { record }: OutboxItem): CareRecord {
  if (record.t !== 'edit' || liveMembers(run.state).every((m) => m.horizon <= epochOf(record.o))) return record;
  const content = run.keyring.get(epochOf(record.o))?.content;
  if (content == null) return record;
  const { x, ...rest } = record;
  const at = { group: run.state.group, author: run.row.tag, post: unbase64url(record.o) as Bytes };
  return { ...rest, t: 'sealed-edit', s: base64url(sealEdit(content, at, x, run.around.random)) };
}

/** Nothing waits to be taken back any more. */
export async function endHolds(run: GroupRun): Promise<void> {
  await run.local.take(async () => {
    const now = run.around.clock();
    const held = run.outbox.filter((o) => isHeld(o, now));
    if (held.length === 0) return;
    const free = held.map((o) => ({ ...o, heldUntil: 0 }));
    run.outbox = run.outbox.map((o) => free[held.indexOf(o)] ?? o);
    await run.commit(free.map(putWaiting));
  });
}

/** Comes back when the next hold is over, without a network too: what can't be undone any more must not say that it can. */
export function wakeAfterHold(run: GroupRun): void {
  const now = run.around.clock();
  const next = Math.min(...run.outbox.filter((o) => isHeld(o, now)).map((o) => o.heldUntil));
  run.wakeUp?.();
  run.wakeUp = null;
  if (next === Infinity) return;
  run.wakeUp = run.around.later(next - now + 5, () => {
    run.around.changed(run.ref, 'feed', null);
    run.around.turn(run, () => pump(run));
  });
}

/** The relay stored our envelopes. */
export async function acked(run: GroupRun, items: Extract<FromRelay, { is: 'acks' }>['items']): Promise<'all' | 'gap' | 'alarm'> {
  const device = run.ownRow?.device;
  const { sealed } = run;
  const found = items.flatMap((i): StoredEnvelope[] =>
    run.sealed !== null && run.sealed.n === i.n && device !== undefined ? [{ device, n: i.n, seq: i.seq, time: i.time, envelope: run.sealed.bytes }] : []
  );
  const took = await takeEnvelopes(run, found);
  run.inFlight = null;
  if (found.length > 0) spaceFor(run, 'words');
  if (took !== 'all' || found.length === 0 || run.sealed !== sealed) return took;
  // something else was shown in its place, which lies behind: sent again it would be acked so for ever
  run.suspect = true;
  return 'gap';
}

/** The relay did not take our envelope. Says what the session should do next. */
export async function appendRefused(run: GroupRun, f: Extract<FromRelay, { is: 'refused' }>): Promise<'fetch' | 'wait'> {
  const sealed = run.sealed;
  run.inFlight = null;
  if (sealed === null || f.re !== sealed.n) return 'fetch';
  if (f.why === 'stale') run.staleNamed = names(run, sealed, f.detail) ? sealed : null;
  if (f.why === 'no-blob') run.uploaded.clear();
  const again = run.refused?.sealed === sealed && run.refused.why === f.why;
  run.refused = { sealed, why: f.why };
  if (f.why === 'quota' || f.why === 'full') noSpaceFor(run, 'words', f.why === 'quota' ? 'group' : 'server');
  return !again && (f.why === 'stale' || f.why === 'gap' || f.why === 'conflict') ? 'fetch' : 'wait';
}

/** Whether a refusal names exactly these bytes, and a log that ends just before them. */
function names(run: GroupRun, sealed: SealedRow, detail: { readonly n: number; readonly hash: Uint8Array }): boolean {
  const read = readEnvelope(sealed.bytes);
  const roster = read.ok ? chainAt(run.state, read.value.header.rosterSeq) : null;
  if (roster === null || detail.n !== sealed.n - 1 || run.ownHead.n !== detail.n) return false;
  return equal(detail.hash, envelopeHash({ group: run.state.group, logPk: run.keys.logPk, prev: run.ownHead.hash, roster }, sealed.bytes));
}

/**
 * Number n is sealed again only when the relay named exactly these bytes, stands just before them, and the receipted roster shows why:
 * a fence beyond the roster seq they name. Otherwise a lying relay could collect two envelopes at one n.
 */
async function dropStale(run: GroupRun): Promise<void> {
  const sealed = run.sealed;
  if (sealed === null || run.staleNamed !== sealed) return;
  const read = readEnvelope(sealed.bytes);
  if (!read.ok || read.value.header.rosterSeq >= run.state.fence) return;
  await run.commit([drop('sealed', keyOf.sealed(run.ref))]);
  run.sealed = null;
  run.staleNamed = null;
  run.writer = null;
}
