/** One process of the simulator: lives the seeds it is given, one after the other, and says what broke. */
import { quicken } from './quick';
import { ready } from '../../crypto/sodium';
import { lifeOf, shapeOf } from './life';

/** `small`: only schedules of three or four people without laptops, so that few groups have to be made first. */
interface Order { readonly seeds: readonly number[]; readonly untilBroken: boolean; readonly small: boolean }

const isSmall = (seed: number): boolean => {
  const { people, laptops } = shapeOf(seed);
  return laptops === 0 && (people === 3 || people === 4);
};

async function main(): Promise<void> {
  await quicken();
  await ready();
  process.on('message', (order: Order) => {
    void (async () => {
      for (const seed of order.seeds) {
        if (order.small && !isSmall(seed)) continue;
        process.send?.({ is: 'begins', seed });
        const lived = await lifeOf(seed);
        process.send?.({ is: 'lived', ...lived });
        if (order.untilBroken && lived.breaches.length > 0) break;
      }
      process.send?.({ is: 'done' });
    })();
  });
  process.send?.({ is: 'ready' });
}
void main();
