/** One process of the simulator: lives the seeds it is given, in the copy of the product that it is given, and says what broke. */
import { quicken } from './quick';

/** `path`: a bundle of `lives.ts`. `small`: only groups that are quickly made. `atOnce`: the first breach of all is enough. */
interface Order { readonly path: string; readonly seeds: readonly number[]; readonly atOnce: boolean; readonly small: boolean }
type Lives = typeof import('./lives');

const tell = (m: object): void => void process.send?.(m);
const turn = (): Promise<void> => new Promise((r) => setImmediate(r));

async function live({ path, seeds, atOnce, small }: Order): Promise<void> {
  const { lifeOf, isSmall } = (await import(path)) as Lives;
  for (const seed of seeds) {
    if (small && !isSmall(seed)) continue;
    tell({ is: 'begins', seed });
    const lived = await lifeOf(seed, atOnce);
    // what it left behind speaks up now or not at all
    await turn();
    tell({ is: 'lived', ...lived });
    if (atOnce && lived.breaches.length > 0) break;
  }
  tell({ is: 'done' });
}

await quicken();
process.on('message', (order: Order) => void live(order));
tell({ is: 'ready' });
