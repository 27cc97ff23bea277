import { DatabaseSync } from '@photostructure/sqlite';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Bytes, GroupId } from '../../../../crypto/brand';
import { ZERO_HASH } from '../../../../crypto/hash';
import { unpackStored } from '../../../../crypto/packed';
import { ready } from '../../../../crypto/sodium';
import type { StoredEnvelope } from '../../../../crypto/frames';
import type { Call, Calls } from '../../../../relay/log';
import { localLog, SqliteLog } from '../../../../relay/log-sqlite';
import { makeRelay, receipt, seeded } from '../../../support/actor';
import { appending, words } from './laying';
import { logSuite } from './log-suite';

logSuite('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-engine-'));
  const path = join(folder, 'relay.db');
  let last = localLog(path, 5);
  return {
    log: last,
    store: { folder, postgres: null },
    again: async () => {
      await last.close();
      last = localLog(path, 6);
      return last;
    },
    close: async () => {
      await last.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };
});

/** A store in a folder, what its life is by the file, and the next one. */
function living() {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-life-'));
  const path = join(folder, 'relay.db');
  const log = new SqliteLog(path, 5);
  const renew = { name: 'renew', input: { now: 100, above: 50 } } as const;
  return {
    path, log, renew,
    /** What every later start finds. */
    stored: (): unknown => {
      const db = new DatabaseSync(path);
      const found = db.prepare("SELECT value FROM meta WHERE name = 'incarnation'").get();
      db.close();
      return found;
    },
    end: (): void => {
      log.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

it('SQLite begins a life that was asked for beside a call that spoils everything', async () => {
  await ready();
  const { log, renew, stored, end } = living();
  const bad = { name: 'putCard', input: { g: 1, invite: null, card: null } } as unknown as Call;
  expect(log.transact([renew, bad])).toMatchObject([{ ok: true, value: 100 }, { ok: false }]);
  expect(stored()).toEqual({ value: 100 });
  end();
});

it.runIf(spawnSync('prlimit', ['--version']).status === 0)('SQLite answers no life as begun that a full disk did not keep, and begins it once there is room', async () => {
  await ready();
  const { path, log, renew, stored, end } = living();
  const allow = (bytes: string): void => expect(spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]).status).toBe(0);
  allow(String(statSync(`${path}-wal`).size));
  try {
    expect([log.transact([renew]), log.transact([renew])]).toMatchObject([[{ ok: false }], [{ ok: false }]]);
  } finally {
    allow('unlimited');
  }
  expect(stored()).toEqual({ value: 5 });
  expect([log.transact([renew]), log.transact([renew])]).toEqual([[{ ok: true, value: 100 }], [{ ok: true, value: 100 }]]);
  expect(stored()).toEqual({ value: 100 });
  end();
});

const LAYING = fileURLToPath(new URL('laying.ts', import.meta.url));

/** Lets it write for a while, kills it in the middle of whatever it does, and returns how far it said that each log had come. */
async function killed(path: string, waiting: number, ms: number): Promise<Map<number, number>> {
  const child = spawn(process.execPath, ['--import', 'tsx', LAYING, path, String(waiting)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const ended = new Promise((done) => child.once('close', done));
  await new Promise<void>((begun, fail) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split('\n').length > 12) begun();
    });
    child.once('close', () => fail(new Error('it ended by itself')));
  });
  await new Promise((done) => setTimeout(done, ms));
  child.kill('SIGKILL');
  await ended;
  const told = [...said.matchAll(/^(\d+) (\d+)$/gm)].map(([, device, n]) => [Number(device), Number(n)] as const);
  return new Map(told);
}

it('SQLite, killed again and again while it lays a feed together, has each envelope once, in its place, and goes on', async () => {
  await ready();
  const folder = mkdtempSync(join(tmpdir(), 'carefold-laying-'));
  const path = join(folder, 'relay.db');
  const group = new Uint8Array(32) as Bytes as GroupId;
  const entry = new Uint8Array(60) as Bytes;
  let log = new SqliteLog(path, 5);
  log.transact([{ name: 'create', input: { group, genesis: { entry, receipt: receipt(makeRelay(seeded('laying')), group, ZERO_HASH, 1, entry, 5) }, boxes: [], state: new Uint8Array(9) as Bytes } }]);
  log.close();
  let before = 0;
  for (let i = 0; i < 10; i++) {
    // a row for each envelope, or none until it is asked for
    const acked = await killed(path, i % 2 === 0 ? 0 : 10 ** 6, 40 + i * 37);
    log = new SqliteLog(path, 6);
    const all: StoredEnvelope[] = [];
    for (let more = true; more; ) {
      const [reply] = log.transact([{ name: 'page', input: { g: 1, way: 'up', from: all.length, most: 500 } }]);
      if (reply?.ok !== true) throw new Error('no page');
      const page = reply.value as Calls['page'][1];
      all.push(...unpackStored(page.items));
      ({ more } = page);
    }
    expect(all.map((e) => e.seq)).toEqual(all.map((_, at) => at + 1));
    expect(all.every((e) => Buffer.compare(e.envelope, words(e.device, e.n)) === 0)).toBe(true);
    for (const [device, n] of acked) {
      const own = all.filter((e) => e.device === device).map((e) => e.n);
      expect(own).toEqual(own.map((_, at) => at + 1));
      expect(own.length).toBeGreaterThanOrEqual(n);
      // the one that was being written when it died may be there unsaid
      expect(own.length).toBeLessThanOrEqual(n + 1);
      expect(log.transact([appending(device, n), appending(device, 1)])).toMatchObject([{ value: { is: 'again' } }, { value: { is: 'again' } }]);
    }
    expect(all.length).toBeGreaterThan(before);
    before = all.length;
    log.close();
  }
  rmSync(folder, { recursive: true, force: true });
}, 120_000);
