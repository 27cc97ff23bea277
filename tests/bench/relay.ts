/**
 * The relay beside servers that others wrote: `bare` (ws passing messages on; `synced`: once they are synced to a file), `yws` (y-websocket's own
 * server) and `hocus` (hocuspocus with SQLite), in turns, clients and servers in processes of their own, processor time from the scheduler. Ours acks and delivers only
 * what is durable. `--only R1,R6` measures those, `--rounds n` as often. Ends with one line of JSON.
 */
import { spawn } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ready } from '../../crypto/sodium';
import { median, round } from '../support/figures';
import { killedAtTheLastAck } from './peers/killed';
import type { PeerName } from './peers/dialects';
import type { Against, Job, Result } from './peers/load';
import { bundleRelay, forgetBundle, root, startServer } from './peers/processes';

const option = (name: string): string | undefined => process.argv[process.argv.indexOf(`--${name}`) + 1 || Infinity];
const only = option('only')?.split(',');
const rounds = Number(option('rounds') ?? 3);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folderFor = (): string => mkdtempSync(join(tmpdir(), 'carefold-bench-'));

/** A fresh server, and one job against it. */
async function against(peer: PeerName, job: Job): Promise<Result> {
  const folder = folderFor();
  const server = await startServer(peer, folder);
  try {
    return await loaded({ peer, port: server.port, pid: server.pid, job });
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function loaded(a: Against): Promise<Result> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'tests/bench/peers/load.ts'), JSON.stringify(a)], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  return new Promise((done, fail) => {
    child.on('close', (code) => (code === 0 ? done(JSON.parse(said) as Result) : fail(new Error(`${a.peer}: ${a.job.is} failed`))));
  });
}

/** The peers in turns, as often as rounds; the median of each figure. */
async function compared(name: string, peers: readonly PeerName[], job: (peer: PeerName) => Job, show: (r: Result) => string): Promise<Partial<Record<PeerName, Result>>> {
  const got = new Map<PeerName, Result[]>(peers.map((p) => [p, []]));
  for (let i = 1; i <= rounds; i++) {
    for (const p of peers) got.get(p)?.push(await against(p, job(p)));
    say(`${name} round ${i}: ${peers.map((p) => `${p} ${show(got.get(p)?.at(-1) as Result)}`).join(', ')}`);
  }
  const middle = (all: readonly Result[]): Result => Object.fromEntries(Object.keys(all[0] as Result).map((k) => [k, median(all.map((r) => r[k] as number))]));
  return Object.fromEntries([...got].map(([p, all]) => [p, middle(all)]));
}
const of = (all: Partial<Record<PeerName, Result>>, peer: PeerName, key: string): number => (all[peer] as Result)[key] as number;

const measures: Readonly<Record<string, () => Promise<unknown>>> = {
  async R1() {
    const job = (p: PeerName): Job => ({ is: 'fan', readers: 19, window: 64, warm: 1000, ms: 3000, most: p === 'ours' ? 250_000 : p === 'bare' ? 100_000 : 60_000 });
    const all = await compared('R1', ['ours', 'bare', 'yws', 'hocus'], job, (r) => `${Math.round(r['perS'] as number).toLocaleString('en')}/s ${round(r['cpuUs'] as number, 2)} µs`);
    const rate = (p: PeerName): number => of(all, p, 'perS');
    return {
      ours: round(rate('ours')), bare: round(rate('bare')), yws: round(rate('yws')), hocus: round(rate('hocus')),
      ratioBare: round(rate('ours') / rate('bare'), 2), ratioYws: round(rate('ours') / rate('yws'), 2),
      cpuUs: round(of(all, 'ours', 'cpuUs'), 2), cpuRatioBare: round(of(all, 'ours', 'cpuUs') / of(all, 'bare', 'cpuUs'), 3)
    };
  },
  async R2() {
    const all = await compared('R2', ['ours', 'bare', 'synced', 'yws', 'hocus'], () => ({ is: 'paced', readers: 19, perSecond: 500, ms: 6000 }), (r) => `p50 ${round(r['p50'] as number, 2)} p99 ${round(r['p99'] as number, 2)} ms`);
    const both = (p: PeerName): unknown => ({ p50: round(of(all, p, 'p50'), 2), p99: round(of(all, p, 'p99'), 2) });
    return { ours: both('ours'), bare: both('bare'), synced: both('synced'), yws: both('yws'), hocus: both('hocus'), ratioSynced: round(of(all, 'ours', 'p50') / of(all, 'synced', 'p50'), 2) };
  },
  async R3() {
    // in 11 seconds hocuspocus stores each document once, which it does every 10 as long as somebody writes
    const job = (p: PeerName): Job => ({ is: 'many', groups: 500, devices: 4, ms: p === 'hocus' ? 11_000 : 8000 });
    const all = await compared('R3', ['ours', 'bare', 'synced', 'yws', 'hocus'], job, (r) => `${round(r['cpuUs'] as number, 1)} µs at ${round(r['perS'] as number)}/s`);
    const us = (p: PeerName): number => round(of(all, p, 'cpuUs'), 1);
    return { ours: us('ours'), bare: us('bare'), synced: us('synced'), yws: us('yws'), hocus: us('hocus'), ratioYws: round(of(all, 'ours', 'cpuUs') / of(all, 'yws', 'cpuUs'), 2) };
  },
  async R4() {
    const all = await compared('R4', ['ours', 'bare', 'yws', 'hocus'], () => ({ is: 'idle', sockets: 10_000, places: 100, ms: 3000 }), (r) => `${round((r['bytes'] as number) / 1024, 1)} KB a socket`);
    const kb = (p: PeerName): number => round(of(all, p, 'bytes') / 1024, 2);
    return { ours: kb('ours'), bare: kb('bare'), yws: kb('yws'), hocus: kb('hocus') };
  },
  async R5() {
    const out: Record<string, unknown> = {};
    for (const count of [10_000, 100_000]) {
      const all = await compared(`R5 ${count}`, ['ours', 'yws', 'hocus'], () => ({ is: 'late', count, times: 9 }), (r) => `${round(r['ms'] as number, 1)} ms ${round((r['bytes'] as number) / 1e6, 2)} MB`);
      const ms = (p: PeerName): number => round(of(all, p, 'ms'), 1);
      out[count] = { ours: ms('ours'), yws: ms('yws'), hocus: ms('hocus'), ratioYws: round(of(all, 'ours', 'ms') / of(all, 'yws', 'ms'), 2), wire: round(of(all, 'ours', 'bytes') / of(all, 'ours', 'sent'), 3) };
    }
    return out;
  },
  /** Five more who read nothing, while the rest go on. */
  async deaf() {
    const job = (deaf: number): Job => ({ is: 'fan', readers: 19, window: 64, warm: 2000, ms: 3000, most: 300_000, deaf });
    const [without, beside]: [number[], number[]] = [[], []];
    for (let i = 1; i <= rounds; i++) {
      without.push((await against('ours', job(0)))['perS'] as number);
      beside.push((await against('ours', job(5)))['perS'] as number);
      say(`deaf round ${i}: ${Math.round(without.at(-1) as number)}/s without, ${Math.round(beside.at(-1) as number)}/s beside five`);
    }
    return { without: round(median(without)), beside: round(median(beside)), ratio: round(median(beside) / median(without), 3) };
  },
  async R6() {
    const folder = folderFor();
    say(`R6 on ${folder}: file system type 0x${statfsSync(folder).type.toString(16)}, fdatasync of a page ${syncTime(folder)} ms (median of 200)`);
    rmSync(folder, { recursive: true, force: true });
    const all = await compared('R6', ['ours'], () => ({ is: 'acks', writers: 8, window: 64, warm: 10_000, count: 60_000 }), (r) => `${round(r['perS'] as number)} acks/s`);
    return { ...(await killedAtTheLastAck('ours', folderFor(), 2000)), acksPerS: round(of(all, 'ours', 'perS')), hocus: await killedAtTheLastAck('hocus', folderFor(), 2000) };
  }
};

function syncTime(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w');
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, new Uint8Array(4096));
    const at = performance.now();
    fdatasyncSync(file);
    return performance.now() - at;
  });
  closeSync(file);
  return round(median(times), 2);
}

await ready();
await bundleRelay();
const result: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(measures)) if (only === undefined || only.includes(name)) result[name] = await measure();
forgetBundle();
say(JSON.stringify(result));
process.exit(0);
