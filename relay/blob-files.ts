/** Blobs as files, `xx/<group>.<id>`: written beside, synced, then renamed, so that a name never stands for half a file. */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobId } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { ok } from '../crypto/result';
import { blobComing } from './blob-coming';
import { type Blobs, type Placed, placedAs } from './blobs';

/** Names told at a time. */
const AT_ONCE = 500;

/** Opens the folder and clears what an interrupted upload left. */
export async function blobFiles(folder: string): Promise<Blobs> {
  const come = await blobComing(join(folder, 'coming'));
  const place = (g: number, id: BlobId): { readonly under: string; readonly path: string } => {
    const name = hex(id);
    const under = join(folder, name.slice(0, 2));
    return { under, path: join(under, `${g}.${name}`) };
  };

  return {
    put(g, id, chunks) {
      return come(id, chunks, async ({ path: from, file, size }) => {
        await file.sync();
        const { under, path } = place(g, id);
        await mkdir(under, { recursive: true });
        await rename(from, path);
        await syncFolder(under);
        return ok(size);
      });
    },
    async get(g, id) {
      // open from now on, so that it may go meanwhile; closed when it was read or is cancelled
      const file = await open(place(g, id).path, 'r').catch((e: unknown) => {
        if (isMissing(e)) return null;
        throw new Error('unavailable');
      });
      return file?.createReadStream({ highWaterMark: 256 * 1024 }) ?? null;
    },
    drop: (g, id) =>
      rm(place(g, id).path, { force: true }).then(
        () => true,
        () => false
      ),
    async *old(part, before) {
      const under = join(folder, part.toString(16).padStart(2, '0'));
      let some: Placed[] = [];
      for (const name of await readdir(under).catch(() => [])) {
        const placed = placedAs(name);
        const found = placed === null ? null : await stat(join(under, name)).catch(() => null);
        if (placed === null || found === null || found.mtimeMs >= before) continue;
        if (some.push(placed) < AT_ONCE) continue;
        yield some;
        some = [];
      }
      if (some.length > 0) yield some;
    }
  };
}

const isMissing = (e: unknown): boolean => typeof e === 'object' && e !== null && 'code' in e && e.code === 'ENOENT';

/** Makes a rename durable; not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
