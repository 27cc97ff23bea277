/** Invite links that are no good say why, kindly; two who ask are told apart; a request can be taken back. */
import { expect, test } from '@playwright/test';
import { fileURLToPath } from 'node:url';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { GROUP } from './support/circle';
import { startRelay, type Relay } from './support/relay';
import { askToJoin, FAY, invite, letIn, newGroup, OLIVIA, PAT, requestOf, setUp, unlock, type Person } from './support/story';

let relay: Relay;
let olivia: Device;
let pat: Device;

// one after the other in one group: Pat is let in last
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  relay = await startRelay();
  [olivia, pat] = await Promise.all([openDevice('Olivia', relay.url, { viewport: LAPTOP }), openDevice('Pat', relay.url)]);
  await Promise.all([setUp(olivia.page(), OLIVIA), setUp(pat.page(), PAT)]);
  await newGroup(olivia.page(), GROUP, 'Family');
});
test.afterAll(async () => {
  await Promise.all([olivia, pat].map((device) => device.discard()));
  await relay.discard();
});

/** Opens a link on a device that is set up: the page is new, so it asks for the passphrase first, and then goes on with the invite. */
async function follow(device: Device, link: string, person: Person): Promise<void> {
  await device.page().goto('about:blank');
  await device.page().goto(link);
  await expect(device.page().getByText('You opened an invite.', { exact: false })).toBeVisible();
  await unlock(device.page(), person);
}
const says = (device: Device, title: string): Promise<void> => expect(device.page().getByRole('heading', { name: title })).toBeVisible({ timeout: 30_000 });

test('a refusal is told kindly, and the owner’s list is empty again', async () => {
  await follow(pat, await invite(olivia.page(), 'From today'), PAT);
  await askToJoin(pat.page());
  await (await requestOf(olivia.page(), PAT.name)).getByRole('button', { name: 'Refuse' }).click();
  await olivia.page().getByRole('dialog').getByRole('button', { name: 'Refuse' }).click();
  await says(pat, 'Not this time');
  await expect(pat.page().getByText('Call Olivia if you think it is a mistake', { exact: false })).toBeVisible();
  await expect(olivia.page().getByRole('article', { name: /asks to join/ })).toHaveCount(0);
});

test('a revoked link says so, to who opens it and to who has already asked', async () => {
  const link = await invite(olivia.page(), 'From the start');
  await follow(pat, link, PAT);
  await askToJoin(pat.page());
  await requestOf(olivia.page(), PAT.name);
  await olivia.page().getByRole('button', { name: 'Revoke' }).first().click();
  await olivia.page().getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await says(pat, 'This invite was taken back');
  await pat.page().getByRole('button', { name: 'To my groups' }).click();
  await follow(pat, link, PAT);
  await says(pat, 'This invite was taken back');
});

test('a request can be taken back, and a broken link is told from a good one', async () => {
  const link = await invite(olivia.page(), 'From the start');
  await follow(pat, link, PAT);
  await askToJoin(pat.page());
  await requestOf(olivia.page(), PAT.name);
  await pat.page().getByRole('link', { name: 'To my groups' }).click();
  await expect(pat.page().getByRole('heading', { name: 'Waiting for Olivia to let you in' })).toBeVisible();
  await pat.page().getByRole('link', { name: 'Show my number' }).click();
  await pat.page().getByRole('button', { name: 'Not you? Cancel the request' }).click();
  await expect(pat.page().getByRole('heading', { name: 'Begin with a group' })).toBeVisible();
  await expect(olivia.page().getByRole('article', { name: /asks to join/ })).toHaveCount(0, { timeout: 30_000 });

  for (const broken of [link.slice(0, -12), `${link}xx`, `${link.split('#')[0]}#hello`]) {
    await follow(pat, broken, PAT);
    await expect(pat.page().getByText(/This link is not complete/).first(), broken).toBeVisible();
  }
});

test('an invite that is put off is on the home screen, also later, until it is forgotten', async () => {
  const link = await invite(olivia.page(), 'From the start');
  await follow(pat, link, PAT);
  const page = pat.page();
  const kept = page.getByRole('link', { name: 'Olivia invites you. See the invite.' });
  await says(pat, 'Olivia invites you');
  await page.getByRole('link', { name: 'Not now' }).click();
  await expect(kept).toBeVisible();
  await page.goto(relay.url);
  await unlock(page, PAT);
  await kept.click();
  await says(pat, 'Olivia invites you');
  const forget = page.getByRole('button', { name: 'Forget this invite' });
  await forget.click();
  await expect(page.getByText('Only the message it came in opens it again.', { exact: false })).toBeVisible();
  await forget.click();
  await expect(page.getByRole('heading', { name: 'Begin with a group' })).toBeVisible();
  await expect(kept).toHaveCount(0);
});

test('after its days a link has expired', async () => {
  const link = await invite(olivia.page(), 'From the start');
  // four days pass for the relay
  await relay.stop();
  const late = fileURLToPath(new URL('support/four-days-later.mjs', import.meta.url));
  await relay.start({ NODE_OPTIONS: `--import=${late}` });
  await follow(pat, link, PAT);
  await says(pat, 'This invite has expired');
  await relay.stop();
  await relay.start();
});

test('one link lets in one person: the second who asked learns that it was used', async () => {
  const link = await invite(olivia.page(), 'From the start');
  const fay = await openDevice('Fay', link);
  await setUp(fay.page(), FAY);
  await follow(pat, link, PAT);
  const [patNumber, fayNumber] = [await askToJoin(pat.page()), await askToJoin(fay.page())];
  expect(patNumber).not.toBe(fayNumber);
  await requestOf(olivia.page(), FAY.name);
  await letIn(olivia.page(), PAT.name, patNumber);
  await expect(pat.page().getByLabel('Write an update')).toBeVisible({ timeout: 30_000 });
  await says(fay, 'This invite was already used');
  // and whoever opens it later is told the same
  await fay.page().getByRole('button', { name: 'To my groups' }).click();
  await follow(fay, link, FAY);
  await says(fay, 'This invite was already used');
  await fay.discard();
});
