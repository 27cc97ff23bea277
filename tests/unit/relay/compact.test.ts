import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import type { Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, makeDevice, seeded } from '../../support/actor';
import { rhea, type Rhea, Scene } from './phone';

beforeAll(ready);

let folder: string;
let log: Log;
let asked: number[];
let isBroken: boolean;
let r: Rhea;
let olivia: Device;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-compact-'));
  const inner = localLog(join(folder, 'relay.db'), 7);
  asked = [];
  isBroken = false;
  log = {
    ...inner,
    call(name, input, then) {
      if (name === 'compact') asked.push((input as { readonly g: number }).g);
      if (name === 'compact' && isBroken) then({ ok: false, fault: 'unavailable' });
      else inner.call(name, input, then);
    }
  };
  r = rhea('compact', { log });
  olivia = makeDevice(seeded('olivia'));
});
afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows of commits, and of feeds. */
function rows(): readonly [number, number] {
  const db = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  const count = (table: string): number => (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { readonly n: number }).n;
  const found = [count('fresh'), count('batches')] as const;
  db.close();
  return found;
}
const compacted = async (): Promise<number[]> => {
  asked = [];
  await r.relay.compact();
  return asked;
};

it('a relay lays together what was written in groups that somebody came to since, and asks for no other', async () => {
  const s = await Scene.begin(r, olivia);
  const other = await Scene.begin(r, makeDevice(seeded('pat')));
  const fay = await s.join();
  for (let i = 0; i < 5; i++) {
    await s.post(s.phone, olivia);
    await s.post(fay.phone, fay.device);
  }
  expect(rows()).toEqual([10, 0]);
  other.phone.close();
  // of those that are here as well as of those that left
  expect(await compacted()).toEqual([2, 1]);
  expect(rows()).toEqual([10, 1]);
  expect(await compacted()).toEqual([1]);
  s.phone.close();
  expect(await compacted()).toEqual([1]);
  fay.phone.close();
  expect(await compacted()).toEqual([1]);
  expect(await compacted()).toEqual([]);
  const late = await s.arrive(olivia);
  const page = await late.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 50 }));
  expect(page).toMatchObject({ is: 'page', more: false, items: { length: 10 } });
});

it('a relay whose store did not answer lays it together the next time', async () => {
  const s = await Scene.begin(r, olivia);
  await s.post(s.phone, olivia);
  s.phone.close();
  isBroken = true;
  expect(await compacted()).toEqual([1]);
  isBroken = false;
  expect(await compacted()).toEqual([1]);
  expect([rows()[1], await compacted()]).toEqual([1, []]);
});
