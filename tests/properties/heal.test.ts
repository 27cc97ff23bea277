/** P19 P20 P22 A relay put back from a backup while its clients are ahead: they give it back what it lost, and nobody is alarmed. */
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { equal } from '../../crypto/bytes';
import { NO_DETAIL } from '../../crypto/frames';
import { encodeState } from '../../crypto/roster/state';
import { cast, type Seat } from '../support/circle';
import { backedUp, putBack, worldIn } from '../support/restored';
import { Mallory } from '../support/mallory';
import { Rhea } from '../support/rhea';
import { lanesOf } from '../support/lanes';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-restored-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const fresh = (): string => {
  rmSync(folder, { recursive: true, force: true });
  return (folder = mkdtempSync(join(tmpdir(), 'carefold-restored-')));
};

/** Everyone has the same, once, in the same order; the relay has it too. */
async function sameForAll(world: World, seats: readonly Seat[], texts: readonly string[]): Promise<void> {
  await world.time.pass(70_000);
  const [first] = seats as [Seat];
  for (const s of seats) {
    const { name } = s.device;
    expect(s.view.alarm, name).toBeNull();
    expect(s.view.ended, name).toBeNull();
    expect(s.words.slice().sort(), name).toEqual(texts.slice().sort());
    expect(s.words, name).toEqual(first.words);
    expect(s.run.outbox, name).toEqual([]);
    expect(s.run.sealed, name).toBeNull();
    expect(s.run.cursor, name).toBe(first.run.cursor);
    expect(equal(encodeState(s.run.state), encodeState(first.run.state)), name).toBe(true);
    expect(await lanesOf(s), name).toEqual(await lanesOf(first));
  }
  expect(world.reports).toEqual([]);
}
async function everywhere(world: World, seats: readonly Seat[], texts: readonly string[]): Promise<void> {
  await sameForAll(world, seats, texts);
  // what they show after a start from nothing but their disks is the same
  for (const s of seats) {
    await s.device.restart();
    await s.open();
  }
  await sameForAll(world, seats, texts);
}
const shownAs = (s: Seat, text: string): string | undefined => s.delivery(text);

describe('P22 a relay restored from a backup while its clients are ahead', () => {
  it('has everything again, in the same order, nothing twice and nobody alarmed', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    const texts: string[] = [];
    const post = async (s: Seat, text: string): Promise<void> => {
      await s.post(text);
      texts.push(text);
      await world.time.pass(SENT);
    };
    await post(olivia, 'Before');
    const backup = backedUp(folder);
    for (let i = 0; i < 3; i++) for (const s of [pat, olivia, fay]) await post(s, `${s.device.name} ${i}`);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Another name' });
    const photo = await pat.device.must('add-photo', { group: pat.group, photo: { full: new Uint8Array(900).fill(7), thumb: new Uint8Array(60).fill(8), width: 4, height: 3, type: 'image/jpeg' } });
    await pat.post('With a photo', [photo.photo]);
    texts.push('With a photo');
    await world.time.pass(SENT);
    const order = olivia.words;
    world.stored.clear();
    await putBack(world, folder, backup);
    await everywhere(world, [olivia, pat, fay], texts);
    expect(olivia.words).toEqual(order);
    expect(fay.view.name).toBe('Another name');
    expect(shownAs(pat, 'Pat 2')).toMatch(/sent|seen/);
    expect(world.stored.size).toBe(2);
    // life goes on: new words, and the roster too
    await post(fay, 'After');
    await olivia.device.must('remove', { group: olivia.group, member: fay.run.me });
    await world.time.pass(SENT);
    await post(pat, 'Without Fay');
    await sameForAll(world, [olivia, pat], texts);
    expect(fay.words).not.toContain('Without Fay');
  });

  it('whoever comes first, whatever was under way, and however often it is restored', async () => {
    const step = fc.record({ who: fc.nat(2), wait: fc.constantFrom(0, 20, 400, SENT), what: fc.constantFrom('post', 'post', 'post', 'offline', 'online', 'kill') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), fc.nat(8), fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), fc.boolean(), async (steps, when, order, twice) => {
        const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(fresh()));
        const seats = [olivia, pat, fay];
        const texts: string[] = [];
        let backup = backedUp(folder);
        for (const [i, { who, wait, what }] of steps.entries()) {
          if (i === when) backup = backedUp(folder);
          const s = seats[who] as Seat;
          if (what === 'offline') s.device.goOffline();
          else if (what === 'online') s.device.goOnline();
          else if (what === 'kill') {
            await s.device.restart();
            await s.open();
          } else {
            await s.post(`${s.device.name} ${i}`);
            texts.push(`${s.device.name} ${i}`);
          }
          await world.time.pass(wait);
        }
        for (const s of seats) s.device.goOffline();
        await putBack(world, folder, backup);
        for (const [i, at] of order.entries()) {
          (seats[at] as Seat).device.goOnline();
          await world.time.pass(i === 0 ? 15_000 : 3_000);
        }
        if (twice) {
          await world.time.pass(20_000);
          await putBack(world, folder, backup);
        }
        await everywhere(world, seats, texts);
        expect(world.relay.refusals.get('conflict') ?? 0, 'a number used twice').toBe(0);
        await world.relay.log.close();
      }),
      { numRuns: 6 }
    );
  });

  it('gets back a member, a removal and a whole group that the backup does not know', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    await fay.post('Fay was here');
    await world.time.pass(SENT);
    const backup = backedUp(folder);
    await olivia.device.must('remove', { group: olivia.group, member: fay.run.me });
    await world.time.pass(SENT);
    const other = await olivia.device.must('new-group', { name: 'Made since', kind: 'family' });
    await olivia.post('Since');
    await world.time.pass(SENT);
    for (const s of [olivia, pat, fay]) s.device.goOffline();
    await putBack(world, folder, backup);
    // Fay's device learned of its end and is away; Pat brings the removal, though not its owner
    pat.device.goOnline();
    await world.time.pass(15_000);
    olivia.device.goOnline();
    await sameForAll(world, [olivia, pat], ['Fay was here', 'Since']);
    expect(fay.view.ended).toBe('removed');
    expect(olivia.device.core?.groups.get(other.group)?.alarm ?? null).toBeNull();
    expect(olivia.device.core?.groups.get(other.group)?.synced).toBe(true);
  });

  it('hears from whoever left that they did, and their last words, though nobody else had heard of either', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Since' });
    await world.time.pass(100);
    for (const s of [olivia, fay]) s.device.goOffline();
    await world.time.pass(100);
    await pat.post('Last words');
    await world.time.pass(SENT);
    await pat.device.must('leave', { group: pat.group });
    const rhea = new Rhea(world);
    for (let i = 0; i < 2; i++) {
      await putBack(world, folder, backup);
      await world.time.pass(15_000);
    }
    pat.device.cut();
    await world.time.pass(15_000);
    for (const s of [olivia, fay]) s.device.goOnline();
    await sameForAll(world, [olivia, fay], ['Last words']);
    for (const s of [olivia, fay]) expect(s.view.people.find((p) => p.name === 'Pat')?.ended?.how).toBe('left');
    await fay.post('The group goes on');
    await sameForAll(world, [olivia, fay], ['Last words', 'The group goes on']);
    // once in each life of the relay, and nothing else
    expect(rhea.told.filter((t) => t.device === 'Pat').map((t) => t.f.is).filter((is) => is !== 'ping')).toEqual(Array.from({ length: 2 }, () => ['give-entries', 'give-entries', 'auth', 'give']).flat());
  });

  it('with other words of a member’s under numbers that it lost, keeps nobody from putting that member out, and then all have the same', async () => {
    for (const said of [['Other'], ['Other', 'Another'], ['Other', 'Another', 'And another']]) {
      const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(fresh()));
      const backup = backedUp(folder);
      fay.device.goOffline();
      for (const text of ['One', 'Two']) {
        await mallory.post(text);
        await world.time.pass(SENT);
      }
      for (const s of [olivia, pat]) s.device.goOffline();
      await putBack(world, folder, backup);
      const m = new Mallory(world, mallory);
      const there = await m.enter();
      if (there.is !== 'welcome') throw new Error(there.is);
      Object.assign(m, { n: there.head.n, prev: there.head.hash });
      for (const x of said) expect(await m.append(m.seal(m.update([{ i: m.newId(), t: 'post', a: 1, x }])))).toMatchObject({ is: 'acks' });
      for (const s of [olivia, pat, fay]) s.device.goOnline();
      await world.time.pass(SENT);
      // whoever had the first words keeps them; which is right nobody can tell
      expect([olivia, pat, fay].map((s) => s.words)).toEqual([['One', 'Two'], ['One', 'Two'], said]);
      // she never shows how far she is, and is waited for a day
      m.close();
      await world.time.pass(25 * 3_600_000);
      await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
      // what was refused so far is read again in time, or when a connection begins
      for (const s of [olivia, pat, fay]) s.device.cut();
      await world.time.pass(70_000);
      for (const s of [olivia, pat, fay]) {
        expect(s.posts.filter((p) => !p.withdrawn).map((p) => p.text), s.device.name).toEqual(said);
        expect(s.view.alarm, s.device.name).toBeNull();
        expect(await lanesOf(s), s.device.name).toEqual(await lanesOf(olivia));
      }
      expect(world.reports).toEqual([]);
      await world.relay.log.close();
    }
  });

  it('that could keep nothing at first is given it again, and shows nothing as sent that it lacks', async () => {
    const { world, olivia, pat } = await cast(2, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    await pat.post('Since');
    await world.time.pass(SENT);
    await putBack(world, folder, backup);
    const rhea = new Rhea(world);
    let refused = 0;
    rhea.up = (f, _, answer) => {
      if (f.is !== 'give' || refused >= 4) return [f];
      refused++;
      answer({ is: 'refused', re: f.re, group: f.group, why: 'unavailable', detail: NO_DETAIL });
      return [];
    };
    await everywhere(world, [olivia, pat], ['Since']);
    expect(refused).toBe(4);
  });

  it('gets back what the one device that has it had no room for, and that device keeps it through all this', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    await pat.post('Before');
    await world.time.pass(SENT);
    const backup = backedUp(folder);
    olivia.device.goOffline();
    fay.device.fate = (w) => (w === 'commit' ? 'full' : 'done');
    await pat.post('Nobody kept it');
    await olivia.post('Meanwhile');
    await world.time.pass(SENT);
    expect(fay.words).toEqual(['Before', 'Nobody kept it']);
    pat.device.goOffline();
    await putBack(world, folder, backup);
    await world.time.pass(20_000);
    expect(fay.words).toEqual(['Before', 'Nobody kept it']);
    fay.device.fate = () => 'done';
    olivia.device.goOnline();
    await world.time.pass(20_000);
    expect(olivia.words).toContain('Nobody kept it');
    pat.device.goOnline();
    await everywhere(world, [olivia, pat, fay], ['Before', 'Nobody kept it', 'Meanwhile']);
  });

  it('and lost the lockbox of who changed the roster and never heard of it: that device reads what the others say since', async () => {
    const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat, fay, mallory]) s.device.cut();
    await world.time.pass(2_000);
    rhea.down = (f, to) => (to === olivia.device && (f.is === 'entered' || f.is === 'entries') ? [] : [f]);
    olivia.device.begin('remove', { group: olivia.group, member: mallory.run.me });
    await world.time.pass(1_000);
    olivia.device.goOffline();
    rhea.repent();
    expect(pat.run.row.ended).toBeNull();
    expect(mallory.run.row.ended).toBe('removed');
    await pat.post('Under the new keys');
    await world.time.pass(SENT);
    await putBack(world, folder, backup);
    // the entry is there again before its author is
    await world.time.pass(70_000);
    olivia.device.goOnline();
    await everywhere(world, [olivia, pat, fay], ['Under the new keys']);
  });

  it('takes no change of who is in the group until everybody came, and says why', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    fay.device.goOffline();
    await putBack(world, folder, backup);
    await world.time.pass(20_000);
    expect(await olivia.device.run('remove', { group: olivia.group, member: fay.run.me })).toEqual({ ok: false, fault: 'restoring' });
    await pat.post('Words go on');
    await world.time.pass(SENT);
    fay.device.goOnline();
    await world.time.pass(20_000);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Now' });
    await sameForAll(world, [olivia, pat, fay], ['Words go on']);
  });

  it('P20 with two histories since, stops the one device that the group went on without, and no other, and calls it no fork', async () => {
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    for (const s of [pat, fay]) s.device.goOffline();
    await world.time.pass(100);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Known to Olivia alone' });
    await olivia.post('Lost with Olivia’s phone');
    await world.time.pass(SENT);
    olivia.device.goOffline();
    await putBack(world, folder, backup);
    for (const s of [pat, fay]) s.device.goOnline();
    await world.time.pass(8 * 86_400_000);
    await fay.device.must('leave', { group: fay.group });
    await world.time.pass(SENT);
    await pat.post('The group went on');
    await world.time.pass(SENT);
    await olivia.post('Written meanwhile');
    olivia.device.goOnline();
    await world.time.pass(70_000);
    expect(olivia.view).toMatchObject({ ended: 'overtaken', alarm: null });
    expect(olivia.words).toContain('Written meanwhile');
    expect(pat.view).toMatchObject({ ended: null, alarm: null });
    await pat.post('And on');
    await world.time.pass(SENT);
    expect(shownAs(pat, 'And on')).toBe('sent');
  });

  it('gets back what the recovery phrase opens, and the words bring back a group that the backup knew nothing of', async () => {
    const { world, olivia, pat } = await cast(2, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    const { words } = await pat.device.must('propose-phrase', null);
    await pat.device.must('keep-phrase', { words });
    await world.time.pass(SENT);
    await olivia.post('Before the fire');
    await world.time.pass(SENT);
    await putBack(world, folder, backup);
    await sameForAll(world, [olivia, pat], ['Before the fire']);
    expect(await pat.device.must('check-phrase', { words })).toEqual({ right: true, groups: 1 });
    // once more, after a start from nothing but its disk
    await pat.device.restart();
    await putBack(world, folder, backup);
    await world.time.pass(70_000);
    pat.device.goOffline();
    const bare = world.device('Pat again', 'patient');
    await bare.boot();
    await bare.must('restore', { words, passphrase: 'four quiet lamps over harbour', endOthers: true });
    await world.time.pass(20_000);
    expect(bare.view('home', null).groups).toMatchObject([{ name: olivia.view.name }]);
    expect(world.reports).toEqual([]);
  });

  it('P19 that shows its old self without a word is still told to the person', async () => {
    const { world, olivia, pat } = await cast(2, 'start', undefined, () => worldIn(folder));
    const backup = backedUp(folder);
    await olivia.post('One');
    await world.time.pass(SENT);
    await putBack(world, folder, backup);
    await world.time.pass(20_000);
    expect(olivia.view.alarm).toBeNull();
    const rhea = new Rhea(world);
    rhea.down = (f, to) => (f.is === 'hello' && to === olivia.device ? [{ ...f, incarnation: f.incarnation - 1 }] : [f]);
    olivia.device.cut();
    await world.time.pass(5_000);
    expect(olivia.view.alarm).toBe('rollback');
    // nothing is said to it
    expect(rhea.told.filter((t) => t.device === 'Olivia' && t.f.is !== 'ping')).toEqual([]);
    expect(pat.view.alarm).toBeNull();
  });
});
