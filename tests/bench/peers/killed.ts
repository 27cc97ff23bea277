/** R6's proof: acks counted, the server killed at the last of them, started again, and everything acked looked for. */
import { rmSync } from 'node:fs';
import { type PeerName, placeAt, windowed } from './dialects';
import { startServer } from './processes';

/** Writes `count` within a window of 64; kills the server at the last ack; how many of them the next one has not got. */
export async function killedAtTheLastAck(peer: PeerName, folder: string, count: number): Promise<{ readonly acked: number; readonly lost: number }> {
  let server = await startServer(peer, folder);
  const place = await placeAt(peer, server.port, 'killed', 1);
  const writer = await place.join(0);
  const frames = place.updates(0, count);
  let acked = 0;
  await new Promise<void>((done) => {
    windowed(writer, place, frames, 64, (all) => {
      acked = all;
      if (acked >= count) void server.kill().then(done);
    });
  });
  server = await startServer(peer, folder);
  const lost = acked - (await place.kept(server.port, count));
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
  return { acked, lost };
}
