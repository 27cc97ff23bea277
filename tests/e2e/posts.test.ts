/** What can be done with words once they are written, and how people go: undo, edit, take back, reply; withdraw an offer, leave. */
import { expect, test, type Page } from '@playwright/test';
import { gather, GROUP, type Circle } from './support/circle';
import { look } from './support/screens';
import { expectState, handOver, openGroup, PAT, post, postOf, to, unlock } from './support/story';

let circle: Circle;
test.describe.configure({ mode: 'serial' });
// a server that tells devices of what is new has to say who runs it
test.beforeAll(async () => (circle = await gather({ relay: { CAREFOLD_CONTACT: 'mailto:operator@example.org' } })));
test.afterAll(() => circle.discard());

test('a post can be undone, changed and taken back, answered and counted as unread, and everybody sees the marks', async () => {
  const { olivia, pat } = circle;
  const nurse = olivia.page();
  const patient = pat.page();
  const more = async (words: string, item: string): Promise<void> => {
    await postOf(nurse, words).getByRole('button', { name: 'More for this update' }).click();
    await nurse.getByRole('menuitem', { name: item, exact: true }).click();
  };

  await post(nurse, 'Sent too early, with a typo.');
  await postOf(nurse, 'Sent too early').getByRole('button', { name: 'Undo' }).click();
  await expect(nurse.getByLabel('Write an update')).toHaveValue('Sent too early, with a typo.');
  await expect(nurse.getByRole('article').filter({ hasText: 'Sent too early' })).toHaveCount(0);
  await nurse.getByLabel('Write an update').fill('');

  await post(nurse, 'The visit is at two.');
  await expectState(nurse, 'The visit is at two.', 'Seen by 1 of 1');
  await expect(patient.getByText('Sent too early')).toHaveCount(0);
  await more('The visit is at two.', 'Edit');
  await nurse.getByLabel('Change your words').fill('The visit is at three.');
  await nurse.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(postOf(patient, 'The visit is at three.')).toContainText('Edited', { timeout: 30_000 });
  await expect(patient.getByText('The visit is at two.')).toHaveCount(0);

  // a change that Escape broke off comes back with all its words; one that changes nothing closes without a word
  await more('The visit is at three.', 'Edit');
  const pen = nurse.getByLabel('Change your words');
  await pen.fill('The visit is at four, not at three.');
  await pen.press('Escape');
  await expect(pen).toBeHidden();
  await nurse.getByRole('status').filter({ hasText: 'Your change was not saved.' }).getByRole('button', { name: 'Undo' }).click();
  await expect(pen).toHaveValue('The visit is at four, not at three.');
  await expect(pen).toBeFocused();
  await pen.fill('The visit is at three.');
  await pen.press('Escape');
  await expect(pen).toBeHidden();
  await expect(nurse.getByText('Your change was not saved.')).toHaveCount(0);

  await postOf(patient, 'The visit is at three.').getByRole('button', { name: 'Reply' }).click();
  await post(patient, 'Good, Fay can come along.');
  await expect(postOf(nurse, 'Good, Fay can come along.').getByRole('button', { name: /The visit is at three/ })).toContainText('Olivia Brandt', { timeout: 30_000 });

  // Pat begins a change, and is elsewhere in the app: the title counts and names nobody
  await postOf(patient, 'Good, Fay can come along.').getByRole('button', { name: 'More for this update' }).click();
  await patient.getByRole('menuitem', { name: 'Edit', exact: true }).click();
  const begun = patient.getByLabel('Change your words');
  await begun.fill('Good, Fay can come along, and');
  await patient.getByRole('link', { name: 'Back' }).click();
  await expect(patient.getByRole('link', { name: new RegExp(GROUP) })).toContainText('Begun, not posted');
  await post(nurse, 'The doctor is late.');
  await expect(patient.getByRole('link', { name: new RegExp(GROUP) })).toContainText('1 unread', { timeout: 30_000 });
  await expect(patient).toHaveTitle('(1) Groups · Carefold');
  await openGroup(patient, GROUP);
  await expect(patient).toHaveTitle('Updates · Carefold');
  // what is new is read first; the pen lies where it was
  await expect(postOf(patient, 'The doctor is late.')).toBeInViewport();
  await expect(begun).not.toBeFocused();
  await patient.getByRole('status').filter({ hasText: 'You have a change that is not saved yet.' }).getByRole('button', { name: 'Go on with it' }).click();
  await expect(begun).toBeFocused();
  await expect(begun).toHaveValue('Good, Fay can come along, and');
  await patient.getByRole('button', { name: 'Cancel', exact: true }).click();

  await more('The doctor is late.', 'Take back');
  await nurse.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(patient.getByText('Taken back by Olivia Brandt')).toBeVisible({ timeout: 30_000 });
  await expect(patient.getByText('The doctor is late.')).toHaveCount(0);

  // and so it stays when all is read again from what is kept
  await unlock(await pat.restart(), PAT);
  await expect(postOf(pat.page(), 'The visit is at three.')).toContainText('Edited');
  await expect(pat.page().getByText('Taken back by Olivia Brandt')).toBeVisible();
  await expect(pat.page().getByText('The doctor is late.')).toHaveCount(0);
});

test('a change is waiting, sent and seen by itself, and whoever read the words before is told', async () => {
  const { olivia, pat } = circle;
  const nurse = olivia.page();
  const menu = async (words: string, item: string): Promise<void> => {
    await postOf(nurse, words).getByRole('button', { name: 'More for this update' }).click();
    await nurse.getByRole('menuitem', { name: item, exact: true }).click();
  };
  const change = async (from: string, to: string): Promise<void> => {
    await menu(from, 'Edit');
    await nurse.getByLabel('Change your words').fill(to);
    await nurse.getByRole('button', { name: 'Save', exact: true }).click();
  };
  const row = (page: Page) => page.getByRole('link', { name: new RegExp(GROUP) }).first();
  await post(nurse, 'Take 50 mg.');
  await expectState(nurse, 'Take 50 mg.', 'Seen by 1 of 1');
  await pat.page().getByRole('link', { name: 'Back' }).click();
  await olivia.goOffline();
  await change('Take 50 mg.', 'Take 5 mg, not 50 mg.');
  await expectState(nurse, 'Take 5 mg, not 50 mg.', 'Change saved here, waiting for network');
  await expect(row(nurse)).toContainText('You: Take 5 mg');
  await look(nurse, 'change-waiting');
  await olivia.goOnline();
  await expectState(nurse, 'Take 5 mg, not 50 mg.', 'Sent. Earlier words seen by 1');
  await postOf(nurse, 'Take 5 mg').getByRole('button', { name: /Earlier words/ }).click();
  await expect(nurse.getByRole('dialog')).toContainText('Saw only earlier words');
  await look(nurse, 'change-earlier');
  await nurse.keyboard.press('Escape');

  await expect(row(pat.page())).toContainText('1 unread', { timeout: 30_000 });
  await openGroup(pat.page(), GROUP);
  await expect(postOf(pat.page(), 'Take 5 mg')).toContainText('Changed');
  await expect(pat.page().getByText('New since you last looked')).toHaveCount(0);
  await postOf(pat.page(), 'Take 5 mg').getByRole('button', { name: /Show the first words/ }).click();
  await expect(pat.page().getByText('Take 50 mg.', { exact: true })).toBeVisible();
  await look(pat.page(), 'change-read');
  await expectState(nurse, 'Take 5 mg, not 50 mg.', 'Seen by 1 of 1');

  await olivia.goOffline();
  await menu('Take 5 mg', 'Take back');
  await nurse.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(nurse.getByRole('article').filter({ hasText: 'You took this back' }).last()).toContainText('Waiting for network. Others can still read it.');
  await expect(row(nurse)).toContainText('You took an update back');
  await look(nurse, 'take-back-waiting');
  await olivia.goOnline();
  await expect(pat.page().getByRole('article').filter({ hasText: 'Taken back by Olivia Brandt' }).last()).toBeVisible({ timeout: 30_000 });
  await expect(nurse.getByText('Others can still read it.')).toHaveCount(0);
});

test('nothing counts as seen behind a dialog, and being told is not on where the browser was not allowed to', async () => {
  const { olivia, pat } = circle;
  const nurse = olivia.page();
  const patient = pat.page();
  const dialog = patient.getByRole('dialog');
  // a person who presses “Block”
  await patient.evaluate(() => {
    let said: NotificationPermission = 'default';
    Object.defineProperty(Notification, 'permission', { configurable: true, get: () => said });
    Notification.requestPermission = async () => (said = 'denied');
  });
  await patient.getByRole('button', { name: 'More about this group' }).click();
  await patient.getByRole('menuitem', { name: 'Tell me what is new' }).click();
  await expect(dialog.getByRole('button', { name: 'Turn on' })).toBeEnabled();

  await post(nurse, 'Behind a dialog.');
  await expectState(nurse, 'Behind a dialog.', 'Sent');
  await expect(patient.getByText('Behind a dialog.')).toBeAttached({ timeout: 30_000 });
  await patient.waitForTimeout(3_000);
  await expect(postOf(nurse, 'Behind a dialog.')).not.toContainText('Seen by');

  await dialog.getByRole('button', { name: 'Turn on' }).click();
  await expect(dialog).toContainText('Notices from Carefold are blocked on this device.');
  await expect(patient.getByText('You will be told on this device.')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await expectState(nurse, 'Behind a dialog.', 'Seen by 1 of 1');
});

test('an offer can be withdrawn, the owner cannot leave, and who leaves keeps what was read', async () => {
  const { olivia, pat } = circle;
  const nurse = olivia.page();
  const patient = pat.page();
  await to(nurse, 'Updates');
  await post(nurse, 'Read by Pat before leaving.');
  await expect(postOf(patient, 'Read by Pat')).toBeVisible({ timeout: 30_000 });

  await handOver(nurse, PAT.name);
  await expect(patient.getByRole('button', { name: 'Accept ownership' })).toBeVisible({ timeout: 30_000 });
  await to(patient, 'Updates');
  await patient.getByRole('button', { name: 'Not now' }).click();
  await expect(patient.getByText('Olivia still owns this group. The offer stays under People.')).toBeVisible();
  await expect(patient.getByRole('button', { name: 'Accept ownership' })).toBeHidden();
  await to(patient, 'People');
  await expect(patient.getByRole('button', { name: 'Accept ownership' })).toBeVisible();
  await nurse.getByRole('button', { name: 'Withdraw offer' }).first().click();
  await expect(patient.getByRole('button', { name: 'Accept ownership' })).toBeHidden({ timeout: 30_000 });
  await nurse.getByRole('button', { name: 'Leave group' }).click();
  await expect(nurse.getByRole('dialog', { name: 'Hand over first' })).toBeVisible();
  await nurse.keyboard.press('Escape');

  await to(patient, 'People');
  await patient.getByRole('button', { name: 'Leave group' }).click();
  await patient.getByRole('dialog').getByRole('button', { name: 'Leave group' }).click();
  await to(patient, 'Updates');
  await expect(patient.getByText('You left this group.', { exact: false })).toBeVisible();
  await expect(patient.getByLabel('Write an update')).toBeHidden();
  await to(nurse, 'Updates');
  await expect(nurse.getByText(`${PAT.name} left`)).toBeVisible({ timeout: 30_000 });
  await post(nurse, 'Written after Pat left.');
  await expectState(nurse, 'Written after Pat left.', 'Sent');
  await expect(postOf(patient, 'Read by Pat')).toBeVisible();
  await expect(patient.getByText('Written after Pat left.')).toHaveCount(0);
});
