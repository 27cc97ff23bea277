/** Attachments whose row the store did not keep, on a real directory and a real store. */
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { Hono } from 'hono';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import { base64url, hex } from '../../../crypto/bytes';
import { blobId } from '../../../crypto/kept';
import { ready } from '../../../crypto/sodium';
import { createApp } from '../../../relay/app';
import { backUp, restore } from '../../../relay/backup';
import { blobFiles } from '../../../relay/blob-files';
import { sweepBlobs } from '../../../relay/blob-routes';
import { sweepStrays } from '../../../relay/blob-strays';
import { type Blobs, PARTS } from '../../../relay/blobs';
import { RATE } from '../../../relay/limits';
import { DiskLog } from '../../sim/disk-log';
import { type Device, makeDevice, seeded } from '../../support/actor';
import { type Of, Phone, rhea, type Rhea, Scene } from './phone';

beforeAll(ready);

let folder: string;
let log: DiskLog;
let blobs: Blobs;
let r: Rhea;
let s: Scene;
let olivia: Device;
let app: Hono;
let bearer: Bytes;

const begin = async (life: number): Promise<void> => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-strays-'));
  log = new DiskLog(join(folder, 'relay.db'), life);
  blobs = await blobFiles(join(folder, 'blobs'));
  r = rhea('strays', { log });
  r.now = Date.now();
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  app = createApp(r.relay, held, '/nowhere');
  const phone = new Phone(r.relay, r.random);
  bearer = ((await phone.as(olivia, s.group)) as Of<'welcome'>).bearer;
};
beforeEach(() => begin(Date.now() - RATE.strayAfterRestore - 1000));
afterEach(async () => {
  hold = null;
  dropping = 0;
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The files, dropped only when `hold` lets them be. */
let hold: Promise<void> | null = null;
let dropping = 0;
const held: Blobs = {
  put: (...a) => blobs.put(...a),
  get: (...a) => blobs.get(...a),
  old: (...a) => blobs.old(...a),
  drop: async (...a) => {
    dropping++;
    await hold;
    return blobs.drop(...a);
  }
};
const path = (bytes: Bytes): string => join(folder, 'blobs', hex(blobId(bytes)).slice(0, 2), `1.${hex(blobId(bytes))}`);
const say = async (method: string, bytes: Bytes): Promise<Response> => app.request(`/api/blob/${hex(s.group)}/${hex(blobId(bytes))}`, { method, headers: { Authorization: `Bearer ${base64url(bearer)}` }, ...(method === 'PUT' ? { body: bytes } : {}) });
const put = async (bytes: Bytes): Promise<number> => (await say('PUT', bytes)).status;
/** Put three days ago, as its file says. */
const aged = (bytes: Bytes): void => utimesSync(path(bytes), (r.now - 72 * 3_600_000) / 1000, (r.now - 72 * 3_600_000) / 1000);
const sweep = async (): Promise<number> => {
  let gone = 0;
  for (let part = 0; part < PARTS; part++) gone += await sweepStrays(r.relay, held, part);
  return gone;
};
/** A full disk takes the bytes and refuses the row. */
async function stray(bytes: Bytes): Promise<void> {
  log.hasRoomFor(0);
  expect(await put(bytes)).toBe(507);
  log.hasRoom();
  expect(existsSync(path(bytes))).toBe(true);
}

it('are removed once they are older than an upload may be, and none that the store knows of', async () => {
  const [kept, named, lost, young] = ['kept', 'named', 'lost', 'young'].map((name) => seeded(name)(3000)) as [Bytes, Bytes, Bytes, Bytes];
  expect([await put(kept), await put(named)]).toEqual([201, 201]);
  s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia, 'photo', { blobs: [blobId(named)] }) });
  for (const bytes of [lost, young]) await stray(bytes);
  expect(await sweep()).toBe(0);
  for (const bytes of [kept, named, lost]) aged(bytes);
  expect(await sweep()).toBe(1);
  expect([kept, named, lost, young].map((bytes) => existsSync(path(bytes)))).toEqual([true, true, false, true]);
  expect(await sweep()).toBe(0);
  // what its device still has it may bring, once that is over
  expect(await put(young)).toBe(201);
  r.now += RATE.blobGoing;
  expect(await put(lost)).toBe(201);
  expect(Buffer.from(await (await say('GET', lost)).arrayBuffer()).equals(lost)).toBe(true);
});

it('that come again while they are being removed are refused until that is over, and never kept without their bytes', async () => {
  const bytes = seeded('again')(3000);
  await stray(bytes);
  aged(bytes);
  let go = (): void => undefined;
  hold = new Promise((done) => (go = done));
  const sweeping = sweep();
  await expect.poll(() => dropping).toBe(1);
  const answer = await say('PUT', bytes);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '600']);
  go();
  expect([await sweeping, existsSync(path(bytes)), (await say('GET', bytes)).status]).toEqual([1, false, 404]);
  r.now += RATE.blobGoing;
  expect([await put(bytes), existsSync(path(bytes)), (await say('GET', bytes)).status]).toEqual([201, true, 200]);
});

it('that came again before the store was asked stay', async () => {
  const bytes = seeded('before')(3000);
  await stray(bytes);
  aged(bytes);
  const slow: Blobs = {
    ...held,
    async *old(part, before) {
      for await (const some of blobs.old(part, before)) {
        expect(await put(bytes)).toBe(201);
        yield some;
      }
    }
  };
  expect(await sweepStrays(r.relay, slow, blobId(bytes)[0] as number)).toBe(0);
  expect([existsSync(path(bytes)), (await say('GET', bytes)).status]).toEqual([true, 200]);
});

it('one that no envelope named for two days and that comes again while it is removed is refused as well', async () => {
  const bytes = seeded('unnamed')(3000);
  expect(await put(bytes)).toBe(201);
  let go = (): void => undefined;
  hold = new Promise((done) => (go = done));
  const sweeping = sweepBlobs(r.relay, held, r.now + 1, 0);
  await expect.poll(() => dropping).toBe(1);
  expect((await say('HEAD', bytes)).status).toBe(404);
  expect(await put(bytes)).toBe(503);
  go();
  expect([await sweeping, existsSync(path(bytes))]).toEqual([1, false]);
  r.now += RATE.blobGoing;
  expect(await put(bytes)).toBe(201);
});

it('one that is deleted and comes again while its bytes are removed is refused as well', async () => {
  const bytes = seeded('deleted')(3000);
  expect(await put(bytes)).toBe(201);
  let go = (): void => undefined;
  hold = new Promise((done) => (go = done));
  const deleted = say('DELETE', bytes);
  await expect.poll(() => dropping).toBe(1);
  expect((await say('HEAD', bytes)).status).toBe(404);
  expect((await say('DELETE', bytes)).status).toBe(404);
  expect(await put(bytes)).toBe(503);
  go();
  expect([(await deleted).status, existsSync(path(bytes))]).toEqual([204, false]);
  r.now += RATE.blobGoing;
  expect([await put(bytes), existsSync(path(bytes)), (await say('GET', bytes)).status]).toEqual([201, true, 200]);
});

it('are no part of a backup while they are being removed', async () => {
  const [bytes, kept] = ['going', 'kept'].map((name) => seeded(name)(3000)) as [Bytes, Bytes];
  await stray(bytes);
  expect(await put(kept)).toBe(201);
  log.transact([{ name: 'strays', input: { blobs: [{ g: 1, id: blobId(bytes) }], time: r.now } }]);
  const file = join(folder, 'backup');
  expect(backUp(folder, file)).toEqual({ ok: true, value: { groups: 1, blobs: 1, missing: 0 } });
  const other = join(folder, 'other');
  expect(await restore(other, file, r.now)).toEqual({ ok: true, value: { groups: 1, blobs: 1, missing: 0, before: null } });
  const db = new DatabaseSync(join(other, 'relay.db'));
  expect(db.prepare('SELECT size FROM blobs').all()).toEqual([{ size: 3000 }]);
  db.close();
});

it('stay for thirty days after a restore, since somebody may want the store from before it', async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
  await begin(Date.now() - RATE.strayAfterRestore + 60_000);
  const bytes = seeded('restored')(3000);
  await stray(bytes);
  aged(bytes);
  expect([await sweep(), existsSync(path(bytes))]).toEqual([0, true]);
  r.now += 61_000;
  expect([await sweep(), existsSync(path(bytes))]).toEqual([1, false]);
});
