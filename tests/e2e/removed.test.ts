/** Whoever was removed keeps a device with all its keys, and gets hold of the relay's database: nothing new opens. */
import { expect, test } from '@playwright/test';
import { DatabaseSync } from '@photostructure/sqlite';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevice, type Device } from './support/browser';
import { expectOnce, gather, GROUP, type Circle } from './support/circle';
import { envelopesIn } from './support/ledger';
import { expectState, openGroup, PAT, post, remove, to, unlock } from './support/story';
import { openedWords, rememberViews } from './support/views';

const OLD = 'Written while Pat was here.';
const NEW = ['The first words without Pat.', 'The second words without Pat.'] as const;

let circle: Circle;
let copies: string;
const devices: Device[] = [];
test.beforeEach(async () => {
  circle = await gather();
  copies = await mkdtemp(join(tmpdir(), 'carefold-copies-'));
});
test.afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.discard()));
  await circle.discard();
  await rm(copies, { recursive: true, force: true });
});

/** Makes of the folder `earlier` what the relay of `later` holds, but with a roster where Pat is still a member; the envelopes that are new in it. */
function forgetRemoval(earlier: string, later: string): Uint8Array[] {
  const known = envelopesIn(earlier).length;
  const database = new DatabaseSync(join(earlier, 'relay.db'));
  database.exec(`ATTACH '${join(later, 'relay.db')}' AS later`);
  for (const table of ['batches', 'fresh', 'runs', 'lockboxes']) database.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM later.${table}`);
  database.close();
  return envelopesIn(later).slice(known).map(({ envelope }) => envelope);
}

test('a removed member’s device opens nothing new, from a copy of the database or from one that hides the removal', async () => {
  const { relay, olivia, pat } = circle;
  await post(olivia.page(), OLD);
  await expectOnce(pat, [OLD]);
  await expectState(olivia.page(), OLD, 'Seen by 1 of 1');
  await pat.close();

  const [before, after, hiding] = [join(copies, 'before'), join(copies, 'after'), join(copies, 'hiding')];
  await relay.stop();
  await cp(relay.folder, before, { recursive: true });
  await relay.start();
  await remove(olivia.page(), PAT.name);
  await to(olivia.page(), 'Updates');
  for (const words of NEW) await post(olivia.page(), words);
  await expectState(olivia.page(), NEW[1], 'Sent');
  await relay.stop();
  await cp(relay.folder, after, { recursive: true });
  await cp(before, hiding, { recursive: true });
  const envelopes = forgetRemoval(hiding, after);
  expect(envelopes.length).toBeGreaterThan(0);

  const openOn = async (folder: string): Promise<Device> => {
    await relay.start({ CAREFOLD_DATA: folder });
    const device = await openDevice('Pat', undefined, { profile: pat.folder });
    devices.push(device);
    await device.context().addInitScript(rememberViews);
    await device.page().goto(relay.url);
    await unlock(device.page(), PAT);
    return device;
  };

  await test.step('an honest copy: the group says that it has ended, and what was read can be read', async () => {
    const device = await openOn(after);
    await openGroup(device.page(), GROUP);
    await expect(device.page().getByText('You are no longer in this group.', { exact: false })).toBeVisible();
    const opened = await openedWords(device.page());
    expect(opened).toContain(OLD);
    for (const words of NEW) expect(opened).not.toContain(words);
    await relay.stop();
    await device.close();
    // she would give the relay back the removal that it hides
    await olivia.close();
  });

  await test.step('a copy that hides the removal: the new envelopes come, and stay sealed', async () => {
    const device = await openOn(hiding);
    await openGroup(device.page(), GROUP);
    await expect.poll(() => envelopes.every((envelope) => device.network.received().includes(Buffer.from(envelope))), { timeout: 30_000 }).toBe(true);
    // time to open them, if that were possible
    await device.page().waitForTimeout(3000);
    const opened = await openedWords(device.page());
    expect(opened).toContain(OLD);
    for (const words of NEW) expect(opened).not.toContain(words);
    await device.page().reload();
    await unlock(device.page(), PAT);
    await expect(device.page().getByText(OLD)).toBeVisible();
    const again = await openedWords(device.page());
    for (const words of NEW) expect(again).not.toContain(words);
  });
});
