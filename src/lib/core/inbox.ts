/**
 * The envelopes that are on this device: those that are stored, and over them what there was no room for yet. Whoever reads only what is
 * stored would take what waits in memory for something that never came.
 */
import type { Row } from '../store/store';
import type { GroupRun } from './group-run';
import { type InboxRow, keyOf, read } from './group-rows';
import { unpack } from './pack';

const PAGE = 500;

/** Page by page in the order of the feed, with their keys; `from`: only what stands behind that place. */
export async function* envelopesHere(run: GroupRun, from = 0): AsyncGenerator<{ readonly key: string; readonly row: InboxRow }[]> {
  const all = keyOf.envelopes(run.ref);
  for (let after: string | undefined = keyOf.envelope(run.ref, from); after !== undefined; ) {
    // what is stored while the store is read is in both
    const waiting = run.unkept;
    const rows: readonly Row[] = await run.around.store.range('inbox', all, { after, most: PAGE });
    const last: string | undefined = rows.length < PAGE ? undefined : rows.at(-1)?.key;
    const here = new Map(rows.map((r) => [r.key, r.value]));
    for (const { table, key, value } of waiting) {
      if (table !== 'inbox' || !key.startsWith(all) || key <= after || (last !== undefined && key > last)) continue;
      if (value === null) here.delete(key);
      else here.set(key, value);
    }
    yield [...here].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, row: unpack<InboxRow>(value) }));
    after = last;
  }
}

/** What stands at a place of the feed. */
export async function envelopeAt(run: GroupRun, seq: number): Promise<InboxRow | null> {
  const key = keyOf.envelope(run.ref, seq);
  const waiting = run.unkept.findLast((c) => c.table === 'inbox' && c.key === key);
  if (waiting === undefined) return read<InboxRow>(run.around.store, 'inbox', key);
  return waiting.value === null ? null : unpack<InboxRow>(waiting.value);
}
