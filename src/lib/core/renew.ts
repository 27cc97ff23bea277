/**
 * Records that wait here while an epoch ends (PROTOCOL §15.4): the id of each is made anew for the epoch in which it will be said, and with
 * it whatever waits here and names it. On the screen a post keeps the id that it had until the app is closed.
 */
import { type CareRecord, idAt, isIdAt, postIdOf, recordIdOf } from '../care/record';
import type { Change } from '../store/store';
import type { GroupRun } from './group-run';
import { put, putWaiting } from './group-rows';
import type { PostId } from './port';

/** Called in the group's turn, while nothing is sealed: bytes that were sealed keep what they say. */
export async function renewWaiting(run: GroupRun): Promise<void> {
  if (run.moved.size === 0 && run.outbox.every((o) => isIdAt(o.record.i, run.saysAt))) return;
  await run.local.take(async () => {
    const at = run.saysAt;
    const { changes, apply } = renaming(run, new Map([...run.moved, ...run.outbox.map(({ record: { i } }) => [i, idAt(i, at)] as const)]));
    await run.commit(changes);
    apply();
    run.moved = new Map();
  });
}

/** Other ids for what waits: the rows with them, and how to have them in memory too. */
export function renaming(run: GroupRun, ids: ReadonlyMap<string, string>): { readonly changes: Change[]; apply(): void } {
  const record = (i: string): string => ids.get(i) ?? i;
  const post = (id: PostId): PostId => (id.endsWith(`.${run.me}`) ? postIdOf(record(recordIdOf(id)), run.me) : id);
  const renamed = (r: CareRecord): CareRecord => {
    const i = record(r.i);
    if (r.t === 'edit' || r.t === 'retract') return { ...r, i, o: record(r.o) };
    return r.t === 'post' && r.r !== undefined ? { ...r, i, r: post(r.r) } : { ...r, i };
  };
  const outbox = run.outbox.map((o) => ({ ...o, record: renamed(o.record) }));
  const { replyTo, editing } = run.draft;
  const draft = { ...run.draft, replyTo: replyTo === null ? null : post(replyTo), ...(editing == null ? {} : { editing: { ...editing, post: post(editing.post) } }) };
  return {
    changes: [...outbox.map(putWaiting), put('draft', run.ref, draft)],
    apply() {
      run.outbox = outbox;
      run.draft = draft;
      for (const [before, now] of ids) {
        const [old, id] = [postIdOf(before, run.me), postIdOf(now, run.me)];
        if (run.shownIds.has(id)) continue;
        const shown = shownId(run, old);
        run.shownIds.delete(old);
        run.shownIds.set(id, shown);
        run.idsNow.set(shown, id);
      }
    }
  };
}

/** What the screen calls a post, and what one is called that the screen calls so. */
export const shownId = (run: GroupRun, id: PostId): PostId => run.shownIds.get(id) ?? id;
export const idNow = (run: GroupRun, shown: PostId): PostId => run.idsNow.get(shown) ?? shown;
