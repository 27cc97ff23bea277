/** Composition root of the relay: here the real clock, chance, disk and network come in. */
import { getRequestListener } from '@hono/node-server';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { BlobId } from '../crypto/brand';
import { ready, systemRandom } from '../crypto/sodium';
import { createApp } from './app';
import { sweepBlobs } from './blob-routes';
import { NoBucket } from './blob-s3';
import { sweepStrays } from './blob-strays';
import { PARTS } from './blobs';
import { type Config, configOf } from './config';
import { Doors, proxiesOf } from './doors';
import { allowedHosts } from './hosts';
import { journal, seldom } from './journal';
import { keepBuild } from './kept';
import { RATE } from './limits';
import { ask } from './log';
import { figures, metered } from './meters';
import { makeFolder, open } from './open';
import { placesOf } from './places';
import { pushDoorbell } from './push';
import { createRelay } from './relay';
import { takeRequests } from './requests';
import { takeSockets } from './socket';

const SWEEP_EVERY = 3_600_000;
const POLL_EVERY = 5_000;
const RING_EVERY = 1_000;
/** A store that has not answered by then is not ready. */
const READY_WITHIN = 2_000;

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const why = (e: unknown): string => (e instanceof Error ? e.message || codeOf(e) : 'unknown');
const codeOf = (e: unknown): string => (e instanceof Error ? ('code' in e ? String(e.code) : e.name) : 'unknown');
const clock = (): number => Date.now();

// what lies in its folder is for whoever runs it alone
process.umask(0o077);
const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else await start(settings.value);

async function start(c: Config): Promise<void> {
  await ready();
  try {
    makeFolder(c.folder);
    accessSync(c.folder, constants.W_OK | constants.X_OK);
  } catch {
    return fail(`The folder ${c.folder} cannot be written. Choose another one with CAREFOLD_DATA.`);
  }
  const notes = journal(c.log, clock, (line) => console.log(line), (line) => void process.stderr.write(`${line}\n`));
  const warn = seldom(notes, clock);
  // what answers requests prints each answer that broke off, with the path of a file in it
  console.error = (e: unknown) => warn('cut-short', `An answer was cut short: ${codeOf(e)}.`);
  const opened = await open(c, systemRandom, clock, setImmediate, {
    broken: () => fail('The store ended by itself. Nothing that was acknowledged is lost; start again.'),
    trouble: (words) => warn('trouble', `The store did not keep a change: ${words}. Devices keep it and try again.`),
    hints: (isUp) => (isUp ? notes.say('hints', 'Hints of other relays come through.') : warn('no-hints', 'No hints of other relays come through; the store is asked instead.'))
  }).catch((e: unknown) => fail(`The store ${c.postgres === null ? `in ${c.folder}` : 'in PostgreSQL'} cannot be opened: ${why(e)}.`));
  const { keys, blobs, hints, tombs } = opened;
  const { log, meters } = metered(opened.log, clock);
  const refused = (service: string, status: number): void => warn('push-refused', `The push service ${service} refused a push (${status}). Nobody is told through it that there is something new.`);
  const doorbell = c.contact === null ? {} : { doorbell: pushDoorbell({ keys, contact: c.contact, places: placesOf(c.push), within: c.pushWithin * 1000, clock, refused }) };
  const relay = createRelay({ log, keys, clock, random: systemRandom, pace: c.pace, groups: c.groups, hints, ...doorbell });

  /** Never a reason not to start: whoever has an old tab open loads it again. */
  function earlierBuilds(): string[] {
    try {
      return keepBuild(c.app, join(c.folder, 'app'), clock());
    } catch (e) {
      notes.warn('no-builds', `This build of the app could not be kept for later: ${why(e)}.`);
      return [];
    }
  }

  let closing = false;
  const isReady = async (): Promise<boolean> => {
    if (closing) return false;
    const late = new Promise<false>((done) => setTimeout(() => done(false), READY_WITHIN).unref());
    return Promise.race([ask(log, 'news', []).then((r) => r.ok), late]);
  };
  const listener = getRequestListener(createApp(relay, blobs, c.app, c.origins, isReady, earlierBuilds()).fetch);
  const server = createServer({ requestTimeout: 1_800_000, headersTimeout: 10_000, maxHeaderSize: 8192 });
  const proxies = proxiesOf(c.proxies);
  takeRequests(server, listener, new Doors(c.from, 0, clock), proxies);
  const sockets = takeSockets(server, relay, allowedHosts(c), new Doors(c.from, c.pace, clock), proxies);
  // all files within a day; of a bucket less, which may be large and costs for being asked
  const partsHourly = c.s3 === null ? 11 : 1;
  let part = systemRandom(1)[0] as number;
  const strays = async (): Promise<void> => {
    for (let i = 0; i < partsHourly; i++) await sweepStrays(relay, blobs, (part = (part + 1) % PARTS));
  };
  const purge = async (): Promise<void> => {
    const { destroyed } = await relay.purge(blobs, tombs);
    if (destroyed > 0) notes.say('destroyed', `Destroyed ${destroyed} groups, as their owners asked 30 days ago.`, { destroyed });
  };
  /** Asked for what lies in no bucket, one that is there has no fault to tell; whether others answer shows elsewhere. */
  const lookForBucket = (): void =>
    void blobs.get(0, new Uint8Array(32) as BlobId).catch((e: unknown) => e instanceof NoBucket && warn('no-bucket', 'There is no such bucket as CAREFOLD_S3 names: attachments are refused until there is.'));
  /** Whatever goes wrong in one, such as a folder that takes nothing more, is none of the others' and no reason to end. */
  const sweep = (): void => {
    if (c.s3 !== null) lookForBucket();
    for (const part of [sweepBlobs(relay, blobs, clock() - RATE.blobUnnamed, clock() - RATE.answer), strays(), relay.compact(), purge()])
      part.catch((e: unknown) => warn('sweep', `What is done once an hour was cut short: ${why(e)}. It is tried again in an hour.`));
  };
  setInterval(sweep, SWEEP_EVERY).unref();
  // a store that turned out to be an older one may have lost what was destroyed
  log.renewed(sweep);
  setInterval(() => relay.poll(), POLL_EVERY).unref();
  if (c.contact !== null) setInterval(() => relay.ring(), RING_EVERY).unref();
  if (c.metrics !== null) showFigures(c.metrics);

  function showFigures(at: string): void {
    const delay = monitorEventLoopDelay({ resolution: 20 });
    delay.enable();
    const [, host = '', port] = /^(.+):(\d+)$/.exec(at) ?? [];
    const show = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      const late = Math.max(0, delay.percentile(99) / 1e9 - 0.02);
      delay.reset();
      const { user, system } = process.cpuUsage();
      const gauges = { sockets: sockets.count, ...relay.gauges(), hintsUp: hints.isUp, isShared: log.isShared, isDraining: closing, late, cpuSeconds: (user + system) / 1e6, memory: process.memoryUsage.rss() };
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(figures(meters, gauges));
    });
    show.on('error', (e: NodeJS.ErrnoException) => fail(`Figures cannot be shown at ${at} (${e.code ?? 'unknown'}). Choose another place with CAREFOLD_METRICS.`));
    show.listen(Number(port), host.replace(/^\[|\]$/g, ''));
  }

  /** Nothing new is taken; devices are sent away, one after the other over `seconds`; what is under way is finished. */
  const close = (seconds: number): void => {
    if (closing) return;
    closing = true;
    if (seconds > 0) notes.say('draining', `Sending devices away within ${seconds} seconds.`);
    sockets.close(seconds * 1000);
    setTimeout(() => {
      const refused = [...relay.refusals].map(([word, times]) => `${word} ${times}`).join(', ');
      if (refused) notes.say('refused', `Refused while it ran: ${refused}.`, Object.fromEntries(relay.refusals));
      server.closeAllConnections();
      server.close();
      // what was acknowledged is kept, however they end
      void opened.close().finally(() => process.exit(0));
    }, seconds * 1000);
  };
  process.on('SIGINT', () => close(0));
  process.on('SIGTERM', () => close(c.drain));

  server.on('error', (e: NodeJS.ErrnoException) =>
    fail(e.code === 'EADDRINUSE' ? `Port ${c.port} is already in use. Choose another one with PORT.` : `This computer cannot listen on ${c.host}:${c.port} (${e.code ?? 'unknown'}).`)
  );
  server.listen(c.port, c.host, () => {
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : c.port;
    // a browser makes passkeys only where the address is a name; whoever said which number to listen on gets that one
    const name = process.env['HOST']?.trim() || c.host !== '127.0.0.1' ? c.host : 'localhost';
    notes.say('ready', `Carefold is ready at ${c.publicUrl ?? `http://${name.includes(':') ? `[${name}]` : name}:${port}`}`);
    notes.say('folder', `Your data lives in ${c.folder}`);
    sweep();
  });
}
