/** Lanes as devices keep them, to compare them byte by byte. */
import * as Y from 'yjs';
import type { Bytes } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { laneDocument } from '../../src/lib/care/lane';
import type { Seat } from './circle';

/** Each member's lane as a device keeps it: the document's own canonical bytes. */
export async function lanesOf(seat: Seat): Promise<Record<string, string>> {
  const { run } = seat;
  await run.turns.take(() => run.flush());
  const rows = await run.around.store.cacheRange('lane', `${run.ref}/`);
  const members = new Map([...run.state.members.values()].map((m) => [run.localName(m.tag), hex(m.tag)]));
  const lanes = new Map<string, Uint8Array[]>();
  for (const { key, value } of rows) {
    const member = members.get(key.split('/')[1] as string) as string;
    lanes.set(member, [...(lanes.get(member) ?? []), value]);
  }
  return Object.fromEntries([...lanes].map(([member, updates]) => [member, hex(Y.encodeStateAsUpdate(laneDocument(updates)) as Bytes)]));
}
