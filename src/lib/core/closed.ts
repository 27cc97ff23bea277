/**
 * Epochs that are closed here: their own lockbox was the very one that the entry lists, and held no key that fits (PROTOCOL §5.2, R14).
 * What was written under them is passed by unread until somebody gives the right key. It is an alarm only as long as such a key matters.
 */
import { currentEpoch } from '$crypto/roster/state';
import type { GroupRun } from './group-run';
import { rebuildFeed } from './project';

/** Whether a key is missing under which something stands that this device should read, or anything may still be written (P9). */
export const lacksRightKey = (run: GroupRun): boolean =>
  [...run.junk].some((epoch) => epoch === currentEpoch(run.state).seq || run.passedBy.has(epoch) || run.shown.nameless.has(epoch));

/** Keys came, in whatever way: what was passed by unread is read. */
export async function openClosed(run: GroupRun): Promise<void> {
  const opened = [...run.junk].filter((epoch) => run.keyring.get(epoch)?.content != null);
  const isRead = opened.some((epoch) => run.passedBy.has(epoch)) || run.feed.index.awaits.some((epoch) => run.keyring.get(epoch)?.content != null);
  for (const epoch of opened) {
    run.junk.delete(epoch);
    run.passedBy.delete(epoch);
  }
  if (!isRead) return;
  await rebuildFeed(run);
  await run.flush();
}
