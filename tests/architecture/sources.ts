/** The project's own source files, and what each imports, as the architecture tests see them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Source {
  /** From the root, with forward slashes: `src/lib/ui/Card.svelte`. */
  readonly path: string;
  readonly text: string;
  /** What it asks for, as written: `./wire`, `$crypto/hash`, `yjs`. */
  readonly asks: readonly string[];
  /** Those of `asks` that are files of ours. */
  readonly imports: readonly string[];
  /** Those of `imports` that still matter when it runs: a type alone leaves no trace. */
  readonly needs: readonly string[];
  /** Names of packages among `asks`: `yjs`, `@scope/name`, `node:fs`. */
  readonly packages: readonly string[];
}

const LEFT_OUT = ['src/lib/paraglide'];
const CODE = /\.(ts|js|mjs|svelte)$/;
const ENDINGS = ['', '.ts', '.svelte.ts', '.js', '.mjs', '.svelte', '/index.ts'];

function pathsOf(place: string): string[] {
  const found = statSync(join(root, place), { throwIfNoEntry: false });
  if (!found || LEFT_OUT.includes(place)) return [];
  if (found.isFile()) return [place];
  return readdirSync(join(root, place))
    .sort()
    .flatMap((name) => pathsOf(`${place}/${name}`));
}

/** The script of a component; anything else as it is. */
const scriptOf = (path: string, text: string): string =>
  path.endsWith('.svelte') ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n') : text;

function fileOf(from: string, asked: string): string | undefined {
  const bare = asked.split('?')[0] ?? asked;
  const place = bare.startsWith('.')
    ? posix.join(dirname(from), bare)
    : bare.startsWith('$lib/')
      ? `src/lib/${bare.slice(5)}`
      : bare.startsWith('$crypto/')
        ? `crypto/${bare.slice(8)}`
        : undefined;
  if (place === undefined) return undefined;
  const stems = [place, place.replace(/\.js$/, '.ts')];
  return stems
    .flatMap((stem) => ENDINGS.map((ending) => stem + ending))
    .find((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile());
}

const packageOf = (asked: string): string | undefined =>
  /^[.$/]/.test(asked)
    ? undefined
    : asked
        .split('/')
        .slice(0, asked.startsWith('@') ? 2 : 1)
        .join('/');

const asksOf = (script: string): readonly string[] => ts.preProcessFile(script, true, true).importedFiles.map((file) => file.fileName);

/** Every code file below the given places, in order of path. */
export function sourcesIn(...places: readonly string[]): readonly Source[] {
  return places.flatMap(pathsOf).flatMap((path) => {
    if (!CODE.test(path)) return [];
    const text = readFileSync(join(root, path), 'utf8');
    const script = scriptOf(path, text);
    const asks = asksOf(script);
    const files = (all: readonly string[]): readonly string[] => all.flatMap((asked) => fileOf(path, asked) ?? []);
    const needs = files(asksOf(script.replace(/^\s*(?:import|export) type [^;]*;/gm, '')));
    return [{ path, text, asks, imports: files(asks), needs, packages: asks.flatMap((asked) => packageOf(asked) ?? []) }];
  });
}

/** `from` and every file of ours that runs with it, directly or through others. */
export function closure(all: readonly Source[], from: string): readonly Source[] {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    byPath.get(path)?.needs.forEach(visit);
  };
  visit(from);
  return all.filter((source) => seen.has(source.path));
}
