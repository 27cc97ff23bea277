/**
 * The main story, as people live it: Olivia, a nurse, on a laptop; Pat, her patient, on a phone; Fay, his daughter, on hers.
 * Real Chromium with a profile each, a real relay, and every step by the names a screen reader says.
 */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { envelopesIn } from './support/ledger';
import { addPhotos, rememberPhotos, shownPhotos, takePhoto } from './support/photo';
import { startRelay, type Relay } from './support/relay';
import { acceptOwnership, askToJoin, expectState, FAY, handOver, invite, letIn, OLIVIA, PAT, post, postOf, putOff, remove, setUp, to } from './support/story';

/** What a camera writes into a photo beside the picture. */
const TRACES = ['Exif', 'II*\0', 'Camera of Pat', 'Ward 4'] as const;

let relay: Relay;
let olivia: Device;
let pat: Device;
let fay: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', undefined, { viewport: LAPTOP });
  pat = await openDevice('Pat');
  fay = await openDevice('Fay');
  for (const device of [olivia, pat, fay]) await device.context().addInitScript(rememberPhotos);
});
test.afterEach(async () => {
  await Promise.all([olivia, pat, fay].map((device) => device.discard()));
  await relay.discard();
});

test('a nurse makes a group, her patient is let in and takes it over, and whoever is removed reads nothing new', async () => {
  const nurse = olivia.page();
  const patient = pat.page();
  const daughter = fay.page();

  await test.step('Olivia sets up her laptop', async () => {
    await nurse.goto(relay.url);
    await expect(nurse.getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible();
    for (const role of ['Clinician', 'Patient', 'Family or friend']) await expect(nurse.getByRole('radio', { name: role, exact: true })).toBeVisible();
    await expect(nurse.getByRole('radiogroup', { name: 'I am' })).toBeVisible();
    await nurse.getByLabel('Passphrase', { exact: true }).fill('abc');
    await expect(nurse.getByText('Too short', { exact: true })).toBeVisible();
    await nurse.getByRole('button', { name: 'Suggest one' }).click();
    await expect(nurse.getByText('Strong', { exact: true })).toBeVisible();
    await setUp(nurse, OLIVIA);
  });

  await test.step('she makes a group for Pat’s family, and writes', async () => {
    await nurse.getByRole('button', { name: 'New group', exact: true }).first().click();
    await putOff(nurse, nurse.getByLabel('Group name'));
    await nurse.getByRole('radio', { name: 'Family', exact: true }).check();
    await nurse.getByLabel('Who is it about').fill('Pat');
    await expect(nurse.getByLabel('Group name')).toHaveValue('Pat’s Family Treatment Updates');
    await nurse.getByRole('button', { name: 'Create group' }).click();
    await expect(nurse.getByText('Nobody else is here yet. Only you will read this.')).toBeVisible();
    await expect(nurse.getByRole('heading', { level: 1 })).toBeFocused();
    await post(nurse, 'The night was quiet.');
    await expectState(nurse, 'The night was quiet.', 'Saved here');
    await expect(postOf(nurse, 'The night was quiet.').getByRole('button', { name: 'Undo' })).toBeVisible();
    await expectState(nurse, 'The night was quiet.', 'Sent');
  });

  await test.step('Pat opens her invite on his phone, asks, and is let in by the same number', async () => {
    const link = await invite(nurse, 'From the start', 'Patient');
    expect(link).not.toContain('Pat');
    await patient.goto(link);
    await setUp(patient, PAT);
    await expect(patient.getByRole('heading', { name: 'Olivia invites you' })).toBeVisible();
    await expect(patient.getByText('Everything from the start')).toBeVisible();
    const number = await askToJoin(patient);
    await letIn(nurse, PAT.name, number);
    await expect(postOf(patient, 'The night was quiet.')).toBeVisible({ timeout: 30_000 });
    await expectState(nurse, 'The night was quiet.', 'Seen by 1 of 1');
  });

  await test.step('both write words and photos, Pat without a network', async () => {
    await pat.goOffline();
    const knee = await takePhoto(patient, 'IMG_2041 knee.jpg', 'Camera of Pat');
    for (const trace of TRACES.slice(0, 3)) expect(knee.buffer.includes(trace, 0, 'latin1'), trace).toBe(true);
    await addPhotos(patient, [knee]);
    await expect(patient.getByRole('img', { name: 'Photo 1' })).toBeVisible();
    await post(patient, 'I slept. My knee looks better.');
    await expectState(patient, 'I slept. My knee looks better.', 'Saved here, waiting for network');
    await addPhotos(nurse, [await takePhoto(nurse, 'chart.jpg', 'Ward 4', 1200, 1600)]);
    await expect(nurse.getByRole('img', { name: 'Photo 1' })).toBeVisible();
    await post(nurse, 'The plan for today.');
    await expectState(nurse, 'The plan for today.', 'Sent');

    await pat.goOnline();
    await expectState(patient, 'I slept. My knee looks better.', 'Seen by 1 of 1');
    // it stands above his own, which reached the relay later: seen is what was on the screen
    await postOf(patient, 'The plan for today.').scrollIntoViewIfNeeded();
    await expectState(nurse, 'The plan for today.', 'Seen by 1 of 1');
    await expect(postOf(patient, 'The plan for today.').getByRole('button', { name: /Photo 1 of 1/ })).toBeVisible();
  });

  await test.step('what arrived of a photo has neither place nor owner in it, and is no larger than 2048 pixels', async () => {
    await expect(postOf(nurse, 'I slept. My knee looks better.').getByRole('button', { name: /Photo 1 of 1/ })).toBeVisible();
    await postOf(nurse, 'I slept. My knee looks better.').getByRole('button', { name: /Photo 1 of 1/ }).click();
    const large = nurse.getByRole('dialog').getByRole('img');
    await expect.poll(() => large.evaluate((image: HTMLImageElement) => image.naturalWidth), { timeout: 20_000 }).toBe(2048);
    const received = await shownPhotos(nurse);
    expect(received.length).toBeGreaterThanOrEqual(2);
    await nurse.keyboard.press('Escape');
    for (const { bytes, width, height } of received) {
      expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff');
      expect(Math.max(width, height)).toBeLessThanOrEqual(2048);
      for (const trace of TRACES) expect(bytes.includes(trace, 0, 'latin1'), trace).toBe(false);
    }
  });

  await test.step('Olivia hands the group over, and Pat accepts', async () => {
    await handOver(nurse, PAT.name);
    await expect(nurse.getByText(/You offered ownership to Pat/).filter({ visible: true })).toBeVisible();
    await acceptOwnership(patient, true);
    await expect(nurse.getByText(/Pat owns this group/).first()).toBeVisible();
    await expect(nurse.getByRole('button', { name: 'Invite', exact: true })).toBeHidden();
  });

  await test.step('Pat lets his daughter in, from today', async () => {
    const link = await invite(patient, 'From today', 'Daughter');
    await daughter.goto(link);
    await setUp(daughter, FAY);
    await expect(daughter.getByText('Updates from the day you join')).toBeVisible();
    const number = await askToJoin(daughter);
    await letIn(patient, FAY.name, number);
    await expect(daughter.getByLabel('Write an update')).toBeVisible({ timeout: 30_000 });
    await to(patient, 'Updates');
    await post(patient, 'Fay is with us now.');
    await expect(postOf(daughter, 'Fay is with us now.')).toBeVisible({ timeout: 30_000 });
    await expect(daughter.getByText('The night was quiet.')).toHaveCount(0);
    await to(nurse, 'Updates');
    await expectState(patient, 'Fay is with us now.', 'Seen by 2 of 2');
  });

  await test.step('Pat removes Fay: her group can be read and not written, and the keys have changed', async () => {
    const before = envelopesIn(relay.folder);
    await remove(patient, FAY.name);
    await expect(daughter.getByText('You are no longer in this group.', { exact: false })).toBeVisible();
    await expect(daughter.getByLabel('Write an update')).toBeHidden();
    await expect(postOf(daughter, 'Fay is with us now.')).toBeVisible();
    await post(nurse, 'Only the two of us read this.');
    await to(patient, 'Updates');
    await expect(postOf(patient, 'Only the two of us read this.')).toBeVisible({ timeout: 30_000 });
    await expectState(nurse, 'Only the two of us read this.', 'Seen by 1 of 1');
    await expect(daughter.getByText('Only the two of us read this.')).toHaveCount(0);
    const epochs = new Set(before.map((envelope) => envelope.epoch));
    const after = envelopesIn(relay.folder).slice(before.length);
    expect(after.length).toBeGreaterThan(0);
    for (const { epoch } of after) expect(epochs.has(epoch)).toBe(false);
  });

  expect([olivia, pat, fay].flatMap((device) => device.complaints())).toEqual([]);
});
