import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '$crypto/brand';
import { type AccessProof, proveAccess, verifyAccess } from '$crypto/access';
import { ready } from '$crypto/sodium';
import { makeDevice, seeded } from '../../support/actor';

beforeAll(ready);

describe('a proof of access', () => {
  it('holds on its own connection, and on no other, for no other group, host or kind of key (P25)', () => {
    const random = seeded('access');
    const pat = makeDevice(random);
    const proof: AccessProof = { as: 'log', host: 'care.example:443', group: random(32) as Bytes as GroupId, serverNonce: random(32), nonce: random(32) };
    const s = proveAccess(proof, pat.logSk);
    expect(verifyAccess(proof, s, pat.logPk)).toBe(true);
    expect(verifyAccess({ ...proof, serverNonce: random(32) }, s, pat.logPk)).toBe(false);
    expect(verifyAccess({ ...proof, nonce: random(32) }, s, pat.logPk)).toBe(false);
    expect(verifyAccess({ ...proof, host: 'care.example:444' }, s, pat.logPk)).toBe(false);
    expect(verifyAccess({ ...proof, group: random(32) as Bytes as GroupId }, s, pat.logPk)).toBe(false);
    expect(verifyAccess({ ...proof, as: 'invite' }, s, pat.logPk)).toBe(false);
    expect(verifyAccess(proof, s, makeDevice(random).logPk)).toBe(false);
    expect(verifyAccess(proof, s.slice(1), pat.logPk)).toBe(false);
  });
});
