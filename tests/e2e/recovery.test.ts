/** The day the site's data was cleared: thirteen words on paper, and everything is back. */
import { expect, test, type Page } from '@playwright/test';
import { openDevice, type Device } from './support/browser';
import { startRelay } from './support/relay';
import { look } from './support/screens';
import { askToJoin, expectState, invite, letIn, openGroup, OLIVIA, PAT, post, postOf, setUp, unlock, writeDown } from './support/story';

const GROUP = 'Pat Moreno’s Family Treatment Updates';

/** The sheet as a printer gets it: these words and what to do with them, nothing else of the app, black on white by night too. */
async function expectPaper(page: Page, words: readonly string[]): Promise<void> {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const printed = await page.evaluate(() => {
    document.documentElement.dataset['theme'] = 'dark';
    const ink = [...document.querySelectorAll('.phrase-paper, .phrase-paper *')].map((part) => getComputedStyle(part).color);
    const ground = [document.documentElement, document.body, document.querySelector('.phrase-paper') ?? document.body].map((part) => getComputedStyle(part).backgroundColor);
    return { text: document.body.innerText, ink: [...new Set(ink)], ground: [...new Set(ground)], scheme: getComputedStyle(document.documentElement).colorScheme };
  });
  const numbered = words.map((word, at) => `${at + 1}\\s+${word}\\s+`).join('');
  expect(printed.text).toMatch(new RegExp(`^Carefold recovery phrase\\s+These 13 words bring back my name[^\\d]*${numbered}Written down on\\s+Web address of Carefold\\s+${new URL(page.url()).origin}\\s+How to use them\\s+On a new device, open Carefold[^]*“With my recovery phrase”[^]*How to keep them\\s+[^\\n]+$`));
  expect(printed.ink).toEqual(['rgb(0, 0, 0)']);
  expect(printed.ground).toEqual(['rgb(255, 255, 255)']);
  expect(printed.scheme).toBe('light');
  const sheets = (await page.pdf({ format: 'A4' })).toString('latin1').match(/\/Type\s*\/Page\b/g);
  expect(sheets).toHaveLength(1);
  await page.emulateMedia({ media: null, colorScheme: null });
  await page.evaluate(() => delete document.documentElement.dataset['theme']);
}

/** Clears all that the browser keeps for the site, as its settings do, while the app is open; then loads the page anew. */
async function clearSiteData(device: Device): Promise<void> {
  const page = device.page();
  const { origin } = new URL(page.url());
  await page.evaluate(() => navigator.serviceWorker.ready);
  const tools = await device.context().newCDPSession(page);
  await tools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  expect((await tools.send('Storage.getUsageAndQuota', { origin })).usageBreakdown.filter(({ usage }) => usage > 0)).toEqual([]);
  await page.reload();
}

test('thirteen words bring back name, groups, history and ownership after the site’s data is gone', async () => {
  const relay = await startRelay();
  const pat = await openDevice('Pat', relay.url);
  const olivia = await openDevice('Olivia', relay.url);
  try {
    await setUp(pat.page(), PAT);
    // before the first group is owned the words are asked for; then the form comes by itself
    await pat.page().getByRole('button', { name: 'New group', exact: true }).first().click();
    const words = await writeDown(pat.page(), {
      atWords: async (shown) => {
        await look(pat.page(), 'phrase-words');
        await expectPaper(pat.page(), shown);
      },
      atCheck: () => look(pat.page(), 'phrase-check')
    });
    await pat.page().getByLabel('Group name').fill(GROUP);
    await pat.page().getByRole('button', { name: 'Create group' }).click();
    await post(pat.page(), 'The first week at home');
    await expectState(pat.page(), 'The first week at home', 'Sent');
    const link = await invite(pat.page(), 'From the start');
    await setUp(olivia.page(), OLIVIA);
    await olivia.page().goto(link);
    await olivia.page().getByLabel('Passphrase', { exact: true }).fill(OLIVIA.passphrase);
    await olivia.page().getByRole('button', { name: 'Unlock', exact: true }).click();
    const number = await askToJoin(olivia.page());
    await letIn(pat.page(), OLIVIA.name, number);
    await expect(postOf(olivia.page(), 'The first week at home')).toBeVisible({ timeout: 30_000 });

    await pat.page().goto(relay.url);
    await unlock(pat.page(), PAT);
    await pat.page().getByRole('link', { name: 'You', exact: true }).first().click();
    await expect(pat.page().getByText('Your 13 words cover 1 of 1 group')).toBeVisible();
    await pat.page().getByRole('button', { name: 'Practise' }).click();
    const drill = pat.page().getByRole('dialog');
    await drill.getByRole('textbox').fill(words.map((w, i) => `${i + 1}. ${w.toUpperCase()}`).join('\n'));
    await drill.getByRole('button', { name: 'Check the words' }).click();
    await expect(drill.getByText('The words are right')).toBeVisible();

    const page = pat.page();
    await clearSiteData(pat);
    await page.goto(relay.url);
    await expect(page.getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible();
    await post(olivia.page(), 'Said while Pat had nothing');
    await expectState(olivia.page(), 'Said while Pat had nothing', 'Sent');

    await page.getByRole('button', { name: 'I already use Carefold' }).click();
    await page.getByRole('button', { name: 'With my recovery phrase' }).click();
    await page.getByLabel('The 13 words, in their order').fill([...words.slice(1), words[0]].join(' '));
    await page.getByLabel('New passphrase', { exact: true }).fill('copper window gentle orchard');
    await page.getByLabel('Repeat new passphrase').fill('copper window gentle orchard');
    await look(page, 'phrase-restore');
    await page.getByRole('button', { name: 'Bring back my groups' }).click();
    await expect(page.getByText('These words open nothing here').first()).toBeVisible();
    await page.getByLabel('The 13 words, in their order').fill(words.join(' '));
    pat.network.slow({ delay: 700 });
    await page.getByRole('button', { name: 'Bring back my groups' }).click();
    await expect(page.getByRole('heading', { name: 'Bringing back your groups' })).toBeVisible();
    await expect(page.getByText('Getting updates').first()).toBeVisible();
    await look(page, 'groups-arriving');
    pat.network.slow({ delay: 200 });
    await expect(page.getByRole('heading', { level: 1, name: /Pat/ })).toBeVisible();
    await openGroup(page, GROUP);
    await expect(postOf(page, 'The first week at home')).toBeVisible({ timeout: 30_000 });
    await expect(postOf(page, 'Said while Pat had nothing')).toBeVisible({ timeout: 30_000 });
    await expect(page.getByText('You own this group').first()).toBeVisible();
    await post(page, 'I am back');
    await expect(postOf(olivia.page(), 'I am back')).toBeVisible({ timeout: 30_000 });
    await expect(postOf(olivia.page(), 'I am back')).toContainText(PAT.name);
    expect([...pat.complaints(), ...olivia.complaints()]).toEqual([]);
  } finally {
    await pat.discard();
    await olivia.discard();
    await relay.discard();
  }
});
