/** P1 P5 P19 P22 Words of a removed member that a restored relay lost: told, gone on without by the owner's hand alone, and taken back whenever they come. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bytes, Hash } from '../../crypto/brand';
import { equal } from '../../crypto/bytes';
import { encodeState, type Row } from '../../crypto/roster/state';
import type { Log } from '../../relay/log';
import { localLog } from '../../relay/log-sqlite';
import { changeRoster } from '../../src/lib/core/change';
import type { Fault } from '../../src/lib/core/port';
import { LOG_START, type LogPlace } from '../../src/lib/group/log';
import { admit, cast, type Seat } from '../support/circle';
import { bootOn, copyOf } from '../support/copied';
import { lanesOf } from '../support/lanes';
import { backedUp, putBack, worldIn } from '../support/restored';
import { Rhea } from '../support/rhea';
import { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const DAY = 86_400_000;
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-lost-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const fresh = (): string => {
  rmSync(folder, { recursive: true, force: true });
  return (folder = mkdtempSync(join(tmpdir(), 'carefold-lost-')));
};

const shown = (s: Seat): string[] => s.posts.filter((p) => !p.withdrawn).map((p) => p.text);
const rowOfMallory = (s: Seat): Row => [...s.run.state.rows.values()].find((r) => r.device === 4) as Row;
async function same(world: World, seats: readonly Seat[], texts: readonly string[]): Promise<void> {
  const [first] = seats as [Seat];
  for (const s of seats) {
    const { name } = s.device;
    expect(shown(s), name).toEqual(texts);
    expect(s.view.lost, name).toEqual([]);
    expect(s.view.alarm, name).toBeNull();
    expect(equal(encodeState(s.run.state), encodeState(first.run.state)), name).toBe(true);
    expect(await lanesOf(s), name).toEqual(await lanesOf(first));
  }
  expect(world.reports).toEqual([]);
}
/** The owner's device restates a cut of Mallory's log by hand, whatever its app would let it. */
async function restateBy(world: World, s: Seat, { n, hash }: Pick<LogPlace, 'n' | 'hash'>): Promise<Fault | null> {
  let done: { fault: Fault | null } | null = null;
  void s.run.turns.take(() => changeRoster(s.run, () => ({ body: { kind: 'restate-cut', cut: { logPk: rowOfMallory(s).logPk, n, hash } }, boxes: [], keys: null }))).then((fault) => (done = { fault }));
  while (done === null) await world.time.pass(50);
  return (done as { fault: Fault | null }).fault;
}

/** Mallory is removed after three words, the relay put back to her first, and an old disk of hers says other words there, before it hears of her end. */
async function inTheirStead(texts: readonly string[]): Promise<void> {
  const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(fresh()));
  await mallory.post('One');
  await world.time.pass(SENT);
  fay.device.goOffline();
  const backup = backedUp(folder);
  const disk = await copyOf(mallory.device.disk, true);
  for (const text of ['Two', 'Three']) {
    await mallory.post(text);
    await world.time.pass(SENT);
  }
  const { me } = mallory.run;
  mallory.device.kill();
  await olivia.device.must('remove', { group: olivia.group, member: me });
  await world.time.pass(SENT);
  for (const s of [olivia, pat]) s.device.goOffline();
  await putBack(world, folder, backup);
  // nobody has told the relay yet that Mallory is out
  fay.device.goOnline();
  const copy = await bootOn(world, disk, mallory.group);
  await world.time.pass(SENT);
  for (const text of texts) {
    await copy.post(text);
    await world.time.pass(SENT);
  }
  expect(shown(fay)).toEqual(['One', ...texts]);
  for (const s of [pat, olivia]) s.device.goOnline();
  await world.time.pass(70_000);
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  const seats = [olivia, pat, fay, await admit(world, olivia, dan)];
  await world.time.pass(SENT);
  for (let again = 0; again < 2; again++) {
    await same(world, seats, ['One', 'Two', 'Three']);
    for (const text of texts) expect(fay.posts.find((p) => p.text === text)?.withdrawn, text).toBe(true);
    for (const s of seats) {
      await s.device.restart();
      await s.open();
    }
  }
  // nor do its words stand over an answer to it
  await fay.device.must('post', { group: fay.group, text: 'Is that so?', photos: [], replyTo: fay.posts.find((p) => p.text === texts[0])!.id });
  expect(fay.posts.find((p) => p.text === 'Is that so?')?.replyTo).toMatchObject({ words: '', gone: 'withdrawn' });
  await world.relay.log.close();
}

describe('the last words of a removed member, lost with a restored relay', () => {
  it('are told once nobody is waited for, gone on without when the owner says so, and are everywhere when the device that has them comes', async () => {
    const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(folder));
    const say = async (text: string): Promise<void> => {
      await mallory.post(text);
      await world.time.pass(SENT);
    };
    await olivia.device.must('set-roles', { group: olivia.group, member: pat.run.me, roles: { host: false, successor: false, representative: true } });
    await say('One');
    fay.device.goOffline();
    await say('Two');
    olivia.device.goOffline();
    const backup = backedUp(folder);
    await say('Three');
    const { me } = mallory.run;
    mallory.device.kill();
    await pat.device.must('remove', { group: pat.group, member: me });
    await world.time.pass(SENT);
    expect(shown(pat)).toEqual(['One', 'Two', 'Three']);
    pat.device.goOffline();
    await putBack(world, folder, backup);
    // Pat's device says who is out, and is gone before it gives the words
    const rhea = new Rhea(world);
    rhea.up = (f, from) => (from === pat.device && f.is === 'give' ? [] : [f]);
    pat.device.goOnline();
    await world.time.pass(3_000);
    pat.device.kill();
    rhea.repent();
    olivia.device.goOnline();
    fay.device.goOnline();
    await world.time.pass(SENT);
    expect(olivia.run.state.members.get(me)?.end?.how).toBe('removed');
    expect([shown(olivia), shown(fay)]).toEqual([['One', 'Two'], ['One']]);
    // Pat may have more, and is waited for
    expect([olivia.view.lost, fay.view.lost]).toEqual([[], []]);
    expect(await olivia.device.run('go-without', { group: olivia.group, member: me })).toEqual({ ok: false, fault: 'changed-meanwhile' });
    for (const s of [olivia, fay]) s.device.kill();
    await world.time.pass(DAY);
    for (const s of [olivia, fay]) {
      await s.device.restart();
      await s.open();
    }
    await world.time.pass(SENT);
    const told = [{ member: me, name: 'Mallory', mine: false }];
    expect([olivia.view.lost, fay.view.lost]).toEqual([told, told]);
    expect(await fay.device.run('go-without', { group: fay.group, member: me })).toEqual({ ok: false, fault: 'not-allowed' });
    await olivia.device.must('go-without', { group: olivia.group, member: me });
    await world.time.pass(SENT);
    const device = world.device('Dan', 'family');
    await device.setUp();
    const dan = await admit(world, olivia, device);
    await world.time.pass(SENT);
    await same(world, [olivia, fay, dan], ['One', 'Two']);
    // and what is here outlives a start from nothing but the disk
    await fay.device.restart();
    await fay.open();
    await pat.device.restart();
    await pat.open();
    await world.time.pass(70_000);
    await same(world, [olivia, pat, fay, dan], ['One', 'Two', 'Three']);
    for (const s of [olivia, dan]) {
      await s.device.restart();
      await s.open();
    }
    await same(world, [olivia, pat, fay, dan], ['One', 'Two', 'Three']);
  });

  it('are told of by nobody in a group whose relay has all, whoever goes and however they go', async () => {
    const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => worldIn(folder));
    fay.device.goOffline();
    for (const s of [mallory, pat]) await s.post(`By ${s.device.name}`);
    await world.time.pass(SENT);
    const backup = backedUp(folder);
    await mallory.post('Since');
    await world.time.pass(SENT);
    await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
    await pat.device.must('leave', { group: pat.group });
    await world.time.pass(SENT);
    const seen: unknown[] = [];
    const look = async (ms: number): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await world.time.pass(ms / 10);
        for (const s of [olivia, fay]) seen.push(...s.view.lost);
      }
    };
    fay.device.goOnline();
    await look(SENT);
    await putBack(world, folder, backup);
    await look(70_000);
    await look(DAY);
    expect(seen).toEqual([]);
    await same(world, [olivia, fay], ['By Mallory', 'By Pat', 'Since']);
  });

  it('take the place of what was said in their stead on the restored relay, on devices that had taken that and on those that come', async () => {
    // short of the cut, as far, and beyond it
    for (const instead of [1, 2, 3]) await inTheirStead(Array.from({ length: instead }, (_, i) => `Instead ${i}`));
  });
});

describe('an owner in league with the relay', () => {
  /** A relay that looks at no log's head when a cut is restated or a log ends. */
  const careless = (now: number): Log => {
    const log = localLog(':memory:', now);
    return { ...log, call: (name, input, then) => log.call(name, name === 'enter' ? { ...input, ends: [] } : input, then) };
  };

  it('hides no word of a removed member by a lower cut, from who has it, nor from who gets it later', async () => {
    const { world, olivia, pat, fay, mallory } = await cast(4, 'start', undefined, () => World.make('', careless));
    const ends: LogPlace[] = [LOG_START];
    const say = async (text: string): Promise<void> => {
      await mallory.post(text);
      await world.time.pass(SENT);
      ends.push(mallory.run.ownHead);
    };
    await say('One');
    fay.device.goOffline();
    await say('Two');
    await say('Three');
    await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
    for (const end of ends.slice(0, 3)) expect(await restateBy(world, olivia, end)).toBeNull();
    expect(await restateBy(world, olivia, ends[3] as LogPlace)).toBe('refused-by-relay');
    await world.time.pass(SENT);
    await same(world, [olivia, pat], ['One', 'Two', 'Three']);
    // the relay keeps the last of them from Fay, and says it has no more
    const rhea = new Rhea(world);
    const last = pat.run.cursor;
    rhea.down = (f, to) => {
      if (to !== fay.device) return [f];
      if (f.is === 'standing') return [{ ...f, heads: f.heads.map((h) => (h.device === 4 ? { ...h, ...(ends[2] as LogPlace) } : h)) }];
      return [f.is === 'welcome' ? { ...f, feedSeq: last - 1 } : f.is === 'page' ? { ...f, items: f.items.filter((i) => i.seq < last) } : f];
    };
    fay.device.goOnline();
    await world.time.pass(SENT);
    expect(shown(fay)).toEqual(['One', 'Two']);
    rhea.repent();
    fay.device.cut();
    await world.time.pass(SENT);
    await same(world, [olivia, pat, fay], ['One', 'Two', 'Three']);
  });

  it('makes nobody take what is not on a chain that a log’s own key signed, nor anything beyond the cut (P1)', async () => {
    const { world, olivia, fay, mallory } = await cast(4, 'start', undefined, () => World.make('', careless));
    await mallory.post('One');
    await world.time.pass(SENT);
    fay.device.goOffline();
    await mallory.post('Two');
    await world.time.pass(SENT);
    await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
    const { n, hash } = mallory.run.ownHead;
    expect(await restateBy(world, olivia, { n: n - 1, hash: new Uint8Array(32).fill(7) as Bytes as Hash })).toBeNull();
    for (const beyond of [n, n + 1]) expect(await restateBy(world, olivia, { n: beyond, hash })).toBe('refused-by-relay');
    fay.device.goOnline();
    await world.time.pass(SENT);
    await same(world, [olivia, fay], ['One', 'Two']);
  });
});
