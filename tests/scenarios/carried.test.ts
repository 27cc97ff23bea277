/** The history of a group that a fork ended, taken along by its owner to the one begun anew (R13). */
import { expect, it, vi } from 'vitest';
import { equal } from '../../crypto/bytes';
import { admit, cast, Seat } from '../support/circle';
import { endInFork } from '../support/forked';
import type { Device } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const PICTURE = new Uint8Array(3_000).map((_, i) => i % 251);

/** What was brought along, as this device reads it. */
async function readHistory(seat: Seat): Promise<Seat> {
  const archive = new Seat(seat.device, (await seat.device.must('read-history', { group: seat.group })).group);
  await archive.open();
  return archive;
}
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
  await fay.post('Looks better');
  await world.time.pass(SENT);
  await fay.device.must('edit', { group: fay.group, post: fay.posts[2]!.id, text: 'Looks much better' });
  await world.time.pass(SENT);
  const rhea = await endInFork(world, [olivia, pat, fay]);
  expect(await pat.device.run('new-group', { name: 'Mine', kind: 'family', carry: pat.group })).toEqual({ ok: false, fault: 'not-allowed' });

  const anew = new Seat(olivia.device, (await olivia.device.must('new-group', { name: 'Forked', kind: 'family', carry: olivia.group })).group);
  await anew.open();
  await world.time.pass(3 * SENT);
  expect(anew.view.carrying).toBeNull();
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
