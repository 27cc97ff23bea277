/** A group made without any network, and the moments in which it first meets the relay. */
import { expect, it } from 'vitest';
import { admit, Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import { World } from '../support/world';

async function offlineGroup() {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  await olivia.setUp();
  olivia.goOffline();
  const { group } = await olivia.must('new-group', { name: 'Made in a lift', kind: 'team' });
  const seat = new Seat(olivia, group);
  await seat.open();
  return { world, seat };
}

it('a group made and written in without network is stored, with every word, once there is one', async () => {
  const { world, seat } = await offlineGroup();
  const { device, group } = seat;
  expect(seat.view).toMatchObject({ stored: false, iOwn: true, name: 'Made in a lift', alarm: null });
  expect(await device.run('invite', { group, history: 'start', days: 3, relationship: '' })).toEqual({ ok: false, fault: 'needs-network' });
  await seat.post('First');
  const photo = await device.must('add-photo', { group, photo: { full: new Uint8Array(800).fill(1), thumb: new Uint8Array(50).fill(1), width: 4, height: 3, type: 'image/jpeg' } });
  await seat.post('With a picture', [photo.photo]);
  await world.time.pass(20_000);
  await device.restart();
  await seat.open();
  expect(seat.words).toEqual(['First', 'With a picture']);
  expect([seat.delivery('First'), seat.delivery('With a picture')]).toEqual(['saved', 'saved']);
  device.goOnline();
  await world.time.pass(10_000);
  expect(seat.view).toMatchObject({ stored: true, waiting: 0, alarm: null });
  expect([seat.delivery('First'), seat.delivery('With a picture')]).toEqual(['sent', 'sent']);
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  const joined = await admit(world, seat, pat);
  expect(joined.words).toEqual(['First', 'With a picture']);
  expect((await pat.run('photo', { group: joined.group, photo: joined.posts[1]!.photos[0]!.photo, size: 'full' })).ok).toBe(true);
  expect(world.reports).toEqual([]);
});

it('the answer to its making may be lost, or the device die before it is kept: the group is made once', async () => {
  for (const how of ['answer lost', 'killed', 'unheard'] as const) {
    const { world, seat } = await offlineGroup();
    const { device } = seat;
    const rhea = new Rhea(world);
    await seat.post('Words');
    await world.time.pass(6_000);
    let once = true;
    rhea.down = (f) => {
      if (f.is !== 'entered' || !once) return [f];
      once = false;
      if (how === 'killed') device.kill();
      if (how === 'unheard') device.fate = () => 'done-unheard';
      return how === 'unheard' ? [f] : [];
    };
    device.goOnline();
    await world.time.pass(3_000);
    device.fate = () => 'done';
    if (how !== 'answer lost') await device.restart();
    await seat.open();
    device.goOnline();
    await world.time.pass(60_000);
    expect(seat.view, how).toMatchObject({ stored: true, waiting: 0, alarm: null });
    expect(seat.delivery('Words'), how).toBe('sent');
    expect(seat.run.entries, how).toHaveLength(1);
    expect(world.reports, how).toEqual([]);
  }
});

it('a group can be left by everyone but its owner, who goes on alone with fresh keys', async () => {
  const { world, seat } = await offlineGroup();
  seat.device.goOnline();
  await world.time.pass(3_000);
  const others: Seat[] = [];
  for (const name of ['Pat', 'Fay']) {
    const device = world.device(name, 'family');
    await device.setUp();
    others.push(await admit(world, seat, device));
  }
  for (const o of others) {
    await o.post(`${o.device.name} says goodbye`);
    await world.time.pass(6_000);
    await o.device.must('leave', { group: o.group });
  }
  await world.time.pass(5_000);
  await seat.post('Alone');
  await world.time.pass(6_000);
  expect(seat.words).toEqual(['Pat says goodbye', 'Fay says goodbye', 'Alone']);
  expect(seat.delivery('Alone')).toBe('sent');
  expect(seat.view.people.filter((p) => p.ended === null)).toHaveLength(1);
  for (const o of others) {
    expect(o.view.ended).toBe('left');
    expect(await o.post('Back again?')).toEqual({ ok: false, fault: 'group-ended' });
    await o.device.must('forget-group', { group: o.group });
    await o.device.restart();
    expect(o.device.view('home', null).groups).toEqual([]);
  }
});
