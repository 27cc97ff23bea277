/** Proposing a passphrase, and a plain guess at how hard one is to guess. */
import { WORDS } from './words';

/** Six words of 1024 are 60 bits: with Argon2id behind them, out of reach. */
const HOW_MANY = 6;
/** Fewer characters than this are never accepted. */
export const SHORTEST = 10;

export type Strength = 'none' | 'short' | 'weak' | 'fair' | 'strong';

/** Words drawn without bias, joined by spaces; `fill` writes random numbers into what it is given. */
export function suggestPassphrase(fill: (into: Uint16Array<ArrayBuffer>) => void = (into) => void crypto.getRandomValues(into)): string {
  const drawn = new Uint16Array(HOW_MANY);
  fill(drawn);
  // 65536 is a multiple of 1024: the remainder is even
  return [...drawn].map((number) => WORDS[number % WORDS.length]).join(' ');
}

/** How hard a passphrase is to guess, by length and variety; what is on everybody's list counts as weak. */
export function strengthOf(passphrase: string): Strength {
  const text = passphrase.normalize('NFC').trim();
  if (text === '') return 'none';
  if ([...text].length < SHORTEST) return 'short';
  if (obvious(text)) return 'weak';
  const bits = guessBits(text);
  return bits < 40 ? 'weak' : bits < 55 ? 'fair' : 'strong';
}

const COMMON = /^(password|passphrase|passwort|contraseña|qwerty|letmein|iloveyou|welcome|carefold|hospital|abc123|asdf|12345)/i;

function obvious(text: string): boolean {
  const bare = text.replace(/[^\p{L}\p{N}]/gu, '');
  return new Set(bare.toLowerCase()).size < 5 || (COMMON.test(bare) && bare.length < 18) || runs(bare) > bare.length / 2;
}

/** How many characters only continue or repeat the one before (“aaaa”, “3456”). */
function runs(text: string): number {
  let count = 0;
  for (let at = 1; at < text.length; at++) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
    if (step === 0 || step === 1 || step === -1) count++;
  }
  return count;
}

/** Several words count by word, everything else by character; the lower guess is believed. */
function guessBits(text: string): number {
  const words = text.split(/[\s\-_.]+/).filter(Boolean);
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(text)).length;
  const byCharacter = [...text].length * (2.6 + 0.5 * (kinds - 1));
  return words.length >= 3 ? Math.min(byCharacter, words.reduce((sum, word) => sum + Math.min(12, 4 * word.length), 0)) : byCharacter;
}
