/** Proposing a passphrase, and saying in a word how hard one is to guess; the vault judges by the same bits. */
import { strengthBits, WEAK_BELOW } from '$lib/vault/strength';
import { WORDS } from '$lib/vault/words';

/** Six words of 1024 are 60 bits: with Argon2id behind them, out of reach. */
const HOW_MANY = 6;
/** Fewer characters than this are called short rather than easy to guess. */
const SHORT = 10;
/** Bits from which a passphrase counts as strong. */
const STRONG = 50;

export type Strength = 'none' | 'short' | 'weak' | 'fair' | 'strong';

/** Words drawn without bias, joined by spaces; `fill` writes random numbers into what it is given. */
export function suggestPassphrase(fill: (into: Uint16Array<ArrayBuffer>) => void = (into) => void crypto.getRandomValues(into)): string {
  const drawn = new Uint16Array(HOW_MANY);
  fill(drawn);
  // 65536 is a multiple of 1024: the remainder is even
  return [...drawn].map((number) => WORDS[number % WORDS.length]).join(' ');
}

/** A word for how hard a passphrase is to guess; `short` and `weak` are refused. */
export function strengthOf(passphrase: string): Strength {
  if (passphrase.trim() === '') return 'none';
  const bits = strengthBits(passphrase);
  if (bits < WEAK_BELOW) return [...passphrase.trim()].length < SHORT ? 'short' : 'weak';
  return bits < STRONG ? 'fair' : 'strong';
}
