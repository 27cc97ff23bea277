/** Small things that have to be said truly: a crowd at the door, a photo that needs no words, a group without room. */
import { expect, it, vi } from 'vitest';
import type { Bytes } from '../../crypto/brand';
import { decodeLink, inviteKeys } from '../../crypto/invite-secret';
import { LIMIT } from '../../crypto/limits';
import { ok } from '../../crypto/result';
import { ask, type CallName, type Spare } from '../../relay/log';
import { keyOf } from '../../src/lib/core/group-rows';
import { cast, openLink } from '../support/circle';
import { Mallory } from '../support/mallory';
import { World } from '../support/world';
import { DiskLog } from '../sim/disk-log';
import { freshStore } from '../sim/stores';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

it('the fourth who asks under one invite is told so at once, and gets in line when one before is answered', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  const dee = world.device('Dee', 'family');
  await olivia.setUp();
  await dee.setUp();
  const { group } = await olivia.must('new-group', { name: 'Ward 4', kind: 'team' });
  const { link } = await olivia.must('invite', { group, history: 'today', days: 3, relationship: '' });
  const opened = decodeLink(new URL(link).hash);
  if (!opened.ok) throw new Error('no link');
  // three who asked before, as the relay holds them
  const slot = { g: 1, invite: inviteKeys(opened.value.group, opened.value.secret).invite };
  const body = new Uint8Array([1]) as Bytes;
  const request = (n: number): Bytes => new Uint8Array(16).fill(n) as Bytes;
  for (const n of [1, 2, 3]) await ask(world.relay.log, 'putRequest', { ...slot, request: request(n), body, time: world.time.now, most: LIMIT.requestsPerInvite });

  const join = await openLink(dee, link);
  await world.time.pass(200);
  await dee.must('ask', { join });
  await world.time.pass(200);
  expect(dee.view('join', join).state).toBe('crowded');
  await world.time.pass(60_000);
  expect(dee.view('join', join).state).toBe('crowded');
  await ask(world.relay.log, 'dropRequest', { ...slot, request: request(2) });
  await world.time.pass(30_000);
  expect(dee.view('join', join).state).toBe('waiting');
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

it('of many updates that came in one piece those count as unread that were not on the screen, and their author learns it once all were', async () => {
  const { world, olivia, pat } = await cast(2);
  olivia.device.goOffline();
  for (const text of ['One', 'Two', 'Three']) await olivia.post(text);
  await world.time.pass(10_000);
  olivia.device.goOnline();
  await world.time.pass(10_000);
  pat.device.watch('home', null);
  const unread = (): number => pat.device.view('home', null).groups[0]!.unread;
  const see = (text: string) => pat.device.must('seen', { group: pat.group, posts: pat.posts.filter((p) => p.text === text).map((p) => p.id) });
  expect([unread(), pat.posts.map((p) => p.unread)]).toEqual([3, [true, true, true]]);
  await see('Three');
  await world.time.pass(10_000);
  expect([unread(), olivia.delivery('Three')]).toEqual([2, 'sent']);
  await see('One');
  await see('Two');
  await world.time.pass(10_000);
  expect([unread(), olivia.delivery('One'), olivia.delivery('Three')]).toEqual([0, 'seen', 'seen']);
});

it('a group that takes more than its relay allows says so, keeps what is written here, and sends it once there is room', async () => {
  const { world, olivia, pat } = await cast(2);
  const { log } = world.relay;
  const { call } = log;
  let left: Spare | null = { bytes: 0, entries: null, blobs: null };
  Object.assign(log, { call: (name: CallName, input: never, then: (r: unknown) => void) => (name === 'spare' ? then(ok(left)) : call(name, input, then)) });
  await world.time.pass(60_000);
  await olivia.post('before it is known');
  await world.time.pass(20_000);
  await pat.post('no room for this');
  await world.time.pass(20_000);
  expect([pat.view.noRoom, pat.view.alarm, pat.run.outbox.length, pat.delivery('no room for this')]).toEqual(['group', null, 1, 'halted']);
  left = null;
  await world.time.pass(120_000);
  expect([pat.view.noRoom, pat.run.outbox.length, pat.delivery('no room for this')]).toEqual([null, 0, 'sent']);
  expect(olivia.words).toContain('no room for this');
});

it('a relay whose disk is full says so to whoever writes, gives everybody what it has, and takes what waits once there is room', async () => {
  let disk: DiskLog | undefined;
  const { world, olivia, pat } = await cast(2, 'start', undefined, () => World.make('full', (now) => (disk = new DiskLog(freshStore(), now))));
  await olivia.post('before it was full');
  await world.time.pass(20_000);
  disk?.hasRoomFor(0);
  await pat.post('no room for this');
  await world.time.pass(20_000);
  expect([pat.view.noRoom, pat.view.alarm, pat.run.outbox.length, pat.delivery('no room for this')]).toEqual(['server', null, 1, 'halted']);
  // what it has can be read by whoever comes
  await olivia.device.restart();
  await olivia.open();
  await world.time.pass(5_000);
  expect([olivia.words.includes('before it was full'), olivia.view.noRoom, olivia.run.synced]).toEqual([true, null, true]);
  disk?.hasRoom();
  await world.time.pass(120_000);
  expect([pat.view.noRoom, pat.run.outbox.length, pat.delivery('no room for this')]).toEqual([null, 0, 'sent']);
  expect(olivia.words).toContain('no room for this');
  await disk?.close();
});

it('a photo that met a full server or a full group is not sent again each few seconds, and goes once there is room', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  const blobs = world.blobs(olivia);
  let left: 'relay-full' | 'full' | null = 'relay-full';
  let puts = 0;
  world.blobs = () => ({ ...blobs, put: (...a) => (puts++, left === null ? blobs.put(...a) : Promise.resolve(left)) });
  await olivia.setUp();
  const { group } = await olivia.must('new-group', { name: 'Ward 4', kind: 'team' });
  await olivia.openGroup(group);
  await world.time.pass(6_000);
  const bytes = new Uint8Array([1, 2, 3]);
  const { photo } = await olivia.must('add-photo', { group, photo: { full: bytes, thumb: bytes, width: 4, height: 3, type: 'image/jpeg' } });
  await olivia.must('post', { group, text: 'The knee', photos: [photo], replyTo: null });
  for (const [full, of] of [['relay-full', 'server'], ['full', 'group']] as const) {
    left = full;
    puts = 0;
    await world.time.pass(180_000);
    expect([olivia.view('group', group).noRoom, puts]).toEqual([of, 3]);
  }
  left = null;
  await world.time.pass(70_000);
  expect([olivia.view('group', group).noRoom, olivia.core?.groups.get(group)?.outbox.length]).toEqual([null, 0]);
});

it('posts of one piece that were seen before the app was locked stay read, and the piece is told to its author once the others were seen too', async () => {
  const { world, olivia, pat } = await cast(2);
  olivia.device.goOffline();
  for (const text of ['One', 'Two', 'Three']) await olivia.post(text);
  await world.time.pass(10_000);
  olivia.device.goOnline();
  await world.time.pass(10_000);
  const unread = (): number => pat.device.view('home', null).groups[0]!.unread;
  const see = (text: string) => pat.device.must('seen', { group: pat.group, posts: pat.posts.filter((p) => p.text === text).map((p) => p.id) });
  const again = async (): Promise<void> => {
    await world.time.pass(10_000);
    await pat.device.restart();
    await pat.open();
    await world.time.pass(10_000);
  };
  for (const [n, text] of ['Three', 'One'].entries()) {
    await see(text);
    await again();
    expect([unread(), pat.posts.filter((p) => p.unread).length, olivia.delivery('Three')]).toEqual([2 - n, 2 - n, 'sent']);
  }
  await see('Two');
  await again();
  expect([unread(), olivia.delivery('One'), olivia.delivery('Three')]).toEqual([0, 'seen', 'seen']);
  // nothing is kept beside the mark
  expect(await pat.run.around.store.range('inbox', keyOf.seenParts(pat.group))).toEqual([]);
  expect(world.reports).toEqual([]);
});

it('a piece is not called seen while some of it stands further up than what was looked at', async () => {
  const { world, olivia, pat, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  const post = (x: string) => ({ i: m.newId(), t: 'post', a: world.time.now, x }) as const;
  // the second of these begins on the first page of the feed and ends on the second, and only that and the newest are read at first
  const before = m.n;
  for (const count of [120, 180, 150]) await m.append(m.seal(m.update(Array.from({ length: count }, (_, i) => post(`${count} ${i}`)))));
  await world.time.pass(1_000);
  await pat.device.restart();
  await pat.open();
  const unread = (): number => pat.device.view('home', null).groups[0]!.unread;
  const device = m.run.ownRow!.device;
  const told = (): readonly boolean[] => [1, 2, 3].map((n) => olivia.run.feed.seenBy(pat.run.me, device, before + n));
  const see = async (): Promise<void> => {
    await pat.device.must('seen', { group: pat.group, posts: pat.posts.map((p) => p.id) });
    await world.time.pass(10_000);
  };
  expect([unread(), pat.posts.length]).toEqual([450, 250]);
  await see();
  expect([unread(), told()]).toEqual([200, [false, false, true]]);
  await pat.device.restart();
  await pat.open();
  await pat.device.must('older', { group: pat.group });
  expect([unread(), pat.posts.length]).toEqual([200, 450]);
  await pat.device.must('seen', { group: pat.group, posts: pat.posts.slice(0, 200).map((p) => p.id) });
  await world.time.pass(10_000);
  expect([unread(), told()]).toEqual([0, [true, true, true]]);
});

it('what was written a moment before the app is locked leaves, and without a network it waits for the next unlocking', async () => {
  const { world, olivia, pat } = await cast(2);
  const say = (text: string) => pat.device.must('post', { group: pat.group, text, photos: [], replyTo: null });
  await say('Call the ward at once');
  await pat.device.run('lock', null);
  pat.device.kill();
  await world.time.pass(1_000);
  expect(olivia.words).toEqual(['Call the ward at once']);
  await pat.device.boot();
  await pat.device.unlock();
  await pat.open();
  await world.time.pass(5_000);
  expect([pat.delivery('Call the ward at once'), pat.run.outbox]).toEqual(['sent', []]);
  pat.device.goOffline();
  await say('From the lift');
  await pat.device.run('lock', null);
  await pat.device.restart();
  await pat.open();
  pat.device.goOnline();
  await world.time.pass(5_000);
  for (const s of [olivia, pat]) expect(s.words).toEqual(['Call the ward at once', 'From the lift']);
  expect(world.reports).toEqual([]);
});
