/** A relay and people who are in one group already: where the story ends, most other tests begin. */
import { LAPTOP, openDevice, type Device } from './browser';
import { startRelay, type Relay } from './relay';
import { askToJoin, invite, letIn, newGroup, OLIVIA, PAT, postOf, setUp, type Person } from './story';
import { expect } from '@playwright/test';

export const GROUP = 'Pat’s Family Treatment Updates';

export interface Circle {
  readonly relay: Relay;
  /** The owner, on a laptop. */
  readonly olivia: Device;
  /** The patient, on a phone. */
  readonly pat: Device;
  discard(): Promise<void>;
}

/** Lets a person on a new device into the group that is open on the owner's. */
export async function letJoin(owner: Device, device: Device, person: Person, history: 'From the start' | 'From today' = 'From the start', as = ''): Promise<void> {
  const link = await invite(owner.page(), history, as);
  await device.page().goto(link);
  await setUp(device.page(), person);
  const number = await askToJoin(device.page());
  await letIn(owner.page(), person.name, number);
  await expect(device.page().getByLabel('Write an update')).toBeVisible({ timeout: 30_000 });
  // the keys have come as well: the group has its name
  await expect(device.page().getByRole('heading', { level: 1 })).not.toHaveText('Opening the group');
}

/** Olivia and Pat in one group, both online, with their names as given. */
export async function gather(who: { readonly olivia?: Person; readonly pat?: Person; readonly group?: string; readonly as?: string; readonly relay?: Readonly<Record<string, string>> } = {}): Promise<Circle> {
  const relay = await startRelay(who.relay);
  const [olivia, pat] = await Promise.all([openDevice('Olivia', relay.url, { viewport: LAPTOP }), openDevice('Pat')]);
  await setUp(olivia.page(), who.olivia ?? OLIVIA);
  await newGroup(olivia.page(), who.group ?? GROUP, 'Family');
  await letJoin(olivia, pat, who.pat ?? PAT, 'From the start', who.as);
  return {
    relay,
    olivia,
    pat,
    discard: async () => {
      await Promise.all([olivia.discard(), pat.discard()]);
      await relay.discard();
    }
  };
}

/** Waits until the service worker keeps the app, so that it opens without its server. */
export const keepApp = (device: Device): Promise<unknown> =>
  device.page().evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
  });

/** Each of these words stands in the feed once: nothing lost, nothing twice. */
export async function expectOnce(device: Device, words: readonly string[]): Promise<void> {
  for (const one of words) {
    // a device that found no relay a few times waits up to a minute before it tries again
    await expect(postOf(device.page(), one), `${device.name} reads “${one}”`).toBeVisible({ timeout: 90_000 });
    await expect(device.page().getByRole('article').filter({ hasText: one }), `${device.name} reads “${one}” once`).toHaveCount(1);
  }
}
