/** The relay loses power in the middle of a burst: what it said it had, it has. */
import { expect, test } from '@playwright/test';
import { expectOnce, gather, type Circle } from './support/circle';
import { envelopesIn } from './support/ledger';
import { post, postOf } from './support/story';

let circle: Circle;
test.beforeEach(async () => (circle = await gather()));
test.afterEach(() => circle.discard());

test('the relay is killed in the middle of a burst and started again: every acked post is there, and nothing twice', async () => {
  const { relay, olivia, pat } = circle;
  const page = olivia.page();
  // tall enough for the whole burst: the list shows only what is in sight
  for (const device of [olivia, pat]) await device.page().setViewportSize({ width: 1100, height: 6000 });
  const words: string[] = [];
  const write = async (): Promise<void> => {
    const next = `Burst ${String(words.length + 1).padStart(2, '0')}.`;
    words.push(next);
    await post(page, next);
  };
  const acked = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const one of words) if (/Sent|Seen by/.test(await postOf(page, one).innerText())) found.push(one);
    return found;
  };
  while ((await acked()).length < 3) await write();
  // killed while more is on its way, twice
  await Promise.all([write(), relay.kill()]);
  await write();
  await relay.start();
  const before = (await acked()).length;
  while ((await acked()).length <= before) await write();
  await Promise.all([write(), relay.kill()]);
  olivia.network.cut();
  const safe = await acked();
  expect(safe.length).toBeGreaterThan(before);

  // Pat learns it from the relay's disk alone: Olivia is gone
  await relay.start();
  await expectOnce(pat, safe);

  olivia.network.mend();
  await expectOnce(pat, words);
  await expect.poll(async () => (await acked()).length, { timeout: 30_000 }).toBe(words.length);
  await expectOnce(olivia, words);
  const places = envelopesIn(relay.folder).map(({ log, n }) => `${log} ${n}`);
  expect(new Set(places).size).toBe(places.length);
});
