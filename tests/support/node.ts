/** The relay bundled as it ships, and processes of it for tests that need several. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles the relay into a folder of this test's own, and beside it what its operator runs; call what comes back to delete it. */
export async function bundleRelay(): Promise<{ readonly path: string; readonly admin: string; discard(): void }> {
  const outdir = join(root, 'node_modules/.cache', `relay-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const entryPoints = { relay: join(root, 'relay/main.ts'), 'log-worker': join(root, 'relay/log-worker.ts'), admin: join(root, 'relay/admin-main.ts') };
  await build({ entryPoints, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', outdir, logLevel: 'error' });
  return { path: join(outdir, 'relay.js'), admin: join(outdir, 'admin.js'), discard: () => rmSync(outdir, { recursive: true, force: true }) };
}

export interface Node {
  readonly port: number;
  readonly folder: string;
  said(): string;
  /** Ends it, its exit code. */
  end(how: NodeJS.Signals): Promise<number | null>;
  discard(): Promise<void>;
}

export async function startNode(path: string, env: Readonly<Record<string, string>>, prepare: (folder: string) => void = () => undefined): Promise<Node> {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-node-'));
  prepare(folder);
  const child: ChildProcess = spawn(process.execPath, [path], { cwd: root, env: { ...process.env, PORT: '0', HOST: '127.0.0.1', CAREFOLD_DATA: folder, CAREFOLD_PACE: '0', ...env } });
  let said = '';
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  const end = (how: NodeJS.Signals): Promise<number | null> => {
    child.kill(how);
    return ended;
  };
  const port = await new Promise<number>((done, fail) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /ready at http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (found !== undefined) done(Number(found));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    void ended.then((code) => fail(new Error(`${code} ${said.trim()}`)));
  });
  return {
    port, folder, end,
    said: () => said,
    discard: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
