import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAD_FLOOR, pad, padme, unpad } from '$crypto/padding';

describe('padding', () => {
  it('comes off again', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), (x) => {
      expect(unpad(pad(new Uint8Array(x)))).toEqual(new Uint8Array(x));
    }));
  });

  it('makes everything up to the floor alike', () => {
    expect(new Set([0, 1, 17, 100, PAD_FLOOR - 1].map((n) => pad(new Uint8Array(n)).length))).toEqual(new Set([PAD_FLOOR]));
  });

  it('never shortens, never costs more than an eighth above the floor, and never falls', () => {
    let last = 0;
    for (let n = 0; n < 70_000; n += 7) {
      const p = padme(n);
      expect(p).toBeGreaterThanOrEqual(n);
      expect(p).toBeGreaterThanOrEqual(last);
      if (n > PAD_FLOOR) expect(p - n).toBeLessThan(n / 8);
      last = p;
    }
  });

  it('gives its own lengths back', () => {
    for (let n = 0; n < 70_000; n += 11) expect(padme(padme(n))).toBe(padme(n));
  });

  it('is exact next to powers of two, where logarithms in floating point are not', () => {
    for (let e = 9; e < 27; e++) {
      expect(padme(2 ** e)).toBe(2 ** e);
      expect(padme(2 ** e - 1)).toBe(2 ** e);
      expect(padme(2 ** e + 1)).toBe(2 ** e + 2 ** (e - (Math.floor(Math.log2(e)) + 1)));
    }
  });

  it('is refused when it is not the one that would have been made', () => {
    const good = pad(new Uint8Array([1, 2, 3]));
    expect(unpad(good.slice(0, -1))).toBeNull();
    expect(unpad(new Uint8Array([...good, 0]))).toBeNull();
    expect(unpad(new Uint8Array(256))).toBeNull();
    expect(unpad(new Uint8Array(0))).toBeNull();
    const other = good.slice();
    other[255] = 1;
    expect(unpad(other)).toBeNull();
    const long = new Uint8Array(512);
    long[3] = 0x80;
    expect(unpad(long)).toBeNull();
  });
});
