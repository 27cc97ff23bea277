/** Envelopes that were judged are remembered: in the store, in the feed, and those of our own in the outbox. */
import { equal } from '$crypto/bytes';
import { recordsOf } from '../care/lane';
import { blobIdsOf, parseRecord } from '../care/record';
import type { Change } from '../store/store';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, type InboxRow, keyOf, put, putWaiting } from './group-rows';
import { note, openPlain, project, readBackTo, readBackToChanged } from './project';

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
  if (run.sealed !== null && run.sealed.n <= row.n) {
    if (!equal(run.sealed.bytes, row.envelope) || row.state === 'void') run.writer = null;
    changes.push(drop('sealed', keyOf.sealed(run.ref)));
    run.sealed = null;
  }
  const opened = row.state === 'ok' ? openPlain(run, row) : null;
  const ids = new Set((opened === null ? [] : recordsOf(opened.plain)).map((x) => parseRecord(x)?.i));
  const left = leaveOutbox(run, run.outbox.filter((o) => ids.has(o.record.i)));
  return [...changes, ...left, ...(opened === null ? [] : notePlace(run, ids, opened.epoch))];
}

/** Of posts that have their epoch now: the changes of them that wait are for those alone who can read it. */
function notePlace(run: GroupRun, posts: ReadonlySet<string | undefined>, epoch: number): Change[] {
  const placed = run.outbox.filter(({ record: r }) => r.t === 'edit' && posts.has(r.o)).map((o) => ({ ...o, epoch }));
  if (placed.length > 0) run.outbox = run.outbox.map((o) => placed.find((p) => p.key === o.key) ?? o);
  return placed.map(putWaiting);
}

function leaveOutbox(run: GroupRun, items: readonly OutboxItem[]): Change[] {
  const gone = new Set(items.map((o) => o.key));
  run.outbox = run.outbox.filter((o) => !gone.has(o.key));
  return items.flatMap((o) => [drop('outbox', o.key), ...blobIdsOf(o.record).map((b) => drop('upload', run.blobKey(b)))]);
}
