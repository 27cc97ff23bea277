/** Names, words, file names and numbers are planted, and then searched for wherever they must not be. */
import { expect, test } from '@playwright/test';
import { type Device, openDevice } from './support/browser';
import { gather, type Circle } from './support/circle';
import { filesIn, findIn, storesOf } from './support/markers';
import { addPhotos, takePhoto } from './support/photo';
import { type PushService, startPushService } from '../support/push-service';
import { expectState, OLIVIA, PAT, post, postOf } from './support/story';

const PLANTED = {
  owner: 'Oliviaquartz Brandtonyx',
  patient: 'Patjasper Morenoopal',
  group: 'Zirconberyl family updates',
  relation: 'Turquoiseuncle',
  words: 'His amethystlevel is rising; call +43 660 5550142 about it.',
  draft: 'A garnetdraft that was never sent',
  file: 'topazknee-2041.jpg',
  camera: 'Camera of Malachite'
} as const;
/** What is searched for: each long enough to be no accident, none a sentence that other text could cut. */
const SOUGHT = ['Oliviaquartz', 'Brandtonyx', 'Patjasper', 'Morenoopal', 'Zirconberyl', 'Turquoiseuncle', 'amethystlevel', '+43 660 5550142', 'garnetdraft', 'topazknee-2041', 'Malachite', OLIVIA.passphrase, PAT.passphrase];

let circle: Circle;
let push: PushService;
test.beforeEach(async () => {
  push = await startPushService(() => Date.now());
  const doorbell = { CAREFOLD_CONTACT: 'mailto:operator@example.org', CAREFOLD_PUSH: push.origin, CAREFOLD_PUSH_WITHIN: '0' };
  circle = await gather({ relay: doorbell, olivia: { ...OLIVIA, name: PLANTED.owner }, pat: { ...PAT, name: PLANTED.patient }, group: PLANTED.group, as: PLANTED.relation });
});
test.afterEach(() => Promise.all([circle.discard(), push.close()]));

/** Asks to be told of what is new, by the group's menu. The one thing that is not real is the browser's own part: its push service is out of reach here. */
async function turnOnBell(device: Device, place: string): Promise<void> {
  const page = device.page();
  await device.context().grantPermissions(['notifications', 'clipboard-read', 'clipboard-write'], { origin: circle.relay.url });
  await page.evaluate((endpoint) => {
    const made = { endpoint, options: { applicationServerKey: null }, unsubscribe: () => Promise.resolve(true) };
    Object.assign(PushManager.prototype, { subscribe: () => Promise.resolve(made), getSubscription: () => Promise.resolve(made) });
  }, place);
  await page.getByRole('button', { name: 'More about this group' }).click();
  await page.getByRole('menuitem', { name: 'Tell me what is new' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('You will be told on this device.')).toBeVisible();
}

test('P23 nothing that people write, or are called, is found on the relay, on the wire, in logs, or on a locked device', async () => {
  const { relay, olivia, pat } = circle;
  const page = olivia.page();
  await addPhotos(page, [await takePhoto(page, PLANTED.file, PLANTED.camera, 800, 600)]);
  await expect(page.getByRole('img', { name: 'Photo 1' })).toBeVisible();
  await post(page, PLANTED.words);
  await expect(postOf(pat.page(), 'amethystlevel')).toBeVisible({ timeout: 30_000 });
  await expectState(page, 'amethystlevel', 'Seen by 1 of 1');
  await pat.page().getByLabel('Write an update').fill(PLANTED.draft);
  await page.getByLabel('Write an update').fill(PLANTED.draft);
  await turnOnBell(pat, push.place());
  await pat.page().reload();
  await expect(pat.page().getByRole('heading', { name: 'Carefold is locked' })).toBeVisible();
  await page.getByLabel('Write an update').fill('');
  await post(page, `Again: ${PLANTED.words}`);
  await expect.poll(() => push.sent.length).toBe(1);
  await page.getByLabel('Write an update').fill(PLANTED.draft);
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Carefold is locked' })).toBeVisible();

  // the search finds what is there: in any shape, at any place
  for (const shape of ['utf8', 'utf16le', 'hex', 'base64'] as const) {
    const found = shape === 'hex' || shape === 'base64' ? Buffer.from(Buffer.from('..Zirconberyl..').toString(shape)) : Buffer.from('..Zirconberyl..', shape);
    expect(findIn('here', found, SOUGHT), shape).toHaveLength(1);
  }

  const heap = await relay.heap();
  const places: { name: string; bytes: Buffer; control: string }[] = [
    { name: 'what the relay printed', bytes: Buffer.from(relay.output()), control: 'Carefold is ready at' },
    { name: 'what the relay holds in memory', bytes: heap, control: relay.held },
    { name: 'what went to the push service', bytes: Buffer.from(push.sent[0]?.raw ?? ''), control: 'POST /push/' },
    { name: 'Olivia’s wire', bytes: olivia.network.captured(), control: 'GET /ws' },
    { name: 'Pat’s wire', bytes: pat.network.captured(), control: 'GET /ws' },
    { name: 'what Olivia’s locked page can read', bytes: await storesOf(page), control: 'outbox' },
    { name: 'what Pat’s locked page can read', bytes: await storesOf(pat.page()), control: 'outbox' }
  ];
  for (const { name, bytes, control } of places) {
    expect(bytes.includes(control), `${name}: the control`).toBe(true);
    expect(findIn(name, bytes, SOUGHT)).toEqual([]);
  }

  // with the relay running, as a thief of its disk would find it, and of theirs once their browsers are closed
  await Promise.all([olivia.close(), pat.close()]);
  const kept = [
    { name: 'relay', files: await filesIn(relay.folder), control: 'relay.db' },
    { name: 'Olivia', files: await filesIn(olivia.folder), control: 'IndexedDB' },
    { name: 'Pat', files: await filesIn(pat.folder), control: 'IndexedDB' }
  ];
  for (const { name, files, control } of kept) {
    expect(files.some(({ path, bytes }) => path.includes(control) && bytes.length > 0), `${name}: the control`).toBe(true);
    const found = files.flatMap(({ path, bytes }) => findIn(`${name}, ${path}`, bytes, SOUGHT));
    expect(found).toEqual([]);
  }
});

test('what is being typed when the browser goes is in none of its files: neither words, nor a name, nor a shown passphrase', async () => {
  const { relay, olivia, pat } = circle;
  const fay = await openDevice('Fay', relay.url);
  try {
    const page = fay.page();
    await page.getByLabel('Your name').fill('Faytourmaline');
    await page.getByRole('button', { name: 'Suggest one' }).click();
    const proposed = await page.getByLabel('Passphrase', { exact: true }).inputValue();
    expect(proposed.split(' ').length).toBeGreaterThan(3);
    await page.getByLabel('Repeat passphrase').fill(proposed);
    // each of these is a moment at which a browser writes down what stands in the fields
    await page.reload();
    await page.getByLabel('Your name').fill('Faytourmaline');
    await page.goto('about:blank');
    await post(olivia.page(), PLANTED.words);
    await expectState(olivia.page(), 'amethystlevel', /Sent|Seen/);
    await olivia.page().getByRole('button', { name: 'More for this update' }).click();
    await olivia.page().getByRole('menuitem', { name: 'Edit', exact: true }).click();
    await olivia.page().getByLabel('Change your words').fill(`${PLANTED.words} And more.`);
    await olivia.page().getByLabel('Write an update').fill(PLANTED.draft);
    await pat.page().getByLabel('Write an update').fill(PLANTED.draft);
    await pat.page().goto('about:blank');
    await pat.page().goBack();
    await Promise.all([fay.close(), olivia.close(), pat.close()]);
    for (const device of [fay, olivia, pat])
      expect((await filesIn(device.folder)).flatMap(({ path, bytes }) => findIn(`${device.name}, ${path}`, bytes, [...SOUGHT, 'Faytourmaline', proposed]))).toEqual([]);
  } finally {
    await fay.discard();
  }
});
