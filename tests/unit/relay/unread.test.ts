import { describe, expect, it } from 'vitest';
import { RATE } from '../../../relay/limits';
import { type Reader, Unread } from '../../../relay/unread';

const MIB = 1024 * 1024;
const readers = (count: number): Reader[] => Array.from({ length: count }, () => ({ unread: 0 }));

describe('what waits for slow readers', () => {
  it('is too much for one alone at its own bound, and for nobody below it while all together have less than theirs', () => {
    const unread = new Unread();
    const [one, ...others] = readers(32) as [Reader, ...Reader[]];
    for (const r of others) unread.count(r, RATE.unread);
    expect(others.filter((r) => unread.isTooMuch(r))).toEqual([]);
    unread.count(one, RATE.unread + 1);
    expect(unread.isTooMuch(one)).toBe(true);
  });

  it('is, once all together have too much, too much for those with more than an equal part, until they have gone or read', () => {
    const unread = new Unread();
    const [some, many] = [readers(100), readers(300)];
    for (const r of some) unread.count(r, MIB / 2);
    for (const r of many) unread.count(r, MIB);
    expect(some.filter((r) => unread.isTooMuch(r))).toEqual([]);
    // 50 MiB and 206 MiB are what all may have
    for (const [i, r] of many.entries()) {
      expect(unread.isTooMuch(r), String(i)).toBe(i < 94);
      if (i < 94) unread.count(r, i % 2 === 0 ? 0 : 1000);
    }
  });

  it('of those who have little waiting is nobody’s concern', () => {
    const unread = new Unread();
    const all = readers(100_000);
    for (const r of all) unread.count(r, 16 * 1024);
    expect(all.some((r) => r.unread > 0 || unread.isTooMuch(r))).toBe(false);
  });
});
