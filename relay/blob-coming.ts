/** What is on its way to a blob store: written and hashed in a folder of this relay's own, so that nothing half or wrong ever stands under a name. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobId } from '../crypto/brand';
import { err, type Result } from '../crypto/result';
import { checked, type Chunks, faultOf, type PutFault } from './blobs';

type Put = Result<number, PutFault>;
export interface Whole {
  readonly path: string;
  /** What was hashed, whatever stands at the path meanwhile. */
  readonly file: FileHandle;
  readonly size: number;
}
/** Takes a stream to its end and hands what is whole to `keep`; the file is gone afterwards, unless it was moved. */
export type Come = (id: BlobId, chunks: Chunks, keep: (whole: Whole) => Promise<Put>) => Promise<Put>;

/** Clears what an interrupted upload left in the folder. */
export async function blobComing(folder: string): Promise<Come> {
  await mkdir(folder, { recursive: true });
  for (const left of await readdir(folder)) await rm(join(folder, left), { force: true });
  return async (id, chunks, keep) => {
    const path = join(folder, randomUUID());
    try {
      const file = await open(path, 'wx+', 0o600);
      try {
        const size = await checked(id, chunks, async (chunk) => {
          for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
        });
        return size.ok ? await keep({ path, file, size: size.value }) : size;
      } finally {
        await file.close();
      }
    } catch (e) {
      return err(faultOf(e));
    } finally {
      await rm(path, { force: true });
    }
  };
}
