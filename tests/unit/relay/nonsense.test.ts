import { afterAll, beforeAll, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { bundleRelay, forgetBundle } from '../../bench/peers/processes';
import { fuzzed } from '../../chaos/fuzz';

beforeAll(async () => {
  await ready();
  await bundleRelay();
});
afterAll(forgetBundle);

it('a relay lives through ten thousand frames and requests of nonsense, and serves whoever behaves all the while', { timeout: 60_000 }, async () => {
  // rejects when the process ends, and when a post in between is not acknowledged
  const sum = { frames: 0, requests: 0 };
  await fuzzed(10_000, () => undefined, sum, 500);
  expect(sum.frames).toBe(10_000);
  expect(sum.requests).toBeGreaterThan(15);
});
