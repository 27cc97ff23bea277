/** Values that tell their own type (§2), the check of a lane's update (§15.3) and what a record is (§15.4 to §15.9), word for word. */
import { Bytes, number, rows, section } from './words';

const TYPES = new Map(rows(section('2')).filter((r) => /^\d+$/.test(r[0] as string)).map((r) => [Number(r[0]), r[1] as string]));
const codeOf = (type: string): number => [...TYPES].find(([, t]) => t === type)?.[0] as number;
export type Any = undefined | null | boolean | number | string | Buffer | readonly Any[] | { readonly [k: string]: Any };

/** What a lane allows: how many values, how deep, how long a key. */
class Bounds {
  values = 0;
  constructor(readonly most: number, readonly depth: number, readonly key: number) {}
}
export class Void extends Error {}

function wholeNumber(b: Bytes): number {
  let byte = b.take(1)[0] as number;
  const sign = (byte & 0x40) === 0 ? 1 : -1;
  let value = BigInt(byte & 0x3f);
  for (let i = 0n; byte >= 0x80; i++) {
    if (i > 6n) throw new Void('malformed');
    byte = b.take(1)[0] as number;
    value += BigInt(byte & 0x7f) << (6n + 7n * i);
  }
  if (value > 2n ** 53n - 1n) throw new Void('malformed');
  return sign * Number(value);
}

/** One value; of a lane, within its bounds. */
export function any(b: Bytes, lane: Bounds | null = null, depth = 0): Any {
  const count = (): number => {
    const n = b.num();
    if (lane !== null && n > lane.most) throw new Void('malformed');
    if (lane !== null && depth + 1 > lane.depth) throw new Void('too-deep');
    return n;
  };
  if (lane !== null && ++lane.values > lane.most) throw new Void('too-many');
  const type = TYPES.get(b.take(1)[0] as number);
  switch (type) {
    case 'undefined': return undefined;
    case 'null': return null;
    case 'true': return true;
    case 'false': return false;
    case 'whole': return wholeNumber(b);
    case 'single': return b.take(4).readFloatBE(0);
    case 'double': return b.take(8).readDoubleBE(0);
    case 'text': return b.text();
    case 'list': {
      const out: Any[] = [];
      for (let left = count(); left > 0; left--) out.push(any(b, lane, depth + 1));
      return out;
    }
    case 'object': {
      const out: Record<string, Any> = {};
      for (let left = count(); left > 0; left--) {
        const key = b.text();
        if (lane !== null && (Buffer.byteLength(key) > lane.key || key === '__proto__')) throw new Void('malformed');
        out[key] = any(b, lane, depth + 1);
      }
      return out;
    }
    case 'bytes':
      if (lane === null) return b.take(b.num());
      throw new Void('malformed');
    default: throw new Void('malformed');
  }
}

/** As a writer writes it. */
export function anyBytes(v: Any): Buffer {
  const of = (type: string, ...rest: Buffer[]): Buffer => Buffer.concat([Buffer.from([codeOf(type)]), ...rest]);
  const text = (s: string): Buffer => Buffer.concat([number(Buffer.byteLength(s)), Buffer.from(s)]);
  if (v === undefined) return of('undefined');
  if (v === null) return of('null');
  if (typeof v === 'boolean') return of(String(v));
  if (typeof v === 'string') return of('text', text(v));
  if (Buffer.isBuffer(v)) return of('bytes', number(v.length), v);
  if (Array.isArray(v)) return of('list', number(v.length), ...v.map(anyBytes));
  if (typeof v === 'object') return of('object', number(Object.keys(v).length), ...Object.entries(v).flatMap(([k, x]) => [text(k), anyBytes(x as Any)]));
  if (Number.isInteger(v) && Math.abs(v) < 2 ** 31) {
    const out: number[] = [];
    let rest = Math.abs(v);
    const sign = v < 0 || Object.is(v, -0) ? 0x40 : 0;
    out.push((rest % 64) + sign + (rest > 63 ? 0x80 : 0));
    for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) out.push((rest % 128) + (rest > 127 ? 0x80 : 0));
    return of('whole', Buffer.from(out));
  }
  const isSingle = Object.is(Math.fround(v), v);
  const bytes = Buffer.alloc(isSingle ? 4 : 8);
  if (isSingle) bytes.writeFloatBE(v);
  else bytes.writeDoubleBE(v);
  return of(isSingle ? 'single' : 'double', bytes);
}

export interface Update { readonly client: number; readonly clock: number; readonly records: readonly Any[] }
/** An update by a device, whose client id has written `at` values in its epoch so far; throws `Void` with the first reason. */
export function update(bytes: Buffer, device: number, at: number | null): Update {
  const b = new Bytes(bytes);
  const must = (is: boolean, why = 'malformed'): void => {
    if (!is) throw new Void(why);
  };
  let client: number, clock: number, root: string | null = null, origin: [number, number] | null = null;
  const records: Any[] = [];
  try {
    must(b.num() === 1 && b.num() === 1);
    [client, clock] = [b.num(), b.num()];
    const info = b.take(1)[0];
    if (info === 0x08) {
      must(b.num() === 1);
      root = b.text();
    } else if (info === 0x88) origin = [b.num(), b.num()];
    else must(false);
    must(clock < 2 ** 31 && (origin?.[1] ?? 0) < 2 ** 31 && Buffer.byteLength(root ?? '') <= 32);
    const count = b.num();
    must(count > 0 && count <= 20_000);
    const lane = new Bounds(20_000, 15, 64);
    for (let i = 0; i < count; i++) records.push(any(b, lane));
    must(b.num() === 0, 'deletes');
    must(b.at === bytes.length);
  } catch (e) {
    throw e instanceof Void ? e : new Void('malformed');
  }
  must(Math.floor(client / 2 ** 32) === device, 'foreign-client');
  must(clock === (at ?? 0), 'gap');
  must(clock === 0 ? root === String(client) : origin !== null && origin[0] === client && origin[1] === clock - 1, 'wrong-root');
  must(records.length <= 512, 'too-many');
  return { client, clock, records };
}

export function updateBytes(u: Update): Buffer {
  const name = Buffer.from(String(u.client));
  const place = u.clock === 0 ? [Buffer.from([0x08]), number(1), number(name.length), name] : [Buffer.from([0x88]), number(u.client), number(u.clock - 1)];
  return Buffer.concat([number(1), number(1), number(u.client), number(u.clock), ...place, number(u.records.length), ...u.records.map(anyBytes), number(0)]);
}

type Is = (v: Any) => boolean;
const whole = (from: number, to = Number.MAX_SAFE_INTEGER): Is => (v) => Number.isSafeInteger(v) && (v as number) >= from && (v as number) <= to;
const letters = (most: number): Is => (v) => typeof v === 'string' && v.length <= most;
const base64 = (most: number): Is => (v) => letters(most)(v) && Buffer.from(v as string, 'base64url').toString('base64url') === v;
const b64 = (size: number): Is => (v) => base64(Infinity)(v) && Buffer.from(v as string, 'base64url').length === size;
const list = (of: Is, from: number, to: number): Is => (v) => Array.isArray(v) && v.length >= from && v.length <= to && v.every(of);
const fields = (needs: Readonly<Record<string, Is>>, may: Readonly<Record<string, Is>> = {}): Is => (v) => {
  if (typeof v !== 'object' || v === null || Array.isArray(v) || Buffer.isBuffer(v)) return false;
  const of = v as Readonly<Record<string, Any>>;
  return Object.keys(needs).every((k) => k in of) && Object.entries(of).every(([k, x]) => (needs[k] ?? may[k])?.(x) === true);
};
const blob = fields({ b: b64(32), k: b64(32), h: b64(32), s: whole(0) });
const photo = fields({ full: blob, thumb: blob, w: whole(1, 16_384), h: whole(1, 16_384), t: (v) => v === 'image/jpeg' || v === 'image/webp' });
const postId: Is = (v) => typeof v === 'string' && b64(16)(v.split('.')[0]) && /^[0-9a-f]{32}$/.test(v.split('.').slice(1).join('.'));

/** Beside i, t and a, by type. */
const RECORDS: Readonly<Record<string, readonly [needs: Readonly<Record<string, Is>>, may?: Readonly<Record<string, Is>>]>> = {
  post: [{ x: letters(20_000) }, { p: list(photo, 0, 10), r: postId }],
  edit: [{ o: b64(16), x: letters(20_000) }],
  'sealed-edit': [{ o: b64(16), s: base64(60_000) }],
  retract: [{ o: b64(16) }],
  seen: [{ m: list((v) => list(whole(1), 3, 3)(v), 1, 500) }],
  'seen-edits': [{ e: list((v) => Array.isArray(v) && v.length === 2 && postId(v[0] as Any) && b64(16)(v[1] as Any), 1, 200) }],
  device: [{ s: base64(900) }],
  person: [{ k: b64(32), s: b64(64) }],
  share: [{ s: base64(12_000) }],
  credentials: [{ c: list(base64(2_400), 0, 4) }],
  carried: [{ b: list(b64(32), 0, 24) }, { s: base64(45_000) }]
};
export const RECORD_TYPES = Object.keys(RECORDS);
/** Whether a value in a lane is a record; anything else is passed over. */
export function isRecord(v: Any): boolean {
  const t = (v as { readonly t?: Any } | null)?.t;
  const [needs, may] = typeof t === 'string' && Object.hasOwn(RECORDS, t) ? (RECORDS[t] as (typeof RECORDS)[string]) : [null];
  return needs !== null && fields({ i: b64(16), t: () => true, a: whole(0), ...needs }, may)(v);
}

/** An id: the first 9 of 16 drawn bytes, the device in 3 and the epoch in 4. */
export function recordId(random: Buffer, device: number, epoch: number): string {
  const end = Buffer.alloc(7);
  end.writeUIntBE(device, 0, 3);
  end.writeUInt32BE(epoch, 3);
  return Buffer.concat([random.subarray(0, 9), end]).toString('base64url');
}
/** Whether a record may be said by a device in an epoch. */
export function isSaid(v: Any, device: number, epoch: number): boolean {
  const r = v as { readonly i: string; readonly o?: string; readonly r?: string; readonly e?: readonly (readonly [string, string])[] };
  const bytes = (i: string): Buffer => Buffer.from(i.slice(0, 22), 'base64url');
  const named = [r.o, r.r, ...(r.e ?? []).flat()].filter((i) => i !== undefined);
  return bytes(r.i).readUIntBE(9, 3) === device && bytes(r.i).readUInt32BE(12) === epoch && named.every((i) => bytes(i).readUInt32BE(12) <= epoch);
}
