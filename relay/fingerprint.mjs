/**
 * One name for what the tree would build: the start script compares it with the last build, and the app uses it as its
 * version, so a page kept by the service worker is replaced exactly when something in it changed.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a build is made of. Tests, documents and stored groups are not. */
const SOURCES = [
  'src',
  'crypto',
  'relay',
  'static',
  'package.json',
  'package-lock.json',
  'svelte.config.js',
  'vite.config.ts',
  'tsconfig.json'
];
/** Written by the build itself, or by nobody who changes the result. */
const LEFT_OUT = [/^src\/lib\/paraglide\//, /\.md$/, /\/\.[^/]+$/, /^src\/lib\/i18n\/project\.inlang\/(?!settings\.json$)/];

/** Paths of all files below `place`, relative to `root`, with forward slashes, sorted. */
function filesOf(root, place) {
  const found = statSync(join(root, place), { throwIfNoEntry: false });
  if (!found) return [];
  if (found.isFile()) return [place];
  return readdirSync(join(root, place))
    .sort()
    .flatMap((name) => filesOf(root, `${place}/${name}`));
}

/** 16 hex digits over the names and bytes of everything the build reads. */
export function fingerprint(root) {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((place) => filesOf(root, place))) {
    if (LEFT_OUT.some((pattern) => pattern.test(path))) continue;
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}
