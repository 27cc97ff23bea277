/** The history of a group that a fork ended, taken along by its owner to the one begun anew (R13). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { sealBlob } from '../../crypto/blob';
import type { Bytes } from '../../crypto/brand';
import { base64url, equal } from '../../crypto/bytes';
import { type CarriedPart, encodePart, sealNote, signNote } from '../../crypto/carried';
import { type InboxRow, keyOf, putBytes, readAll } from '../../src/lib/core/group-rows';
import { enqueue } from '../../src/lib/core/send';
import { seeded } from '../support/actor';
import { admit, cast, Seat } from '../support/circle';
import { endInFork } from '../support/forked';
import { backedUp, putBack, worldIn } from '../support/restored';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const PICTURE = new Uint8Array(3_000).map((_, i) => i % 251);

/** What was brought along, as this device reads it. */
async function readHistory(seat: Seat): Promise<Seat> {
  const archive = new Seat(seat.device, (await seat.device.must('read-history', { group: seat.group })).group);
  await archive.open();
  return archive;
}
/** Groups that the disk holds envelopes of. */
const kept = async ({ run }: Seat): Promise<string[]> => [...new Set((await run.around.store.range('inbox', '')).map((r) => r.key.split('/')[0]!))].sort();
const app = (device: Device) => {
  const view = device.view('app', null);
  if (view.phase !== 'open') throw new Error('locked');
  return view;
};

it('is read by whoever comes in from the start, with its authors and pictures, and by nobody who comes in from today', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  await olivia.post('Visit on Monday');
  const added = await pat.device.must('add-photo', { group: pat.group, photo: { full: PICTURE, thumb: PICTURE.slice(0, 50), width: 4, height: 3, type: 'image/jpeg' } });
  await pat.post('The wound today', [added.photo]);
  await world.time.pass(SENT);
  await olivia.device.must('photo', { group: olivia.group, photo: added.photo, size: 'full' });
  await olivia.device.must('photo', { group: olivia.group, photo: added.photo, size: 'thumb' });
  // a picture that Olivia never looked at, and so cannot take along
  const unseen = await fay.device.must('add-photo', { group: fay.group, photo: { full: PICTURE, thumb: PICTURE.slice(9, 70), width: 4, height: 3, type: 'image/jpeg' } });
  await fay.post('Looks better', [unseen.photo]);
  await world.time.pass(SENT);
  await fay.device.must('edit', { group: fay.group, post: fay.posts[2]!.id, text: 'Looks much better' });
  await world.time.pass(SENT);
  const rhea = await endInFork(world, [olivia, pat, fay]);
  expect(await pat.device.run('new-group', { name: 'Mine', kind: 'family', carry: pat.group })).toEqual({ ok: false, fault: 'not-allowed' });

  const anew = new Seat(olivia.device, (await olivia.device.must('new-group', { name: 'Forked', kind: 'family', carry: olivia.group })).group);
  await anew.open();
  await world.time.pass(3 * SENT);
  expect([anew.view.carrying, anew.run.outbox]).toEqual([null, []]);
  expect(anew.view.history).toMatchObject({ mine: true, group: olivia.group });

  // Pat has the old group still, and is led there
  const again = await admit(world, anew, pat.device);
  await world.time.pass(SENT);
  expect(again.view.history).toMatchObject({ by: 'Olivia', mine: false, group: pat.group });
  const [dan, ben] = [world.device('Dan', 'family'), world.device('Ben', 'family')];
  for (const d of [dan, ben]) await d.setUp();
  const from = await admit(world, anew, dan);
  const today = await admit(world, anew, ben, 'today');
  await world.time.pass(SENT);

  expect(today.view.history).toBeNull();
  expect(await ben.run('read-history', { group: today.group })).toEqual({ ok: false, fault: 'not-found' });
  expect(from.view.history).toMatchObject({ by: 'Olivia', group: null, reading: null });
  const archive = await readHistory(from);
  expect(archive.posts.map((p) => [p.name, p.text, p.mine, p.unread])).toEqual([
    ['Olivia', 'Visit on Monday', false, false], ['Pat', 'The wound today', false, false], ['Fay', 'Looks much better', false, false]
  ]);
  expect(archive.view).toMatchObject({ name: 'Forked', ended: 'carried', alarm: null, carried: { by: 'Olivia', proven: true, lacksKeys: false }, history: null, iOwn: false, mayInvite: false });
  expect(archive.view.people.map((p) => [p.name, p.me])).toEqual([['Olivia', false], ['Pat', false], ['Fay', false]]);
  const shown = await dan.must('photo', { group: archive.group, photo: added.photo, size: 'full' });
  expect(equal(shown.bytes, PICTURE)).toBe(true);

  // it is for reading alone, counts for nothing, and says nothing to the relay
  expect(await archive.post('Is anybody here?')).toEqual({ ok: false, fault: 'group-ended' });
  expect(dan.view('home', null).unread).toBe(0);
  expect(app(dan)).toMatchObject({ connection: { waiting: 0, halted: 0 }, recovery: { of: 1 } });
  await dan.restart();
  await archive.open();
  await from.open();
  await world.time.pass(SENT);
  expect(archive.words).toEqual(['Visit on Monday', 'The wound today', 'Looks much better']);
  expect(rhea.told.filter((t) => t.device === 'Dan' && 'group' in t.f && equal(t.f.group, olivia.run.row.id))).toEqual([]);
  expect(from.view.history).toMatchObject({ group: archive.group });

  // it can be deleted like any group that ended, and fetched again
  await dan.must('forget-group', { group: archive.group });
  expect((await readHistory(from)).words).toHaveLength(3);
  expect(world.reports).toEqual([]);
});

/** Olivia's group, ended in a fork, with more words than one part holds; and the relay that stands between. */
async function ended(posts: number, make?: () => Promise<World>) {
  const { world, olivia, pat } = await cast(2, 'start', undefined, make);
  const long = 'x'.repeat(19_000);
  const words = Array.from({ length: posts }, (_, i) => `${i} ${long}`);
  const added = await pat.device.must('add-photo', { group: pat.group, photo: { full: PICTURE, thumb: PICTURE.slice(0, 50), width: 4, height: 3, type: 'image/jpeg' } });
  await pat.post('A picture', [added.photo]);
  for (const w of words) await pat.post(w);
  await world.time.pass(3 * SENT);
  for (const size of ['full', 'thumb'] as const) await olivia.device.must('photo', { group: olivia.group, photo: added.photo, size });
  const rhea = await endInFork(world, [olivia, pat]);
  return { world, rhea, olivia, pat, words: ['A picture', ...words], photo: added.photo };
}

it('goes on where it was cut short, while it is put together, sent or read, and stays closed to who came in from today meanwhile', async () => {
  const { world, olivia, words, photo } = await ended(57);
  // how many blobs still get through to the relay
  let through = 0;
  const real = world.blobs.bind(world);
  world.blobs = (device) => {
    const carrier = real(device);
    return { ...carrier, put: (...blob) => (device !== olivia.device || through-- > 0 ? carrier.put(...blob) : Promise.resolve('offline')) };
  };
  /** The disk is gone with the n-th write from now on; then the device starts again. */
  const cutAt = async (device: Device, n: number, meanwhile: () => Promise<unknown>): Promise<void> => {
    let left = n;
    device.fate = () => (--left > 0 ? 'done' : 'lost');
    await meanwhile();
    device.fate = () => 'done';
    await device.restart();
  };
  const before = world.stored.size;
  let group = '';
  await cutAt(olivia.device, 3, async () => {
    ({ group } = await olivia.device.must('new-group', { name: 'Anew', kind: 'family', carry: olivia.group }));
    await world.time.pass(2_000);
  });
  const anew = new Seat(olivia.device, group);
  await cutAt(olivia.device, 5, () => world.time.pass(2_000));
  await anew.open();
  await world.time.pass(2 * SENT);
  // put together, and nothing of it sent
  const parts = 2;
  expect(anew.view.carrying).toEqual({ done: 0, of: parts + 2, stuck: null });
  expect([world.stored.size - before, app(olivia.device).connection.waiting]).toEqual([0, 1]);
  expect(await olivia.device.run('forget-group', { group: olivia.group })).toEqual({ ok: false, fault: 'carrying' });
  const [dan, ben] = [world.device('Dan', 'family'), world.device('Ben', 'family')];
  for (const d of [dan, ben]) await d.setUp();
  const from = await admit(world, anew, dan);
  const today = await admit(world, anew, ben, 'today');
  // words go past it
  await anew.post('Welcome');
  await world.time.pass(SENT);
  expect([from.words, from.view.history]).toEqual([['Welcome'], null]);
  through = 1;
  await world.time.pass(2 * SENT);
  expect(anew.view.carrying).toMatchObject({ done: 1 });
  await olivia.device.restart();
  await anew.open();
  through = 100;
  await world.time.pass(3 * SENT);
  expect(anew.view.carrying).toBeNull();
  // the part that was there and not yet named went once more
  expect([100 - through, world.stored.size - before, anew.run.outbox, await anew.run.around.store.range('upload', '')]).toEqual([parts + 2, parts, [], []]);

  await world.time.pass(SENT);
  expect(today.view.history).toBeNull();
  expect(from.view.history).toMatchObject({ by: 'Olivia', group: null });
  dan.fate = (w) => (w === 'commit' ? 'full' : 'done');
  expect(await dan.run('read-history', { group: from.group })).toEqual({ ok: false, fault: 'storage-full' });
  await cutAt(dan, 4, async () => {
    dan.begin('read-history', { group: from.group });
    await world.time.pass(3_000);
  });
  await from.open();
  await world.time.pass(SENT);
  expect(await kept(from)).toEqual([from.group]);
  const archive = await readHistory(from);
  expect(await kept(from)).toEqual([from.group, archive.group].sort());
  expect(archive.words).toEqual(words);
  expect((await dan.must('photo', { group: archive.group, photo, size: 'full' })).bytes.length).toBe(PICTURE.length);
});

it('shows nothing of a forged one, whoever made it, and says so; the true one after it is read', async () => {
  const { world, olivia, words } = await ended(4);
  // the owner thinks better of it: nothing is left that would go
  world.down = true;
  const anew = new Seat(olivia.device, (await olivia.device.must('new-group', { name: 'Anew', kind: 'family', carry: olivia.group })).group);
  await anew.open();
  await world.time.pass(1_000);
  expect(anew.view.carrying).not.toBeNull();
  await olivia.device.must('stop-carrying', { group: anew.group });
  expect([anew.run.carrying, anew.run.outbox, await anew.run.around.store.range('upload', '')]).toEqual([null, [], []]);
  world.down = false;
  olivia.device.cut();
  await world.time.pass(3 * SENT);
  expect([anew.view.stored, anew.view.history]).toEqual([true, null]);
  const [dan, mallory] = [world.device('Dan', 'family'), world.device('Mallory', 'family')];
  for (const d of [dan, mallory]) await d.setUp();
  const [from, bad] = [await admit(world, anew, dan), await admit(world, anew, mallory)];
  const random = seeded('a forger');
  const old = olivia.run;
  const rows = (await readAll<InboxRow>(old.around.store, 'inbox', keyOf.envelopes(old.ref))).map((r) => r.value);
  const all: CarriedPart['envelopes'] = rows.map(({ device, n, time, envelope }) => ({ device, n, time, envelope }));
  /** Says in a member's lane that these envelopes are the history, with all keys that old owner's device has. */
  const bring = async (by: Seat, envelopes: CarriedPart['envelopes']): Promise<void> => {
    const { run } = by;
    const keys = [...old.keyring.values()].sort((a, b) => a.epoch - b.epoch);
    const blob = sealBlob(encodePart({ index: 0, entries: old.entries, keys, envelopes }), random);
    const note = signNote(run.row.id, { group: old.row.id, entries: old.entries.length, keys: keys.length, envelopes: envelopes.length, fork: null, parts: [blob], by: old.keys.logPk }, old.keys.logSk);
    const s = base64url(sealNote(run.row.id, anew.run.keyring.get(1)!.content!, note, random));
    await enqueue(run, [{ record: { i: base64url(random(16)), t: 'carried', a: 0, b: [base64url(blob.id)], s }, heldUntil: 0 }], [putBytes('upload', run.blobKey(base64url(blob.id)), blob.ciphertext)]);
    await by.post('Look');
    await world.time.pass(2 * SENT);
  };
  await bring(bad, all);
  expect(from.view.history, 'by a member').toBeNull();
  const middle = all.findIndex((e) => e.device === 2 && e.n === 2);
  const hers = all.at(-1)!;
  const lies = [all.filter((_, i) => i !== middle), [...all, { ...hers, n: hers.n + 1, envelope: hers.envelope }], all.map((e, i) => (i === middle ? { ...e, envelope: e.envelope.map((x, at) => (at === 300 ? x ^ 1 : x)) as Bytes } : e))];
  for (const lie of lies) {
    await bring(anew, lie);
    expect(await dan.run('read-history', { group: from.group })).toEqual({ ok: false, fault: 'bad-history' });
    expect(from.view.history).toMatchObject({ reading: 'wrong', group: null });
    expect(dan.view('home', null).groups.map((g) => g.group)).toEqual([from.group]);
    expect(await kept(from)).toEqual([from.group]);
  }
  expect(middle).toBeGreaterThan(0);
  await bring(anew, all);
  expect(from.view.history).toMatchObject({ reading: null });
  const archive = await readHistory(from);
  expect(archive.words).toEqual(words);
  expect(archive.view.carried).toMatchObject({ proven: false });
  expect(world.reports).toEqual([]);
});

it('is given back, pictures and all, to a relay that was restored from before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-carried-'));
  try {
    const { world, olivia, words, photo } = await ended(2, () => worldIn(folder));
    const backup = backedUp(folder);
    const anew = new Seat(olivia.device, (await olivia.device.must('new-group', { name: 'Anew', kind: 'family', carry: olivia.group })).group);
    await anew.open();
    await world.time.pass(3 * SENT);
    const there = [...world.stored.keys()].sort();
    await putBack(world, folder, backup);
    world.stored.clear();
    await world.time.pass(6 * SENT);
    expect([...world.stored.keys()].sort()).toEqual(there);
    const dan = world.device('Dan', 'family');
    await dan.setUp();
    const archive = await readHistory(await admit(world, anew, dan));
    expect(archive.words).toEqual(words);
    expect((await dan.must('photo', { group: archive.group, photo, size: 'full' })).bytes.length).toBe(PICTURE.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
