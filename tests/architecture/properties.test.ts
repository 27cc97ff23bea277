/** The protocol promises 27 properties, P1 to P27: each is shown by a test that names it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './sources';

const files = (at: string): string[] => readdirSync(join(root, at), { withFileTypes: true }).flatMap((f) => (f.isDirectory() ? files(`${at}/${f.name}`) : f.name.endsWith('.test.ts') ? [`${at}/${f.name}`] : []));
const titles = files('tests').flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(/\b(?:it|test|describe)(?:\.each\([^]*?\))?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)].map((m) => m[2] as string));

it('each of the properties P1 to P27 is named by a test', () => {
  const named = new Set(titles.flatMap((t) => [...t.matchAll(/\bP(\d+)\b/g)].map((m) => Number(m[1]))));
  expect(Array.from({ length: 27 }, (_, i) => i + 1).filter((n) => !named.has(n)).map((n) => `P${n}`)).toEqual([]);
});
