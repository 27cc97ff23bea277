/** A tour of every screen with pictures of it on a phone and a laptop, by day and by night: test-results/screens, to be looked at. */
import { expect, test, type Page } from '@playwright/test';
import { openDevice, type Device } from './support/browser';
import { GROUP, letJoin } from './support/circle';
import { addPhotos, takePhoto } from './support/photo';
import { startRelay, type Relay } from './support/relay';
import { takeScreens } from './support/screens';
import { askToJoin, expectState, FAY, handOver, invite, newGroup, OLIVIA, PAT, post, postOf, remove, setUp, to } from './support/story';

let relay: Relay;
const devices: Device[] = [];
test.beforeEach(async () => void (relay = await startRelay()));
test.afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.discard()));
  await relay.discard();
});
const unbox = async (name: string, address?: string): Promise<Device> => {
  const device = await openDevice(name, address);
  devices.push(device);
  return device;
};
const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).filter({ visible: true }).first().click();
const closeDialog = async (page: Page): Promise<void> => {
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
};

test('every screen can be looked at, on a phone and a laptop, by day and by night', async () => {
  const [olivia, pat, fay] = await Promise.all([unbox('Olivia', relay.url), unbox('Pat', relay.url), unbox('Fay')]);
  const nurse = olivia.page();
  const patient = pat.page();
  const daughter = fay.page();

  await takeScreens(nurse, 'first-run');
  await setUp(nurse, OLIVIA);
  await takeScreens(nurse, 'home-empty');
  await press(nurse, 'New group');
  await nurse.getByRole('radio', { name: 'Family', exact: true }).check({ force: true });
  await takeScreens(nurse, 'new-group');
  await closeDialog(nurse);
  await newGroup(nurse, 'Ward 4, night shift', 'Team');
  await takeScreens(nurse, 'group-empty');
  await nurse.goBack();
  await newGroup(nurse, GROUP, 'Family');

  await post(nurse, 'Pat slept well. The fever is gone since midnight.');
  await letJoin(olivia, pat, PAT, 'From the start', 'Patient');
  await to(nurse, 'Updates');
  await post(patient, 'I walked to the window and back. My knee hurts less.');
  await addPhotos(nurse, [await takePhoto(nurse, 'chart.jpg', 'Ward 4', 1600, 1200), await takePhoto(nurse, 'knee.jpg', 'Ward 4', 1200, 1600)]);
  await expect(nurse.getByRole('img', { name: 'Photo 2' })).toBeVisible();
  await post(nurse, 'The plan for today: physiotherapy at ten, then a rest. Visitors are welcome from two o’clock.');
  await postOf(patient, 'The plan for today').scrollIntoViewIfNeeded();
  await expectState(nurse, 'The plan for today', 'Seen by 1 of 1');
  await takeScreens(nurse, 'group');
  await postOf(nurse, 'The plan for today').getByRole('button', { name: /Photo 1 of 2/ }).click();
  await takeScreens(nurse, 'photo');
  await closeDialog(nurse);
  await press(nurse, 'Invite');
  await takeScreens(nurse, 'invite');
  await closeDialog(nurse);

  await daughter.goto(await invite(nurse, 'From today', 'Daughter'));
  await takeScreens(daughter, 'first-run-invited');
  await setUp(daughter, FAY);
  await expect(daughter.getByRole('button', { name: 'Ask to join' })).toBeVisible();
  await takeScreens(daughter, 'join');
  await askToJoin(daughter);
  await takeScreens(daughter, 'join-waiting');
  await to(nurse, 'People');
  const card = nurse.getByRole('article', { name: `${FAY.name} asks to join` });
  await expect(card).toBeVisible({ timeout: 30_000 });
  await takeScreens(nurse, 'people-request');
  await card.getByRole('button', { name: 'Let in' }).click();
  await expect(daughter.getByLabel('Write an update')).toBeVisible({ timeout: 30_000 });

  await handOver(nurse, PAT.name);
  await expect(patient.getByRole('button', { name: 'Accept ownership' }).filter({ visible: true }).first()).toBeVisible({ timeout: 30_000 });
  await takeScreens(patient, 'offered');
  await to(nurse, 'People');
  await takeScreens(nurse, 'people');

  await fay.goOffline();
  await post(daughter, 'I will come at three.');
  await expectState(daughter, 'I will come at three.', 'waiting for network');
  await takeScreens(daughter, 'offline');
  await remove(nurse, FAY.name);
  await fay.goOnline();
  await expect(daughter.getByText('You are no longer in this group.', { exact: false })).toBeVisible({ timeout: 30_000 });
  await takeScreens(daughter, 'removed');

  await nurse.goto(relay.url);
  await takeScreens(nurse, 'locked');
});
