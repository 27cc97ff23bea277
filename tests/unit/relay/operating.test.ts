import { DatabaseSync } from '@photostructure/sqlite';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { adminQuota } from '../../../relay/admin-quota';
import { hex } from '../../../crypto/bytes';
import { ready } from '../../../crypto/sodium';
import { configOf } from '../../../relay/config';
import { journal, seldom } from '../../../relay/journal';
import { localLog } from '../../../relay/log-sqlite';
import { figures, metered } from '../../../relay/meters';
import { SCHEMA_VERSION } from '../../../relay/schema';
import { statsOf } from '../../../relay/stats';
import { makeDevice, seeded } from '../../support/actor';
import { rhea, Scene } from './phone';

beforeAll(ready);

describe('what an operator sees', () => {
  it('counts what the store holds and sets what groups may take, beside a relay that is using it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carefold-stats-'));
    const log = localLog(join(folder, 'relay.db'), 7);
    try {
      const olivia = makeDevice(seeded('olivia'));
      const s = await Scene.begin(rhea('stats', { log }), olivia);
      await s.post(s.phone, olivia);
      await s.post(s.phone, olivia);
      const store = { folder, postgres: null };
      expect(await adminQuota(store, ['every', '--bytes', '2G', '--entries', '500'])).toContain('Set.');
      await adminQuota(store, ['1', '--blobs', '10M']);
      expect(JSON.parse(await adminQuota(store, []))).toMatchObject({ every: { bytes: 2 * 1024 ** 3, entries: 500, blobs: null }, groups: [{ g: 1, bytes: null, entries: null, blobs: 10 * 1024 ** 2 }] });
      for (const wrong of [['2G'], ['1', '--bytes'], ['1', '--bytes', '2 GB'], ['1', '--words', '3']]) await expect(adminQuota(store, wrong)).rejects.toThrow('Say: admin quota');
      // a relay of another version goes on beside it: nothing is changed under its feet, and no lock is left behind
      const db = new DatabaseSync(join(folder, 'relay.db'));
      db.exec("UPDATE meta SET value = 1 WHERE name = 'version'");
      await expect(adminQuota(store, ['every', '--bytes', '1'])).rejects.toThrow('of another version');
      db.prepare("UPDATE meta SET value = ? WHERE name = 'version'").run(SCHEMA_VERSION);
      db.close();
      expect(JSON.parse(await adminQuota(store, []))).toMatchObject({ every: { bytes: 2 * 1024 ** 3 } });
      expect(await statsOf(store)).toMatchObject({ groups: 1, entries: 1, envelopes: 2, blobs: 0, vaults: 0 });
    } finally {
      await log.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is figures of how much and how fast, in which no group, key or member can be found', async () => {
    let now = 1000;
    const { log, meters } = metered(localLog(':memory:', 7), () => (now += 3));
    const r = rhea('figures', { log });
    const olivia = makeDevice(seeded('olivia'));
    const s = await Scene.begin(r, olivia);
    await s.post(s.phone, olivia);
    await s.phone.ask((re) => ({ is: 'get-card', re, group: s.group }));
    const more = { sockets: 1, hintsUp: true, isShared: false, isDraining: false, late: 0, cpuSeconds: 1, memory: 1 };
    const text = figures(meters, { ...r.relay.gauges(), ...more });
    expect(text).toContain('carefold_envelopes_stored_total 1\n');
    expect(text).toContain('carefold_sessions 1\n');
    expect(text).toContain('carefold_refused_total{why="not-allowed"} 1\n');
    expect(text).toContain('carefold_append_seconds_bucket{le="0.005"} 1\n');
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[a-zA-Z0-9+.-]+"\})? [\d.e-]+)$/);
    for (const id of [s.group, olivia.logPk, olivia.member]) expect(text).not.toContain(hex(id).slice(0, 12));
  });

  it('is lines of words or of JSON, and the same warning once a minute', () => {
    const lines: string[] = [];
    let now = 0;
    const j = journal('json', () => now, (l) => lines.push(l), (l) => lines.push(l));
    const warn = seldom(j, () => now);
    warn('trouble', 'The disk is full.');
    warn('trouble', 'The disk is full.');
    now = 60_000;
    warn('trouble', 'The disk is full.');
    j.say('refused', 'Refused: rate 2.', { rate: 2 });
    expect(lines.map((l) => JSON.parse(l) as unknown)).toMatchObject([{ level: 'warn', what: 'trouble', time: '1970-01-01T00:00:00.000Z' }, { level: 'warn' }, { level: 'info', what: 'refused', rate: 2 }]);
  });
});

describe('what an operator reads', () => {
  const page = readFileSync(new URL('../../../relay/OPERATING.md', import.meta.url), 'utf8');

  it('has every setting in its table, and none that is no setting', () => {
    const told = [...page.matchAll(/^\| `(?:PORT|HOST|CAREFOLD_)[^|]*\|[^|]*\|[^|]*\| (.+) \|$/gm)].flatMap(([, names]) => [...(names as string).matchAll(/`(\w+)`/g)].map(([, name]) => name));
    const settings = configOf({});
    expect([...told].sort()).toEqual(settings.ok && Object.keys(settings.value).sort());
  });

  it('shows the environment of one node of two as the relay takes it', () => {
    const [, block = ''] = /From one to two:[\s\S]*?\n\n((?: {7}[A-Z0-9_]+=.*\n)+)/.exec(page) ?? [];
    const env = Object.fromEntries(block.trim().split('\n').map((line) => line.trim().split(/=(.*)/).slice(0, 2) as [string, string]));
    const node = configOf(env);
    if (!node.ok) throw new Error(node.fault);
    // each line says something that is taken
    const values = Object.values(node.value).flat().map(String);
    for (const [name, value] of Object.entries(env)) expect(values, name).toContain(value);
    for (const name of ['HOST', 'CAREFOLD_PUBLIC', 'CAREFOLD_PROXIES', 'CAREFOLD_DRAIN', 'CAREFOLD_POSTGRES', 'CAREFOLD_NATS', 'CAREFOLD_S3', 'CAREFOLD_S3_KEY', 'CAREFOLD_S3_SECRET']) expect(env).toHaveProperty(name);
  });
});
