import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, Writer } from '$crypto/wire';
import { err, ok } from '$crypto/result';

const MAX = Number.MAX_SAFE_INTEGER;
const b = (...v: number[]): Uint8Array => new Uint8Array(v);
const num = (bytes: Uint8Array) => decode(bytes, (r) => r.num());

describe('numbers on the wire', () => {
  it.each([0, 1, 127, 128, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 49 - 1, 2 ** 49, MAX - 1, MAX])('%d comes back', (n) => {
    expect(num(new Writer().num(n).done())).toEqual(ok(n));
  });

  it('come back whatever they are', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (n) => {
      expect(num(new Writer().num(n).done())).toEqual(ok(n));
    }));
  });

  it('have one encoding: any bytes that read as a number are the ones it is written as', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 10 }), (bytes) => {
      const r = num(bytes);
      if (r.ok) expect(new Writer().num(r.value).done()).toEqual(new Uint8Array(bytes));
    }), { numRuns: 3000 });
  });

  it('are refused when written longer than needed', () => {
    expect(num(b(0x80, 0x00))).toEqual(err('malformed'));
    expect(num(b(0xff, 0x00))).toEqual(err('malformed'));
    expect(num(b(0x81, 0x80, 0x00))).toEqual(err('malformed'));
  });

  it('are refused above 2^53−1 and beyond eight bytes', () => {
    expect(num(b(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10))).toEqual(err('malformed'));
    expect(num(b(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f))).toEqual(ok(MAX));
    expect(num(b(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))).toEqual(err('malformed'));
    expect(num(b(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01))).toEqual(err('malformed'));
  });

  it('throw at the writer when they are no whole number', () => {
    for (const n of [-1, 0.5, MAX + 1, NaN, Infinity]) expect(() => new Writer().num(n)).toThrow(RangeError);
  });
});

describe('the codec', () => {
  it('refuses what is cut short anywhere, and what goes on after its end', () => {
    const whole = new Writer().u8(7).num(300).bool(true).bytes(b(1, 2, 3)).text('é').list([5, 6], (n, w) => w.num(n)).fixed(b(9, 9)).done();
    const read = (x: Uint8Array) =>
      decode(x, (r) => [r.u8(), r.num(), r.bool(), r.bytes(10), r.text(10), r.list(10, (y) => y.num()), r.fixed(2)]);
    expect(read(whole).ok).toBe(true);
    for (let i = 0; i < whole.length; i++) expect(read(whole.slice(0, i))).toEqual(err('malformed'));
    expect(read(new Uint8Array([...whole, 0]))).toEqual(err('malformed'));
  });

  it('takes only 0 and 1 for a yes or no', () => {
    expect(decode(b(2), (r) => r.bool())).toEqual(err('malformed'));
  });

  it('refuses lengths and counts above what the reader allows', () => {
    expect(decode(b(3, 1, 1, 1), (r) => r.bytes(2))).toEqual(err('malformed'));
    expect(decode(b(3, 1, 1, 1), (r) => r.list(2, (x) => x.u8()))).toEqual(err('malformed'));
  });

  it('refuses a length that promises more than is there without making room for it', () => {
    const huge = new Writer().num(MAX).done();
    expect(decode(huge, (r) => r.bytes(MAX))).toEqual(err('malformed'));
    expect(decode(huge, (r) => r.list(MAX, (x) => x.u8()))).toEqual(err('malformed'));
  });

  it('refuses text that is not UTF-8', () => {
    expect(decode(b(2, 0xc3, 0x28), (r) => r.text(9))).toEqual(err('malformed'));
  });

  it('lets a fault of our own through', () => {
    expect(() => decode(b(1), () => { throw new TypeError('ours'); })).toThrow('ours');
  });

  it('gives what was written, and what is read, without a copy as with one', () => {
    const w = new Writer(2).bytes(b(1, 2, 3));
    const copied = w.done();
    expect(w.last()).toEqual(copied);
    const from = copied.slice();
    const seen = decode(from, (r) => [r.u8(), r.view(3)]);
    expect(seen).toEqual(ok([3, b(1, 2, 3)]));
    from[1] = 9;
    expect(seen).toEqual(ok([3, b(9, 2, 3)]));
    expect(decode(b(1), (r) => r.view(2))).toEqual(err('malformed'));
  });

  it('writes past its first buffer', () => {
    const long = new Uint8Array(1000).fill(3);
    expect(decode(new Writer().bytes(long).bytes(long).done(), (r) => [r.bytes(1000), r.bytes(1000)])).toEqual(ok([long, long]));
  });
});
