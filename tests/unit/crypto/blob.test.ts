import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { concat, equal } from '$crypto/bytes';
import { blobId, type BlobRef, openBlob, sealBlob, type SealedBlob } from '$crypto/blob';
import { hash } from '$crypto/hash';
import { blobHasher } from '$crypto/kept';
import { LABEL } from '$crypto/labels';
import { na, ready, type Random } from '$crypto/sodium';
import { seeded } from '../../support/actor';

const MiB = 1024 * 1024;
const CHUNK = MiB + 17;
let random: Random;
let big: SealedBlob;
let photo: Bytes;
beforeAll(async () => {
  await ready();
  random = seeded('blob');
  photo = new Uint8Array(3 * MiB + 5);
  for (let i = 0; i < photo.length; i += 4096) photo.set(random(8), Math.min(i, photo.length - 8));
  big = sealBlob(photo, random);
});

/** What a relay that also controlled the id in the record could try: the ref names exactly the bytes given. */
const asNamed = (ref: BlobRef, ciphertext: Bytes) => openBlob({ ...ref, id: blobId(ciphertext) }, ciphertext);
const chunk = (i: number): Bytes => big.ciphertext.slice(24 + i * CHUNK, 24 + (i + 1) * CHUNK);

describe('a blob', () => {
  it('opens to what went in, empty and many chunks alike', () => {
    for (const plain of [new Uint8Array(0), new Uint8Array([1]), new Uint8Array(MiB), new Uint8Array(MiB + 1)]) {
      const s = sealBlob(plain, random);
      const r = openBlob(s, s.ciphertext);
      expect(r.ok && equal(r.value, plain)).toBe(true);
    }
    const r = openBlob(big, big.ciphertext);
    expect(r.ok && equal(r.value, photo)).toBe(true);
  });

  it('with a bit flipped, cut, or lengthened is not the one the record names (P24)', () => {
    const flipped = big.ciphertext.slice();
    flipped[MiB] = (flipped[MiB] as number) ^ 1;
    for (const bad of [flipped, big.ciphertext.slice(0, -1), concat(big.ciphertext, new Uint8Array(1)), new Uint8Array(0)]) {
      expect(openBlob(big, bad)).toEqual({ ok: false, fault: 'wrong-blob' });
    }
  });

  it('changed in any way does not open even when the record named the changed bytes (P24)', () => {
    const n = Math.ceil((big.ciphertext.length - 24) / CHUNK);
    expect(n).toBe(4);
    const header = big.ciphertext.slice(0, 24);
    const flipped = big.ciphertext.slice();
    flipped[MiB] = (flipped[MiB] as number) ^ 1;
    const attempts = {
      flipped,
      'last chunk dropped': concat(header, chunk(0), chunk(1), chunk(2)),
      'first chunk dropped': concat(header, chunk(1), chunk(2), chunk(3)),
      'chunks reordered': concat(header, chunk(1), chunk(0), chunk(2), chunk(3)),
      'chunk repeated': concat(header, chunk(0), chunk(0), chunk(1), chunk(2), chunk(3)),
      'chunk after the final': concat(big.ciphertext, chunk(3)),
      'cut inside a chunk': big.ciphertext.slice(0, 24 + 100),
      'header only': header,
      'half a header': header.slice(0, 12)
    };
    for (const [what, bytes] of Object.entries(attempts)) expect({ what, r: asNamed(big, bytes) }).toEqual({ what, r: { ok: false, fault: 'unreadable' } });
  });

  it('that ends before its final chunk, or goes on after it, does not open even when its own author made it so (P24)', () => {
    const s = na();
    const { TAG_FINAL, TAG_MESSAGE } = { TAG_FINAL: s.crypto_secretstream_xchacha20poly1305_TAG_FINAL, TAG_MESSAGE: s.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE };
    const part = new Uint8Array(MiB).fill(7);
    const make = (...tags: number[]) => {
      const [key, header] = [random(32), random(24)];
      const state = s.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
      const ciphertext = concat(header, ...tags.map((t) => s.crypto_secretstream_xchacha20poly1305_push(state, part, null, t)));
      const plain = concat(...tags.map(() => part));
      return openBlob({ id: blobId(ciphertext), key, plain: hash(LABEL.blobPlain, plain), size: plain.length }, ciphertext);
    };
    expect(make(TAG_MESSAGE, TAG_FINAL).ok).toBe(true);
    expect(make(TAG_MESSAGE, TAG_MESSAGE)).toEqual({ ok: false, fault: 'unreadable' });
    expect(make(TAG_FINAL, TAG_FINAL)).toEqual({ ok: false, fault: 'unreadable' });
  });

  it('swapped for another, sealed under the same key, is told by the hash of its plaintext', () => {
    const a = sealBlob(new Uint8Array([1, 2, 3]), (n) => new Uint8Array(n).fill(5));
    const b = sealBlob(new Uint8Array([9, 9, 9]), (n) => new Uint8Array(n).fill(5));
    expect(asNamed({ ...a, key: b.key }, b.ciphertext)).toEqual({ ok: false, fault: 'wrong-blob' });
  });

  it('claimed longer than it is does not open', () => {
    const a = sealBlob(new Uint8Array([1, 2, 3]), random);
    expect(openBlob({ ...a, size: 10_000 }, a.ciphertext)).toEqual({ ok: false, fault: 'unreadable' });
    expect(openBlob({ ...a, size: 2 }, a.ciphertext)).toEqual({ ok: false, fault: 'wrong-blob' });
  });

  it('is the same from the same randomness, so that nothing else went in', () => {
    const [a, b] = [sealBlob(photo.slice(0, 500), seeded('same')), sealBlob(photo.slice(0, 500), seeded('same'))];
    expect(a).toEqual(b);
  });

  it('has the same id when its ciphertext streams by in pieces', () => {
    const h = blobHasher();
    for (let at = 0; at < big.ciphertext.length; at += 700_001) h.add(big.ciphertext.subarray(at, at + 700_001));
    expect(h.id()).toEqual(big.id);
  });

  it('hides its exact length', () => {
    expect(sealBlob(new Uint8Array(100_001), random).ciphertext).toHaveLength(sealBlob(new Uint8Array(100_300), random).ciphertext.length);
  });
});
