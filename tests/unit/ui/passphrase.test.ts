import { describe, expect, it } from 'vitest';
import { strengthOf, suggestPassphrase } from '$lib/ui/gate/passphrase';
import { WORDS } from '$lib/vault/words';

describe('a passphrase', () => {
  it('is proposed from 1024 different words', () => {
    expect(new Set(WORDS).size).toBe(1024);
    expect(WORDS.every((word) => /^[a-z]{3,12}$/.test(word))).toBe(true);
  });
  it('is proposed as six words, every word as likely as the next', () => {
    const numbers = Uint16Array.of(0, 1023, 1024, 65535, 7, 2055);
    const proposed = suggestPassphrase((into) => into.set(numbers)).split(' ');
    expect(proposed).toEqual([WORDS[0], WORDS[1023], WORDS[0], WORDS[1023], WORDS[7], WORDS[7]]);
  });
  it('counts as strong when it was proposed', () => {
    for (let times = 0; times < 200; times++) expect(strengthOf(suggestPassphrase())).toBe('strong');
  });
  it.each([
    ['', 'none'],
    ['short', 'short'],
    ['aaaaaaaaaaaaaa', 'weak'],
    ['12345678901234', 'weak'],
    ['Password2026', 'weak'],
    ['abcdefghijkl', 'weak'],
    ['correct horse battery staple', 'fair'],
    ['mi abuela hace café por la mañana', 'strong']
  ] as const)('“%s” is %s', (passphrase, strength) => expect(strengthOf(passphrase)).toBe(strength));
});
