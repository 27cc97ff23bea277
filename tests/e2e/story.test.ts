/** The main story, as people live it: two devices, one relay, real Chromium, every step by the names a screen reader says. */
import { expect, test } from '@playwright/test';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { askToJoin, expectState, invite, letIn, newGroup, OLIVIA, PAT, post, postOf, setUp } from './support/story';

const GROUP = 'Pat’s Family Treatment Updates';
let relay: Relay;
let olivia: Device;
let pat: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
  pat = await openDevice('Pat');
});
test.afterEach(async () => {
  await Promise.all([olivia.discard(), pat.discard()]);
  await relay.discard();
});

test('a clinician makes a group, the patient is let in, and both read what the other writes', async () => {
  await setUp(olivia.page(), OLIVIA);
  await newGroup(olivia.page(), GROUP, 'Family');
  await post(olivia.page(), 'The night was quiet.');
  await expectState(olivia.page(), 'The night was quiet.', 'Sent');
  const link = await invite(olivia.page(), 'From the start', 'Patient');
  await pat.page().goto(link);
  await setUp(pat.page(), PAT);
  const asked = await askToJoin(pat.page());
  await letIn(olivia.page(), PAT.name, asked);
  await expect(postOf(pat.page(), 'The night was quiet.')).toBeVisible({ timeout: 30_000 });
  await post(pat.page(), 'I slept, thank you.');
  await expect(postOf(olivia.page(), 'I slept, thank you.')).toBeVisible();
  await expectState(olivia.page(), 'The night was quiet.', 'Seen by 1 of 1');
});
