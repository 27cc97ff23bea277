/**
 * Which tab writes (page side). A Web Lock held by the window, never by a worker: Safari keeps a worker's over a reload. It is an
 * optimisation that keeps two tabs out of each other's way; the fence in the store is what keeps the rows whole.
 */

/** `asking`: not known yet, for a moment after the start. */
export type Place = 'asking' | 'leading' | 'elsewhere';

export interface Leader {
  readonly place: Place;
  /** Becomes the tab that writes, whoever it was. In the tab that is already, it begins anew. */
  takeOver(): void;
  /** Gives the lock up for good. */
  end(): void;
}

/** What the leader needs of a window. */
export interface Around {
  /** Null where the browser has none: then the newest tab leads. */
  readonly locks: Pick<LockManager, 'request'> | null;
  readonly channel: (name: string) => Pick<BroadcastChannel, 'postMessage' | 'close' | 'addEventListener'>;
  readonly window: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;
}

const NAME = 'carefold-writer';
const TAKEN = 'taken';

export const aroundWindow = (): Around => ({
  locks: 'locks' in navigator ? navigator.locks : null,
  channel: (name) => new BroadcastChannel(name),
  window
});

/** Asks for the lock at once; `onChange` hears every change of place, and `leading` again when the writer has to begin anew. */
export function startLeader(around: Around, onChange: (place: Place) => void): Leader {
  let place: Place = 'asking';
  /** Settles the request that holds or waits; replaced with every new request, so that late answers to old ones mean nothing. */
  let request: { release: () => void; readonly stop: AbortController } | null = null;
  let channel = listen();

  function move(next: Place): void {
    if (place === next) return;
    place = next;
    onChange(next);
  }

  function listen(): ReturnType<Around['channel']> {
    const c = around.channel(NAME);
    c.addEventListener('message', (event) => {
      if ((event as MessageEvent<unknown>).data === TAKEN) lost();
    });
    return c;
  }

  function drop(): void {
    request?.stop.abort();
    request?.release();
    request = null;
  }

  /** `now`: only when it is free. `wait`: whenever it becomes free. `steal`: from whoever holds it. */
  function ask(how: 'now' | 'wait' | 'steal'): void {
    drop();
    if (around.locks === null) {
      if (how === 'wait') return;
      channel.postMessage(TAKEN);
      return move('leading');
    }
    const mine = { release: (): void => undefined, stop: new AbortController() };
    request = mine;
    const options: LockOptions = how === 'now' ? { ifAvailable: true } : how === 'steal' ? { steal: true } : { signal: mine.stop.signal };
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (request !== mine) return undefined;
      if (lock === null) {
        move('elsewhere');
        ask('wait');
        return undefined;
      }
      // the tab it was taken from may hear this before its own lock tells it
      if (how === 'steal') channel.postMessage(TAKEN);
      move('leading');
      return new Promise<void>((done) => (mine.release = done));
    };
    around.locks.request(NAME, options, hold).catch(() => {
      if (request !== mine) return;
      if (place === 'leading') lost();
      // a lock manager that fails is no reason to lock people out: the fence holds without it
      else if (how !== 'wait') move('leading');
    });
  }

  /** Another tab has it now. Waits in line, and leads again when that tab is closed. */
  function lost(): void {
    if (place !== 'leading') return;
    move('elsewhere');
    ask('wait');
  }

  // a page in the back-forward cache must hold neither lock nor channel; the worker is frozen with it
  const hide = (): void => {
    drop();
    channel.close();
  };
  const show = (event: Event): void => {
    if (!(event as PageTransitionEvent).persisted) return;
    channel = listen();
    // still `leading` if nobody took it; if somebody did and left again, the fence tells
    ask('now');
  };
  around.window.addEventListener('pagehide', hide);
  around.window.addEventListener('pageshow', show);

  ask('now');
  return {
    get place() {
      return place;
    },
    takeOver() {
      if (place === 'leading') onChange('leading');
      else ask('steal');
    },
    end() {
      around.window.removeEventListener('pagehide', hide);
      around.window.removeEventListener('pageshow', show);
      hide();
    }
  };
}
