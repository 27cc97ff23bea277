/**
 * New versions of the app. One waits until the person says “Update”; nothing changes under a half-written post.
 * The page reloads once, and only in the tab that asked.
 */
export interface Update {
  /** A new version is here and waits. */
  readonly waiting: boolean;
  /** Asks at once whether there is a new version, instead of once an hour. */
  look(): void;
  /** Puts the new version in place and reloads. */
  apply(): void;
}

const HOUR_MS = 3_600_000;

/** Registers the service worker at `address`; does nothing where there is none, as in development. */
export function watchUpdate(address: (() => string) | null): Update & { stop(): void } {
  let waiting = $state.raw<ServiceWorker | null>(null);
  let asked = false;
  let timer: ReturnType<typeof setInterval> | undefined;
  const container = 'serviceWorker' in navigator ? navigator.serviceWorker : null;

  const onControl = (): void => {
    if (!asked) return;
    asked = false;
    location.reload();
  };

  async function register(): Promise<void> {
    if (container === null || address === null) return;
    const registration = await container.register(address(), { updateViaCache: 'none' });
    const look = (): void => {
      // without a controller this is the first visit, not an update
      if (registration.waiting && container.controller) waiting = registration.waiting;
    };
    look();
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', look));
    timer = setInterval(() => void registration.update().catch(() => undefined), HOUR_MS);
  }

  container?.addEventListener('controllerchange', onControl);
  // no service worker: the app still works, only not from cold without a network
  register().catch(() => undefined);
  return {
    get waiting() {
      return waiting !== null;
    },
    look() {
      void container?.getRegistration().then((r) => r?.update()).catch(() => undefined);
    },
    apply() {
      const worker = waiting;
      if (worker === null) return;
      // another tab put it in place: it hears no more of waiting, and this page only has to begin anew
      if (worker.state !== 'installed') return location.reload();
      asked = true;
      // a yet newer one came in between, and waits once the page has begun anew
      worker.addEventListener('statechange', () => worker.state === 'redundant' && onControl());
      worker.postMessage('skip-waiting');
    },
    stop() {
      clearInterval(timer);
      container?.removeEventListener('controllerchange', onControl);
    }
  };
}
