/**
 * The one binary codec (PROTOCOL §2): numbers as canonical LEB128 up to 2^53−1, fixed byte runs, byte runs with their
 * length before them, strict UTF-8. Bytes that do not re-encode to themselves are invalid; a reader never throws out of `decode`.
 */
import type { Bytes } from './brand';
import { fromText, toText } from './bytes';
import { err, ok, type Result } from './result';

export type Malformed = 'malformed';

class Stop extends Error {}

/** Appends fields to a growing buffer. */
export class Writer {
  private out: Bytes;
  private at = 0;

  /** `size`: bytes that are likely to be needed. */
  constructor(size = 256) {
    this.out = new Uint8Array(size);
  }

  private room(n: number): void {
    if (this.at + n <= this.out.length) return;
    const bigger = new Uint8Array(Math.max(this.out.length * 2, this.at + n));
    bigger.set(this.out.subarray(0, this.at));
    this.out = bigger;
  }
  u8(v: number): this {
    this.room(1);
    this.out[this.at++] = v;
    return this;
  }
  /** A whole number from 0 to 2^53−1. */
  num(v: number): this {
    if (!Number.isSafeInteger(v) || v < 0) throw new RangeError('not a whole number below 2^53');
    this.room(8);
    while (v >= 0x80) {
      this.out[this.at++] = (v % 128) | 0x80;
      v = Math.floor(v / 128);
    }
    this.out[this.at++] = v;
    return this;
  }
  bool(v: boolean): this {
    return this.u8(v ? 1 : 0);
  }
  /** Bytes of a length both sides know. */
  fixed(b: Uint8Array): this {
    this.room(b.length);
    this.out.set(b, this.at);
    this.at += b.length;
    return this;
  }
  bytes(b: Uint8Array): this {
    return this.num(b.length).fixed(b);
  }
  text(s: string): this {
    return this.bytes(fromText(s));
  }
  list<T>(items: readonly T[], one: (item: T, w: Writer) => void): this {
    this.num(items.length);
    for (const i of items) one(i, this);
    return this;
  }
  done(): Bytes {
    return this.out.slice(0, this.at);
  }
  /** The same without a copy, for a writer that writes no more. */
  last(): Bytes {
    return this.out.subarray(0, this.at);
  }
}

/** Bytes that `num` writes. */
export function numSize(v: number): number {
  let size = 1;
  for (; v >= 0x80; v /= 128) size++;
  return size;
}

/** Takes fields off a byte array. Its methods throw a private signal that `decode` turns into a fault. */
export class Reader {
  private at = 0;
  constructor(private readonly from: Uint8Array) {}

  get left(): number {
    return this.from.length - this.at;
  }
  get position(): number {
    return this.at;
  }
  fail(): never {
    throw new Stop();
  }
  u8(): number {
    const v = this.from[this.at];
    if (v === undefined) throw new Stop();
    this.at++;
    return v;
  }
  num(max = Number.MAX_SAFE_INTEGER): number {
    let v = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const b = this.u8();
      v += (b & 0x7f) * scale;
      if (b < 0x80) {
        if ((b === 0 && i > 0) || v > max) throw new Stop();
        return v;
      }
      scale *= 128;
    }
    throw new Stop();
  }
  bool(): boolean {
    const v = this.u8();
    if (v > 1) throw new Stop();
    return v === 1;
  }
  fixed<B extends Bytes = Bytes>(n: number): B {
    if (n > this.left) throw new Stop();
    const b = this.from.slice(this.at, this.at + n);
    this.at += n;
    return b as Uint8Array<ArrayBuffer> as B;
  }
  /** The same without a copy: it is true as long as what is read stays as it is. */
  view<B extends Bytes = Bytes>(n: number): B {
    if (n > this.left) throw new Stop();
    const b = this.from.subarray(this.at, this.at + n);
    this.at += n;
    return b as Uint8Array<ArrayBuffer> as B;
  }
  skip(n: number): void {
    if (n > this.left) throw new Stop();
    this.at += n;
  }
  bytes(max: number): Bytes {
    return this.fixed(this.num(max));
  }
  text(max: number): string {
    const s = toText(this.bytes(max));
    if (s === null) throw new Stop();
    return s;
  }
  list<T>(max: number, one: (r: Reader) => T): T[] {
    const n = this.num(max);
    const out: T[] = [];
    for (let i = 0; i < n; i++) out.push(one(this));
    return out;
  }
  rest(): Bytes {
    return this.fixed(this.left);
  }
}

/** Runs a reader over the whole of `b`; anything short, long or uncanonical is `malformed`. */
export function decode<T>(b: Uint8Array, read: (r: Reader) => T): Result<T, Malformed> {
  const r = new Reader(b);
  try {
    const value = read(r);
    return r.left === 0 ? ok(value) : err('malformed');
  } catch (e) {
    if (e instanceof Stop) return err('malformed');
    throw e;
  }
}
