/** What a relay holds, read from its database as the person who runs it could: envelopes, not words. */
import { DatabaseSync } from '@photostructure/sqlite';
import { join } from 'node:path';
import { readEnvelope } from '../../../crypto/header';
import { unpackStored } from '../../../crypto/packed';
import { FRESH_ROWS, SPAN, unwritten } from '../../../relay/fresh';
import type { Found } from '../../../relay/steps';

export interface Stored {
  /** Device and place in its log: unique for each envelope. */
  readonly log: number;
  readonly n: number;
  /** Seq of the roster entry that made the keys it is sealed with. */
  readonly epoch: number;
  readonly envelope: Uint8Array;
}

/** Every envelope in the relay's folder, in the order they came. */
export function envelopesIn(folder: string): Stored[] {
  const database = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT at, count, packed FROM batches ORDER BY at').all() as { at: number; count: number; packed: Uint8Array }[];
    const batches = rows.flatMap(({ at, count, packed }) => unpackStored({ count, bytes: new Uint8Array(packed) }).map((stored) => ({ g: Math.floor(at / SPAN), stored })));
    const last = (g: number): number => Math.max(0, ...batches.filter((b) => b.g === g).map((b) => b.stored.seq));
    const waiting = [...unwritten(database.prepare(FRESH_ROWS).iterate() as Iterable<Found>, last)];
    return [...batches, ...waiting].sort((a, b) => a.g - b.g || a.stored.seq - b.stored.seq).map(({ g, stored: { device, n, envelope } }) => {
      const read = readEnvelope(envelope);
      if (!read.ok) throw new Error(`the relay holds what is no envelope: ${read.fault}`);
      return { log: g * 2 ** 20 + device, n, epoch: read.value.header.epoch, envelope };
    });
  } finally {
    database.close();
  }
}
