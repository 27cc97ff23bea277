import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, sourcesIn } from './sources';

const FILES = ['', 'group.', 'devices.', 'people.', 'roster.', 'ending.', 'vouch.', 'history.'];

/** All messages of a language, from all of its files. */
function messagesOf(locale: string): ReadonlyMap<string, unknown> {
  const read = FILES.flatMap((prefix) => {
    const path = join(root, `src/lib/i18n/messages/${prefix}${locale}.json`);
    return existsSync(path) ? Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : [];
  });
  return new Map(read.filter(([key]) => key !== '$schema'));
}

/** The places a message leaves for names and numbers: `{name}` → name. */
const placesOf = (message: unknown): string[] => {
  const text = JSON.stringify(message);
  const places = [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return [...new Set(places)].sort();
};

describe('the messages', () => {
  const english = messagesOf('en');
  const spanish = messagesOf('es');

  it('say in Spanish everything that they say in English', () => {
    expect(english.size).toBeGreaterThan(50);
    expect([...english.keys()].filter((key) => !spanish.has(key))).toEqual([]);
    expect([...spanish.keys()].filter((key) => !english.has(key))).toEqual([]);
  });

  it('leave room for the same names and numbers in both languages', () => {
    const differing = [...english].filter(
      ([key, message]) => spanish.has(key) && placesOf(message).join() !== placesOf(spanish.get(key)).join()
    );
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  it('exist wherever a screen asks for one', () => {
    const asked = sourcesIn('src').flatMap((source) => [...source.text.matchAll(/(?<![.\w])m\.(\w+)\(/g)].map((match) => match[1] ?? ''));
    expect([...new Set(asked)].filter((key) => !english.has(key))).toEqual([]);
  });

  it('are defined once', () => {
    const keys = FILES.flatMap((prefix) =>
      Object.keys(JSON.parse(readFileSync(join(root, `src/lib/i18n/messages/${prefix}en.json`), 'utf8')) as object)
    );
    const twice = keys.filter((key, at) => key !== '$schema' && keys.indexOf(key) !== at);
    expect(twice).toEqual([]);
  });
});
