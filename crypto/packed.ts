/**
 * Envelopes as the items of a `page` frame (PROTOCOL §12.2), one after the other as they travel: what a relay stores, hands on and sends
 * without taking it apart again.
 */
import type { Bytes, GroupId } from './brand';
import { FROM_CODES, type Prev, readStored, type StoredEnvelope, writeStored } from './frames';
import { decode, type Reader, Writer } from './wire';

export interface Packed { readonly count: number; readonly bytes: Bytes }

export function packStored(items: readonly StoredEnvelope[]): Packed {
  const w = new Writer();
  for (const i of items) writeStored(i, w);
  return { count: items.length, bytes: w.done() };
}

/** Throws when the bytes are not what `packStored` makes. */
export function unpackStored(p: Packed): StoredEnvelope[] {
  const read = decode(p.bytes, (r: Reader) => Array.from({ length: p.count }, () => readStored(r)));
  if (!read.ok) throw new Error('packed envelopes cannot be read');
  return read.value;
}

export interface Page { readonly re: number; readonly group: GroupId; readonly more: boolean; readonly prevs: readonly Prev[]; readonly items: Packed }

/** A `page` frame around them; the same bytes as `encodeFromRelay` makes. */
export const encodePage = (f: Page): Bytes => pageHead(f, f.items.bytes.length).fixed(f.items.bytes).last();
/** What of it stands before the bytes of its items. */
export const encodePageHead = (f: Page): Bytes => pageHead(f, 0).last();

function pageHead(f: Page, room: number): Writer {
  const w = new Writer(room + 64 + 40 * f.prevs.length).u8(FROM_CODES.page).num(f.re).fixed(f.group).bool(f.more).list(f.prevs, (p, x) => x.num(p.device).fixed(p.prev));
  return w.num(f.items.count);
}

/**
 * Goes over packed items one after the other without copying any: where an item lies, and what stands before its envelope, until the next. Trusts
 * the bytes: they are our own.
 */
export class PackedItem {
  device = 0;
  n = 0;
  seq = 0;
  time = 0;
  start = 0;
  envelope = 0;
  end = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Goes to the next; false when there is none. */
  next(): boolean {
    if (this.end >= this.bytes.length) return false;
    this.start = this.envelope = this.end;
    this.device = this.num();
    this.n = this.num();
    this.seq = this.num();
    this.time = this.num();
    const size = this.num();
    this.end = this.envelope + size;
    return true;
  }
  private num(): number {
    const { bytes } = this;
    let v = 0;
    let scale = 1;
    for (let at = this.envelope; ; at++) {
      const b = bytes[at] as number;
      v += (b & 0x7f) * scale;
      if (b < 0x80) {
        this.envelope = at + 1;
        return v;
      }
      scale *= 128;
    }
  }
}
