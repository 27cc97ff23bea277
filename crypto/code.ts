/** Codes that people read out, type and paste (PROTOCOL §18.1): 112 bits and a check of 8, as six groups of four letters. */
import type { Bytes } from './brand';
import { concat } from './bytes';
import { hash } from './hash';

/** Bytes of what a code stands for. */
export const CODE_SECRET = 14;
/** Without the letters that are easily read as a digit or as another (Crockford). */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE = 24;

/** `check`: label of the check, so that a code of one kind is none of another. */
export function codeOf(check: Bytes, secret: Bytes): string {
  const all = concat(secret, hash(check, secret).subarray(0, 1));
  let bits = 0n;
  for (const b of all) bits = (bits << 8n) | BigInt(b);
  const letters = Array.from({ length: CODE }, (_, i) => LETTERS[Number((bits >> BigInt(5 * (CODE - 1 - i))) & 31n)] as string);
  return Array.from({ length: CODE / 4 }, (_, i) => letters.slice(4 * i, 4 * i + 4).join('')).join('-');
}

/** The secret of a code however it was typed: small letters, spaces, and the letters that are taken for digits. Null when it is none. */
export function secretIn(check: Bytes, code: string): Bytes | null {
  const typed = code.normalize('NFKC').toUpperCase().replace(/[\s-]/gu, '').replace(/[IL]/g, '1').replace(/O/g, '0');
  if (typed.length !== CODE) return null;
  let bits = 0n;
  for (const c of typed) {
    const v = LETTERS.indexOf(c);
    if (v < 0) return null;
    bits = (bits << 5n) | BigInt(v);
  }
  const all = new Uint8Array(CODE_SECRET + 1);
  for (let i = CODE_SECRET; i >= 0; i--, bits >>= 8n) all[i] = Number(bits & 255n);
  const secret = all.slice(0, CODE_SECRET);
  return hash(check, secret)[0] === all[CODE_SECRET] ? secret : null;
}
