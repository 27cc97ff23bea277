/** The feed as it lies on paper, and as the days go by. */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { expectState, newGroup, OLIVIA, post, setUp } from './support/story';

let relay: Relay;
let olivia: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
});
test.afterEach(async () => {
  await olivia.discard();
  await relay.discard();
});

test('updates are printed where there are some, once, and nothing is where there are none', async () => {
  const page = olivia.page();
  await page.evaluate(() => (window.print = () => void (document.documentElement.dataset['printed'] = `${document.documentElement.dataset['printed'] ?? ''}x`)));
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  const menu = page.getByRole('button', { name: 'More about this group' });
  const print = page.getByRole('menuitem', { name: 'Print updates' });
  await menu.click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await expect(print).toHaveCount(0);
  await page.keyboard.press('Escape');
  await post(page, 'Bed 2 sleeps.');
  await expectState(page, 'Bed 2 sleeps.', 'Sent');
  await menu.click();
  await print.click();
  await expect(page.locator('html')).toHaveAttribute('data-printed', 'x');
});

test('today is yesterday once it is midnight, in a feed that stays open', async () => {
  const page = olivia.page();
  // by the browser's calendar, in whose day the update is written
  const late = await page.evaluate(() => new Date().setHours(23, 58, 0, 0));
  await page.clock.install({ time: late });
  await page.goto(relay.url);
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  await post(page, 'Bed 2 sleeps.');
  await expectState(page, 'Bed 2 sleeps.', 'Sent');
  const day = (name: string) => page.getByRole('main').getByRole('heading', { level: 2, name, exact: true });
  await expect(day('Today')).toBeVisible();
  await page.clock.runFor('03:00');
  await expect(day('Yesterday')).toBeVisible();
  await expect(day('Today')).toHaveCount(0);
});
