/** Envelopes with one bit changed, or under another device’s name or place, shown too early to be judged. */
import { describe, expect, it, vi } from 'vitest';
import type { StoredEnvelope } from '../../crypto/frames';
import { cast, type Seat } from '../support/circle';
import { lanesOf } from '../support/lanes';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

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

describe('an envelope that is shown a second time', () => {
  /** What a device shows whose feed is made anew from what it stored. */
  async function shownAnew(world: World, seat: Seat): Promise<string[]> {
    seat.device.disk.loseCache();
    await seat.device.restart();
    await seat.open();
    await world.time.pass(120_000);
    return seat.words;
  }
  async function beforeRhea(): Promise<{ world: World; olivia: Seat; pat: Seat; fay: Seat; rhea: Rhea }> {
    const { world, olivia, pat, fay } = await cast(3);
    for (let i = 1; i <= 3; i++) {
      await pat.post(`Pat ${i}`);
      await world.time.pass(8_000);
    }
    const rhea = new Rhea(world);
    for (const x of [olivia, fay]) x.device.cut();
    await world.time.pass(3_000);
    return { world, olivia, pat, fay, rhea };
  }

  it('under another device’s name takes nobody’s place', async () => {
    const { world, olivia, fay, rhea } = await beforeRhea();
    const own = fay.run.ownRow?.device as number;
    // something odd makes her read all of it again, and all of it is said to be her own
    rhea.down = (f, to) => (to === fay.device && f.is === 'page' ? [{ ...f, items: f.items.map((i) => (f.re === 0 ? { ...i, n: i.n + 1 } : { ...i, device: own })) }] : [f]);
    await olivia.post('Olivia');
    await world.time.pass(12_000);
    rhea.repent();
    await world.time.pass(120_000);
    expect(await shownAnew(world, fay)).toEqual(['Pat 1', 'Pat 2', 'Pat 3', 'Olivia']);
    expect(await lanesOf(fay)).toEqual(await lanesOf(olivia));
    expect(fay.view.alarm).toBeNull();
    expect(world.reports).toEqual([]);
  });

  it('in another’s place, before the one that it follows is there, leaves that one where it stands', async () => {
    const { world, olivia, pat, fay, rhea } = await beforeRhea();
    fay.device.goOffline();
    const from = fay.run.cursor;
    await olivia.post('Olivia');
    for (const n of [4, 5]) {
      await world.time.pass(8_000);
      await pat.post(`Pat ${n}`);
    }
    await world.time.pass(8_000);
    const device = pat.run.ownRow?.device as number;
    const newest = rhea.heard.flatMap(({ f }) => (f.is === 'page' ? f.items : [])).findLast((i) => i.device === device) as StoredEnvelope;
    rhea.down = (f, to) => {
      if (to !== fay.device || f.is !== 'page') return [f];
      const items = f.items.filter((i) => i.seq <= from + 1).map((i) => (i.seq === from ? { ...newest, seq: from } : i));
      return [{ ...f, items: fay.run.cursor === from ? items.map((i) => ({ ...i, n: i.n + 1 })) : items }];
    };
    fay.device.goOnline();
    await world.time.pass(3_000);
    expect(fay.words).toEqual(['Pat 1', 'Pat 2', 'Pat 3', 'Olivia']);
    rhea.repent();
    fay.device.cut();
    await world.time.pass(120_000);
    const all = ['Pat 1', 'Pat 2', 'Pat 3', 'Olivia', 'Pat 4', 'Pat 5'];
    expect((await shownAnew(world, fay)).sort()).toEqual(all.sort());
    expect(await lanesOf(fay)).toEqual(await lanesOf(olivia));
    expect(fay.view.alarm).toBeNull();
    expect(world.reports).toEqual([]);
  });
});
