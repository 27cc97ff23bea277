import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, MemberTag } from '$crypto/brand';
import { safetyNumber } from '$crypto/passphrase';
import { isPerson, personKeys, signPerson } from '$crypto/person';
import { ready } from '$crypto/sodium';

beforeAll(ready);
const bytes = (size: number, fill: number): Bytes => new Uint8Array(size).fill(fill);
const group = (fill: number): GroupId => bytes(32, fill) as Bytes as GroupId;
const tag = (fill: number): MemberTag => bytes(16, fill) as Bytes as MemberTag;

describe('a person’s claim', () => {
  it('holds for its own group, member and key, and for no other', () => {
    const lee = personKeys(bytes(32, 1));
    const mallory = personKeys(bytes(32, 2));
    const claim = signPerson(lee, group(1), tag(1));
    expect(isPerson(lee.pk, group(1), tag(1), claim)).toBe(true);
    expect(isPerson(lee.pk, group(2), tag(1), claim)).toBe(false);
    expect(isPerson(lee.pk, group(1), tag(2), claim)).toBe(false);
    expect(isPerson(mallory.pk, group(1), tag(1), claim)).toBe(false);
  });

  it('with any bit changed, or of another length, is none', () => {
    const lee = personKeys(bytes(32, 1));
    const claim = signPerson(lee, group(1), tag(1));
    for (let bit = 0; bit < 512; bit += 37) {
      const changed = claim.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(isPerson(lee.pk, group(1), tag(1), changed)).toBe(false);
    }
    expect(isPerson(lee.pk, group(1), tag(1), claim.slice(0, 63))).toBe(false);
  });

  it('is the same key on every device that has the seed, and another for another seed', () => {
    expect(personKeys(bytes(32, 1)).pk).toEqual(personKeys(bytes(32, 1)).pk);
    expect(personKeys(bytes(32, 1)).pk).not.toEqual(personKeys(bytes(32, 3)).pk);
  });
});

describe('a safety number', () => {
  it('is 60 digits, the same from both sides, and another for another person', async () => {
    const [lee, pat, mallory] = [1, 2, 3].map((n) => personKeys(bytes(32, n)).pk) as [never, never, never];
    const [ours, theirs, other] = await Promise.all([safetyNumber(lee, pat), safetyNumber(pat, lee), safetyNumber(lee, mallory)]);
    expect(ours).toMatch(/^\d{60}$/);
    expect(theirs).toBe(ours);
    expect(other).not.toBe(ours);
    expect(Array.from({ length: 12 }, (_, i) => ours.slice(5 * i, 5 * i + 5) === other.slice(5 * i, 5 * i + 5)).filter(Boolean).length).toBeLessThan(3);
  });
});
