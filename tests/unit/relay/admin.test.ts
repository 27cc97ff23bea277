/** What an operator asks a store, as processes: the bundle that ships, its arguments, its lines and its exit code. */
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { keysAt } from '../../../relay/keys';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, makeDevice, plainEntry, seeded } from '../../support/actor';
import { Carrier } from '../../support/carrier';
import { until } from '../../support/engines';
import { bundleRelay, type Node, startNode } from '../../support/node';
import { rhea, Scene } from './phone';

let bundle: Awaited<ReturnType<typeof bundleRelay>>;
let folder: string;
let olivia: Device;
let scene: Scene;

beforeAll(async () => {
  await ready();
  bundle = await bundleRelay();
  olivia = makeDevice(seeded('olivia'));
});
afterAll(() => bundle.discard());

/** A folder in which a relay kept a group, long ago, and what `then` did to it. */
async function keep(then: (s: Scene) => Promise<unknown> = async () => undefined): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'carefold-admin-'));
  const log = localLog(join(folder, 'relay.db'), 7);
  scene = await Scene.begin(rhea('admin', { log, keys: keysAt(folder, seeded('key')) }), olivia);
  await then(scene);
  await log.close();
}
function admin(at: string, ...args: string[]): { readonly said: string; readonly code: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [bundle.admin, ...args], { encoding: 'utf8', env: { ...process.env, CAREFOLD_DATA: at } });
  return { said: (stdout + stderr).trim(), code: status };
}

describe('an operator', () => {
  it('counts what is kept, sets and sees what groups may take beside a running relay, and does not purge there', async () => {
    await keep();
    const node: Node = await startNode(bundle.path, {}, (own) => cpSync(folder, own, { recursive: true }));
    const carrier = new Carrier(olivia, scene.group, [node.port], seeded('carrier'));
    const ask = (...args: string[]): ReturnType<typeof admin> => admin(node.folder, ...args);
    try {
      await carrier.go();
      carrier.sealed = [scene.seal(olivia), scene.seal(olivia)];
      carrier.pump();
      await until(() => carrier.acked.size === 2);
      const stats = ask('stats');
      expect([JSON.parse(stats.said), stats.code]).toMatchObject([{ groups: 1, entries: 1, envelopes: 2, blobs: 0, vaults: 0 }, 0]);
      expect(ask('quota', 'every', '--bytes', '2G')).toEqual({ said: 'Set. Relays that run follow within half a minute.', code: 0 });
      expect(JSON.parse(ask('quota').said)).toMatchObject({ every: { bytes: 2 * 1024 ** 3, entries: null, blobs: null }, groups: [] });
      expect(ask('quota', 'every', '--words', '9')).toEqual({ said: expect.stringMatching(/^It was not done: Say: admin quota, /), code: 1 });
      expect(ask('purge')).toEqual({ said: expect.stringMatching(/^The store cannot be opened: .+ stop it first\.$/), code: 1 });
      // none of it disturbed the relay
      carrier.sealed = [...carrier.sealed, scene.seal(olivia)];
      carrier.pump();
      await until(() => carrier.acked.size === 3);
    } finally {
      carrier.end();
      await node.discard();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('destroys what is due while the relay is stopped, and once', async () => {
    await keep((s) => s.must(s.phone, plainEntry(s.state, olivia, { kind: 'destroy', on: true })));
    try {
      expect(JSON.parse(admin(folder, 'stats').said)).toMatchObject({ groups: 1 });
      expect(admin(folder, 'purge')).toEqual({ said: '{"destroyed":1,"waiting":0}', code: 0 });
      expect(JSON.parse(admin(folder, 'stats').said)).toMatchObject({ groups: 0, entries: 0 });
      expect(admin(folder, 'purge')).toEqual({ said: '{"destroyed":0,"waiting":0}', code: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.runIf(process.getuid?.() === 0)('who is root leaves the relay its files, a new key among them', async () => {
    await keep();
    try {
      for (const name of ['.', ...readdirSync(folder)]) chownSync(join(folder, name), 65_534, 65_534);
      for (const what of ['new-key', 'purge']) expect(admin(folder, what)).toMatchObject({ code: 0 });
      const own = readdirSync(folder).filter((name) => name.startsWith('relay.'));
      expect(own).toEqual(expect.arrayContaining(['relay.db', 'relay.key', 'relay.key.1', 'relay.turns']));
      expect(own.filter((name) => lstatSync(join(folder, name)).uid !== 65_534)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is told what can be said', () => {
    expect(admin(tmpdir(), 'everything')).toEqual({ said: 'Say: admin stats, admin quota, admin permit, admin purge, admin new-life, admin new-key.', code: 1 });
  });
});
