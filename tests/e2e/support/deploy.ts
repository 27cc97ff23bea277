/** A build of the app, and the next one: every chunk under another name, as after a change that touches all of them. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../../../build', import.meta.url));
const TEXT = /\.(js|html|json|css|webmanifest)$/;

/** A copy of the build, to be served from and to be replaced. */
export async function copyBuild(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carefold-build-'));
  await cp(BUILD, folder, { recursive: true });
  return folder;
}

/** Replaces the build in `folder` by the next one; answers the paths of the chunks before, which are gone from it. */
export async function replaceBuild(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths) if (/\.(br|gz)$/.test(path)) await rm(path);
  const files = paths.filter((path) => TEXT.test(path));
  const chunks = files.filter((path) => /_app.immutable.(chunks|entry|nodes|workers).*\.js$/.test(path)).map((path) => path.split(/[\\/]/).at(-1) as string);
  const renamed = new Map(chunks.map((name) => [name, name.replace(/\.js$/, '0.js')]));
  const pattern = new RegExp(chunks.map((name) => name.replace(/[.$]/g, '\\$&')).join('|'), 'g');
  const version = JSON.parse(await readFile(join(folder, '_app/version.json'), 'utf8')) as { version: string };
  for (const path of files) {
    const before = await readFile(path, 'utf8');
    let text = before.replace(pattern, (name) => renamed.get(name) ?? name).replaceAll(version.version, 'f'.repeat(version.version.length));
    if (path.endsWith('.html')) for (const [, script = ''] of before.matchAll(/<script>([\s\S]*?)<\/script>/g)) text = text.replaceAll(hashOf(script), hashOf(script.replace(pattern, (name) => renamed.get(name) ?? name).replaceAll(version.version, 'f'.repeat(version.version.length))));
    await writeFile(path, text);
    const name = path.split(/[\\/]/).at(-1) as string;
    const next = renamed.get(name);
    if (next !== undefined) await rename(path, path.slice(0, -name.length) + next);
  }
  return files.filter((path) => chunks.some((name) => path.endsWith(name))).map((path) => path.slice(folder.length).replaceAll('\\', '/'));
}

const hashOf = (script: string): string => `sha256-${createHash('sha256').update(script).digest('base64')}`;
