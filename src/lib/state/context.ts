/** What every component may reach: the core, and what the whole app shows. By context, never as a module's own. */
import { createContext } from 'svelte';
import type { AppView, HomeView } from '$lib/core/port';
import type { Core } from './client';
import type { Seen } from './view.svelte';

/** The core: `getCore().run('post', …)`. */
export const [getCore, setCore] = createContext<Core>();

export interface Shell {
  /** The app's phase; inside an open page it is always `open`. */
  readonly app: Seen<AppView>;
  /** The list of groups, watched once for the whole app. */
  readonly home: Seen<HomeView>;
  /** True where the list of groups stands beside the page. */
  readonly wide: boolean;
  /** Opens the form for a new group. */
  newGroup(): void;
  /** Opens the field for an invite link. */
  haveLink(): void;
  /** Forgets the keys at once and asks for the passphrase. */
  lock(): void;
  /** Whether the browser said it keeps our data; asks it when it was not asked yet. */
  keepStorage(): Promise<void>;
}

export const [getShell, setShell] = createContext<Shell>();
