import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '$crypto/brand';
import { fromText } from '$crypto/bytes';
import { inviteKeys } from '$crypto/invite-secret';
import { ARGON, joinNumber, SALT, stretch } from '$crypto/passphrase';
import { ready } from '$crypto/sodium';
import { makeDevice, seeded } from '../../support/actor';

beforeAll(ready);
const FAST = { memory: 64, passes: 1, lanes: 1 };

describe('a stretched passphrase', () => {
  it('is the same for the same words and salt, and differs otherwise', async () => {
    const salt = new Uint8Array(SALT).fill(1);
    const a = await stretch('four quiet green boats', salt, FAST);
    expect(a).toHaveLength(32);
    expect(await stretch('four quiet green boats', salt, FAST)).toEqual(a);
    expect(await stretch('four quiet green boat', salt, FAST)).not.toEqual(a);
    expect(await stretch('four quiet green boats', new Uint8Array(SALT), FAST)).not.toEqual(a);
    expect(await stretch('four quiet green boats', salt, { ...FAST, passes: 2 })).not.toEqual(a);
  });

  it('is the same however the keyboard composes an accent', async () => {
    const salt = new Uint8Array(SALT);
    expect(await stretch('caf\u00e9', salt, FAST)).toEqual(await stretch('cafe\u0301', salt, FAST));
  });

  it('costs 64 MiB in earnest', () => {
    expect(ARGON).toEqual({ memory: 65536, passes: 3, lanes: 1 });
  });

  it('agrees with the published vector of Argon2id', async () => {
    // version 0x13, password "password", salt "somesalt", 64 MiB, 2 passes, 1 lane: from the tests of the reference implementation
    const out = await stretch('password', fromText('somesalt'), { memory: 65536, passes: 2, lanes: 1 });
    expect(Buffer.from(out).toString('hex')).toBe('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
  });
});

describe('the number two people compare', () => {
  it('is twelve digits, the same on both screens, another for any other key, group or invite', async () => {
    const random = seeded('number');
    const group = random(32) as Bytes as GroupId;
    const { invite } = inviteKeys(group, random(16));
    const [fay, mallory] = [makeDevice(random), makeDevice(random)];
    const n = await joinNumber(group, invite, fay.logPk, fay.kem.pk);
    expect(n).toMatch(/^[0-9]{12}$/);
    expect(await joinNumber(group, invite, fay.logPk, fay.kem.pk)).toBe(n);
    const others = await Promise.all([
      joinNumber(group, invite, mallory.logPk, fay.kem.pk),
      joinNumber(group, invite, fay.logPk, mallory.kem.pk),
      joinNumber(random(32) as Bytes as GroupId, invite, fay.logPk, fay.kem.pk),
      joinNumber(group, inviteKeys(group, random(16)).invite, fay.logPk, fay.kem.pk)
    ]);
    expect(new Set([n, ...others]).size).toBe(5);
  });
});
