/** What a relay holds, read from its database as the person who runs it could: envelopes, not words. */
import { DatabaseSync } from '@photostructure/sqlite';
import { join } from 'node:path';
import { readEnvelope } from '../../../crypto/header';

export interface Stored {
  /** Device and place in its log: unique for each envelope. */
  readonly log: number;
  readonly n: number;
  /** Seq of the roster entry that made the keys it is sealed with. */
  readonly epoch: number;
}

/** Every envelope in the relay's folder, in the order they came. */
export function envelopesIn(folder: string): Stored[] {
  const database = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT log, n, envelope FROM envelopes ORDER BY at').all() as { log: number; n: number; envelope: Uint8Array }[];
    return rows.map(({ log, n, envelope }) => {
      const read = readEnvelope(envelope);
      if (!read.ok) throw new Error(`the relay holds what is no envelope: ${read.fault}`);
      return { log: Number(log), n: Number(n), epoch: read.value.header.epoch };
    });
  } finally {
    database.close();
  }
}
