/**
 * A real relay process, killed mid-append N times and asked for every envelope it acknowledged (`--kills`, 20 unless given); the file as it
 * was at its last sync, where strace can tell; nonsense at its socket and over HTTP (`--frames`); and thousands of sockets that all come
 * back after a crash (`--sockets`). Loopback alone; ends by itself. The last line is JSON; exit code 1 when `failed` in it names anything.
 */
import { ready } from '../../crypto/sodium';
import { bundleRelay, forgetBundle } from '../bench/peers/processes';
import { fuzzed } from './fuzz';
import { killed } from './kills';
import { storm, stormFaults } from './storm';
import { isSynced, synced } from './synced';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);

await ready();
await bundleRelay();
const frames = option('frames', 0);
const sockets = option('sockets', 0);
const kills = await killed(option('kills', frames + sockets > 0 ? 0 : 20), say);
const syncs = await synced(say);
const nonsense = frames > 0 ? await fuzzed(frames, say) : {};
const crowd = sockets > 0 ? await storm(sockets, say) : null;
forgetBundle();
const failed = [
  ...(kills.lost > 0 ? ['lost'] : []),
  ...(kills.duplicated > 0 ? ['duplicated'] : []),
  ...(syncs === null || isSynced(syncs) ? [] : ['synced']),
  ...(crowd === null ? [] : stormFaults(crowd))
];
say(JSON.stringify({ ...kills, synced: syncs, ...nonsense, ...crowd, failed }));
process.exit(failed.length === 0 ? 0 : 1);
