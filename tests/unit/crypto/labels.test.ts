import { beforeAll, describe, expect, it } from 'vitest';
import { equal, fromText, hex, toText } from '$crypto/bytes';
import { HASH, hash, ZERO_HASH } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { na, ready } from '$crypto/sodium';

beforeAll(ready);
const all = Object.values(LABEL);

describe('labels', () => {
  it('are all different, versioned, and end in their only zero byte', () => {
    expect(new Set(all.map(hex)).size).toBe(all.length);
    for (const l of all) expect(toText(l)).toMatch(/^carefold\/[a-z-]+\/[0-9]+\0$/);
  });

  it('are none the beginning of another', () => {
    for (const a of all) for (const b of all) if (a !== b) expect(equal(a, b.slice(0, a.length))).toBe(false);
  });
});

describe('the hash', () => {
  it('is BLAKE2b-256 of the label and the parts', () => {
    const direct = na().crypto_generichash(32, new Uint8Array([...LABEL.chain, 1, 2, 3]), null);
    expect(hash(LABEL.chain, new Uint8Array([1]), new Uint8Array([2, 3]))).toEqual(direct);
    expect(direct).toHaveLength(HASH);
  });

  it('differs under every label', () => {
    expect(new Set(all.map((l) => hex(hash(l, fromText('same'))))).size).toBe(all.length);
  });

  it('has zeros that are the hash of nothing anybody knows', () => {
    expect(ZERO_HASH).toEqual(new Uint8Array(32));
  });
});
