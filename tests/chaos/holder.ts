/** Holds many devices' sockets; each comes back as the app does, after rand(0, min(60 s, 0.5 s·2ⁿ)). Tells its parent whenever all are there. */
import { ready } from '../../crypto/sodium';
import { type Place, placeAt } from '../bench/peers/dialects';

/** Sockets in one group. */
const TOGETHER = 100;

await ready();
const [port, count] = process.argv.slice(2).map(Number) as [number, number];
let here = 0;

async function hold(place: Place, tries: number): Promise<void> {
  const raw = await place.join(0).catch(() => null);
  if (raw === null) return again(place, tries + 1);
  raw.hear = () => undefined;
  raw.onClose = () => {
    here--;
    again(place, 0);
  };
  if (++here === count) process.send?.('here');
}
function again(place: Place, tries: number): void {
  setTimeout(() => void hold(place, tries), Math.random() * Math.min(60_000, 500 * 2 ** tries));
}

const places: Place[] = [];
while (places.length < Math.ceil(count / TOGETHER)) places.push(await placeAt('ours', port, `held ${places.length}`, 1));
for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: Math.min(50, count - i) }, (_, k) => hold(places[(i + k) % places.length] as Place, 0)));
