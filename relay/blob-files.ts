/** Blobs as files, `xx/<group>.<id>`: written beside, synced, then renamed, so that a name never stands for half a file. */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobId } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { err } from '../crypto/result';
import { type Blobs, checked } from './blobs';

/** Opens the folder and clears what an interrupted upload left. */
export async function blobFiles(folder: string): Promise<Blobs> {
  const coming = join(folder, 'coming');
  await mkdir(coming, { recursive: true });
  for (const left of await readdir(coming)) await rm(join(coming, left), { force: true });
  const place = (g: number, id: BlobId): { readonly under: string; readonly path: string } => {
    const name = hex(id);
    const under = join(folder, name.slice(0, 2));
    return { under, path: join(under, `${g}.${name}`) };
  };
  let count = 0;

  return {
    async put(g, id, chunks) {
      const temporary = join(coming, String(++count));
      try {
        const file = await open(temporary, 'wx', 0o600);
        try {
          const size = await checked(id, chunks, async (chunk) => {
            for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
          });
          if (!size.ok) return size;
          await file.sync();
          const { under, path } = place(g, id);
          await mkdir(under, { recursive: true });
          await rename(temporary, path);
          await syncFolder(under);
          return size;
        } finally {
          await file.close();
        }
      } catch {
        return err('unavailable');
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async get(g, id) {
      const { path } = place(g, id);
      const found = await stat(path).catch(() => null);
      return found === null ? null : createReadStream(path, { highWaterMark: 256 * 1024 });
    },
    drop: (g, id) => rm(place(g, id).path, { force: true })
  };
}

/** Makes a rename durable; not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
