/** Every write may fail, happen unheard, or be the last before the power goes: nothing acknowledged is lost, no number is used twice. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { equal } from '../../crypto/bytes';
import { encodeState } from '../../crypto/roster/state';
import type { Fate } from '../../src/lib/store/memory';
import { cast, type Seat } from '../support/circle';
import { lanesOf } from '../support/lanes';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const runs = (n: number): number => n * Number(process.env['TIMES'] ?? 1);
type Blow = Fate | 'kill' | 'power-cut';
const BLOWS: readonly Blow[] = ['full', 'lost', 'done-unheard', 'kill', 'power-cut'];

/** From write `at` on, `many` writes of a device are struck. */
function strike(seat: Seat, at: number, many: number, blow: Blow): { readonly writes: number } {
  const count = { writes: 0 };
  seat.device.fate = () => {
    const mine = count.writes++;
    if (mine < at || mine >= at + many) return 'done';
    if (blow === 'kill' || blow === 'power-cut') {
      // the write itself succeeds; nothing after it does
      if (mine === at) queueMicrotask(() => (blow === 'kill' ? seat.device.kill() : (seat.device.disk.cut(0), seat.device.kill())));
      return 'done';
    }
    return blow;
  };
  return count;
}
/** Runs a command and says whether it was answered with success; a device that died answers nothing. */
const tried = async (what: Promise<{ ok: boolean }>): Promise<boolean> => {
  try {
    return (await what).ok;
  } catch {
    return false;
  }
};
/** The device as a person brings it back. */
async function revive(world: World, seat: Seat): Promise<void> {
  if (!isOpen(seat)) await seat.device.restart();
  // tries that were counted and never judged make the next one wait
  for (let i = 0; i < 20 && !isOpen(seat) && seat.device.fate('commit') === 'done'; i++) {
    await world.time.pass(60_000);
    await seat.device.restart();
  }
  await seat.open();
  await world.time.pass(500);
}
const isOpen = ({ device }: Seat): boolean => device.core !== null && (device.view('app', null) as { phase: string } | undefined)?.phase === 'open';

async function settled(world: World, seats: Seat[], acked: string[]): Promise<void> {
  for (const s of seats) {
    s.device.fate = () => 'done';
    s.device.kill();
    await revive(world, s);
  }
  await world.time.pass(90_000);
  const [first] = seats as [Seat];
  for (const s of seats) {
    for (const text of acked) expect(s.words.filter((w) => w === text), `“${text}” at ${s.device.name}`).toEqual([text]);
    expect(s.words, s.device.name).toEqual(first.words);
    expect(s.run.outbox, s.device.name).toEqual([]);
    expect(s.run.sealed, s.device.name).toBeNull();
    expect(s.view.alarm, s.device.name).toBeNull();
    expect(equal(encodeState(s.run.state), encodeState(first.run.state)), s.device.name).toBe(true);
    expect(await lanesOf(s), s.device.name).toEqual(await lanesOf(first));
  }
  expect(world.relay.refusals.get('conflict') ?? 0, 'a number used twice').toBe(0);
  expect(world.relay.refusals.get('gap') ?? 0).toBe(0);
}

describe('P22 a blow at any write', () => {
  const blow = fc.record({ at: fc.nat(45), many: fc.constantFrom(1, 1, 2, 6, 40), blow: fc.constantFrom(...BLOWS) });

  it('of a device that posts, edits and marks as seen loses nothing it said was saved and reuses no number', async () => {
    await fc.assert(
      fc.asyncProperty(blow, async ({ at, many, blow: how }) => {
        const { world, olivia, pat, fay } = await cast(3);
        await olivia.post('Before');
        await world.time.pass(SENT);
        const acked = ['Before'];
        strike(pat, at, many, how);
        for (let i = 0; i < 6; i++) {
          if (await tried(pat.post(`Pat ${i}`))) acked.push(`Pat ${i}`);
          if (i === 1) await tried(pat.device.run('seen', { group: pat.group, posts: pat.posts.filter((p) => !p.mine).map((p) => p.id) }));
          await world.time.pass(i % 2 ? 7_000 : 300);
          await olivia.post(`Olivia ${i}`);
          acked.push(`Olivia ${i}`);
          if (i === 3) pat.device.cut();
          await revive(world, pat);
        }
        await settled(world, [olivia, pat, fay], acked);
      }),
      { numRuns: runs(14), examples: [[{ at: 3, many: 1, blow: 'full' }], [{ at: 5, many: 1, blow: 'full' }], [{ at: 0, many: 40, blow: 'full' }]] }
    );
  });

  it('of the owner that lets in, renames and removes leaves one roster and keys for everyone in it', async () => {
    await fc.assert(
      fc.asyncProperty(blow, async ({ at, many, blow: how }) => {
        const { world, olivia, pat, fay } = await cast(3);
        const acked: string[] = [];
        strike(olivia, at, many, how);
        const steps: (() => Promise<boolean>)[] = [
          () => tried(olivia.post('First').then((o) => (o.ok ? (acked.push('First'), o) : o))),
          () => tried(olivia.device.run('rename-group', { group: olivia.group, name: 'Another name' })),
          () => tried(olivia.device.run('invite', { group: olivia.group, history: 'start', days: 3, relationship: '' })),
          () => tried(olivia.device.run('remove', { group: olivia.group, member: fay.run.me })),
          () => tried(olivia.post('Last').then((o) => (o.ok ? (acked.push('Last'), o) : o)))
        ];
        for (const step of steps) {
          await step();
          await world.time.pass(2_000);
          await revive(world, olivia);
        }
        olivia.device.fate = () => 'done';
        await revive(world, olivia);
        await world.time.pass(20_000);
        if (fay.run.row.ended === null) await olivia.device.must('remove', { group: olivia.group, member: fay.run.me });
        await pat.post('From Pat');
        acked.push('From Pat');
        await settled(world, [olivia, pat], acked);
        expect(fay.words).not.toContain('From Pat');
      }),
      { numRuns: runs(14), examples: [[{ at: 6, many: 1, blow: 'lost' }], [{ at: 8, many: 1, blow: 'done-unheard' }]] }
    );
  });

  it('of somebody who accepts the group leaves exactly one owner who can go on', async () => {
    await fc.assert(
      fc.asyncProperty(blow, async ({ at, many, blow: how }) => {
        const { world, olivia, pat, fay } = await cast(3);
        await olivia.device.must('offer-owner', { group: olivia.group, member: pat.run.me });
        await world.time.pass(300);
        strike(pat, at % 12, many, how);
        await tried(pat.device.run('accept-owner', { group: pat.group }));
        await world.time.pass(3_000);
        pat.device.fate = () => 'done';
        await revive(world, pat);
        if (!pat.view.iOwn) await tried(pat.device.run('accept-owner', { group: pat.group }));
        await world.time.pass(1_000);
        await settled(world, [olivia, pat, fay], []);
        expect(olivia.view.people.filter((p) => p.owner).map((p) => p.name)).toEqual(['Pat']);
        await pat.device.must('rename-group', { group: pat.group, name: 'Pat’s own' });
        await world.time.pass(300);
        expect(fay.view.name).toBe('Pat’s own');
      }),
      { numRuns: runs(8) }
    );
  });
});
