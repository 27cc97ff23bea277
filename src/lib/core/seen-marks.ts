/**
 * What was on this person's screen (PROTOCOL §15.4). A mark speaks for a whole envelope, so of one that was seen in part the posts that
 * were are kept here, sealed like everything else, until the others were too: locking the app does not make them unread again.
 */
import { type FeedPost, join as joinSpans, type Span } from '../care/feed';
import { type CareRecord, SEEN_EDITS_MOST, type SeenRecord } from '../care/record';
import type { Change } from '../store/store';
import type { GroupRun } from './group-run';
import { drop, keyOf, put, type SeenPartRow } from './group-rows';
import { isChangeSeenHere, seenHere } from './group-view';
import { amendmentOf, findPost } from './posts';
import { enqueue, replaceItem } from './send';

type Mark = SeenRecord['m'][number];
/** Marks that one record holds. */
const MARKS_MOST = 500;
/** Marks wait for each other, in milliseconds. */
const SEEN_WAIT = 2_500;

/** `marks`: stretches of each log that were seen by now; `changes`: what is to be kept with them. */
export interface Seen { readonly marks: readonly Mark[]; readonly changes: readonly Change[] }

/** These posts were on the screen, some in the words of a change: of those, and of whole envelopes, their authors hear after a moment. */
export async function noteSeen(run: GroupRun, posts: readonly string[], changes: Readonly<Record<string, string>> = {}): Promise<void> {
  const { clock } = run.around;
  // a mark names a place, and what was read ahead of the rest has none yet
  for (const id of posts) {
    if (run.ahead?.feed.find(id) == null) continue;
    run.seenPosts.add(id);
    run.seenAhead.add(id);
  }
  const { marks, changes: rows } = takeSeen(run, posts.filter((id) => !run.seenAhead.has(id)));
  // what was read is not unread, though its author is told of it with the rest of its envelope
  run.around.changed(run.ref, 'feed', [...posts]);
  const waiting = run.outbox.find((o) => o.record.t === 'seen' && !(run.sealed?.keys.includes(o.key) ?? false));
  const [first, ...more] = marks.length === 0 ? [] : inRecords([...((waiting?.record as SeenRecord | undefined)?.m ?? []), ...marks]);
  const fresh = [...(waiting === undefined && first !== undefined ? [first] : []), ...more];
  if (waiting !== undefined && first !== undefined) await replaceItem(run, waiting, { ...waiting.record, m: first } as SeenRecord);
  const head = (): Pick<CareRecord, 'i' | 'a'> => ({ i: run.newId(), a: clock() });
  const records = [...fresh.map((m): CareRecord => ({ ...head(), t: 'seen', m })), ...inParts(editsSeen(run, posts, changes), SEEN_EDITS_MOST).map((e): CareRecord => ({ ...head(), t: 'seen-edits', e }))];
  if (records.length > 0) await enqueue(run, records.map((record) => ({ record, heldUntil: clock() + SEEN_WAIT })), rows);
  else if (rows.length > 0) await run.commit(rows);
}

/** Of others' posts that were on the screen in the words of a change: those changes, if they are what is shown, and were not seen before. */
function editsSeen(run: GroupRun, posts: readonly string[], changes: Readonly<Record<string, string>>): [post: string, edit: string][] {
  return posts.flatMap((id): [string, string][] => {
    const edit = amendmentOf(run, id)?.edit;
    const p = edit === undefined || edit !== changes[id] || isChangeSeenHere(run, id) ? null : findPost(run, id);
    return p === null || edit === undefined || p.member === run.me ? [] : [[id, edit]];
  });
}

/** What was read ahead has its place now. */
export async function noteSeenAhead(run: GroupRun): Promise<void> {
  await run.local.take(async () => {
    const posts = [...run.seenAhead];
    run.seenAhead.clear();
    await noteSeen(run, posts);
  });
}

/** These posts were on the screen. */
export function takeSeen(run: GroupRun, posts: readonly string[]): Seen {
  const shown = posts.flatMap((id) => run.feed.find(id) ?? []).filter((p) => p.member !== run.me && !seenHere(run, p.device, p.n));
  if (shown.length === 0) return { marks: [], changes: [] };
  for (const p of shown) run.seenPosts.add(p.id);
  const logs = byLog(run.feed.posts);
  // what is unread is known of the pages that are not in memory too
  const unseen = new Set(Object.entries(run.feed.index.unread).flatMap(([id, at]) => (run.seenPosts.has(id) ? [] : [place(...at)])));
  // posts of one envelope stand together: only the first one here can have some before it that are not
  const first = run.feed.more ? run.feed.posts[0] : undefined;
  const isWhole = (device: number, n: number): boolean =>
    seenHere(run, device, n) ||
    (run.feed.openSince(device, n) <= n && !unseen.has(place(device, n)) && !(first?.device === device && first.n === n) &&
      (logs.get(device) ?? []).every((x) => x.n !== n || run.seenPosts.has(x.id) || run.feed.amendment(x.id)?.retracted != null));
  const whole = shown.filter((p) => isWhole(p.device, p.n));
  return { marks: whole.map((p) => stretch(p, logs.get(p.device) ?? [], isWhole, run.feed.openSince(p.device, p.n))), changes: keepParts(run, shown, whole) };
}

function byLog(posts: readonly FeedPost[]): ReadonlyMap<number, readonly FeedPost[]> {
  const logs = new Map<number, FeedPost[]>();
  for (const p of posts) {
    const log = logs.get(p.device);
    if (log === undefined) logs.set(p.device, [p]);
    else log.push(p);
  }
  return logs;
}

/** From after the post before, when that one was seen too: what is between says nothing to be seen, as far back as all of it could be read. */
function stretch(p: FeedPost, log: readonly FeedPost[], isWhole: (device: number, n: number) => boolean, openSince: number): Mark {
  const before = log.reduce((most, x) => (x.n < p.n ? Math.max(most, x.n) : most), 0);
  return [p.device, before > 0 && isWhole(p.device, before) ? Math.max(before + 1, openSince) : p.n, p.n];
}

function keepParts(run: GroupRun, shown: readonly FeedPost[], whole: readonly FeedPost[]): Change[] {
  const done = new Set(whole.map((p) => place(p.device, p.n)));
  const parts = new Map<string, SeenPartRow>();
  for (const p of shown) {
    const at = place(p.device, p.n);
    const part = parts.get(at) ?? run.seenParts.get(at);
    if (!done.has(at)) parts.set(at, { device: p.device, n: p.n, posts: [...new Set([...(part?.posts ?? []), p.id])] });
  }
  // seen as a whole by now, here or on another device of this person
  const gone = [...run.seenParts.values()].filter((part) => done.has(place(part.device, part.n)) || seenHere(run, part.device, part.n));
  for (const part of gone) run.seenParts.delete(place(part.device, part.n));
  for (const [at, part] of parts) run.seenParts.set(at, part);
  return [...gone.map((part) => drop('inbox', keyOf.seenPart(run.ref, part))), ...[...parts.values()].map((part) => put('inbox', keyOf.seenPart(run.ref, part), part))];
}

export const place = (device: number, n: number): string => `${device} ${n}`;

/** Marks made one where they touch, as many records as they need; the last one may take more. */
export function inRecords(marks: readonly Mark[]): Mark[][] {
  const logs = new Map<number, Span[]>();
  for (const [device, from, to] of marks) logs.set(device, joinSpans(logs.get(device) ?? [], [from, to]));
  const all = [...logs].flatMap(([device, spans]) => spans.map(([from, to]): Mark => [device, from, to]));
  return inParts(all, MARKS_MOST);
}
const inParts = <T>(all: readonly T[], most: number): T[][] => Array.from({ length: Math.ceil(all.length / most) }, (_, i) => all.slice(i * most, (i + 1) * most));
