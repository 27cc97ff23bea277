/** Which posts were truly in front of a person: on the screen of a page that is visible and has the focus, long enough to be noticed. */
import type { PostId } from '$lib/core/port';

export interface SeenWatch {
  /** A post came on or left the screen. */
  show(post: PostId, on: boolean): void;
  /** The page gained or lost the person's attention. */
  attend(here: boolean): void;
  stop(): void;
}

/** How long a post must be in sight to count, and how long reports are gathered, in milliseconds. */
const NOTICE = 600;

/** Reports each post once, after it was in sight and attended for `NOTICE` ms without a break. */
export function watchSeen(here: boolean, report: (posts: readonly PostId[]) => void): SeenWatch {
  const sight = new Set<PostId>();
  const told = new Set<PostId>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** Posts that were in sight when the timer began; one that leaves in between starts anew. */
  let steady = new Set<PostId>();

  const begin = () => {
    if (timer !== null || !here) return;
    steady = new Set([...sight].filter((post) => !told.has(post)));
    if (steady.size > 0) timer = setTimeout(end, NOTICE);
  };
  const end = () => {
    timer = null;
    const posts = [...steady].filter((post) => sight.has(post));
    for (const post of posts) told.add(post);
    if (posts.length > 0) report(posts);
    begin();
  };
  const cease = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    show(post, on) {
      if (on) { sight.add(post); begin(); }
      else { sight.delete(post); steady.delete(post); }
    },
    attend(now) {
      here = now;
      if (here) begin();
      else cease();
    },
    stop: cease
  };
}
