/** Frames, entries, receipts and envelopes as the document's tables say they are. */
import { Bytes, grammar, leaves, read, rows, section, type Shape, type Value, whole } from './words';

const PIECES = new Map<string, string>([
  ['re', 'num'], ['group', 'b[32]'],
  ...rows(section('6.2')).filter((r) => r.length === 2).map((r) => [r[0], r[1]] as [string, string]),
  ['receipt', rows(section('7')).map((r) => `${r[0]} ${r[1]}`).join(' ‖ ')]
]);
const shape = (cell: string): Shape => grammar(cell, PIECES);

export interface Kind {
  readonly code: number;
  readonly name: string;
  readonly shape: Shape;
}
const kinds = (text: string, code: 0 | 1): Kind[] =>
  rows(text)
    .filter((r) => r.length >= 3 && /^\d+$/.test(r[code] as string))
    .map((r) => ({ code: Number(r[code]), name: r[1 - code] as string, shape: shape(r[2] as string) }));

export const TO_RELAY = kinds(section('12.1'), 0);
export const FROM_RELAY = kinds(section('12.2'), 0);
export const ENTRIES = kinds(section('6.2'), 1);
export const RECEIPT = shape('receipt');
export const INNER_REQUEST = shape('row ‖ display bytes ≤ 8192 ‖ answerKey b[32]');

/** Texts of §15.8: what they hold, and who signs. */
export const TEXTS = new Map(rows(section('15.8')).filter((r) => r.length === 3 && r[1]!.includes('‖')).map((r) => [r[0] as string, { shape: shape(r[1] as string), signer: r[2] as string }]));
export const SECRET = shape(rows(section('15.8')).slice(-8).map((r) => `${r[0]} ${r[1]}`).join(' ‖ '));
const UNSEEN = new RegExp(`[${/none of ((?:U\+[^;]+)); else/s.exec(section('15.8'))![1]!.replace(/U\+([0-9A-F]{4})–([0-9A-F]{4})[,\s]*/g, '\\u$1-\\u$2')}]`);
const LIFE = Number(/until − from ≤ ([\d,]+)/.exec(section('15.8'))![1]!.replace(/,/g, ''));
/** A text of §15.8 but for its signature, or it throws. */
export function signedText(kind: string, bytes: Buffer): { readonly fields: Value; readonly body: Buffer; readonly signature: Buffer; readonly signer: string } {
  const format = TEXTS.get(kind);
  if (format === undefined || bytes.length < 64) throw new Error('none of these');
  const body = bytes.subarray(0, -64);
  const fields = whole(format.shape, body);
  const of = (name: string): Value | undefined => Object.entries(fields as object).find(([k]) => k.split(' ')[1] === name)?.[1] as Value | undefined;
  if (of('version') !== 1) throw new Error('not of this version');
  for (const name of ['organisationName', 'name', 'role']) {
    const line = of(name);
    if (typeof line === 'string' && (line === '' || Buffer.byteLength(line) > 480 || line !== line.replace(/^ | $/g, '') || UNSEEN.test(line))) throw new Error('no line');
  }
  const [from, until] = [of('from') as number, of('until') as number];
  if (kind === 'credential' && !(until > from && until - from <= LIFE)) throw new Error('too long, or over before it begins');
  return { fields, body, signature: bytes.subarray(-64), signer: of(format.signer) as string };
}

/** Pieces of a history, by §15.9: a part, and what a note signs. */
const HISTORY = new Map(rows(section('15.9')).filter((r) => r.length === 2).map((r) => [r[0] as string, r[1] as string]));
export const PART = shape(HISTORY.get('part') as string);
export const NOTE = shape(HISTORY.get('body') as string);

export interface Frame {
  readonly kind: Kind;
  readonly fields: Value;
}
export function frame(among: readonly Kind[], bytes: Buffer): Frame {
  const kind = among.find((k) => k.code === bytes[0]);
  if (kind === undefined) throw new Error('unknown code');
  return { kind, fields: whole(kind.shape, bytes.subarray(1)) };
}

export interface Entry {
  readonly kind: string;
  readonly seq: number;
  readonly prev: string;
  readonly author: string;
  readonly body: Value;
  readonly signed: Buffer;
  readonly signature: Buffer;
}
const BEGINNING = shape('version u8 ‖ suite u8 ‖ kind u8 ‖ seq num ‖ prev b[32] ‖ author b[32]');

const ascends = (keys: readonly string[]): boolean => keys.every((k, i) => i === 0 || (keys[i - 1] as string) < k);
/** The limits and orders that §4 and §6.2 put on what an entry lists. */
function inOrder(v: Value): boolean {
  if (typeof v !== 'object' || v === null) return true;
  if (Array.isArray(v)) return v.length <= 500 && ascends(v.map((x) => String(leaves(x)[0]))) && v.every(inOrder);
  return Object.values(v).every(inOrder);
}

/** An entry (§6.1), or it throws. */
export function entry(bytes: Buffer): Entry {
  const b = new Bytes(bytes);
  const [version, suite, code, seq, prev, author] = Object.values(read(BEGINNING, b) as object) as [number, number, number, number, string, string];
  const kind = ENTRIES.find((k) => k.code === code);
  if (version !== 1 || suite !== 1 || kind === undefined) throw new Error('not of this version');
  const body = read(kind.shape, b);
  const signed = bytes.subarray(0, b.at);
  const signature = b.take(64);
  if (b.at !== bytes.length) throw new Error('goes on after its end');
  if (!inOrder(body)) throw new Error('out of order');
  const parts = Object.entries(body as object);
  for (const [name, v] of parts as [string, Value][]) {
    if (name.endsWith(' display') && String(Object.values(v as object)[0]).length > 2 * 8192) throw new Error('display too long');
    if (name.endsWith(' cuts') && (Object.values(v as object)[0] as unknown[]).length > 9) throw new Error('too many cuts');
  }
  return { kind: kind.name, seq, prev, author, body, signed, signature };
}

export interface Envelope {
  readonly n: number;
  readonly rosterSeq: number;
  readonly epoch: number;
  readonly blobs: readonly string[];
  readonly header: Buffer;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
  readonly signature: Buffer;
}
export function envelope(bytes: Buffer): Envelope {
  const b = new Bytes(bytes);
  const [version, suite] = [b.take(1)[0], b.take(1)[0]];
  if (version !== 1 || suite !== 1) throw new Error('not of this version');
  const [n, rosterSeq, epoch] = [b.num(), b.num(), b.num()];
  const count = b.num();
  if (count > 24 || n === 0) throw new Error('out of bounds');
  const blobs = Array.from({ length: count }, () => b.take(32).toString('hex'));
  const header = bytes.subarray(0, b.at);
  const nonce = b.take(24);
  const sealed = b.rest(64);
  if (sealed.length < 16) throw new Error('cut short');
  return { n, rosterSeq, epoch, blobs, header, nonce, sealed, signature: b.take(64) };
}
