/** A device without room for one more word: said so, reading goes on, nothing that waits is lost, and it goes on when there is room again. */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice } from './support/browser';
import { startRelay } from './support/relay';
import { expectState, newGroup, OLIVIA, post, postOf, setUp, unlock } from './support/story';

/** Put in front of the worker's script: what a browser does to a write when its quota is used up. */
const QUOTA = `{
  let full = false;
  new BroadcastChannel('quota').onmessage = (said) => { full = said.data; };
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...row) {
    if (full) { this.transaction.abort(); throw new DOMException('The quota has been exceeded.', 'QuotaExceededError'); }
    return put.apply(this, row);
  };
}
`;

test('a full device says so, reads on, keeps what waits, and goes on when there is room', async () => {
  const relay = await startRelay();
  const device = await openDevice('Olivia', undefined, { viewport: LAPTOP });
  const page = device.page();
  const full = (yes: boolean): Promise<void> => page.evaluate((now) => new BroadcastChannel('quota').postMessage(now), yes);
  try {
    await device.context().route(/workers\/worker-[^/]+\.js$/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: QUOTA + (await answer.text()) });
    });
    await page.goto(relay.url);
    await setUp(page, OLIVIA);
    await newGroup(page, 'Ward 4', 'Team');
    await post(page, 'There was room for this');
    await expectState(page, 'There was room for this', 'Sent');
    await device.goOffline();
    await post(page, 'This waits for a network');
    await expectState(page, 'This waits for a network', 'Saved here, waiting for network');

    await full(true);
    await page.getByLabel('Write an update').fill('There is no room for this');
    await page.getByRole('button', { name: 'Post', exact: true }).click();
    await expect(page.getByText('This device has no space left.', { exact: false }).first()).toBeVisible();
    await expect(page.getByLabel('Write an update')).toHaveValue('There is no room for this');
    await expect(postOf(page, 'There was room for this')).toBeVisible();
    await page.screenshot({ path: test.info().outputPath('full.png') });

    await full(false);
    await device.goOnline();
    await page.getByRole('button', { name: 'Post', exact: true }).click();
    await expectState(page, 'There is no room for this', 'Sent');
    await expectState(page, 'This waits for a network', 'Sent');
    await page.reload();
    await unlock(page, OLIVIA);
    for (const words of ['There was room for this', 'This waits for a network', 'There is no room for this']) await expect(page.getByRole('article').filter({ hasText: words })).toHaveCount(1);
    expect(device.complaints()).toEqual([]);
  } finally {
    await device.discard();
    await relay.discard();
  }
});
