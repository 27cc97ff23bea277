/** Unlocking with a passkey, with Chromium's virtual authenticator: beside the passphrase, never instead of it. */
import { expect, test } from '@playwright/test';
import { openDevice } from './support/browser';
import { startRelay } from './support/relay';
import { newGroup, OLIVIA, post, postOf, setUp, unlock } from './support/story';

test('a passkey unlocks what the passphrase does, and losing it loses nothing', async () => {
  const relay = await startRelay();
  // passkeys belong to a name, never to a bare address
  const device = await openDevice('Olivia', relay.url.replace('127.0.0.1', 'localhost'));
  try {
    const page = device.page();
    const cdp = await device.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, hasPrf: true, isUserVerified: true, automaticPresenceSimulation: true }
    });
    await setUp(page, OLIVIA);
    await newGroup(page, 'Ward 4B nurses', 'Team');
    await post(page, 'Bed 12 is back from imaging');

    await page.goto(new URL('/you', page.url()).href);
    await unlock(page, OLIVIA);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Passphrase', { exact: true }).fill('not these words at all');
    await dialog.getByRole('button', { name: 'Add a passkey' }).click();
    await expect(dialog.getByText('That is not the passphrase of this device')).toBeVisible();
    await dialog.getByLabel('Passphrase', { exact: true }).fill(OLIVIA.passphrase);
    await dialog.getByRole('button', { name: 'Add a passkey' }).click();
    await expect(page.getByText('The passkey was added.')).toBeVisible();

    await page.getByRole('button', { name: 'Lock now' }).click();
    await page.getByRole('button', { name: 'Unlock with a passkey' }).click();
    await page.getByRole('button', { name: 'Remove passkey This device' }).waitFor();

    await page.getByRole('button', { name: 'Lock now' }).click();
    await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    await page.getByRole('button', { name: 'Unlock with a passkey' }).waitFor();
    await unlock(page, OLIVIA);
    await page.goto(new URL('/', page.url()).href);
    await unlock(page, OLIVIA);
    await page.getByRole('link', { name: /Ward 4B nurses/ }).first().click();
    await expect(postOf(page, 'Bed 12 is back from imaging')).toBeVisible();
    expect(device.complaints()).toEqual([]);
  } finally {
    await device.discard();
    await relay.discard();
  }
});
