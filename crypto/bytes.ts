/** Small, total functions on byte arrays. */
import type { Bytes, Hex } from './brand';

const DIGITS = Array.from('0123456789abcdef', (c) => c.charCodeAt(0));
const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const EMPTY: Bytes = new Uint8Array(0);

export const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, p) => sum + p.length, 0);

/** Puts parts one after the other into `out`, from `at` on. */
export function putInto(out: Uint8Array, at: number, parts: readonly Uint8Array[]): void {
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(sizeOf(parts));
  putInto(out, 0, parts);
  return out;
}

/** Equality of public bytes; not constant in time. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Order of byte strings as numbers written big end first; shorter first when one begins with the other. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

export function hex<T extends Bytes>(b: T): Hex<T> {
  const codes = new Array<number>(2 * b.length);
  for (let i = 0; i < b.length; i++) {
    codes[2 * i] = DIGITS[(b[i] as number) >> 4] as number;
    codes[2 * i + 1] = DIGITS[(b[i] as number) & 15] as number;
  }
  return textOf(codes) as Hex<T>;
}

/** One flat string: pieces put together one by one stay a tree of them, thirty times as large, for as long as the text is kept. */
function textOf(codes: number[]): string {
  if (codes.length <= MOST) return String.fromCharCode(...codes);
  let s = '';
  for (let at = 0; at < codes.length; at += MOST) s += String.fromCharCode(...codes.slice(at, at + MOST));
  return s;
}
/** Arguments that a call may safely have. */
const MOST = 4096;

/** Bytes of lower-case hex; null when it is anything else. */
export function unhex(s: string): Bytes | null {
  if (s.length % 2 !== 0 || !/^[0-9a-f]*$/.test(s)) return null;
  const out = new Uint8Array(s.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(s.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export const fromText = (s: string): Bytes => utf8.encode(s);

/** Text of well-formed UTF-8; null when it is anything else. */
export function toText(b: Uint8Array): string | null {
  try {
    return strict.decode(b);
  } catch {
    return null;
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const B64 = Array.from(LETTERS, (c) => c.charCodeAt(0));

/** URL-safe base64 without padding. */
export function base64url(b: Uint8Array): string {
  const codes: number[] = [];
  for (let i = 0; i < b.length; i += 3) {
    const left = b.length - i;
    const v = ((b[i] as number) << 16) | ((left > 1 ? (b[i + 1] as number) : 0) << 8) | (left > 2 ? (b[i + 2] as number) : 0);
    codes.push(B64[v >> 18] as number, B64[(v >> 12) & 63] as number);
    if (left > 1) codes.push(B64[(v >> 6) & 63] as number);
    if (left > 2) codes.push(B64[v & 63] as number);
  }
  return textOf(codes);
}

/** Bytes of canonical URL-safe base64 without padding; null when it is anything else. */
export function unbase64url(s: string): Bytes | null {
  if (s.length % 4 === 1) return null;
  const out = new Uint8Array(Math.floor((s.length * 3) / 4));
  let at = 0;
  let bits = 0;
  let have = 0;
  for (const c of s) {
    const v = LETTERS.indexOf(c);
    if (v < 0) return null;
    bits = ((bits << 6) | v) & 0xffff;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out[at++] = (bits >> have) & 255;
    }
  }
  return (bits & ((1 << have) - 1)) === 0 ? out : null;
}
