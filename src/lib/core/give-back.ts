/**
 * A relay that was restored from a backup gets back what it lost, and this device's places in the feed are made anew (PROTOCOL §11.6).
 * Nothing is sealed again: what was ever sent is given as it was.
 */
import type { BlobId, Bytes } from '$crypto/brand';
import { base64url, equal, hex } from '$crypto/bytes';
import type { AddressedLockbox, FromRelay, GivenEnvelope, ReceiptedEntry } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import { chainAt, chainHead, isEndOf, rowByDevice } from '$crypto/roster/state';
import { LOG_START } from '../group/log';
import type { Change } from '../store/store';
import { noteIn } from './carried-note';
import type { GroupRun } from './group-run';
import { drop, type InboxRow, keyOf, type OwnInviteRow, put, readAll } from './group-rows';
import { envelopesHere } from './inbox';
import { unpack } from './pack';
import { storedBlob } from './pictures';
import { rebuildFeed } from './project';
import { proveKey } from './prove';

type Standing = Extract<FromRelay, { is: 'standing' }>;

/** Entries or envelopes in one frame at most, and their bytes. */
const AT_ONCE = 200;
const FRAME_BYTES = LIMIT.pageBytes - 16_384;

/** Whether the relay's store has been restored since this device took its places in the feed. */
export function isNewLife(run: GroupRun): boolean {
  const { hello } = run.around.link;
  return hello !== null && run.life !== 0 && hello.incarnation > run.life;
}

/** Gives what the relay lacks; false when it did not answer, or stands elsewhere (`isSplit`). */
export async function giveBack(run: GroupRun): Promise<boolean> {
  const before = await show(run);
  if (before === null) return false;
  const at = chainAt(run.state, before.rosterSeq);
  if (at !== null && !equal(at, before.chain)) run.isSplit = true;
  if (run.isSplit || !(await giveEntries(run, before.rosterSeq))) return false;
  if (!(await giveBoxes(run, before.rosterSeq)) || !(await giveEnvelopes(run, before))) return false;
  const now = await show(run);
  if (now === null) return false;
  for (const { value } of await readAll<OwnInviteRow>(run.around.store, 'meta', keyOf.invites(run.ref))) {
    const card = value.card ?? value.kept ?? null;
    if (card !== null) run.cards.set(value.invite, card);
  }
  await giveBlobs(run, now.lacks);
  await loosen(run, before.feed);
  return true;
}

/** After the feed was read behind what both have: this device's places are those of the present life. */
export async function settleLife(run: GroupRun): Promise<void> {
  const moved = run.loose !== null;
  run.loose = null;
  run.life = run.around.link.hello?.incarnation ?? run.life;
  run.row.incarnation = Math.max(run.row.incarnation, run.life);
  await run.commitOrCarryOn([put('group', run.ref, run.row), run.headsRow()]);
  if (moved) await rebuildFeed(run);
}

export async function show(run: GroupRun): Promise<Standing | null> {
  const { n, hash } = run.ownHead;
  const f = await run.around.link.ask({ is: 'show', group: run.row.id, life: run.life, rosterSeq: run.state.seq, chain: chainHead(run.state), n, hash });
  return f?.is === 'standing' ? f : null;
}

/** Entries after roster seq `after`, with their receipts. */
export async function giveEntries(run: GroupRun, after: number): Promise<boolean> {
  for (const items of parts(run.entries.slice(after), (e) => e.entry.length + 200)) {
    const f = await run.around.link.ask({ is: 'give-entries', group: run.row.id, items: items.map(({ entry, receipt }): ReceiptedEntry => ({ entry, receipt })) });
    if (f?.is === 'refused' && f.why === 'conflict') run.isSplit = true;
    if (f?.is !== 'done') return false;
  }
  return true;
}

/**
 * From a device that is out, what ended it: a restored relay may have lost that, and nobody else have heard of it. Then the words that it
 * was to end with, which may be here alone as well. It does so once in a life of the relay, and is silent otherwise.
 */
export async function giveEnd(run: GroupRun): Promise<void> {
  const { link } = run.around;
  const own = run.ownRow;
  const last = run.entries.at(-1);
  if (own?.end == null || last === undefined || !isNewLife(run) || !link.speaksFor(last.receipt.relayPk)) return;
  // the newest alone tells where the relay stands
  const f = await link.ask({ is: 'give-entries', group: run.row.id, items: [{ entry: last.entry, receipt: last.receipt }] });
  if (f?.is === 'refused' && f.why === 'behind') await giveEntries(run, f.detail.n);
  else if (f === null || (f.is === 'refused' && f.why === 'unavailable')) return;
  const session = await proveKey(run.around, 'log', run.row.id, { pk: run.keys.logPk, sk: run.keys.logSk });
  if (session === null) return;
  if (session.is === 'gone' && !(await giveOwnEnd(run, own.device, own.end.cut.n))) return;
  await settleLife(run);
}

/** The run to the cut of this device's own log, in one frame: from one who is out nothing shorter counts. */
async function giveOwnEnd(run: GroupRun, device: number, cut: number): Promise<boolean> {
  const log: GivenEnvelope[] = [];
  for await (const rows of envelopesHere(run)) for (const { row } of rows) if (row.device === device && row.n <= cut) log.push({ device, n: row.n, time: row.time, envelope: row.envelope });
  const items = lastOf(log.sort((a, b) => a.n - b.n));
  return items.length === 0 || give(run, items);
}

/** Lockboxes that this device made: nobody else has those of the others. */
async function giveBoxes(run: GroupRun, after: number): Promise<boolean> {
  const rows = await run.around.store.range('roster', keyOf.boxes(run.ref), { after: keyOf.boxesOf(run.ref, after) });
  for (const { key, value } of rows) {
    const seq = Number(key.slice(keyOf.boxes(run.ref).length));
    for (const boxes of parts(unpack<AddressedLockbox[]>(value), (b) => b.lockbox.length + 40)) {
      if (!isJudged(await run.around.link.ask({ is: 'give-boxes', group: run.row.id, seq, boxes }))) return false;
    }
  }
  return true;
}

/** Envelopes of every log of which more is here than there, in the order in which they stood; own sealed bytes behind them. */
async function giveEnvelopes(run: GroupRun, { heads }: Standing): Promise<boolean> {
  const there = new Map(heads.map((h) => [h.device, h]));
  const toGive: GivenEnvelope[] = [];
  const off = new Set<number>();
  for (const [device, at] of run.heads) {
    const row = rowByDevice(run.state, device);
    const h = there.get(device);
    // there the log may have gone another way than to the end that it has here
    const isWhole = row !== null && isEndOf(run.state, row, at);
    if (isWhole && h !== undefined && h.n >= at.n && !equal(h.hash, at.hash)) off.add(device);
  }
  const ended = new Map<number, GivenEnvelope[]>();
  for await (const rows of envelopesHere(run)) {
    for (const { device, n, time, envelope, prev } of rows.map((r) => r.row)) {
      const h = there.get(device) ?? { ...LOG_START, device };
      // the first beyond what is there shows whether the two agree
      if (n === h.n + 1 && prev !== null && !equal(prev, h.hash) && rowByDevice(run.state, device)?.end != null) off.add(device);
      if (rowByDevice(run.state, device)?.end != null) ended.set(device, [...(ended.get(device) ?? []), { device, n, time, envelope }]);
      if (n > h.n) toGive.push({ device, n, time, envelope });
    }
  }
  const own = run.ownRow;
  if (run.sealed !== null && own !== null) toGive.push({ device: own.device, n: run.sealed.n, time: run.around.clock(), envelope: run.sealed.bytes });
  for (const items of parts(toGive.filter((e) => !off.has(e.device)), (e) => e.envelope.length + 32)) if (!(await give(run, items))) return false;
  for (const device of off) {
    // whole, in one frame: only a run that ends where the log ends counts above what is there
    const upTo = (run.heads.get(device) ?? LOG_START).n;
    const items = lastOf((ended.get(device) ?? []).filter((e) => e.n <= upTo).sort((a, b) => a.n - b.n));
    if (items.length > 0 && !(await give(run, items))) return false;
  }
  return true;
}

const give = async (run: GroupRun, items: readonly GivenEnvelope[]): Promise<boolean> => isJudged(await run.around.link.ask({ is: 'give', group: run.row.id, items }));

/** Whether the relay took what it could use of it. One that could not keep anything is given it again. */
const isJudged = (f: FromRelay | null): boolean => f !== null && !(f.is === 'refused' && f.why === 'unavailable');

/** As many of the last as fit in one frame. */
function lastOf(run: readonly GivenEnvelope[]): GivenEnvelope[] {
  let bytes = 0;
  return run.filter((_, i) => run.slice(i).length <= AT_ONCE).filter((_, i, some) => {
    if (i === 0) bytes = some.reduce((sum, e) => sum + e.envelope.length + 32, 0);
    const fits = bytes <= FRAME_BYTES;
    bytes -= (some[i]?.envelope.length ?? 0) + 32;
    return fits;
  });
}

/** Blobs that the relay lacks and this device has: what waits to be uploaded at once, what is only cached beside the turn. */
async function giveBlobs(run: GroupRun, lacks: readonly BlobId[]): Promise<void> {
  const { store, blobs, failed } = run.around;
  const { bearer } = run;
  if (bearer === null) return;
  const carry = async (id: BlobId, ciphertext: Bytes | null): Promise<void> => {
    if (ciphertext !== null) await blobs.put(hex(run.row.id), hex(id), base64url(bearer), ciphertext);
  };
  // pictures of a history that was brought along lie with the group that they are of
  const note = noteIn(run);
  const old = note === null ? null : run.around.history(note);
  const cached: BlobId[] = [];
  for (const id of lacks) {
    const waiting = await store.get('upload', run.blobKey(base64url(id)));
    if (waiting !== null) await carry(id, waiting);
    else cached.push(id);
  }
  void (async () => {
    for (const id of cached) await carry(id, (await store.cacheGet('blob', run.blobKey(base64url(id)))) ?? (old === null ? null : await storedBlob(old, base64url(id))));
  })().catch(failed);
}

/** Rows beyond feed seq `base` give up their places; they keep their own keys until the feed shows them again. */
async function loosen(run: GroupRun, base: number): Promise<void> {
  const loose: NonNullable<GroupRun['loose']> = new Map();
  for await (const rows of envelopesHere(run, base)) {
    const moves: Change[] = [];
    for (const { key, row } of rows) {
      if (row.seq <= base) continue;
      const own: InboxRow = { ...row, loose: true };
      const at = keyOf.inbox(run.ref, own);
      if (key !== at) moves.push(put('inbox', at, own), drop('inbox', key));
      loose.set(`${row.device} ${row.n}`, { key: at, row: own });
    }
    if (moves.length > 0) await run.commitOrCarryOn(moves);
  }
  run.cursor = Math.min(run.cursor, base);
  for (const [device, held] of run.held) run.held.set(device, held.filter((h) => h.seq <= base));
  run.loose = loose;
  await run.commitOrCarryOn([run.headsRow()]);
}

/** In their order, so many and so large as one frame carries. */
function parts<T>(all: readonly T[], size: (t: T) => number): T[][] {
  const out: T[][] = [];
  let bytes = Infinity;
  for (const t of all) {
    bytes += size(t);
    if (bytes > FRAME_BYTES || (out.at(-1)?.length ?? 0) >= AT_ONCE) {
      out.push([]);
      bytes = size(t);
    }
    out.at(-1)?.push(t);
  }
  return out;
}
