/** What an operator says of a store in PostgreSQL that was restored, before relays use it again: a new life of it begins (PROTOCOL §11.6). */
import { join } from 'node:path';
import { hex } from '../crypto/bytes';
import type { Random } from '../crypto/sodium';
import { keysFor } from './keys';
import { knownLife, NOTE, restored } from './place-postgres';
import { connectTo, Line, UNHURRIED } from './postgres';
import { makeTables } from './schema-postgres';
import { runSoon } from './steps';

/** The number of the life that began. Rejects when the store cannot be reached, or belongs to a relay with another key than the one in `folder`. */
export async function newLife(folder: string, url: string, now: number, random: Random): Promise<number> {
  const sql = connectTo(url);
  try {
    const { keys, keep } = keysFor(folder, random);
    await makeTables(sql, now, hex(keys.pk), (keys.earlier ?? []).map((k) => hex(k.pk)), keep);
  } finally {
    await sql.end({ timeout: 1 });
  }
  const line = new Line(url, UNHURRIED);
  try {
    return await line.transaction((rows) => runSoon(restored(now, knownLife(join(folder, NOTE))), rows), () => Promise.resolve());
  } finally {
    await line.close();
  }
}
