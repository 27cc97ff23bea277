import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, place, unpack } from '$lib/core/pack';

describe('a row of our own', () => {
  it('comes back from its bytes as it was', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ depthSize: 'small' }, fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 20 }), fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 5 }).filter((k) => k !== '__proto__'), tie('any'), { maxKeys: 4, noNullPrototype: true }))
    })).any;
    fc.assert(fc.property(value, (v) => {
      expect(unpack(pack(v))).toEqual(v);
    }), { numRuns: 500 });
  });

  it('owns its bytes', () => {
    const a = pack({ words: 'one' });
    expect(a.buffer.byteLength).toBe(a.length);
  });

  it('has keys that sort as their numbers do', () => {
    fc.assert(fc.property(fc.nat(2 ** 31), fc.nat(2 ** 31), (a, b) => {
      expect(place(a) < place(b)).toBe(a < b);
    }));
  });
});
