/** Rows of the feed: each item with the day that begins above it and the line where unread posts begin. */
import type { FeedItem, PostId } from '$lib/core/port';
import { moment } from '$lib/ui/when';

export interface FeedRow {
  readonly key: string;
  readonly item: FeedItem;
  /** Local midnight of the day that begins with this row; null when the day goes on. */
  readonly day: number | null;
  /** The first post that was unread when the feed was opened. */
  readonly newFrom: boolean;
}

/** Items in line to rows. Days only go forward: a device with a wrong clock starts no day in the past. */
export function toRows(items: readonly FeedItem[], unreadFrom: PostId | null): readonly FeedRow[] {
  let day = Number.NEGATIVE_INFINITY;
  return items.map((item) => {
    const at = midnight(shownAt(item));
    const begins = at > day;
    if (begins) day = at;
    return { key: item.id, item, day: begins ? at : null, newFrom: item.id === unreadFrom };
  });
}

/** The time an item is filed under: when the relay stored it, else the author's own clock. */
export function shownAt(item: FeedItem): number {
  return item.is === 'post' ? (item.sentAt ?? item.at) : item.at;
}

/** Local midnight at or before `at`. */
export function midnight(at: number): number {
  const day = moment(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}
