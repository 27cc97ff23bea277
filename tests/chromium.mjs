/** Finds the Chromium that the end-to-end tests drive, or says how to get one. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const PLACES = [
  '/usr/bin',
  '/usr/local/bin',
  '/snap/bin',
  '/opt/google/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium'
];

const runs = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * The path of a Chromium: `CHROMIUM` from the environment, then PATH, then the usual places; undefined when there is none.
 * @returns {string | undefined}
 */
export function findChromium() {
  const given = process.env['CHROMIUM'];
  if (given) return runs(given) ? given : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...PLACES];
  const candidates = folders.flatMap((folder) =>
    folder.endsWith('Chrome') || folder.endsWith('Chromium') ? [folder] : NAMES.map((name) => join(folder, name))
  );
  return candidates.find(runs);
}

/** Installs Debian's Chromium when that is possible without asking anybody; answers what is missing otherwise. */
export function provideChromium() {
  if (findChromium()) return undefined;
  if (process.env['CHROMIUM']) return `CHROMIUM names ${process.env['CHROMIUM']}, which cannot be run.`;
  const root = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (root) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) => spawnSync('apt-get', ['-q', '-y', ...args], { stdio: ['ignore', 2, 2], env }).status === 0;
    if (
      (apt('install', '--no-install-recommends', 'chromium') || (apt('update') && apt('install', '--no-install-recommends', 'chromium'))) &&
      findChromium()
    )
      return undefined;
  }
  return 'The end-to-end tests need a browser: install the package “chromium” (apt-get install chromium), or name one in CHROMIUM.';
}
