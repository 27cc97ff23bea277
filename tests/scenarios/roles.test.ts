/** Open invites, hosts, who speaks for the patient, and successors: real devices on a real relay. */
import { expect, it, vi } from 'vitest';
import type { NoteItem } from '../../src/lib/core/port';
import { noteWords } from '../../src/lib/ui/group/words';
import { admit, cast, openLink, Seat } from '../support/circle';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const DAY = 86_400_000;
const NONE = { host: false, successor: false, representative: false };
const notes = (s: Seat): string[] => {
  const feed = s.device.view('feed', s.group) as unknown as { items: { is: string; what?: string; who?: string; by?: string | null }[] };
  return feed.items.filter((i) => i.is === 'note').map((i) => `${i.what} ${i.who}${i.by == null ? '' : ` ${i.by}`}`);
};
/** What stands between the updates, in words. */
const said = (s: Seat): string[] => (s.device.view('feed', s.group) as unknown as { items: (NoteItem | { is: 'post' })[] }).items.flatMap((i) => (i.is === 'note' ? [noteWords(i)] : []));
/** Follows a link and presses the one button there is. */
async function come(world: World, device: Device, link: string): Promise<{ readonly join: string }> {
  await device.setUp();
  const join = await openLink(device, link);
  await world.time.pass(200);
  await device.must('ask', { join });
  await world.time.pass(500);
  return { join };
}
async function seatOf(device: Device, join: string): Promise<Seat> {
  const group = device.view('join', join).group;
  if (group === null) throw new Error(`${device.name} is not in: ${device.view('join', join).state}`);
  const seat = new Seat(device, group);
  await seat.open();
  return seat;
}

it('an open invite lets its holder in while everybody is away, who reads names and history once anyone is there', async () => {
  const { world, olivia, pat } = await cast(2);
  await olivia.post('Before Gil came');
  await world.time.pass(SENT);
  const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: 'Uncle', open: true });
  for (const s of [olivia, pat]) s.device.goOffline();
  await world.time.pass(1_000);
  const device = world.device('Gil', 'family');
  const gil = await seatOf(device, (await come(world, device, link)).join);
  // in, and alone with keys of his own making: the rest is owed
  expect(gil.words).toEqual([]);
  expect(gil.view.people.map((p) => p.name).sort()).toEqual(['', '', 'Gil']);
  await gil.post('Hello, I am in');
  await world.time.pass(SENT);
  expect(gil.delivery('Hello, I am in')).toBe('sent');
  pat.device.goOnline();
  await world.time.pass(30_000);
  expect(gil.words).toEqual(['Before Gil came', 'Hello, I am in']);
  expect(gil.view.name).toBe('Pat’s Updates');
  expect(gil.view.people.map((p) => p.name).sort()).toEqual(['Gil', 'Olivia', 'Pat']);
  expect(pat.words).toEqual(['Before Gil came', 'Hello, I am in']);
  expect(notes(pat).at(-1)).toBe('came Gil Olivia');
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect(notes(olivia).at(-1)).toBe('came Gil Olivia');
  expect(olivia.view.people.find((p) => p.name === 'Gil')).toMatchObject({ relationship: 'Uncle', invitedBy: 'Olivia', cameOpen: true, history: 'start' });
  expect(olivia.view.people.filter((p) => p.cameOpen).map((p) => p.name)).toEqual(['Gil']);
  expect(world.reports).toEqual([]);
});

it('an open invite “from today” opens nothing earlier, and lets in one (P15, P17)', async () => {
  const { world, olivia } = await cast(2);
  await olivia.post('Not for Gil');
  await world.time.pass(SENT);
  const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'today', days: 3, relationship: '', open: true });
  const [gilsPhone, halsPhone] = [world.device('Gil', 'family'), world.device('Hal', 'family')];
  const gil = await seatOf(gilsPhone, (await come(world, gilsPhone, link)).join);
  await olivia.post('For Gil too');
  await world.time.pass(SENT);
  await world.time.pass(30_000);
  expect(gil.words).toEqual(['For Gil too']);
  await halsPhone.setUp();
  const join = await openLink(halsPhone, link);
  await world.time.pass(500);
  expect(halsPhone.view('join', join).state).toBe('used');
});

it('two with one open link: one is in, the other is told', async () => {
  const { world, olivia } = await cast(2);
  const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: '', open: true });
  const both = [world.device('Gil', 'family'), world.device('Hal', 'family')];
  const joins: string[] = [];
  for (const d of both) {
    await d.setUp();
    const join = await openLink(d, link);
    joins.push(join);
  }
  await world.time.pass(500);
  await Promise.all(both.map((d, i) => d.run('ask', { join: joins[i]! })));
  await world.time.pass(20_000);
  expect(both.map((d, i) => d.view('join', joins[i]!).state).sort()).toEqual(['in', 'used']);
  expect(olivia.view.people).toHaveLength(3);
});

it('a host invites and lets in while the owner is away, and no more once the role is taken', async () => {
  const { world, olivia, pat } = await cast(2);
  expect(await pat.device.run('invite', { group: pat.group, history: 'start', days: 1, relationship: '' })).toEqual({ ok: false, fault: 'not-allowed' });
  await olivia.device.must('set-roles', { group: olivia.group, member: pat.view.me, roles: { ...NONE, host: true } });
  await world.time.pass(500);
  expect([pat.view.mayInvite, pat.view.mayRemove]).toEqual([true, false]);
  olivia.device.goOffline();
  const gilsPhone = world.device('Gil', 'family');
  await gilsPhone.setUp();
  const gil = await admit(world, pat, gilsPhone);
  expect(gil.view.people.map((p) => p.name)).toContain('Pat');
  expect(await pat.device.run('remove', { group: pat.group, member: gil.view.me })).toEqual({ ok: false, fault: 'not-allowed' });
  olivia.device.goOnline();
  await world.time.pass(10_000);
  await olivia.device.must('set-roles', { group: olivia.group, member: pat.view.me, roles: NONE });
  await world.time.pass(500);
  expect(await pat.device.run('invite', { group: pat.group, history: 'start', days: 1, relationship: '' })).toEqual({ ok: false, fault: 'not-allowed' });
});

it('who speaks for the patient lets in and removes somebody, never the owner, and everybody reads who did it for whom', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  await olivia.device.must('set-roles', { group: olivia.group, member: fay.view.me, roles: { ...NONE, representative: true } });
  await world.time.pass(500);
  expect((await fay.device.run('remove', { group: fay.group, member: olivia.view.me })).ok).toBe(false);
  const gilsPhone = world.device('Gil', 'family');
  await gilsPhone.setUp();
  const gil = await admit(world, fay, gilsPhone);
  await world.time.pass(1_000);
  await fay.device.must('remove', { group: fay.group, member: gil.view.me });
  await world.time.pass(1_000);
  expect(gil.view.ended).toBe('removed');
  expect(olivia.view.people.find((p) => p.name === 'Gil')?.ended?.how).toBe('removed');
  expect(said(pat)).toEqual(['Olivia made this group', 'Olivia let you in', 'Olivia let Fay in', 'Fay: Speaks for the patient', 'Fay let Gil in, speaking for Pat', 'Fay removed Gil, speaking for Pat']);
  expect(said(fay).slice(-3)).toEqual(['You: Speaks for the patient', 'You let Gil in, speaking for Pat', 'You removed Gil, speaking for Pat']);
  // what the owner does is nobody else's
  await olivia.device.must('offer-owner', { group: olivia.group, member: pat.view.me });
  await world.time.pass(500);
  await pat.device.must('accept-owner', { group: pat.group });
  await world.time.pass(500);
  await pat.device.must('remove', { group: pat.group, member: olivia.view.me });
  await world.time.pass(500);
  expect(said(fay).slice(-2)).toEqual(['Pat owns this group now, handed over by Olivia', 'Pat removed Olivia']);
  expect(said(pat).slice(-2)).toEqual(['You own this group now, handed over by Olivia', 'You removed Olivia']);
});

it('who speaks for the patient answers requests under the owner’s links while the owner is away', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  await olivia.device.must('set-roles', { group: olivia.group, member: pat.view.me, roles: { ...NONE, representative: true } });
  const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: 'Son' });
  await world.time.pass(500);
  olivia.device.goOffline();
  const gilsPhone = world.device('Gil', 'family');
  const { join } = await come(world, gilsPhone, link);
  expect(fay.view.requests).toEqual([]);
  expect(pat.view.requests).toMatchObject([{ name: 'Gil', number: gilsPhone.view('join', join).number }]);
  await pat.device.must('let-in', { group: pat.group, request: pat.view.requests[0]!.request });
  await world.time.pass(500);
  expect((await seatOf(gilsPhone, join)).view.people.map((p) => p.name)).toContain('Pat');
});

it('a successor takes over after fourteen days without a word from the owner, and not before (P18)', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  await olivia.device.must('set-roles', { group: olivia.group, member: pat.view.me, roles: { ...NONE, successor: true } });
  await world.time.pass(500);
  await pat.device.must('claim-owner', { group: pat.group });
  await world.time.pass(500);
  expect(olivia.view.claim).toMatchObject({ name: 'Pat', mine: false });
  await olivia.device.must('drop-claim', { group: olivia.group });
  await world.time.pass(500);
  expect(pat.view.claim).toBeNull();
  await pat.device.must('claim-owner', { group: pat.group });
  for (const x of [olivia, pat, fay]) x.device.goOffline();
  await world.time.pass(13 * DAY);
  for (const x of [pat, fay]) x.device.goOnline();
  await world.time.pass(20_000);
  expect(await pat.device.run('accept-claim', { group: pat.group })).toEqual({ ok: false, fault: 'refused-by-relay' });
  for (const x of [pat, fay]) x.device.goOffline();
  await world.time.pass(DAY);
  for (const x of [pat, fay]) x.device.goOnline();
  await world.time.pass(70_000);
  await pat.device.must('accept-claim', { group: pat.group });
  await world.time.pass(1_000);
  expect([pat.view.iOwn, fay.view.people.find((p) => p.owner)?.name]).toEqual([true, 'Pat']);
  olivia.device.goOnline();
  await world.time.pass(10_000);
  expect(olivia.view.iOwn).toBe(false);
  expect(notes(olivia).slice(-2)).toEqual(['claim Pat', 'took Pat Olivia']);
  expect(said(fay).slice(-4)).toEqual(['Pat asked to take over the group', 'Olivia ended the request to take over', 'Pat asked to take over the group', 'Pat took over this group from Olivia']);
  expect(said(pat).at(-1)).toBe('You took over this group from Olivia');
  expect(said(olivia).at(-1)).toBe('Pat took over this group from you');
}, 60_000);
