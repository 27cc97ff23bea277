/** A feed as it stands after its patches: what a second reader of the same feed is shown first. */
import type { FeedItem, FeedView } from '$lib/core/port';

/** A whole feed: the newest items loaded, ascending by order, then id. */
export type WholeFeed = Extract<FeedView, { reset: true }>;

/** Applies one view to what was there; a patch with nothing before it starts from an empty feed. */
export function foldFeed(before: WholeFeed | null, view: FeedView): WholeFeed {
  if (view.reset) return view;
  const items = new Map((before?.items ?? []).map((item) => [item.id, item]));
  for (const id of view.gone) items.delete(id);
  for (const item of view.put) items.set(item.id, item);
  return { reset: true, items: [...items.values()].sort(inOrder), more: view.more, unreadFrom: before?.unreadFrom ?? null };
}

function inOrder(a: FeedItem, b: FeedItem): number {
  return a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
