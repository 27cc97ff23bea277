/**
 * Lines that carry a few thousand bytes a second (PROTOCOL §11.9): everything comes, and no connection is given up for being slow. The lines
 * are ours and time is virtual; everything else is real.
 */
import { expect, it, vi } from 'vitest';
import { cast, type Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import type { World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const MINUTE = 60_000;

const long = (n: number): string => `${n} `.padEnd(20_000, 'words');

/** As long as a post may be, in letters of three bytes: nearly the largest envelope. */
const longest = (n: number): string => `${n} `.padEnd(20_000, '字');

const begins = (text: string): string => text.slice(0, 10);
const many = (posts: number, text: (n: number) => string): string[] => Array.from({ length: posts }, (_, n) => text(n));

async function write(world: World, s: Seat, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    expect((await s.post(text)).ok).toBe(true);
    await world.time.pass(SENT);
  }
}
/** Pat was away while Fay wrote, and comes back on a line of `rate` bytes a second. */
async function away(rate: number, texts: readonly string[]): Promise<{ world: World; pat: Seat; fay: Seat; texts: readonly string[]; back: () => void }> {
  const { world, pat, fay } = await cast(3, 'start');
  pat.device.goOffline();
  await write(world, fay, texts);
  return {
    world, pat, fay, texts,
    back: () => {
      pat.device.dialled = 0;
      pat.device.rate = rate;
      pat.device.goOnline();
    }
  };
}
/** Minutes until all of it is there. */
async function until(world: World, most: number, there: () => boolean): Promise<void> {
  for (let n = 0; n < most && !there(); n++) await world.time.pass(MINUTE);
  expect(there()).toBe(true);
}

it.each([8_000, 4_000])('600 KB of posts come on one connection at %i bytes a second', async (rate) => {
  const { world, pat, texts, back } = await away(rate, many(30, long));
  back();
  await until(world, 10, () => pat.words.length === texts.length);
  expect(pat.words.map(begins)).toEqual(texts.map(begins));
  expect(pat.device.dialled).toBe(1);
  expect(world.reports).toEqual([]);
});

it('a line on which a page takes longer than is waited for is asked for less, and all comes', async () => {
  const { world, pat, texts, back } = await away(2_000, many(30, long));
  back();
  await until(world, 20, () => pat.words.length === texts.length);
  expect(pat.words.map(begins)).toEqual(texts.map(begins));
  // five hundred, sixty-two and seven were too many
  expect(pat.device.dialled).toBe(4);
});

it('the largest envelopes go out without a line that is given up, though pings stand behind them', async () => {
  const { world, pat, fay, back } = await away(4_000, []);
  back();
  await world.time.pass(SENT);
  const texts = many(4, longest);
  await write(world, pat, texts);
  await until(world, 3, () => fay.words.length === texts.length);
  expect(pat.device.dialled).toBe(1);
});

it('the largest envelopes come, unasked too, without a line that is given up', async () => {
  const { world, pat, fay, texts, back } = await away(4_000, many(4, longest));
  back();
  await until(world, 5, () => pat.words.length === texts.length);
  // what is pushed stands before the answers to pings
  await write(world, fay, [longest(100), longest(101), longest(102)]);
  await until(world, 2, () => pat.words.length === texts.length + 3);
  expect(pat.device.dialled).toBe(1);
});

it('a relay that answers whether it is there and never what was asked keeps nobody for longer than a minute', async () => {
  const { world, pat, texts, back } = await away(8_000, ['one', 'two', 'three']);
  const rhea = new Rhea(world);
  rhea.up = (f) => (f.is === 'fetch' ? [] : [f]);
  back();
  await world.time.pass(MINUTE + 2_000);
  expect(pat.device.dialled).toBeGreaterThan(1);
  rhea.repent();
  await world.time.pass(2 * MINUTE);
  expect(pat.words.map(begins)).toEqual(texts.map(begins));
});

it('a phone that wakes beside a dead line, with a page on its way, has another one soon', async () => {
  const { world, pat, texts, back } = await away(8_000, ['one', 'two', 'three']);
  const rhea = new Rhea(world);
  let isDead = false;
  rhea.down = (f, to) => (to.dialled === 1 && (isDead || f.is === 'page') ? [] : [f]);
  back();
  await world.time.pass(15_000);
  isDead = true;
  await world.time.pass(15_000);
  expect(pat.device.dialled).toBe(1);
  pat.device.goOnline();
  await world.time.pass(12_000);
  expect(pat.words.map(begins)).toEqual(texts.map(begins));
});
