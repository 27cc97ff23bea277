import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, ContentKey, GroupId, Hash, RosterKey } from '$crypto/brand';
import { concat } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import { KEYS_IN_ANSWER, KEYS_IN_LOCKBOX, type KeyringItem, sealLockbox } from '$crypto/lockbox';
import { ready, type Random } from '$crypto/sodium';
import { covers, decodeWant, signWant, verifyWant, WANT_SPANS, wantHash } from '$crypto/want';
import { openKeys, sealKeys } from '$crypto/want-answer';
import { type Device, makeDevice, seeded } from '../../support/actor';

let random: Random;
let pat: Device;
let group: GroupId;
beforeAll(async () => {
  await ready();
  random = seeded('want');
  pat = makeDevice(random);
  group = random(32) as Bytes as GroupId;
});
const made = (spans: readonly { first: number; last: number }[]): Bytes => signWant(group, { logPk: pat.logPk, spans }, pat.logSk);
/** Keys of `n` epochs with seqs as large as they come. */
const ring = (n: number): KeyringItem[] => Array.from({ length: n }, (_, i) => ({ epoch: 2_000_000 + i, roster: new Uint8Array(32) as Bytes as RosterKey, content: new Uint8Array(32) as Bytes as ContentKey }));

describe('a want', () => {
  it('is signed by the device that asks, for its own group', () => {
    const d = decodeWant(made([{ first: 1, last: 4 }]));
    if (!d.ok) throw new Error(d.fault);
    expect(verifyWant(group, d.value)).toBe(true);
    expect(verifyWant(random(32) as Bytes as GroupId, d.value)).toBe(false);
    expect(verifyWant(group, { ...d.value, spans: [{ first: 1, last: 5 }] })).toBe(false);
    expect(verifyWant(group, { ...d.value, logPk: makeDevice(random).logPk })).toBe(false);
  });

  it('names spans that ascend and lie apart, one at least and sixty-four at most', () => {
    const is = (spans: readonly { first: number; last: number }[]): boolean => decodeWant(made(spans)).ok;
    expect(is([{ first: 2, last: 2 }, { first: 3, last: 9 }])).toBe(true);
    expect(is([])).toBe(false);
    expect(is([{ first: 0, last: 2 }])).toBe(false);
    expect(is([{ first: 3, last: 2 }])).toBe(false);
    expect(is([{ first: 1, last: 4 }, { first: 4, last: 5 }])).toBe(false);
    const many = (n: number) => Array.from({ length: n }, (_, i) => ({ first: 2 ** 40 + 2 * i, last: 2 ** 40 + 2 * i }));
    expect(is(many(WANT_SPANS))).toBe(true);
    expect(made(many(WANT_SPANS)).length).toBeLessThanOrEqual(LIMIT.want);
    expect(is(many(WANT_SPANS + 1))).toBe(false);
    const d = decodeWant(made([{ first: 2, last: 3 }, { first: 8, last: 8 }]));
    expect(d.ok && [1, 2, 3, 4, 8, 9].filter((e) => covers(d.value, e))).toEqual([2, 3, 8]);
  });

  it('made of any bytes is a fault or re-encodes to itself', () => {
    const good = made([{ first: 1, last: 4 }]);
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([i, v]) => good.map((b, j) => (j === i ? v : b)))), (b) => {
      const d = decodeWant(b);
      if (!d.ok) return;
      const again = signWant(group, d.value, pat.logSk);
      expect(concat(again.slice(0, -64), d.value.signature)).toEqual(new Uint8Array(b));
    }), { numRuns: 2000 });
  });
});

describe('an answer to a want', () => {
  it('opens for the device that asked, for that want and group alone', () => {
    const want = wantHash(made([{ first: 1, last: 4 }]));
    const keys = sealKeys(group, want, { logPk: pat.logPk, kem: pat.kem.pk }, ring(2), random);
    expect(openKeys(group, want, { logPk: pat.logPk, kem: pat.kem }, keys)).toEqual({ ok: true, value: ring(2) });
    const other = makeDevice(random);
    const no = { ok: false, fault: 'unreadable' };
    expect(openKeys(group, want, { logPk: pat.logPk, kem: other.kem }, keys)).toEqual(no);
    expect(openKeys(group, want, { logPk: other.logPk, kem: pat.kem }, keys)).toEqual(no);
    expect(openKeys(group, random(32) as Bytes as Hash, { logPk: pat.logPk, kem: pat.kem }, keys)).toEqual(no);
    expect(openKeys(random(32) as Bytes as GroupId, want, { logPk: pat.logPk, kem: pat.kem }, keys)).toEqual(no);
  });

  it('as many keys as are put into one lockbox, or one answer, fit there', () => {
    const place = { prev: random(32) as Bytes as Hash, seq: 7 };
    expect(sealLockbox(pat.logPk, pat.kem.pk, place, ring(KEYS_IN_LOCKBOX), random).length).toBeLessThanOrEqual(LIMIT.lockbox);
    expect(sealKeys(group, place.prev, { logPk: pat.logPk, kem: pat.kem.pk }, ring(KEYS_IN_ANSWER), random).length).toBeLessThanOrEqual(LIMIT.keys);
  });
});
