/**
 * Lanes (PROTOCOL §15): a Yjs document for one member and epoch, the merge of what its devices' logs say in it. A writer makes updates; a check decodes an
 * incoming one by counting, never by time, before anything is applied.
 */
import * as Y from 'yjs';
import type { Bytes } from '$crypto/brand';
import type { Random } from '$crypto/sodium';
import { err, ok, type Result } from '$crypto/result';
import { scanUpdate } from './lane-scan';
import type { CareRecord } from './record';

const SPAN = 2 ** 32;
/** Records in one update. */
export const RECORDS_MOST = 512;

export type LaneFault = 'malformed' | 'foreign-client' | 'wrong-root' | 'gap' | 'deletes' | 'too-deep' | 'too-many';

export interface LaneUpdate { readonly client: number; readonly clock: number; readonly records: readonly unknown[] }

/** A Yjs document that makes this device's updates within one epoch; never persisted, never reused. */
export class LaneWriter {
  private readonly doc = new Y.Doc({ gc: false });
  readonly client: number;

  constructor(device: number, readonly epoch: number, random: Random) {
    const r = random(4);
    this.client = device * SPAN + new DataView(r.buffer, r.byteOffset, 4).getUint32(0);
    this.doc.clientID = this.client;
  }
  /** One V1 update that appends the records. */
  write(records: readonly CareRecord[]): Bytes {
    let made: Bytes | null = null;
    const take = (u: Uint8Array): void => void (made = u.slice());
    this.doc.on('update', take);
    this.doc.getArray(String(this.client)).push([...records]);
    this.doc.off('update', take);
    if (made === null) throw new Error('no records to write');
    return made;
  }
}

/** What an update from `device` appends; `next` tells the next clock of a clientID in the update's epoch, of one that claims to go on at `clock`. */
export function checkUpdate(update: Bytes, device: number, next: (client: number, clock: number) => number | undefined): Result<LaneUpdate, LaneFault> {
  const scanned = scanUpdate(update);
  if (!scanned.ok) return scanned;
  const { client, clock, root, origin, count } = scanned.value;
  if (!Number.isSafeInteger(client) || Math.floor(client / SPAN) !== device) return err('foreign-client');
  if (clock !== (next(client, clock) ?? 0)) return err('gap');
  if (clock === 0 ? root !== String(client) : origin === null || origin.client !== client || origin.clock !== clock - 1) return err('wrong-root');
  if (count > RECORDS_MOST) return err('too-many');
  return ok({ client, clock, records: recordsOf(update) });
}

/** The values that an update of ours, or one that was scanned, appends. */
export function recordsOf(update: Bytes): readonly unknown[] {
  const struct = Y.decodeUpdate(update).structs[0];
  const content = struct instanceof Y.Item ? struct.content : null;
  return content instanceof Y.ContentAny ? (content.arr as unknown[]) : [];
}

/** A lane's document from its updates, in any order, repeats included. */
export function laneDocument(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc({ gc: false });
  for (const u of updates) Y.applyUpdate(doc, u);
  return doc;
}
