/**
 * Attachments that lie there and that the store knows nothing of: their bytes were kept and their row was not, since the disk was full or the
 * process died in between, and no device brought them again. A part of what lies there is looked at at a time.
 */
import type { Blobs, Placed } from './blobs';
import { RATE } from './limits';
import { ask } from './log';
import type { Relay } from './relay';

/** Drops those of one part that are older than an upload may be; how many went. */
export async function sweepStrays(relay: Relay, blobs: Blobs, part: number): Promise<number> {
  const now = relay.clock();
  // after a restore somebody may yet want the store from before it
  if (now - relay.life < RATE.strayAfterRestore) return 0;
  let gone = 0;
  for await (const old of blobs.old(part, now - RATE.blobUnnamed)) {
    const time = relay.clock();
    const strays = await ask(relay.log, 'strays', { blobs: old, time });
    if (!strays.ok) return gone;
    gone += await dropAll(relay, blobs, strays.value, time);
  }
  return gone;
}

/** Drops what the store noted at `time` as going, while nobody can put it again: what is not dropped by then is a stray some other day. */
export async function dropAll(relay: Relay, blobs: Blobs, going: readonly Placed[], time: number): Promise<number> {
  let gone = 0;
  for (const { g, id } of going) {
    if (relay.clock() - time > RATE.blobGoing / 2) break;
    if (await blobs.drop(g, id)) gone++;
  }
  return gone;
}
