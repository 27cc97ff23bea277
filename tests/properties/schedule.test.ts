/** Random schedules on real devices and an honest relay: nothing acknowledged is lost, and in the end everyone has the same. */
import fc from 'fast-check';
import { describe, it, vi } from 'vitest';
import { circle } from '../support/circle';
import { does, Schedule, step, type Step } from '../support/schedule';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

/** Schedules that failed once. */
const FAILED: [number, Step[]][] = [
  // posts of one envelope were shown in the order of their ids
  [2, [does(0, 'post'), does(0, 'post'), does(0, 'post'), does(0, 'post'), does(0, 'post')]]
];

async function run(people: number, steps: readonly Step[]): Promise<void> {
  const { world, seats } = await circle(people);
  const schedule = new Schedule(world, seats);
  for (const s of steps) await schedule.take(s);
  await schedule.heal();
  await schedule.agreed();
}

describe('any schedule of posting, edits, pictures, outages, restarts, joins, transfers, removals and leaves', () => {
  it('P5 P11 P22 ends with every acknowledged post everywhere exactly once and the same lanes and roster on every device', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.array(step(), { minLength: 5, maxLength: 30 }), run), {
      numRuns: Number(process.env['RUNS'] ?? 40), examples: FAILED, interruptAfterTimeLimit: Number(process.env['LIMIT'] ?? 40_000), ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {})
    });
  });
});
