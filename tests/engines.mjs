/** Finds the PostgreSQL and the NATS server that the tests of the relay's engines start, or says how to get them. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const VERSIONS = '/usr/lib/postgresql';
const folders = () => [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  ...(existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)).map((version) => join(VERSIONS, version, 'bin')) : [])
];

/**
 * The path of a program, or undefined.
 * @param {'postgres' | 'initdb' | 'nats-server'} name
 * @returns {string | undefined}
 */
export function findEngine(name) {
  return folders()
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const missing = () => [
  ...(findEngine('postgres') && findEngine('initdb') ? [] : ['postgresql']),
  ...(findEngine('nats-server') ? [] : ['nats-server'])
];

/** Installs Debian's PostgreSQL and NATS when that is possible without asking anybody; answers what is missing otherwise. */
export function provideEngines() {
  if (missing().length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) => spawnSync('apt-get', ['-q', '-y', ...args], { stdio: ['ignore', 2, 2], env }).status === 0;
    const install = () => apt('install', '--no-install-recommends', ...missing());
    if (!install() && apt('update')) install();
  }
  const left = missing();
  return left.length === 0
    ? undefined
    : `The tests of the relay’s engines need the packages ${left.map((name) => `“${name}”`).join(' and ')} (apt-get install ${left.join(' ')}).`;
}
