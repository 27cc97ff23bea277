/**
 * What a relay keeps in its own folder of groups that were destroyed in a store that several share: a copy of the store that is older than
 * that does not bring them back. It is what the store keeps of them, and no more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Bytes, GroupId, Hex } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { HASH } from '../crypto/hash';
import { decode, Writer } from '../crypto/wire';
import type { Tomb } from './log';

/** The file in a relay's folder. */
export const TOMBS = 'postgres.tombs';
/** Encoded receipts are some 140 bytes. */
const TOMB = 400;

export interface Tombs {
  /** By the group's id. */
  read(): Map<Hex<GroupId>, Tomb>;
  write(all: ReadonlyMap<Hex<GroupId>, Tomb>): Promise<void>;
}

export function tombsAt(path: string): Tombs {
  return {
    read() {
      if (!existsSync(path)) return new Map();
      const read = decode(new Uint8Array(readFileSync(path)), (r) => r.list(Number.MAX_SAFE_INTEGER, (x): Tomb => ({ group: x.fixed<GroupId>(HASH), tomb: x.bytes(TOMB) })));
      // one that cannot be read is made anew from the store
      return new Map(read.ok ? read.value.map((t) => [hex(t.group), t]) : []);
    },
    async write(all) {
      const bytes: Bytes = new Writer(200 * all.size).list([...all.values()], (t, w) => w.fixed(t.group).bytes(t.tomb)).done();
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    }
  };
}
