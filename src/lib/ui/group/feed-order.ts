/** The loaded stretch of a feed: what arrived first, and how each later change is laid into it. */
import type { FeedItem, FeedView, PostId } from '$lib/core/port';

export interface FeedList {
  /** Ascending by `order`, then `id`; no id twice. */
  readonly items: readonly FeedItem[];
  /** Older items exist that are not loaded. */
  readonly more: boolean;
  /** Where reading stopped when the feed was opened; stays put while the group is on the screen. */
  readonly unreadFrom: PostId | null;
}

export interface FeedChange {
  readonly list: FeedList;
  /** Items were added in front of what was there: the scroll position has to be held from the end. */
  readonly grewInFront: boolean;
  /** Items added behind what was the newest one. */
  readonly grewBehind: readonly FeedItem[];
}

/** Lays a view into the list; a reset replaces it, a patch puts and removes single items. */
export function applyFeed(list: FeedList | null, view: FeedView): FeedChange {
  if (view.reset) {
    const items = sorted(view.items);
    return { list: { items, more: view.more, unreadFrom: view.unreadFrom }, grewInFront: false, grewBehind: [] };
  }
  const before = list?.items ?? [];
  const gone = new Set(view.gone);
  const put = new Map(view.put.map((item) => [item.id, item]));
  const placed = new Set<string>();
  const kept: FeedItem[] = [];
  for (const item of before) {
    const next = put.get(item.id);
    if (gone.has(item.id) && next === undefined) continue;
    // A changed item may have moved (a post gets its place when the relay stores it), so only unmoved ones stay in line.
    if (next === undefined) kept.push(item);
    else if (next.order === item.order) { kept.push(next); placed.add(next.id); }
  }
  const added = sorted([...put.values()].filter((item) => !placed.has(item.id)));
  const known = new Set(before.map((item) => item.id));
  const first = before[0];
  const last = before.at(-1);
  return {
    list: { items: merge(kept, added), more: view.more, unreadFrom: list?.unreadFrom ?? null },
    grewInFront: first !== undefined && added.some((item) => !known.has(item.id) && compare(item, first) < 0),
    grewBehind: added.filter((item) => !known.has(item.id) && (last === undefined || compare(item, last) > 0))
  };
}

/** Whether there are updates to put on paper: where there are none the feed is not on the page either, and nothing would answer. */
export const canPrint = (list: FeedList | null): boolean => list?.items.some((item) => item.is === 'post') ?? false;

/** Ascending `order`; equal orders by id, so that every device shows the same line. */
export function compare(a: FeedItem, b: FeedItem): number {
  return a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function sorted(items: readonly FeedItem[]): FeedItem[] {
  return [...items].sort(compare);
}

/** Both in line already: one pass, so a new post in a feed of 10,000 costs no sort. */
function merge(kept: readonly FeedItem[], added: readonly FeedItem[]): readonly FeedItem[] {
  if (added.length === 0) return kept;
  const line: FeedItem[] = [];
  let k = 0;
  for (const item of added) {
    for (let next = kept[k]; next !== undefined && compare(next, item) <= 0; next = kept[k]) { line.push(next); k += 1; }
    line.push(item);
  }
  return k === 0 ? line.concat(kept) : line.concat(kept.slice(k));
}
