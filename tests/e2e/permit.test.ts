/** A relay that lets only people with a permit begin groups, as a person meets it: refused, mistyped, typed right. */
import { expect, test } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LAPTOP, openDevice, PHONE, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { look } from './support/screens';
import { expectState, newGroup, OLIVIA, post, setUp } from './support/story';

let relay: Relay;
let olivia: Device;
test.beforeEach(async () => {
  relay = await startRelay({ CAREFOLD_GROUPS: 'permit' });
  olivia = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
});
test.afterEach(async () => {
  await olivia.discard();
  await relay.discard();
});

/** What an operator types beside the running relay. */
const admin = (...args: string[]): string =>
  execFileSync(process.execPath, ['dist/admin.js', 'permit', ...args], { cwd: fileURLToPath(new URL('../..', import.meta.url)), env: { ...process.env, CAREFOLD_DATA: relay.folder, CAREFOLD_GROUPS: 'permit' }, encoding: 'utf8' });

test('a group waits on its device for a permit, which is asked for in plain words and read however it is typed', async () => {
  const page = olivia.page();
  const notice = page.getByText('This server asks for a permit').filter({ visible: true });
  const field = page.getByLabel('Permit code');
  const use = page.getByRole('button', { name: 'Use this code' });
  await setUp(page, OLIVIA);
  await newGroup(page, 'Night team, ward 4', 'Team');
  await expect(notice).toBeVisible();
  await post(page, 'Bed 3 slept through.');
  await expectState(page, 'Bed 3 slept through.', 'Saved here, not sent');

  const code = admin('new').split('\n')[0] as string;
  await field.fill(code.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')));
  await use.click();
  await expect(page.getByText('Something in this code is not right.', { exact: false })).toBeVisible();
  await look(page, 'group-permit');
  // two groups and one permit
  await newGroup(page, 'Day team, ward 4', 'Team');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(notice).toBeVisible();
  await field.fill(code.toLowerCase().replaceAll('-', ' '));
  await use.click();
  await expect(page.getByText('The group is on the server now.', { exact: false })).toBeVisible();
  await expect(notice).toBeHidden();
  await page.getByRole('link', { name: /Night team/ }).first().click();
  await expect(page.getByText('This code is used up.', { exact: false })).toBeVisible();
  await page.setViewportSize(PHONE);
  await page.getByRole('link', { name: 'Back' }).click();
  await page.getByRole('button', { name: 'New group', exact: true }).first().click();
  await expect(field).toBeVisible();
  await page.keyboard.press('Escape');
  await look(page, 'home-permit');
  expect(JSON.parse(admin())).toMatchObject({ permits: [{ permit: 1, groups: 0, over: true }] });
  expect(olivia.complaints()).toEqual([]);
});
