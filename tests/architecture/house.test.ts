import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './sources';

const TOP = [
  ...['.ci', '.dockerignore', '.gitignore', '.npmrc', '.prettierrc', 'LICENSE', 'README.md', 'eslint.config.js', 'package-lock.json', 'package.json'],
  ...[
    'crypto',
    'relay',
    'src',
    'static',
    'tests',
    'svelte.config.js',
    'tsconfig.json',
    'tsconfig.node.json',
    'tsconfig.sw.json',
    'vite.config.ts'
  ]
];

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

describe('the house', () => {
  it('has nothing at its top that was not decided', () => {
    const listed = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' });
    expect(listed.status).toBe(0);
    const names = new Set(listed.stdout.split('\n').flatMap((path) => (path ? [path.split('/')[0] ?? ''] : [])));
    expect([...names].filter((name) => !TOP.includes(name))).toEqual([]);
  });

  it('pins every dependency to one version', () => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('locks versions without naming a host to download from', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": *"http/);
  });
});
