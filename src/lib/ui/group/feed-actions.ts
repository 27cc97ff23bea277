/** What can be done from a post in the feed; the feed decides how. */
import type { PostId, PostItem } from '$lib/core/port';

export interface FeedActions {
  reply(post: PostItem): void;
  /** Scrolls to a post and lights it up, loading older ones when it must. */
  jump(post: PostId): void;
  /** Goes to the first answer to a post. */
  replies(post: PostItem): void;
  photo(post: PostItem, n: number): void;
  copy(post: PostItem): Promise<void>;
  /** Opens the words of an own post to be changed. */
  edit(post: PostItem): void;
  /** Lays down the pen that changes an own post; words that it wrote can be had back for a while. */
  giveUp(): void;
  retract(post: PostItem): void;
  undo(post: PostItem): void;
  /** Who has seen it. */
  seen(post: PostItem): void;
}
