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

/** A `page` frame around them; the same bytes as `encodeFromRelay` makes. */
export function encodePage(f: { readonly re: number; readonly group: GroupId; readonly more: boolean; readonly prevs: readonly Prev[]; readonly items: Packed }): Bytes {
  const w = new Writer(f.items.bytes.length + 64 + 40 * f.prevs.length).u8(FROM_CODES.page).num(f.re).fixed(f.group).bool(f.more).list(f.prevs, (p, x) => x.num(p.device).fixed(p.prev));
  return w.num(f.items.count).fixed(f.items.bytes).last();
}

/** One packed item: where it lies, and what stands before its envelope. */
export interface PlacedItem { readonly device: number; readonly n: number; readonly seq: number; readonly time: number; readonly start: number; readonly envelope: number; readonly end: number }

/** The items one after the other, without copying any; stops when `f` says false. Trusts the bytes: they are our own. */
export function walkPacked(bytes: Uint8Array, f: (i: PlacedItem) => boolean): void {
  let at = 0;
  const num = (): number => {
    let v = 0;
    let scale = 1;
    for (;;) {
      const b = bytes[at++] as number;
      v += (b & 0x7f) * scale;
      if (b < 0x80) return v;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const [device, n, seq, time, size] = [num(), num(), num(), num(), num()];
    const envelope = at;
    at += size;
    if (!f({ device, n, seq, time, start, envelope, end: at })) return;
  }
}
