/**
 * Reading the newest of a feed first, when much stands before it that is still to come (PROTOCOL §5.5). It is shown and nothing else: no
 * head, cursor or mark moves by it, and in its place it is judged like everything.
 */
import type { Prev, StoredEnvelope } from '$crypto/frames';
import { ZERO_HASH } from '$crypto/hash';
import { LIMIT } from '$crypto/limits';
import { rowByDevice } from '$crypto/roster/state';
import type { Feed } from '../care/feed';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import type { GroupRun } from './group-run';
import { type AheadRow, drop, keyOf, put } from './group-rows';
import { openPlain, placeOf, placeOfClient, saidIn } from './project';

/** How many envelopes are read ahead of the rest; one page brings them. */
export const AHEAD = { most: 200 };

/** Reads ahead, unless that was done already and not much has come since. What goes wrong here shows again in its place. */
export async function readAhead(run: GroupRun): Promise<void> {
  const life = run.around.link.hello?.incarnation ?? 0;
  // places of an earlier life of the relay's store mean nothing any more
  if (run.ahead !== null && (run.loose !== null || run.ahead.row.life !== life)) await endAhead(run);
  const upTo = run.ahead?.row.items.at(-1)?.seq ?? run.cursor;
  // a restored relay's feed holds what is here already
  if (run.top <= upTo || (run.ahead !== null && run.top - upTo <= LIMIT.page) || run.loose !== null || run.isOutdated) return;
  const f = await run.around.link.ask({ is: 'fetch', group: run.row.id, way: 'down', from: Math.min(run.top + 1, Number.MAX_SAFE_INTEGER), most: Math.min(AHEAD.most, run.top - run.cursor) });
  if (f?.is !== 'page') return;
  const items = [...f.items].reverse();
  const first = items[0]?.seq ?? 0;
  if (first <= run.cursor || items.some((item, i) => item.seq !== first + i)) return;
  const row: AheadRow = { items, prevs: f.prevs, life };
  const feed = feedOf(run, row);
  // to somebody who reads from later on, or without the keys, it says nothing
  if (feed.posts.length === 0) return;
  run.ahead = { row, feed, from: run.ahead?.from ?? run.cursor };
  await run.commitOrCarryOn([put('inbox', keyOf.ahead(run.ref), row), run.headsRow()]);
  run.changed();
}

/** Judges it anew, by the roster and the keys as they are now. */
export function judgeAhead(run: GroupRun): void {
  if (run.ahead !== null) run.ahead = { ...run.ahead, feed: feedOf(run, run.ahead.row) };
}

/** What was kept of it while the app was closed. */
export function keptAhead(run: GroupRun, row: AheadRow | null): void {
  if (row !== null && (row.items[0]?.seq ?? 0) > run.cursor) run.ahead = { row, feed: feedOf(run, row), from: run.cursor };
}

/** All of it has its place in the feed, or never will. */
export async function endAhead(run: GroupRun): Promise<void> {
  if (run.ahead === null) return;
  run.ahead = null;
  await run.commitOrCarryOn([drop('inbox', keyOf.ahead(run.ref)), run.headsRow()]);
  run.changed();
}

/** Each log counts as far as its signatures lead from the hash that the relay names for its first envelope there. */
function feedOf(run: GroupRun, { items, prevs }: AheadRow): Feed {
  const feed = run.feedRows.beside();
  const places = new Map<number, LogPlace | null>();
  const clients = new Map<string, number>();
  for (const item of items) {
    const row = rowByDevice(run.state, item.device);
    let at = places.get(item.device);
    if (at === undefined) at = beginOf(run, item, prevs);
    // of a log that ended all counts or nothing
    const j = row === null || row.end !== null || at === null ? null : judgeEnvelope(run.state, row, at, item.envelope);
    const next = j?.is === 'accepted' || j?.is === 'void' ? j.next : null;
    places.set(item.device, next);
    const opened = j?.is === 'accepted' && at !== null ? openPlain(run, { ...item, prev: at.hash, state: 'ok' }) : null;
    const said = opened === null ? null : saidIn(run, item.device, opened, (client, clock) => clients.get(placeOfClient(client, opened.epoch)) ?? clock);
    if (next === null || opened === null || said === null) continue;
    clients.set(placeOfClient(said.client, opened.epoch), said.next);
    for (const r of said.records) feed.add(r, placeOf({ ...item, n: next.n }, opened));
  }
  return feed;
}

/** Where a log stands before its first envelope: as it is here, or else as the relay says, and that envelope's signature has to agree. */
function beginOf(run: GroupRun, { device, n }: StoredEnvelope, prevs: readonly Prev[]): LogPlace | null {
  const at = run.heads.get(device) ?? LOG_START;
  if (n <= at.n) return null;
  return n === at.n + 1 ? at : { n: n - 1, hash: prevs.find((p) => p.device === device)?.prev ?? ZERO_HASH, rosterSeq: at.rosterSeq };
}
