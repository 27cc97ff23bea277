/** Thousands of devices on one relay; it is killed and started again, and all have to come back: the time until the last of them has its session. */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryOf, startRelay } from '../bench/peers/processes';

const HOLDERS = 2;
/** Descriptors beside the sockets. */
const OTHER = 100;
const WITHIN = 90_000;
/** Before memory is looked at. */
const QUIET = 2000;
/** KB of the relay's memory that a socket in session may take, of so many: with fewer it is mostly what the relay takes anyway. */
const KB_EACH = 8.5;
const MANY = 10_000;

/** The relay's own pace: with none its doors would let in all at once. */
const PACED = { CAREFOLD_PACE: '' };

/** `answered503`: how many tries to come back were; null, as `backMs`, when not all are back in time. */
export interface Storm { readonly sockets: number; readonly backMs: number | null; readonly answered503: number | null; readonly kbEach: number }

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Rejects when the descriptor limit is too low. */
export async function storm(count: number, say: (line: string) => void): Promise<Storm> {
  const limit = Number(/Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  if (limit < count + OTHER) throw new Error(`${count} sockets need ${count + OTHER} descriptors and the limit is ${limit}: ulimit -n`);
  say(`descriptors: ${limit} allowed, ${count + OTHER} needed`);
  const folder = mkdtempSync(join(tmpdir(), 'carefold-storm-'));
  let relay = await startRelay(folder, [], PACED);
  const holders = Array.from({ length: HOLDERS }, () => fork(fileURLToPath(new URL('holder.ts', import.meta.url)), [String(relay.port), String(count / HOLDERS)], { execArgv: ['--import', 'tsx'] }));
  const ended = new Promise<never>((_, fail) => holders.forEach((h) => h.once('exit', () => fail(new Error('a holder ended')))));
  /** What each of them says next. */
  const said = (): Promise<unknown[]> => Promise.race([Promise.all(holders.map((h) => new Promise((done) => h.once('message', done)))), ended]);
  try {
    await said();
    await pause(QUIET);
    const before = memoryOf(relay.pid);
    const here = said();
    for (const h of holders) h.send('come');
    await here;
    await pause(QUIET);
    const kbEach = Number(((memoryOf(relay.pid) - before) / 1024 / count).toFixed(1));
    say(`${count} sockets in session, ${kbEach} KB each; killed`);
    const back = said() as Promise<{ readonly answered503: number }[]>;
    const start = performance.now();
    const { port } = relay;
    await relay.kill();
    relay = await startRelay(folder, [], { ...PACED, PORT: String(port) });
    const tries = await Promise.race([back, pause(WITHIN - (performance.now() - start))]);
    if (tries === undefined) {
      say(`not all are back within ${WITHIN / 1000} s`);
      return { sockets: count, backMs: null, answered503: null, kbEach };
    }
    const backMs = Math.round(performance.now() - start);
    const answered503 = tries.reduce((sum, t) => sum + t.answered503, 0);
    say(`all ${count} back after ${backMs} ms; ${answered503} tries were answered 503`);
    return { sockets: count, backMs, answered503, kbEach };
  } finally {
    for (const h of holders) h.kill('SIGKILL');
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What did not hold. */
export const stormFaults = (s: Storm): readonly string[] => [...(s.backMs === null ? ['backMs'] : []), ...(s.sockets >= MANY && s.kbEach > KB_EACH ? ['kbEach'] : [])];
