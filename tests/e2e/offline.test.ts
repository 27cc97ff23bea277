/** Without a network on either side: what is written is kept, opens cold, and arrives once. */
import { expect, test } from '@playwright/test';
import { expectOnce, gather, GROUP, keepApp, type Circle } from './support/circle';
import { expectState, OLIVIA, openGroup, PAT, post, unlock } from './support/story';

let circle: Circle;
test.beforeEach(async () => (circle = await gather()));
test.afterEach(() => circle.discard());

test.setTimeout(300_000);

test('both write without a network, their browsers start anew with the server gone, and each word arrives once', async () => {
  const { relay, olivia, pat } = circle;
  const both = [
    { device: olivia, person: OLIVIA },
    { device: pat, person: PAT }
  ];
  await Promise.all([keepApp(olivia), keepApp(pat)]);
  await Promise.all([olivia.goOffline(), pat.goOffline()]);
  await relay.stop();

  await post(olivia.page(), 'Olivia, first, in the basement.');
  await post(pat.page(), 'Pat, first, on the train.');
  await expect(olivia.page().getByText(/^Offline/).first()).toBeVisible();
  for (const { device, person } of both) {
    // opens at the very address it was closed at, without its server
    const page = await device.restart();
    expect(page.url()).toContain('/group/');
    await unlock(page, person);
  }
  await expectState(olivia.page(), 'Olivia, first, in the basement.', 'Saved here, waiting for network');
  await expectState(pat.page(), 'Pat, first, on the train.', 'Saved here, waiting for network');

  await post(olivia.page(), 'Olivia, second.');
  await post(pat.page(), 'Pat, second.');
  await pat.restart(relay.url);
  await unlock(pat.page(), PAT);
  await expect(pat.page().getByText('2 waiting to be sent')).toBeVisible();
  await openGroup(pat.page(), GROUP);

  await relay.start();
  await Promise.all([olivia.goOnline(), pat.goOnline()]);
  const all = ['Olivia, first, in the basement.', 'Pat, first, on the train.', 'Olivia, second.', 'Pat, second.'];
  for (const { device } of both) await expectOnce(device, all);
  await expectState(olivia.page(), 'Olivia, second.', /Sent|Seen by/);
  await expectState(pat.page(), 'Pat, second.', /Sent|Seen by/);

  // and once more from what was kept, not from what is on the screen
  for (const { device, person } of both) {
    await device.restart();
    await unlock(device.page(), person);
    await expectOnce(device, all);
  }
});
