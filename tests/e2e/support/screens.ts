/** A screen looked at as people have it, phone and laptop, by day and by night: pictures for eyes, and a judge for those without. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAPTOP, PHONE } from './browser';

/** Where the pictures go: `SCREENS`, else test-results/screens. */
const folder = process.env['SCREENS'] ?? fileURLToPath(new URL('../../../test-results/screens/', import.meta.url));
const SIZES = { phone: PHONE, wide: LAPTOP } as const;
/** Each differs from the one before in one thing. Colours differ by light and structure by size: judging two of the four holds both to account. */
const VIEWS = [
  { size: 'phone', light: 'light', isJudged: true },
  { size: 'phone', light: 'dark', isJudged: false },
  { size: 'wide', light: 'dark', isJudged: true },
  { size: 'wide', light: 'light', isJudged: false }
] as const;
/** Until a page has been laid out anew, panes that come or go included, in milliseconds. */
const LAID_OUT = 150;

/** What axe finds serious on the page as it stands: which rule, and where. */
async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')}: ${node.html.slice(0, 160)}`));
}

/** Writes `<name>-phone.png`, `<name>-phone-dark.png`, `<name>-wide.png`, `<name>-wide-dark.png`, lets axe judge, and puts the page back as it was. */
export async function look(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = page.viewportSize();
  let shown: string | null = null;
  for (const { size, light, isJudged } of VIEWS) {
    await page.emulateMedia({ colorScheme: light, reducedMotion: 'reduce' });
    if (size !== shown) {
      await page.setViewportSize(SIZES[size]);
      await page.waitForTimeout(LAID_OUT);
      shown = size;
    }
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: join(folder, `${name}-${size}${light === 'dark' ? '-dark' : ''}.png`) });
    if (isJudged) expect.soft(await serious(page), `${name}, ${size}, ${light}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}
