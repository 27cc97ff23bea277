/** A screen looked at as people have it, phone and laptop, by day and by night: pictures for eyes, and a judge for those without. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAPTOP, PHONE } from './browser';

/** Where the pictures go: `CAREFOLD_SCREENS`, else test-results/screens. */
const folder = process.env['CAREFOLD_SCREENS'] ?? fileURLToPath(new URL('../../../test-results/screens/', import.meta.url));
const SIZES = { phone: PHONE, wide: LAPTOP } as const;
const LIGHTS = ['light', 'dark'] as const;
/** Colours differ by light and structure by size: two of the four hold both to account. */
const JUDGED: readonly string[] = ['phone light', 'wide dark'];

/** What axe finds serious on the page as it stands: which rule, and where. */
async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')}: ${node.html.slice(0, 160)}`));
}

/** Writes `<name>-phone.png`, `<name>-phone-dark.png`, `<name>-wide.png`, `<name>-wide-dark.png`, lets axe judge, and puts the page back as it was. */
export async function look(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const light of LIGHTS) {
      await page.emulateMedia({ colorScheme: light, reducedMotion: 'reduce' });
      await page.waitForTimeout(200);
      await page.screenshot({ path: join(folder, `${name}-${size}${light === 'dark' ? '-dark' : ''}.png`) });
      if (JUDGED.includes(`${size} ${light}`)) expect.soft(await serious(page), `${name}, ${size}, ${light}`).toEqual([]);
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}
