import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const named = [...read('crypto/THREATS.md').matchAll(/^- `(tests\/[^`]+)`: (.+)$/gm)].map((m) => ({ path: m[1] as string, test: m[2] as string }));

describe('what THREATS.md promises', () => {
  it('is shown by tests that exist, under the names it gives', () => {
    const titles = (path: string): string[] => [...read(path).matchAll(/\bit(?:\.each\([^]*?\))?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)].map((m) => (m[2] as string).replace(/\\(.)/g, '$1'));
    expect(named.filter((n) => !titles(n.path).includes(n.test))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  it('names each test once in a list, in a line of its own', () => {
    const lines = read('crypto/THREATS.md').split('\n').filter((l) => l.includes('tests/') && !l.startsWith('`tests/unit/crypto/threats'));
    expect(lines.filter((l) => !/^- `tests\/[^`]+`: .+$/.test(l))).toEqual([]);
  });
});
