/** Holds many devices' sockets; each comes back when the app would. Tells its parent when there are groups, and whenever all are there, with how many tries were answered 503. */
import { once } from 'node:events';
import { ready, systemRandom } from '../../crypto/sodium';
import { backoff } from '../../src/lib/sync/backoff';
import { type Place, placeAt } from '../bench/peers/dialects';

/** Sockets in one group. */
const TOGETHER = 100;

await ready();
const [port, count] = process.argv.slice(2).map(Number) as [number, number];
let here = 0;
let answered503 = 0;

async function hold(place: Place, tries: number): Promise<void> {
  const raw = await place.join(0).catch((e: Error) => {
    if (e.message.startsWith('HTTP/1.1 503')) answered503++;
    return null;
  });
  if (raw === null) return again(place, tries + 1);
  raw.hear = () => undefined;
  raw.onClose = () => {
    here--;
    again(place, 0);
  };
  if (++here < count) return;
  process.send?.({ answered503 });
  answered503 = 0;
}
function again(place: Place, tries: number): void {
  setTimeout(() => void hold(place, tries), backoff(tries, systemRandom));
}

const places: Place[] = [];
while (places.length < Math.ceil(count / TOGETHER)) places.push(await placeAt('ours', port, `held ${places.length}`, 1));
process.send?.('founded');
await once(process, 'message');
for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: Math.min(50, count - i) }, (_, k) => hold(places[(i + k) % places.length] as Place, 0)));
