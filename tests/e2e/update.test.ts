/** A new version is put in place while somebody is in the middle of something. */
import { expect, test } from '@playwright/test';
import { rm } from 'node:fs/promises';
import { LAPTOP, openDevice } from './support/browser';
import { keepApp } from './support/circle';
import { copyBuild, replaceBuild } from './support/deploy';
import { startRelay } from './support/relay';
import { newGroup, OLIVIA, setUp, unlock } from './support/story';

test('a tab that was open before an update goes on with its own build, from the relay and without it', async () => {
  const build = await copyBuild();
  const relay = await startRelay({ CAREFOLD_STATIC: build });
  const device = await openDevice('Olivia', relay.url, { viewport: LAPTOP });
  const page = device.page();
  try {
    await setUp(page, OLIVIA);
    await newGroup(page, 'Ward 4', 'Team');
    await keepApp(device);
    await page.getByLabel('Write an update').fill('Half a sentence');
    await page.evaluate(() => void (document.documentElement.dataset['same'] = 'yes'));

    await relay.stop();
    const before = await replaceBuild(build);
    await relay.start();
    // another tab takes the update: its service worker is now this one's too
    const other = await device.context().newPage();
    await other.goto(`${relay.url}/healthz`);
    await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      await registration.update();
      const next = registration.installing ?? registration.waiting;
      if (next === null) throw new Error('no update came');
      if (next.state === 'installing') await new Promise((done) => next.addEventListener('statechange', done, { once: true }));
      const turned = new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
      registration.waiting?.postMessage('skip-waiting');
      await turned;
    });
    await other.close();
    const tools = await device.context().newCDPSession(page);
    await tools.send('Network.clearBrowserCache');

    // from the relay alone, as where the browser threw its caches away
    await page.evaluate(async () => {
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const one of await cache.keys()) if (name.startsWith('carefold-earlier-') && one.url.includes('/workers/')) await cache.delete(one);
      }
    });
    await page.getByRole('link', { name: /Settings/ }).click();
    await expect(page.getByRole('heading', { name: 'You', exact: true })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.dataset['same'])).toBe('yes');
    // the worker is begun anew after a lock: its script was thrown away, and the relay still has it
    await page.getByRole('button', { name: 'Lock', exact: true }).first().click();
    await unlock(page, OLIVIA);
    expect(await page.evaluate(() => document.documentElement.dataset['same'])).toBe('yes');

    await tools.send('Network.clearBrowserCache');
    // without the relay, from what the service worker kept
    await device.goOffline();
    const gone = await page.evaluate((paths) => Promise.all(paths.map((path) => fetch(path).then(({ ok }) => (ok ? '' : path), () => path))), before.filter((path) => !path.includes('/workers/')));
    expect(before.length).toBeGreaterThan(40);
    expect(gone.filter(Boolean)).toEqual([]);
    await page.goBack();
    await expect(page.getByLabel('Write an update')).toHaveValue('Half a sentence');
    await page.getByRole('navigation', { name: 'Parts of this group' }).getByRole('link', { name: 'People' }).click();
    await expect(page.getByRole('main').getByRole('heading', { name: /^Who reads here/ })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.dataset['same'])).toBe('yes');

    // and a tab that is opened now has the next build
    await device.goOnline();
    await page.reload();
    await unlock(page, OLIVIA);
    expect(await page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => /nodes\/.*0\.js$/.test(name)))).toBe(true);
    expect(device.complaints()).toEqual([]);
  } finally {
    await device.discard();
    await relay.discard();
    await rm(build, { recursive: true, force: true });
  }
});
