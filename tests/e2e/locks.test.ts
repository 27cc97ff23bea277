/** The lock: on demand, by itself, against guesses; drafts outlive it, and one tab writes at a time. */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { look } from './support/screens';
import { expectState, newGroup, OLIVIA, openGroup, post, postOf, setUp, unlock } from './support/story';

let relay: Relay;
let olivia: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', undefined, { viewport: LAPTOP });
});
test.afterEach(async () => {
  await olivia.discard();
  await relay.discard();
});

const locked = (): Promise<void> => expect(olivia.page().getByRole('heading', { name: 'Carefold is locked' })).toBeVisible();
const lockNow = async (): Promise<void> => {
  await olivia.page().getByRole('button', { name: 'Lock', exact: true }).click();
  await locked();
};

test('a locked app shows nothing, says what is wrong with a guess, slows guessing down, and keeps the draft', async () => {
  await olivia.page().goto(relay.url);
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  const field = page.getByLabel('Write an update');
  await field.fill('Half a sentence about');
  // nobody reloads within the same blink
  await page.waitForTimeout(500);
  await page.reload();
  await locked();
  await expect(page.getByText('Night shift')).toHaveCount(0);
  await unlock(page, OLIVIA);
  await expect(field).toHaveValue('Half a sentence about');

  await field.fill('Half a sentence about the drip');
  await lockNow();
  const passphrase = page.getByLabel('Passphrase', { exact: true });
  const open = page.getByRole('button', { name: 'Unlock', exact: true });
  for (let guess = 1; guess <= 5; guess += 1) {
    await expect(open).toBeEnabled({ timeout: 20_000 });
    await passphrase.fill(`a guess ${guess}`);
    await open.click();
    await expect(page.getByText('That is not the passphrase of this device.', { exact: false })).toBeVisible();
  }
  await expect(page.getByText(/You can try again in \d+ second/)).toBeVisible();
  await expect(page.getByText('5 wrong tries so far', { exact: false })).toBeVisible();
  await expect(open).toBeDisabled();
  // waiting is kept over a reload
  await page.reload();
  await expect(open).toBeDisabled();
  await expect(open).toBeEnabled({ timeout: 60_000 });
  await unlock(page, OLIVIA);
  await expect(field).toHaveValue('Half a sentence about the drip');

  // the network is gone, and what was posted cannot leave
  await olivia.goOffline();
  await page.getByRole('button', { name: 'Post', exact: true }).click();
  await expectState(page, 'Half a sentence about the drip', 'Saved here, waiting for network');
  await lockNow();
  const unsent = page.getByText('1 update was not sent yet when this was locked');
  await expect(unsent).toBeVisible();
  await expect(page.getByText('drip')).toHaveCount(0);
  await look(page, 'lock-unsent');
  await page.reload();
  await locked();
  await expect(unsent).toBeVisible();
  await olivia.goOnline();
  await unlock(page, OLIVIA);
  await expectState(page, 'Half a sentence about the drip', 'Sent');
  await lockNow();
  await expect(unsent).toHaveCount(0);
});

test('words typed while changing an update outlive a reload, a lock and a look elsewhere, and are forgotten when they are not wanted', async () => {
  await olivia.page().goto(relay.url);
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  await post(page, 'Bed 2 sleeps.');
  await expectState(page, 'Bed 2 sleeps.', 'Sent');
  const edit = page.getByLabel('Change your words');
  const begin = async (): Promise<void> => {
    await postOf(page, 'Bed 2 sleeps').getByRole('button', { name: 'More for this update' }).click();
    await page.getByRole('menuitem', { name: 'Edit', exact: true }).click();
  };
  await begin();
  await edit.fill('Bed 2 sleeps, bed 3');
  // nobody reloads within the same blink
  await page.waitForTimeout(500);
  await page.reload();
  await locked();
  await unlock(page, OLIVIA);
  await expect(edit).toHaveValue('Bed 2 sleeps, bed 3');
  await expect(edit).toBeFocused();
  await edit.pressSequentially(' does not');
  await lockNow();
  await unlock(page, OLIVIA);
  await expect(edit).toHaveValue('Bed 2 sleeps, bed 3 does not');
  await page.getByRole('link', { name: /Settings/ }).click();
  await expect(edit).toHaveCount(0);
  await openGroup(page, 'Night shift, ward 4');
  await expect(edit).toHaveValue('Bed 2 sleeps, bed 3 does not');
  await look(page, 'edit-kept');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(postOf(page, 'Bed 2 sleeps, bed 3 does not')).toContainText('Edited');
  await expect(edit).toHaveCount(0);
  await lockNow();
  await unlock(page, OLIVIA);
  await expect(postOf(page, 'Bed 2 sleeps, bed 3 does not')).toBeVisible();
  await expect(edit).toHaveCount(0);
  await begin();
  await edit.fill('Not this');
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await lockNow();
  await unlock(page, OLIVIA);
  await expect(postOf(page, 'Bed 2 sleeps, bed 3 does not')).toBeVisible();
  await expect(edit).toHaveCount(0);
});

test('whoever forgot the passphrase empties the device only after agreeing to what is lost, and is led to the ways back', async () => {
  await olivia.page().goto(relay.url);
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await lockNow();
  await page.getByText('Forgot your passphrase?').click();
  await page.getByRole('button', { name: 'I can’t remember it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start again on this device?' });
  const go = dialog.getByRole('button', { name: 'Delete and start again' });
  await expect(go).toBeDisabled();
  await look(page, 'forgotten');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await unlock(page, OLIVIA);
  await lockNow();
  await page.getByText('Forgot your passphrase?').click();
  await page.getByRole('button', { name: 'I can’t remember it' }).click();
  await dialog.getByRole('checkbox').check();
  await go.click();
  await expect(page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('button', { name: 'I already use Carefold' })).toBeVisible();
  expect(olivia.complaints()).toEqual([]);
});

test('what was just said is not said on the lock screen', async () => {
  await olivia.page().goto(relay.url);
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  await post(page, 'Bed 2 sleeps.');
  await expectState(page, 'Bed 2 sleeps.', 'Sent');
  await postOf(page, 'Bed 2 sleeps').getByRole('button', { name: 'More for this update' }).click();
  await page.getByRole('menuitem', { name: 'Copy words' }).click();
  const said = page.getByRole('button', { name: 'Dismiss' });
  await expect(said).toBeVisible();
  await lockNow();
  expect(await said.count()).toBe(0);
});

test('a draft that is too long to be posted says so, and is kept whole', async () => {
  await olivia.page().goto(relay.url);
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift, ward 4', 'Team');
  const long = `${'All of it. '.repeat(1_900)}And the end`;
  await page.getByLabel('Write an update').fill(long);
  await expect(page.getByText(`Too long to post, by ${long.length - 20_000} letters.`, { exact: false })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Post', exact: true })).toHaveAttribute('aria-disabled', 'true');
  await look(page, 'draft-too-long');
  // nobody reloads within the same blink
  await page.waitForTimeout(500);
  await page.reload();
  await unlock(page, OLIVIA);
  await expect(page.getByLabel('Write an update')).toHaveValue(long);
  await page.getByLabel('Write an update').fill('Short');
  await expect(page.getByText('Too long to post', { exact: false })).toHaveCount(0);
});

test('after five minutes without a touch a clinician’s app locks by itself, and says so before', async () => {
  const page = olivia.page();
  await page.clock.install();
  await page.goto(relay.url);
  await setUp(page, OLIVIA);
  await expect(page.getByRole('button', { name: 'New group', exact: true }).first()).toBeVisible();
  await page.clock.runFor('04:40');
  await expect(page.getByText('Locking in half a minute', { exact: false }).first()).toBeVisible();
  await page.mouse.move(300, 300);
  await expect(page.getByText('Locking in half a minute', { exact: false })).toHaveCount(0);
  await page.clock.runFor('05:10');
  await locked();
});

test('a changed passphrase opens this device, and the old one does not', async () => {
  const page = olivia.page();
  const next = { ...OLIVIA, passphrase: 'winter pencil meadow ladder' };
  await page.goto(relay.url);
  await setUp(page, OLIVIA);
  await page.getByRole('link', { name: /Settings/ }).click();
  await page.getByRole('button', { name: 'Change passphrase' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Old passphrase').fill('not this one at all');
  await dialog.getByLabel('New passphrase', { exact: true }).fill(next.passphrase);
  await dialog.getByLabel('Repeat new passphrase').fill(next.passphrase);
  const change = dialog.getByRole('button', { name: 'Change', exact: true });
  await change.click();
  await expect(dialog.getByText('That is not the passphrase of this device.', { exact: false })).toBeVisible();
  await dialog.getByLabel('Old passphrase').fill(OLIVIA.passphrase);
  await expect(async () => {
    if (await dialog.isVisible()) await change.click({ timeout: 1000 });
    await expect(dialog).toBeHidden({ timeout: 3000 });
  }).toPass({ timeout: 30_000 });
  await lockNow();
  await page.getByLabel('Passphrase', { exact: true }).fill(OLIVIA.passphrase);
  await page.getByRole('button', { name: 'Unlock', exact: true }).click();
  await expect(page.getByText('That is not the passphrase of this device.', { exact: false })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Unlock', exact: true })).toBeEnabled({ timeout: 30_000 });
  await unlock(page, next);
});

test('a second tab says that the first one writes, and can take over', async () => {
  const page = olivia.page();
  await page.goto(relay.url);
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night shift', 'Team');
  const second = await olivia.context().newPage();
  await second.goto(relay.url);
  const elsewhere = 'Carefold is open in another tab';
  await expect(second.getByRole('heading', { name: elsewhere })).toBeVisible();
  await expect(second.getByText('Night shift')).toHaveCount(0);
  await second.getByRole('button', { name: 'Use it here' }).click();
  await expect(page.getByRole('heading', { name: elsewhere })).toBeVisible();
  await unlock(second, OLIVIA);
  await expect(second.getByText('Night shift').first()).toBeVisible();
  // and back again
  await page.getByRole('button', { name: 'Use it here' }).click();
  await expect(second.getByRole('heading', { name: elsewhere })).toBeVisible();
  await unlock(page, OLIVIA);
});
