/** A newcomer on a slow line, in a group with a long past: the newest is there before what lies before it, and stays. */
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
test('the newest updates are there on a slow line, and after a start without network, and nothing is missing in the end', async () => {
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
  await expect(postOf(p, `Update ${POSTS}.`)).toBeVisible({ timeout: 90_000 });

  // the line goes dead, and so does the phone
  await pat.goOffline();
  p = await pat.restart();
  await unlock(p, PAT);
  await expect(postOf(p, `Update ${POSTS}.`)).toBeVisible();

  pat.network.slow(null);
  await pat.goOnline();
  for (const state of ['Offline', 'Connecting', 'Getting updates']) await expect(p.getByText(state, { exact: true })).toHaveCount(0, { timeout: 90_000 });
  await expect(postOf(p, `Update ${POSTS}.`)).toBeVisible();
  expect(pat.complaints()).toEqual([]);
});
