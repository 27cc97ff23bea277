/** Whoever signs out is told before what would be lost with this device, in which groups, and may go back to it. */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice } from './support/browser';
import { startRelay } from './support/relay';
import { look } from './support/screens';
import { expectState, newGroup, OLIVIA, post, setUp, unlock } from './support/story';

test('signing out names the groups with drafts and with words that wait, leads back to them, and loses them only when told to', async () => {
  const relay = await startRelay();
  const device = await openDevice('Olivia', undefined, { viewport: LAPTOP });
  const page = device.page();
  const dialog = page.getByRole('dialog', { name: 'Sign out this device?' });
  const ask = async (): Promise<void> => {
    await page.locator('a[href="/you"]').filter({ visible: true }).first().click();
    await page.getByRole('button', { name: 'Sign out this device' }).click();
    await expect(dialog).toBeVisible();
  };
  try {
    await page.goto(relay.url);
    await setUp(page, OLIVIA);
    await newGroup(page, 'Ward 4', 'Team');
    await page.getByLabel('Write an update').fill('I began this and never posted it');
    await page.goto(relay.url);
    await unlock(page, OLIVIA);
    await newGroup(page, 'Night shift on the corridor between Ward 4 and Ward 5', 'Team');
    // the list says where a draft lies
    const begun = page.getByRole('link').filter({ hasText: 'Begun, not posted', visible: true });
    await expect(begun).toHaveCount(1);
    await expect(begun).not.toContainText('Night shift');
    await look(page, 'begun-not-posted');
    await device.goOffline();
    await post(page, 'Written without a network');
    await expectState(page, 'Written without a network', 'Saved here, waiting for network');
    await ask();
    await expect(dialog.getByText('1 thing you wrote is not sent yet')).toBeVisible();
    await expect(dialog.getByRole('link', { name: 'Night shift on the corridor between Ward 4 and Ward 5 1 waiting to be sent' })).toBeVisible();
    await expect(dialog.getByText('Signing out loses 1 thing for good')).toBeVisible();
    await look(page, 'sign-out-loses');

    // what waited leaves; the draft is still there to go back to
    await device.goOnline();
    await expect(dialog.getByText('1 thing you wrote is not sent yet')).toBeHidden({ timeout: 30_000 });
    await dialog.getByRole('link', { name: 'Ward 4 1 draft', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByLabel('Write an update')).toHaveValue('I began this and never posted it');
    await ask();
    await dialog.getByRole('button', { name: 'Sign out and lose it' }).click();
    await expect(page.getByText('You signed out', { exact: true }).first()).toBeVisible({ timeout: 30_000 });
    expect(device.complaints()).toEqual([]);
  } finally {
    await device.discard();
    await relay.discard();
  }
});
