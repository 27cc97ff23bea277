/** Forgetting a group that one was removed from. */
import { expect, it } from 'vitest';
import { cast } from '../support/circle';

it('a forgotten group leaves no row behind, not even one that was about to be written', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Words');
  await world.time.pass(8_000);
  await olivia.device.must('remove', { group: olivia.group, member: pat.view.me });
  for (let i = 0; i < 100 && pat.view.ended === null; i++) await world.time.pass(5);
  pat.run.flushSoon();
  await pat.device.must('forget-group', { group: pat.group });
  await world.time.pass(5_000);
  expect(pat.device.disk.dump().filter((r) => r.key.startsWith(pat.group))).toEqual([]);
  await pat.device.restart();
  expect(pat.device.core?.groups.size).toBe(0);
  expect(world.reports).toEqual([]);
});
