/** A whole roster from its genesis, for those who start with an id and the relay's key alone: each entry receipted, each chain hash right. */
import type { GroupId, Hash, RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { ReceiptedEntry } from '$crypto/frames';
import { verifyReceipt } from '$crypto/receipt';
import { begin, fold } from '$crypto/roster/fold';
import { GROUP_VERSION } from '$crypto/roster/rules';
import type { RosterState } from '$crypto/roster/state';
import type { Link } from '../sync/link';
import type { EntryRow } from './group-rows';

export interface Folding { readonly state: RosterState | null; readonly entries: readonly EntryRow[] }

/** The folding after more entries; null when one of them is not the next, not receipted by this relay, or not what its receipt names. */
export function foldMore(group: GroupId, relayPk: RelayPk, before: Folding, items: readonly ReceiptedEntry[]): Folding | null {
  let { state } = before;
  const entries = [...before.entries];
  for (const { entry, receipt } of items) {
    if (receipt.seq <= entries.length) continue;
    // from there on another app has to judge
    if (state !== null && state.version > GROUP_VERSION) return null;
    if (receipt.seq !== entries.length + 1 || !equal(receipt.relayPk, relayPk) || !verifyReceipt(group, receipt)) return null;
    let isVoid = false;
    if (state === null) {
      const first = begin(group, entry, receipt.time);
      if (!first.ok) return null;
      state = first.value;
    } else {
      const folded = fold(state, entry, receipt.time, receipt.relayPk);
      state = folded.state;
      isVoid = folded.void !== null;
    }
    if (!equal(state.chains[state.seq - 1] as Hash, receipt.chain)) return null;
    entries.push({ entry, receipt, void: isVoid });
  }
  return { state, entries };
}

/** Asks for all of it; null when the relay does not answer or its answers do not fit. */
export async function foldReceipted(link: Link, group: GroupId, relayPk: RelayPk, before: Folding = { state: null, entries: [] }): Promise<{ state: RosterState; entries: readonly EntryRow[] } | null> {
  for (let now = before; ; ) {
    const f = await link.ask({ is: 'roster', group, after: now.entries.length });
    if (f?.is !== 'entries') return null;
    const next = foldMore(group, relayPk, now, f.items);
    if (next === null || (f.more && next.entries.length === now.entries.length)) return null;
    now = next;
    if (!f.more) return now.state === null ? null : { state: now.state, entries: now.entries };
  }
}
