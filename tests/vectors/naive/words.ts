/**
 * A second decoder, written from `crypto/PROTOCOL.md` and from nothing else: its byte formats are read out of the document's own tables
 * while it runs, so a table that says too little, or says something else than the bytes, fails. It is slow and simple on purpose, and
 * imports nothing of `crypto/`.
 */
import { readFileSync } from 'node:fs';

export const DOCUMENT = readFileSync(new URL('../../../crypto/PROTOCOL.md', import.meta.url), 'utf8');

/** The text between a heading that begins so and the next heading. */
export function section(heading: string): string {
  const lines = DOCUMENT.split('\n');
  const from = lines.findIndex((l) => /^#+ /.test(l) && l.replace(/^#+ /, '').startsWith(`${heading} `));
  if (from < 0) throw new Error(`the document has no section ${heading}`);
  const to = lines.findIndex((l, i) => i > from && /^#+ /.test(l));
  return lines.slice(from + 1, to < 0 ? undefined : to).join('\n');
}

/** The rows of all tables of a text, cell by cell, without heads and rules. */
export function rows(text: string): string[][] {
  const lines = text.split('\n');
  return lines.flatMap((l, i) => {
    if (!l.startsWith('|') || /^\|[-| ]+\|$/.test(l) || /^\|[-| ]+\|$/.test(lines[i + 1] ?? '')) return [];
    return [l.slice(1, l.lastIndexOf('|')).split('|').map((c) => c.trim().replace(/`/g, ''))];
  });
}

/** The words of a recovery phrase, by their places. */
export const wordsOfThePhrase = (): string[] => section('Appendix C:').split('\n').filter((l) => l.startsWith('    ')).join(' ').trim().split(/ +/);

export type Shape =
  | { readonly is: 'u8' | 'num' | 'bool' | 'bytes' | 'text'; readonly of?: undefined }
  | { readonly is: 'fixed'; readonly size: number }
  | { readonly is: 'word'; readonly words: ReadonlyMap<number, string> }
  | { readonly is: 'list' | 'opt'; readonly of: Shape }
  | { readonly is: 'all'; readonly fields: readonly (readonly [string, Shape])[] };
export type Value = string | number | boolean | null | Value[] | { readonly [name: string]: Value };
export type Pieces = ReadonlyMap<string, string>;

/** Cuts at a separator that stands outside all brackets. */
function cut(text: string, at: string): string[] {
  const out = [''];
  let depth = 0;
  for (const c of text) {
    depth += '(['.includes(c) ? 1 : ')]'.includes(c) ? -1 : 0;
    if (depth === 0 && c === at) out.push('');
    else out[out.length - 1] += c;
  }
  return out.map((s) => s.trim());
}

/** What one cell of the document says, in the notation of §2; names of pieces are looked up. */
export function grammar(cell: string, pieces: Pieces): Shape {
  const fields = cut(cell, '‖').map((f): readonly [string, Shape] => {
    // what follows a comma, a semicolon or a limit is prose; what stands before a colon is a name for several fields
    const said = (cut(cut(cut(f, ';')[0] as string, ',')[0] as string, '≤')[0] as string).replace(/^[^([]*: /, '').trim();
    const nested = /^(.*?)\b(list|opt)\((.*)\)$/.exec(said);
    if (nested !== null) return [(nested[1] as string).trim() || (nested[2] as string), { is: nested[2] as 'list', of: grammar(nested[3] as string, pieces) }];
    const m = /^(.*?)\s*\b(u8|num|bool|bytes|text|b\[(\d+)\])\s*(\(.*\))?$/.exec(said);
    if (m !== null) {
      const [, name, type, size, words] = m as unknown as [string, string, string, string | undefined, string | undefined];
      if (size !== undefined) return [name, { is: 'fixed', size: Number(size) }];
      if (words !== undefined && /^\(§[\d.]+\)$/.test(words)) return [name, { is: 'word', words: new Map(rows(section(words.slice(2, -1))).map((r) => [Number(r[0]), r[1] as string])) }];
      if (type === 'u8' && words !== undefined) return [name, { is: 'word', words: new Map(words.slice(1, -1).split(',').map((w) => [Number(w.trim().split(' ')[0]), w.trim().split(' ').slice(1).join(' ')])) }];
      return [name, { is: type as 'num' }];
    }
    const piece = pieces.get(said.replace(/ \(.*\)$/, ''));
    if (piece === undefined) throw new Error(`the document does not say what “${f}” is`);
    return [said, grammar(piece, pieces)];
  });
  return { is: 'all', fields };
}

/** Bytes that are read from the front; anything out of order throws. */
export class Bytes {
  at = 0;
  constructor(readonly all: Buffer) {}
  take(n: number): Buffer {
    if (n > this.all.length - this.at) throw new Error('cut short');
    this.at += n;
    return this.all.subarray(this.at - n, this.at);
  }
  rest(less: number): Buffer {
    return this.take(Math.max(0, this.all.length - this.at - less));
  }
  num(): number {
    let value = 0n;
    for (let i = 0n; ; i++) {
      const byte = this.take(1)[0] as number;
      value += BigInt(byte & 127) << (7n * i);
      if (byte < 128) {
        if (i > 7n || (byte === 0 && i > 0n) || value > 2n ** 53n - 1n) throw new Error('no number');
        return Number(value);
      }
    }
  }
  text(): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(this.num()));
  }
}

export function read(s: Shape, b: Bytes): Value {
  switch (s.is) {
    case 'u8': return b.take(1)[0] as number;
    case 'num': return b.num();
    case 'bool': case 'opt': {
      const flag = b.take(1)[0] as number;
      if (flag > 1) throw new Error('neither 00 nor 01');
      return s.of === undefined ? flag === 1 : flag === 1 ? read(s.of, b) : null;
    }
    case 'bytes': return b.take(b.num()).toString('hex');
    case 'text': return b.text();
    case 'fixed': return b.take(s.size).toString('hex');
    case 'word': {
      const word = s.words.get(b.take(1)[0] as number);
      if (word === undefined) throw new Error('no such word');
      return word;
    }
    case 'list': return Array.from({ length: bounded(b.num(), b) }, () => read(s.of, b));
    case 'all': return Object.fromEntries(s.fields.map(([name, f], i) => [`${i} ${name}`, read(f, b)]));
  }
}
const bounded = (n: number, b: Bytes): number => {
  if (n > b.all.length) throw new Error('cut short');
  return n;
};

/** All of the bytes, or it throws. */
export function whole(s: Shape, bytes: Buffer): Value {
  const b = new Bytes(bytes);
  const v = read(s, b);
  if (b.at !== bytes.length) throw new Error('goes on after its end');
  return v;
}

export function number(n: number): Buffer {
  const out: number[] = [];
  let rest = BigInt(n);
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(out);
}

export function write(s: Shape, v: Value): Buffer {
  const long = (b: Buffer): Buffer => Buffer.concat([number(b.length), b]);
  switch (s.is) {
    case 'u8': return Buffer.from([v as number]);
    case 'num': return number(v as number);
    case 'bool': return Buffer.from([v === true ? 1 : 0]);
    case 'opt': return v === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), write(s.of, v)]);
    case 'bytes': return long(Buffer.from(v as string, 'hex'));
    case 'text': return long(Buffer.from(v as string, 'utf8'));
    case 'fixed': return Buffer.from(v as string, 'hex');
    case 'word': return Buffer.from([[...s.words].find(([, w]) => w === v)?.[0] as number]);
    case 'list': return Buffer.concat([number((v as Value[]).length), ...(v as Value[]).map((x) => write(s.of, x))]);
    case 'all': return Buffer.concat(s.fields.map(([name, f], i) => write(f, (v as Record<string, Value>)[`${i} ${name}`] as Value)));
  }
}

/** Every value that stands in it, in the order of the bytes, without names. */
export const leaves = (v: Value): (string | number | boolean | null)[] => (typeof v !== 'object' || v === null ? [v] : Array.isArray(v) ? v.flatMap(leaves) : Object.values(v).flatMap(leaves));
/** One field by its name in the document. */
export const field = (v: Value, name: string): Value => {
  const found = Object.entries(v as Record<string, Value>).find(([k]) => k.replace(/^\d+ /, '') === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found[1];
};
