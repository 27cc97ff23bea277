/**
 * How hard a passphrase is to guess, in bits: the cheapest way to put it together from common words, runs, years, repeats and
 * single characters. A guess, on the low side; it only turns away what a thief would try first. Pure, without imports but its list.
 */
import { COMMON } from './common';

/** Fewer bits than this, and Argon2id only delays a thief. */
export const WEAK_BELOW = 35;

export const isWeak = (passphrase: string): boolean => strengthBits(passphrase) < WEAK_BELOW;

const FOLD: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i' };
const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'azertyuiop'];
/** A word nobody listed is still a word: one of some six thousand. */
const WORD = 12.5;
const LONGEST_WORD = 9;
/** Characters looked at: more do not matter any more. */
const ENOUGH = 100;

export function strengthBits(passphrase: string): number {
  const plain = passphrase.normalize('NFKC').trim();
  const text = [...plain.toLowerCase()].slice(0, ENOUGH);
  const folded = text.map((c) => FOLD[c] ?? c);
  /** Cheapest way to the first so many characters. */
  const bits = [0];
  for (let end = 1; end <= text.length; end++) {
    let best = (bits[end - 1] as number) + single(text, end - 1);
    for (let from = Math.max(0, end - 32); from < end - 1; from++) {
      best = Math.min(best, (bits[from] as number) + piece(text, folded, from, end));
    }
    bits.push(best);
  }
  return (bits[text.length] as number) + capitals(plain);
}

/** One character: letters inside a word say less than its first one, a space hardly anything. */
function single(text: readonly string[], at: number): number {
  const c = text[at] as string;
  if (c === text[at - 1]) return 1;
  if (/\s/u.test(c)) return 0.5;
  if (/\p{L}/u.test(c)) return /\p{L}/u.test(text[at - 1] ?? '') ? 2.8 : 4.2;
  return /\p{N}/u.test(c) ? 3.3 : 4;
}

/** Several characters as one piece; endless when they are none. */
function piece(text: readonly string[], folded: readonly string[], from: number, end: number): number {
  const as = text.slice(from, end).join('');
  const size = end - from;
  let best = Infinity;
  const rank = Math.min(COMMON.get(as) ?? Infinity, 1 + (COMMON.get(folded.slice(from, end).join('')) ?? Infinity));
  if (rank < Infinity) best = rank;
  if (size === 4 && /^(19|20)\d\d$/.test(as)) best = Math.min(best, 7);
  if (size >= 3 && isRun(as)) best = Math.min(best, 3 + Math.log2(size));
  if (size >= 3 && text.slice(0, from).join('').includes(as)) best = Math.min(best, 3 + Math.log2(size));
  if (size <= LONGEST_WORD && size >= 3 && isWholeWord(text, from, end)) best = Math.min(best, WORD);
  return best;
}

/** “aaa”, “456”, “cba”, “werty”. */
function isRun(s: string): boolean {
  const step = s.charCodeAt(1) - s.charCodeAt(0);
  if (Math.abs(step) <= 1 && [...s].every((_, i) => i === 0 || s.charCodeAt(i) - s.charCodeAt(i - 1) === step)) return true;
  const back = [...s].reverse().join('');
  return s.length >= 4 && ROWS.some((row) => row.includes(s) || row.includes(back));
}

function isWholeWord(text: readonly string[], from: number, end: number): boolean {
  const letter = (at: number): boolean => /\p{L}/u.test(text[at] ?? '');
  for (let at = from; at < end; at++) if (!letter(at)) return false;
  return !letter(from - 1) && !letter(end);
}

/** One at the start is no surprise; others are a little. */
function capitals(plain: string): number {
  const many = [...plain].filter((c) => /\p{Lu}/u.test(c)).length;
  return many === 0 ? 0 : many === 1 ? 1 : Math.min(2 + many, 10);
}
