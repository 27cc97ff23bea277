/** Pictures of a screen as it looks on a phone and a laptop, by day and by night; looked at by people, asserted by nobody. */
import type { Page } from '@playwright/test';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LAPTOP, PHONE } from './browser';

const folder = fileURLToPath(new URL('../../../test-results/screens/', import.meta.url));
const SIZES = { phone: PHONE, wide: LAPTOP } as const;
const LIGHTS = ['light', 'dark'] as const;

/** Writes `<name>-phone.png`, `<name>-phone-dark.png`, `<name>-wide.png`, `<name>-wide-dark.png`, then puts the page back as it was. */
export async function takeScreens(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const light of LIGHTS) {
      await page.emulateMedia({ colorScheme: light, reducedMotion: 'reduce' });
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${folder}${name}-${size}${light === 'dark' ? '-dark' : ''}.png` });
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}
