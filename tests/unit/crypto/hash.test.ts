import sodium from 'libsodium-wrappers';
import { beforeAll, describe, expect, it } from 'vitest';
import { concat, fromText } from '$crypto/bytes';
import { hash } from '$crypto/hash';
import { ready } from '$crypto/sodium';

beforeAll(ready);

describe('a hash', () => {
  it.each([0, 1, 4092, 4093, 100_000])('is BLAKE2b-256 of the label and all parts, of %d bytes as of any', (size) => {
    const label = fromText('abc');
    const parts = [new Uint8Array(size).fill(7), new Uint8Array(0), new Uint8Array([1])];
    expect(hash(label, ...parts)).toEqual(sodium.crypto_generichash(32, concat(label, ...parts), null));
  });

  it('has nothing of the one before', () => {
    const label = fromText('abc');
    const alone = hash(label, new Uint8Array([1]));
    hash(label, new Uint8Array(3000).fill(9));
    expect(hash(label, new Uint8Array([1]))).toEqual(alone);
  });
});
