/** What every component may reach: the core, and what the whole app shows. By context, never as a module's own. */
import { createContext } from 'svelte';
import type { AppView, GroupRef, HomeView } from '$lib/core/port';
import type { Core } from './client';
import type { Install } from './install.svelte';
import type { Update } from './update.svelte';
import type { Seen } from './view.svelte';

/** The core: `getCore().run('post', …)`. */
export const [getCore, setCore] = createContext<Core>();

export interface Shell {
  /** The app's phase; inside a page it is always `open`. */
  readonly app: Seen<AppView>;
  /** The open app: profile, connection, storage; null in every other phase. */
  readonly open: Extract<AppView, { phase: 'open' }> | null;
  /** The list of groups, watched once for the whole app. */
  readonly home: Seen<HomeView>;
  /** True where the list of groups stands beside the page (1024 px and more). */
  readonly wide: boolean;
  /** Milliseconds since 1970, moving on every half minute. */
  readonly now: number;
  readonly update: Update;
  readonly install: Install;
  /** Opens the form for a new group. */
  newGroup(): void;
  /** Opens the field for an invite link. */
  haveLink(): void;
  /** Opens the three steps to a recovery phrase. */
  writePhrase(): void;
  /** The same, to take the place of the phrase there is. */
  replacePhrase(): void;
  /** The reminder to make one was put off, for a day or until the app starts anew. */
  readonly phraseLater: boolean;
  laterPhrase(): void;
  /** Does what makes this person a group's owner, once they were asked for a recovery phrase: at once where there is one or it was put off, never when they turn away. `without`: what going on without one is called. */
  beforeOwning(then: () => void, without?: string): void;
  /** The offer of a group to this person was put away, until the app starts anew or there is another one. */
  isOfferLater(group: GroupRef): boolean;
  laterOffer(group: GroupRef): void;
  /** Forgets the keys at once and asks for the passphrase. */
  lock(): Promise<void>;
}

export const [getShell, setShell] = createContext<Shell>();
