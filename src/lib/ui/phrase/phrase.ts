/** A recovery phrase as people type it: any spacing, case, accents, line breaks and numbering are forgiven; nothing else is. */
import { WORDS } from '$lib/vault/words';

/** Words in a phrase, numbered from 1 on paper. */
export const PHRASE_WORDS = 13;
/** Words asked back after writing them down. */
const ASKED = 3;

const KNOWN: ReadonlySet<string> = new Set(WORDS);
/** Letters with the marks that may follow them; digits and signs only separate. */
const RUN = /[\p{L}\p{M}]+/gu;

export interface TypedWord {
  /** Lower case, without accents. */
  readonly word: string;
  /** Where it stands in the text, for putting another in its place. */
  readonly from: number;
  readonly to: number;
  /** It is one of the 1024. */
  readonly known: boolean;
}

const fold = (typed: string): string => typed.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** The words of a text, in their order. */
export function readPhrase(text: string): readonly TypedWord[] {
  return [...text.matchAll(RUN)].map((run) => {
    const word = fold(run[0]);
    return { word, from: run.index, to: run.index + run[0].length, known: KNOWN.has(word) };
  });
}

/** The same as bare words, for the core. */
export const phraseWords = (text: string): readonly string[] => readPhrase(text).map(({ word }) => word);

/** Whether what was typed is this one word. */
export function isWord(typed: string, word: string): boolean {
  const read = readPhrase(typed);
  return read.length === 1 && read[0]?.word === word;
}

/** The one listed word that was probably meant; null when several are as near, or none is. */
export function nearestWord(typed: string): string | null {
  let best = typed.length < 5 ? 2 : 3;
  let found: string | null = null;
  for (const word of WORDS) {
    if (Math.abs(word.length - typed.length) >= best + 1) continue;
    const far = distance(typed, word);
    if (far < best) [best, found] = [far, word];
    else if (far === best) found = null;
  }
  return found;
}

/** How many letters to add, drop, change or swap with a neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      (rows[i] as number[]).push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swapped));
    }
  }
  return at(a.length, b.length);
}

/** Three different places of a phrase, from 0, ascending; `fill` writes random numbers into what it is given. */
export function askWhich(fill: (into: Uint32Array<ArrayBuffer>) => void = (into) => void crypto.getRandomValues(into)): readonly number[] {
  const drawn = new Uint32Array(ASKED);
  fill(drawn);
  const left = Array.from({ length: PHRASE_WORDS }, (_, at) => at);
  // a remainder of 32 bits leans by less than one in a hundred million: nothing here is secret
  return [...drawn].flatMap((number) => left.splice(number % left.length, 1)).sort((a, b) => a - b);
}

/** How long “Later” holds: whoever leaves the app open for weeks is reminded again as well. */
const LATER_MS = 86_400_000;

/** Whether making a phrase, put off at that time, is not to be spoken of yet. A clock that was set back counts for nothing. */
export const isPutOff = (at: number | null, now: number): boolean => at !== null && now >= at && now - at < LATER_MS;
