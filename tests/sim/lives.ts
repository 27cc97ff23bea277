/** What a worker of the simulator loads: how one seed is lived. A bundle of it holds the whole product, with one planted bug or none. */
import { ready } from '../../crypto/sodium';
import { start, type Start } from './base';
import { Life } from './life';
import { turnBook } from './quick';
import { isSmall, modeOf, shapeOf } from './shapes';
import type { Breach } from './truth';

export { isSmall };

export interface Lived {
  readonly seed: number;
  readonly breaches: readonly Breach[];
  readonly trace: readonly string[];
  /** How often what came about. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Lives one seed, and cleans up after it. `atOnce`: the first breach is enough. */
export async function lifeOf(seed: number, atOnce: boolean): Promise<Lived> {
  await ready();
  const mode = modeOf(seed);
  const shape = shapeOf(seed);
  turnBook();
  let s: Start;
  try {
    s = await start(shape, `${seed} `);
  } catch (e) {
    return { seed, breaches: [{ kind: 'stuck', words: `nothing begins: ${wordsOf(e)}` }], trace: [], counts: {} };
  }
  const life = new Life(seed, mode, s);
  try {
    await life.pass(atOnce);
  } catch (e) {
    life.truth.breach('stuck', `the schedule stopped: ${wordsOf(e)}`);
  }
  for (const d of s.world.devices) d.kill();
  await s.log.real.close();
  return { seed, breaches: life.truth.breaches, trace: [`seed ${seed}: ${mode}, ${shape.people} people, ${s.seats.length} devices`, ...life.trace], counts: { ...Object.fromEntries([...life.counts, ...s.log.deaths]), [`${mode} lives`]: 1, 'changes not kept': s.log.real.troubles, [`${s.seats.length} devices`]: 1 } };
}
const wordsOf = (e: unknown): string => (e instanceof Error ? (e.stack ?? e.message).split('\n').slice(0, 5).join(' ') : String(e));
