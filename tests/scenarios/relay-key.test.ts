/** A relay that gets a new key: who follows it, when, and whom nobody follows. */
import { expect, it, vi } from 'vitest';
import { equal } from '../../crypto/bytes';
import { signTurn } from '../../crypto/turn';
import { cast, openLink, type Seat } from '../support/circle';
import { link } from '../support/linked';
import { pairOf, type World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const [old, next, mallory] = ['relay', 'the next key', 'mallory'] as const;
const knows = (s: Seat, seed: string): boolean => equal(s.run.row.relayPk as never, pairOf(seed).pk);
const turn = (from: string, to: string, by = from) => signTurn(pairOf(from).pk, pairOf(to).pk, pairOf(by).sk);
function lastNote(s: Seat) {
  const feed = s.device.view('feed', s.group);
  const note = feed.reset ? feed.items.filter((i) => i.is === 'note').at(-1) : undefined;
  return note && { what: note.what, who: note.who, me: note.me };
}
/** The relay is started again with these keys; whoever is online comes anew. */
async function start(world: World, keys: World['keys']): Promise<void> {
  world.keys = keys;
  const there = world.devices.filter((d) => d.online);
  for (const d of there) d.goOffline();
  world.serve(world.relay.log);
  for (const d of there) d.goOnline();
  await world.time.pass(5_000);
}

it('a group goes on under the key it knows, moves when its owner comes, and everybody follows, whoever was away included', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const invite = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: 'Uncle', open: true });
  for (const s of [olivia, fay]) s.device.goOffline();
  await start(world, { ...pairOf(next), earlier: [pairOf(old)], turns: [turn(old, next)] });
  await pat.post('The old key, still');
  await world.time.pass(SENT);
  expect([pat.delivery('The old key, still'), pat.view.alarm, knows(pat, old)]).toEqual(['sent', null, true]);
  olivia.device.goOnline();
  await world.time.pass(SENT);
  expect([knows(olivia, next), knows(pat, next), pat.view.alarm]).toEqual([true, true, null]);
  const moved = olivia.run.state.seq;
  // everybody sees in the feed that it did, and by whom
  expect([olivia, pat].map((s) => lastNote(s))).toEqual([{ what: 'relay', who: 'Olivia', me: true }, { what: 'relay', who: 'Olivia', me: false }]);
  await olivia.device.must('rename-group', { group: olivia.group, name: 'Under the new key' });
  await world.time.pass(500);
  expect(pat.view.name).toBe('Under the new key');
  // once no group knows the old key any more it may go; what it named stays
  await start(world, { ...pairOf(next), turns: [turn(old, next)] });
  fay.device.goOnline();
  await world.time.pass(SENT);
  expect([fay.view.name, fay.view.alarm, knows(fay, next)]).toEqual(['Under the new key', null, true]);
  // what the old key receipted is still by the old key
  expect(fay.run.entries.map((e) => equal(e.receipt.relayPk, pairOf(old).pk))).toEqual(fay.run.entries.map((_, i) => i < moved - 1));
  // a link from before leads in, through both
  const gil = world.device('Gil', 'family');
  await gil.setUp();
  const join = await openLink(gil, invite.link);
  await world.time.pass(500);
  await gil.must('ask', { join });
  await world.time.pass(3_000);
  expect(gil.view('join', join).state).toBe('in');
  await fay.post('Welcome');
  await world.time.pass(SENT);
  expect(olivia.words).toEqual(['The old key, still', 'Welcome']);
  await pat.device.restart();
  await pat.open();
  await world.time.pass(5_000);
  expect([pat.view.alarm, knows(pat, next)]).toEqual([null, true]);
  expect(world.reports).toEqual([]);
});

it('a key that the one before did not name is a stranger, and nobody follows it', async () => {
  const { world, olivia, pat } = await cast(2);
  for (const turns of [[], [turn(old, mallory, mallory)], [turn(next, mallory)], [{ ...turn(old, next), to: pairOf(mallory).pk }]]) {
    await start(world, { ...pairOf(mallory), earlier: [pairOf(old)], turns });
    await pat.post('Not for strangers');
    await world.time.pass(SENT);
    for (const s of [olivia, pat]) expect([s.view.alarm, knows(s, old), s.run.session]).toEqual(['stranger', true, 'none']);
  }
  await start(world, pairOf(old));
  await world.time.pass(SENT);
  expect([pat.view.alarm, olivia.words.length]).toEqual([null, 4]);
});

it('a group made under the new key comes to a person’s other device by one that still knows the old', async () => {
  const { world, olivia, pat } = await cast(2);
  await pat.device.must('name-device', { name: 'Phone' });
  const laptop = world.device('Pat’s laptop', 'patient');
  await link(world, laptop, pat.device);
  olivia.device.goOffline();
  await start(world, { ...pairOf(next), earlier: [pairOf(old)], turns: [turn(old, next)] });
  await pat.device.must('new-group', { name: 'Sisters', kind: 'family' });
  await world.time.pass(10_000);
  expect(knows(pat, old)).toBe(true);
  expect(laptop.view('home', null).groups.map((g) => g.name)).toContain('Sisters');
});
