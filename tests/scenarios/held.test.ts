/** What waits for something that never comes: it costs those who wait little, however much of it there is. */
import { afterEach, expect, it, vi } from 'vitest';
import { GroupRun } from '../../src/lib/core/group-run';
import { admit, cast } from '../support/circle';
import { Mallory } from '../support/mallory';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const MANY = 120;
afterEach(() => void vi.restoreAllMocks());

it('a member whose log has a hole and then goes on and on costs nobody more than each envelope once', async () => {
  const { world, olivia, pat, fay, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  const holds = vi.spyOn(GroupRun.prototype, 'hold');
  // the relay takes a signature for granted: with this one her log stops for everyone
  const forged = m.seal(m.update([{ i: m.newId(), a: 1, t: 'post', x: 'never' }]));
  await m.append({ ...forged, bytes: forged.bytes.map((b, at) => (at === forged.bytes.length - 1 ? b ^ 1 : b)) });
  for (let k = 0; k < MANY; k++) {
    const next = m.seal(m.update([{ i: m.newId(), a: 1, t: 'post', x: 'waits' }]));
    m.tell({ is: 'append', group: m.run.row.id, n: ++m.n, envelope: next.bytes });
  }
  await world.time.pass(10_000);
  await olivia.post('goes on');
  await world.time.pass(10_000);
  for (const s of [pat, fay]) expect(s.words).toEqual(['goes on']);
  expect(Math.max(...[olivia, pat, fay].map((s) => s.run.held.get(mallory.run.ownRow?.device as number)?.length ?? 0))).toBe(MANY);
  // three devices, each of which looks at them again a few times
  expect(holds.mock.calls.length).toBeLessThan(3 * 10 * MANY);
  expect(world.reports).toEqual([]);
});

it('a newcomer reads what somebody wrote who is out since in one go, not once for each word', async () => {
  const { world, olivia, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  for (let k = 0; k < MANY; k++) await m.append(m.seal(m.update([{ i: m.newId(), a: 1, t: 'post', x: `word ${k}` }])));
  await world.time.pass(500);
  await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
  await world.time.pass(5_000);
  const newcomer = world.device('Dan', 'family');
  await newcomer.setUp();
  const holds = vi.spyOn(GroupRun.prototype, 'hold');
  const dan = await admit(world, olivia, newcomer);
  await world.time.pass(5_000);
  expect(dan.run.heads.get(mallory.run.ownRow?.device as number)?.n).toBe(m.n);
  expect(holds.mock.calls.length).toBeLessThan(10 * MANY);
});
