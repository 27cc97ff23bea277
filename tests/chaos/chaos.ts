/**
 * A real relay process, killed mid-append N times and asked for every envelope it acknowledged (`--kills`, 20 unless given); the file as it
 * was at its last sync, where strace can tell; nonsense at its socket and over HTTP (`--frames`); and thousands of sockets that all come
 * back after a crash (`--sockets`). Loopback alone; ends by itself. The last line is JSON; exit code 1 when `failed` in it names anything: what
 * did not hold, or a part that broke off.
 */
import { ready } from '../../crypto/sodium';
import { bundleRelay, forgetBundle } from '../bench/peers/processes';
import { type Fuzzed, fuzzed } from './fuzz';
import { type Killed, killed } from './kills';
import { storm, stormFaults } from './storm';
import { isSynced, synced } from './synced';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Parts that broke off: what they found out before is told nevertheless. */
const broken: string[] = [];
async function part<T>(name: string, f: () => Promise<T>): Promise<T | null> {
  try {
    return await f();
  } catch (e) {
    say(`${name} broke off: ${e instanceof Error ? e.message : String(e)}`);
    broken.push(name);
    return null;
  }
}

await ready();
const frames = option('frames', 0);
const sockets = option('sockets', 0);
const kills: Killed = { kills: 0, acked: 0, lost: 0, duplicated: 0 };
const nonsense: Fuzzed = { frames: 0, requests: 0 };
await part('relay', bundleRelay);
const isBuilt = broken.length === 0;
if (isBuilt) await part('kills', () => killed(option('kills', frames + sockets > 0 ? 0 : 20), say, kills));
const syncs = isBuilt ? await part('synced', () => synced(say)) : null;
if (isBuilt && frames > 0) await part('frames', () => fuzzed(frames, say, nonsense));
const crowd = isBuilt && sockets > 0 ? await part('sockets', () => storm(sockets, say)) : null;
forgetBundle();
const failed = [
  ...broken,
  ...(kills.lost > 0 ? ['lost'] : []),
  ...(kills.duplicated > 0 ? ['duplicated'] : []),
  ...(syncs === null || isSynced(syncs) ? [] : ['synced']),
  ...(crowd === null ? [] : stormFaults(crowd))
];
const back = sockets > 0 ? (crowd ?? { sockets, backMs: null, answered503: null }) : {};
say(JSON.stringify({ ...kills, synced: syncs, ...(frames > 0 ? nonsense : {}), ...back, failed }));
process.exit(failed.length === 0 ? 0 : 1);
