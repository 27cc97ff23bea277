import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, ContentKey, Hash, RosterKey } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { commitContent, commitRoster, type EpochPlace, isContentKey, isRosterKey, newEpochKeys } from '$crypto/epoch';
import { ready } from '$crypto/sodium';
import { seeded } from '../../support/actor';

beforeAll(ready);

describe('a commitment', () => {
  it('fits its own key at its own entry, and no other (P9)', () => {
    const random = seeded('epoch');
    const k = newEpochKeys(random);
    const p: EpochPlace = { prev: random(32) as Bytes as Hash, seq: 9 };
    expect(isContentKey(p, k.content, commitContent(p, k.content))).toBe(true);
    expect(isRosterKey(p, k.roster, commitRoster(p, k.roster))).toBe(true);
    expect(isContentKey(p, newEpochKeys(random).content, commitContent(p, k.content))).toBe(false);
    expect(isContentKey({ ...p, seq: 10 }, k.content, commitContent(p, k.content))).toBe(false);
    expect(isContentKey({ ...p, prev: random(32) as Bytes as Hash }, k.content, commitContent(p, k.content))).toBe(false);
  });

  it('to a content key says nothing about the same bytes as a roster key', () => {
    const random = seeded('swap');
    const k = random(32);
    const p: EpochPlace = { prev: random(32) as Bytes as Hash, seq: 2 };
    expect(equal(commitContent(p, k as ContentKey), commitRoster(p, k as RosterKey))).toBe(false);
  });

  it('is made for two different keys each time', () => {
    const random = seeded('new');
    const [a, b] = [newEpochKeys(random), newEpochKeys(random)];
    expect(new Set([a.content, a.roster, b.content, b.roster].map(String)).size).toBe(4);
  });
});
