/**
 * The part of the log about which attachments there are; their bytes lie elsewhere (blobs.ts), where nothing can be put and noted in one step. So
 * what is to be dropped there is noted as going first, and cannot be put again until it surely was: one text for every engine.
 */
import type { BlobId } from '../crypto/brand';
import type { Placed } from './blobs';
import { RATE } from './limits';
import { restoredAt } from './lives';
import type { CallName, Calls } from './log';
import { all, did, one, type Steps } from './steps';

/** In place of a size: an envelope names it and it is not there; none names it and it is being dropped. */
const LACKING = -1;
export const GOING = -2;
/** An envelope of a device names it. What was going without an envelope is nobody's yet. */
export const NAME_BLOB = `INSERT INTO blobs VALUES (?, ?, ?, ${LACKING}, ?, 1) ON CONFLICT (g, id) DO UPDATE SET named = 1, device = CASE blobs.size WHEN ${GOING} THEN excluded.device ELSE blobs.device END`;

function* blob({ g, id }: Calls['blob'][0]): Steps<Calls['blob'][1]> {
  const found = yield* one('SELECT device, size FROM blobs WHERE g = ? AND id = ?', g, id);
  return found === undefined || (found['size'] as number) < 0 ? null : { device: found['device'] as number, size: found['size'] as number };
}

export const BLOBS = {
  blob,
  *putBlob({ g, id, device, size, time }) {
    const isFree = `blobs.size = ${LACKING} OR (blobs.size = ${GOING} AND blobs.time <= ?)`;
    // one that was lost and is given back stays its author's
    const whose = 'CASE blobs.named WHEN 1 THEN blobs.device ELSE excluded.device END';
    const put = `INSERT INTO blobs VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (g, id) DO UPDATE SET device = ${whose}, size = excluded.size, time = excluded.time WHERE ${isFree} RETURNING size`;
    if ((yield* all(put, g, id, device, size, time, time - RATE.blobGoing)).length > 0) return 'kept';
    return (yield* blob({ g, id })) === null ? 'going' : 'kept';
  },
  dropBlob: ({ g, id, time }) => did(`UPDATE blobs SET size = ${GOING}, named = 0, time = ? WHERE g = ? AND id = ? AND size >= 0`, time, g, id),
  *strays({ blobs, time }) {
    const going: Placed[] = [];
    for (const b of blobs) if ((yield* all(`INSERT INTO blobs VALUES (?, ?, 0, ${GOING}, ?, 0) ON CONFLICT DO NOTHING RETURNING g`, b.g, b.id, time)).length > 0) going.push(b);
    return going;
  }
} satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };

/** Those that no envelope names and that were put earlier are going, from `time` on; what went is forgotten. Those of a store that was restored are as if put then: their envelopes may yet be given back. */
export function* sweepBlobs(before: number, time: number): Steps<readonly Placed[]> {
  yield* did(`DELETE FROM blobs WHERE named = 0 AND size = ${GOING} AND time <= ?`, time - RATE.blobGoing);
  if (((yield* restoredAt()) ?? -Infinity) >= before) return [];
  const found = yield* all(`UPDATE blobs SET size = ${GOING}, time = ? WHERE named = 0 AND size >= 0 AND time < ? RETURNING g, id`, time, before);
  return found.map((f) => ({ g: f['g'] as number, id: f['id'] as BlobId }));
}
