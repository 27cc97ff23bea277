/** Attachments and owners of files as a backup is put back, on real folders, a real bucket and the command as it is shipped. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import { hex } from '../../../crypto/bytes';
import { blobId } from '../../../crypto/kept';
import { ready } from '../../../crypto/sodium';
import { backUp, restore } from '../../../relay/backup';
import { blobFiles } from '../../../relay/blob-files';
import { blobS3 } from '../../../relay/blob-s3';
import type { Blobs } from '../../../relay/blobs';
import { ask } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { bundleRelay, forgetBundle, keep } from '../../bench/peers/processes';
import { startS3 } from '../../support/engines';

const ONES = [1, 2, 3, 4].map((n) => new Uint8Array(50_000).fill(n) as Bytes);
const [one, two, three] = ONES as [Bytes, Bytes, Bytes];

let base: string;
let folder: string;
let file: string;

beforeAll(async () => {
  await ready();
  await bundleRelay();
});
afterAll(forgetBundle);
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'carefold-restore-'));
  [folder, file] = [join(base, 'data'), join(base, 'backup')];
  mkdirSync(folder);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const path = (bytes: Bytes): string => join(folder, 'blobs', hex(blobId(bytes)).slice(0, 2), `1.${hex(blobId(bytes))}`);
const isWhole = (bytes: Bytes): boolean => Buffer.compare(readFileSync(path(bytes)), bytes) === 0;
const files = (): Promise<Blobs> => blobFiles(join(folder, 'blobs'));

/** A store with attachments that envelopes name. */
async function filled(blobs: Blobs, all: readonly Bytes[] = ONES): Promise<void> {
  const log = localLog(join(folder, 'relay.db'), 7);
  for (const bytes of all) {
    const placed = { g: 1, id: blobId(bytes) };
    expect(await blobs.put(placed.g, placed.id, (async function* () { yield bytes; })())).toEqual({ ok: true, value: bytes.length });
    expect(await ask(log, 'putBlob', { ...placed, device: 1, size: bytes.length, time: 5 })).toMatchObject({ value: 'kept' });
  }
  await log.close();
  asked('UPDATE blobs SET named = 1 RETURNING g');
}
function asked(sql: string, name = 'relay.db'): readonly unknown[] {
  const db = new DatabaseSync(join(folder, name));
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
const sizes = (): readonly unknown[] => asked('SELECT size FROM blobs ORDER BY size').map((f) => (f as { size: number }).size);
async function command(what: 'backup' | 'restore', env: Record<string, string> = {}): Promise<{ readonly code: number | null; readonly said: string }> {
  let said = '';
  const code = await keep(what, folder, file, env, (s) => (said += s));
  return { code, said };
}

describe('attachments that a backup carries', () => {
  it('take the place of those that were cut short, spoilt or lost since, and no other', async () => {
    await filled(await files());
    expect(backUp(folder, file)).toEqual({ ok: true, value: { groups: 0, blobs: 4, missing: 0 } });
    truncateSync(path(one), 5);
    writeFileSync(path(two), Buffer.from(two).fill(0, 100, 101));
    rmSync(path(three));
    const untouched = lstatSync(path(ONES[3] as Bytes)).ino;
    expect(await restore(folder, file, 9)).toMatchObject({ ok: true, value: { blobs: 4, missing: 0 } });
    expect(ONES.map(isWhole)).toEqual([true, true, true, true]);
    expect(lstatSync(path(ONES[3] as Bytes)).ino).toBe(untouched);
    expect(sizes()).toEqual([50_000, 50_000, 50_000, 50_000]);
  });

  it('are only those that are whole; devices bring the others, unless they lie there whole by then', async () => {
    await filled(await files());
    truncateSync(path(one), 5);
    truncateSync(path(two), 5);
    expect(backUp(folder, file)).toEqual({ ok: true, value: { groups: 0, blobs: 2, missing: 2 } });
    writeFileSync(path(two), two);
    expect(await restore(folder, file, 9)).toMatchObject({ ok: true, value: { blobs: 3, missing: 1 } });
    expect(sizes()).toEqual([-1, 50_000, 50_000, 50_000]);
  });

  it('and that cannot be put back end the restore, and the store stays as it was', async () => {
    await filled(await files());
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    const [names, store] = [readdirSync(folder), readFileSync(join(folder, 'relay.db'))];
    const under = join(path(one), '..');
    for (const [planted, fault] of [[under, `looked for in ${join(folder, 'blobs')}: it cannot be read`], [path(one), `put into ${join(folder, 'blobs')}: it cannot be written`]] as const) {
      rmSync(under, { recursive: true });
      // no folder where one is needed, and a folder where a file is
      if (planted === under) writeFileSync(under, 'no folder');
      else mkdirSync(join(planted, 'more'), { recursive: true });
      const { code, said } = await command('restore');
      expect(said).toBe(`An attachment could not be ${fault}. Nothing was restored, and the store is as it was.\n`);
      expect([code, readdirSync(folder)]).toEqual([1, names]);
      expect(Buffer.compare(readFileSync(join(folder, 'relay.db')), store)).toBe(0);
    }
    rmSync(under, { recursive: true });
    expect(await command('restore')).toMatchObject({ code: 0, said: expect.stringContaining(`0 groups are in ${folder} again, and 4 attachments in it.\n`) });
    expect(ONES.map(isWhole)).toEqual([true, true, true, true]);
  });

  it('end it as well where the disk has no room for them', async ({ skip }) => {
    await filled(await files());
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    const small = join(folder, 'blobs');
    rmSync(small, { recursive: true });
    mkdirSync(small);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'carefold', small], { encoding: 'utf8' });
    if (mounted.status !== 0) return skip(`no small disk can be mounted here: ${mounted.stderr}`);
    try {
      const { code, said } = await command('restore');
      expect(said).toBe(`An attachment could not be put into ${small}: the disk is full. Nothing was restored, and the store is as it was.\n`);
      expect([code, sizes()]).toEqual([1, [50_000, 50_000, 50_000, 50_000]]);
      expect(readdirSync(folder).filter((name) => name.includes('restore') || name.startsWith('relay.db.coming'))).toEqual([]);
    } finally {
      spawnSync('umount', ['-l', small]);
    }
  });
});

/** Options of the runtime with which a process is killed as it is about to do the `nth` thing to names of files. */
const killedAt = (nth: number): Record<string, string> => {
  const script = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    let n = 0;
    for (const what of ['chmodSync', 'copyFileSync', 'linkSync', 'renameSync', 'rmSync']) {
      const real = fs[what];
      fs[what] = (...all) => ++n === ${nth} ? process.kill(process.pid, 'SIGKILL') : real(...all);
    }
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
};
const ASIDE = 'relay.db.before-restore';

describe('the store that a restore puts another in the place of', () => {
  /** Keeps in `kept` what a relay leaves that was killed: what it said last lies in the log beside its store. */
  function killed(kept: string): void {
    const db = new DatabaseSync(join(folder, 'relay.db'));
    db.exec("PRAGMA journal_mode = WAL; INSERT INTO meta VALUES ('last', 5)");
    mkdirSync(kept);
    for (const end of ['', '-wal']) copyFileSync(join(folder, `relay.db${end}`), join(kept, `relay.db${end}`));
    db.close();
    expect(readFileSync(join(kept, 'relay.db-wal')).length).toBeGreaterThan(0);
  }
  const take = (kept: string): void => {
    rmSync(folder, { recursive: true });
    cpSync(kept, folder, { recursive: true });
  };
  const found = (name?: string): unknown => asked("SELECT (SELECT value FROM meta WHERE name = 'last') AS last, (SELECT value FROM meta WHERE name = 'incarnation') AS life", name)[0];
  const [old, restored] = [{ last: 5, life: 7 }, { last: null, life: expect.any(Number) }];

  it('is whole under its name or beside it, with its last words, whenever the restore is killed; said again it is done', { timeout: 120_000 }, async () => {
    await filled(await files(), []);
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    const kept = join(base, 'kept');
    killed(kept);
    let kills = 0;
    for (;; kills++) {
      take(kept);
      const { code } = await command('restore', killedAt(kills + 1));
      if (code === 0) break;
      expect([code, existsSync(join(folder, 'relay.db'))]).toEqual([null, true]);
      const there = found() as typeof old;
      expect(there).toEqual(there.last === null ? restored : old);
      if (there.last === null) expect([there.life > 7, found(ASIDE)]).toEqual([true, old]);
      expect(await command('restore')).toMatchObject({ code: 0 });
      expect([found(), found(ASIDE)]).toEqual([restored, old]);
      // the store before has one name, and no part of it another
      expect(readdirSync(folder).filter((name) => name.includes('before-restore.') && there.last !== null)).toEqual([]);
    }
    expect(kills).toBeGreaterThan(5);
    expect([found(), found(ASIDE)]).toEqual([restored, old]);
  });

  it('stays beside it where it cannot be read', async () => {
    await filled(await files(), []);
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    const kept = join(base, 'kept');
    killed(kept);
    const torn = Buffer.alloc(4096, 3);
    take(kept);
    writeFileSync(join(folder, 'relay.db'), torn);
    expect(await command('restore')).toMatchObject({ code: 0, said: expect.stringContaining(`The store before is ${ASIDE}.\n`) });
    expect(found()).toEqual(restored);
    expect(Buffer.compare(readFileSync(join(folder, ASIDE)).subarray(0, torn.length), torn)).toBe(0);
  });

  it('stays where it is while somebody reads it', async () => {
    await filled(await files(), []);
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    const kept = join(base, 'kept');
    killed(kept);
    take(kept);
    const reader = new DatabaseSync(join(folder, 'relay.db'));
    reader.exec('BEGIN; SELECT * FROM meta');
    expect(await command('restore')).toEqual({ code: 1, said: 'The store that is there cannot be put aside: somebody reads it, or the disk is full. Nothing was restored, and the store is as it was.\n' });
    reader.close();
    expect([found(), readdirSync(folder).filter((name) => name.includes('restore'))]).toEqual([old, []]);
  });
});

it('a backup, and what is on its way to one and from one, is for its owner’s eyes alone from its first byte on', { timeout: 60_000 }, async () => {
  await filled(await files());
  chmodSync(join(folder, 'relay.db'), 0o640);
  // a lock says nothing
  const open = (): readonly string[] =>
    [base, folder].flatMap((under) => readdirSync(under).filter((name) => /^backup|^relay\.db\.coming/.test(name)).map((name) => join(under, name)))
      .filter((path) => !path.includes('.lock') && (lstatSync(path).mode & 0o077) !== 0);
  for (const what of ['backup', 'restore'] as const) {
    // as one that came over from somewhere
    if (what === 'restore') chmodSync(file, 0o644);
    const before = open();
    for (let nth = 1; (await command(what, killedAt(nth))).code !== 0; nth++) expect(open()).toEqual(before);
  }
  expect(lstatSync(join(folder, 'relay.db')).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(folder, ASIDE)).mode & 0o777).toBe(0o640);
});

describe('backup and restore with attachments in a bucket', () => {
  const keys = { CAREFOLD_S3_KEY: 'S3RVER', CAREFOLD_S3_SECRET: 'S3RVER' };

  it('leave them there, note those that it lacks, put there what a backup carries, and end when it does not answer', { timeout: 30_000 }, async () => {
    const s3 = await startS3();
    try {
      const env = { ...keys, CAREFOLD_S3: s3.url };
      const bucket = await blobS3({ url: s3.url, key: 'S3RVER', secret: 'S3RVER', region: 'us-east-1' }, join(folder, 'coming'));
      await filled(bucket);
      expect(await command('backup', env)).toEqual({ code: 0, said: `0 groups are in ${file}. Attachments stay in the bucket: nothing of them is in it.\nrelay.key is not in it: keep that apart.\n` });
      await bucket.drop(1, blobId(one));
      expect(await command('restore', env)).toMatchObject({ code: 0, said: expect.stringContaining(`0 groups are in ${folder} again, and 3 attachments in the bucket. 1 attachments were missing or damaged.\n`) });
      expect(sizes()).toEqual([-1, 50_000, 50_000, 50_000]);

      for (const bytes of ONES) await bucket.drop(1, blobId(bytes));
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      await filled(await files());
      rmSync(file);
      expect(await command('backup')).toMatchObject({ code: 0 });
      expect(await command('restore', env)).toMatchObject({ code: 0, said: expect.stringContaining('4 attachments in the bucket.\n') });
      for (const bytes of ONES) expect(await bucket.get(1, blobId(bytes))).not.toBeNull();

      const unnamed = { ...env, CAREFOLD_S3: s3.url.replace('carefold', 'elsewhere') };
      expect(await command('restore', unnamed)).toEqual({ code: 1, said: 'An attachment could not be looked for in the bucket: there is no such bucket. Nothing was restored, and the store is as it was.\n' });

      await s3.stop();
      const store = readFileSync(join(folder, 'relay.db'));
      expect(await command('restore', env)).toEqual({ code: 1, said: 'An attachment could not be looked for in the bucket: it cannot be read. Nothing was restored, and the store is as it was.\n' });
      expect(Buffer.compare(readFileSync(join(folder, 'relay.db')), store)).toBe(0);
    } finally {
      await s3.discard();
    }
  });

  it('are refused where the store is in PostgreSQL, whatever lies in the folder', async () => {
    await filled(await files(), []);
    const env = { ...keys, CAREFOLD_POSTGRES: 'postgres://carefold@127.0.0.1:1/carefold', CAREFOLD_S3: 'http://127.0.0.1:1/carefold' };
    for (const what of ['backup', 'restore'] as const) {
      const { code, said } = await command(what, env);
      expect(said).toMatch(/^The store is in PostgreSQL \(CAREFOLD_POSTGRES\): .*pg_dump.*admin new-life.*\n$/);
      expect([code, readdirSync(base)]).toEqual([1, ['data']]);
    }
  });
});

describe.runIf(process.getuid?.() === 0)('what root restores', () => {
  const nobody = 65_534;
  /** By name, of all that lies under a folder. */
  const owners = (under: string): readonly (readonly [string, number, number])[] =>
    readdirSync(under, { recursive: true, encoding: 'utf8' }).map((name) => {
      const { uid, gid } = lstatSync(join(under, name));
      return [name, uid, gid] as const;
    });

  it('belongs to whom the folder belongs, and can be written by them, however it ends', async () => {
    await filled(await files());
    expect(backUp(folder, file)).toMatchObject({ ok: true });
    // as one that was put away
    chmodSync(file, 0o400);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    chownSync(folder, nobody, nobody);
    expect(await command('restore')).toMatchObject({ code: 0 });
    const all = owners(folder);
    expect(all.length).toBeGreaterThan(10);
    expect(all.filter(([, uid, gid]) => uid !== nobody || gid !== nobody)).toEqual([]);
    expect(lstatSync(join(folder, 'relay.db')).mode & 0o777).toBe(0o600);

    const last = (asked('SELECT id FROM blobs ORDER BY rowid DESC LIMIT 1') as { id: Uint8Array }[])[0]?.id as Bytes;
    for (const name of readdirSync(join(folder, 'blobs'))) if (name !== 'coming') rmSync(join(folder, 'blobs', name), { recursive: true });
    writeFileSync(join(folder, 'blobs', hex(last).slice(0, 2)), 'no folder');
    chownSync(join(folder, 'blobs', hex(last).slice(0, 2)), nobody, nobody);
    expect(await command('restore')).toMatchObject({ code: 1 });
    expect(owners(folder).filter(([, uid]) => uid !== nobody)).toEqual([]);
  });
});
