/** The very first visit, over a slow line: something is there before the app is, and makes way for it. */
import { expect, test } from '@playwright/test';
import { openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';

let relay: Relay;
let pat: Device;
test.beforeEach(async () => void ([relay, pat] = await Promise.all([startRelay(), openDevice('Pat')])));
test.afterEach(async () => {
  await pat.discard();
  await relay.discard();
});

test('a slow line shows the name and that something is coming, until the app is there', async () => {
  pat.network.slow({ rate: 20_000 });
  const page = pat.page();
  await page.goto(relay.url, { waitUntil: 'commit' });
  const waiting = page.locator('#waiting');
  await expect(waiting).toHaveCSS('opacity', '1');
  await expect(waiting).toContainText('Carefold');
  await expect(waiting.getByRole('progressbar')).toBeVisible();
  await page.screenshot({ path: test.info().outputPath('waiting.png') });
  await expect(page.getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible({ timeout: 60_000 });
  await expect(waiting).toHaveCount(0);
  expect(pat.complaints()).toEqual([]);
});

test('a part that got lost on the way is fetched again', async () => {
  let lost = 0;
  await pat.context().route('**/immutable/workers/**', (route) => (lost++ < 2 ? route.abort('connectionreset') : route.continue()));
  await pat.page().goto(relay.url);
  await expect(pat.page().getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible({ timeout: 30_000 });
  expect(lost).toBeGreaterThan(2);
});
