import { beforeAll, describe, expect, it } from 'vitest';
import { fromText } from '$crypto/bytes';
import { LABEL } from '$crypto/labels';
import { ready } from '$crypto/sodium';
import { sign, signPair, verify } from '$crypto/verify';
import { seeded } from '../../support/actor';

beforeAll(ready);
const message = fromText('some words');

/** The order of the group, little end first: adding it to S gives the other signature that a careless verifier takes. */
const L = [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

describe('a signature', () => {
  it('holds for its label, message and key, and for no other', () => {
    const random = seeded('verify');
    const [a, b] = [signPair(random(32)), signPair(random(32))];
    const s = sign(LABEL.entry, message, a.sk);
    expect(verify(LABEL.entry, message, s, a.pk)).toBe(true);
    expect(verify(LABEL.claim, message, s, a.pk)).toBe(false);
    expect(verify(LABEL.entry, fromText('other words'), s, a.pk)).toBe(false);
    expect(verify(LABEL.entry, message, s, b.pk)).toBe(false);
  });

  it('fails with any bit of it flipped', () => {
    const a = signPair(seeded('flip')(32));
    const s = sign(LABEL.entry, message, a.sk);
    for (let i = 0; i < s.length * 8; i++) {
      const bad = s.slice();
      bad[i >> 3] = (bad[i >> 3] as number) ^ (1 << (i & 7));
      expect(verify(LABEL.entry, message, bad, a.pk)).toBe(false);
    }
  });

  it('has no second form: S plus the order of the group is refused', () => {
    const a = signPair(seeded('malleable')(32));
    const s = sign(LABEL.entry, message, a.sk);
    let carry = 0;
    for (let i = 0; i < 32; i++) {
      const v = (s[32 + i] as number) + (L[i] as number) + carry;
      s[32 + i] = v & 255;
      carry = v >> 8;
    }
    expect(verify(LABEL.entry, message, s, a.pk)).toBe(false);
  });

  it('is refused under keys of small order, under which one signature would fit every message', () => {
    const identity = new Uint8Array(32);
    identity[0] = 1;
    const forged = new Uint8Array(64);
    forged[0] = 1;
    for (const pk of [identity, new Uint8Array(32)]) expect(verify(LABEL.entry, message, forged, pk)).toBe(false);
  });

  it('of a wrong length, or under a key of one, is false and not a fault', () => {
    const a = signPair(seeded('length')(32));
    const s = sign(LABEL.entry, message, a.sk);
    expect(verify(LABEL.entry, message, s.slice(1), a.pk)).toBe(false);
    expect(verify(LABEL.entry, message, s, a.pk.slice(1))).toBe(false);
    expect(verify(LABEL.entry, message, new Uint8Array(0), new Uint8Array(0))).toBe(false);
  });
});
