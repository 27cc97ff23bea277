import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64url, compare, concat, equal, fromText, hex, toText, unbase64url, unhex } from '$crypto/bytes';

const some = fc.uint8Array({ maxLength: 80 }).map((b) => new Uint8Array(b));

describe('bytes', () => {
  it('come back from hex and from base64url', () => {
    fc.assert(fc.property(some, (b) => {
      expect(unhex(hex(b))).toEqual(b);
      expect(unbase64url(base64url(b))).toEqual(b);
    }));
  });

  it('have one base64url text only: any text that decodes is the one they encode to', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'ABCab01-_=+/ é'), maxLength: 12 }), (s) => {
      const b = unbase64url(s);
      if (b !== null) expect(base64url(b)).toBe(s);
    }), { numRuns: 2000 });
  });

  it('agree with the platform on base64url', () => {
    fc.assert(fc.property(some, (b) => {
      expect(base64url(b)).toBe(Buffer.from(b).toString('base64url'));
    }));
  });

  it('refuse hex in capitals, of odd length, or with anything else in it', () => {
    expect([unhex('AB'), unhex('abc'), unhex('zz'), unhex('0x')]).toEqual([null, null, null, null]);
  });

  it('refuse text that is not well-formed UTF-8, and keep a byte order mark', () => {
    expect(toText(new Uint8Array([0xc0, 0x80]))).toBeNull();
    expect(toText(new Uint8Array([0xed, 0xa0, 0x80]))).toBeNull();
    expect(toText(fromText('\uFEFFa'))).toBe('\uFEFFa');
  });

  it('compare as big-endian numbers, the shorter first', () => {
    expect(compare(new Uint8Array([1]), new Uint8Array([2]))).toBeLessThan(0);
    expect(compare(new Uint8Array([1, 0]), new Uint8Array([1]))).toBeGreaterThan(0);
    expect(compare(new Uint8Array([200]), new Uint8Array([100]))).toBeGreaterThan(0);
    expect(compare(new Uint8Array([7, 7]), new Uint8Array([7, 7]))).toBe(0);
  });

  it('are equal exactly when every byte is', () => {
    fc.assert(fc.property(some, some, (a, b) => {
      expect(equal(a, concat(a))).toBe(true);
      expect(equal(a, b)).toBe(hex(a) === hex(b));
    }));
  });
});
