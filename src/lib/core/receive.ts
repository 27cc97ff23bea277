/** What arrives from the relay for one group: roster entries, lockboxes, envelopes. Called inside the group's turn. */
import type { Bytes, Hash } from '$crypto/brand';
import { base64url, equal, hex } from '$crypto/bytes';
import { readEnvelope } from '$crypto/envelope';
import { isContentKey, isRosterKey } from '$crypto/epoch';
import type { OwnLockbox, ReceiptedEntry, StoredEnvelope } from '$crypto/frames';
import { ZERO_HASH } from '$crypto/hash';
import { lockboxHash } from '$crypto/kept';
import { LIMIT } from '$crypto/limits';
import { openLockbox } from '$crypto/lockbox';
import { verifyReceipt } from '$crypto/receipt';
import { decodeEntry } from '$crypto/roster/entry';
import { chainAt, currentEpoch, epochAt, type Row, rowByDevice } from '$crypto/roster/state';
import { recordsOf } from '../care/lane';
import { blobIdsOf, parseRecord } from '../care/record';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import type { Change } from '../store/store';
import { openClosed } from './closed';
import { type EndRun, isOpenEnded, runsHere, wentThrough } from './ended-logs';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, type EntryRow, type ForkRow, type InboxRow, keyOf, put } from './group-rows';
import { foldOne, namesKey } from './receipted';
import { cutLanes, note, openPlain, project, readBackTo, rebuildFeed } from './project';

/** Most envelopes of one log that wait for something, and their bytes. */
const HELD_MOST = 20_000;
const HELD_BYTES = 16 * 1024 * 1024;

export type Took = 'all' | 'gap' | 'alarm';

/** Takes receipted entries in order. `gap`: some before them are missing. */
export async function takeEntries(run: GroupRun, items: readonly ReceiptedEntry[]): Promise<Took> {
  const changes: Change[] = [];
  const before = run.state.seq;
  let took: Took = 'all';
  for (const { entry, receipt } of items) {
    // without a receipt of this group's relay it is nothing
    const known = run.entries[receipt.seq - 1]?.receipt.relayPk ?? run.row.relayPk;
    const moves = known !== null && !equal(receipt.relayPk, known);
    if ((moves && (receipt.seq <= run.entries.length || !namesKey(entry, receipt.relayPk))) || !verifyReceipt(run.state.group, receipt)) {
      took = 'gap';
      break;
    }
    const first = run.entries.length === 0;
    const have = first ? 0 : run.state.seq;
    if (receipt.seq <= have) {
      if (equal(chainAt(run.state, receipt.seq) ?? ZERO_HASH, receipt.chain)) continue;
      const ours = run.entries[receipt.seq - 1]?.receipt.incarnation ?? 0;
      // of a life whose end this group has left behind: a device that was overtaken shows what it had
      if (receipt.incarnation < ours) continue;
      if (receipt.incarnation === ours) took = 'alarm';
      else {
        run.isSplit = true;
        took = 'gap';
      }
    } else if (run.isOutdated) break;
    else if (receipt.seq > have + 1) took = 'gap';
    if (took !== 'all') {
      if (took === 'alarm') changes.push(...forked(run, { entry, receipt }));
      break;
    }
    const folded = foldOne(run.state.group, first ? null : run.state, { entry, receipt }, moves);
    if (folded === null) {
      took = 'gap';
      break;
    }
    const { state: next, isVoid } = folded;
    if (!equal(next.chains[next.seq - 1] as Hash, receipt.chain)) {
      if (receipt.incarnation > run.row.incarnation) {
        run.isSplit = true;
        took = 'gap';
      } else {
        took = 'alarm';
        changes.push(...forked(run, { entry, receipt }));
      }
      break;
    }
    run.row.relayPk = receipt.relayPk;
    run.row.incarnation = Math.max(run.row.incarnation, receipt.incarnation);
    if (first) run.row.unsent = null;
    run.state = next;
    const row: EntryRow = { entry, receipt, void: isVoid };
    run.entries.push(row);
    changes.push(put('roster', keyOf.entry(run.ref, receipt.seq), row));
    if (!isVoid) await endLogs(run, receipt.seq);
  }
  if (changes.length > 0) {
    if (epochAt(run.state, run.state.seq)?.seq !== run.writer?.epoch) run.writer = null;
    if (run.ownRow?.end != null && run.row.ended === null) run.row.ended = run.state.members.get(run.me)?.end?.how ?? 'gone';
    await run.commitOrCarryOn([...changes, ...run.rosterRows(), run.headsRow()]);
    await cutLanes(run);
    run.refreshShown();
    run.requests = run.requests.filter((r) => run.state.invites.get(hex(r.invite) as never)?.state === 'pending');
    if (run.state.seq !== before) await retryHeld(run);
    run.changed();
  }
  return took;
}

/** The relay signed two histories (R13): nothing is sent any more, and what shows it is kept. */
function forked(run: GroupRun, theirs: ReceiptedEntry): Change[] {
  run.alarm = 'fork';
  run.row.ended = 'forked';
  return [put('group', run.ref, run.row), put('roster', keyOf.fork(run.ref), { ours: run.entries[theirs.receipt.seq - 1] ?? run.entries.at(-1) ?? null, theirs } satisfies ForkRow)];
}

/** Logs that end with the entry at `seq`: what went beyond their cut-off is taken out. */
async function endLogs(run: GroupRun, seq: number): Promise<void> {
  for (const row of run.state.rows.values()) {
    if (row.end?.seq !== seq) continue;
    const at = run.heads.get(row.device) ?? LOG_START;
    const { cut } = row.end;
    if (at.n > cut.n || (at.n === cut.n && !equal(at.hash, cut.hash))) {
      const ends = at.n > cut.n && cut.n > 0 && (await wentThrough(run, row, cut));
      run.heads.set(row.device, ends ? { n: cut.n, hash: cut.hash, rosterSeq: at.rosterSeq } : LOG_START);
    }
    run.held.set(row.device, (run.held.get(row.device) ?? []).filter((h) => h.n <= cut.n));
  }
}

/** Opens own lockboxes; a key counts only when it matches its commitment (P9). */
export async function takeLockboxes(run: GroupRun, items: readonly OwnLockbox[]): Promise<void> {
  for (const { seq, lockbox } of items) {
    const entry = run.entries[seq - 1];
    const d = entry === undefined ? null : decodeEntry(entry.entry);
    const listed = d?.ok === true && 'rotation' in d.value.body ? d.value.body.rotation?.boxes.find((b) => equal(b.to, run.keys.logPk)) : undefined;
    // not the one that the entry lists: as good as withheld, and asked for again
    if (d?.ok !== true || listed === undefined || !equal(lockboxHash(lockbox), listed.hash)) continue;
    run.lockboxes = Math.max(run.lockboxes, seq);
    const opened = openLockbox(run.keys.logPk, run.keys.kem, { prev: d.value.prev, seq }, lockbox);
    for (const k of opened.ok ? opened.value : []) {
      const place = epochPlace(run, k.epoch);
      const epoch = run.state.epochs.find((e) => e.seq === k.epoch);
      const fits = place !== null && epoch !== undefined && isRosterKey(place, k.roster, epoch.rosterCommit) && (k.content === null || isContentKey(place, k.content, epoch.contentCommit));
      if (fits && run.keyring.get(k.epoch)?.content == null) run.keyring.set(k.epoch, k);
    }
    if (run.keyring.get(seq)?.content == null) run.junk.add(seq);
    if (run.junk.has(seq) && seq <= run.unnotedUpTo) run.passedBy.add(seq);
  }
  if (items.length === 0) return;
  await openClosed(run);
  await run.commitOrCarryOn([...run.rosterRows(), run.headsRow()]);
  run.refreshShown();
  await retryHeld(run);
  run.changed();
}

/** What the keys of an epoch are bound to. */
export function epochPlace(run: { readonly entries: readonly EntryRow[] }, epoch: number): { prev: Hash; seq: number } | null {
  const row = run.entries[epoch - 1];
  const d = row === undefined ? null : decodeEntry(row.entry);
  return d !== null && d.ok ? { prev: d.value.prev, seq: epoch } : null;
}

/** One envelope that was judged and is to be remembered. */
export interface Placed { readonly row: InboxRow; readonly place: LogPlace }

/** Takes envelopes of the feed in ascending order. `gap`: some before them are missing. */
export async function takeEnvelopes(run: GroupRun, items: readonly StoredEnvelope[]): Promise<Took> {
  const placed: Placed[] = [];
  const changes: Change[] = [];
  let gap = false;
  for (const item of items) {
    if (item.seq <= run.cursor) continue;
    if (item.seq !== run.cursor + 1) {
      gap = true;
      break;
    }
    run.cursor = item.seq;
    const loose = run.loose?.get(`${item.device} ${item.n}`);
    if (loose !== undefined && equal(loose.row.envelope, item.envelope)) {
      run.loose?.delete(`${item.device} ${item.n}`);
      changes.push(drop('inbox', loose.key));
      // it has a place again; what had waited is judged again
      if (loose.row.state !== 'held') {
        changes.push(put('inbox', keyOf.envelope(run.ref, item.seq), { ...loose.row, seq: item.seq, time: item.time } satisfies InboxRow));
        continue;
      }
    }
    if (isMislabelled(item)) {
      run.noteOdd(markOf(item));
      continue;
    }
    const done = judge(run, { ...item, prev: null, state: 'held' });
    for (const p of done) {
      placed.push(p);
      changes.push(put('inbox', keyOf.envelope(run.ref, p.row.seq), p.row), ...settleOwn(run, p.row));
    }
    const held = run.held.get(item.device)?.find((h) => h.seq === item.seq);
    if (held !== undefined) changes.push(put('inbox', keyOf.envelope(run.ref, item.seq), held));
  }
  await remember(run, placed, changes);
  await takeRuns(run);
  return gap ? 'gap' : 'all';
}

/** The end of a signature stands for the whole, within one place. */
export const markOf = (e: StoredEnvelope): string => `${e.device} ${e.n} ${base64url(e.envelope.slice(-24))}`;

/** The relay's own word of an envelope's number must be the envelope's. */
export function isMislabelled(item: StoredEnvelope): boolean {
  const read = readEnvelope(item.envelope);
  return read.ok && read.value.header.n !== item.n;
}

/** After the roster or the keyring grew: what was held is judged again. */
export async function retryHeld(run: GroupRun): Promise<void> {
  const placed: Placed[] = [];
  for (const device of [...run.held.keys()]) placed.push(...judge(run, null, device));
  if (placed.length > 0) await remember(run, placed, placed.flatMap((p) => changesOf(run, p)));
  await takeRuns(run);
}

const changesOf = (run: GroupRun, { row }: Placed): Change[] => [put('inbox', keyOf.envelope(run.ref, row.seq), row), ...settleOwn(run, row)];

/** Logs that ended and whose whole run to an end of theirs is here now: it is taken (PROTOCOL §5.3). */
export async function takeRuns(run: GroupRun): Promise<void> {
  for (const found of await runsHere(run)) {
    const placed = takeRun(run, found);
    if (placed.length > 0) await remember(run, placed, placed.flatMap((p) => changesOf(run, p)));
    else await run.commitOrCarryOn([run.headsRow()]);
    if (found.turns) await rebuildFeed(run);
  }
}

function takeRun(run: GroupRun, { row, from, items, isLast }: EndRun): Placed[] {
  const { device } = row;
  run.heads.set(device, from);
  const held = run.held.get(device) ?? [];
  run.held.set(device, items.filter((i) => i.state === 'held'));
  // what was taken before stays as it was stored
  const stored = items.filter((i) => i.state !== 'held');
  for (const i of stored) {
    const j = judgeEnvelope(run.state, row, run.heads.get(device) ?? LOG_START, i.envelope);
    if (j.is === 'accepted' || j.is === 'void') run.heads.set(device, j.next);
  }
  const placed = judgeNext(run, row, run.held.get(device) ?? []);
  const rest = held.filter((h) => !items.includes(h));
  // off the run to the cut nothing counts; beside a lower one it may still be on the way to that
  if (isLast && !isOpenEnded(run, row)) for (const r of rest) run.noteOdd(markOf(r));
  else keep(run, rest);
  return placed;
}

export async function remember(run: GroupRun, placed: readonly Placed[], changes: readonly Change[]): Promise<void> {
  if (changes.length > 0) await run.commitOrCarryOn([...changes, run.headsRow()]);
  const rows = placed.map((p) => p.row);
  await readBackTo(run, rows);
  const ids = rows.flatMap((r) => project(run, r));
  note(run);
  if (placed.length > 0) {
    run.flushSoon();
    run.around.changed(run.ref, 'feed', ids);
    run.around.changed(run.ref, 'group', null);
  }
}

/** Takes the next envelopes of one log as far as they go: the one that came, then those that waited for it. */
export function judge(run: GroupRun, came: InboxRow | null, deviceOf?: number): Placed[] {
  const device = came?.device ?? (deviceOf as number);
  const row = rowByDevice(run.state, device);
  const waiting = run.held.get(device) ?? [];
  if (came !== null && changesNothing(run, row, waiting, came)) {
    keep(run, [came]);
    return [];
  }
  const queue = came === null ? [...waiting] : [...waiting, came].sort((a, b) => a.n - b.n || a.seq - b.seq);
  run.held.delete(device);
  // far from any device that could come yet: nothing is kept for it
  if (row === null && device > run.state.rows.size + LIMIT.devices) return [];
  if (row === null || isOpenEnded(run, row)) {
    const cut = row?.end?.cut.n ?? Infinity;
    for (const q of queue) if (q.n > cut) run.noteOdd(markOf(q));
    // of a log that ended only a whole run is taken
    keep(run, queue.filter((q) => q.n <= cut));
    return [];
  }
  return judgeNext(run, row, queue);
}

/** Takes a log's next envelopes out of those given, in order; what has to wait is kept. */
function judgeNext(run: GroupRun, row: Row, queue: readonly InboxRow[]): Placed[] {
  const { device } = row;
  const out: Placed[] = [];
  run.held.delete(device);
  for (const [i, item] of queue.entries()) {
    const at = run.heads.get(device) ?? LOG_START;
    // written under rules that this app does not know: they wait for one that does
    if (run.isOutdated && namesNewer(run, item.envelope)) {
      keep(run, queue.slice(i));
      break;
    }
    const j = judgeEnvelope(run.state, row, at, item.envelope);
    if (j.is === 'refused') {
      run.noteOdd(markOf(item));
      continue;
    }
    // an unreadable one in the place of a real one must not stand before it
    if (j.is === 'held' && j.why === 'version' && queue[i + 1]?.n === item.n) continue;
    if (j.is === 'held' || (j.is === 'accepted' && lacksKey(run, j.envelope.header.epoch))) {
      keep(run, queue.slice(i));
      break;
    }
    if (j.is === 'accepted' && run.junk.has(j.envelope.header.epoch)) run.passedBy.add(j.envelope.header.epoch);
    run.heads.set(device, j.next);
    run.verified.set(device, Math.max(item.time, run.verified.get(device) ?? 0));
    out.push({ row: { ...item, prev: at.hash, state: j.is === 'accepted' ? 'ok' : 'void' }, place: j.next });
  }
  return out;
}

/** Whether one that came has to wait as well, behind what the others wait for: the queue costs what comes to it, not what stands in it (P21). */
function changesNothing(run: GroupRun, row: Row | null, waiting: readonly InboxRow[], came: InboxRow): boolean {
  const [first] = waiting;
  if (first === undefined) return false;
  // nothing of a log that ended is taken before the whole run to an end of its is here
  if (row?.end != null) return isOpenEnded(run, row) && came.n <= row.end.cut.n;
  const { n } = run.heads.get(came.device) ?? LOG_START;
  return first.n > n && came.n > first.n;
}

/** Whether an envelope names the roster from the entry on that raised the group's version. */
function namesNewer(run: GroupRun, envelope: Bytes): boolean {
  const read = readEnvelope(envelope);
  return read.ok && read.value.header.rosterSeq >= run.state.seq;
}

function keep(run: GroupRun, rows: readonly InboxRow[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const there = run.held.get(first.device) ?? [];
  let count = there.length;
  let bytes = there.reduce((sum, h) => sum + h.envelope.length, 0);
  for (const r of rows) {
    bytes += r.envelope.length;
    // read again once there is room
    if (++count > HELD_MOST || bytes > HELD_BYTES) return run.noteOdd(`${r.device} more`);
    run.hold(r);
  }
}

/** A key within this member's horizon that has not come yet. One that came as junk is not waited for: the words under it stay closed, the log goes on. */
function lacksKey(run: GroupRun, epoch: number): boolean {
  const horizon = run.state.members.get(run.me)?.horizon ?? 1;
  return epoch >= horizon && !run.junk.has(epoch) && run.keyring.get(epoch)?.content == null && run.row.ended === null;
}

/** What waits for a key that is late. */
export const awaitedKey = (run: GroupRun): 'write' | 'read' | null => (run.isKeyLate ? waitsForKey(run) : null);

/** What waits for a key: the newest one holds up writing too. Nothing where no words do. */
export function waitsForKey(run: GroupRun): 'write' | 'read' | null {
  if (run.row.ended !== null || run.isOutdated) return null;
  if (lacksKey(run, currentEpoch(run.state).seq)) return 'write';
  const isClosed = [...run.held].some(([device, held]) => {
    const next = held.find((h) => h.n === (run.heads.get(device) ?? LOG_START).n + 1);
    const read = next === undefined ? null : readEnvelope(next.envelope);
    return read?.ok === true && read.value.header.rosterSeq <= run.state.seq && lacksKey(run, read.value.header.epoch);
  });
  return isClosed ? 'read' : null;
}

/** An envelope of ours came back or was acked: its records leave the outbox. Those of a void one stay and are sealed again. */
export function settleOwn(run: GroupRun, row: InboxRow): Change[] {
  if (row.device !== run.ownRow?.device) return [];
  const changes: Change[] = [];
  if (run.sealed !== null && run.sealed.n <= row.n) {
    if (!equal(run.sealed.bytes, row.envelope) || row.state === 'void') run.writer = null;
    changes.push(drop('sealed', keyOf.sealed(run.ref)));
    run.sealed = null;
  }
  const opened = row.state === 'ok' ? openPlain(run, row) : null;
  const ids = new Set((opened === null ? [] : recordsOf(opened.plain)).map((x) => parseRecord(x)?.i));
  return [...changes, ...leaveOutbox(run, run.outbox.filter((o) => ids.has(o.record.i)))];
}

function leaveOutbox(run: GroupRun, items: readonly OutboxItem[]): Change[] {
  const gone = new Set(items.map((o) => o.key));
  run.outbox = run.outbox.filter((o) => !gone.has(o.key));
  return items.flatMap((o) => [drop('outbox', o.key), ...blobIdsOf(o.record).map((b) => drop('upload', run.blobKey(b)))]);
}
