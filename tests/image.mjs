/** Builds the container image and starts it, where a Docker engine runs: it comes up, serves the app, keeps what it is given to keep, and ends when asked to. */
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = 'carefold-test';

const docker = (...args) => {
  const { status, stdout, stderr } = spawnSync('docker', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { ok: status === 0, out: `${stdout ?? ''}`.trim(), all: `${stdout ?? ''}${stderr ?? ''}` };
};

export const hasDocker = () => docker('version', '--format', '{{.Server.Version}}').ok;

async function answers(url) {
  for (let tries = 0; tries < 60; tries++) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return response;
    await wait(500);
  }
  return undefined;
}

/** Why the image is no good, or nothing. */
async function fault() {
  const built = docker('build', '-f', 'relay/Dockerfile', '-t', NAME, '.');
  if (!built.ok) return `it was not built:\n${built.all.slice(-4000)}`;
  const began = docker('run', '-d', '--name', NAME, '-p', '127.0.0.1::8787', NAME);
  if (!began.ok) return `it does not start: ${began.all}`;
  const at = `http://${docker('port', NAME, '8787/tcp').out.split('\n')[0]}`;
  if (!(await answers(`${at}/readyz`))) return `it is never ready:\n${docker('logs', NAME).all.slice(-2000)}`;
  const page = await (await fetch(`${at}/`)).text();
  if (!page.includes('carefold-relay')) return 'it does not serve the app';
  if (docker('exec', NAME, 'ls', '-l', '/keep/relay.key').out.slice(0, 10) !== '-rw-------') return 'the relay’s key is not kept for its owner alone';
  if (docker('exec', NAME, 'id', '-u').out === '0') return 'it runs as root';
  if (!docker('exec', NAME, 'node', 'dist/admin.js', 'stats').out.startsWith('{')) return 'its operator cannot ask it anything';
  docker('stop', '-t', '20', NAME);
  const code = docker('inspect', '--format', '{{.State.ExitCode}}', NAME).out;
  return code === '0' ? undefined : `asked to end, it ends with ${code}`;
}

export async function imageFault() {
  docker('rm', '-f', NAME);
  try {
    return await fault();
  } finally {
    docker('rm', '-f', NAME);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const why = hasDocker() ? await imageFault() : 'no Docker engine answers here';
  process.stdout.write(`${why ?? 'The image is built, starts, serves and ends as it should.'}\n`);
  process.exit(why === undefined ? 0 : 1);
}
