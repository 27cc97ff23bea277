/** One process of the simulator: lives the seeds it is given, one after the other, and says what broke. */
import { quicken } from './quick';
import { ready } from '../../crypto/sodium';
import { lifeOf } from './life';

interface Order { readonly seeds: readonly number[]; readonly untilBroken: boolean }

async function main(): Promise<void> {
  await quicken();
  await ready();
  process.on('message', (order: Order) => {
    void (async () => {
      for (const seed of order.seeds) {
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
