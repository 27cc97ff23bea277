/** A newcomer on a slow line, in a group with a long past: the newest is there at once, and the rest comes in front of it. */
import { expect, test } from '@playwright/test';
import { spawn } from 'node:child_process';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { askToJoin, invite, letIn, newGroup, OLIVIA, PAT, postOf, requestOf, setUp, unlock } from './support/story';

const POSTS = 4_000;
/** Bytes a second: an old phone at the edge of a ward. */
const SLOW = 24_000;
let relay: Relay;
let olivia: Device;
let pat: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  olivia = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
  pat = await openDevice('Pat', relay.url);
});
test.afterEach(async () => {
  await pat.discard();
  await olivia.discard();
  await relay.discard();
});

// a slow line is slow
test.setTimeout(300_000);
test('the newest updates are there before the ones before them, also after a start without network, and keep their place when those come', async () => {
  const o = olivia.page();
  await setUp(o, OLIVIA);
  await newGroup(o, 'Years of it', 'Family');
  const fay = spawn(process.execPath, ['--import', 'tsx', 'tests/e2e/support/writer.ts', await invite(o, 'From the start'), String(POSTS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sent = new Promise((done) => fay.stdout.once('data', done));
  await (await requestOf(o, 'Fay Moreno')).getByRole('button', { name: 'Let in' }).click();
  await sent;
  const link = await invite(o, 'From the start');

  let p = pat.page();
  await p.goto(link);
  await setUp(p, PAT);
  const number = await askToJoin(p);
  pat.network.slow({ rate: SLOW });
  await letIn(o, PAT.name, number);
  const coming = (): ReturnType<typeof p.getByText> => p.getByText('More updates belong here');
  await expect(postOf(p, `Update ${POSTS}.`)).toBeVisible({ timeout: 60_000 });

  // so that the rest takes its time, and yet each page less than the half minute that an answer is waited for
  pat.network.slow({ rate: SLOW / 3 });

  /** Scrolls up until a row with these words is in sight; false at the beginning. */
  const upTo = (words: string): Promise<boolean> =>
    p.evaluate(async (words) => {
      const scroller = document.querySelector('.feed .scroller');
      if (scroller === null) return false;
      for (let still = 0; still < 120; still = scroller.scrollTop === 0 ? still + 1 : 0) {
        const row = [...scroller.querySelectorAll('.measure')].find((row) => row.textContent.includes(words));
        row?.scrollIntoView();
        if (row === undefined) scroller.scrollTop -= 1_000;
        for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
        if (row !== undefined) return true;
      }
      return false;
    }, words);
  expect(await upTo('More updates belong here')).toBe(true);
  await expect(coming()).toContainText('are on their way');

  // the line goes dead, and so does the phone
  await pat.goOffline();
  await expect(coming()).toContainText('once there is a connection');
  p = await pat.restart();
  await unlock(p, PAT);
  await expect(postOf(p, `Update ${POSTS}.`)).toBeVisible();
  expect(await upTo('They come once there is a connection')).toBe(true);
  // the first update behind them, a little further down
  const place = (id?: string): Promise<{ id: string; top: number } | null> =>
    p.evaluate((id) => {
      const note = [...document.querySelectorAll('.feed .measure')].find((row) => row.textContent.includes('More updates belong here'));
      const follows = (a: Element): boolean => note !== undefined && (note.compareDocumentPosition(a) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
      const article = id === undefined ? [...document.querySelectorAll('.feed article')].find(follows) : document.getElementById(id);
      return article == null ? null : { id: article.id, top: article.getBoundingClientRect().top };
    }, id);
  await p.evaluate(() => document.querySelector('.feed .scroller')?.scrollBy(0, 300));
  await p.waitForTimeout(300);
  const first = await place();

  // with the line whole again all of it comes, and what one reads stays where it is
  pat.network.slow(null);
  await pat.goOnline();
  await expect(coming()).toHaveCount(0, { timeout: 60_000 });
  await p.waitForTimeout(500);
  const now = await place(first?.id);
  expect(Math.abs((now?.top ?? Infinity) - (first?.top ?? 0))).toBeLessThan(40);
  expect(await upTo('Update 1. ')).toBe(true);
  expect(pat.complaints()).toEqual([]);
});
