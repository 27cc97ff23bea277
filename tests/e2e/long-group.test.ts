/** A group with years behind it: ten thousand updates, scrolled from the newest to the first and back in the built app. */
import { expect, test } from '@playwright/test';
import { spawn } from 'node:child_process';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { invite, newGroup, OLIVIA, postOf, requestOf, setUp, unlock } from './support/story';

const POSTS = 10_000;
let relay: Relay;
let olivia: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
});
test.afterEach(async () => {
  await olivia.discard();
  await relay.discard();
});

interface Stop {
  readonly numbers: readonly number[];
  /** Pixels on the screen where no row is. */
  readonly blank: number;
  readonly rows: number;
  readonly atEnd: boolean;
}

test('ten thousand updates scroll in their order, without blank stretches, and with few of them in the page', async () => {
  const page = olivia.page();
  await setUp(page, OLIVIA);
  await newGroup(page, 'Years of it', 'Family');
  const link = await invite(page, 'From the start');
  const fay = spawn(process.execPath, ['--import', 'tsx', 'tests/e2e/support/writer.ts', link, String(POSTS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sent = new Promise((done) => fay.stdout.once('data', done));
  await (await requestOf(page, 'Fay Moreno')).getByRole('button', { name: 'Let in' }).click();
  await sent;
  await expect(page.getByRole('link', { name: new RegExp(`Update ${POSTS}`) })).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await unlock(page, OLIVIA);
  await expect(postOf(page, `Update ${POSTS}.`)).toBeVisible({ timeout: 60_000 });

  // a keyboard comes and goes: who is at the end stays there, and nothing lies over it
  const toNewest = page.getByRole('button', { name: 'Jump to newest' });
  for (const height of [LAPTOP.height / 2, LAPTOP.height]) {
    await page.setViewportSize({ width: LAPTOP.width, height });
    await page.waitForTimeout(400);
    await expect(postOf(page, `Update ${POSTS}.`)).toBeInViewport();
    await expect(toNewest).toHaveCount(0);
  }
  await page.evaluate(() => document.querySelector('.feed .scroller')?.scrollBy(0, -3_000));
  await toNewest.click();
  await expect(postOf(page, `Update ${POSTS}.`)).toBeInViewport();
  await expect(toNewest).toHaveCount(0);

  const walked = await page.evaluate(async () => {
    const scroller = document.querySelector<HTMLElement>('.feed .scroller');
    if (scroller === null) throw new Error('no feed');
    const frame = (): Promise<unknown> => new Promise(requestAnimationFrame);
    const begun = (): boolean => scroller.querySelector('.beginning') !== null;
    // up, as far as there is something above
    for (let still = 0, before = -1; still < 400 && !(begun() && scroller.scrollTop === 0); still = scroller.scrollHeight === before ? still + 1 : 0) {
      before = scroller.scrollHeight;
      scroller.scrollTop = 0;
      await frame();
    }
    const stops: Stop[] = [];
    const look = (): Stop => {
      const box = scroller.getBoundingClientRect();
      const rows = [...scroller.querySelectorAll('article')];
      const spans = [...scroller.querySelectorAll('.measure')].map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
      let blank = 0;
      let to = box.top;
      for (const span of spans) {
        if (span.bottom <= box.top || span.top >= box.bottom) continue;
        blank = Math.max(blank, span.top - to);
        to = Math.max(to, span.bottom);
      }
      const inside = rows.filter((row) => row.getBoundingClientRect().bottom > box.top && row.getBoundingClientRect().top < box.bottom);
      const numbers = inside.flatMap((row) => /Update (\d+)\./.exec(row.textContent)?.[1] ?? []).map(Number);
      return { numbers, blank: Math.max(blank, box.bottom - to), rows: rows.length, atEnd: scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2 };
    };
    // down, by fits and starts: screen after screen for a while, then a leap
    for (let n = 0; n < 1_000; n++) {
      await frame();
      await frame();
      const stop = look();
      stops.push(stop);
      if (stop.atEnd) break;
      scroller.scrollTop += n % 8 === 7 ? 60_000 : scroller.clientHeight * 0.9;
    }
    return stops;
  });

  expect(walked.length).toBeGreaterThan(100);
  expect(walked[0]?.numbers[0]).toBe(1);
  expect(walked.at(-1)?.numbers.at(-1)).toBe(POSTS);
  const all = walked.flatMap(({ numbers }) => numbers);
  // each screen shows neighbours, and each goes on after the one before
  for (const { numbers } of walked) expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
  expect(walked.every(({ numbers }, at) => at === 0 || (numbers[0] ?? 0) >= (walked[at - 1]?.numbers[0] ?? 0))).toBe(true);
  expect(all.length).toBeGreaterThan(300);
  expect(Math.max(...walked.map(({ rows }) => rows))).toBeLessThan(80);
  expect(walked.filter(({ blank }) => blank > 80).map(({ blank, numbers }) => `${blank} px at ${numbers[0] ?? 'nothing'}`)).toEqual([]);
  expect(olivia.complaints()).toEqual([]);
});
