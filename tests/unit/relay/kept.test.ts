import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { createApp } from '../../../relay/app';
import { memoryBlobs } from '../../../relay/blobs';
import { keepBuild } from '../../../relay/kept';
import { rhea } from './phone';

const DAY = 86_400_000;
let folder: string;
const root = (): string => join(folder, 'build');
const kept = (): string => join(folder, 'app');
beforeAll(async () => {
  await ready();
  folder = mkdtempSync(join(tmpdir(), 'carefold-kept-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A build in place of the one before, and a relay that starts with it. */
function build(version: string, now: number): string[] {
  rmSync(root(), { recursive: true, force: true });
  mkdirSync(join(root(), '_app/immutable'), { recursive: true });
  writeFileSync(join(root(), 'index.html'), '<title>Carefold</title>');
  writeFileSync(join(root(), '_app/version.json'), JSON.stringify({ version }));
  writeFileSync(join(root(), `_app/immutable/part.${version}.js`), `"${version}"`);
  return keepBuild(root(), kept(), now);
}

it('a chunk of the two builds before is still there for tabs that run them, for 30 days after they were replaced', async () => {
  expect(build('a', 0)).toEqual([]);
  expect(build('b', 40 * DAY)).toHaveLength(1);
  const earlier = build('c', 41 * DAY);
  const app = createApp(rhea('kept').relay, memoryBlobs(), root(), [], async () => true, earlier);
  const get = async (name: string): Promise<[number, string | null]> => {
    const answer = await app.request(`/_app/immutable/part.${name}.js`);
    return [answer.status, answer.status === 200 ? await answer.text() : answer.headers.get('cache-control')];
  };
  expect(await Promise.all(['a', 'b', 'c', 'd'].map(get))).toEqual([[200, '"a"'], [200, '"b"'], [200, '"c"'], [404, null]]);
  expect((await app.request('/_app/immutable/part.a.js')).headers.get('cache-control')).toContain('immutable');

  expect(build('d', 42 * DAY).map((path) => path.at(-1))).toEqual(['c', 'b']);
  expect(build('d', 71.5 * DAY).map((path) => path.at(-1))).toEqual(['c']);
  expect(readdirSync(kept()).sort()).toEqual(['builds.json', 'c', 'd']);
  // back to the build before: it is the one that is served
  expect(build('c', 72 * DAY).map((path) => path.at(-1))).toEqual(['d']);
});

it('a copy that was cut off, or a list that cannot be read, costs nothing but the earlier builds', () => {
  mkdirSync(join(kept(), 'e.half/_app'), { recursive: true });
  writeFileSync(join(kept(), 'builds.json'), '[{"version":"../../etc","replaced":1}');
  expect(build('e', 80 * DAY)).toEqual([]);
  expect(readFileSync(join(kept(), 'e/_app/immutable/part.e.js'), 'utf8')).toBe('"e"');
  expect(readdirSync(kept()).sort()).toEqual(['builds.json', 'e']);
  rmSync(root(), { recursive: true });
  expect(keepBuild(root(), kept(), 81 * DAY)).toEqual([]);
});
