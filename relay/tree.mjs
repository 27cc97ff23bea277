/** Brings a checked-out tree to the point where it can run: packages as the lockfile names them, then a build of these sources. */
import { spawn } from 'node:child_process';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';

const json = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};
const writtenAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1;

/** Whether every package the lockfile demands lies in node_modules at its version; times of files say nothing after a checkout. */
export function isInstalled(root) {
  // linked packages belong to another tree: installing would empty them under whoever works there
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  const wanted = json(join(root, 'package-lock.json'))?.packages ?? {};
  const present = json(join(root, 'node_modules/.package-lock.json'))?.packages;
  if (!present) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.extraneous || present[path]?.version === entry.version
  );
}

/** Whether build/ and dist/ were made from exactly these sources. The app's version is their fingerprint; the relay is bundled last. */
export function isBuilt(root) {
  const version = join(root, 'build/_app/version.json');
  return json(version)?.version === fingerprint(root) && writtenAt(join(root, 'dist/relay.js')) >= writtenAt(version);
}

/** Runs npm in the tree and resolves with its exit code. What it prints goes to stderr, so that stdout stays ours, unless `more.stdio` says otherwise. */
export function npm(root, args, more = {}) {
  const script = process.env['npm_execpath'];
  const [command, first] = script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []];
  const env = { ...process.env, NODE_ENV: '', ...more.env };
  return new Promise((done) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env,
      stdio: more.stdio ?? ['ignore', 2, 2],
      shell: process.platform === 'win32'
    });
    child.stdout?.on('data', (chunk) => more.hear?.(chunk));
    child.stderr?.on('data', (chunk) => more.hear?.(chunk));
    child.on('error', () => done(127));
    child.on('close', (code) => done(code ?? 1));
  });
}

/** Installs and builds what is missing or stale; answers a worded fault, or nothing when the tree is ready. */
export async function makeReady(root, say) {
  if (!isInstalled(root)) {
    say('Installing packages. The first time this takes about a minute.');
    if ((await npm(root, ['ci', '--include=dev', '--no-fund', '--no-audit'])) !== 0)
      return 'Packages could not be installed; the lines above say why.';
  }
  if (!isBuilt(root)) {
    say('Building the app.');
    // a bundler has much to say, and nothing that matters unless it fails
    const heard = [];
    const code = await npm(root, ['run', '--silent', 'build'], { stdio: ['ignore', 'pipe', 'pipe'], hear: (chunk) => heard.push(chunk) });
    if (code !== 0) {
      process.stderr.write(Buffer.concat(heard));
      return 'The app could not be built; the lines above say why.';
    }
  }
  return undefined;
}
