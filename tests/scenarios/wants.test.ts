/** Keys that a device lacks, asked of the others (PROTOCOL §10.1): real devices, a real relay, and people who answer with junk. */
import { expect, it, vi } from 'vitest';
import { equal, hex } from '../../crypto/bytes';
import { type KeyringItem, lockboxHash } from '../../crypto/lockbox';
import { chainHead, liveRows } from '../../crypto/roster/state';
import { signWant, wantHash } from '../../crypto/want';
import { openKeys, sealKeys } from '../../crypto/want-answer';
import { makeRotation } from '../../src/lib/core/change';
import type { Views } from '../../src/lib/core/port';
import { cast, type Seat, shown } from '../support/circle';
import { Mallory } from '../support/mallory';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;

/** Mallory's rotation, in which one person's lockbox holds keys that fit nothing. */
async function junkFor(world: World, mallory: Seat, victim: Seat): Promise<Mallory> {
  const m = new Mallory(world, mallory);
  await m.enter();
  const at = { prev: chainHead(m.run.state), seq: m.run.state.seq + 1 };
  const rows = liveRows(m.run.state);
  const honest = makeRotation(at, rows, { content: m.random(32), roster: m.random(32) } as never, m.random, () => []);
  const wrong = makeRotation(at, rows, { content: m.random(32), roster: m.random(32) } as never, m.random, () => []);
  const boxes = honest.boxes.map((b, i) => (equal(b.to, victim.run.keys.logPk) ? wrong.boxes[i]! : b));
  m.tell({ is: 'boxes', group: m.run.row.id, seq: at.seq, boxes });
  const entered = await m.change({ kind: 'rotate', rotation: { ...honest.rotation, boxes: boxes.map((b) => ({ to: b.to, hash: lockboxHash(b.lockbox) })) } });
  expect(entered.is).toBe('entered');
  return m;
}

it('words sealed under a key that came as junk are read once anybody answers the want (R14, P9)', async () => {
  const { world, olivia, pat, fay, mallory } = await cast(4);
  pat.device.goOffline();
  await junkFor(world, mallory, pat);
  await world.time.pass(1_000);
  await olivia.post('Under the key that Pat was not given');
  await world.time.pass(SENT);
  for (const s of [olivia, fay]) s.device.goOffline();
  await world.time.pass(1_000);
  pat.device.goOnline();
  await world.time.pass(30_000);
  // alone with the relay: keys were made anew, and the words wait
  expect(pat.view.alarm).toBe('wrong-key');
  expect(pat.words).toEqual([]);
  fay.device.goOnline();
  await world.time.pass(30_000);
  expect(pat.words).toEqual(['Under the key that Pat was not given']);
  expect(pat.view.alarm).toBeNull();
  await pat.device.restart();
  await pat.open();
  expect(pat.words).toEqual(['Under the key that Pat was not given']);
  expect(world.reports).toEqual([]);
});

it('the first answer that fits counts: junk from a member who is quicker delays it, and no more', async () => {
  const { world, olivia, pat, fay, mallory } = await cast(4);
  pat.device.goOffline();
  const m = await junkFor(world, mallory, pat);
  await world.time.pass(1_000);
  await olivia.post('Still to be read');
  await world.time.pass(SENT);
  for (const s of [olivia, fay]) s.device.goOffline();
  pat.device.goOnline();
  await world.time.pass(5_000);
  const wants = await m.ask({ is: 'get-wants', group: m.run.row.id });
  const want = wants.is === 'wants' ? wants.items[0]!.want : m.random(1);
  const row = liveRows(m.run.state).find((r) => equal(r.logPk, pat.run.keys.logPk))!;
  const junk = pat.run.state.epochs.map((e): KeyringItem => ({ epoch: e.seq, roster: m.random(32) as never, content: m.random(32) as never }));
  expect(await m.ask({ is: 'put-keys', group: m.run.row.id, to: row.logPk, want: wantHash(want), keys: sealKeys(m.run.row.id, wantHash(want), row, junk, m.random) })).toMatchObject({ is: 'done' });
  await world.time.pass(1_000);
  expect(pat.words).toEqual([]);
  olivia.device.goOnline();
  await world.time.pass(60_000);
  expect(pat.words).toEqual(['Still to be read']);
  expect(pat.view.alarm).toBeNull();
});

it('“from today” is given no key from before, however it asks, and all roster keys (P17)', async () => {
  const { world, olivia, pat, mallory } = await cast(4, 'today');
  const m = new Mallory(world, mallory);
  await m.enter();
  const { horizon } = m.run.state.members.get(m.run.me)!;
  const epochs = m.run.state.epochs.map((e) => e.seq);
  expect(horizon).toBeGreaterThan(epochs[0]!);
  const want = signWant(m.run.row.id, { logPk: m.run.keys.logPk, spans: [{ first: 1, last: m.run.state.seq }] }, m.run.keys.logSk);
  await m.ask({ is: 'want', group: m.run.row.id, want });
  await world.time.pass(60_000);
  const f = await m.ask({ is: 'get-keys', group: m.run.row.id, after: 0 });
  const answers = f.is === 'keys' ? f.items : [];
  expect(answers.length).toBeGreaterThan(0);
  for (const a of answers) {
    const opened = openKeys(m.run.row.id, wantHash(want), { logPk: m.run.keys.logPk, kem: m.run.keys.kem }, a.keys);
    if (!opened.ok) throw new Error(opened.fault);
    expect(opened.value.map((k) => k.epoch)).toEqual(epochs);
    for (const k of opened.value) expect(k.content === null).toBe(k.epoch < horizon);
  }
  expect(hex(olivia.run.keyring.get(horizon)!.roster)).toBe(hex(pat.run.keyring.get(horizon)!.roster));
});

it('a relay that withholds a lockbox holds nobody up for long: the keys come from somebody else', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat]) s.device.cut();
  await world.time.pass(3_000);
  rhea.down = (f, to) => (to === pat.device && f.is === 'lockboxes' ? [{ ...f, items: [] }] : [f]);
  await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
  await world.time.pass(500);
  await olivia.post('Under the new key');
  await world.time.pass(20_000);
  expect(pat.words).toEqual(['Under the new key']);
});

it('a key that came as junk is an alarm over a restart too while words stand under it, and none where nothing does (P9)', async () => {
  for (const isWritten of [true, false]) {
    const { world, olivia, pat, fay, mallory } = await cast(4);
    pat.device.goOffline();
    await junkFor(world, mallory, pat);
    await world.time.pass(1_000);
    if (isWritten) await olivia.post('Under the key that Pat was not given');
    await world.time.pass(SENT);
    for (const s of [olivia, fay]) s.device.goOffline();
    pat.device.goOnline();
    await world.time.pass(30_000);
    // keys were made anew, and the one that never fitted is still asked for
    expect([pat.run.junk.size, pat.run.want === null, pat.view.alarm]).toEqual([1, false, isWritten ? 'wrong-key' : null]);
    for (const isOnline of [false, true]) {
      pat.device.online = isOnline;
      await pat.device.restart();
      await pat.open();
      await world.time.pass(30_000);
      expect([isWritten, isOnline, pat.view.alarm]).toEqual([isWritten, isOnline, isWritten ? 'wrong-key' : null]);
    }
    fay.device.goOnline();
    await world.time.pass(30_000);
    expect([pat.run.junk.size, pat.view.alarm, pat.words]).toEqual([0, null, isWritten ? ['Under the key that Pat was not given'] : []]);
    await pat.device.restart();
    await pat.open();
    await world.time.pass(5_000);
    expect(pat.view.alarm).toBeNull();
    expect(world.reports).toEqual([]);
  }
});

it('a key that is withheld is told as one that is waited for, not at once, as long as words wait for it, and is no alarm', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat]) s.device.cut();
  await world.time.pass(3_000);
  rhea.down = (f, to) => (to === pat.device && f.is === 'lockboxes' ? [{ ...f, items: f.items.filter((i) => i.seq > withheld) }] : [f]);
  pat.device.goOffline();
  await olivia.device.must('offer-owner', { group: olivia.group, member: pat.view.me });
  await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
  const withheld = olivia.run.state.seq;
  await olivia.post('Under the new key');
  await world.time.pass(SENT);
  olivia.device.goOffline();
  pat.device.goOnline();
  await world.time.pass(5_000);
  await pat.post('Mine waits too');
  expect([pat.words, pat.view.awaitsKey]).toEqual([['Mine waits too'], null]);
  await world.time.pass(10_000);
  expect([pat.view.awaitsKey, pat.view.alarm, pat.delivery('Mine waits too')]).toEqual(['write', null, 'halted']);
  // with keys of his own making he writes again, and still waits for hers
  await pat.device.must('accept-owner', { group: pat.group });
  await world.time.pass(SENT);
  expect([pat.view.awaitsKey, pat.view.alarm, pat.delivery('Mine waits too')]).toEqual(['read', null, 'sent']);
  // no word that everything is here
  const connection = () => (pat.device.view('app', null) as Extract<Views['app']['view'], { phase: 'open' }>).connection;
  expect(connection()).toMatchObject({ state: 'online', waiting: 0, halted: 0, lacking: 1 });
  expect(connection().lastSynced).toBeLessThan(world.time.now - SENT);
  pat.device.online = false;
  await pat.device.restart();
  await pat.open();
  expect(pat.view.awaitsKey).toBeNull();
  await world.time.pass(15_000);
  expect(pat.view.awaitsKey).toBe('read');
  for (const s of [olivia, pat]) s.device.goOnline();
  await world.time.pass(30_000);
  expect([pat.view.awaitsKey, pat.words]).toEqual([null, ['Under the new key', 'Mine waits too']]);
  expect(connection()).toMatchObject({ lacking: 0 });
  expect(connection().lastSynced).toBeGreaterThan(world.time.now - 30_000);
  expect(world.reports).toEqual([]);
});

it('what could not be read is not said to be seen, though words before and after it were, and is unread once it can be', async () => {
  const { world, olivia, pat, mallory } = await cast(4);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat]) s.device.cut();
  const sees = async (...texts: string[]): Promise<void> => {
    await pat.device.must('seen', { group: pat.group, ...shown(pat.posts.filter((p) => texts.includes(p.text))) });
    await world.time.pass(SENT);
  };
  await olivia.post('Before');
  await world.time.pass(SENT);
  await sees('Before');
  pat.device.goOffline();
  await junkFor(world, mallory, pat);
  await world.time.pass(1_000);
  await olivia.post('In between');
  await world.time.pass(SENT);
  // whoever has the key, it does not come through
  rhea.down = (f, to) => [to === pat.device && f.is === 'keys' ? { ...f, items: [] } : f];
  pat.device.goOnline();
  await world.time.pass(30_000);
  await olivia.device.must('remove', { group: olivia.group, member: mallory.run.me });
  await world.time.pass(1_000);
  await olivia.post('After');
  await world.time.pass(SENT);
  expect(pat.words).toEqual(['Before', 'After']);
  await sees('Before', 'After');
  expect(['Before', 'In between', 'After'].map((text) => olivia.delivery(text))).toEqual(['seen', 'sent', 'seen']);
  rhea.repent();
  pat.device.cut();
  await world.time.pass(30_000);
  expect(pat.posts.map((p) => [p.text, p.unread])).toEqual([['Before', false], ['In between', true], ['After', false]]);
  await sees('In between');
  expect(olivia.delivery('In between')).toBe('seen');
});

it('nor is what an app does not understand', async () => {
  const { world, olivia, pat, mallory } = await cast(4);
  const m = new Mallory(world, mallory);
  await m.enter();
  const says = (t: string) => ({ i: m.newId(), t, a: world.time.now, x: `${t} of ${world.time.now}` }) as never;
  for (const records of [[says('post')], [says('plan')], [says('post')], [says('plan'), says('post')]]) {
    await m.append(m.seal(m.update(records)));
    await world.time.pass(1_000);
  }
  await pat.device.must('seen', { group: pat.group, ...shown(pat.posts) });
  await world.time.pass(SENT);
  const { device } = mallory.run.ownRow!;
  expect([3, 2, 1, 0].map((back) => m.n - back).map((n) => olivia.run.feed.seenBy(pat.run.me, device, n))).toEqual([true, false, true, false]);
  expect([pat.posts.map((p) => p.unread), pat.device.view('home', null).groups[0]!.unread]).toEqual([[false, false, false], 0]);
});
