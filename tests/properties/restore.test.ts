/** P22 A device's disk put back from a backup, and one disk used twice: no number is accepted twice, no word is lost or doubled. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { cast, type Seat } from '../support/circle';
import { bootOn, copyOf } from '../support/copied';
import { lanesOf } from '../support/lanes';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;

async function sameForAll(world: World, seats: Seat[], texts: string[]): Promise<void> {
  await world.time.pass(60_000);
  const [first] = seats as [Seat];
  for (const s of seats) {
    expect(s.words.slice().sort(), s.device.name).toEqual(texts.slice().sort());
    expect(s.words, s.device.name).toEqual(first.words);
    expect(s.run.outbox, s.device.name).toEqual([]);
    expect(s.view.alarm, s.device.name).toBeNull();
    expect(await lanesOf(s), s.device.name).toEqual(await lanesOf(first));
  }
  expect(world.reports).toEqual([]);
}

describe('P22 a disk put back from a backup', () => {
  it('goes on after what it had sent since, and sends what it had not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.nat(3), fc.boolean(), fc.boolean(), async (sentSince, waiting, cache, offline) => {
        const { world, olivia, pat } = await cast(2);
        const texts: string[] = [];
        const post = async (s: Seat, text: string): Promise<void> => {
          await s.post(text);
          texts.push(text);
        };
        await post(pat, 'Long sent');
        await world.time.pass(SENT);
        if (offline) pat.device.goOffline();
        for (let i = 0; i < waiting; i++) await post(pat, `In the backup’s outbox ${i}`);
        const backup = await copyOf(pat.device.disk, cache);
        if (offline) pat.device.goOnline();
        await world.time.pass(SENT);
        for (let i = 0; i < sentSince; i++) {
          await post(pat, `Since the backup ${i}`);
          await world.time.pass(SENT);
        }
        await post(olivia, 'Olivia meanwhile');
        await world.time.pass(SENT);
        pat.device.kill();
        const again = await bootOn(world, backup, pat.group);
        await post(again, 'After the backup came back');
        await world.time.pass(SENT);
        await sameForAll(world, [olivia, again], texts);
        expect(world.relay.refusals.get('conflict') ?? 0).toBe(0);
      }),
      { numRuns: 14 }
    );
  });

  it('with an envelope sealed that was never sent as such, keeps its words', async () => {
    const { world, olivia, pat } = await cast(2);
    await pat.post('One');
    await world.time.pass(SENT);
    // sealed and stored, and the line cut before anything left
    world.down = true;
    pat.device.cut();
    await pat.post('Two');
    await world.time.pass(SENT);
    world.down = false;
    await world.time.pass(70_000);
    const backup = await copyOf(pat.device.disk, true);
    await pat.post('Three');
    await world.time.pass(SENT);
    pat.device.kill();
    const again = await bootOn(world, backup, pat.group);
    await sameForAll(world, [olivia, again], ['One', 'Two', 'Three']);
  });

  it('used twice at once, loses nobody’s words: the second at a number gives way and goes behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), fc.constantFrom(0, 1, 2, 5, 40, 2_000)), { minLength: 2, maxLength: 8 }), async (posts) => {
        const { world, olivia, pat } = await cast(2);
        const twin = await bootOn(world, await copyOf(pat.device.disk, true), pat.group);
        const texts: string[] = [];
        for (const [i, [who, wait]] of posts.entries()) {
          const text = `${who === 0 ? 'Pat' : 'Twin'} ${i}`;
          await (who === 0 ? pat : twin).post(text);
          texts.push(text);
          await world.time.pass(wait);
        }
        await world.time.pass(30_000);
        // each learns of the other’s envelopes when it connects
        for (const s of [pat, twin]) s.device.cut();
        await sameForAll(world, [olivia, pat, twin], texts);
      }),
      { numRuns: 14, examples: [[[[0, 0], [1, 0]]]] }
    );
  });
});
