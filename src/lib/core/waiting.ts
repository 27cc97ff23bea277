/** What was written here and the relay has not: how much of it there is, and what of it does not leave however long one waits. The one home of both. */
import { blobIdsOf, type CareRecord, randomOf } from '../care/record';
import type { GroupRun, OutboxItem } from './group-run';
import type { DraftRow } from './group-rows';
import { awaitedKey } from './judge';
import type { ConnectionView, WaitingView } from './port';
import { lacksPicture, saidOf } from './send';

/** Records that nobody waits for. */
const UNSEEN: readonly CareRecord['t'][] = ['seen', 'seen-edits', 'device', 'person', 'credentials', 'share', 'carried'];

/** What its person agreed to lose: records that were not sent, and the draft as it was. */
export interface Agreed { readonly records: readonly string[]; readonly draft: string | null }

/**
 * What waits in the group does not go out, though the relay answers: it has ended here or is of a newer version, nothing may be said to the
 * relay, it wants a permit, has no room (not even for a picture of what is sealed) or leaves out what has to come first, the newest key is
 * late, or no room is left here to seal it.
 */
export const isStuck = (run: GroupRun): boolean =>
  run.row.ended !== null || run.isOutdated || run.isSilent || run.permitWanted !== null || run.noRoom?.what === 'words' || (run.noRoom !== null && lacksPicture(run)) || run.hasNoDisk || awaitedKey(run) === 'write' ||
  (run.alarm === 'gap' && run.session === 'live' && !run.synced);
/** The same of one record: one whose pictures the relay has no room for waits, and with it what is said of it; others go. */
export const staysHere = (run: GroupRun, { record }: OutboxItem): boolean =>
  isStuck(run) || (run.noRoom?.what === 'pictures' && (blobIdsOf(record).some((b) => !run.uploaded.has(b)) || run.outbox.some((o) => o.record.i === saidOf(run, record) && staysHere(run, o))));

/** Beside what was agreed to. A group that the relay has not begun is a thing of its own, and so is a history that is taken along. */
export function waitingIn(run: GroupRun, agreed: Agreed | null = null): WaitingView {
  // an id may have been made anew since, for another epoch
  const isAgreed = ({ record }: OutboxItem): boolean => agreed?.records.some((i) => randomOf(i) === randomOf(record.i)) === true;
  const items = run.outbox.filter((o) => !UNSEEN.includes(o.record.t) && !isAgreed(o));
  const isCarrying = agreed === null && run.carrying !== null && run.row.ended === null;
  const unbegun = agreed === null && !run.stored ? 1 : 0;
  const waiting = items.length + unbegun + (isCarrying ? 1 : 0);
  const stuck = isStuck(run) ? waiting : items.filter((o) => staysHere(run, o)).length + (isCarrying && run.carrying?.view.stuck != null ? 1 : 0);
  return { waiting, stuck, drafts: draftOf(run) === agreed?.draft ? 0 : draftsIn(run.draft) };
}
/** The same over all groups that stand, as the connection is told. */
export function waitingOver(groups: readonly GroupRun[]): Pick<ConnectionView, 'waiting' | 'halted'> {
  const all = groups.filter((g) => g.row.ended === null).map((g) => ({ g, ...waitingIn(g) }));
  return { waiting: all.reduce((sum, w) => sum + w.waiting - w.stuck, 0), halted: all.filter(({ g, stuck }) => g.permitWanted === null && (stuck > 0 || isStuck(g))).length };
}
/** Whether this device has room for what the group's turn has to write. */
export function noteDisk(run: GroupRun, isFull: boolean): void {
  if (run.hasNoDisk === isFull) return;
  run.hasNoDisk = isFull;
  run.changed();
}

/** What was written and not posted, in one line to compare; null when nothing is. Not what it is said of: such an id may be made anew. */
export const draftOf = ({ draft }: GroupRun): string | null =>
  draftsIn(draft) === 0 ? null : JSON.stringify([draft.text, draft.photos.map((p) => p.full.b), draft.editing?.text]);
/** A post that was begun, and a change of one that stands. */
export const draftsIn = ({ text, photos, editing }: DraftRow): number =>
  (text.trim() !== '' || photos.length > 0 ? 1 : 0) + (editing != null && editing.text.trim() !== editing.over ? 1 : 0);
