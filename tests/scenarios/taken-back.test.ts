/** A request that is taken back is gone for certain, or stands with its keys: the group never has a member that nobody is. */
import { expect, it, vi } from 'vitest';
import { NO_DETAIL } from '../../crypto/frames';
import { cast, openLink, type Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const invite = async (by: Seat, open = false) => (await by.device.must('invite', { group: by.group, history: 'start', days: 3, relationship: '', open })).link;
const joinOf = (d: Device) => d.view('home', null).joins;
const letIn = async (world: World, by: Seat, n = 0): Promise<void> => {
  await by.device.must('let-in', { group: by.group, request: by.view.requests[n]!.request });
  await world.time.pass(100);
};
/** Dan, who asked with a link of Olivia’s. */
async function asked(prepare: (world: World) => void = () => undefined) {
  const { world, olivia } = await cast(2, 'start', prepare);
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  const join = await openLink(dan, await invite(olivia));
  await world.time.pass(100);
  await dan.must('ask', { join });
  await world.time.pass(100);
  expect(olivia.view.requests.map((r) => r.name)).toEqual(['Dan']);
  return { world, olivia, dan, join };
}
const gone = { ok: true, value: { group: null } };

it('without a connection it is not taken back, and says so: whoever is let in then is in', async () => {
  const { world, olivia, dan, join } = await asked();
  dan.goOffline();
  expect(await dan.run('cancel-join', { join })).toEqual({ ok: false, fault: 'needs-network' });
  await dan.restart();
  expect(await dan.run('cancel-join', { join })).toEqual({ ok: false, fault: 'needs-network' });
  await letIn(world, olivia);
  expect(olivia.view.people.map((p) => p.name)).toContain('Dan');
  dan.goOnline();
  await world.time.pass(10_000);
  expect(joinOf(dan)).toEqual([]);
  expect(dan.view('home', null).groups).toMatchObject([{ name: 'Pat’s Updates', ended: null }]);
});

it('with a connection it is gone here and there', async () => {
  const { world, olivia, dan, join } = await asked();
  expect(await dan.run('cancel-join', { join })).toEqual(gone);
  await world.time.pass(100);
  expect([joinOf(dan), olivia.view.requests]).toEqual([[], []]);
  await dan.restart();
  expect(joinOf(dan)).toEqual([]);
});

it('stands where the relay’s answer is lost', async () => {
  let rhea!: Rhea;
  const { world, olivia, dan, join } = await asked((w) => void (rhea = new Rhea(w)));
  rhea.up = (f, from) => {
    if (from !== dan || f.is !== 'drop-request') return [f];
    dan.cut();
    return [];
  };
  expect(await dan.run('cancel-join', { join })).toEqual({ ok: false, fault: 'needs-network' });
  rhea.repent();
  await world.time.pass(40_000);
  expect(joinOf(dan).map((j) => j.state)).toEqual(['waiting']);
  await letIn(world, olivia);
  expect(dan.view('home', null).groups).toHaveLength(1);
});

it('says that it came too late, and opens the group', async () => {
  let rhea!: Rhea;
  const { world, olivia, dan, join } = await asked((w) => void (rhea = new Rhea(w)));
  // the news that he is in is still under way
  rhea.down = (f, to) => (to === dan && f.is === 'entries' && f.re === 0 ? [] : [f]);
  await letIn(world, olivia);
  expect(dan.view('home', null).groups).toEqual([]);
  const done = await dan.run('cancel-join', { join });
  expect(done).toEqual({ ok: true, value: { group: expect.any(String) as string } });
  expect(dan.view('home', null).groups.map((g) => g.group)).toEqual([done.ok && done.value.group]);
});

it('an open invite whose entry was not answered keeps its keys', async () => {
  let rhea!: Rhea;
  const { world, olivia } = await cast(2, 'start', (w) => void (rhea = new Rhea(w)));
  const gil = world.device('Gil', 'family');
  await gil.setUp();
  const join = await openLink(gil, await invite(olivia, true));
  await world.time.pass(100);
  rhea.down = (f, to) => {
    if (to !== gil || f.is === 'requests') return [f];
    return f.is === 'entries' || f.is === 'done' ? [] : [f];
  };
  gil.begin('ask', { join });
  await world.time.pass(1_000);
  expect(olivia.view.people).toHaveLength(3);
  gil.goOffline();
  await world.time.pass(1_000);
  expect(await gil.run('cancel-join', { join })).toEqual({ ok: false, fault: 'needs-network' });
  rhea.repent();
  gil.goOnline();
  await world.time.pass(10_000);
  expect([joinOf(gil), gil.view('home', null).groups.length]).toEqual([[], 1]);
});

it('what was never asked is forgotten without a connection', async () => {
  const { world, olivia } = await cast(2);
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  const join = await openLink(dan, await invite(olivia));
  await world.time.pass(100);
  dan.goOffline();
  expect(await dan.run('cancel-join', { join })).toEqual(gone);
  expect(joinOf(dan)).toEqual([]);
});

it('the older of two requests in one group is taken back once it has the connection, and the newer goes on', async () => {
  const { world, olivia, dan, join } = await asked();
  const newer = await openLink(dan, await invite(olivia));
  await world.time.pass(40_000);
  await dan.must('ask', { join: newer });
  await world.time.pass(1_000);
  expect(olivia.view.requests).toHaveLength(2);
  expect(await dan.run('cancel-join', { join })).toEqual({ ok: false, fault: 'unavailable' });
  await world.time.pass(5_000);
  expect(await dan.run('cancel-join', { join })).toEqual(gone);
  await world.time.pass(10_000);
  expect(olivia.view.requests).toHaveLength(1);
  await letIn(world, olivia);
  expect([joinOf(dan), dan.view('home', null).groups.length, olivia.view.people.length]).toEqual([[], 1, 3]);
});

it('an invite that is over keeps no other of the group out, whatever the order in which they are found after a start', async () => {
  const { world, olivia } = await cast(2);
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  for (let i = 0; i < 4; i++) {
    await openLink(dan, await invite(olivia));
    await world.time.pass(100);
    const { invite: it } = olivia.view.invites.find((x) => x.state === 'pending')!;
    await olivia.device.must('revoke-invite', { group: olivia.group, invite: it });
    await world.time.pass(1_000);
  }
  const good = await openLink(dan, await invite(olivia));
  await world.time.pass(60_000);
  expect(joinOf(dan).find((j) => j.join === good)?.state).toBe('card');
  const others = () => joinOf(dan).flatMap((j) => (j.join === good ? [] : [j.state]));
  for (const online of [true, true, true, false]) {
    dan.online = online;
    await dan.restart();
    // said at once, without a network, and while the good one has the connection
    expect(others()).toEqual(['revoked', 'revoked', 'revoked', 'revoked']);
    await world.time.pass(60_000);
    expect(joinOf(dan).find((j) => j.join === good)?.state).toBe(online ? 'card' : 'offline');
    expect(others()).toEqual(['revoked', 'revoked', 'revoked', 'revoked']);
  }
  dan.goOnline();
  await world.time.pass(60_000);
  expect(await dan.run('ask', { join: good })).toMatchObject({ ok: true });
  await world.time.pass(1_000);
  expect(olivia.view.requests.map((r) => r.name)).toEqual(['Dan']);
});

it('an invite that a lying relay called over is good again once the relay shows that it is', async () => {
  let rhea!: Rhea;
  const { world, olivia } = await cast(2, 'start', (w) => void (rhea = new Rhea(w)));
  const dan = world.device('Dan', 'family');
  await dan.setUp();
  const link = await invite(olivia);
  rhea.down = (f, to) => (to === dan && f.is === 'entries' && f.re !== 0 ? [{ is: 'refused', re: f.re, group: f.group, why: 'not-allowed', detail: { ...NO_DETAIL, words: 'used' } }] : [f]);
  const join = await openLink(dan, link);
  await world.time.pass(1_000);
  expect(dan.view('join', join).state).toBe('used');
  rhea.repent();
  dan.online = false;
  await dan.restart();
  expect(joinOf(dan).map((j) => j.state)).toEqual(['used']);
  dan.goOnline();
  await world.time.pass(1_000);
  expect(joinOf(dan).map((j) => j.state)).toEqual(['card']);
  dan.online = false;
  await dan.restart();
  expect(joinOf(dan).map((j) => j.state)).toEqual(['offline']);
});

it('is not kept again by what is heard of the invite behind it', async () => {
  const { world, olivia, dan, join } = await asked();
  const done = dan.run('cancel-join', { join });
  await olivia.device.must('revoke-invite', { group: olivia.group, invite: olivia.view.invites[0]!.invite });
  expect(await done).toEqual(gone);
  await world.time.pass(1_000);
  await dan.restart();
  expect(joinOf(dan)).toEqual([]);
});

const signOut = (d: Device) => d.run('sign-out', { discard: { words: false, groups: false } });

it('signing out takes it back, or does not sign out', async () => {
  let rhea!: Rhea;
  const { world, olivia, dan } = await asked((w) => void (rhea = new Rhea(w)));
  rhea.up = (f, from) => {
    if (from !== dan || f.is !== 'drop-request') return [f];
    dan.cut();
    return [];
  };
  expect(await signOut(dan)).toEqual({ ok: false, fault: 'needs-network' });
  rhea.repent();
  await world.time.pass(10_000);
  expect([joinOf(dan)[0]?.state, olivia.view.requests.length]).toEqual(['waiting', 1]);
  expect(await signOut(dan)).toEqual({ ok: true, value: null });
  await world.time.pass(100);
  expect(olivia.view.requests).toEqual([]);
});

it('one who was let in before signing out could take it back is asked as of every group', async () => {
  let rhea!: Rhea;
  const { world, olivia, dan } = await asked((w) => void (rhea = new Rhea(w)));
  // that he is in does not come through
  rhea.down = (f, to) => (to === dan && f.is === 'entries' && f.re === 0 ? [] : [f]);
  await letIn(world, olivia);
  expect(joinOf(dan)[0]?.state).toBe('waiting');
  rhea.repent();
  expect(await signOut(dan)).toEqual({ ok: false, fault: 'not-allowed' });
  expect(dan.view('home', null).groups).toMatchObject([{ ended: null }]);
});
