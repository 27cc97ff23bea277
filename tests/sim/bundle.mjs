/** The simulator as one file: the project's own sources, with one planted bug or none, and the slow stretching of passphrases stood in for. */
import { build } from 'esbuild';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');

/** A bug: in this file, this text, which must stand there exactly once, says something else. */
const planting = (bug) => ({
  name: 'plant',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (relative(root, path) !== bug.file) return undefined;
      const text = readFileSync(path, 'utf8');
      if (text.split(bug.find).length !== 2) return { errors: [{ text: `“${bug.name}” has no place in ${bug.file}: the text must stand there exactly once` }] };
      return { contents: text.replace(bug.find, () => bug.replace), loader: 'ts' };
    });
  }
});

/** Writes the bundle and gives its path. */
export async function bundle(name, bug) {
  const outfile = join(root, 'test-results', 'sim', `${name}.mjs`);
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [join(here, 'worker.ts')], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'silent', sourcemap: bug ? false : 'inline',
    alias: { $crypto: join(root, 'crypto'), $lib: join(root, 'src/lib'), 'hash-wasm': join(here, 'argon.ts') },
    plugins: bug ? [planting(bug)] : []
  });
  return outfile;
}
