import { describe, expect, it } from 'vitest';
import { systemRandom } from '$crypto/sodium';
import { openStore } from '$lib/store/sealed';
import { bytes, devices, faultFrom, newKey, words } from './cast';

describe.each(devices)('wiping a device $on', ({ make }) => {
  it('leaves nothing but the mark, and nobody who wrote before writes again', async () => {
    const device = make();
    const disk = device.open();
    expect(await disk.swapHeader(null, bytes('header'))).toBe(true);
    const store = await openStore({ disk, vaultKey: await newKey(), random: systemRandom });
    await store.commit([{ table: 'outbox', key: 'a/1', value: bytes('never sent') }]);
    await store.cacheCommit([{ table: 'page', key: 'a/1', value: bytes('shown') }]);
    await store.wipe(bytes('why'));
    expect(await faultFrom(store.commit([{ table: 'outbox', key: 'a/2', value: bytes('late') }]))).toBe('fenced');
    expect(await faultFrom(store.cacheCommit([{ table: 'page', key: 'a/2', value: bytes('late') }]))).not.toBe('none');
    disk.close();
    const again = device.open();
    expect([await again.header(), words(await again.mark())]).toEqual([null, 'why']);
    expect([await again.range('outbox', ''), await again.range('page', '')]).toEqual([[], []]);
    // made anew it is a device like any other
    expect(await again.wipe(null, null)).toBe(true);
    expect(await again.mark()).toBeNull();
    const next = await openStore({ disk: again, vaultKey: await newKey(), random: systemRandom });
    await next.commit([{ table: 'outbox', key: 'a/1', value: bytes('new') }]);
    await next.cacheCommit([{ table: 'page', key: 'a/1', value: bytes('new') }]);
    expect(words(await next.get('outbox', 'a/1'))).toBe('new');
  });

  it('that has a vault is refused to whoever wants to clear a bare one, and to a writer who was overtaken', async () => {
    const device = make();
    const disk = device.open();
    await disk.swapHeader(null, bytes('header'));
    const first = await openStore({ disk, vaultKey: await newKey(), random: systemRandom });
    await first.commit([{ table: 'outbox', key: 'a/1', value: bytes('kept') }]);
    const key = await newKey();
    const second = device.open();
    const next = await openStore({ disk: second, vaultKey: key, random: systemRandom });
    expect(await second.wipe(null, null)).toBe(false);
    expect(await faultFrom(first.wipe(bytes('why')))).toBe('fenced');
    expect(await faultFrom(next.cacheCommit([{ table: 'page', key: 'a/1', value: bytes('goes on') }]))).toBe('none');
    expect(words(await second.header())).toBe('header');
    expect(await second.range('outbox', '')).toHaveLength(1);
    expect(await second.mark()).toBeNull();
  });
});
