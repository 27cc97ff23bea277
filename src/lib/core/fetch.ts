/**
 * Asking the relay for what is missing: roster, own lockboxes, envelopes. Each answers whether everything came; where its own answer
 * leaves out what stands before the rest, the person is told.
 */
import { LIMIT } from '$crypto/limits';
import { endAhead, readAhead } from './ahead';
import type { GroupRun } from './group-run';
import { tellGap } from './heal';
import { pagesUp } from './pages';
import { COMING, firstOf } from './posts';
import { takeEntries, takeEnvelopes, takeLockboxes } from './receive';

/** `again`: with the newest that is here already, so that another history of the same length is noticed (P20). */
export async function fetchRoster(run: GroupRun, again = false): Promise<boolean> {
  for (let overlap = again ? 1 : 0; ; overlap = 0) {
    const f = await run.around.link.ask({ is: 'roster', group: run.row.id, after: Math.max(0, run.entries.length - overlap) });
    if (f?.is !== 'entries') return false;
    const before = run.entries.length;
    const took = await takeEntries(run, f.items);
    if (took === 'gap' && !run.isSplit) tellGap(run);
    if (took !== 'all') return false;
    if (!f.more || run.isOutdated) return true;
    if (run.entries.length === before && overlap === 0) return false;
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

/** The newest first where more is missing than one page brings; then all from where the feed stands here, and what came behind it meanwhile. */
export async function fetchFeed(run: GroupRun): Promise<boolean> {
  const came = run.ahead === null && run.top - run.cursor <= LIMIT.page ? await fetchUp(run, Infinity, 1) : 'some';
  if (came !== 'some') return came === 'all';
  await readAhead(run);
  if (run.ahead !== null) {
    const before = firstOf(run.ahead) - 1;
    if ((await fetchUp(run, before)) === 'none' || run.cursor < before) return false;
    // it has come already
    if ((await takeEnvelopes(run, run.ahead.row.items)) !== 'all') return false;
    await endAhead(run);
  }
  return (await fetchUp(run)) === 'all';
}

/** Takes the feed on from where it stands here. `all`: to its end, or up to `upTo`; `none`: not even that much was given. */
async function fetchUp(run: GroupRun, upTo = Infinity, pages = Infinity): Promise<'all' | 'some' | 'none'> {
  if (run.cursor >= upTo) return 'all';
  let came: 'some' | 'none' = 'none';
  for await (const f of pagesUp(run, run.cursor, upTo, pages)) {
    if (f === null) return 'none';
    const before = run.cursor;
    const took = await takeEnvelopes(run, f.items);
    // a feed that ends before what was read ahead of it: one of the two is not true
    const endsTooSoon = !f.more && run.cursor < upTo && upTo < Infinity;
    if (endsTooSoon) await endAhead(run);
    if (took !== 'all' || endsTooSoon) {
      tellGap(run);
      return 'none';
    }
    if (run.ahead !== null) run.around.changed(run.ref, 'feed', [COMING]);
    if (!f.more || run.cursor >= upTo) return 'all';
    came = run.cursor > before ? 'some' : 'none';
  }
  return came;
}
