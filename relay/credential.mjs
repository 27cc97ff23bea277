/** `npm run credential`: bundles the desk and runs it. Needs the packages, and neither the app nor a relay. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isInstalled, npm } from './tree.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
if (!isInstalled(root) && (await npm(root, ['ci', '--include=dev', '--no-fund', '--no-audit'])) !== 0) {
  process.stderr.write('Packages could not be installed; the lines above say why.\n');
  process.exit(1);
}
const { build } = await import('esbuild');
const folder = join(root, 'dist');
mkdirSync(folder, { recursive: true });
// a name of its own, so that two may run at once
const outfile = join(folder, `credential-${process.pid}.js`);
process.once('exit', () => rmSync(outfile, { force: true }));
await build({ entryPoints: [join(root, 'relay/credential-main.ts')], outfile, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', logLevel: 'error' });
await import(pathToFileURL(outfile).href);
