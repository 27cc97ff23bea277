/** Whether the browser offers to install the app, and doing it when the person asks. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

export interface Install {
  readonly offered: boolean;
  ask(): Promise<void>;
}

export function watchInstall(): Install & { stop(): void } {
  let offer = $state.raw<InstallPrompt | null>(null);
  const keep = (event: Event): void => {
    event.preventDefault();
    offer = event as InstallPrompt;
  };
  const done = (): void => {
    offer = null;
  };
  addEventListener('beforeinstallprompt', keep);
  addEventListener('appinstalled', done);
  return {
    get offered() {
      return offer !== null;
    },
    async ask() {
      const now = offer;
      offer = null;
      await now?.prompt();
    },
    stop() {
      removeEventListener('beforeinstallprompt', keep);
      removeEventListener('appinstalled', done);
    }
  };
}
