/** Where ciphertext of attachments lies (PROTOCOL §14), by group number and id. A blob counts once it is whole and its hash is its name. */
import type { BlobId } from '../crypto/brand';
import { concat, equal, hex, unhex } from '../crypto/bytes';
import { blobHasher } from '../crypto/kept';
import { LIMIT } from '../crypto/limits';
import { err, ok, type Result } from '../crypto/result';

export type PutFault = 'wrong-hash' | 'too-large' | 'full' | 'unavailable';
/** Of an error on the way to the disk. */
export const faultOf = (e: unknown): 'full' | 'unavailable' => (typeof e === 'object' && e !== null && 'code' in e && (e.code === 'ENOSPC' || e.code === 'EDQUOT') ? 'full' : 'unavailable');
export type Chunks = AsyncIterable<Uint8Array>;

export interface Placed { readonly g: number; readonly id: BlobId }
/** Parts into which blobs fall by the first byte of their ids. */
export const PARTS = 256;

export interface Blobs {
  /** Takes a stream to its end and keeps it durably when its hash is `id`; its size in bytes. */
  put(g: number, id: BlobId, chunks: Chunks): Promise<Result<number, PutFault>>;
  /** A stream of the bytes; null when there are none. */
  get(g: number, id: BlobId): Promise<Chunks | null>;
  /** Whether none is there any more. */
  drop(g: number, id: BlobId): Promise<boolean>;
  /** What lies in one part since before a time (milliseconds since 1970), some at a time; nothing where that cannot be asked. */
  old(part: number, before: number): AsyncIterable<readonly Placed[]>;
}

/** A name in a folder, a bucket or memory, `<group>.<id>`; null for any other. */
export function placedAs(name: string): Placed | null {
  const [, g, digits] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(name) ?? [];
  const id = digits === undefined ? null : unhex(digits);
  return id === null ? null : { g: Number(g), id: id as BlobId };
}

/** Passes a stream on while it counts and hashes; the size, or why it is not the blob it claims to be. */
export async function checked(id: BlobId, chunks: Chunks, each: (chunk: Uint8Array) => Promise<void>): Promise<Result<number, PutFault>> {
  const hasher = blobHasher();
  let size = 0;
  let ended = false;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > LIMIT.blob) return err('too-large');
      hasher.add(chunk);
      await each(chunk);
    }
    ended = true;
  } catch (e) {
    return err(faultOf(e));
  } finally {
    if (!ended) hasher.id();
  }
  return equal(hasher.id(), id) ? ok(size) : err('wrong-hash');
}

/** Blobs in memory, for tests; all are old. */
export function memoryBlobs(): Blobs {
  const kept = new Map<string, Uint8Array>();
  const name = (g: number, id: BlobId): string => `${g}.${hex(id)}`;
  return {
    async put(g, id, chunks) {
      const parts: Uint8Array[] = [];
      const size = await checked(id, chunks, async (c) => void parts.push(c.slice()));
      if (size.ok) kept.set(name(g, id), concat(...parts));
      return size;
    },
    async get(g, id) {
      const bytes = kept.get(name(g, id));
      if (bytes === undefined) return null;
      return (async function* () {
        yield bytes;
      })();
    },
    drop: async (g, id) => kept.delete(name(g, id)) || true,
    async *old(part) {
      yield [...kept.keys()].flatMap((n) => placedAs(n) ?? []).filter(({ id }) => id[0] === part);
    }
  };
}
