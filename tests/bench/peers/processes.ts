/** Servers under measurement, each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const bundle = join(root, 'node_modules/.cache', `bench-relay-${process.pid}`);

export interface Server {
  readonly port: number;
  /** Processor time used so far, user and system, in seconds. */
  cpu(): number;
  /** Ends it without any chance to tidy up. */
  kill(): Promise<void>;
}

/** Bundles the relay from its sources as they are now. */
export async function bundleRelay(): Promise<void> {
  mkdirSync(bundle, { recursive: true });
  const entryPoints = { relay: join(root, 'relay/main.ts'), 'log-worker': join(root, 'relay/log-worker.ts') };
  await build({ entryPoints, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', outdir: bundle, logLevel: 'error' });
}
export const forgetBundle = (): void => rmSync(bundle, { recursive: true, force: true });

/** The relay as it is shipped, but without its limit of frames a second. */
export const startRelay = (folder: string): Promise<Server> =>
  started([join(bundle, 'relay.js')], /ready at http:\/\/127\.0\.0\.1:(\d+)/, { PORT: '0', HOST: '127.0.0.1', CAREFOLD_DATA: folder, CAREFOLD_PACE: '0' });
export const startPeer = (name: 'bare' | 'yws'): Promise<Server> => started(['--import', 'tsx', join(root, 'tests/bench/peers/servers.ts'), name], /port (\d+)/, {});

function started(args: string[], listening: RegExp, env: Record<string, string>): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  return new Promise((done, fail) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const port = listening.exec(said)?.[1];
      if (port === undefined) return;
      done({
        port: Number(port),
        cpu: () => cpuOf(child.pid as number),
        kill: () => {
          child.kill('SIGKILL');
          return ended;
        }
      });
    });
    void ended.then(() => fail(new Error(`ended early: ${said}`)));
  });
}

/** From /proc; 0 where there is none. Fields 14 and 15 after the name, in ticks of 10 ms. */
function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
