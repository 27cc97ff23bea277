import { afterAll, beforeAll, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { bundleRelay, forgetBundle } from '../../bench/peers/processes';
import { synced } from '../../chaos/synced';

beforeAll(async () => {
  await ready();
  await bundleRelay();
});
afterAll(forgetBundle);

it('a relay syncs before each ack: with all that was not synced dropped, as by a power cut, every ack is there', { timeout: 60_000 }, async ({ skip }) => {
  const found = await synced(() => undefined);
  if (found === null) return skip('strace is not installed: syncs cannot be counted');
  expect(found).toMatchObject({ acks: 300, unsynced: 0, mainUnsynced: 0 });
  expect(found.syncs).toBeGreaterThanOrEqual(found.acks);
});
