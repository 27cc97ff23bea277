/** Names, words, file names and passphrases are planted by the hundred, and then searched for wherever they must not be. */
import { expect, test, type Page } from '@playwright/test';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { gather, letJoin } from './support/circle';
import { envelopesIn } from './support/ledger';
import { filesIn, inventWords, listenTo, searchFor, storesOf } from './support/markers';
import { addPhotos, takePhoto } from './support/photo';
import { startPushService } from '../support/push-service';
import { startRelay, type Relay } from './support/relay';
import { expectState, FAY, handOver, newGroup, OLIVIA, openGroup, openPerson, PAT, post, postOf, remove, setUp, to, writeDown } from './support/story';

/** Asks to be told of what is new, by the group's menu. The one thing that is not real is the browser's own part: its push service is out of reach here. */
async function turnOnBell(device: Device, relay: Relay, place: string): Promise<void> {
  const page = device.page();
  await device.context().grantPermissions(['notifications', 'clipboard-read', 'clipboard-write'], { origin: relay.url });
  await page.evaluate((endpoint) => {
    const made = { endpoint, options: { applicationServerKey: null }, unsubscribe: () => Promise.resolve(true) };
    Object.assign(PushManager.prototype, { subscribe: () => Promise.resolve(made), getSubscription: () => Promise.resolve(made) });
  }, place);
  await page.getByRole('button', { name: 'More about this group' }).click();
  await page.getByRole('menuitem', { name: 'Tell me what is new' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('You will be told on this device.')).toBeVisible();
}

test.setTimeout(300_000);

test('P23 nothing that people write, or are called, is found on the relay, on the wire, in logs, or on a locked device', async () => {
  const push = await startPushService(() => Date.now());
  const relay = await startRelay({ CAREFOLD_CONTACT: 'mailto:operator@example.org', CAREFOLD_PUSH: push.origin, CAREFOLD_PUSH_WITHIN: '0' });
  const devices = await Promise.all([openDevice('Olivia', undefined, { viewport: LAPTOP }), openDevice('Pat'), openDevice('Fay'), openDevice('PatAgain')]);
  const [olivia, pat, fay, again] = devices;
  try {
    const planted: string[] = [];
    const cameras: string[] = [];
    const plant = (count: number, between = ' '): string => {
      const words = inventWords(count);
      planted.push(...words);
      return words.join(between);
    };
    const nurse = { ...OLIVIA, name: plant(2), passphrase: plant(4) };
    const patient = { ...PAT, name: plant(2), passphrase: plant(4) };
    const daughter = { ...FAY, name: plant(2), passphrase: plant(4) };
    const entered = await Promise.all(devices.map(listenTo));
    const [nursePage, patPage, fayPage, againPage] = [olivia.page(), pat.page(), fay.page(), again.page()];
    const arrives = (page: Page, words: string): Promise<void> => expect(postOf(page, words)).toBeVisible({ timeout: 30_000 });
    const photo = async (page: Page): Promise<void> => {
      const [camera = ''] = inventWords(1);
      cameras.push(camera);
      const taken = await takePhoto(page, `${plant(2, '-')}.jpg`, camera, 800, 600);
      expect(taken.buffer.includes(camera)).toBe(true);
      await addPhotos(page, [taken]);
      await expect(page.getByRole('img', { name: 'Photo 1' })).toBeVisible();
    };
    const more = async (words: string, item: string): Promise<void> => {
      await postOf(nursePage, words).getByRole('button', { name: 'More for this update' }).click();
      await nursePage.getByRole('menuitem', { name: item, exact: true }).click();
    };
    let group = plant(4);
    let phrase: string[] = [];

    await test.step('Olivia makes a group, lets Pat in, and they write, with photos and an answer', async () => {
      await nursePage.goto(relay.url);
      await setUp(nursePage, nurse);
      await newGroup(nursePage, group, 'Family');
      const relation = plant(3);
      await letJoin(olivia, pat, patient, 'From the start', relation);
      await expect(patPage.getByRole('heading', { name: group })).toBeVisible();
      await openPerson(nursePage, patient.name);
      await expect(nursePage.getByText(relation).filter({ visible: true }).first()).toBeVisible();
      await to(nursePage, 'Updates');
      const first = `${plant(20)} +43 660 5550142`;
      planted.push('+43 660 5550142');
      await photo(nursePage);
      await post(nursePage, first);
      await arrives(patPage, first);
      await expectState(nursePage, first, 'Seen by 1 of 1');
      const answer = plant(20);
      await postOf(patPage, first).getByRole('button', { name: 'Reply' }).click();
      await photo(patPage);
      await post(patPage, answer);
      await arrives(nursePage, answer);
    });

    await test.step('Olivia undoes a post, changes one, and takes one back', async () => {
      const undone = plant(20);
      await post(nursePage, undone);
      await postOf(nursePage, undone).getByRole('button', { name: 'Undo' }).click();
      await nursePage.getByLabel('Write an update').fill('');
      const [early, late, gone] = [plant(20), plant(20), plant(20)];
      await post(nursePage, early);
      await arrives(patPage, early);
      await more(early, 'Edit');
      await nursePage.getByLabel('Change your words').fill(late);
      await nursePage.getByRole('button', { name: 'Save', exact: true }).click();
      await arrives(patPage, late);
      await post(nursePage, gone);
      await arrives(patPage, gone);
      await more(gone, 'Take back');
      await nursePage.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
      await expect(patPage.getByText(`Taken back by ${nurse.name}`)).toBeVisible({ timeout: 30_000 });
    });

    await test.step('Pat takes the group over, with a recovery phrase, and gives it another name', async () => {
      await handOver(nursePage, patient.name);
      await patPage.getByRole('button', { name: 'Accept ownership', exact: true }).filter({ visible: true }).first().click({ timeout: 30_000 });
      phrase = await writeDown(patPage);
      await expect(patPage.getByText('You own this group').first()).toBeVisible({ timeout: 30_000 });
      group = plant(4);
      await patPage.getByRole('button', { name: 'More about this group' }).click();
      await patPage.getByRole('menuitem', { name: 'Rename group' }).click();
      await patPage.getByLabel('Group name').fill(group);
      await patPage.getByRole('button', { name: 'Save', exact: true }).click();
      await expect(nursePage.getByRole('heading', { name: group }).first()).toBeVisible({ timeout: 30_000 });
    });

    await test.step('Pat lets Fay in and removes her', async () => {
      const [relation, hers, without] = [plant(3), plant(20), plant(20)];
      await letJoin(pat, fay, daughter, 'From today', relation);
      await openPerson(patPage, daughter.name);
      await expect(patPage.getByText(relation).filter({ visible: true }).first()).toBeVisible();
      await to(patPage, 'Updates');
      await to(nursePage, 'Updates');
      await post(fayPage, hers);
      await arrives(patPage, hers);
      await arrives(nursePage, hers);
      await remove(patPage, daughter.name);
      await expect(fayPage.getByText('You are no longer in this group.', { exact: false })).toBeVisible();
      await to(patPage, 'Updates');
      await post(nursePage, without);
      await arrives(patPage, without);
    });

    await test.step('Pat is told by push of what comes while his phone is locked', async () => {
      await patPage.getByLabel('Write an update').fill(plant(20));
      await turnOnBell(pat, relay, push.place());
      await patPage.reload();
      const meanwhile = plant(20);
      await post(nursePage, meanwhile);
      await expect.poll(() => push.sent.length, { timeout: 30_000 }).toBeGreaterThan(0);
    });

    await test.step('the phrase brings all of it back on another phone', async () => {
      const secret = plant(4);
      await againPage.goto(relay.url);
      await againPage.getByRole('button', { name: 'I already use Carefold' }).click();
      await againPage.getByRole('button', { name: 'With my recovery phrase' }).click();
      await againPage.getByLabel('The 13 words, in their order').fill(phrase.join(' '));
      await againPage.getByLabel('New passphrase', { exact: true }).fill(secret);
      await againPage.getByLabel('Repeat new passphrase').fill(secret);
      await againPage.getByRole('button', { name: 'Bring back my groups' }).click();
      await openGroup(againPage, group);
      const back = plant(20);
      await post(againPage, back);
      await arrives(nursePage, back);
    });

    await test.step('drafts are begun, and every device is locked', async () => {
      for (const page of [nursePage, againPage]) await page.getByLabel('Write an update').fill(plant(20));
      await nursePage.getByRole('button', { name: 'Lock', exact: true }).click();
      await Promise.all([fayPage.reload(), againPage.reload()]);
      for (const page of [nursePage, patPage, fayPage, againPage]) await expect(page.getByRole('heading', { name: 'Carefold is locked' })).toBeVisible();
    });

    // the pages had each of them; what a camera writes is in the photos that were chosen
    const put = entered.map((all) => all()).join('\n');
    for (const three of phrase.slice(2).map((_, at) => phrase.slice(at, at + 3).join(' '))) planted.push(three);
    expect(planted.filter((word) => !put.includes(word))).toEqual([]);
    const sought = [...planted, ...cameras];
    expect(new Set(sought).size).toBeGreaterThan(300);
    const search = searchFor(sought);

    // the search finds what is there: in any shape, at any place
    const [some = ''] = planted;
    for (const shape of ['utf8', 'utf16le', 'hex', 'base64', 'base64url'] as const)
      for (const before of ['', '.', '..']) {
        const text = `${before}${some}..`;
        const found = shape === 'utf8' || shape === 'utf16le' ? Buffer.from(text, shape) : Buffer.from(Buffer.from(text).toString(shape));
        expect(search('here', found), `${shape} behind ${before.length}`).toHaveLength(1);
      }

    const envelopes = envelopesIn(relay.folder).map(({ envelope }) => Buffer.from(envelope));
    const blobs = (await filesIn(relay.folder)).filter(({ path }) => path.startsWith('blobs/')).map(({ bytes }) => bytes);
    expect(envelopes.length).toBeGreaterThan(10);
    expect(blobs.length).toBeGreaterThan(1);
    const wires = devices.map(({ name, network }) => ({ name, sent: network.sent(), received: network.received() }));
    // all that the relay keeps came over these wires, and each of them is heard in both directions
    for (const kept of [...envelopes, ...blobs]) expect(wires.some(({ sent }) => sent.includes(kept)), 'the control: what the relay keeps was sent').toBe(true);
    for (const { name, sent, received } of wires)
      for (const [way, bytes] of [['from', sent], ['to', received]] as const) expect(envelopes.some((envelope) => bytes.includes(envelope)), `the wire ${way} ${name}: the control`).toBe(true);

    const places: { name: string; bytes: Buffer; control: string }[] = [
      { name: 'what the relay printed', bytes: Buffer.from(relay.output()), control: 'Carefold is ready at' },
      { name: 'what the relay holds in memory', bytes: await relay.heap(), control: relay.held },
      { name: 'what went to the push service', bytes: Buffer.from(push.sent.map(({ raw }) => raw).join('\n'), 'latin1'), control: 'POST /push/' },
      ...wires.flatMap(({ name, sent, received }) => [
        { name: `the wire from ${name}`, bytes: sent, control: 'GET /ws' },
        { name: `the wire to ${name}`, bytes: received, control: '101 Switching Protocols' }
      ]),
      ...(await Promise.all(devices.map(async (device) => ({ name: `what the locked page of ${device.name} can read`, bytes: await storesOf(device.page()), control: 'outbox' }))))
    ];
    for (const { name, bytes, control } of places) {
      expect(bytes.includes(control), `${name}: the control`).toBe(true);
      expect(search(name, bytes)).toEqual([]);
    }

    // with the relay running, as a thief of its disk would find it, and of theirs once their browsers are closed
    await Promise.all(devices.map((device) => device.close()));
    const folders = [{ name: 'relay', folder: relay.folder, controls: ['relay.db', 'relay.db-wal', 'blobs/'] }, ...devices.map(({ name, folder }) => ({ name, folder, controls: ['IndexedDB'] }))];
    for (const { name, folder, controls } of folders) {
      const files = await filesIn(folder);
      for (const control of controls) expect(files.some(({ path, bytes }) => (control === 'relay.db' ? path === control : path.includes(control)) && bytes.length > 0), `${name}, ${control}: the control`).toBe(true);
      expect(files.flatMap(({ path, bytes }) => search(`${name}, ${path}`, bytes))).toEqual([]);
    }
  } finally {
    await Promise.all(devices.map((device) => device.discard()));
    await Promise.all([relay.discard(), push.close()]);
  }
});

test('what is being typed when the browser goes is in none of its files: neither words, nor a name, nor a shown passphrase', async () => {
  const circle = await gather();
  const { relay, olivia, pat } = circle;
  const fay = await openDevice('Fay', relay.url);
  const [name = '', words = '', draft = ''] = inventWords(3);
  try {
    const page = fay.page();
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Suggest one' }).click();
    const proposed = await page.getByLabel('Passphrase', { exact: true }).inputValue();
    expect(proposed.split(' ').length).toBeGreaterThan(3);
    await page.getByLabel('Repeat passphrase').fill(proposed);
    // each of these is a moment at which a browser writes down what stands in the fields
    await page.reload();
    await page.getByLabel('Your name').fill(name);
    await page.goto('about:blank');
    await post(olivia.page(), words);
    await expectState(olivia.page(), words, /Sent|Seen/);
    await olivia.page().getByRole('button', { name: 'More for this update' }).click();
    await olivia.page().getByRole('menuitem', { name: 'Edit', exact: true }).click();
    await olivia.page().getByLabel('Change your words').fill(`${words} And more.`);
    await olivia.page().getByLabel('Write an update').fill(draft);
    await pat.page().getByLabel('Write an update').fill(draft);
    await pat.page().goto('about:blank');
    await pat.page().goBack();
    await Promise.all([fay.close(), olivia.close(), pat.close()]);
    const search = searchFor([name, words, draft, proposed, OLIVIA.passphrase, PAT.passphrase]);
    for (const device of [fay, olivia, pat]) expect((await filesIn(device.folder)).flatMap(({ path, bytes }) => search(`${device.name}, ${path}`, bytes))).toEqual([]);
  } finally {
    await Promise.all([fay.discard(), circle.discard()]);
  }
});
