/** Several devices of one person, on the real core and relay: linking, the list, signing out, and a lost one. */
import { expect, it, vi } from 'vitest';
import { cast } from '../support/circle';
import { devicesOf, groupNamed, link } from '../support/linked';

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
