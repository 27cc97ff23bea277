/** Yesterday's copy of the relay's store is put back while everybody is ahead of it: by the commands that OPERATING.md names. */
import { expect, test } from '@playwright/test';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectOnce, gather, type Circle } from './support/circle';
import { envelopesIn } from './support/ledger';
import { expectState, post } from './support/story';

const root = fileURLToPath(new URL('../..', import.meta.url));
let circle: Circle;
let copies: string;
test.beforeEach(async () => {
  circle = await gather();
  copies = await mkdtemp(join(tmpdir(), 'carefold-copies-'));
});
test.afterEach(async () => {
  await circle.discard();
  await rm(copies, { recursive: true, force: true });
});

function keep(what: 'backup' | 'restore', file: string): string {
  const ran = spawnSync(process.execPath, ['relay/start.mjs', what, file], { cwd: root, env: { ...process.env, CAREFOLD_DATA: circle.relay.folder }, encoding: 'utf8' });
  expect(ran.status, ran.stderr).toBe(0);
  return ran.stdout;
}

test('a relay restored from yesterday’s backup has everything again, on all sides, nothing twice, and nobody is alarmed', async () => {
  const { relay, olivia, pat } = circle;
  for (const device of [olivia, pat]) await device.page().setViewportSize({ width: 1100, height: 4000 });
  const words = ['Before the backup.'];
  await post(olivia.page(), words[0] as string);
  await expectOnce(pat, words);
  expect(keep('backup', join(copies, 'yesterday'))).toContain('1 groups');
  for (const [device, text] of [[olivia, 'Olivia since then.'], [pat, 'Pat since then.'], [olivia, 'Olivia once more.']] as const) {
    await post(device.page(), text);
    words.push(text);
  }
  await expectOnce(pat, words);
  await expectOnce(olivia, words);
  await expectState(olivia.page(), 'Olivia once more.', 'Seen by 1 of 1');
  const before = new Set(envelopesIn(relay.folder).map(({ log, n }) => `${log} ${n}`));

  await relay.stop();
  keep('restore', join(copies, 'yesterday'));
  expect(envelopesIn(relay.folder).length).toBeLessThan(before.size);
  await relay.start();

  await post(pat.page(), 'After the restore.');
  words.push('After the restore.');
  await expectOnce(olivia, words);
  await expectOnce(pat, words);
  await expectState(pat.page(), 'After the restore.', 'Seen by 1 of 1');
  for (const device of [olivia, pat]) {
    await expect(device.page().getByText('The server shows an older group')).toBeHidden();
    await expect(device.page().getByText('Two versions of this group exist')).toBeHidden();
    await expect(device.page().getByText('Some updates have not arrived')).toBeHidden();
  }
  const places = envelopesIn(relay.folder).map(({ log, n }) => `${log} ${n}`);
  expect(new Set(places).size).toBe(places.length);
  for (const place of before) expect(places).toContain(place);
});
