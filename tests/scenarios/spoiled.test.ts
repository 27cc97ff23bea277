/** An envelope with one bit changed, shown too early to be judged. */
import { expect, it, vi } from 'vitest';
import { cast } from '../support/circle';
import { Rhea } from '../support/rhea';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

it('P19 an envelope that was spoiled while it had to wait does not stand before the real one for ever', async () => {
  const { world, olivia, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, fay]) s.device.cut();
  await world.time.pass(2_000);
  // Fay gets a word sealed after an entry that is kept from her, with one bit of its nonce flipped
  rhea.down = (f, to) => {
    if (to !== fay.device) return [f];
    if (f.is === 'entries' && f.items.length > 0) return [];
    if (f.is !== 'page') return [f];
    return [{ ...f, items: f.items.map((i) => ({ ...i, envelope: i.envelope.map((b, at) => (at === 8 ? b ^ 1 : b)) })) }];
  };
  await olivia.device.must('rename-group', { group: olivia.group, name: 'Another name' });
  await olivia.post('the first');
  await world.time.pass(10_000);
  expect(fay.words).toEqual([]);
  rhea.repent();
  await olivia.post('the second');
  fay.device.cut();
  await world.time.pass(10_000);
  await fay.device.restart();
  await fay.open();
  await world.time.pass(10_000);
  expect(fay.words).toEqual(['the first', 'the second']);
  expect(fay.view.alarm).toBeNull();
});

it('P19 an envelope that was spoiled twice comes in the end, though the app was closed soon after and nothing else is said', async () => {
  const { world, olivia, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, fay]) s.device.cut();
  await world.time.pass(2_000);
  rhea.down = (f, to) => (f.is !== 'page' || to !== fay.device ? [f] : [{ ...f, items: f.items.map((i) => ({ ...i, envelope: i.envelope.map((b, at) => (at === 8 ? b ^ 1 : b)) })) }]);
  await olivia.post('the only one');
  await world.time.pass(8_000);
  expect(fay.words).toEqual([]);
  rhea.repent();
  await fay.device.restart();
  await fay.open();
  await world.time.pass(40_000);
  expect(fay.words).toEqual(['the only one']);
});

it('P19 an envelope that was shown under a wrong number, then rightly, and had to wait for its key, is there after a restart', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, fay]) s.device.cut();
  await world.time.pass(2_000);
  let lies = 1;
  rhea.down = (f, to) => {
    if (to !== fay.device) return [f];
    if (f.is === 'lockboxes' || f.is === 'keys') return [{ ...f, items: [] }];
    return f.is === 'page' && f.items.length > 0 && lies-- > 0 ? [{ ...f, items: f.items.map((i) => ({ ...i, n: i.n + 1 })) }] : [f];
  };
  await olivia.device.must('remove', { group: olivia.group, member: pat.run.me });
  await olivia.post('under the new key');
  await world.time.pass(8_000);
  expect(fay.words).toEqual([]);
  await fay.device.restart();
  rhea.repent();
  fay.device.cut();
  await fay.open();
  await world.time.pass(20_000);
  expect(fay.words).toEqual(['under the new key']);
});
