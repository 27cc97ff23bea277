#!/usr/bin/env node
/** `npm start`: from a fresh checkout to a running Carefold. Needs nothing but Node, because it runs before anything is installed. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { caddyHeaders, relayOrigin, writeApart } from './apart.mjs';
import { makeReady } from './tree.mjs';

const HELP = `Carefold: care groups that only their members can read.

  npm start                 install and build what is missing, then serve the app and the relay

Settings are read from the environment:
  PORT             8787        the port to listen on
  HOST             127.0.0.1   the address to listen on; 0.0.0.0 for every network
  CAREFOLD_DATA    ./data      the folder for what the relay keeps (ciphertext only)
  CAREFOLD_PUBLIC              the https address that people use, when a proxy stands in front

  npm start -- --help       show this
  npm start -- backup FILE  copy all that the relay keeps, but its key, into one file; it may be running
  npm start -- admin stats  count what the relay keeps; it may be running
  npm start -- admin quota  show or set what groups may take; it may be running
  npm start -- admin permit show or make permits to begin groups, for CAREFOLD_GROUPS=permit; it may be running
  npm start -- admin new-life  after PostgreSQL was restored, before relays use it again
  npm start -- admin purge  destroy now what is due, with the relay stopped; it does so by itself every hour
  npm start -- admin new-key put another signing key in the place of the relay's while it is stopped
  npm start -- app FOLDER RELAY
                            write the app into FOLDER for a server of its own; RELAY is the relay's address
  npm start -- restore FILE put such a copy back while the relay is stopped; devices bring what is newer
`;
const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

const fail = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const say = (line) => process.stdout.write(`${line}\n`);

/** What the file of settings says; the relay itself judges all of it. */
function fileOf(path) {
  if (!path) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { fault: `CAREFOLD_CONFIG names ${path}, which cannot be read as JSON.` };
  }
}

/** Settings from the environment, or a worded fault. */
function settings(env) {
  const said = (name) => env[name]?.trim();
  const file = fileOf(said('CAREFOLD_CONFIG'));
  if (file.fault) return file;
  const port = Number(said('PORT') || (file.port ?? 8787));
  if (!Number.isInteger(port) || port < 0 || port > 65535) return { fault: `PORT must be a number from 0 to 65535, not “${env['PORT']}”.` };
  const address = said('CAREFOLD_PUBLIC') || file.publicUrl;
  if (address && (!URL.canParse(address) || new URL(address).protocol !== 'https:'))
    return { fault: `CAREFOLD_PUBLIC must be an https address, not “${address}”.` };
  return { port, host: said('HOST') || file.host || '127.0.0.1', folder: resolve(said('CAREFOLD_DATA') || file.folder || './data'), address };
}

/** Why the port cannot be listened on, or nothing. Asked before a minute of building, not after. */
function portFault(host, port) {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error) =>
      done(
        error.code === 'EADDRINUSE'
          ? `Port ${port} is already in use. Choose another one: PORT=${port + 1} npm start`
          : error.code === 'EACCES'
            ? `Port ${port} may not be used without more rights. Choose one above 1023.`
            : `This computer cannot listen on ${host}:${port} (${error.code}).`
      )
    );
    probe.listen(port, host, () => probe.close(() => done(undefined)));
  });
}

/** Not `recursive`: where a folder can never be made, as under /proc, that tries for ever. */
function makeFolder(path) {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

/** Why the folder cannot be written, or nothing. */
function folderFault(folder) {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `The folder ${folder} cannot be written (${error.code}). Choose another one: CAREFOLD_DATA=/some/folder npm start`;
  }
}

/** What another device has to open, or nothing when only this computer can. */
function addressForOthers({ host, port, address }) {
  if (address) return address;
  if (LOOPBACK.includes(host)) return undefined;
  const everywhere = host === '0.0.0.0' || host === '::';
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one && one.family === 'IPv4' && !one.internal);
  return `http://${everywhere ? (found?.address ?? host) : host}:${port}`;
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Carefold needs Node 20.19 or newer; this is ${process.versions.node}.`);

const options = process.argv.slice(2);
if (options.includes('--help') || options.includes('-h')) {
  say(HELP);
  process.exit(0);
}
const asking = options[0] === 'admin';
const keeping = options[0] === 'backup' || options[0] === 'restore';
if (keeping && options.length !== 2) fail(`Say which file: npm start -- ${options[0]} FILE`);
const apart = options[0] === 'app';
const relay = apart ? relayOrigin(options[2]) : undefined;
if (apart && (options.length !== 3 || !relay)) fail('Say where to, and where the relay is: npm start -- app FOLDER https://relay.example.org');
if (!keeping && !asking && !apart && options.length > 0) fail(`Unknown option: ${options[0]}. See npm start -- --help`);

const chosen = settings(process.env);
if (chosen.fault) fail(chosen.fault);
const fault = apart ? undefined : (keeping || asking ? null : await portFault(chosen.host, chosen.port)) ?? folderFault(chosen.folder);
if (fault) fail(fault);

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const unready = await makeReady(root, say);
if (unready) fail(unready);

if (apart) {
  const folder = resolve(options[1]);
  try {
    writeFileSync(`${folder}.caddy`, caddyHeaders(writeApart(join(root, 'build'), folder, relay)));
  } catch (error) {
    fail(error.message);
  }
  say(`The app for ${relay} lies in ${folder}, the headers that its server must send in ${folder}.caddy`);
  process.exit();
}
if (asking) {
  process.argv = [process.argv[0], process.argv[1], ...options.slice(1)];
  process.env['CAREFOLD_DATA'] = chosen.folder;
  await import(pathToFileURL(resolve(root, 'dist/admin.js')).href);
  process.exit();
}
if (keeping) {
  process.argv = [process.argv[0], process.argv[1], options[0], resolve(options[1])];
  process.env['CAREFOLD_DATA'] = chosen.folder;
  await import(pathToFileURL(resolve(root, 'dist/backup.js')).href);
  process.exit();
}
process.chdir(root);
process.env['CAREFOLD_DATA'] = chosen.folder;
const others = addressForOthers(chosen);
if (others) {
  const { renderUnicodeCompact } = await import('uqr');
  say(`\n${renderUnicodeCompact(others, { border: 2 })}\n\nOn another device open ${others}`);
  if (!others.startsWith('https:')) say('Phones need https for this: see “On phones” in README.md.');
}
await import(pathToFileURL(resolve(root, 'dist/relay.js')).href);
