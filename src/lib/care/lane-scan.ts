/**
 * A bounded look at a Yjs V1 update (PROTOCOL §15.3): exactly one client, one item of plain values, one root or left origin, no deletes.
 * It walks the bytes once without recursion, so a hostile update costs no more than its length.
 */
import { err, ok, type Result } from '$crypto/result';
import { decode, type Reader } from '$crypto/wire';

export interface ScannedUpdate {
  readonly client: number;
  readonly clock: number;
  /** Name of the root array, when the item starts one. */
  readonly root: string | null;
  /** The item it follows, otherwise. */
  readonly origin: { readonly client: number; readonly clock: number } | null;
  readonly count: number;
}
export type ScanFault = 'malformed' | 'deletes' | 'too-deep' | 'too-many';

export const DEPTH_MOST = 16;
const VALUES_MOST = 20_000;
const CONTENT_ANY = 8;
const HAS_ORIGIN = 0x80;

class TooDeep extends Error {}
class TooMany extends Error {}
class Deletes extends Error {}

export function scanUpdate(update: Uint8Array): Result<ScannedUpdate, ScanFault> {
  try {
    const read = decode(update, scan);
    return read.ok ? ok(read.value) : err('malformed');
  } catch (e) {
    if (e instanceof TooDeep) return err('too-deep');
    if (e instanceof TooMany) return err('too-many');
    if (e instanceof Deletes) return err('deletes');
    throw e;
  }
}

function scan(r: Reader): ScannedUpdate {
  if (r.num() !== 1 || r.num() !== 1) r.fail();
  const client = r.num();
  const clock = r.num(0x7fffffff);
  const info = r.u8();
  let root: string | null = null;
  let origin: ScannedUpdate['origin'] = null;
  if (info === (CONTENT_ANY | HAS_ORIGIN)) origin = { client: r.num(), clock: r.num(0x7fffffff) };
  else if (info === CONTENT_ANY) {
    if (r.num() !== 1) r.fail();
    root = r.text(32);
  } else r.fail();
  const count = r.num(VALUES_MOST);
  if (count === 0) r.fail();
  values(r, count);
  if (r.num() !== 0) throw new Deletes();
  return { client, clock, root, origin, count };
}

/** Walks `count` values of lib0's “any” encoding with a stack of open containers instead of recursion. */
function values(r: Reader, count: number): void {
  const open: { left: number; keyed: boolean }[] = [{ left: count, keyed: false }];
  let total = 0;
  for (let top = open[0]; top !== undefined; top = open[open.length - 1]) {
    if (top.left === 0) {
      open.pop();
      continue;
    }
    top.left--;
    if (++total > VALUES_MOST) throw new TooMany();
    // a key that JavaScript reads as the object's prototype would show fields that nobody can store
    if (top.keyed && r.text(64) === '__proto__') r.fail();
    switch (r.u8()) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        break;
      case 125: // whole number: sign and 6 bits, then 7 bits each
        whole(r);
        break;
      case 124:
        r.fixed(4);
        break;
      case 123:
        r.fixed(8);
        break;
      case 119:
        r.text(r.left);
        break;
      case 118:
        open.push({ left: r.num(VALUES_MOST), keyed: true });
        break;
      case 117:
        open.push({ left: r.num(VALUES_MOST), keyed: false });
        break;
      default: // big integers and byte arrays are no plain JSON
        r.fail();
    }
    if (open.length > DEPTH_MOST) throw new TooDeep();
  }
}

/** At most 2^53−1: Yjs stops with an exception at a larger one, and would read it as another number. */
function whole(r: Reader): void {
  let b = r.u8();
  let value = b & 0x3f;
  for (let scale = 64; b >= 0x80; scale *= 128) {
    b = r.u8();
    value += (b & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 48) r.fail();
  }
}
