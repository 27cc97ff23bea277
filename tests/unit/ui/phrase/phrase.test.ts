import { describe, expect, it } from 'vitest';
import { askWhich, isPutOff, isWord, nearestWord, PHRASE_WORDS, readPhrase } from '$lib/ui/phrase/phrase';
import { WORDS } from '$lib/vault/words';

const words = WORDS.slice(100, 100 + PHRASE_WORDS);
const read = (text: string): string[] => readPhrase(text).map((typed) => typed.word);

describe('a phrase as it is typed', () => {
  it.each([
    ['in one line', words.join(' ')],
    ['with too many spaces and line breaks', `\n  ${words.join('  \r\n\t')} \n`],
    ['in capitals', words.join(' ').toUpperCase()],
    ['numbered on lines', words.map((word, at) => `${at + 1}. ${word}`).join('\n')],
    ['numbered without a space', words.map((word, at) => `${at + 1})${word}`).join('  ')],
    ['with commas and dashes', words.join(', ').replace(', ', ' – ')],
    ['with accents that a keyboard put in', words.join(' ').replace('a', 'á').replace('e', 'e\u0301')]
  ])('is read %s', (_, text) => expect(read(text)).toEqual(words));

  it('is empty when only numbers stand there', () => expect(read(' 1. 2) 3 ')).toEqual([]));

  it('says which words are not in the list, and where they stand', () => {
    const text = '1. Candle 2. bannana';
    const typed = readPhrase(text);
    expect(typed.map(({ known }) => known)).toEqual([true, false]);
    expect(text.slice(typed[1]?.from, typed[1]?.to)).toBe('bannana');
  });
});

describe('a word asked back', () => {
  it.each(['candle', ' Candle ', '4. candle', 'CANDLE.'])('is right as “%s”', (typed) => expect(isWord(typed, 'candle')).toBe(true));
  it.each(['', 'candy', 'candle candle', 'candlestick', 'cand le'])('is wrong as “%s”', (typed) => expect(isWord(typed, 'candle')).toBe(false));
});

describe('the word that was meant', () => {
  it.each([['bannana', 'banana'], ['wniter', 'winter'], ['umbrela', 'umbrella'], ['guitarr', 'guitar']])('behind “%s” is “%s”', (typed, meant) => {
    expect(nearestWord(typed)).toBe(meant);
  });
  it('is not guessed from something else, or between two that are as near', () => {
    expect(nearestWord('xylophone')).toBeNull();
    // bean, bear, bead …
    expect(nearestWord('bea')).toBeNull();
  });
});

describe('the words asked back', () => {
  it('are three different ones of the thirteen, in order', () => {
    for (let times = 0; times < 300; times++) {
      const asked = askWhich();
      expect(new Set(asked).size).toBe(3);
      expect(asked).toEqual([...asked].sort((a, b) => a - b));
      expect(asked.every((at) => Number.isInteger(at) && at >= 0 && at < PHRASE_WORDS)).toBe(true);
    }
  });
  it('follow the numbers drawn, and reach the first and the last', () => {
    expect(askWhich((into) => into.set([12, 0, 0]))).toEqual([0, 1, 12]);
    expect(askWhich((into) => into.set([4, 4, 4]))).toEqual([4, 5, 6]);
  });
  it('are not always the same', () => expect(new Set(Array.from({ length: 50 }, () => askWhich().join())).size).toBeGreaterThan(10));
});

it('put off, is not spoken of for a day, and then again', () => {
  const at = 1_000_000_000;
  const isQuiet = (ms: number): boolean => isPutOff(at, at + ms);
  expect([isPutOff(null, at), isQuiet(0), isQuiet(86_399_999), isQuiet(86_400_000), isQuiet(-1)]).toEqual([false, true, true, false, false]);
});
