import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { pack } from '$lib/core/pack';
import { parseVaultItem } from '$lib/core/vault-item';

const bytes = (n: number): Bytes => new Uint8Array(n).fill(n);
const group = { is: 'group', id: bytes(32), relayPk: bytes(32), tag: bytes(16), logSeed: bytes(32), kemSeed: bytes(32) };
const profile = { is: 'profile', name: 'Pat', role: 'patient', seed: null };

describe('what an item of a personal vault says', () => {
  it('is a profile or a group, and nothing beside their fields', () => {
    for (const item of [group, profile]) expect(parseVaultItem(pack({ ...item, more: 1 }))).toEqual(item);
  });

  it('is nothing when a field is missing, of another kind or size', () => {
    for (const item of [group, profile]) {
      for (const k of Object.keys(item).filter((x) => x !== 'seed')) {
        for (const v of [undefined, null, 7, '', bytes(31), {}]) expect({ k, v, item: parseVaultItem(pack({ ...item, [k]: v })) }).toEqual({ k, v, item: null });
      }
    }
  });

  it('is nothing, and no exception, for any bytes and any value', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (b) => {
      expect(parseVaultItem(new Uint8Array(b))).toBeNull();
    }));
    fc.assert(fc.property(fc.jsonValue(), (v) => {
      expect(parseVaultItem(pack(v))).toBeNull();
    }));
    expect(parseVaultItem(new Uint8Array(200_000).fill(117))).toBeNull();
  });
});
