import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWeak, strengthBits } from '$lib/vault/strength';

describe('the strength of a passphrase', () => {
  it.each([
    ['', 'aaaaaaaaaaaaaaaaaaaa', '12345678901234567890', 'abcdefghijklmnopqrst', 'qwertyuiop'],
    ['password', 'P@ssw0rd!', 'Password123!', 'passwordpassword', 'password password password password'],
    ['Margaret1950!', 'olivia olivia olivia', 'iloveyou2024', 'hospital', 'carefold2026', 'letmein', 'summer2025!'],
    ['maria jose', 'familia 1975', 'x7!q', 'horse', 'dragonmonkey', '195019601970']
  ])('is too little for what a thief tries first (%s, …)', (...weak) => {
    expect(weak.filter((p) => !isWeak(p)).map((p) => [p, strengthBits(p)])).toEqual([]);
  });

  it.each([
    [
      'seven herons cross the quiet marsh',
      'kettle orbit violin tundra',
      'correct horse battery staple plumber',
      'mañana café übermorgen río'
    ],
    ['w8Kz!pQ4rt#v', 'tGh5-kLm9-bVx2-qWz7', 'ich gehe morgens gerne barfuß', '我们明天早上一起去河边散步吧']
  ])('is enough for several unrelated words or a dozen random characters (%s, …)', (...good) => {
    expect(good.filter((p) => isWeak(p)).map((p) => [p, strengthBits(p)])).toEqual([]);
  });

  it('never falls when four random words are added, and is never below zero', () => {
    const word = fc.stringMatching(/^[b-y]{4,7}$/);
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.array(word, { minLength: 4, maxLength: 4 }), (p, words) => {
        const bits = strengthBits(p);
        expect(bits).toBeGreaterThanOrEqual(0);
        expect(strengthBits([p.trim(), ...words].join(' '))).toBeGreaterThanOrEqual(bits - 1);
      })
    );
  });

  it('is judged within a moment however long it is', () => {
    expect(strengthBits('the quick brown fox '.repeat(5000))).toBeGreaterThan(35);
  });
});
