/** One open group as its screens see it: the view, the feed, the draft, and commands whose faults are told in words. */
import { createContext } from 'svelte';
import type { CommandName, Commands, FeedView, GroupRef, GroupView, InviteView, MemberId, PersonView } from '$lib/core/port';
import type { Core } from '$lib/state/client';
import type { Shell } from '$lib/state/context';
import { watchView } from '$lib/state/view.svelte';
import { faultWords } from '$lib/ui/fault';
import type { Toast, Toasts } from '$lib/ui/toasts.svelte';
import { openDraft, type Draft } from './draft.svelte';
import { applyFeed, canPrint, type FeedList } from './feed-order';
import type { GroupDialogs } from './group-dialogs';
import { photoShelf, type PhotoShelf } from './photo-shelf';

export interface OpenGroup {
  readonly ref: GroupRef;
  /** Null until the core has answered. */
  readonly view: GroupView | null;
  readonly feed: FeedList | null;
  readonly online: boolean;
  /** The core has listed its groups and this one is not among them. */
  readonly unknown: boolean;
  /** There are updates that can be put on paper. */
  readonly prints: boolean;
  /** The loaded updates are being laid out for paper; never where there are none. */
  printing: boolean;
  readonly draft: Draft;
  readonly shelf: PhotoShelf;
  person(member: MemberId): PersonView | undefined;
  /** Runs a command; a fault is shown as a toast. Answers what the core answered, or undefined after a fault. */
  ask<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Commands[K]['out'] | undefined>;
  /** A few words about what just happened; with an action they stay longer, and go with the group. */
  say(words: string, action?: Toast['action']): void;
}

export const [getOpenGroup, setOpenGroup] = createContext<OpenGroup>();
/** Opens one of the group's dialogs from anywhere in it. */
export const [getOpenDialog, setOpenDialog] = createContext<(dialog: GroupDialogs, invite?: InviteView | null) => void>();

/** How long something can be undone that was done by one press, in milliseconds: whoever writes here is often called away. */
const UNDO = 20_000;

/** Opens a group for as long as the calling component lives. */
export function openGroup(ref: GroupRef, core: Core, shell: Shell, toasts: Toasts): OpenGroup {
  const seen = watchView(core, 'group', ref);
  const draft = openDraft(core, ref);
  const shelf = photoShelf(core, ref);
  const people = $derived(new Map((seen.now?.people ?? []).map((person) => [person.member, person])));
  let feed = $state.raw<FeedList | null>(null);
  let printing = $state(false);
  let kept: FeedList | null = null;
  /** Take away the words whose action would do something to this group after it was left. */
  const quiet: (() => void)[] = [];

  $effect(() => core.watch('feed', ref, (view: FeedView) => {
    kept = applyFeed(kept, view).list;
    feed = kept;
  }));
  $effect(() => () => {
    for (const drop of quiet) drop();
    draft.flush();
    shelf.clear();
  });

  return {
    ref,
    draft,
    shelf,
    get printing() { return printing; },
    set printing(on) { printing = on && canPrint(feed); },
    get prints() { return canPrint(feed); },
    get view() { return seen.now; },
    get feed() { return feed; },
    get online() {
      return shell.open?.connection.state === 'online';
    },
    get unknown() {
      return seen.now === null && shell.home.now !== null && !shell.home.now.groups.some((group) => group.group === ref);
    },
    person: (member) => people.get(member),
    async ask(name, input) {
      const done = await core.run(name, input);
      if (done.ok) return done.value;
      toasts.show(faultWords(done.fault), { tone: 'error' });
      return undefined;
    },
    say(words, action = null) {
      if (action === null) toasts.show(words);
      else quiet.push(toasts.show(words, { action, forMs: UNDO }));
    }
  };
}
