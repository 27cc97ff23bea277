/** A disk without room: played by the limit that the system puts on the size of a process's files, and a small one in memory where it may be mounted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, LogPk } from '../../../crypto/brand';
import { base64url, hex } from '../../../crypto/bytes';
import { decodeFromRelay, type FromRelay } from '../../../crypto/frames';
import { ZERO_HASH } from '../../../crypto/hash';
import { blobId } from '../../../crypto/kept';
import { ready } from '../../../crypto/sodium';
import type { Call } from '../../../relay/log';
import { SqliteLog } from '../../../relay/log-sqlite';
import { type Place, placeAt } from '../../bench/peers/dialects';
import { bundleRelay, forgetBundle, type Server, startRelay } from '../../bench/peers/processes';
import { foundGroup, makeDevice, makeRelay, receipt, seeded } from '../../support/actor';

let folder: string;
let relay: Server | undefined;

beforeAll(async () => {
  await ready();
  await bundleRelay();
});
afterAll(forgetBundle);
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-full-'))));
afterEach(async () => {
  await relay?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The place's writer, what it was told, and what opens attachments for it. */
async function writerAt(place: Place) {
  const { raw, bearer } = await place.enter(0);
  const frames = place.updates(0, 2000);
  const heard: FromRelay[] = [];
  let more: () => void = () => undefined;
  raw.hear = (m) => {
    const f = decodeFromRelay(new Uint8Array(m));
    if (f.ok) heard.push(f.value);
    more();
  };
  return {
    bearer,
    acked: (): number => heard.reduce((sum, f) => sum + (f.is === 'acks' ? f.items.length : 0), 0),
    refused: (): Extract<FromRelay, { is: 'refused' }>[] => heard.filter((f) => f.is === 'refused'),
    /** Writes n and waits for what becomes of it. */
    write: (n: number): Promise<void> =>
      new Promise((done) => {
        const before = heard.length;
        more = () => (heard.length > before ? done() : undefined);
        raw.write(frames[n - 1] as Uint8Array);
      })
  };
}
/** 1 … n. */
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

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
    const { write, acked, refused } = await writerAt(place);
    for (let n = 1; n <= 20; n++) await write(n);
    allow(pid, statSync(join(folder, 'relay.db-wal')).size + 40_000);
    let n = 20;
    while (refused().length === 0 && n < 2000) await write(++n);
    expect(refused()).toMatchObject([{ why: 'unavailable', re: n }]);
    await write(n);
    expect(refused()).toHaveLength(2);
    expect((await place.again(port)).map((e) => e.n)).toEqual(upTo(n - 1));
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);

    allow(pid, null);
    for (let i = 0; i < 5; i++) await write(n + i);
    expect(refused()).toHaveLength(2);
    expect(acked()).toBe(n + 4);
    await relay.kill();
    relay = await startRelay(folder);
    expect((await place.again(relay.port)).map((e) => e.n)).toEqual(upTo(n + 4));
  });
});

/** Puts a disk of a few megabytes there; why not, or null. */
const mount = (at: string): string | null => {
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'carefold', at], { encoding: 'utf8' });
  return done.status === 0 ? null : (done.stderr ?? String(done.error)).trim();
};
const roomOn = (disk: string): number => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};

describe('a relay on a small disk that is full', () => {
  it('refuses posts and attachments in words, leaves nothing half there, gives what it has, and goes on when there is room again', { timeout: 60_000 }, async ({ skip }) => {
    const fault = mount(folder);
    if (fault !== null) return skip(`no small disk can be mounted here: ${fault}`);
    try {
      relay = await startRelay(folder, [], { CAREFOLD_STATIC: '/nowhere' });
      const { port } = relay;
      const place = await placeAt('ours', port, 'small', 1);
      const { write, acked, refused, bearer } = await writerAt(place);
      const [kept, late] = [seeded('kept')(200_000), seeded('late')(300_000)];
      const blob = (bytes: Bytes, more: RequestInit = {}): Promise<Response> =>
        fetch(`http://127.0.0.1:${port}/api/blob/${hex(place.group)}/${hex(blobId(bytes))}`, { headers: { Authorization: `Bearer ${base64url(bearer)}` }, ...more });
      const put = async (body: Bytes): Promise<readonly [number, string]> => {
        const answer = await blob(body, { method: 'PUT', body });
        return [answer.status, await answer.text()];
      };
      const got = async (bytes: Bytes): Promise<boolean> => Buffer.compare(Buffer.from(await (await blob(bytes)).arrayBuffer()), bytes) === 0;
      const coming = (): readonly string[] => readdirSync(join(folder, 'blobs/coming'));
      for (const n of upTo(20)) await write(n);
      expect(await put(kept)).toEqual([201, 'kept']);

      const ballast = join(folder, 'ballast');
      writeFileSync(ballast, new Uint8Array(roomOn(folder) - 100_000));
      expect(await put(late)).toEqual([507, 'the relay is full']);
      expect([coming(), (await blob(late)).status]).toEqual([[], 404]);
      // a device that is in the middle of a large one hears it too, and not that the connection broke
      const large = new Uint8Array(16_000_000) as Bytes;
      for (let i = 0; i < 5; i++) expect(await put(large)).toEqual([507, 'the relay is full']);
      let n = 20;
      while (refused().length === 0 && n < 2000) await write(++n);
      expect(refused()).toMatchObject([{ why: 'full', re: n }]);
      expect(roomOn(folder)).toBeLessThan(20_000);
      expect(await put(late)).toEqual([507, 'the relay is full']);
      expect([coming(), (await blob(late)).status]).toEqual([[], 404]);
      expect((await place.again(port)).map((e) => e.n)).toEqual(upTo(n - 1));
      expect(await got(kept)).toBe(true);
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);

      rmSync(ballast);
      for (let i = 0; i < 5; i++) await write(n + i);
      expect([refused().length, acked()]).toEqual([1, n + 4]);
      expect(await put(late)).toEqual([201, 'kept']);
      await relay.kill();
      relay = await startRelay(folder, [], { CAREFOLD_STATIC: '/nowhere' });
      expect((await place.again(relay.port)).map((e) => e.n)).toEqual(upTo(n + 4));
    } finally {
      await relay?.kill();
      spawnSync('umount', ['-l', folder]);
    }
  });

  it('outlives that a group is to be destroyed, and destroys it once there is room', async ({ skip }) => {
    const fault = mount(folder);
    if (fault !== null) return skip(`no small disk can be mounted here: ${fault}`);
    const path = join(folder, 'relay.db');
    const random = seeded('doomed');
    const troubles: string[] = [];
    const log = new SqliteLog(path, 5, (words) => troubles.push(words));
    try {
      const made = [1, 2].map(() => foundGroup(random, makeDevice(random)));
      for (const { group, entry } of made) log.transact([{ name: 'create', input: { group, genesis: { entry, receipt: receipt(makeRelay(random), group, ZERO_HASH, 1, entry, 5) }, boxes: [], state: random(10) } }]);
      const append = (g: number, n: number, size = 3000): unknown => {
        const group = made[g - 1]?.group as GroupId;
        const input = { g, device: 1, n, rosterSeq: 1, time: 1, verdict: 'fine', judgedAt: 1, group, logPk: random(32) as Bytes as LogPk, roster: random(32) as Bytes as Hash, blobs: [], envelope: random(size) } as const;
        return log.transact([{ name: 'append', input }])[0];
      };
      for (const n of upTo(30)) append(1, n);
      writeFileSync(join(folder, 'ballast'), new Uint8Array(roomOn(folder) - 100_000));
      let n = 0;
      while ((append(2, n + 1) as { ok: boolean }).ok) n++;
      while ((append(2, n + 1, 100) as { ok: boolean }).ok) n++;
      writeFileSync(join(folder, 'rest'), new Uint8Array(roomOn(folder)));

      const purge: Call = { name: 'purge', input: { g: 1, group: made[0]?.group as GroupId, tomb: random(140) } };
      for (let i = 0; i < 2; i++) expect(log.transact([purge])).toEqual([{ ok: false, fault: 'full' }]);
      expect(log.transact([{ name: 'page', input: { g: 2, way: 'up', from: 0, most: 500 } }])).toMatchObject([{ ok: true }]);
      expect(log.transact([{ name: 'buried', input: { g: 9, blobs: [] } }])).toMatchObject([{ ok: true }]);

      for (const f of ['ballast', 'rest']) rmSync(join(folder, f));
      expect(log.transact([purge])).toMatchObject([{ ok: true }]);
      // and nothing of it stays in the log beside the store
      expect(statSync(`${path}-wal`).size).toBe(0);
    } finally {
      log.close();
      spawnSync('umount', ['-l', folder]);
    }
  });
});
