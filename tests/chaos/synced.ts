/**
 * A kill leaves what was written and never synced in the system's memory, so it shows nothing about power cuts. Where strace can follow the
 * relay: with one append at a time there is at least one sync for each ack; and with the write-ahead log cut back to what was written before
 * its last sync, and the database to its last, every ack is still there.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeAt } from '../bench/peers/dialects';
import { startRelay, startTraced } from '../bench/peers/processes';

const ACKS = 300;

/** `unsynced`: acks lost with what was not synced; `mainUnsynced`: writes to the database after its last sync. */
export interface Synced { readonly acks: number; readonly syncs: number; readonly unsynced: number; readonly mainUnsynced: number }

/** Null where there is no strace. */
export async function synced(say: (line: string) => void): Promise<Synced | null> {
  if (spawnSync('strace', ['-V']).status !== 0) {
    say('strace is not here: syncs are not counted, and nothing unsynced is dropped');
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'carefold-synced-'));
  const trace = join(folder, 'trace');
  let relay = await startTraced(folder, trace);
  try {
    const place = await placeAt('ours', relay.port, 'synced', 1);
    const raw = await place.join(0);
    const before = log(trace).syncs;
    const frames = place.updates(0, ACKS);
    await new Promise<void>((done) => {
      let acked = 0;
      raw.hear = (m) => {
        if (place.acked(m) === 0) return;
        if (++acked === ACKS) return done();
        raw.write(frames[acked] as Uint8Array);
      };
      raw.write(frames[0] as Uint8Array);
    });
    await relay.kill();
    const { syncs: all, walSynced, mainUnsynced } = log(trace);
    const wal = join(folder, 'relay.db-wal');
    const dropped = statSync(wal).size - walSynced;
    if (dropped > 0) truncateSync(wal, walSynced);
    relay = await startRelay(folder);
    const kept = await place.again(relay.port, 0);
    const unsynced = ACKS - new Set(kept.map((e) => e.n)).size;
    const syncs = all - before;
    say(`one by one: ${ACKS} acks, ${syncs} syncs; with ${dropped} unsynced bytes of the log dropped (${mainUnsynced} writes to the database unsynced), ${unsynced} acks lost`);
    return { acks: ACKS, syncs, unsynced, mainUnsynced };
  } finally {
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether no ack went out before its sync. */
export const isSynced = (s: Synced): boolean => s.syncs >= s.acks && s.unsynced === 0 && s.mainUnsynced === 0;

/** What the trace says: syncs of the store, how far its log was written before the last of them, and writes to the database since its last. */
function log(trace: string): { readonly syncs: number; readonly walSynced: number; readonly mainUnsynced: number } {
  let syncs = 0;
  let written = 0;
  let walSynced = 0;
  let mainUnsynced = 0;
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const sync = /f(?:data)?sync\(\d+<[^>]*relay\.db(-wal)?>/.exec(line);
    if (sync !== null) {
      syncs++;
      if (sync[1] === undefined) mainUnsynced = 0;
      else walSynced = written;
    }
    const write = /pwrite64\(\d+<[^>]*relay\.db(-wal)?>,.*, (\d+), (\d+)(?:\)| <unfinished)/.exec(line);
    if (write === null) continue;
    if (write[1] === undefined) mainUnsynced++;
    else written = Number(write[3]) === 0 ? Number(write[2]) : Math.max(written, Number(write[2]) + Number(write[3]));
  }
  return { syncs, walSynced, mainUnsynced };
}
