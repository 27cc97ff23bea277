/** Posts as they are shown: what has its place in the feed, and behind it what was read ahead of the rest (PROTOCOL §5.5). */
import { type Amendment, type Feed, type FeedPost, isLater } from '../care/feed';
import { type PostRecord, postIdOf, randomOf, recordIdOf } from '../care/record';
import type { GroupRun, OutboxItem } from './group-run';
import type { AheadRow } from './group-rows';

/** `from`: feed seq up to which everything was here when it began; what comes in between is shown once all of it has come. */
export interface Ahead { readonly row: AheadRow; readonly from: number; readonly feed: Feed }

/** The line where updates are missing. */
export const COMING = 'note-coming';

/** First feed seq of what was read ahead. */
export const firstOf = ({ row }: Ahead): number => row.items[0]?.seq ?? 0;
/** How much has come of what is missing before it, from 0 to 1. */
export const shareHere = (run: GroupRun, ahead: Ahead): number => Math.min(1, (run.cursor - ahead.from) / Math.max(1, firstOf(ahead) - 1 - ahead.from));

/** The feeds that are shown, as far as they are. */
const feedsOf = ({ feed, ahead }: GroupRun): readonly Feed[] => (ahead === null ? [feed] : [feed, ahead.feed]);

/** All that are loaded, in order. */
export function postsShown({ feed, ahead }: GroupRun): readonly FeedPost[] {
  if (ahead === null) return feed.posts;
  const here = feed.posts.filter((p) => p.seq <= ahead.from);
  const ids = new Set(here.map((p) => p.id));
  return [...here, ...ahead.feed.posts.filter((p) => !ids.has(p.id))];
}

/** One that is shown. */
export function findPost({ feed, ahead }: GroupRun, id: string): FeedPost | null {
  const here = feed.find(id);
  return ahead === null || (here !== null && here.seq <= ahead.from) ? here : ahead.feed.find(id);
}

/** What was said of a post since, wherever that stands. */
export function amendmentOf({ feed, ahead }: GroupRun, id: string): Amendment | null {
  const here = feed.amendment(id);
  const later = ahead?.feed.amendment(id) ?? null;
  if (here === null || later === null) return later ?? here;
  const isFirst = later.edited === null || !isLater({ a: later.edited, i: later.edit ?? '' }, here);
  return { ...(isFirst ? here : later), retracted: later.retracted ?? here.retracted };
}

export const isSeenBy = (run: GroupRun, member: string, device: number, n: number): boolean => feedsOf(run).some((f) => f.seenBy(member, device, n));
/** Own posts in the outbox, without those whose ack was lost and that were read ahead: under another id where they were said in a later epoch. */
export function pendingPosts(run: GroupRun): OutboxItem[] {
  const said = new Set(run.ahead?.feed.posts.filter((p) => p.member === run.me).map((p) => randomOf(p.id)));
  return run.outbox.filter(({ record: r }) => r.t === 'post' && !said.has(randomOf(r.i)));
}
/** A post that is still in the outbox. */
export function pendingPost(run: GroupRun, id: string): OutboxItem | undefined {
  const i = recordIdOf(id);
  return id === postIdOf(i, run.me) ? run.outbox.find((o) => o.record.i === i && o.record.t === 'post') : undefined;
}
/** Ids of posts that answer one, sent or not. */
export function answersTo(run: GroupRun, id: string): string[] {
  const pending = pendingPosts(run).filter(({ record: r }) => r.t === 'post' && r.r === id).map(({ record }) => postIdOf(record.i, run.me));
  return [...new Set([...feedsOf(run).flatMap((f) => f.answersTo(id)), ...pending])];
}
/** What shows something of a post: itself, its answers, which quote it, and what it answers, where it is counted. */
export function showing(run: GroupRun, id: string): string[] {
  const replyTo = findPost(run, id)?.replyTo ?? (pendingPost(run, id)?.record as PostRecord | undefined)?.r;
  return [id, ...answersTo(run, id), ...(replyTo == null ? [] : [replyTo])];
}
/** Others' posts that this person has not seen: id → [device, n]. */
export const unreadOf = (run: GroupRun): Feed['index']['unread'] => Object.assign({}, ...feedsOf(run).map((f) => f.index.unread)) as Feed['index']['unread'];
export const isUnread = (run: GroupRun, id: string): boolean => feedsOf(run).some((f) => id in f.index.unread);
/** Others' posts that were changed since this person saw them, if they did: id → [device, n]. */
export const changedOf = (run: GroupRun): Feed['changed'] => Object.assign({}, ...feedsOf(run).map((f) => f.changed)) as Feed['changed'];
export const isChanged = (run: GroupRun, id: string): boolean => feedsOf(run).some((f) => id in f.changed);
