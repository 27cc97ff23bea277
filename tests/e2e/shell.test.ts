/** The house around the app: it installs, opens without its server, says why it cannot run, and keeps to its own policy. */
import { expect, test } from '@playwright/test';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDevice, type Device } from './support/browser';
import { startRelay, type Relay } from './support/relay';
import { OLIVIA, setUp } from './support/story';

let relay: Relay;
let device: Device;

test.beforeEach(async () => {
  relay = await startRelay();
  device = await openDevice('Olivia', relay.url);
});
test.afterEach(async () => {
  await device.discard();
  await relay.discard();
});

const welcome = (): ReturnType<ReturnType<Device['page']>['getByRole']> =>
  device.page().getByRole('heading', { name: 'Welcome to Carefold' });

/** Waits until the service worker has kept everything. */
const kept = (): Promise<unknown> => device.page().evaluate(async () => (await navigator.serviceWorker.ready).active?.state);

test('the app can be installed', async () => {
  await expect(welcome()).toBeVisible();
  await kept();
  const session = await device.context().newCDPSession(device.page());
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  const { errors, url } = await session.send('Page.getAppManifest');
  expect(url).toBe(`${relay.url}/manifest.webmanifest`);
  expect(errors).toEqual([]);
  expect(installabilityErrors.map((error) => error.errorId)).toEqual([]);
});

test('the app opens from cold with the server gone, at any address', async () => {
  await expect(welcome()).toBeVisible();
  await kept();
  await relay.stop();
  await device.restart(relay.url);
  await expect(welcome()).toBeVisible();
  await device.page().goto(`${relay.url}/group/never-seen`);
  await expect(welcome()).toBeVisible();
});

test('a push shows one notice, the same whatever it brings, and pressing it leads to the app at home', async () => {
  await expect(welcome()).toBeVisible();
  await kept();
  await device.context().grantPermissions(['notifications'], { origin: relay.url });
  const session = await device.context().newCDPSession(device.page());
  const registrationId = await new Promise<string>((done) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && done(registrations[0].registrationId));
    void session.send('ServiceWorker.enable');
  });
  for (const data of ['', 'Zirconberyl from Olivia']) await session.send('ServiceWorker.deliverPushMessage', { origin: relay.url, registrationId, data });
  const notices = (): Promise<object[]> =>
    device.page().evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data: data as unknown })));
  await expect.poll(notices).toEqual([{ title: 'Something new in Carefold', body: '', tag: 'carefold-new', data: { path: '/' } }]);
});

test('the page and its worker keep to the content policy, and the relay’s socket is within it', async () => {
  const socket = relay.url.replace('http', 'ws');
  await expect(welcome()).toBeVisible();
  const opened = await device.page().evaluate(
    (address) =>
      new Promise<boolean>((done) => {
        const probe = new WebSocket(`${address}/ws`);
        probe.onopen = () => done(true);
        probe.onerror = () => done(false);
      }),
    socket
  );
  expect(opened).toBe(true);
  const elsewhere = await device.page().evaluate(() => {
    try {
      void new WebSocket('wss://elsewhere.test/ws');
      return new Promise<string>((done) =>
        addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true })
      );
    } catch {
      return 'connect-src';
    }
  });
  expect(elsewhere).toBe('connect-src');
  expect(device.complaints().filter((text) => !text.includes('elsewhere.test'))).toEqual([]);
});

test('markup and scripts made from words are refused, in the page and through its worker', async () => {
  await expect(welcome()).toBeVisible();
  const allowed = await device.page().evaluate(async () => {
    interface Types {
      createPolicy(name: string, rules: object): void;
    }
    const types = (window as unknown as { trustedTypes?: Types }).trustedTypes;
    // what a test evaluates itself may do more than the page: wait until it is the page's turn
    await new Promise((done) => setTimeout(done));
    const tries: Record<string, () => void> = {
      markup: () => void (document.createElement('div').innerHTML = '<b>words</b>'),
      code: () => void new Function('return 1')(),
      worker: () => new Worker('data:text/javascript,1').terminate(),
      script: () => void (document.createElement('script').src = '/_app/version.json'),
      policy: () => types?.createPolicy('another', { createHTML: (words: string) => words })
    };
    return Object.entries(tries).flatMap(([name, attempt]) => {
      try {
        attempt();
        return [name];
      } catch {
        return [];
      }
    });
  });
  expect(allowed).toEqual([]);
});

test('the policy is a header on every answer, and a missing asset is never the page', async () => {
  for (const path of ['/', '/join', '/service-worker.js', '/manifest.webmanifest', '/_app/version.json', '/healthz']) {
    const answer = await fetch(relay.url + path);
    expect(answer.status, path).toBe(200);
    expect(answer.headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
  }
  for (const path of ['/_app/immutable/chunks/gone.js', '/_app/gone.json', '/icons/gone.png'])
    expect((await fetch(relay.url + path)).status, path).toBe(404);
});

test('over plain http on a network the app says why it cannot run, and what to do', async () => {
  await device.page().goto(`http://ward.test:${relay.port}/`);
  expect(await device.page().evaluate(() => isSecureContext)).toBe(false);
  await expect(device.page().getByRole('heading').first()).toBeVisible();
  await expect(device.page().getByText(/https/).first()).toBeVisible();
  await expect(welcome()).toBeHidden();
});

test('a new version is offered and waits until the person says so', async () => {
  const build = await mkdtemp(join(tmpdir(), 'carefold-build-'));
  await cp(fileURLToPath(new URL('../../build', import.meta.url)), build, { recursive: true });
  const own = await startRelay({ CAREFOLD_STATIC: build });
  const page = device.page();
  try {
    await page.goto(own.url);
    await setUp(page, OLIVIA);
    await kept();
    // another build: its service worker differs by a byte
    await Promise.all(['.br', '.gz'].map((ending) => rm(join(build, `service-worker.js${ending}`))));
    await appendFile(join(build, 'service-worker.js'), '\n// the next version\n');
    await page.evaluate(async () => {
      document.documentElement.dataset['same'] = 'yes';
      await (await navigator.serviceWorker.ready).update();
    });
    const offer = page.getByRole('button', { name: 'Update', exact: true });
    await expect(offer).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.dataset['same'])).toBe('yes');
    await offer.click();
    await expect(page.getByRole('button', { name: 'Unlock', exact: true })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.dataset['same'])).toBeUndefined();
    expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting)).toBeNull();
  } finally {
    await own.discard();
    await rm(build, { recursive: true, force: true });
  }
});
