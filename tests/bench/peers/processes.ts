/** Servers under measurement, each in a process of its own, and what the system says of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { PeerName } from './dialects';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const bundle = join(root, 'node_modules/.cache', `bench-relay-${process.pid}`);

export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Ends it without any chance to tidy up. */
  kill(): Promise<void>;
}

/** Bundles the relay, and what copies its store, from their sources as they are now. */
export async function bundleRelay(): Promise<void> {
  mkdirSync(bundle, { recursive: true });
  const entryPoints = { relay: join(root, 'relay/main.ts'), 'log-worker': join(root, 'relay/log-worker.ts'), backup: join(root, 'relay/backup-main.ts') };
  await build({ entryPoints, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', outdir: bundle, logLevel: 'error' });
}
export const forgetBundle = (): void => rmSync(bundle, { recursive: true, force: true });

/** The runtime's options with which `npm start` starts it. */
const SHIPPED = (/^exec node (.*) relay\/start\.mjs$/.exec((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }).scripts.start)?.[1] ?? '').split(' ');
/** The relay as it is shipped, but without its limits of pace; `node`: options of the runtime. */
export const startRelay = (folder: string, node: readonly string[] = [], env: Record<string, string> = {}): Promise<Server> =>
  started([...SHIPPED, ...node, join(bundle, 'relay.js')], /ready at http:\/\/127\.0\.0\.1:(\d+)/, { PORT: '0', HOST: '127.0.0.1', CAREFOLD_DATA: folder, CAREFOLD_PACE: '0', ...env });
/** The same under strace, which writes down what it does to its files; killed as its own process is. */
export const startTraced = (folder: string, trace: string): Promise<Server> =>
  started(
    ['-f', '-qq', '-y', '-e', 'trace=pwrite64,fdatasync,fsync', '-s', '0', '-o', trace, process.execPath, ...SHIPPED, join(bundle, 'relay.js')],
    /ready at http:\/\/127\.0\.0\.1:(\d+)/, { PORT: '0', HOST: '127.0.0.1', CAREFOLD_DATA: folder, CAREFOLD_PACE: '0' }, 'strace'
  );
/** `npm start -- backup FILE` and `restore FILE`, as processes of their own; resolves with the exit code, after what it said. */
export function keep(what: 'backup' | 'restore', folder: string, file: string, env: Record<string, string> = {}, hear: (said: string) => void = () => undefined): Promise<number | null> {
  const child = spawn(process.execPath, [join(bundle, 'backup.js'), what, file], { env: { ...process.env, CAREFOLD_DATA: folder, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const s of [child.stdout, child.stderr]) s.on('data', (chunk: Buffer) => hear(chunk.toString()));
  return new Promise((done) => child.once('close', done));
}
/** The relay, or what it is measured against; what it keeps goes into the folder. */
export const startServer = (peer: PeerName, folder: string): Promise<Server> =>
  peer === 'ours' ? startRelay(folder) : started(['--import', 'tsx', join(root, 'tests/bench/peers/servers.ts'), peer, join(folder, 'peer.db')], /port (\d+)/, {});

function started(args: string[], listening: RegExp, env: Record<string, string>, program = process.execPath): Promise<Server> {
  const child: ChildProcess = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  return new Promise((done, fail) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const port = listening.exec(said)?.[1];
      if (port === undefined) return;
      done({
        port: Number(port),
        pid: child.pid as number,
        kill: () => {
          // of a traced one, the traced
          const inner = program === process.execPath ? [] : readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
          for (const pid of inner) process.kill(Number(pid), 'SIGKILL');
          if (inner.length === 0) child.kill('SIGKILL');
          return ended;
        }
      });
    });
    void ended.then(() => fail(new Error(`ended early: ${said}`)));
  });
}

/** Seconds of processor that a process's threads have had, from the scheduler. */
export function cpuOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let ns = 0;
  for (const t of readdirSync(tasks)) ns += Number(readFileSync(`${tasks}/${t}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e9;
}
/** Bytes of memory that a process holds. */
export const memoryOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
