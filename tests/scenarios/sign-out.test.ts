/** What is written here and never left: the group's screen, the list of groups and signing out say the same of it, before any of it is lost. */
import { expect, it, vi } from 'vitest';
import { ok } from '../../crypto/result';
import { ask, type CallName, type Spare } from '../../relay/log';
import type { GroupSummary } from '../../src/lib/core/port';
import { admit, cast, Seat } from '../support/circle';
import { fork } from '../support/forked';
import { groupNamed, link } from '../support/linked';
import { Rhea } from '../support/rhea';
import { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const NOTHING = { discard: { words: false, groups: false } };
const PICTURE = { full: new Uint8Array(500), thumb: new Uint8Array(50), width: 4, height: 3, type: 'image/jpeg' } as const;
const homeOf = (s: Seat): GroupSummary => s.device.view('home', null).groups.find((g) => g.group === s.group)!;
/** What is on this device alone: all that was said, what of it does not leave by waiting, and drafts. */
const here = (s: Seat): number[] => [homeOf(s).waiting, homeOf(s).stuck, homeOf(s).drafts];
const phaseOf = (s: Seat) => s.device.view('app', null).phase;
const write = (s: Seat, text: string, editing?: { post: string; text: string; over: string }) => s.device.must('save-draft', { group: s.group, text, replyTo: null, ...(editing && { editing }) });
const addPhoto = (s: Seat) => s.device.must('add-photo', { group: s.group, photo: PICTURE });

/** Says the same wherever it is asked, and signs nobody out over it: at once, since waiting changes nothing. */
async function staysHere(world: World, s: Seat, text: string, at: 'halted' | 'unsent'): Promise<void> {
  const app = s.device.view('app', null);
  expect([s.delivery(text), ...here(s)]).toEqual([at, 1, 1, 0]);
  expect(app.phase === 'open' && app.connection).toMatchObject({ state: 'online', waiting: 0, halted: at === 'halted' ? 1 : 0 });
  const asked = world.time.now;
  expect(await s.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'unsent' });
  expect(world.time.now - asked).toBeLessThan(1_000);
  expect([phaseOf(s), s.words]).toEqual(['open', expect.arrayContaining([text])]);
}

it('words of a group whose relay signed two histories stay, and signing out says so', async () => {
  const { world, olivia, pat } = await cast(2);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat]) s.device.cut();
  await world.time.pass(3_000);
  fork(rhea, olivia, [pat]);
  await olivia.device.must('rename-group', { group: olivia.group, name: 'Forked' });
  await world.time.pass(500);
  pat.device.goOffline();
  await pat.post('To nobody');
  await world.time.pass(SENT);
  rhea.repent();
  pat.device.goOnline();
  await world.time.pass(30_000);
  expect(pat.view).toMatchObject({ alarm: 'fork', ended: 'forked' });
  await staysHere(world, pat, 'To nobody', 'unsent');
});

it('so do words for which the group has no room', async () => {
  const { world, olivia, pat } = await cast(2);
  const { log } = world.relay;
  const { call } = log;
  const left: Spare = { bytes: 0, entries: null, blobs: null };
  Object.assign(log, { call: (name: CallName, input: never, then: (r: unknown) => void) => (name === 'spare' ? then(ok(left)) : call(name, input, then)) });
  await world.time.pass(60_000);
  await olivia.post('Before it is known');
  await world.time.pass(20_000);
  await pat.post('No room for this');
  await world.time.pass(20_000);
  await staysHere(world, pat, 'No room for this', 'halted');
});

it('nobody leaves a group over words that wait there, unless they agreed that these stay unsent', async () => {
  const { world, olivia, pat } = await cast(2);
  vi.spyOn(pat.run.around.blobs, 'put').mockResolvedValue('full');
  const { photo } = await addPhoto(pat);
  await pat.post('With a picture', [photo]);
  await world.time.pass(20_000);
  await staysHere(world, pat, 'With a picture', 'halted');
  expect(await pat.device.run('leave', { group: pat.group })).toEqual({ ok: false, fault: 'unsent' });
  expect(pat.view.ended).toBeNull();
  await pat.device.must('leave', { group: pat.group, unsent: true });
  await world.time.pass(SENT);
  expect([pat.view.ended, pat.delivery('With a picture'), ...here(pat)]).toEqual(['left', 'unsent', 1, 1, 0]);
  expect(olivia.view.people.filter((p) => p.ended === null)).toHaveLength(1);
});

it('so does a post whose picture has no room, and words beside it leave', async () => {
  const world = await World.make();
  const device = world.device('Olivia', 'clinician');
  const blobs = world.blobs(device);
  let hasRoom = false;
  world.blobs = () => ({ ...blobs, put: (...a) => (hasRoom ? blobs.put(...a) : Promise.resolve('full')) });
  await device.setUp();
  const { group } = await device.must('new-group', { name: 'Ward 4', kind: 'team' });
  const olivia = new Seat(device, group);
  await olivia.open();
  await world.time.pass(500);
  const { photo } = await addPhoto(olivia);
  await olivia.post('With a picture', [photo]);
  await world.time.pass(20_000);
  await olivia.post('Words alone');
  await world.time.pass(SENT);
  expect(olivia.delivery('Words alone')).toBe('sent');
  await staysHere(world, olivia, 'With a picture', 'halted');
  hasRoom = true;
  await world.time.pass(120_000);
  expect([olivia.delivery('With a picture'), ...here(olivia)]).toEqual(['sent', 0, 0, 0]);
});

it('so does what is said of a post whose picture has no room', async () => {
  const { world, pat } = await cast(2);
  vi.spyOn(pat.run.around.blobs, 'put').mockResolvedValue('full');
  const { photo } = await addPhoto(pat);
  await pat.post('With a picture', [photo]);
  await pat.device.must('post', { group: pat.group, text: 'It was worse', photos: [], replyTo: pat.posts[0]!.id });
  await pat.device.must('post', { group: pat.group, text: 'Much worse', photos: [], replyTo: pat.posts[1]!.id });
  await world.time.pass(20_000);
  expect([pat.posts.map((p) => p.delivery?.at), ...here(pat)]).toEqual([['halted', 'halted', 'halted'], 3, 3, 0]);
  const asked = world.time.now;
  expect(await pat.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'unsent' });
  expect(world.time.now - asked).toBeLessThan(1_000);
});

it('so do words behind a picture that was sealed, forgotten by the relay, and has no room there any more', async () => {
  const { world, pat } = await cast(2);
  const rhea = new Rhea(world);
  pat.device.cut();
  await world.time.pass(3_000);
  rhea.up = (f) => (f.is === 'append' ? [] : [f]);
  const { photo } = await addPhoto(pat);
  await pat.post('With a picture', [photo]);
  await world.time.pass(8_000);
  expect(pat.run.sealed).not.toBeNull();
  await ask(world.relay.log, 'sweep', { blobsBefore: world.time.now + 1, answersBefore: 0, meetingsBefore: 0 });
  world.stored.clear();
  vi.spyOn(pat.run.around.blobs, 'put').mockResolvedValue('full');
  rhea.repent();
  pat.device.cut();
  await world.time.pass(20_000);
  await pat.post('Words alone');
  await world.time.pass(20_000);
  expect([pat.posts.map((p) => p.delivery?.at), ...here(pat)]).toEqual([['halted', 'halted'], 2, 2, 0]);
});

it('so do words whose key is late', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat]) s.device.cut();
  await world.time.pass(3_000);
  rhea.down = (f, to) => (to === pat.device && f.is === 'lockboxes' ? [{ ...f, items: [] }] : [f]);
  pat.device.goOffline();
  await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
  olivia.device.goOffline();
  pat.device.goOnline();
  await world.time.pass(5_000);
  await pat.post('Waits for a key');
  await world.time.pass(20_000);
  expect(pat.view.awaitsKey).toBe('write');
  await staysHere(world, pat, 'Waits for a key', 'halted');
});

it('so do words for which this device has no room to seal them, until there is some', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await pat.post('Saved before it was full');
  await world.time.pass(SENT);
  pat.device.fate = () => 'full';
  pat.device.goOnline();
  await world.time.pass(20_000);
  await staysHere(world, pat, 'Saved before it was full', 'halted');
  pat.device.fate = () => 'done';
  await world.time.pass(120_000);
  expect([pat.delivery('Saved before it was full'), ...here(pat), olivia.words]).toEqual(['sent', 0, 0, 0, ['Saved before it was full']]);
});

it('words that were never sent in a group that ended are counted, and lost only once agreed to', async () => {
  const { world, olivia, pat } = await cast(2);
  pat.device.goOffline();
  await pat.post('Too late');
  await world.time.pass(SENT);
  await olivia.device.must('remove', { group: olivia.group, member: pat.view.me });
  pat.device.goOnline();
  await world.time.pass(SENT);
  expect(pat.view.ended).toBe('removed');
  await staysHere(world, pat, 'Too late', 'unsent');
  expect(await pat.device.must('sign-out', { discard: { words: true, groups: true } })).toBeNull();
  expect(phaseOf(pat)).toBe('signed-out');
});

it('what was begun and never posted is counted: words, a photo alone, and other words for a post', async () => {
  const { world, pat } = await cast(2);
  await pat.post('Slept well');
  await world.time.pass(SENT);
  expect(here(pat)).toEqual([0, 0, 0]);
  await write(pat, '  ');
  expect(here(pat)).toEqual([0, 0, 0]);
  await write(pat, 'I meant to say');
  await world.time.pass(10);
  expect(here(pat)).toEqual([0, 0, 1]);
  await write(pat, '');
  const { photo } = await addPhoto(pat);
  await world.time.pass(10);
  expect(here(pat)).toEqual([0, 0, 1]);
  const { id } = pat.posts[0]!;
  await write(pat, '', { post: id, text: 'Slept very well', over: 'Slept well' });
  await world.time.pass(10);
  expect(here(pat)).toEqual([0, 0, 2]);
  // a pen that wrote nothing
  await write(pat, '', { post: id, text: 'Slept well ', over: 'Slept well' });
  await world.time.pass(10);
  expect(here(pat)).toEqual([0, 0, 1]);
  expect(await pat.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'unsent' });
  expect(phaseOf(pat)).toBe('open');
  await pat.device.must('drop-photo', { group: pat.group, photo });
  await world.time.pass(10);
  expect(here(pat)).toEqual([0, 0, 0]);
  expect(await pat.device.must('sign-out', { discard: { words: false, groups: true } })).toBeNull();
});

it('beside a draft, what is on its way leaves before anything is asked', async () => {
  const { world, olivia, pat } = await cast(2);
  await pat.post('On its way');
  await write(pat, 'Not yet');
  expect(await pat.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: false, fault: 'unsent' });
  await world.time.pass(10);
  expect([pat.delivery('On its way'), ...here(pat), olivia.words]).toEqual(['sent', 0, 0, 1, ['On its way']]);
});

/** Pat’s laptop, closed in the midst of signing out, with a draft that may go, which answers `words` that did not leave; opened again without a network. */
async function cutShort(words?: string): Promise<{ world: World; rhea: Rhea; olivia: Seat; laptop: Seat }> {
  let rhea!: Rhea;
  const { world, olivia, pat } = await cast(2, 'start', (w) => void (rhea = new Rhea(w)));
  const device = world.device('Pat’s laptop', 'patient');
  await link(world, device, pat.device);
  const laptop = new Seat(device, groupNamed(device, 'Pat’s Updates'));
  await laptop.open();
  await world.time.pass(20_000);
  rhea.up = (f, from) => (from === device && (f.is === 'enter' || f.is === 'append') ? [] : [f]);
  if (words !== undefined) await laptop.post(words);
  await device.must('save-draft', { group: laptop.group, text: 'May go', replyTo: laptop.posts[0]?.id ?? null });
  device.begin('sign-out', { discard: { words: true, groups: false } });
  await world.time.pass(2_000);
  device.kill();
  rhea.repent();
  device.online = false;
  await device.boot();
  await device.unlock();
  await world.time.pass(50);
  await laptop.open();
  return { world, rhea, olivia, laptop };
}

it('signing out that was cut short goes on over a draft that was agreed to', async () => {
  const { world, laptop } = await cutShort();
  expect(here(laptop)).toEqual([0, 0, 1]);
  laptop.device.goOnline();
  await world.time.pass(20_000);
  expect(phaseOf(laptop)).toBe('signed-out');
});

it('so it does over a draft that answers what waited, when another epoch began', async () => {
  const { world, rhea, olivia, laptop } = await cutShort('Take 5 mg.');
  const { device } = laptop;
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  await admit(world, olivia, dan, 'today');
  // opened twice: what waits leaves under a new id, which is what the next start finds
  rhea.up = (f, from) => (from === device && f.is === 'enter' ? [] : [f]);
  device.goOnline();
  await world.time.pass(20_000);
  device.kill();
  rhea.repent();
  await device.boot();
  await device.unlock();
  await world.time.pass(20_000);
  expect(phaseOf(laptop)).toBe('signed-out');
});

it('signing out that was cut short stops at a draft that was written since', async () => {
  const { world, laptop } = await cutShort();
  await write(laptop, 'May go, but not this');
  laptop.device.goOnline();
  await world.time.pass(40_000);
  expect([phaseOf(laptop), ...here(laptop)]).toEqual(['open', 0, 0, 1]);
  expect(await laptop.device.run('sign-out', NOTHING)).toEqual({ ok: false, fault: 'unsent' });
});
