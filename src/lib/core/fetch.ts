/** Asking the relay for what is missing: roster, own lockboxes, envelopes. Each answers whether everything came. */
import { LIMIT } from '$crypto/limits';
import type { GroupRun } from './group-run';
import { lacksEnvelope, takeEntries, takeEnvelopes, takeEnvelopesAgain, takeLockboxes } from './receive';

export async function fetchRoster(run: GroupRun): Promise<boolean> {
  for (;;) {
    const f = await run.around.link.ask({ is: 'roster', group: run.row.id, after: run.entries.length });
    if (f?.is !== 'entries') return false;
    const before = run.entries.length;
    if ((await takeEntries(run, f.items)) !== 'all') return false;
    if (!f.more) return true;
    if (run.entries.length === before) return false;
  }
}

/** From the first epoch whose key is not here, when `all`; otherwise what is new. */
export async function fetchLockboxes(run: GroupRun, all = false): Promise<boolean> {
  const from = run.ownRow?.from ?? 1;
  const missing = all ? run.state.epochs.find((e) => e.seq >= from && run.keyring.get(e.seq)?.content == null && !run.junk.has(e.seq)) : undefined;
  if (missing !== undefined) run.lockboxes = Math.min(run.lockboxes, missing.seq - 1);
  for (;;) {
    const before = run.lockboxes;
    const f = await run.around.link.ask({ is: 'lockboxes', group: run.row.id, after: before });
    if (f?.is !== 'lockboxes') return false;
    await takeLockboxes(run, f.items);
    if (!f.more) return true;
    if (run.lockboxes === before) return false;
  }
}

export async function fetchFeed(run: GroupRun): Promise<boolean> {
  for (;;) {
    const before = run.cursor;
    const f = await run.around.link.ask({ is: 'fetch', group: run.row.id, way: 'up', from: before, most: LIMIT.page });
    if (f?.is !== 'page') return false;
    if ((await takeEnvelopes(run, f.items)) !== 'all') return false;
    if (!f.more) return true;
    if (run.cursor === before) return false;
  }
}

/** Reads the whole feed once more when something in it was not what it claimed, or a log lacks an envelope; says so when it still does. */
export async function healFeed(run: GroupRun): Promise<boolean> {
  if ((run.suspect || lacksEnvelope(run)) && !run.readAgain) {
    run.readAgain = true;
    run.suspect = false;
    for (let from = 0; from < run.cursor; ) {
      const f = await run.around.link.ask({ is: 'fetch', group: run.row.id, way: 'up', from, most: LIMIT.page });
      if (f?.is !== 'page') return false;
      await takeEnvelopesAgain(run, f.items);
      const last = f.items.at(-1)?.seq ?? 0;
      if (!f.more || last <= from) break;
      from = last;
    }
  }
  tellGaps(run);
  return true;
}

export function tellGaps(run: GroupRun): void {
  const lacks = lacksEnvelope(run);
  if (lacks === (run.alarm === 'gap') || (lacks && run.alarm !== null)) return;
  run.alarm = lacks ? 'gap' : null;
  run.around.changed(run.ref, 'group', null);
}
