/** What should never come in: files that are no photos, frames that are no frames. Words and a way on; nothing kept is touched. */
import { expect, test } from '@playwright/test';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { decodeLink } from '../../crypto/invite-secret';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { serveApart, type Apart } from './support/apart';
import { startNoise } from './support/noise';
import { addPhotos, takePhoto } from './support/photo';
import { startRelay, type Relay } from './support/relay';
import { expectState, invite, newGroup, OLIVIA, post, postOf, setUp } from './support/story';

let relay: Relay;
let app: Apart;
let olivia: Device;

// the app comes from one origin, the relay is at another: first run, group, post and picture go over both
test.beforeAll(async () => {
  app = await serveApart();
  relay = await startRelay({ CAREFOLD_STATIC: '/nowhere', CAREFOLD_ORIGIN: app.url });
  app.point(relay.url);
  olivia = await openDevice('Olivia', app.url, { viewport: LAPTOP });
  await setUp(olivia.page(), OLIVIA);
  await newGroup(olivia.page(), 'Ward 4', 'Team');
});
test.afterAll(async () => {
  await olivia.discard();
  await relay.discard();
  await app.discard();
});

test('a file of 50 MB and files that are no pictures are refused in words, and a photo after them goes out', async () => {
  const page = olivia.page();
  const huge = test.info().outputPath('scan of everything.jpg');
  await writeFile(huge, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(50 * 1024 * 1024, 9)]));
  await page.getByLabel('Write an update').fill('About the scan');
  const chosen = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add photo', exact: true }).click();
  await (await chosen).setFiles(huge);
  await expect(page.getByText('“scan of everything.jpg” is too large.', { exact: false })).toBeVisible();

  const real = await takePhoto(page, 'wound.jpg', 'nobody', 600, 400);
  await addPhotos(page, [
    { name: 'letter.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('Dear colleague, this is not a picture.') },
    { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
    { name: 'cut.jpg', mimeType: 'image/jpeg', buffer: real.buffer.subarray(0, 300) },
    { name: 'page.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>') },
    real
  ]);
  for (const name of ['letter.jpg', 'empty.png', 'cut.jpg', 'page.svg']) await expect(page.getByText(`“${name}” is not a photo that can be shown here.`, { exact: false })).toBeVisible();
  await expect(page.getByRole('img', { name: 'Photo 1' })).toBeVisible();
  await expect(page.getByRole('img', { name: 'Photo 2' })).toHaveCount(0);
  await expect(page.getByLabel('Write an update')).toHaveValue('About the scan');
  await page.getByRole('button', { name: 'Post', exact: true }).click();
  await expectState(page, 'About the scan', 'Sent');
  await expect(postOf(page, 'About the scan').getByRole('button', { name: /Photo 1 of 1/ })).toBeVisible();
  expect(olivia.complaints()).toEqual([]);
  // and it was the other origin: the app's own has no relay at all
  expect(await (await fetch(`${app.url}/healthz`)).text()).toContain('<meta name="carefold-relay" content="http://127.0.0.1:');
  expect((await fetch(relay.url)).status).toBe(404);
  expect(decodeLink((await invite(page, 'From today')).split('#')[1] as string)).toMatchObject({ ok: true, value: { host: new URL(relay.url).host } });
});

test('broken frames leave the relay alive and everybody else connected', async () => {
  const page = olivia.page();
  await post(page, 'Before the noise');
  await expectState(page, 'Before the noise', 'Sent');
  const closed = async (frames: readonly (Buffer | string)[]): Promise<number> => {
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/ws`, { origin: relay.url });
    socket.on('error', () => undefined);
    await new Promise((done) => socket.once('open', done));
    const end = new Promise<number>((done) => socket.once('close', done));
    for (const frame of frames) socket.send(frame, () => undefined);
    const code = await Promise.race([end, new Promise<number>((done) => setTimeout(() => done(0), 1500))]);
    socket.terminate();
    return code;
  };
  const kinds: (readonly (Buffer | string)[])[] = [
    [''], ['not a frame'], [Buffer.alloc(0)], [Buffer.from([0])], [Buffer.from([1])], [Buffer.alloc(20_000_000, 1)],
    ...Array.from({ length: 12 }, (_, i) => [randomBytes(1 + i * 97)]),
    Array.from({ length: 300 }, () => randomBytes(40))
  ];
  await Promise.all(kinds.map(closed));
  expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
  for (const path of ['/api/blob/x/y', '/api/..%2f..%2fetc/passwd', '/..%2f..%2f..%2f..%2fetc/passwd', '/%00', '/%zz', `/${'a'.repeat(9000)}`]) {
    const answer = await fetch(relay.url + path);
    expect(answer.status, path).toBeLessThan(500);
    expect(await answer.text(), path).not.toContain('root:');
  }
  await post(page, 'After the noise');
  await expectState(page, 'After the noise', 'Sent');
  await expect(page.getByText('Before the noise')).toBeVisible();
});

test('an app that is sent nonsense goes on, keeps what it has, and sends what waits once the relay is back', async () => {
  const page = olivia.page();
  await post(page, 'Before the nonsense');
  await expectState(page, 'Before the nonsense', 'Sent');
  const noise = await startNoise();
  try {
    olivia.network.lead(noise.port);
    await expect.poll(() => noise.met(), { timeout: 30_000 }).toBeGreaterThan(1);
    await post(page, 'In the middle of it');
    await expectState(page, 'In the middle of it', /Saved here/);
    await expect(page.getByText(/^(Offline|Connecting)/).first()).toBeVisible();
    await expect(page.getByText('Before the nonsense').first()).toBeVisible();
  } finally {
    olivia.network.lead(null);
    await noise.close();
  }
  await expectState(page, 'In the middle of it', 'Sent');
  await expectState(page, 'Before the nonsense', 'Sent');
  expect(olivia.complaints()).toEqual([]);
});
