import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BlobId, Bytes, ContentKey, GroupId, Hash } from '$crypto/brand';
import { concat, fromText } from '$crypto/bytes';
import { type Envelope, type EnvelopeContext, envelopeHash, openEnvelope, readEnvelope, sealEnvelope, verifyEnvelope, writeHeader } from '$crypto/envelope';
import { ZERO_HASH } from '$crypto/hash';
import { LIMIT } from '$crypto/limits';
import { na, ready, type Random } from '$crypto/sodium';
import { sign } from '$crypto/verify';
import { LABEL } from '$crypto/labels';
import { type Device, makeDevice, seeded } from '../../support/actor';

let random: Random;
let pat: Device;
let key: ContentKey;
let c: EnvelopeContext;
const words = fromText('The new dose starts on Monday.');

beforeAll(async () => {
  await ready();
  random = seeded('envelope');
  pat = makeDevice(random);
  key = random(32) as ContentKey;
  c = { group: random(32) as Bytes as GroupId, logPk: pat.logPk, prev: ZERO_HASH, roster: random(32) as Bytes as Hash };
});

const seal = (n = 1): Bytes => sealEnvelope(c, { n, rosterSeq: 4, epoch: 3, blobs: [random(32) as Bytes as BlobId] }, words, key, pat.logSk, random);
const read = (b: Bytes): Envelope => {
  const r = readEnvelope(b);
  if (!r.ok) throw new Error(r.fault);
  return r.value;
};
const takes = (context: EnvelopeContext, b: Bytes): boolean => {
  const r = readEnvelope(b);
  return r.ok && verifyEnvelope(context, r.value);
};

describe('an envelope', () => {
  it('opens for whoever holds the key and knows its place', () => {
    const e = read(seal());
    expect(verifyEnvelope(c, e)).toBe(true);
    expect(openEnvelope(c, e, key)).toEqual({ ok: true, value: words });
    expect(e.header).toMatchObject({ n: 1, rosterSeq: 4, epoch: 3 });
  });

  it('is refused with any bit of it flipped', () => {
    const b = seal();
    for (let i = 0; i < b.length * 8; i += 3) {
      const bad = b.slice();
      bad[i >> 3] = (bad[i >> 3] as number) ^ (1 << (i & 7));
      expect(takes(c, bad)).toBe(false);
    }
  });

  it('is refused cut short anywhere or made longer', () => {
    const b = seal();
    for (let i = 0; i < b.length; i++) expect(takes(c, b.slice(0, i))).toBe(false);
    expect(takes(c, concat(b, new Uint8Array(1)))).toBe(false);
  });

  it('is refused in another group, another log, another place of its log and on another roster (P8)', () => {
    const b = seal();
    const other = random(32);
    expect(takes({ ...c, group: other as Bytes as GroupId }, b)).toBe(false);
    expect(takes({ ...c, logPk: makeDevice(random).logPk }, b)).toBe(false);
    expect(takes({ ...c, prev: other as Bytes as Hash }, b)).toBe(false);
    expect(takes({ ...c, roster: other as Bytes as Hash }, b)).toBe(false);
  });

  it('is refused when its words were sealed again under another key, or its header was changed (P8)', () => {
    const e = read(seal());
    const again = random(32) as ContentKey;
    const head = writeHeader(e.header);
    const aad = concat(LABEL.envelope, c.group, c.logPk, c.prev, c.roster, head);
    const plain = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, e.sealed, aad, e.nonce, key);
    const resealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(plain, aad, null, e.nonce, again) as Bytes;
    expect(verifyEnvelope(c, { ...e, sealed: resealed })).toBe(false);
    for (const change of [{ n: 2 }, { rosterSeq: 5 }, { epoch: 4 }, { blobs: [] }]) {
      expect(verifyEnvelope(c, { ...e, header: { ...e.header, ...change } })).toBe(false);
    }
  });

  it('signed by its author around a foreign place still does not open there', () => {
    const e = read(seal());
    const moved = { ...c, group: random(32) as Bytes as GroupId };
    expect(openEnvelope(moved, e, key)).toEqual({ ok: false, fault: 'unreadable' });
    expect(openEnvelope(c, e, random(32) as ContentKey)).toEqual({ ok: false, fault: 'unreadable' });
  });

  it('signed by a member over another log is not that log’s', () => {
    const mallory = makeDevice(random);
    const e = read(seal());
    const forged = { ...e, signature: sign(LABEL.envelope, fromText('x'), mallory.logSk) };
    expect(verifyEnvelope(c, forged)).toBe(false);
  });

  it('with padding that is not ours has no plaintext', () => {
    const head = { n: 1, rosterSeq: 1, epoch: 1, blobs: [] };
    const aad = concat(LABEL.envelope, c.group, c.logPk, c.prev, c.roster, writeHeader(head));
    const nonce = random(24);
    const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(words, aad, null, nonce, key) as Bytes;
    expect(openEnvelope(c, { header: head, nonce, sealed, signature: new Uint8Array(64) }, key)).toEqual({ ok: false, fault: 'unreadable' });
  });

  it('of an unknown version or suite is told apart from a broken one', () => {
    const b = seal();
    const newer = b.slice();
    newer[0] = 2;
    const suite = b.slice();
    suite[1] = 9;
    expect([readEnvelope(newer), readEnvelope(suite)]).toEqual([{ ok: false, fault: 'version' }, { ok: false, fault: 'version' }]);
    expect(readEnvelope(new Uint8Array(1))).toEqual({ ok: false, fault: 'malformed' });
    expect(readEnvelope(new Uint8Array(LIMIT.envelope + 1))).toEqual({ ok: false, fault: 'malformed' });
  });

  it('holds the largest plaintext within its own limit, and no larger', () => {
    const blobs = Array.from({ length: LIMIT.blobsPerEnvelope }, () => random(32) as Bytes as BlobId);
    const big = sealEnvelope(c, { n: 2 ** 50, rosterSeq: 2 ** 50, epoch: 2 ** 50, blobs }, new Uint8Array(LIMIT.plaintext), key, pat.logSk, random);
    expect(big.length).toBeLessThanOrEqual(LIMIT.envelope);
    expect(takes(c, big)).toBe(true);
    expect(() => sealEnvelope(c, { n: 1, rosterSeq: 1, epoch: 1, blobs: [] }, new Uint8Array(LIMIT.plaintext + 1), key, pat.logSk, random)).toThrow(RangeError);
  });

  it('is as long for one word as for a short message', () => {
    const size = (n: number): number => sealEnvelope(c, { n: 1, rosterSeq: 4, epoch: 3, blobs: [] }, new Uint8Array(n), key, pat.logSk, random).length;
    expect(size(1)).toBe(size(255));
  });

  it('is hashed with its place: the same bytes elsewhere in the chain hash differently', () => {
    const b = seal();
    expect(envelopeHash(c, b)).toEqual(envelopeHash(c, b.slice()));
    expect(envelopeHash({ ...c, prev: random(32) as Bytes as Hash }, b)).not.toEqual(envelopeHash(c, b));
    expect(envelopeHash({ ...c, roster: random(32) as Bytes as Hash }, b)).not.toEqual(envelopeHash(c, b));
  });

  it('made of any bytes at all is a fault, never an exception', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (junk, ours) => {
      const b = new Uint8Array(ours ? [1, 1, ...junk] : junk);
      const r = readEnvelope(b);
      if (r.ok) expect(verifyEnvelope(c, r.value)).toBe(false);
    }), { numRuns: 500 });
  });
});
