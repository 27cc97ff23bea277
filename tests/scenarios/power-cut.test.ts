/** What a power cut leaves: strict rows as they were, and of the relaxed ones any earlier state. The feed comes back whole, without network. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { CacheTable } from '../../src/lib/store/store';
import { cast, Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

/** More than a page, and so long that no page goes into one transaction with the index. */
const MANY = 390;
const LONG = ' and so on'.repeat(150);

/** Everything a person sees of a group, read back to its beginning. */
async function story(seat: Seat): Promise<unknown> {
  for (let i = 0; i < 10 && more(seat); i++) await seat.device.must('older', { group: seat.group });
  seat.device.watch('home', null);
  const home = seat.device.view('home', null).groups.find((g) => g.group === seat.group);
  const posts = seat.posts.map(({ id, author, text, edited, retracted, withdrawn, unread, replies, replyTo, photos, sentAt, delivery }) =>
    ({ id, author, text, edited, retracted, withdrawn, unread, replies, replyTo, photos: photos.length, sentAt, delivery }));
  expect(new Set(posts.map((p) => p.id)).size, 'nothing twice').toBe(posts.length);
  return { posts, last: home?.last, unread: home?.unread, waiting: home?.waiting };
}
const more = (seat: Seat): boolean => seat.device.view('feed', seat.group).more;

/** The same device after its worker died, with this disk, without network. */
async function reopened(world: World, { device, group }: Seat, disk: Device['disk']): Promise<Seat> {
  const again = world.device(device.name, device.role, disk);
  again.online = false;
  await again.boot();
  expect(await again.unlock()).toMatchObject({ ok: true });
  const seat = new Seat(again, group);
  await seat.open();
  return seat;
}
async function off(seat: Seat): Promise<void> {
  await seat.device.run('lock', null);
  seat.device.kill();
}

/** Cuts the power after each of the relaxed writes since the last flush; says how many there were. */
async function everyCut(world: World, seat: Seat, told: unknown): Promise<number> {
  let kept = 0;
  for (let lost = Infinity; lost > 0; kept++) {
    const disk = seat.device.disk.copy();
    lost = disk.cut(kept);
    const again = await reopened(world, seat, disk);
    expect(await story(again), `${kept} relaxed writes kept`).toEqual(told);
    // and what it wrote since is whole, too
    await world.time.pass(1_000);
    await off(again);
    const third = await reopened(world, seat, disk);
    expect(await story(third), `${kept} relaxed writes kept, opened twice`).toEqual(told);
    await off(third);
  }
  return kept - 1;
}

/** A life with everything in it that the cache holds; returns the device of the one who was there all along, offline. */
async function life(): Promise<{ world: World; olivia: Seat; pat: Seat; told: unknown }> {
  const { world, olivia, pat } = await cast(2);
  const { time } = world;
  for (let i = 0; i < MANY; i++) await pat.post(`Pat ${i}${LONG}`);
  await time.pass(8_000);
  olivia.device.disk.flush();
  await olivia.post('Slept well?');
  await pat.device.run('edit', { group: pat.group, post: pat.posts.at(-1)!.id, text: 'Pat, put better' });
  await time.pass(8_000);
  await pat.device.run('retract', { group: pat.group, post: pat.posts.find((p) => p.text.startsWith(`Pat ${MANY - 2} `))!.id });
  await pat.device.run('post', { group: pat.group, text: 'Yes, thank you', photos: [], replyTo: pat.posts.at(-1)!.id });
  await time.pass(8_000);
  await olivia.device.run('seen', { group: olivia.group, posts: olivia.posts.filter((p) => !p.mine).slice(0, -1).map((p) => p.id) });
  await pat.device.run('seen', { group: pat.group, posts: pat.posts.filter((p) => !p.mine).map((p) => p.id) });
  await time.pass(8_000);
  for (let i = 0; i < 3; i++) {
    await pat.post(`Later ${i}`);
    await time.pass(8_000);
  }
  olivia.device.goOffline();
  await olivia.post('Still to be sent');
  await time.pass(8_000);
  return { world, olivia, pat, told: await story(olivia) };
}

describe('after a power cut', () => {
  let lived: Awaited<ReturnType<typeof life>>;
  beforeAll(async () => {
    lived = await life();
  }, 120_000);

  it('the feed is complete and the same, whichever relaxed writes were kept', async () => {
    const { world, olivia, told } = lived;
    expect(await everyCut(world, olivia, told), 'there were writes to lose').toBeGreaterThan(5);
    expect(world.reports).toEqual([]);
  }, 120_000);

  it('the feed is made again when any one row of the cache is lost or does not open', async () => {
    const { world, olivia, told } = lived;
    const rows = olivia.device.disk.dump().filter((r) => ['page', 'index'].includes(r.table));
    expect(rows.length).toBeGreaterThan(2);
    for (const { table, key, value } of rows)
      for (const bad of [null, value.slice().fill(7, value.length >> 1)]) {
        const disk = olivia.device.disk.copy();
        const opened = disk.open();
        await opened.cacheCommit((await opened.takeFence()).fence, [{ table: table as CacheTable, key, value: bad }]);
        const again = await reopened(world, olivia, disk);
        expect(await story(again), `${table} ${key} ${bad === null ? 'lost' : 'garbled'}`).toEqual(told);
        await off(again);
      }
    expect(world.reports).toEqual([]);
  }, 120_000);

  it('what waited is sent once, and everybody has the same', async () => {
    const { world, olivia, pat } = lived;
    const disk = olivia.device.disk.copy();
    disk.cut(2);
    const again = await reopened(world, olivia, disk);
    again.device.goOnline();
    await world.time.pass(20_000);
    await pat.post('Welcome back');
    await world.time.pass(20_000);
    const words = (s: Seat): string[] => s.words.filter((w) => w !== '');
    await story(again);
    await story(pat);
    expect(words(again)).toEqual(words(pat));
    expect(words(again).slice(-2)).toEqual(['Still to be sent', 'Welcome back']);
    expect(again.delivery('Still to be sent')).not.toBe('saved');
    expect(world.reports).toEqual([]);
  }, 120_000);
});

it('words that waited for a key stand in their place after a power cut', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat, fay]) s.device.cut();
  await world.time.pass(5_000);
  // neither the relay nor, through it, the others give the key
  rhea.down = (f, to) => {
    if (to !== pat.device) return [f];
    return f.is === 'lockboxes' ? [{ ...f, items: [], more: false }] : f.is === 'keys' ? [{ ...f, items: [] }] : [f];
  };
  await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
  await world.time.pass(1_000);
  await olivia.post('Under the new key');
  await world.time.pass(8_000);
  expect(pat.words).not.toContain('Under the new key');
  await pat.run.turns.take(() => pat.run.flush());
  pat.device.disk.flush();
  rhea.repent();
  pat.device.cut();
  await world.time.pass(20_000);
  expect(pat.words).toContain('Under the new key');
  const told = await story(pat);

  const disk = pat.device.disk.copy();
  expect(disk.cut()).toBeGreaterThan(0);
  expect(await story(await reopened(world, pat, disk))).toEqual(told);
}, 60_000);

it('words that were withheld and come late push others to the next page, and no power cut loses or doubles any', async () => {
  const { world, olivia, pat, fay } = await cast(3);
  const rhea = new Rhea(world);
  for (const s of [olivia, pat, fay]) s.device.cut();
  await world.time.pass(5_000);
  const first = olivia.run.cursor + 1;
  rhea.down = (f, to) => [f.is === 'page' && to === pat.device ? { ...f, items: f.items.map((i) => (i.seq === first ? { ...i, envelope: i.envelope.slice().fill(9) } : i)) } : f];
  await olivia.post('First of all');
  await world.time.pass(8_000);
  for (let i = 0; i < MANY; i++) await fay.post(`Fay ${i}${LONG}`);
  await world.time.pass(20_000);
  await story(pat);
  expect(pat.words).toHaveLength(MANY);
  // what was odd before is looked at again only after a while
  await world.time.pass(700_000);
  pat.device.disk.flush();
  rhea.repent();
  pat.device.cut();
  await world.time.pass(60_000);
  const told = await story(pat);
  expect(pat.words[0]).toBe('First of all');
  expect(pat.words).toHaveLength(MANY + 1);
  expect(await everyCut(world, pat, told), 'there were writes to lose').toBeGreaterThan(2);
}, 120_000);

it('a disk that had room for the feed and none for what it is made of shows nothing twice after a restart', async () => {
  const { world, olivia, pat } = await cast(2);
  await pat.post('One');
  await world.time.pass(8_000);
  const rhea = new Rhea(world);
  olivia.device.cut();
  await world.time.pass(2_000);
  await olivia.post('Two');
  rhea.up = (f, from) => {
    // what the relay acknowledges and sends from now on is not kept; what is derived of it is
    if (f.is === 'append' && from === olivia.device) olivia.device.fate = (w) => (w === 'commit' ? 'full' : 'done');
    return [f];
  };
  await world.time.pass(8_000);
  await pat.post('Three');
  await world.time.pass(8_000);
  expect(olivia.words).toEqual(['One', 'Two', 'Three']);
  olivia.device.kill();
  olivia.device.fate = () => 'done';
  const again = await reopened(world, olivia, olivia.device.disk);
  expect(again.posts.map((p) => [p.text, p.delivery?.at ?? null])).toEqual([['One', null], ['Two', 'saved']]);
  again.device.goOnline();
  await world.time.pass(8_000);
  expect(again.posts.map((p) => [p.text, p.delivery?.at ?? null])).toEqual([['One', null], ['Two', 'sent'], ['Three', null]]);
  expect(world.reports).toEqual([]);
});

it('words that were saved before the disk was full go out by themselves soon after there is room', async () => {
  const { world, olivia, pat } = await cast(2);
  await pat.post('Saved in time');
  pat.device.fate = () => 'full';
  await world.time.pass(600_000);
  expect(pat.delivery('Saved in time')).toBe('halted');
  expect(olivia.words).toEqual([]);
  pat.device.fate = () => 'done';
  await world.time.pass(65_000);
  expect(pat.delivery('Saved in time')).toBe('sent');
  expect(olivia.words).toEqual(['Saved in time']);
  expect(world.reports).toEqual([]);
});
