/** A real relay as its own process, on a free port, with a folder of its own that outlives a crash. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/free-port';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const holds = new URL('held.mjs', import.meta.url).href;
/** Longer than any text that a process could hold; by itself the engine writes down the first 1,024 letters. */
const WHOLE = 1_000_000_000;

export interface Relay {
  readonly port: number;
  /** `http://127.0.0.1:<port>`: a secure context for browsers, without TLS. */
  readonly url: string;
  /** The folder it keeps, to be searched or copied. */
  readonly folder: string;
  /** All it printed so far, over every restart. */
  output(): string;
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it as a power cut does, without any chance to tidy up. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, with more in its environment when asked. */
  start(more?: Readonly<Record<string, string>>): Promise<void>;
  /** All that the running process holds in memory, as the engine writes it down: every string, to its end, and every name. */
  heap(): Promise<Buffer>;
  /** Words that it holds as long as it runs and that stand in no source: what a search of its memory must find. */
  readonly held: string;
  /** Ends it and deletes its folder. */
  discard(): Promise<void>;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve(child.exitCode) : new Promise((done) => child.once('exit', done));

/** Starts a relay and waits until it listens; throws with what it printed when it does not. */
export async function startRelay(env: Readonly<Record<string, string>> = {}): Promise<Relay> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'carefold-relay-'));
  const heaps = await mkdtemp(join(tmpdir(), 'carefold-heap-'));
  const held = `held-${randomUUID()}`;
  let printed = '';
  let child: ChildProcess | undefined;

  const start = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const started = spawn(process.execPath, ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${heaps}`, `--heap-snapshot-string-limit=${WHOLE}`, `--import=${holds}`, 'dist/relay.js'], {
      cwd: root,
      env: { ...process.env, HELD: held, PORT: String(port), HOST: '127.0.0.1', CAREFOLD_DATA: folder, ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe']
    });
    child = started;
    const from = printed.length;
    await new Promise<void>((done, fail) => {
      const listen = (chunk: Buffer): void => {
        printed += chunk.toString();
        if (printed.slice(from).includes('Carefold is ready at')) done();
      };
      started.stdout?.on('data', listen);
      started.stderr?.on('data', listen);
      started.once('error', fail);
      started.once('exit', (code) => fail(new Error(`the relay ended with ${code}: ${printed.slice(from)}`)));
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!child) return null;
    if (child.exitCode === null) child.kill(signal);
    return ended(child);
  };

  await start();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    held,
    output: () => printed,
    start,
    stop: () => end('SIGINT'),
    kill: async () => void (await end('SIGKILL')),
    heap: async () => {
      child?.kill('SIGUSR2');
      for (;;) {
        await new Promise((done) => setTimeout(done, 200));
        const [name] = await readdir(heaps);
        const bytes = name === undefined ? null : await readFile(join(heaps, name));
        // written to its end: what strings there are comes last
        if (bytes?.includes('"strings":[') && bytes.subarray(-4).toString().trimEnd().endsWith('"]}')) return bytes;
      }
    },
    discard: async () => {
      await end('SIGKILL');
      await rm(heaps, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    }
  };
}
