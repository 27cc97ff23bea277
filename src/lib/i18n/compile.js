/** How messages become functions. Vite does it while it builds; `node src/lib/i18n/compile.js` does it for the type check. */
import { compile } from '@inlang/paraglide-js';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {Parameters<typeof compile>[0]} */
export const messageOptions = {
  project: fileURLToPath(new URL('./project.inlang', import.meta.url)),
  outdir: fileURLToPath(new URL('../paraglide', import.meta.url)),
  // always the same files, and none taken away: a check may run beside a build or a dev server
  outputStructure: 'message-modules',
  cleanOutdir: false,
  strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
  localStorageKey: 'carefold-language'
};

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await compile(messageOptions);
