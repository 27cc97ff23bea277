/** Whoever reads at twice the size has half the window: everything is still there, in sight or a scroll away, and nothing lies on anything. */
import { expect, test, type Page } from '@playwright/test';
import { LAPTOP, openDevice, PHONE } from './support/browser';
import { gather, GROUP, type Circle } from './support/circle';
import { openGroup, PAT, post, postOf, to } from './support/story';

/** A phone at 200 %, and one whose keyboard is open. */
const HALF = { width: 195, height: 422 } as const;
const TYPING = { width: 390, height: 440 } as const;
const LONG = 'Maximiliana Wolfeschlegelsteinhausenbergerdorff';

let circle: Circle;
// each goes on where the one before it ended
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  circle = await gather({ pat: { ...PAT, name: LONG } });
  await post(circle.olivia.page(), 'The night was quiet.');
});
test.afterAll(() => circle.discard());

/** What of the page and of all that scrolls in it lies beyond the right edge: words as they stand there. */
const beyond = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
    for (const element of document.querySelectorAll('a, button, input, textarea, select, h1, h2, h3, p, li, section')) {
      if (!element.checkVisibility() || element.closest('.unseen, .skip, .toaster') !== null) continue;
      if (element.getBoundingClientRect().right > innerWidth + 1) found.push(`${element.localName}: ${element.textContent.trim().slice(0, 60)}`);
    }
    return found;
  });
const heightOf = async (page: Page, selector: string): Promise<number> => (await page.locator(selector).boundingBox())?.height ?? 0;

test('at twice the size nothing runs off the edge, before the first group and after', async () => {
  const fresh = await openDevice('Fay', circle.relay.url, { viewport: HALF });
  try {
    await expect(fresh.page().getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible();
    expect(await beyond(fresh.page())).toEqual([]);
    // the circle of a choice and its words lie beside each other
    for (const option of await fresh.page().getByRole('radiogroup').locator('label').all()) {
      const [words, dot] = await Promise.all([option.locator('.name').evaluate((e) => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().right; }), option.locator('.dot').evaluate((e) => e.getBoundingClientRect().left)]);
      expect(words).toBeLessThanOrEqual(dot);
    }
  } finally {
    await fresh.discard();
  }
  const page = circle.olivia.page();
  await page.setViewportSize(HALF);
  expect(await beyond(page), 'group').toEqual([]);
  await to(page, 'People');
  expect(await beyond(page), 'people').toEqual([]);
  await page.getByRole('link', { name: 'Back' }).click();
  await expect(page.getByRole('heading', { name: /Olivia/ })).toBeVisible();
  expect(await beyond(page), 'home').toEqual([]);
  await page.getByRole('navigation').getByRole('link', { name: 'You' }).click();
  await expect(page.getByRole('heading', { name: 'You', exact: true })).toBeVisible();
  expect(await beyond(page), 'you').toEqual([]);
  await page.getByRole('link', { name: 'Groups' }).click();
  await openGroup(page, GROUP);
});

test('at twice the size there is room to write, and updates beside it', async () => {
  const page = circle.olivia.page();
  const area = page.getByLabel('Write an update');
  await page.setViewportSize(HALF);
  expect((await area.boundingBox())?.width).toBeGreaterThanOrEqual(120);
  await expect(page.getByRole('button', { name: 'Post', exact: true })).toBeInViewport();
  await expect(postOf(page, 'The night was quiet.')).toBeInViewport();
  await area.fill('One\ntwo\nthree\nfour\nfive\nsix\nseven\neight');
  await expect(page.locator('#who-will-read')).toBeInViewport();
  await expect(page.getByText('Not for emergencies', { exact: false })).toBeHidden();
  expect(await heightOf(page, '[aria-label="Updates"][role="region"]')).toBeGreaterThanOrEqual(60);
  await page.setViewportSize(TYPING);
  expect(await heightOf(page, '[aria-label="Updates"][role="region"]')).toBeGreaterThanOrEqual(80);
  await expect(page.locator('#who-will-read')).toBeInViewport({ ratio: 1 });
  expect(await beyond(page)).toEqual([]);
  // the same from a larger font in the same window
  await page.setViewportSize(PHONE);
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await post(page, 'She ate a little.');
  expect(await beyond(page), 'large font').toEqual([]);
  expect(await postOf(page, 'She ate a little.').evaluate((card) => card.scrollWidth - card.clientWidth)).toBe(0);
  expect(await heightOf(page, '.composer')).toBeLessThanOrEqual(PHONE.height * 0.5);
  await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
});

test('at twice the size an invite can be made', async () => {
  const page = circle.olivia.page();
  await page.setViewportSize(LAPTOP);
  await page.getByRole('button', { name: 'Invite', exact: true }).filter({ visible: true }).first().click();
  const dialog = page.getByRole('dialog');
  await page.setViewportSize(HALF);
  await dialog.getByRole('radio', { name: 'From today', exact: true }).check();
  await dialog.getByRole('radio', { name: '7 days', exact: true }).check();
  expect(await beyond(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Copy link', exact: true }).click();
  const done = dialog.getByRole('button', { name: 'Done', exact: true });
  await done.scrollIntoViewIfNeeded();
  await expect(done).toBeInViewport({ ratio: 1 });
  await done.click();
  await expect(dialog).toBeHidden();
});
