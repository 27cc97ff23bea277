/** Composition root of the relay: here the real clock, chance, disk and network come in. */
import { getRequestListener } from '@hono/node-server';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ready, systemRandom } from '../crypto/sodium';
import { createApp } from './app';
import { sweepBlobs } from './blob-routes';
import { blobFiles } from './blob-files';
import { configOf } from './config';
import { allowedHosts } from './hosts';
import { keysAt } from './keys';
import { RATE } from './limits';
import { remoteLog } from './log-remote';
import { createRelay } from './relay';
import { takeSockets } from './socket';

const SWEEP_EVERY = 3_600_000;

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const why = (e: unknown): string => (e instanceof Error ? e.message : 'unknown');
const clock = (): number => Date.now();

const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else await start(settings.value);

async function start(c: Extract<typeof settings, { ok: true }>['value']): Promise<void> {
  await ready();
  try {
    makeFolder(c.folder);
    accessSync(c.folder, constants.W_OK | constants.X_OK);
  } catch {
    return fail(`The folder ${c.folder} cannot be written. Choose another one with CAREFOLD_DATA.`);
  }
  const opened = await open(c.folder).catch((e: unknown) => fail(`The store in ${c.folder} cannot be opened: ${why(e)}.`));
  const { keys, log, blobs } = opened;
  const relay = createRelay({ log, keys, clock, random: systemRandom, pace: c.pace });
  const listener = getRequestListener(createApp(relay, blobs, c.app, c.origins).fetch);
  const server = createServer({ requestTimeout: 1_800_000, headersTimeout: 10_000 }, (request, response) => void listener(request, response));
  const sockets = takeSockets(server, relay, allowedHosts(c));
  const sweep = (): void => void sweepBlobs(relay, blobs, clock() - RATE.blobUnnamed, clock() - RATE.answer);
  setInterval(sweep, SWEEP_EVERY).unref();

  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    const refused = [...relay.refusals].map(([word, times]) => `${word} ${times}`).join(', ');
    if (refused) console.log(`Refused while it ran: ${refused}.`);
    sockets.close();
    server.closeAllConnections();
    server.close();
    void log.close().then(() => process.exit(0));
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);

  server.on('error', (e: NodeJS.ErrnoException) =>
    fail(e.code === 'EADDRINUSE' ? `Port ${c.port} is already in use. Choose another one with PORT.` : `This computer cannot listen on ${c.host}:${c.port} (${e.code ?? 'unknown'}).`)
  );
  server.listen(c.port, c.host, () => {
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : c.port;
    console.log(`Carefold is ready at ${c.publicUrl ?? `http://${c.host.includes(':') ? `[${c.host}]` : c.host}:${port}`}`);
    console.log(`Your data lives in ${c.folder}`);
    sweep();
  });
}

/** Not `recursive`: where a folder can never be made that tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

async function open(folder: string) {
  const keys = keysAt(join(folder, 'relay.key'), systemRandom);
  const blobs = await blobFiles(join(folder, 'blobs'));
  const worker = new Worker(new URL('./log-worker.js', import.meta.url), { workerData: { path: join(folder, 'relay.db'), now: clock() } });
  let told = -Infinity;
  const log = await remoteLog(worker, setImmediate, {
    gather: (then) => setTimeout(then, 1),
    broken: () => fail('The store ended by itself. Nothing that was acknowledged is lost; start again.'),
    trouble: (words) => {
      if (clock() - told < 60_000) return;
      told = clock();
      console.error(`The store did not keep a change: ${words}. Devices keep it and try again.`);
    }
  });
  return { keys, blobs, log };
}
