/** Receipted entries folded by those who are not in the group yet, or not again: each receipted, each chain hash right. */
import type { Bytes, GroupId, Hash, RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { ReceiptedEntry } from '$crypto/frames';
import { verifyReceipt } from '$crypto/receipt';
import { decodeEntry } from '$crypto/roster/entry';
import { begin, fold } from '$crypto/roster/fold';
import type { RosterState } from '$crypto/roster/state';
import type { Around } from './group-run';
import type { EntryRow } from './group-rows';

export interface Folding { readonly state: RosterState | null; readonly entries: readonly EntryRow[] }

/** How far it came. `short`: one is not the next, not receipted by the key that the owner named last, or past what this app can judge. `other`: another history than the receipts or the link name. */
export interface Folded extends Folding { readonly took: 'all' | 'short' | 'other' }

/** A place in the roster that somebody else saw, with the key that receipted it. */
export interface Named { readonly seq: number; readonly chain: Hash; readonly relayPk: RelayPk }

const NOTHING: Folding = { state: null, entries: [] };

/** Whether an entry names this as the relay's key (PROTOCOL §7.1); whether it counts the fold says. */
export function namesKey(entry: Bytes, relayPk: RelayPk): boolean {
  const d = decodeEntry(entry);
  return d.ok && d.value.body.kind === 'relay' && equal(d.value.body.relayPk, relayPk);
}

/** The roster after one more entry; null when none begins with it, or it `moves` to another key without counting: that takes the owner's word (PROTOCOL §7.1). */
export function foldOne(group: GroupId, state: RosterState | null, { entry, receipt }: ReceiptedEntry, moves: boolean): { readonly state: RosterState; readonly isVoid: boolean } | null {
  if (state === null) {
    const first = begin(group, entry, receipt.time);
    return first.ok ? { state: first.value, isVoid: false } : null;
  }
  const next = fold(state, entry, receipt.time, receipt.relayPk);
  const isVoid = next.void !== null;
  return moves && isVoid ? null : { state: next.state, isVoid };
}

/** The folding after more entries, as far as they go; `knows`: the newest version that this app can judge. None of another history counts. */
export function foldMore(group: GroupId, before: Folding, items: readonly ReceiptedEntry[], knows: number, named: Named | null = null): Folded {
  let { state } = before;
  const entries = [...before.entries];
  for (const item of items) {
    const { entry, receipt } = item;
    if (receipt.seq <= entries.length) continue;
    const last = entries.at(-1);
    const moves = last !== undefined && !equal(receipt.relayPk, last.receipt.relayPk);
    const isNext = (state === null || state.version <= knows) && receipt.seq === entries.length + 1 && (!moves || namesKey(entry, receipt.relayPk)) && verifyReceipt(group, receipt);
    const next = isNext ? foldOne(group, state, item, moves) : null;
    if (next === null) return { state, entries, took: 'short' };
    const at = next.state.chains[next.state.seq - 1] as Hash;
    const isNamed = named === null || next.state.seq !== named.seq || (equal(at, named.chain) && equal(receipt.relayPk, named.relayPk));
    if (!equal(at, receipt.chain) || !isNamed) return { ...NOTHING, took: 'other' };
    ({ state } = next);
    entries.push({ entry, receipt, void: next.isVoid });
  }
  return { state, entries, took: 'all' };
}

/** Asks for all of it; null when the relay does not answer or its answers do not fit. */
export async function foldReceipted({ link, knows }: Pick<Around, 'link' | 'knows'>, group: GroupId, relayPk: RelayPk): Promise<{ state: RosterState; entries: readonly EntryRow[] } | null> {
  for (let now = NOTHING; ; ) {
    const f = await link.ask({ is: 'roster', group, after: now.entries.length });
    if (f?.is !== 'entries') return null;
    const next = foldMore(group, now, f.items, knows);
    if (next.took !== 'all' || (f.more && next.entries.length === now.entries.length)) return null;
    now = next;
    // what came before the key that is known is covered by the chain in its receipts, what comes after by the owner's entries
    if (!f.more) return now.state === null || !now.entries.some((e) => equal(e.receipt.relayPk, relayPk)) ? null : { state: now.state, entries: now.entries };
  }
}
