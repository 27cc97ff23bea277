/**
 * When the relay's roster and ours are not one (PROTOCOL §7, §11.6): the first place where they differ says whether it forked the group,
 * which two receipts of one life prove, or was restored and went on without what only this device had.
 */
import { equal } from '$crypto/bytes';
import type { ReceiptedEntry } from '$crypto/frames';
import { verifyReceipt } from '$crypto/receipt';
import type { GroupRun } from './group-run';
import { type EntryRow, type ForkRow, keyOf, put } from './group-rows';

/** Finds that place and does what it asks for. True when this device stops. */
export async function settleSplit(run: GroupRun): Promise<boolean> {
  run.isSplit = false;
  const pair = await firstDifference(run);
  if (pair === null) return run.alarm === 'fork';
  const { ours, theirs } = pair;
  if (ours.receipt.incarnation === theirs.receipt.incarnation) {
    run.alarm = 'fork';
    run.row.ended = 'forked';
    await run.commitOrCarryOn([put('group', run.ref, run.row), put('roster', keyOf.fork(run.ref), { ours, theirs } satisfies ForkRow)]);
    await tellOthers(run, ours);
  } else if (run.alarm !== 'fork') {
    run.alarm = null;
    run.row.ended = 'overtaken';
    await run.commitOrCarryOn([put('group', run.ref, run.row)]);
  }
  return true;
}

/** Our receipt, so that those who hold the other one have the proof too (P20). The relay may keep it from them; an honest one does not. */
export async function tellOthers(run: GroupRun, ours: EntryRow): Promise<void> {
  await run.around.link.ask({ is: 'give-entries', group: run.row.id, items: [{ entry: ours.entry, receipt: ours.receipt }] });
}

async function firstDifference(run: GroupRun): Promise<{ ours: EntryRow; theirs: ReceiptedEntry } | null> {
  for (let after = 0; after < run.entries.length; ) {
    const f = await run.around.link.ask({ is: 'roster', group: run.row.id, after });
    if (f?.is !== 'entries' || f.items.length === 0) return null;
    for (const theirs of f.items) {
      const { receipt } = theirs;
      const ours = run.entries[receipt.seq - 1];
      if (receipt.seq !== after + 1 || ours === undefined || !equal(receipt.relayPk, ours.receipt.relayPk) || !verifyReceipt(run.state.group, receipt)) return null;
      if (!equal(ours.receipt.chain, receipt.chain)) return { ours, theirs };
      after++;
    }
  }
  return null;
}
