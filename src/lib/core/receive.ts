/** What arrives from the relay for one group: roster entries, lockboxes, envelopes. Called inside the group's turn. */
import type { Hash } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { isContentKey, isRosterKey } from '$crypto/epoch';
import type { OwnLockbox, ReceiptedEntry, StoredEnvelope } from '$crypto/frames';
import { ZERO_HASH } from '$crypto/hash';
import { lockboxHash } from '$crypto/kept';
import { openLockbox } from '$crypto/lockbox';
import { verifyReceipt } from '$crypto/receipt';
import { decodeEntry } from '$crypto/roster/entry';
import { chainAt, epochAt } from '$crypto/roster/state';
import { LOG_START } from '../group/log';
import type { Change } from '../store/store';
import { judgeAhead } from './ahead';
import { openClosed } from './closed';
import { takeRuns, wentThrough } from './ended-logs';
import type { GroupRun } from './group-run';
import { drop, type EntryRow, type ForkRow, type InboxRow, keyOf, put } from './group-rows';
import { isMislabelled, markOf } from './held';
import { judge } from './judge';
import { foldOne, namesKey } from './receipted';
import { cutLanes } from './project';
import { changesOf, remember } from './settle';
import { isOnWay, isOpenEnded } from './ways';

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
    judgeAhead(run);
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
    // what could not follow before may be the run to the cut: it is looked at once more without waiting
    if (isOpenEnded(run, row) && run.odd.size > 0) {
      run.suspect = true;
      run.readAgain = false;
    }
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
  if (items.length > 0) await keysCame(run);
}

/** Keys of epochs that are in the roster already came: what waited for them is opened. */
export async function keysCame(run: GroupRun): Promise<void> {
  await openClosed(run);
  await run.commitOrCarryOn([...run.rosterRows(), run.headsRow()]);
  run.refreshShown();
  await retryHeld(run);
  judgeAhead(run);
  run.changed();
}

/** What the keys of an epoch are bound to. */
export function epochPlace(run: { readonly entries: readonly EntryRow[] }, epoch: number): { prev: Hash; seq: number } | null {
  const row = run.entries[epoch - 1];
  const d = row === undefined ? null : decodeEntry(row.entry);
  return d !== null && d.ok ? { prev: d.value.prev, seq: epoch } : null;
}

/** Takes envelopes of the feed in ascending order. `gap`: some before them are missing. */
export async function takeEnvelopes(run: GroupRun, items: readonly StoredEnvelope[]): Promise<Took> {
  const judged: InboxRow[] = [];
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
      if (loose.row.state !== 'held' || isOnWay(run, loose.row)) {
        const { loose: _, ...row } = loose.row;
        changes.push(put('inbox', keyOf.envelope(run.ref, item.seq), { ...row, seq: item.seq, time: item.time } satisfies InboxRow));
        continue;
      }
    }
    if (isMislabelled(item)) {
      run.noteOdd(markOf(item));
      continue;
    }
    for (const row of judge(run, { ...item, prev: null, state: 'held' })) {
      judged.push(row);
      changes.push(...changesOf(run, row));
    }
    const held = run.held.get(item.device)?.find((h) => h.seq === item.seq);
    if (held !== undefined) changes.push(put('inbox', keyOf.envelope(run.ref, item.seq), held));
  }
  await remember(run, judged, changes);
  await takeRuns(run);
  return gap ? 'gap' : 'all';
}

/** After the roster or the keyring grew: what was held is judged again. */
export async function retryHeld(run: GroupRun, all?: boolean): Promise<void> {
  const judged = [...new Set([...run.held.keys(), ...run.ways.keys()])].flatMap((device) => judge(run, null, device));
  if (judged.length > 0) await remember(run, judged, judged.flatMap((r) => changesOf(run, r)));
  await takeRuns(run, all);
}
