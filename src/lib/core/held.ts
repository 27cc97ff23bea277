/** Envelopes that wait in memory for what comes before them, or for what it takes to judge them; they are stored as `held`. */
import { base64url } from '$crypto/bytes';
import { readEnvelope } from '$crypto/envelope';
import type { StoredEnvelope } from '$crypto/frames';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';

/** Most envelopes of one log that wait, and their bytes. */
export const HELD = { most: 20_000, bytes: 16 * 1024 * 1024 };

/** The end of a signature stands for the whole, within one place. */
export const markOf = (e: StoredEnvelope): string => `${e.device} ${e.n} ${base64url(e.envelope.slice(-24))}`;

/** The relay's own word of an envelope's number must be the envelope's. */
export function isMislabelled(item: StoredEnvelope): boolean {
  const read = readEnvelope(item.envelope);
  return read.ok && read.value.header.n !== item.n;
}

/** Lets rows of one log wait. */
export function keep(run: GroupRun, rows: readonly InboxRow[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const there = run.held.get(first.device) ?? [];
  let count = there.length;
  let bytes = there.reduce((sum, h) => sum + h.envelope.length, 0);
  for (const r of rows) {
    bytes += r.envelope.length;
    // read again once there is room
    if (++count > HELD.most || bytes > HELD.bytes) return run.noteOdd(`${r.device} more`);
    run.hold(r);
  }
}
