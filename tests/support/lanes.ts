/** Lanes as devices keep them, to compare them byte by byte. */
import * as Y from 'yjs';
import type { Bytes } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { readEnvelope } from '../../crypto/envelope';
import { laneDocument } from '../../src/lib/care/lane';
import { envelopesHere } from '../../src/lib/core/inbox';
import type { Seat } from './circle';

/** The updates that a device keeps, each under its lane: its member's of its epoch. */
export async function updatesOf({ run }: Seat): Promise<{ readonly lane: string; readonly update: Uint8Array }[]> {
  await run.turns.take(() => run.flush());
  const epochs = new Map<string, number>();
  for await (const rows of envelopesHere(run)) for (const { row } of rows) {
    const read = readEnvelope(row.envelope);
    if (read.ok && row.state === 'ok') epochs.set(`${row.device} ${row.n}`, read.value.header.epoch);
  }
  const members = new Map([...run.state.members.values()].map((m) => [run.localName(m.tag), hex(m.tag)]));
  return (await run.around.store.cacheRange('lane', `${run.ref}/`)).map(({ key, value }) => {
    const [, member, device, n] = key.split('/') as [string, string, string, string];
    return { lane: `${members.get(member)} ${epochs.get(`${Number(device)} ${Number(n)}`)}`, update: value };
  });
}
/** Each lane as a device keeps it: the document's own canonical bytes. */
export async function lanesOf(seat: Seat): Promise<Record<string, string>> {
  const lanes = new Map<string, Uint8Array[]>();
  for (const { lane, update } of await updatesOf(seat)) lanes.set(lane, [...(lanes.get(lane) ?? []), update]);
  return Object.fromEntries([...lanes].map(([lane, updates]) => [lane, laneBytes(updates)]));
}
export const laneBytes = (updates: readonly Uint8Array[]): string => hex(Y.encodeStateAsUpdate(laneDocument(updates)) as Bytes);
