/** PostgreSQL, NATS and an S3-compatible server as processes of their own, on free ports of the loopback address, each to be killed and started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine } from '../engines.mjs';
import { freePort } from './free-port';

export interface Engine {
  readonly port: number;
  readonly url: string;
  /** Ends it as a power cut does, or as its operator would. */
  stop(how?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port with what it kept. */
  start(): Promise<void>;
  discard(): Promise<void>;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const s = connect(port, '127.0.0.1', () => (s.destroy(), done(true)));
    s.on('error', () => done(false));
  });

export async function until(what: () => Promise<boolean> | boolean, within = 20_000): Promise<void> {
  for (let waited = 0; !(await what()); waited += 30) {
    if (waited > within) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 30));
  }
}

/** Whom a server runs as that refuses to run as root. */
function servant(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const id = (what: string, name: string): number => Number(spawnSync('id', [what, name], { encoding: 'utf8' }).stdout.trim() || NaN);
  const name = Number.isNaN(id('-u', 'postgres')) ? 'nobody' : 'postgres';
  return { uid: id('-u', name), gid: id('-g', name) };
}

async function engine(port: number, url: string, folder: string | null, launch: () => ChildProcess, isUp: () => Promise<boolean> = () => answers(port)): Promise<Engine> {
  let child: ChildProcess | null = null;
  let said = '';
  const start = async (): Promise<void> => {
    const started = launch();
    child = started;
    started.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`${url} ended: ${said}`);
      return isUp();
    });
  };
  const stop = async (how: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((done) => ending.once('exit', done));
    ending.kill(how);
    await gone;
  };
  await start();
  return {
    port, url, start, stop,
    discard: async () => {
      await stop();
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
  };
}

const program = (name: 'postgres' | 'initdb' | 'nats-server'): string => {
  const path = findEngine(name);
  if (path === undefined) throw new Error(`${name} is not installed: see tests/engines.mjs`);
  return path;
};

/** A fresh cluster with one database, synchronous as installed. */
export async function startPostgres(): Promise<Engine> {
  const who = servant();
  const folder = mkdtempSync(join(tmpdir(), 'carefold-postgres-'));
  chmodSync(folder, 0o700);
  if (who.uid !== undefined) chownSync(folder, who.uid, who.gid as number);
  const cluster = join(folder, 'cluster');
  // only the making of the empty cluster goes without fsync
  const made = spawnSync(program('initdb'), ['-D', cluster, '-U', 'carefold', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], { ...who, cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const url = `postgres://carefold@127.0.0.1:${port}/postgres`;
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=60', 'shared_buffers=64MB', 'log_min_messages=fatal'];
  const launch = (): ChildProcess =>
    spawn(program('postgres'), ['-D', cluster, '-p', String(port), ...settings.flatMap((s) => ['-c', s])], { ...who, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const { default: postgres } = await import('postgres');
  const isUp = async (): Promise<boolean> => {
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    return sql`SELECT 1`.then(() => true, () => false).finally(() => sql.end({ timeout: 1 }));
  };
  // SIGQUIT: at once and without a word to anybody, as a crash; but its children go with it
  const server = await engine(port, url, folder, launch, isUp);
  return { ...server, stop: (how = 'SIGQUIT') => server.stop(how) };
}

/** A NATS server that keeps nothing. `more`: arguments of its next start. */
export async function startNats(more: () => readonly string[] = () => []): Promise<Engine> {
  const port = await freePort();
  return engine(port, `nats://127.0.0.1:${port}`, null, () => spawn(program('nats-server'), ['-a', '127.0.0.1', '-p', String(port), ...more()], { stdio: ['ignore', 'ignore', 'pipe'] }));
}

/** An S3-compatible server with one bucket, `carefold`, and the keys S3RVER, S3RVER. */
export async function startS3(): Promise<Engine> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'carefold-s3-'));
  mkdirSync(join(folder, 'carefold'));
  const script = 'const S3rver = require("s3rver"); new S3rver({ port: +process.argv[1], address: "127.0.0.1", directory: process.argv[2], silent: true }).run();';
  return engine(port, `http://127.0.0.1:${port}/carefold`, folder, () => spawn(process.execPath, ['-e', script, String(port), folder], { stdio: ['ignore', 'ignore', 'pipe'] }));
}
