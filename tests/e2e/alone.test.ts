/** With the owner's browser closed: somebody comes in by an open link, and somebody leaves, and the group goes on. */
import { expect, test } from '@playwright/test';
import { openDevice, type Device } from './support/browser';
import { type Circle, gather, GROUP } from './support/circle';
import { expectState, FAY, openGroup, post, postOf, setUp, unlock, OLIVIA } from './support/story';

let circle: Circle;
let fay: Device;
// Fay comes in, then Pat leaves
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  [circle, fay] = await Promise.all([gather(), openDevice('Fay')]);
});
test.afterAll(async () => {
  await Promise.all([circle.discard(), fay.discard()]);
});

test('an open link lets somebody in while the owner’s browser is closed, with names and history from whoever is there', async () => {
  const { olivia, pat } = circle;
  await post(olivia.page(), 'Visiting hours are from two to six.');
  await expect(postOf(pat.page(), 'Visiting hours')).toBeVisible({ timeout: 30_000 });
  await olivia.page().getByRole('button', { name: 'Invite', exact: true }).filter({ visible: true }).first().click();
  await olivia.page().getByRole('radio', { name: 'From the start', exact: true }).check({ force: true });
  await olivia.page().getByRole('radio', { name: 'The link lets them in', exact: true }).check({ force: true });
  await olivia.page().getByRole('button', { name: 'Copy link', exact: true }).click();
  const link = await olivia.page().getByRole('dialog').getByLabel('Invite link').inputValue();
  await olivia.close();
  await fay.page().goto(link);
  await setUp(fay.page(), FAY);
  await fay.page().getByRole('button', { name: 'Come in', exact: true }).click();
  await expect(postOf(fay.page(), 'Visiting hours')).toBeVisible({ timeout: 30_000 });
  await expect(fay.page().getByRole('heading', { level: 1 })).toHaveText(GROUP);
  await expect(pat.page().getByText(`${FAY.name} came in with an open link from ${OLIVIA.name}`)).toBeVisible();
});

test('somebody leaves while the owner’s browser is closed, and the others write on under new keys', async () => {
  const { olivia, pat } = circle;
  await pat.page().getByRole('link', { name: /People/ }).first().click();
  // what the feed said once is said there for good
  await pat.page().getByRole('button', { name: FAY.name }).click();
  await expect(pat.page().getByText(`Came in with an open link from ${OLIVIA.name}`)).toBeVisible();
  await pat.page().getByRole('button', { name: 'Leave group' }).first().click();
  await pat.page().getByRole('dialog').getByRole('button', { name: 'Leave group' }).click();
  await expect(fay.page().getByText(/Pat Moreno left/)).toBeVisible({ timeout: 30_000 });
  await post(fay.page(), 'Only for those who stayed.');
  await expectState(fay.page(), 'Only for those who stayed.', 'Sent');
  const page = await olivia.restart(circle.relay.url);
  await unlock(page, OLIVIA);
  await openGroup(page, GROUP);
  await expect(postOf(page, 'Only for those who stayed.')).toBeVisible({ timeout: 30_000 });
  await expect(postOf(pat.page(), 'Only for those who stayed.')).toHaveCount(0);
});
