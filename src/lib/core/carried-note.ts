/** The note of a history that was brought along to a group (PROTOCOL §15.9), and where on this device that history is. */
import type { Bytes } from '$crypto/brand';
import { equal, unbase64url } from '$crypto/bytes';
import { type CarriedNote, openNote } from '$crypto/carried';
import type { GroupRun } from './group-run';

/** The note of what was brought along to this group; null where there is none, or it is closed to this person, or no note. */
export function noteIn(run: GroupRun): CarriedNote | null {
  const s = run.feed.index.carried?.s;
  const first = run.keyring.get(1)?.content;
  if (s === undefined || first == null || run.row.carried !== undefined) return null;
  // opened once, though every view asks
  if (run.opened?.s !== s) {
    const note = openNote(run.row.id, first, unbase64url(s) as Bytes);
    // what was wrong with another is not said of this one
    if (run.reading === 'wrong') run.reading = null;
    run.opened = { s, note: note.ok ? note.value : null };
  }
  return run.opened.note;
}

/** Where the old group can be read on this device: as it was there, or as it was read before. */
export function groupOf(runs: Iterable<GroupRun>, note: CarriedNote): GroupRun | null {
  const there = [...runs].filter((r) => equal(r.row.id, note.group));
  return there.find((r) => r.row.carried === undefined) ?? there[0] ?? null;
}
