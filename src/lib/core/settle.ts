/** Envelopes that were judged are remembered: in the store, in the feed, and those of our own in the outbox. */
import { equal } from '$crypto/bytes';
import { recordsOf } from '../care/lane';
import { blobIdsOf, type CareRecord, parseRecord, randomOf } from '../care/record';
import type { Change } from '../store/store';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, type InboxRow, keyOf, put, putWaiting } from './group-rows';
import { note, openPlain, project, readBackTo, readBackToChanged } from './project';
import { renaming } from './renew';

export const changesOf = (run: GroupRun, row: InboxRow): Change[] => [put('inbox', keyOf.inbox(run.ref, row), row), ...settleOwn(run, row)];

/** Stores what has changed, and shows those of the rows that count. */
export async function remember(run: GroupRun, judged: readonly InboxRow[], changes: readonly Change[]): Promise<void> {
  if (changes.length > 0) await run.commitOrCarryOn([...changes, run.headsRow()]);
  const rows = judged.filter((r) => r.state !== 'held');
  const { first } = run.feed;
  await readBackTo(run, rows);
  const ids = rows.flatMap((r) => project(run, r));
  note(run);
  await readBackToChanged(run);
  if (rows.length > 0) {
    run.flushSoon();
    // pages that were read for it are shown with it
    run.around.changed(run.ref, 'feed', run.feed.first === first ? ids : null);
    run.around.changed(run.ref, 'group', null);
  }
}

/** An envelope of ours came back or was acked: its records leave the outbox. Those of a void one stay and are sealed again. */
export function settleOwn(run: GroupRun, row: InboxRow): Change[] {
  if (row.device !== run.ownRow?.device || row.state === 'held') return [];
  const changes: Change[] = [];
  /** What was sealed here leaves as it is. */
  const asSealed = run.sealed !== null && equal(run.sealed.bytes, row.envelope) ? run.sealed.keys : [];
  if (run.sealed !== null && run.sealed.n <= row.n) {
    if (!equal(run.sealed.bytes, row.envelope) || row.state === 'void') run.writer = null;
    changes.push(drop('sealed', keyOf.sealed(run.ref)));
    run.sealed = null;
  }
  const opened = row.state === 'ok' ? openPlain(run, row) : null;
  const there = new Map((opened === null ? [] : recordsOf(opened.plain)).flatMap((x) => parseRecord(x) ?? []).map((r) => [randomOf(r.i), r]));
  const asSaid = ({ record: { i } }: OutboxItem): CareRecord | undefined => there.get(randomOf(i));
  const said = run.outbox.filter((o) => asSaid(o) !== undefined);
  // an older copy of this device's disk knows it by the id of an earlier epoch
  const moved = said.flatMap((o) => (asSaid(o)?.i === o.record.i ? [] : [[o.record.i, (asSaid(o) as CareRecord).i] as const]));
  if (moved.length > 0) {
    const { changes: rows, apply } = renaming(run, new Map(moved));
    apply();
    // a command may be about to name it still
    run.moved = new Map([...run.moved, ...moved]);
    changes.push(...rows);
  }
  const left = leaveOutbox(run, said.map((o) => o.key));
  const anew = said.flatMap((o) => (o.changed && !asSealed.includes(o.key) ? changeOf(run, o.record, asSaid(o) as CareRecord) : []));
  run.outbox = [...run.outbox, ...anew];
  return [...changes, ...left, ...anew.map(putWaiting)];
}

/** Other words than were said: on an older copy of this device's disk, which did not know so, they were changed where they waited. */
function changeOf(run: GroupRun, r: CareRecord, said: CareRecord): OutboxItem[] {
  if ((r.t !== 'post' && r.t !== 'edit') || (r.t === said.t && r.x === said.x)) return [];
  // taken back, which is said by itself
  if (r.t === 'post' && r.x === '' && r.p === undefined) return [];
  const made = run.nextMade();
  const record = { i: run.newId(), t: 'edit', o: r.t === 'post' ? said.i : r.o, a: Math.max(run.around.clock(), said.a + 1), x: r.x } as const;
  return [{ record, heldUntil: 0, made, changed: false, key: keyOf.outbox(run.ref, made) }];
}

function leaveOutbox(run: GroupRun, keys: readonly string[]): Change[] {
  const gone = run.outbox.filter((o) => keys.includes(o.key));
  run.outbox = run.outbox.filter((o) => !gone.includes(o));
  return gone.flatMap((o) => [drop('outbox', o.key), ...blobIdsOf(o.record).map((b) => drop('upload', run.blobKey(b)))]);
}
