/** A whole roster from its genesis, for those who start with an id and the relay's key alone: each entry receipted, each chain hash right. */
import type { Bytes, GroupId, Hash, RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { ReceiptedEntry } from '$crypto/frames';
import { type Receipt, verifyReceipt } from '$crypto/receipt';
import { decodeEntry } from '$crypto/roster/entry';
import { begin, fold } from '$crypto/roster/fold';
import { GROUP_VERSION } from '$crypto/roster/rules';
import type { RosterState } from '$crypto/roster/state';
import type { Link } from '../sync/link';
import type { EntryRow } from './group-rows';

export interface Folding { readonly state: RosterState | null; readonly entries: readonly EntryRow[] }

/** Whether a receipt is by another key than the one before it. */
export const isMove = (before: EntryRow | undefined, receipt: Receipt): boolean => before !== undefined && !equal(receipt.relayPk, before.receipt.relayPk);

/** Whether an entry names this as the relay's key (PROTOCOL §7.1); whether it counts the fold says. */
export function namesKey(entry: Bytes, relayPk: RelayPk): boolean {
  const d = decodeEntry(entry);
  return d.ok && d.value.body.kind === 'relay' && equal(d.value.body.relayPk, relayPk);
}

/** The folding after more entries; null when one of them is not the next, not receipted by the key that the owner named last, or not what its receipt names. */
export function foldMore(group: GroupId, before: Folding, items: readonly ReceiptedEntry[]): Folding | null {
  let { state } = before;
  const entries = [...before.entries];
  for (const { entry, receipt } of items) {
    if (receipt.seq <= entries.length) continue;
    // from there on another app has to judge
    if (state !== null && state.version > GROUP_VERSION) return null;
    const moves = isMove(entries.at(-1), receipt);
    if (receipt.seq !== entries.length + 1 || (moves && !namesKey(entry, receipt.relayPk)) || !verifyReceipt(group, receipt)) return null;
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
    if ((moves && isVoid) || !equal(state.chains[state.seq - 1] as Hash, receipt.chain)) return null;
    entries.push({ entry, receipt, void: isVoid });
  }
  return { state, entries };
}

/** Asks for all of it; null when the relay does not answer or its answers do not fit. */
export async function foldReceipted(link: Link, group: GroupId, relayPk: RelayPk, before: Folding = { state: null, entries: [] }): Promise<{ state: RosterState; entries: readonly EntryRow[] } | null> {
  for (let now = before; ; ) {
    const f = await link.ask({ is: 'roster', group, after: now.entries.length });
    if (f?.is !== 'entries') return null;
    const next = foldMore(group, now, f.items);
    if (next === null || (f.more && next.entries.length === now.entries.length)) return null;
    now = next;
    // what came before the key that is known is covered by the chain in its receipts, what comes after by the owner's entries
    if (!f.more) return now.state === null || !now.entries.some((e) => equal(e.receipt.relayPk, relayPk)) ? null : { state: now.state, entries: now.entries };
  }
}
