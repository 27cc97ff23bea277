/**
 * The core seen from the page: commands as promises, views as callbacks, over a worker that can be ended and begun again.
 * Ending the worker is how the app locks: the keys go with its memory, and everything shown from it is taken back at once.
 */
import type { CommandName, Commands, CoreClient, Down, Fault, FeedView, Outcome, Up, ViewName, Views } from '$lib/core/port';
import { foldFeed, type WholeFeed } from './feed';

/** What the client needs of a worker; a test gives it a real port instead. */
export interface Wire {
  postMessage(message: Down, transfer: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Up>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

export interface Core extends CoreClient {
  /** Ends the worker and starts a new, locked one; every view starts anew and every open command answers `locked`. */
  restart(): void;
  /** Ends the worker for good. */
  end(): void;
}

interface Watched {
  readonly name: ViewName;
  readonly key: string | null;
  readonly shows: Set<(view: never) => void>;
  /** What came last, for those who start watching later. */
  last: Views[ViewName]['view'] | null;
}

type Answer = (outcome: Outcome<unknown>) => void;

const placeOf = (name: ViewName, key: string | null): string => `${name} ${key ?? ''}`;

/** Milliseconds after which a worker whose script did not come, over a line that breaks, is begun again. */
const AGAIN: readonly number[] = [1000, 3000, 9000];

/** Starts a core with `begin`, which makes a fresh worker each time it is called. */
export function startCore(begin: () => Wire, again = AGAIN): Core {
  const views = new Map<string, Watched>();
  const answers = new Map<number, Answer>();
  let lastId = 0;
  let wire: Wire | null = null;
  let waits: ReturnType<typeof setTimeout> | undefined;

  function connect(tries = 0): void {
    const mine = begin();
    let hasRun = false;
    wire = mine;
    mine.onmessage = ({ data }) => {
      hasRun = true;
      if (wire === mine) receive(data);
    };
    mine.onerror = (event) => {
      event.preventDefault();
      if (wire !== mine) return;
      // an error in it has words; a script that did not come has none
      if (hasRun || event.message) broken('internal');
      else if (tries < again.length) retry(tries);
      else broken('unavailable');
    };
    for (const { name, key } of views.values()) mine.postMessage({ is: 'watch', name, key }, []);
  }

  function receive(up: Up): void {
    if (up.is === 'outcome') {
      answers.get(up.id)?.(up.outcome);
      answers.delete(up.id);
      return;
    }
    const watched = views.get(placeOf(up.name, up.key));
    if (watched === undefined) return;
    watched.last = up.name === 'feed' ? foldFeed(watched.last as WholeFeed | null, up.view as FeedView) : up.view;
    for (const show of watched.shows) show(up.view as never);
  }

  /** The worker fell over, or never came: say so instead of waiting for ever. Nothing on disk is touched by that. */
  function broken(fault: 'internal' | 'unavailable'): void {
    answerAll(fault);
    showApp({ phase: 'failed', fault });
  }
  function retry(tries: number): void {
    wire?.terminate();
    wire = null;
    answerAll('unavailable');
    waits = setTimeout(() => connect(tries + 1), again[tries]);
  }

  function answerAll(fault: Fault): void {
    const waiting = [...answers.values()];
    answers.clear();
    for (const answer of waiting) answer({ ok: false, fault });
  }

  function showApp(view: Views['app']['view']): void {
    const app = views.get(placeOf('app', null));
    if (app === undefined) return;
    app.last = view;
    for (const show of app.shows) show(view as never);
  }

  function drop(): void {
    clearTimeout(waits);
    wire?.terminate();
    wire = null;
    for (const watched of views.values()) watched.last = null;
    answerAll('locked');
  }

  connect();
  return {
    run: (name, input) =>
      new Promise((resolve) => {
        if (wire === null) return resolve({ ok: false, fault: 'unavailable' });
        const id = ++lastId;
        answers.set(id, resolve as Answer);
        try {
          wire.postMessage(command(id, name, input), buffersOf(name, input));
        } catch {
          answers.delete(id);
          resolve({ ok: false, fault: 'internal' });
        }
      }),
    watch(name, key, show) {
      const place = placeOf(name, key);
      let watched = views.get(place);
      if (watched === undefined) {
        watched = { name, key, shows: new Set(), last: null };
        views.set(place, watched);
        wire?.postMessage({ is: 'watch', name, key }, []);
      }
      const mine = watched;
      const call = (view: Parameters<typeof show>[0]): void => show(view);
      mine.shows.add(call);
      if (mine.last !== null) call(mine.last as Parameters<typeof show>[0]);
      return () => {
        if (!mine.shows.delete(call) || mine.shows.size > 0 || views.get(place) !== mine) return;
        views.delete(place);
        wire?.postMessage({ is: 'unwatch', name, key }, []);
      };
    },
    restart() {
      drop();
      showApp({ phase: 'starting' });
      connect();
    },
    end: drop
  };
}

function command<K extends CommandName>(id: number, name: K, input: Commands[K]['in']): Down {
  return { is: 'command', id, name, input } as Down;
}

/** A photo's bytes move to the worker instead of being copied. */
function buffersOf<K extends CommandName>(name: K, input: Commands[K]['in']): Transferable[] {
  if (name !== 'add-photo') return [];
  const { photo } = input as Commands['add-photo']['in'];
  return [...new Set([photo.full.buffer, photo.thumb.buffer])];
}
