/** The simulator as files that a process can load: the project's own sources, with one planted bug or none, and the slow stretching of passphrases stood in for. */
import { build, context } from 'esbuild';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');

/** What all copies in one process share: it is loaded once. */
const shared = {
  name: 'shared',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/quick$/ }, () => ({ path: './quick.mjs', external: true }));
  }
};
const OPTIONS = {
  bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'silent',
  alias: { $crypto: join(root, 'crypto'), $lib: join(root, 'src/lib'), 'hash-wasm': join(here, 'argon.ts') }
};

/** Builds workers and copies of the product into `folder`, which has to lie in the project so that packages are found. */
export async function bundler(folder) {
  const at = (name) => join(folder, `${name}.mjs`);
  await build({ ...OPTIONS, entryPoints: [join(here, 'quick.ts')], outfile: at('quick') });
  await build({ ...OPTIONS, entryPoints: [join(here, 'worker.ts')], outfile: at('worker'), plugins: [shared] });
  let bug = null;
  /** A bug: in its files, these texts, each of which must stand there exactly once, say something else. */
  const planting = {
    name: 'plant',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const edits = [bug, ...(bug?.also ?? [])].filter((e) => e !== null && relative(root, path) === e.file);
        if (edits.length === 0) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const { file, find, replace } of edits) {
          if (contents.split(find).length !== 2) return { errors: [{ text: `“${bug.name}” has no place in ${file}: the text must stand there exactly once` }] };
          contents = contents.replace(find, () => replace);
        }
        return { contents, loader: 'ts' };
      });
    }
  };
  const lives = await context({ ...OPTIONS, entryPoints: [join(here, 'lives.ts')], outfile: at('lives'), sourcemap: 'inline', write: false, plugins: [shared, planting] });
  let last = Promise.resolve();
  return {
    worker: at('worker'),
    /** The product with this bug, or with none; where it can be imported from. One after the other. */
    lives(name, planted) {
      const done = last.then(async () => {
        bug = planted;
        const { outputFiles } = await lives.rebuild();
        await writeFile(at(name), outputFiles[0].contents);
        return pathToFileURL(at(name)).href;
      });
      last = done.catch(() => undefined);
      return done;
    },
    end: () => lives.dispose()
  };
}
