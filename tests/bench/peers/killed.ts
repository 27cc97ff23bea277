/** R6's proof: acks counted, the relay killed at the last of them, started again, and every acked envelope looked for. */
import { rmSync } from 'node:fs';
import { decodeFromRelay } from '../../../crypto/frames';
import { placeAt } from './dialects';
import { startRelay } from './processes';

/** Writes `count` within a window of 64; kills the relay at the last ack; how many of them the next one has not got. */
export async function killedAtTheLastAck(folder: string, count: number): Promise<{ readonly acked: number; readonly lost: number }> {
  let relay = await startRelay(folder);
  const place = await placeAt('ours', relay.port, 'killed', 1);
  const writer = await place.join(0);
  const frames = place.updates(0, count);
  const acked = new Set<number>();
  await new Promise<void>((done) => {
    let n = 0;
    const more = (): void => {
      while (n - acked.size < 64 && n < count) writer.write(frames[n++] as Uint8Array);
    };
    writer.hear = (m) => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (!f.ok || f.value.is !== 'acks') return;
      for (const i of f.value.items) acked.add(i.n);
      if (acked.size === count) void relay.kill().then(done);
      more();
    };
    more();
  });
  relay = await startRelay(folder);
  const kept = await place.again(relay.port);
  await relay.kill();
  rmSync(folder, { recursive: true, force: true });
  return { acked: acked.size, lost: [...acked].filter((n) => !kept.some((e) => e.n === n && Buffer.from(frames[n - 1] as Uint8Array).includes(Buffer.from(e.envelope)))).length };
}
