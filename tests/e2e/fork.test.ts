/** A relay that shows two people two histories of one group, both with its valid receipts. */
import { expect, test } from '@playwright/test';
import { type Device, openDevice } from './support/browser';
import { gather, letJoin, type Circle } from './support/circle';
import { type Forking, startForking } from './support/forking';
import { addPhotos, takePhoto } from './support/photo';
import { look } from './support/screens';
import { FAY, post, postOf, to } from './support/story';

let circle: Circle;
let forking: Forking | undefined;
let fay: Device | undefined;
test.beforeEach(async () => (circle = await gather()));
test.afterEach(async () => {
  await fay?.discard();
  await circle.discard();
  await forking?.close();
});

test.setTimeout(300_000);

test('a fork is shown to both sides as soon as one honest word passes between them, and neither sends any more', async () => {
  const { relay, olivia, pat } = circle;
  await post(pat.page(), 'Slept well');
  await addPhotos(pat.page(), [await takePhoto(pat.page(), 'wound.jpg', 'Pat', 900, 600)]);
  await post(pat.page(), 'The wound today');
  await expect(postOf(olivia.page(), 'The wound today').getByRole('button', { name: /^Photo/ }).locator('img')).toBeVisible({ timeout: 30_000 });
  forking = await startForking(relay);
  pat.network.lead(forking.port);
  await olivia.page().getByRole('button', { name: 'More about this group' }).first().click();
  await olivia.page().getByRole('menuitem', { name: 'Rename group' }).click();
  await olivia.page().getByRole('dialog').getByLabel('Group name').fill('Another name');
  await olivia.page().getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  // Pat sees it too, under another receipt; nobody can tell so far
  await expect(pat.page().getByRole('heading', { level: 1 })).toHaveText('Another name', { timeout: 30_000 });
  expect(forking.forged()).toBeGreaterThan(0);
  for (const device of [olivia, pat]) await expect(device.page().getByText('Two versions of this group exist')).toBeHidden();

  pat.network.lead(null);
  for (const device of [pat, olivia]) {
    await expect(device.page().getByText('Two versions of this group exist').first()).toBeVisible({ timeout: 30_000 });
    await expect(device.page().getByLabel('Write an update')).toBeHidden();
  }
  // what was read stays, and nothing that changes the group is offered any more
  await to(olivia.page(), 'People');
  await expect(olivia.page().getByRole('button', { name: 'Invite' })).toHaveCount(0);
  // its owner has a way on, and nobody else is offered one
  await expect(pat.page().getByRole('button', { name: 'Begin the group anew' })).toHaveCount(0);
  await expect(pat.page().getByText('Call Olivia, who owns the group', { exact: false }).first()).toBeVisible();
  await look(pat.page(), 'fork');
  await to(olivia.page(), 'Updates');
  await olivia.page().getByRole('button', { name: 'Begin the group anew' }).click();
  const dialog = olivia.page().getByRole('dialog');
  await expect(dialog.getByRole('checkbox', { name: 'Take the updates along' })).toBeChecked();
  await look(olivia.page(), 'fork-anew');
  // without a network it is put together, and waits
  await olivia.goOffline();
  await dialog.getByRole('button', { name: 'Begin the group anew' }).click();
  const going = olivia.page().getByText('The updates are being taken along');
  await expect(going).toBeVisible();
  await look(olivia.page(), 'history-going');
  await olivia.goOnline();
  await expect(going).toBeHidden({ timeout: 60_000 });
  await expect(olivia.page().getByRole('button', { name: 'Invite' }).first()).toBeVisible();
  await expect(olivia.page().getByRole('heading', { level: 1 })).toHaveText('Another name');

  // somebody who never was in the old group reads there what was written, and can do no more
  fay = await openDevice('Fay');
  await letJoin(olivia, fay, FAY);
  const phone = fay.page();
  const read = phone.getByRole('button', { name: 'Read the updates from before' });
  await expect(read).toBeVisible({ timeout: 60_000 });
  await look(phone, 'history-note');
  await read.click();
  await expect(postOf(phone, 'Slept well')).toContainText('Pat Moreno', { timeout: 60_000 });
  await expect(phone.getByText('From before, brought along by Olivia Brandt')).toBeVisible();
  await expect(phone.getByLabel('Write an update')).toBeHidden();
  await expect(postOf(phone, 'The wound today').getByRole('button', { name: /^Photo/ }).locator('img')).toBeVisible({ timeout: 30_000 });
  await look(phone, 'history');
  await to(phone, 'People');
  await expect(phone.getByRole('main').getByText('Pat Moreno').first()).toBeVisible();
  expect([...fay.complaints(), ...olivia.complaints()]).toEqual([]);
});
