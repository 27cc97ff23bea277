/** A disk without room, played by the limit that the system puts on the size of a process's files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFromRelay, type FromRelay } from '../../../crypto/frames';
import { ready } from '../../../crypto/sodium';
import { placeAt } from '../../bench/peers/dialects';
import { bundleRelay, forgetBundle, type Server, startRelay } from '../../bench/peers/processes';

let folder: string;
let relay: Server | undefined;

beforeAll(async () => {
  await ready();
  await bundleRelay();
  folder = mkdtempSync(join(tmpdir(), 'carefold-full-'));
});
afterAll(async () => {
  await relay?.kill();
  forgetBundle();
  rmSync(folder, { recursive: true, force: true });
});

/** The largest file that the relay may write; no limit when null. */
const allow = (pid: number, bytes: number | null): void => {
  const done = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:`]);
  if (done.status !== 0) throw new Error(String(done.stderr));
};

describe.runIf(spawnSync('prlimit', ['--version']).status === 0)('a relay whose disk is full', () => {
  it('refuses what comes, gives what it has, keeps what it acknowledged, and goes on when there is room again', { timeout: 60_000 }, async () => {
    relay = await startRelay(folder);
    const { port, pid } = relay;
    const place = await placeAt('ours', port, 'full', 1);
    const writer = await place.join(0);
    const frames = place.updates(0, 2000);
    const heard: FromRelay[] = [];
    let more: () => void = () => undefined;
    writer.hear = (m) => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (f.ok) heard.push(f.value);
      more();
    };
    const acked = (): number => heard.reduce((sum, f) => sum + (f.is === 'acks' ? f.items.length : 0), 0);
    const refused = (): Extract<FromRelay, { is: 'refused' }>[] => heard.filter((f) => f.is === 'refused');
    /** Writes n and waits for what becomes of it. */
    const write = (n: number): Promise<void> =>
      new Promise((done) => {
        const before = heard.length;
        more = () => (heard.length > before ? done() : undefined);
        writer.write(frames[n - 1] as Uint8Array);
      });
    for (let n = 1; n <= 20; n++) await write(n);
    allow(pid, statSync(join(folder, 'relay.db-wal')).size + 40_000);
    let n = 20;
    while (refused().length === 0 && n < 2000) await write(++n);
    expect(refused()).toMatchObject([{ why: 'unavailable', re: n }]);
    await write(n);
    expect(refused()).toHaveLength(2);
    expect((await place.again(port)).map((e) => e.n)).toEqual(Array.from({ length: n - 1 }, (_, i) => i + 1));
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);

    allow(pid, null);
    for (let i = 0; i < 5; i++) await write(n + i);
    expect(refused()).toHaveLength(2);
    expect(acked()).toBe(n + 4);
    await relay.kill();
    relay = await startRelay(folder);
    expect((await place.again(relay.port)).map((e) => e.n)).toEqual(Array.from({ length: n + 4 }, (_, i) => i + 1));
  });
});
