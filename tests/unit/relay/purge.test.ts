import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { BlobId, Bytes } from '../../../crypto/brand';
import type { FromRelay, ReceiptedEntry } from '../../../crypto/frames';
import { verifyDestroyed } from '../../../crypto/receipt';
import { DESTROY_GRACE } from '../../../crypto/roster/rules';
import { chainHead } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { backUp, restore } from '../../../relay/backup';
import { sweepBlobs } from '../../../relay/blob-routes';
import { type Blobs, memoryBlobs } from '../../../relay/blobs';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, foundGroup, makeDevice, plainEntry, seeded } from '../../support/actor';
import { type Of, Phone, rhea, type Rhea, Scene, settled } from './phone';

let folder: string;
let r: Rhea;
let s: Scene;
let olivia: Device;
let pat: { readonly device: Device; readonly phone: Phone };
let blobs: Blobs;

beforeAll(ready);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-purge-'));
  r = rhea('purge', { log: localLog(join(folder, 'relay.db'), 7) });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  pat = await s.join();
  blobs = memoryBlobs();
});
afterEach(async () => {
  await r.log.close().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

const destroy = (on: boolean): Promise<FromRelay> => s.enter(s.phone, plainEntry(s.state, olivia, { kind: 'destroy', on }));
const purge = async (at: Rhea = r): ReturnType<Rhea['relay']['purge']> => {
  const done = await at.relay.purge(blobs);
  await settled();
  return done;
};
const call = async (device: Device, at = r): Promise<FromRelay> => new Phone(at.relay, at.random).as(device, s.group);
/** The relay again, on what its folder holds. */
function started(now: number): void {
  r = rhea('purge', { log: localLog(join(folder, 'relay.db'), now) });
  r.now = now;
}

it('a group whose end was asked for is destroyed 30 days later and not a moment before, with a receipt for everyone who was in it', async () => {
  await destroy(true);
  r.now += DESTROY_GRACE - 1;
  expect(await purge()).toEqual({ destroyed: 0, waiting: 0 });
  r.now += 1;
  expect(await purge()).toEqual({ destroyed: 1, waiting: 0 });
  const [told] = pat.phone.of('destroyed');
  expect(told).toMatchObject({ re: 0, group: s.group, receipt: { relayPk: s.phone.hello.relayPk, incarnation: 7, seq: s.state.seq, chain: chainHead(s.state), time: r.now } });
  expect(verifyDestroyed(s.group, (told as Of<'destroyed'>).receipt)).toBe(true);
  expect(verifyDestroyed(olivia.logPk as Bytes as never, (told as Of<'destroyed'>).receipt)).toBe(false);
  // who comes later hears the very same, and nothing is answered to who stayed
  r.now += 90_000;
  for (const device of [olivia, pat.device]) expect(await call(device)).toMatchObject({ is: 'destroyed', receipt: told?.receipt });
  expect(await pat.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 9 }))).toMatchObject({ is: 'refused', why: 'not-allowed' });
  expect(await purge()).toEqual({ destroyed: 0, waiting: 0 });
});

it('an end that was called off within the grace never comes', async () => {
  await destroy(true);
  r.now += DESTROY_GRACE - 1;
  await destroy(false);
  r.now += DESTROY_GRACE;
  expect(await purge()).toEqual({ destroyed: 0, waiting: 0 });
  expect((await call(pat.device)).is).toBe('welcome');
});

it('what was destroyed is in no file of the relay any more, attachments included, and an attachment that would not go is tried again', async () => {
  const words = await s.post(s.phone, olivia, 'nobody shall find these words');
  const id = seeded('blob')(32) as Bytes as BlobId;
  const g = (await new Promise<number>((done) => r.log.call('load', s.group, (x) => done((x.ok && x.value?.g) || 0))));
  await new Promise<void>((done) => r.log.call('putBlob', { g, id, device: 1, size: 9, time: 1 }, () => done()));
  const isKept = (bytes: Uint8Array): boolean => readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(Buffer.from(bytes)));
  expect([isKept(words), isKept(olivia.logPk)]).toEqual([true, true]);
  await destroy(true);
  r.now += DESTROY_GRACE;
  let tries = 0;
  blobs = { ...memoryBlobs(), drop: async () => ++tries > 1 };
  expect(await purge()).toEqual({ destroyed: 0, waiting: 1 });
  expect(await purge()).toEqual({ destroyed: 1, waiting: 0 });
  expect(await purge()).toEqual({ destroyed: 0, waiting: 0 });
  expect([isKept(words), isKept(olivia.logPk), isKept(id)]).toEqual([false, false, false]);
});

it('nobody brings back what was destroyed, with its genesis or with the relay’s own receipts', async () => {
  const f = await s.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }));
  const items = (f as Of<'entries'>).items as readonly ReceiptedEntry[];
  await destroy(true);
  r.now += DESTROY_GRACE;
  await purge();
  const mallory = new Phone(r.relay, r.random);
  expect(await mallory.ask((re) => ({ is: 'give-entries', re, group: s.group, items }))).toMatchObject({ is: 'destroyed' });
  const made = foundGroup(r.random, olivia);
  expect(await mallory.ask((re) => ({ is: 'create', re, group: s.group, genesis: items[0]!.entry, boxes: made.boxes }))).not.toMatchObject({ is: 'entered' });
  expect(new Phone(r.relay, r.random).hello.incarnation).toBe(7);
});

it('a backup from before the end does not bring the group back where the store before remembers it', async () => {
  expect(backUp(folder, join(folder, 'copy'))).toMatchObject({ ok: true });
  await destroy(true);
  r.now += DESTROY_GRACE;
  await purge();
  await r.log.close();
  expect(await restore(folder, join(folder, 'copy'), r.now)).toMatchObject({ ok: true, value: { groups: 0 } });
  started(r.now);
  expect(await call(pat.device)).toMatchObject({ is: 'destroyed' });
});

it('a restored relay hears first whether the end was called off, and destroys what nobody called off', async () => {
  await destroy(true);
  expect(backUp(folder, join(folder, 'copy'))).toMatchObject({ ok: true });
  r.now += DESTROY_GRACE - 2;
  await destroy(false);
  const entries = (await s.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }))) as Of<'entries'>;
  await r.log.close();
  rmSync(join(folder, 'relay.db'));
  expect(await restore(folder, join(folder, 'copy'), r.now + 2)).toMatchObject({ ok: true });
  started(r.now + 2);
  expect(await purge()).toEqual({ destroyed: 0, waiting: 1 });
  const phone = new Phone(r.relay, r.random);
  expect(await phone.ask((re) => ({ is: 'give-entries', re, group: s.group, items: entries.items }))).toMatchObject({ is: 'done' });
  r.now += 8 * 86_400_000;
  expect(await purge()).toEqual({ destroyed: 0, waiting: 0 });
  expect((await call(olivia)).is).toBe('welcome');
  // the same backup, and nobody comes who knows of more: once the wait is over it ends
  await r.log.close();
  rmSync(join(folder, 'relay.db'));
  expect(await restore(folder, join(folder, 'copy'), r.now)).toMatchObject({ ok: true });
  started(r.now + 8 * 86_400_000);
  expect(await purge()).toEqual({ destroyed: 1, waiting: 0 });
});

it('nothing of it stays in the log beside the store, though somebody was reading just then', async () => {
  await destroy(true);
  r.now += DESTROY_GRACE;
  const left = (): number => statSync(join(folder, 'relay.db-wal')).size;
  const reader = new DatabaseSync(join(folder, 'relay.db'));
  reader.exec('BEGIN; SELECT count(*) FROM groups');
  reader.prepare('SELECT count(*) FROM groups').get();
  expect(await purge()).toEqual({ destroyed: 1, waiting: 0 });
  expect(left()).toBeGreaterThan(0);
  reader.exec('COMMIT');
  reader.close();
  await sweepBlobs(r.relay, blobs, 0, 0);
  expect(left()).toBe(0);
});
