import { describe, expect, it } from 'vitest';
import type { VaultKey } from '$crypto/brand';
import { systemRandom } from '$crypto/sodium';
import { openStore } from '$lib/store/sealed';
import type { Row, Store } from '$lib/store/store';
import { bytes, devices, faultFrom, newKey, words, type Device } from './cast';

const keys = (rows: readonly Row[]): string[] => rows.map((r) => r.key);

describe.each(devices)('a store $on', ({ make }) => {
  async function open(device: Device = make(), vaultKey?: VaultKey): Promise<Store> {
    return openStore({ disk: device.open(), vaultKey: vaultKey ?? (await newKey()), random: systemRandom });
  }

  it('gives back what was committed, and null for what was not', async () => {
    const store = await open();
    await store.commit([{ table: 'outbox', key: 'a/1', value: bytes('hello') }]);
    expect(words(await store.get('outbox', 'a/1'))).toBe('hello');
    expect(await store.get('outbox', 'a/2')).toBeNull();
    expect(await store.get('inbox', 'a/1')).toBeNull();
  });

  it('finds everything again in a fresh process', async () => {
    const device = make();
    const key = await newKey();
    const first = await open(device, key);
    await first.commit([{ table: 'meta', key: 'me', value: bytes('Olivia') }]);
    await first.cacheCommit([{ table: 'page', key: 'a/1', value: bytes('posts') }]);
    first.close();
    const second = await open(device, key);
    expect(words(await second.get('meta', 'me'))).toBe('Olivia');
    expect(words(await second.cacheGet('page', 'a/1'))).toBe('posts');
  });

  it('keeps an empty value apart from none', async () => {
    const store = await open();
    await store.commit([{ table: 'meta', key: 'e', value: bytes('') }]);
    await store.cacheCommit([{ table: 'index', key: 'e', value: bytes('') }]);
    expect(words(await store.get('meta', 'e'))).toBe('');
    expect(words(await store.cacheGet('index', 'e'))).toBe('');
  });

  it('lists a prefix in order, between bounds', async () => {
    const store = await open();
    const all = ['a/1', 'a/2', 'a/3', 'a/4', 'ab/1', 'b/1'];
    await store.commit(all.map((key) => ({ table: 'inbox', key, value: bytes(key) })));
    expect(keys(await store.range('inbox', 'a/'))).toEqual(['a/1', 'a/2', 'a/3', 'a/4']);
    expect(keys(await store.range('inbox', ''))).toEqual(all);
    expect(keys(await store.range('inbox', 'a/', { after: 'a/1', before: 'a/4' }))).toEqual(['a/2', 'a/3']);
    expect(keys(await store.range('inbox', 'a/', { most: 2 }))).toEqual(['a/1', 'a/2']);
    expect(keys(await store.range('inbox', 'a/', { after: 'b' }))).toEqual([]);
    expect(keys(await store.range('inbox', 'a/', { after: 'a/2', before: 'a/2' }))).toEqual([]);
    expect(keys(await store.range('inbox', 'c'))).toEqual([]);
    expect((await store.range('inbox', 'b')).map((r) => words(r.value))).toEqual(['b/1']);
  });

  it('takes the last of two changes of one row in a commit', async () => {
    const store = await open();
    await store.commit([
      { table: 'draft', key: 'a', value: bytes('first') },
      { table: 'draft', key: 'a', value: bytes('second') },
      { table: 'draft', key: 'b', value: bytes('there') },
      { table: 'draft', key: 'b', value: null }
    ]);
    expect(words(await store.get('draft', 'a'))).toBe('second');
    expect(await store.get('draft', 'b')).toBeNull();
  });

  it('forgets a group in every table and touches no other', async () => {
    const store = await open();
    await store.commit(
      ['meta', 'outbox', 'sealed'].flatMap((t) => ['g1/1', 'g1/2', 'g2/1'].map((key) => ({ table: t as 'meta', key, value: bytes('x') })))
    );
    await store.cacheCommit(['g1/p', 'g2/p'].map((key) => ({ table: 'page', key, value: bytes('x') })));
    await store.dropPrefix('g1/');
    for (const t of ['meta', 'outbox', 'sealed'] as const) expect(keys(await store.range(t, ''))).toEqual(['g2/1']);
    expect(keys(await store.cacheRange('page', ''))).toEqual(['g2/p']);
  });

  it('fences off the earlier writer in every kind of write, and changes nothing for it', async () => {
    const device = make();
    const key = await newKey();
    const old = await open(device, key);
    await old.commit([{ table: 'meta', key: 'a', value: bytes('old') }]);
    const fresh = await open(device, key);
    expect(await faultFrom(old.commit([{ table: 'meta', key: 'a', value: bytes('stale') }]))).toBe('fenced');
    expect(await faultFrom(old.cacheCommit([{ table: 'lane', key: 'a', value: bytes('stale') }]))).toBe('fenced');
    expect(await faultFrom(old.dropPrefix('a'))).toBe('fenced');
    expect(words(await fresh.get('meta', 'a'))).toBe('old');
    expect(await fresh.cacheGet('lane', 'a')).toBeNull();
    await fresh.commit([{ table: 'meta', key: 'a', value: bytes('new') }]);
    expect(words(await fresh.get('meta', 'a'))).toBe('new');
  });

  it('says damaged for a strict row that does not open, and stays usable', async () => {
    const device = make();
    const mine = await open(device);
    await mine.commit([{ table: 'meta', key: 'a', value: bytes('mine') }]);
    const other = await open(device);
    expect(await faultFrom(other.get('meta', 'a'))).toBe('damaged');
    expect(await faultFrom(other.range('meta', ''))).toBe('damaged');
    await other.commit([{ table: 'meta', key: 'b', value: bytes('b') }]);
    expect(words(await other.get('meta', 'b'))).toBe('b');
  });

  it('takes a row that was moved to another key for damaged', async () => {
    const device = make();
    const key = await newKey();
    const store = await open(device, key);
    await store.commit([{ table: 'meta', key: 'a', value: bytes('for a') }]);
    const raw = device.open();
    const { fence } = await raw.takeFence();
    const sealed = await raw.get('meta', 'a');
    await raw.commit(fence, [
      { table: 'meta', key: 'b', value: sealed },
      { table: 'group', key: 'a', value: sealed }
    ]);
    expect(await faultFrom(store.get('meta', 'b'))).toBe('damaged');
    expect(await faultFrom(store.get('group', 'a'))).toBe('damaged');
    expect(words(await store.get('meta', 'a'))).toBe('for a');
  });

  it('takes a cache row that does not open for absent, and deletes it', async () => {
    const device = make();
    const mine = await open(device);
    await mine.cacheCommit([
      { table: 'page', key: 'a/1', value: bytes('one') },
      { table: 'page', key: 'a/2', value: bytes('two') }
    ]);
    const other = await open(device);
    await other.cacheCommit([{ table: 'page', key: 'a/3', value: bytes('three') }]);
    expect(await other.cacheGet('page', 'a/1')).toBeNull();
    expect(keys(await other.cacheRange('page', 'a/'))).toEqual(['a/3']);
    expect(await device.open().range('page', '')).toHaveLength(1);
  });

  it('writes a thousand cache rows in batches', async () => {
    const store = await open();
    const many = Array.from({ length: 1000 }, (_, i) => ({
      table: 'index' as const,
      key: `g/${String(i).padStart(4, '0')}`,
      value: bytes(`row ${i}`)
    }));
    await store.cacheCommit(many);
    const rows = await store.cacheRange('index', 'g/');
    expect(rows).toHaveLength(1000);
    expect(words(rows[999]?.value ?? null)).toBe('row 999');
  });

  it('is lost once closed', async () => {
    const store = await open();
    store.close();
    expect(await faultFrom(store.get('meta', 'a'))).toBe('lost');
    expect(await faultFrom(store.commit([{ table: 'meta', key: 'a', value: bytes('x') }]))).toBe('lost');
  });

  it('does nothing for a commit of nothing, yet still asks the fence', async () => {
    const device = make();
    const old = await open(device);
    await old.commit([]);
    await open(device);
    expect(await faultFrom(old.commit([]))).toBe('fenced');
  });
});
