/** Clocks that are wrong, and set right. */
import { expect, it } from 'vitest';
import { cast } from '../support/circle';

const TEN_YEARS = 10 * 365 * 86_400_000;

it('words written under a clock ten years ahead, or behind, leave all the same once it is set right', async () => {
  const { world, olivia, pat } = await cast(2);
  for (const skew of [TEN_YEARS, -TEN_YEARS]) {
    pat.device.skew = skew;
    await pat.post(`written ${skew > 0 ? 'ahead' : 'behind'}`);
    pat.device.skew = 0;
    await world.time.pass(6_000);
  }
  expect(olivia.words).toEqual(['written ahead', 'written behind']);
  expect(pat.run.outbox).toEqual([]);
});
