/**
 * Chunks of earlier builds of the app. A tab that was open before an update still loads parts of the build it began with (a screen it had not
 * opened, the worker after a lock), so the last two builds before this one stay for 30 days after they were replaced. Their names carry a hash
 * of their bytes: one name never stands for two files.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const BUILDS = 2;
const KEPT_FOR = 30 * 86_400_000;
/** What is kept of a build: files that never change under their name. */
const PART = '_app/immutable';

const versionShape = v.object({ version: v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/)) });
/** Newest first; `replaced`: when another build took its place, null for the one that is served. */
const listShape = v.array(v.object({ version: versionShape.entries.version, replaced: v.nullable(v.number()) }));
type List = v.InferOutput<typeof listShape>;

/**
 * Keeps the build at `root` under `folder`, drops what is too old at `now` (milliseconds), and answers the folders of earlier builds, newest
 * first. Nothing is kept where there is no build; a folder that cannot be written throws.
 */
export function keepBuild(root: string, folder: string, now: number): string[] {
  const at = v.safeParse(versionShape, json(join(root, '_app/version.json')));
  if (!at.success || !existsSync(join(root, PART))) return [];
  const { version } = at.output;
  const listed = v.safeParse(listShape, json(join(folder, 'builds.json')));
  const before: List = listed.success ? listed.output : [];
  const earlier = before
    .filter((b) => b.version !== version)
    .map((b) => ({ ...b, replaced: b.replaced ?? now }))
    .filter((b) => now - b.replaced < KEPT_FOR)
    .slice(0, BUILDS);
  const list: List = [{ version, replaced: null }, ...earlier];
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, version))) {
    // whole or not at all: a copy that was cut off must not pass for a build
    const half = join(folder, `${version}.half`);
    rmSync(half, { recursive: true, force: true });
    cpSync(join(root, PART), join(half, PART), { recursive: true });
    renameSync(half, join(folder, version));
  }
  writeFileSync(join(folder, 'builds.json'), JSON.stringify(list));
  for (const name of readdirSync(folder)) if (name !== 'builds.json' && !list.some((b) => b.version === name)) rmSync(join(folder, name), { recursive: true, force: true });
  return earlier.map((b) => join(folder, b.version)).filter((path) => existsSync(path));
}

function json(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
