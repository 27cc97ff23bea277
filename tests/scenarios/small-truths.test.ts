/** Small things that have to be said truly: a crowd at the door, and a photo that needs no words. */
import { expect, it } from 'vitest';
import { World } from '../support/world';

it('the fourth who asks under one invite is told so at once, and takes the place of one who is answered', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  await olivia.setUp();
  const { group } = await olivia.must('new-group', { name: 'Ward 4', kind: 'team' });
  await olivia.openGroup(group);
  const { link } = await olivia.must('invite', { group, history: 'today', days: 3, relationship: '' });
  const asked = [];
  for (const name of ['Ann', 'Ben', 'Cem', 'Dee']) {
    const device = world.device(name, 'family');
    await device.setUp();
    const { join } = await device.must('open-link', { fragment: new URL(link).hash });
    device.watch('join', join);
    await world.time.pass(200);
    await device.must('ask', { join });
    asked.push(() => device.view('join', join).state);
  }
  expect(asked.map((state) => state())).toEqual(['waiting', 'waiting', 'waiting', 'crowded']);
  await world.time.pass(60_000);
  expect(asked[3]!()).toBe('crowded');
  await olivia.must('refuse', { group, request: olivia.view('group', group).requests[0]!.request });
  await world.time.pass(30_000);
  expect(asked.map((state) => state())).toEqual(['refused', 'waiting', 'waiting', 'waiting']);
  expect(olivia.view('group', group).requests.map((r) => r.name)).toEqual(['Ben', 'Cem', 'Dee']);
});

it('words under a photo may be taken away, and words alone may not be changed into nothing', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  await olivia.setUp();
  const { group } = await olivia.must('new-group', { name: 'Ward 4', kind: 'team' });
  await olivia.openGroup(group);
  const bytes = new Uint8Array([1, 2, 3]);
  const { photo } = await olivia.must('add-photo', { group, photo: { full: bytes, thumb: bytes, width: 4, height: 3, type: 'image/jpeg' } });
  const { post: pictured } = await olivia.must('post', { group, text: 'The knee', photos: [photo], replyTo: null });
  const { post: bare } = await olivia.must('post', { group, text: 'Only words', photos: [], replyTo: null });
  await world.time.pass(6_000);
  expect(await olivia.run('edit', { group, post: pictured, text: ' ' })).toMatchObject({ ok: true });
  expect(await olivia.run('edit', { group, post: bare, text: ' ' })).toEqual({ ok: false, fault: 'empty' });
  await world.time.pass(6_000);
  expect(olivia.words(group)).toEqual(['', 'Only words']);
});
