import { describe, expect, it } from 'vitest';
import { sourcesIn } from './sources';

/** Words that mean too little, or mean something else here. */
const BANNED = ['room', 'channel', 'token', 'packet', 'data', 'manager', 'helper', 'utils'];
/** Design tokens are called so everywhere. */
const FILES_EXEMPT = ['src/lib/ui/tokens.css'];

/** `sendDataNow`, `send-data` → send, data, now; a plural counts as its singular. */
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase());
const bannedIn = (name: string): boolean =>
  wordsOf(name).some((word) => BANNED.includes(word) || (word.endsWith('s') && BANNED.includes(word.slice(0, -1))));

describe('the words of the project', () => {
  const sources = sourcesIn('src', 'crypto', 'relay');

  it('name every file', () => {
    expect(sources.map((source) => source.path).filter((path) => !FILES_EXEMPT.includes(path) && bannedIn(path))).toEqual([]);
  });

  it('name everything that a file exports', () => {
    const exported = sources.flatMap((source) =>
      [...source.text.matchAll(/^\s*export (?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm)].map(
        (match) => `${source.path}: ${match[1]}`
      )
    );
    expect(exported.length).toBeGreaterThan(20);
    expect(exported.filter((line) => bannedIn(line.slice(line.indexOf(':') + 2)))).toEqual([]);
  });
});
