/** Several devices of one person, on the real core and relay: linking, the list, signing out, and a lost one. */
import { expect, it, vi } from 'vitest';
import { admit, cast, openLink, Seat } from '../support/circle';
import { devicesOf, groupNamed, link, PASSPHRASE } from '../support/linked';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const GROUP = 'Pat’s Updates';

it('a laptop that a phone lets in has name, groups and history, and writes beside it', async () => {
  const { world, olivia, pat } = await cast(2);
  await pat.device.must('name-device', { name: 'Phone' });
  await olivia.post('From the first day');
  await world.time.pass(6_000);
  const { group } = await pat.device.must('new-group', { name: 'Sisters', kind: 'family' });
  await world.time.pass(500);
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat.device);
  expect(laptop.view('link', null)).toEqual({ state: 'done', groups: 2, full: 0, side: 'new' });
  expect(pat.device.view('link', null)).toEqual({ state: 'done', groups: 2, full: 0, side: 'live' });
  const app = laptop.view('app', null);
  expect(app.phase === 'open' && app.profile).toMatchObject({ name: 'Pat', role: 'patient' });
  const back = groupNamed(laptop, GROUP);
  await laptop.openGroup(back);
  expect(laptop.words(back)).toEqual(['From the first day']);
  await laptop.must('post', { group: back, text: 'From my laptop', photos: [], replyTo: null });
  await world.time.pass(6_000);
  expect(olivia.words).toContain('From my laptop');
  expect(olivia.view.people).toHaveLength(2);
  await pat.post('From my phone');
  await world.time.pass(6_000);
  expect(laptop.words(back)).toEqual(['From the first day', 'From my laptop', 'From my phone']);
  // the owner of a group of one's own owns it on both
  const own = groupNamed(laptop, 'Sisters');
  await laptop.openGroup(own);
  expect(laptop.view('group', own).iOwn).toBe(true);

  await laptop.restart();
  await laptop.openGroup(back);
  expect(laptop.words(back)).toContain('From my phone');
  for (const d of [laptop, pat.device]) expect(devicesOf(d).map((x) => [x.name, x.groups, x.state]).sort()).toEqual([['Laptop', 2, 'live'], ['Phone', 2, 'live']]);
  expect(devicesOf(laptop).map((x) => [x.name, x.me])).toEqual([['Laptop', true], ['Phone', false]]);
  expect(devicesOf(laptop)[1]!.lastSeen).toBeGreaterThan(0);
  // nobody else's devices can read what it is called
  expect(JSON.stringify(olivia.run.feed.index.devices)).toBe('{}');
  expect(world.reports).toEqual([]);
  expect(group).not.toBe(own);
}, 60_000);

/** Olivia’s group, and Pat with a phone and a laptop in it. */
async function two(prepare?: (world: World) => void): Promise<{ world: World; olivia: Seat; phone: Seat; laptop: Seat }> {
  const { world, olivia, pat } = await cast(2, 'start', prepare);
  await pat.device.must('name-device', { name: 'Phone' });
  const device = world.device('Pat’s laptop', 'patient');
  await link(world, device, pat.device);
  const laptop = new Seat(device, groupNamed(device, GROUP));
  await laptop.open();
  return { world, olivia, phone: pat, laptop };
}
const lose = (by: Device, name: string) => by.must('revoke-device', { device: devicesOf(by).find((d) => d.name === name)!.device });
const phaseOf = (d: Device) => d.view('app', null);
const tables = (d: Device): string[] => [...new Set(d.disk.dump().map((r) => `${r.table} ${r.key}`))];

it('P13 a lost phone is put out by the laptop with the owner away: it hears nothing more, says nothing more, and wipes itself', async () => {
  const { world, olivia, phone, laptop } = await two();
  await olivia.post('Before it was lost');
  await world.time.pass(6_000);
  olivia.device.goOffline();
  phone.device.goOffline();
  await phone.post('Never sent, and for nobody’s eyes');
  await lose(laptop.device, 'Phone');
  await world.time.pass(2_000);
  expect(devicesOf(laptop.device).map((d) => [d.name, d.state])).toEqual([['Laptop', 'live'], ['Phone', 'ended']]);
  await laptop.post('After it was lost');
  await world.time.pass(6_000);

  // it comes back, unlocked, in somebody’s hand
  const rows = phone.run.keyring.size;
  phone.device.goOnline();
  await world.time.pass(3_000);
  expect(phaseOf(phone.device)).toMatchObject({ phase: 'signed-out', why: 'revoked' });
  expect(tables(phone.device)).toEqual(['vault mark']);
  expect(JSON.stringify(phone.device.disk.dump().map((r) => new TextDecoder().decode(r.value)))).not.toContain('nobody');
  expect(rows).toBeGreaterThan(0);
  phone.device.kill();
  await phone.device.boot();
  expect(phaseOf(phone.device)).toMatchObject({ phase: 'signed-out', why: 'revoked' });
  expect(await phone.device.run('unlock', { passphrase: PASSPHRASE })).toMatchObject({ ok: false });
  expect(await phone.device.must('start-over', { forgotten: false })).toBeNull();
  expect(phaseOf(phone.device)).toEqual({ phase: 'new' });
  expect(await phone.device.must('set-up', { name: 'Somebody', role: 'family', passphrase: PASSPHRASE })).toBeNull();
  expect(phone.device.view('home', null).groups).toEqual([]);

  olivia.device.goOnline();
  await world.time.pass(5_000);
  expect(olivia.words).toEqual(['Before it was lost', 'After it was lost']);
  expect(olivia.view.alarm).toBeNull();
  expect(world.reports).toEqual([]);
}, 60_000);

it('P13 a lost phone gets no key made after its end, whatever it asks the relay for', async () => {
  const { world, olivia, phone, laptop } = await two();
  const before = new Set(phone.run.keyring.keys());
  phone.device.goOffline();
  await lose(laptop.device, 'Phone');
  await world.time.pass(2_000);
  await olivia.post('For those who are here');
  await world.time.pass(6_000);
  const kept = phone.device.core!.groups.get(phone.group)!;
  const rhea = new Rhea(world);
  const boxes: number[] = [];
  rhea.down = (f, to) => {
    if (to === phone.device && f.is === 'lockboxes') boxes.push(...f.items.map((i) => i.seq));
    if (to === phone.device && f.is === 'page') boxes.push(-1);
    return [f];
  };
  phone.device.goOnline();
  await world.time.pass(3_000);
  expect(boxes.filter((seq) => seq > Math.max(...before))).toEqual([]);
  expect([...kept.keyring.keys()].filter((e) => !before.has(e))).toEqual([]);
  expect(phaseOf(phone.device).phase).toBe('signed-out');
}, 60_000);

it('a lost device that could not be reached in one group ends there as soon as it can, after a restart too', async () => {
  const { world, phone, laptop } = await two();
  await phone.device.must('new-group', { name: 'Second', kind: 'family' });
  await world.time.pass(1_000);
  laptop.device.goOffline();
  await lose(laptop.device, 'Phone');
  await world.time.pass(1_000);
  expect(devicesOf(laptop.device).find((d) => d.name === 'Phone')!.state).toBe('ending');
  await laptop.device.restart();
  expect(devicesOf(laptop.device).find((d) => d.name === 'Phone')!.state).toBe('ending');
  laptop.device.goOnline();
  await world.time.pass(5_000);
  expect(devicesOf(laptop.device).find((d) => d.name === 'Phone')!.state).toBe('ended');
  expect(phaseOf(phone.device).phase).toBe('signed-out');
}, 60_000);

it('P19 P26 a relay’s GONE wipes nothing: not alone, not with a made-up end, and not with somebody else’s', async () => {
  const { world, olivia, phone } = await two();
  const rhea = new Rhea(world);
  for (const d of [olivia.device, phone.device]) d.cut();
  await world.time.pass(3_000);
  const { id } = phone.run.row;
  rhea.tell(phone.device, { is: 'gone', re: 0, group: id, seq: phone.run.state.seq });
  await world.time.pass(2_000);
  expect(phaseOf(phone.device).phase).toBe('open');
  rhea.down = (f, to) => (to === phone.device && f.is === 'welcome' ? [{ is: 'gone', re: f.re, group: f.group, seq: 99 }] : [f]);
  phone.device.cut();
  await world.time.pass(40_000);
  expect(phaseOf(phone.device).phase).toBe('open');
  rhea.repent();
  phone.device.cut();
  await world.time.pass(40_000);
  await phone.post('Still here');
  await world.time.pass(6_000);
  expect(olivia.words).toContain('Still here');
  // removed by the owner: the group is over, the device is not
  await olivia.device.must('remove', { group: olivia.group, member: phone.view.me });
  await world.time.pass(3_000);
  expect(phaseOf(phone.device).phase).toBe('open');
  expect(phone.view.ended).toBe('removed');
}, 60_000);

it('a device signs itself out: what waits is sent first, then it is out of every group and bare', async () => {
  const { world, olivia, phone, laptop } = await two();
  laptop.device.goOffline();
  await laptop.post('Waits for a network');
  expect(await laptop.device.run('sign-out', { discard: { words: false, groups: false } })).toEqual({ ok: false, fault: 'needs-network' });
  expect(await laptop.device.run('sign-out', { discard: { words: true, groups: true } })).toEqual({ ok: false, fault: 'needs-network' });
  laptop.device.goOnline();
  await world.time.pass(2_000);
  expect(await laptop.device.must('sign-out', { discard: { words: false, groups: false } })).toBeNull();
  expect(phaseOf(laptop.device)).toMatchObject({ phase: 'signed-out', why: 'signed-out' });
  expect(tables(laptop.device)).toEqual(['vault mark']);
  await world.time.pass(6_000);
  expect(olivia.words).toEqual(['Waits for a network']);
  expect(devicesOf(phone.device).map((d) => [d.name, d.state])).toEqual([['Phone', 'live'], ['Laptop', 'ended']]);
  // the keys it knew are no longer the group’s
  await phone.post('Without the laptop');
  await world.time.pass(6_000);
  expect(olivia.words).toContain('Without the laptop');
  expect(phaseOf(phone.device).phase).toBe('open');
}, 60_000);

/** Pat’s laptop, closed in the midst of signing out: the first of its groups waits for the relay’s answer, the second was not reached. */
async function cutShort(discard: boolean, before: (laptop: Seat, world: World) => Promise<unknown> = () => Promise.resolve()) {
  let rhea!: Rhea;
  const all = await two((w) => void (rhea = new Rhea(w)));
  const { world, phone, laptop } = all;
  const { group } = await phone.device.must('new-group', { name: 'Sisters', kind: 'family' });
  await phone.device.openGroup(group);
  await world.time.pass(20_000);
  const second = groupNamed(laptop.device, 'Sisters');
  await before(laptop, world);
  rhea.up = (f, from) => (from === laptop.device && (f.is === 'enter' || f.is === 'append') ? [] : [f]);
  laptop.device.begin('sign-out', { discard: { words: discard, groups: discard } });
  await world.time.pass(2_000);
  laptop.device.kill();
  rhea.repent();
  return { ...all, second, onPhone: () => phone.device.words(group) };
}
/** Opened again without a network, as somebody who has thought of something else. */
async function reopen(world: World, { device }: Seat, group: string): Promise<Seat> {
  device.online = false;
  await device.boot();
  await device.unlock();
  await world.time.pass(50);
  const again = new Seat(device, group);
  await again.open();
  return again;
}

it('signing out that was cut short goes on, but not over words written since', async () => {
  const { world, phone, laptop, second, onPhone } = await cutShort(false);
  const again = await reopen(world, laptop, second);
  await again.post('One thing more');
  await world.time.pass(6_000);
  expect(again.delivery('One thing more')).toBe('saved');
  laptop.device.goOnline();
  await world.time.pass(20_000);
  expect(onPhone()).toEqual(['One thing more']);
  expect(phaseOf(laptop.device)).toMatchObject({ phase: 'signed-out', why: 'signed-out' });
  expect(devicesOf(phone.device).map((d) => [d.name, d.state])).toEqual([['Phone', 'live'], ['Laptop', 'ended']]);
}, 60_000);

it('signing out that was cut short stops where words written since can go nowhere, and shows them', async () => {
  const { world, laptop } = await cutShort(false);
  const again = await reopen(world, laptop, laptop.group);
  await again.post('One thing more');
  laptop.device.goOnline();
  await world.time.pass(40_000);
  expect(phaseOf(laptop.device).phase).toBe('open');
  expect(again.delivery('One thing more')).toBe('unsent');
  // and does not come back to it by itself
  await laptop.device.restart();
  await world.time.pass(40_000);
  expect(phaseOf(laptop.device).phase).toBe('open');
}, 60_000);

it('what its person agreed to lose is lost when signing out goes on, and nothing else', async () => {
  const { world, laptop, second, onPhone } = await cutShort(true, async (s, w) => {
    // its picture goes nowhere, so it waits for good
    s.run.around.blobs.put = () => Promise.resolve('refused');
    const { photo } = await s.device.must('add-photo', { group: s.group, photo: { full: new Uint8Array(500), thumb: new Uint8Array(50), width: 4, height: 3, type: 'image/jpeg' } });
    await s.post('Never mind', [photo]);
    await w.time.pass(8_000);
    expect(s.delivery('Never mind')).toBe('saved');
  });
  const again = await reopen(world, laptop, second);
  again.run.around.blobs.put = () => Promise.resolve('refused');
  await again.post('One thing more');
  laptop.device.goOnline();
  await world.time.pass(20_000);
  expect(onPhone()).toEqual(['One thing more']);
  expect(phaseOf(laptop.device)).toMatchObject({ phase: 'signed-out', why: 'signed-out' });
}, 60_000);

it('signing out that was cut short stops at what would be lost for good', async () => {
  const { world, phone, laptop } = await cutShort(false);
  await phone.device.must('sign-out', { discard: { words: false, groups: false } });
  await reopen(world, laptop, laptop.group);
  laptop.device.goOnline();
  await world.time.pass(20_000);
  expect(phaseOf(laptop.device).phase).toBe('open');
  expect(laptop.device.view('home', null).groups.map((g) => [g.name, g.ended])).toEqual(expect.arrayContaining([[GROUP, null], ['Sisters', null]]));
}, 60_000);

it('the only device of somebody without a phrase is not signed out by mistake', async () => {
  const { world, olivia } = await cast(2);
  expect(await olivia.device.run('sign-out', { discard: { words: false, groups: false } })).toEqual({ ok: false, fault: 'not-allowed' });
  expect(phaseOf(olivia.device).phase).toBe('open');
  expect(await olivia.device.must('sign-out', { discard: { words: true, groups: true } })).toBeNull();
  expect(phaseOf(olivia.device).phase).toBe('signed-out');
  expect(world.reports).toEqual([]);
}, 60_000);

it('said to be the only one, a device is signed out at the first press, and sends what waits before', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('On its way');
  expect(await olivia.device.run('sign-out', { discard: { words: false, groups: true } })).toEqual({ ok: true, value: null });
  expect(phaseOf(olivia.device).phase).toBe('signed-out');
  await world.time.pass(6_000);
  expect(pat.words).toEqual(['On its way']);
  expect(await pat.device.run('sign-out', { discard: { words: false, groups: false } })).toEqual({ ok: false, fault: 'not-allowed' });
}, 60_000);

it('a power cut while a device wipes itself leaves one that wipes itself when it is next opened', async () => {
  const { world, phone, laptop } = await two();
  phone.device.fate = (w) => (w === 'wipe' ? 'lost' : 'done');
  await lose(laptop.device, 'Phone');
  await world.time.pass(3_000);
  phone.device.kill();
  phone.device.fate = () => 'done';
  world.down = true;
  await phone.device.boot();
  expect(phaseOf(phone.device).phase).toBe('locked');
  await phone.device.unlock();
  await world.time.pass(100);
  expect(phaseOf(phone.device)).toMatchObject({ phase: 'signed-out', why: 'revoked' });
  expect(tables(phone.device)).toEqual(['vault mark']);
}, 60_000);

it('a group made, or joined, on one device comes to the others by itself, to one that was away too', async () => {
  const { world, olivia, phone, laptop } = await two();
  await phone.device.must('new-group', { name: 'Made on the phone', kind: 'family' });
  await world.time.pass(10_000);
  expect(laptop.device.view('home', null).groups.map((g) => g.name)).toContain('Made on the phone');
  laptop.device.goOffline();
  const { group } = await olivia.device.must('new-group', { name: 'Joined on the phone', kind: 'team' });
  const seat = new Seat(olivia.device, group);
  await seat.open();
  await world.time.pass(500);
  await admit(world, seat, phone.device);
  await seat.post('For both of Pat’s devices');
  await world.time.pass(6_000);
  await laptop.device.restart();
  laptop.device.goOnline();
  await world.time.pass(15_000);
  const back = groupNamed(laptop.device, 'Joined on the phone');
  await laptop.device.openGroup(back);
  expect(laptop.device.words(back)).toEqual(['For both of Pat’s devices']);
  expect(laptop.device.view('group', back).people).toHaveLength(2);
  expect(devicesOf(phone.device).map((d) => [d.name, d.groups])).toEqual([['Phone', 3], ['Laptop', 3]]);
  // and the other way round
  await laptop.device.must('new-group', { name: 'Made on the laptop', kind: 'family' });
  await world.time.pass(10_000);
  expect(phone.device.view('home', null).groups.map((g) => g.name)).toContain('Made on the laptop');
  // one that was left is not brought back by what was said before
  await phone.device.must('leave', { group: groupNamed(phone.device, 'Joined on the phone') });
  await world.time.pass(3_000);
  await laptop.device.restart();
  await world.time.pass(10_000);
  expect(laptop.device.view('home', null).groups.find((g) => g.name === 'Joined on the phone')?.ended).toBe('left');
  expect(world.reports).toEqual([]);
}, 60_000);

it('a group comes to the other device though the one that made it was away for days when it was asked', async () => {
  const { world, phone, laptop } = await two();
  laptop.device.goOffline();
  await world.time.pass(1_000);
  await phone.device.must('new-group', { name: 'Made on Friday', kind: 'family' });
  await world.time.pass(10_000);
  phone.device.goOffline();
  await world.time.pass(1_000);
  laptop.device.goOnline();
  await world.time.pass(10_000);
  const arriving = (): number => laptop.device.view('home', null).arriving;
  expect(arriving()).toBe(1);
  laptop.device.goOffline();
  await world.time.pass(25 * 3_600_000);
  laptop.device.goOnline();
  await laptop.device.restart();
  laptop.device.watch('home', null);
  await world.time.pass(10_000);
  expect(arriving()).toBe(0);
  phone.device.goOnline();
  await world.time.pass(20 * 60_000);
  expect(laptop.device.view('home', null).groups.map((g) => g.name)).toContain('Made on Friday');
  expect(world.reports).toEqual([]);
}, 60_000);

it('a group that was asked of the other device and came by an invite meanwhile is asked for no more', async () => {
  const { world, olivia, phone, laptop } = await two();
  laptop.device.goOffline();
  const { group } = await olivia.device.must('new-group', { name: 'Joined on the phone', kind: 'team' });
  const seat = new Seat(olivia.device, group);
  await seat.open();
  await admit(world, seat, phone.device);
  await world.time.pass(10_000);
  phone.device.goOffline();
  laptop.device.goOnline();
  await world.time.pass(10_000);
  expect(laptop.device.view('home', null).arriving).toBe(1);
  const { link: invite } = await olivia.device.must('invite', { group, history: 'start', days: 3, relationship: 'Friend' });
  const join = await openLink(laptop.device, invite);
  await world.time.pass(100);
  await laptop.device.must('ask', { join });
  await world.time.pass(100);
  await olivia.device.must('let-in', { group, request: seat.view.requests[0]!.request });
  await world.time.pass(10_000);
  const { connect } = world;
  let dialled = 0;
  world.connect = (...line) => {
    dialled++;
    return connect(...line);
  };
  await world.time.pass(60_000);
  expect([dialled, laptop.device.view('home', null).arriving]).toEqual([0, 0]);
  expect(laptop.device.view('home', null).groups.filter((g) => g.name === 'Joined on the phone')).toHaveLength(1);
}, 60_000);

it('a group that was asked of a device that is gone is asked of another, and comes once', async () => {
  const { world, phone, laptop } = await two();
  const tablet = world.device('Pat’s tablet', 'patient');
  await link(world, tablet, phone.device, 'Tablet');
  laptop.device.goOffline();
  await world.time.pass(1_000);
  await phone.device.must('new-group', { name: 'Made on Friday', kind: 'family' });
  await world.time.pass(20_000);
  expect(groupNamed(tablet, 'Made on Friday')).toBeTruthy();
  phone.device.goOffline();
  tablet.goOffline();
  laptop.device.goOnline();
  await world.time.pass(10_000);
  expect(laptop.device.view('home', null).arriving).toBe(1);
  // the phone lies at the bottom of a lake
  tablet.goOnline();
  await world.time.pass(60_000);
  expect(laptop.device.view('home', null).groups.filter((g) => g.name === 'Made on Friday')).toHaveLength(1);
  phone.device.goOnline();
  await world.time.pass(60_000);
  expect(laptop.device.view('home', null).groups.filter((g) => g.name === 'Made on Friday')).toHaveLength(1);
  expect(devicesOf(phone.device).map((d) => [d.name, d.groups])).toEqual([['Phone', 2], ['Laptop', 2], ['Tablet', 2]]);
  expect(world.reports).toEqual([]);
}, 60_000);

it('whoever forgot the passphrase of their only device empties it, and the words on paper bring the groups back on it', async () => {
  const { world, olivia, pat } = await cast(2);
  const { words } = await pat.device.must('propose-phrase', null);
  await pat.device.must('keep-phrase', { words });
  await pat.post('Before it was forgotten');
  await world.time.pass(10_000);
  const { device } = pat;
  // while it is open nobody has forgotten anything
  expect(await device.run('start-over', { forgotten: true })).toEqual({ ok: false, fault: 'not-allowed' });
  device.kill();
  await device.boot();
  expect(await device.run('start-over', { forgotten: false })).toEqual({ ok: false, fault: 'not-allowed' });
  expect(phaseOf(device)).toMatchObject({ phase: 'locked' });
  await device.must('start-over', { forgotten: true });
  expect([phaseOf(device), tables(device)]).toEqual([{ phase: 'new' }, []]);
  await device.must('restore', { words, passphrase: 'another one that is kept in mind' });
  await world.time.pass(20_000);
  const again = new Seat(device, groupNamed(device, 'Pat’s Updates'));
  await again.open();
  await world.time.pass(5_000);
  expect(again.words).toEqual(['Before it was forgotten']);
  await again.post('Back');
  await world.time.pass(6_000);
  expect(olivia.words).toEqual(['Before it was forgotten', 'Back']);
  expect(world.reports).toEqual([]);
});
