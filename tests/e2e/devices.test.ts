/** Two devices of one person, and one of them lost: linked by camera, both write, one is put out while the owner's browser is closed. */
import { expect, test, type Page } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAPTOP, openDevice } from './support/browser';
import { film } from './support/camera';
import { GROUP, letJoin } from './support/circle';
import { startRelay } from './support/relay';
import { look } from './support/screens';
import { expectState, newGroup, OLIVIA, openGroup, PAT, post, postOf, setUp, to } from './support/story';

const SECRET = 'copper window gentle orchard';
const NAME = 'Kitchen laptop';

/** “482 109” on the screen, without its space. */
async function numberOn(page: Page): Promise<string> {
  const digits = page.getByText(/^\d{3} \d{3}$/);
  await expect(digits).toBeVisible({ timeout: 30_000 });
  return (await digits.innerText()).replace(/\D/g, '');
}

const you = (page: Page) => page.getByRole('link', { name: 'You', exact: true }).first().click();

/** Rows in every table of every database of the page's origin. */
const rowsKept = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const done = <T>(ask: IDBRequest<T>): Promise<T> =>
      new Promise((yes, no) => {
        ask.onsuccess = () => yes(ask.result);
        ask.onerror = () => no(ask.error ?? new Error('refused'));
      });
    const found: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const base = await done(indexedDB.open(name ?? ''));
      for (const table of base.objectStoreNames) {
        const keys = await done(base.transaction(table).objectStore(table).getAllKeys());
        found.push(...keys.map((key) => `${table} ${String(key)}`));
      }
      base.close();
    }
    return found;
  });

test.setTimeout(300_000);

test('a laptop linked from a phone reads and writes as its person, and once lost it is put out, wiped and told why', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carefold-camera-'));
  const camera = join(folder, 'seen.y4m');
  const relay = await startRelay();
  const [olivia, pat, laptop] = await Promise.all([openDevice('Olivia', relay.url), openDevice('Pat', undefined, { camera }), openDevice('PatLaptop', relay.url, { viewport: LAPTOP })]);
  try {
    await setUp(olivia.page(), OLIVIA);
    await newGroup(olivia.page(), GROUP, 'Family');
    await post(olivia.page(), 'Before there was a laptop');
    await letJoin(olivia, pat, PAT);
    await to(olivia.page(), 'Updates');

    await test.step('the laptop shows a code, the phone films it, both show one number', async () => {
      const bare = laptop.page();
      await bare.getByRole('button', { name: 'I already use Carefold' }).click();
      await bare.getByRole('button', { name: 'With my other device' }).click();
      await bare.getByLabel('Name of this device').fill(NAME);
      await bare.getByLabel('New passphrase', { exact: true }).fill(SECRET);
      await bare.getByLabel('Repeat new passphrase').fill(SECRET);
      await bare.getByRole('button', { name: 'Show the code' }).click();
      await expect(bare.getByRole('heading', { name: 'Show this to your other device' })).toBeVisible({ timeout: 30_000 });
      await look(bare, 'link-code');
      await film(bare, { name: /The code as a picture/ }, camera);

      const phone = pat.page();
      await phone.getByRole('link', { name: 'Back', exact: true }).or(phone.getByRole('button', { name: 'Back', exact: true })).first().click();
      await you(phone);
      await phone.getByRole('button', { name: 'Link a device' }).click();
      await phone.getByRole('button', { name: 'Scan with the camera' }).click();
      await expect(phone.getByRole('heading', { name: 'Do both show this number?' })).toBeVisible({ timeout: 30_000 });
      expect(await numberOn(phone)).toBe(await numberOn(bare));
      await expect(phone.getByText(`New device: ${NAME}`)).toBeVisible();
      await look(phone, 'link-compare');
      await phone.getByRole('button', { name: 'Link it' }).click();
      await expect(phone.getByRole('heading', { name: 'The device is linked' })).toBeVisible({ timeout: 30_000 });
      await phone.getByRole('button', { name: 'Done', exact: true }).click();
      await expect(phone.getByRole('listitem').filter({ hasText: NAME })).toBeVisible({ timeout: 30_000 });
      await expect(bare.getByRole('heading', { name: 'This device is ready' })).toBeVisible({ timeout: 30_000 });
      await look(phone, 'you-devices');
      await bare.getByRole('button', { name: 'Go to my groups' }).click();
    });

    await test.step('both have the history, both write, and to the others they are one person', async () => {
      await openGroup(laptop.page(), GROUP);
      await expect(postOf(laptop.page(), 'Before there was a laptop')).toBeVisible({ timeout: 30_000 });
      await post(laptop.page(), 'Written on the laptop');
      await pat.page().getByRole('link', { name: 'Groups', exact: true }).first().click();
      await openGroup(pat.page(), GROUP);
      await post(pat.page(), 'Written on the phone');
      for (const device of [pat, laptop, olivia]) for (const words of ['Written on the laptop', 'Written on the phone']) await expect(postOf(device.page(), words), `${device.name} reads “${words}”`).toBeVisible({ timeout: 30_000 });
      for (const words of ['Written on the laptop', 'Written on the phone']) await expect(postOf(olivia.page(), words)).toContainText(PAT.name);
    });

    await test.step('a change on one device does not go over one on the other unasked, nor get lost with a post that was taken back', async () => {
      const menu = async (page: Page, words: string, item: string): Promise<void> => {
        await postOf(page, words).getByRole('button', { name: 'More for this update' }).click();
        await page.getByRole('menuitem', { name: item, exact: true }).click();
      };
      const [phone, bare] = [pat.page(), laptop.page()];
      await menu(bare, 'Written on the laptop', 'Edit');
      await bare.getByLabel('Change your words').fill('As the laptop has it');
      await menu(phone, 'Written on the laptop', 'Edit');
      await phone.getByLabel('Change your words').fill('As the phone has it');
      await phone.getByRole('button', { name: 'Save', exact: true }).click();
      await expect(bare.getByText('Changed meanwhile on another of your devices.', { exact: false })).toBeVisible({ timeout: 30_000 });
      await expect(bare.getByText('As the phone has it')).toBeVisible();
      await look(bare, 'edit-elsewhere');
      await bare.getByLabel('Change your words').press('Control+Enter');
      await bare.getByRole('button', { name: 'Replace with mine' }).click();
      await expect(postOf(olivia.page(), 'As the laptop has it')).toBeVisible({ timeout: 30_000 });
      await expect(postOf(phone, 'As the laptop has it')).toBeVisible({ timeout: 30_000 });
      await menu(phone, 'As the laptop has it', 'Edit');
      await phone.getByLabel('Change your words').fill('Never said');
      await menu(bare, 'As the laptop has it', 'Take back');
      await bare.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
      await expect(phone.getByText('You were changing it to:')).toBeVisible({ timeout: 30_000 });
      await expect(phone.getByText('Never said')).toBeVisible();
      await look(phone, 'edit-late');
      await phone.getByRole('button', { name: 'Dismiss' }).click();
      await expect(phone.getByText('Never said')).toHaveCount(0);
    });

    await test.step('the laptop is lost; the phone alone puts it out, with the owner away', async () => {
      await laptop.close();
      await olivia.close();
      const phone = pat.page();
      await phone.getByRole('link', { name: 'Back', exact: true }).or(phone.getByRole('button', { name: 'Back', exact: true })).first().click();
      await you(phone);
      await phone.getByRole('button', { name: `Lost this device: ${NAME}` }).click();
      await look(phone, 'lost-device');
      await phone.getByRole('button', { name: 'Sign it out everywhere' }).click();
      await expect(phone.getByRole('button', { name: `Lost this device: ${NAME}` })).toBeHidden({ timeout: 30_000 });
      await phone.getByRole('link', { name: 'Groups', exact: true }).first().click();
      await openGroup(phone, GROUP);
      await post(phone, 'Only for those who are left');
      await expectState(phone, 'Only for those who are left', 'Sent');
    });

    await test.step('it comes back, says why, holds nothing and gets nothing new', async () => {
      const back = await laptop.restart(relay.url);
      await back.getByLabel('Passphrase', { exact: true }).fill(SECRET);
      await back.getByRole('button', { name: 'Unlock', exact: true }).click();
      await expect(back.getByRole('heading', { name: 'This device was signed out' })).toBeVisible({ timeout: 30_000 });
      await expect(back.getByText('One of your other devices did this', { exact: false })).toBeVisible();
      await look(back, 'signed-out');
      // all that is left: when and why it ended, and the count that keeps two tabs from writing at once
      expect((await rowsKept(back)).sort()).toEqual(['fence writer', 'vault mark']);
      expect(await back.locator('body').innerText()).not.toContain('Only for those');
      await back.reload();
      await back.getByRole('button', { name: 'Use Carefold on this device' }).click();
      await expect(back.getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible();
    });
    expect([...pat.complaints(), ...olivia.complaints(), ...laptop.complaints()]).toEqual([]);
  } finally {
    await Promise.all([pat.discard(), olivia.discard(), laptop.discard()]);
    await relay.discard();
    await rm(folder, { recursive: true, force: true });
  }
});
