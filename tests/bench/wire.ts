/** P2: bytes for one post of 300 letters, as the sealed envelope and as the frame that carries it, alone and with 19 others. Ends with one line of JSON. */
import { encodeToRelay } from '../../crypto/frames';
import { readEnvelope } from '../../crypto/envelope';
import { cast } from '../support/circle';
import { Rhea } from '../support/rhea';
import { textsOf } from './open/posts';

const TOGETHER = 20;
const texts = textsOf().map((t) => t.padEnd(300, '.').slice(0, 300));

interface Bytes { readonly envelope: number; readonly frame: number }

async function main(): Promise<void> {
  const { world, olivia } = await cast(2);
  const rhea = new Rhea(world);
  olivia.device.cut();
  await world.time.pass(5_000);
  /** Bytes of the one append that carries these posts. */
  const carried = async (posts: readonly string[]): Promise<Bytes> => {
    rhea.told.length = 0;
    olivia.device.goOffline(); // what waits together leaves together
    for (const text of posts) await olivia.post(text);
    await world.time.pass(10_000);
    olivia.device.goOnline();
    await world.time.pass(5_000);
    const appends = rhea.told.flatMap(({ device, f }) => (device === 'Olivia' && f.is === 'append' ? [f] : []));
    const [only] = appends;
    if (only === undefined || appends.length !== 1 || !readEnvelope(only.envelope).ok) throw new Error(`${appends.length} envelopes for ${posts.length} posts`);
    return { envelope: only.envelope.length / posts.length, frame: encodeToRelay(only).length / posts.length };
  };
  await carried(texts.slice(0, 1)); // the first of a client names its array
  const single = await carried(texts.slice(1, 2));
  const batch = await carried(texts.slice(2, 2 + TOGETHER));
  const round = (b: Bytes): Bytes => ({ envelope: Math.round(b.envelope), frame: Math.round(b.frame) });
  process.stdout.write(`bytes a post of 300 letters; alone: envelope ${single.envelope}, frame ${single.frame}; ${TOGETHER} together: envelope ${batch.envelope}, frame ${batch.frame} each\n`);
  process.stdout.write(`${JSON.stringify({ P2: { single: round(single), batch: round(batch) } })}\n`);
}

main().then(
  () => process.exit(),
  (e: unknown) => {
    process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
    process.exit(1);
  }
);
