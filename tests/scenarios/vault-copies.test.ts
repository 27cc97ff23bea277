/** What a device keeps of its personal vault, on the real core and relay: no relay that lost items, or lies of how many it has, costs one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NO_DETAIL } from '../../crypto/frames';
import { phraseKeys } from '../../crypto/phrase';
import { entropyOf, openVaultSession, readVault } from '../../src/lib/core/personal';
import { onPaper } from '../support/phrase';
import { imageOf, putBack, putImageBack, backedUp, worldIn } from '../support/restored';
import { Rhea } from '../support/rhea';
import { type Device, HOST, type World } from '../support/world';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-vault-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Adds an item that is known by its number; whether the relay has it. */
async function add(world: World, pat: Device, n: number): Promise<boolean> {
  const added = pat.core!.personal.add({ is: 'profile', name: `Pat ${n}`, role: 'patient', seed: null });
  await world.time.pass(2_000);
  return added;
}
/** Pat, with a vault of eight items: one by setting up, the others counted; `five` and what came of it when there were five. */
async function eight<T>(five: (world: World) => Promise<T> | T) {
  const world = await worldIn(folder);
  const pat = world.device('Pat', 'patient');
  await pat.setUp();
  const words = await onPaper(pat);
  await world.time.pass(2_000);
  for (let n = 2; n <= 5; n++) expect(await add(world, pat, n)).toBe(true);
  const then = await five(world);
  await world.time.pass(5_000);
  for (let n = 6; n <= 8; n++) expect(await add(world, pat, n)).toBe(true);
  return { world, pat, words, then };
}
/** Names in the vault as the relay shows it to who has the words. */
async function inVault(world: World, pat: Device, words: readonly string[]): Promise<string[]> {
  const keys = phraseKeys(entropyOf(words)!);
  const { link, ports } = pat.core!;
  const read = openVaultSession(link, HOST, ports.random, keys).then(() => readVault(link, keys));
  await world.time.pass(500);
  return (await read)!.flatMap((i) => (i.is === 'profile' ? [i.name] : []));
}
const all = (upTo: number): string[] => ['Pat', ...Array.from({ length: upTo - 1 }, (_, i) => `Pat ${i + 2}`)];
const kept = async (pat: Device): Promise<number> => (await pat.core!.needStore().range('meta', 'vaulted/')).length;

it('a vault that is put back without a word, and added to, gets back all that a device keeps of it', async () => {
  const { world, pat, words, then } = await eight(async (w) => ({ backup: backedUp(folder), image: await imageOf(w, folder) }));
  await putImageBack(world, folder, then.image);
  await world.time.pass(5_000);
  expect(await inVault(world, pat, words)).toEqual(all(5));
  expect(await add(world, pat, 9)).toBe(true);
  expect(await inVault(world, pat, words)).toEqual(all(9));
  // on the same connection it lacks them again, and says so when the next one comes
  const rhea = new Rhea(world);
  await putImageBack(world, folder, then.image);
  let isAsOld = true;
  rhea.down = (f) => (f.is === 'welcome' && isAsOld ? [{ ...f, head: { ...f.head, n: 9 } }] : [f]);
  await world.time.pass(5_000);
  expect(await add(world, pat, 10)).toBe(true);
  isAsOld = false;
  await pat.restart();
  await putBack(world, folder, then.backup);
  await world.time.pass(5_000);
  expect((await inVault(world, pat, words)).sort()).toEqual(all(10).sort());
  expect(await kept(pat)).toBe(10);
  expect(world.reports).toEqual([]);
}, 60_000);

it('a line that breaks while a relay is given back what it lost takes nothing from what is kept', async () => {
  const { world, pat, words, then } = await eight(() => backedUp(folder));
  const rhea = new Rhea(world);
  let put = 0;
  rhea.up = (f, _from, answer) => {
    if (f.is !== 'put-item') return [f];
    // another device was quicker, and then the line is gone
    if (++put === 1) answer({ is: 'refused', re: f.re, group: f.group, why: 'behind', detail: { ...NO_DETAIL, n: f.n } });
    else pat.cut();
    return [];
  };
  await putBack(world, folder, then);
  await world.time.pass(5_000);
  expect(put).toBeGreaterThan(1);
  pat.kill();
  rhea.repent();
  await pat.boot();
  await pat.unlock();
  await world.time.pass(5_000);
  expect(await inVault(world, pat, words)).toEqual(all(8));
  expect(world.reports).toEqual([]);
}, 60_000);

it('what a relay refuses, however often it is tried, does not pile up on the device', async () => {
  const { world, pat, words } = await eight(() => undefined);
  const rhea = new Rhea(world);
  pat.cut();
  await world.time.pass(5_000);
  rhea.up = (f, _from, answer) => {
    if (f.is !== 'put-item') return [f];
    answer({ is: 'refused', re: f.re, group: f.group, why: 'rate', detail: NO_DETAIL });
    return [];
  };
  for (let i = 0; i < 5; i++) expect(await add(world, pat, 100 + i)).toBe(false);
  expect(await kept(pat)).toBe(8);
  rhea.up = (f) => (f.is === 'put-item' ? [] : [f]);
  for (let i = 0; i < 3; i++) {
    const added = pat.core!.personal.add({ is: 'profile', name: 'Pat 9', role: 'patient', seed: null });
    await world.time.pass(70_000);
    expect(await added).toBe(false);
  }
  expect(await kept(pat)).toBe(9);
  rhea.repent();
  expect(await add(world, pat, 10)).toBe(true);
  expect(await inVault(world, pat, words)).toEqual(all(10));
}, 60_000);
