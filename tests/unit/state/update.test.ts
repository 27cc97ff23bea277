import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchUpdate } from '$lib/state/update.svelte';

/** A worker of the browser's, as its page sees it. */
class Worker extends EventTarget {
  readonly told: unknown[] = [];
  constructor(public state: ServiceWorkerState) {
    super();
  }
  postMessage(what: unknown): void {
    this.told.push(what);
  }
  becomes(state: ServiceWorkerState): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

let watched: { stop(): void } | null = null;
afterEach(() => {
  watched?.stop();
  vi.unstubAllGlobals();
});

/** A page over which a first version rules, and a next one waits. */
async function page() {
  const waiting = new Worker('installed');
  const registration = Object.assign(new EventTarget(), { waiting: waiting as Worker | null, installing: null as Worker | null, update: () => Promise.resolve() });
  const container = Object.assign(new EventTarget(), { controller: new Worker('activated'), register: () => Promise.resolve(registration), getRegistration: () => Promise.resolve(registration) });
  const reload = vi.fn();
  vi.stubGlobal('navigator', { serviceWorker: container });
  vi.stubGlobal('location', { reload });
  const update = watchUpdate(() => '/service-worker.js');
  watched = update;
  await new Promise((done) => setTimeout(done));
  /** The next version rules, whoever asked for it. */
  const turn = (): void => {
    registration.waiting = null;
    waiting.becomes('activating');
    container.controller = waiting;
    container.dispatchEvent(new Event('controllerchange'));
    waiting.becomes('activated');
  };
  return { update, waiting, registration, reload, turn };
}

describe('a new version', () => {
  it('is put in place when it is asked for, and the page begins anew once', async () => {
    const { update, waiting, reload, turn } = await page();
    expect(update.waiting).toBe(true);
    update.apply();
    expect([waiting.told, reload.mock.calls.length]).toEqual([['skip-waiting'], 0]);
    turn();
    expect(reload).toHaveBeenCalledTimes(1);
  });

  it('that another tab put in place reloads nothing by itself, and at once when it is asked for', async () => {
    const { update, waiting, reload, turn } = await page();
    turn();
    expect([update.waiting, reload.mock.calls.length]).toEqual([true, 0]);
    update.apply();
    expect([waiting.told, reload.mock.calls.length]).toEqual([[], 1]);
  });

  it('whose place a yet newer one takes while it is asked for ends in a page that begins anew', async () => {
    const { update, waiting, registration, reload } = await page();
    update.apply();
    registration.waiting = new Worker('installed');
    waiting.becomes('redundant');
    expect(reload).toHaveBeenCalledTimes(1);
  });
});
