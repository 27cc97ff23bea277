/** Which posts were truly in front of a person: on the screen of a page that is visible and has the focus, long enough to be noticed. */
import type { PostId } from '$lib/core/port';

export interface SeenWatch {
  /** A post came on or left the screen, in the words that a change had brought. */
  show(post: PostId, on: boolean, change?: string | null): void;
  /** The page gained or lost the person's attention. */
  attend(here: boolean): void;
  stop(): void;
}

/** How long a post must be in sight to count, and how long reports are gathered, in milliseconds. */
const NOTICE = 600;

/** Reports each post once in each of its words, after it was in sight and attended for `NOTICE` ms without a break; `changes`: which words, by post, where a change brought them. */
export function watchSeen(here: boolean, report: (posts: readonly PostId[], changes: Readonly<Record<PostId, string>>) => void): SeenWatch {
  const sight = new Map<PostId, string | null>();
  const told = new Map<PostId, string | null>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** Posts that were in sight when the timer began; one that leaves in between starts anew. */
  let steady = new Set<PostId>();

  const begin = () => {
    if (timer !== null || !here) return;
    steady = new Set([...sight].flatMap(([post, change]) => (told.get(post) === change ? [] : [post])));
    if (steady.size > 0) timer = setTimeout(end, NOTICE);
  };
  const end = () => {
    timer = null;
    const posts = [...steady].filter((post) => sight.has(post));
    const changes: Record<PostId, string> = {};
    for (const post of posts) {
      const change = sight.get(post) ?? null;
      told.set(post, change);
      if (change !== null) changes[post] = change;
    }
    if (posts.length > 0) report(posts, changes);
    begin();
  };
  const cease = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    show(post, on, change = null) {
      // other words have to be noticed anew
      if (!on || sight.get(post) !== change) steady.delete(post);
      if (on) { sight.set(post, change); begin(); }
      else sight.delete(post);
    },
    attend(now) {
      here = now;
      if (here) begin();
      else cease();
    },
    stop: cease
  };
}
