/** Thousands of devices on one relay; it is killed and started again, and all have to come back: the time until the last of them has its session. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryOf, startRelay } from '../bench/peers/processes';

const HOLDERS = 2;
/** Descriptors beside the sockets. */
const OTHER = 100;
const WITHIN = 90_000;

/** Rejects when the descriptor limit is too low, or not all are back in time. */
export async function storm(count: number, say: (line: string) => void): Promise<{ readonly sockets: number; readonly backMs: number; readonly kbEach: number }> {
  const limit = Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  if (limit < count + OTHER) throw new Error(`${count} sockets need ${count + OTHER} descriptors and the limit is ${limit}: ulimit -n`);
  say(`descriptors: ${limit} allowed, ${count + OTHER} needed`);
  const folder = mkdtempSync(join(tmpdir(), 'carefold-storm-'));
  let relay = await startRelay(folder);
  const before = memoryOf(relay.pid);
  const holders = Array.from({ length: HOLDERS }, () => fork(fileURLToPath(new URL('holder.ts', import.meta.url)), [String(relay.port), String(count / HOLDERS)], { execArgv: ['--import', 'tsx'] }));
  const all = (word: string): Promise<void> => Promise.all(holders.map((h) => said(h, word))).then(() => undefined);
  const ended = new Promise<never>((_, fail) => holders.forEach((h) => h.once('exit', () => fail(new Error('a holder ended')))));
  try {
    await Promise.race([all('here'), ended]);
    const kbEach = Number(((memoryOf(relay.pid) - before) / 1024 / count).toFixed(1));
    say(`${count} sockets in session, ${kbEach} KB each; killed`);
    const back = all('here');
    const start = performance.now();
    const { port } = relay;
    await relay.kill();
    relay = await startRelay(folder, [], { PORT: String(port) });
    const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error(`not all are back within ${WITHIN / 1000} s`)), WITHIN));
    await Promise.race([back, late, ended]);
    const backMs = Math.round(performance.now() - start);
    say(`all ${count} back after ${backMs} ms`);
    return { sockets: count, backMs, kbEach };
  } finally {
    for (const h of holders) h.kill('SIGKILL');
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

const said = (h: ChildProcess, word: string): Promise<void> =>
  new Promise((done) => {
    const hear = (m: unknown): void => {
      if (m !== word) return;
      h.off('message', hear);
      done();
    };
    h.on('message', hear);
  });
