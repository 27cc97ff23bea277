import { beforeAll, describe, expect, it } from 'vitest';
import { bearerKey, makeBearer, readBearer } from '$crypto/bearer';
import type { Bytes, GroupId } from '$crypto/brand';
import { ready } from '$crypto/sodium';
import { signPair } from '$crypto/verify';
import { seeded } from '../../support/actor';

beforeAll(ready);

describe('a bearer that relays of one store know', () => {
  it('stands for one row of one group, in one life, until one moment, and for nothing with any bit of it changed', () => {
    const random = seeded('bearer');
    const group = random(32) as Bytes as GroupId;
    const given = { group, incarnation: 1_760_000_000_123, device: 70_000, until: 1_760_086_400 };
    const key = bearerKey(signPair(random(32)).sk);
    const bearer = makeBearer(key, given);
    expect(bearer).toHaveLength(32);
    expect(readBearer(key, bearer, given)).toEqual(given);
    expect(readBearer(key, bearer, { ...given, incarnation: given.incarnation + 1 })).toBeNull();
    expect(readBearer(key, bearer, { ...given, group: random(32) as Bytes as GroupId })).toBeNull();
    for (let bit = 0; bit < 256; bit++) expect(readBearer(key, bearer.map((b, i) => (i === bit >> 3 ? b ^ (1 << (bit & 7)) : b)), given)).toBeNull();
    expect([readBearer(key, bearer.slice(1), given), readBearer(bearerKey(signPair(random(32)).sk), bearer, given)]).toEqual([null, null]);
  });
});
