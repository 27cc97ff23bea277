import { beforeAll, describe, expect, it } from 'vitest';
import { concat, hex } from '$crypto/bytes';
import { hash } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { linkCode, linkSecret } from '$crypto/linking';
import { newPermit, permitCode, permitHash, permitIn } from '$crypto/permit';
import { ready, type Random } from '$crypto/sodium';
import { seeded } from '../../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('permit');
});

describe('a permit', () => {
  it('is read from its code however it was typed or read out, and from no other text', () => {
    for (let i = 0; i < 50; i++) {
      const permit = newPermit(random);
      const code = permitCode(permit);
      for (const typed of [code, code.toLowerCase(), ` ${code.replaceAll('-', '  ')}\n`, code.replaceAll('1', 'l').replaceAll('0', 'o')]) expect(permitIn(typed)).toEqual(permit);
    }
    for (const text of ['', 'AAAA-AAAA', '0'.repeat(23), 'U'.repeat(24), '💊'.repeat(12)]) expect(permitIn(text)).toBeNull();
  });

  it('with a letter typed wrong is told before anything is sent, all but one time in 256', () => {
    let taken = 0;
    for (let i = 0; i < 1200; i++) {
      const letters = [...permitCode(newPermit(random)).replaceAll('-', '')];
      letters[i % 24] = letters[i % 24] === 'A' ? 'B' : 'A';
      if (permitIn(letters.join('')) !== null) taken++;
    }
    expect(taken).toBeLessThan(20);
  });

  it('is no code of a device that is linked, nor the other way round', () => {
    // one in 256 has the same check under both labels
    const apart = Array.from({ length: 300 }, () => newPermit(random)).filter((p) => permitCode(p) !== linkCode(p));
    expect(apart.length).toBeGreaterThan(280);
    for (const p of apart) expect([permitIn(linkCode(p)), linkSecret(permitCode(p))]).toEqual([null, null]);
  });

  it('is kept by the relay as a hash under a label of its own', () => {
    const permit = newPermit(random);
    expect(permitHash(permit)).toEqual(hash(LABEL.permit, permit));
    expect(hex(concat(permitHash(permit), hash(LABEL.permitCheck, permit)))).not.toContain(hex(permit));
  });
});
