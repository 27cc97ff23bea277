/** A relay that signs two histories of one group, and the groups that this ends. */
import type { Hash } from '../../crypto/brand';
import type { FromRelay, ReceiptedEntry } from '../../crypto/frames';
import { signReceipt } from '../../crypto/receipt';
import { chainAfter } from '../../crypto/roster/entry';
import { signPair } from '../../crypto/verify';
import { seeded } from './actor';
import type { Seat } from './circle';
import { Rhea } from './rhea';
import type { World } from './world';

/** For some devices every entry that is new from now on comes at another time, so with another chain, under the relay's own signature. */
export function fork(rhea: Rhea, from: Seat, to: readonly Seat[]): void {
  const { sk } = signPair(seeded('relay')(32));
  const { entries, row } = from.run;
  const chains = new Map(entries.map((e) => [e.receipt.seq, e.receipt.chain]));
  const known = entries.length;
  const other = ({ entry, receipt }: ReceiptedEntry): ReceiptedEntry => {
    if (receipt.seq <= known) return { entry, receipt };
    const chain = chainAfter(chains.get(receipt.seq - 1) as Hash, entry, receipt.time + 1);
    chains.set(receipt.seq, chain);
    return { entry, receipt: signReceipt(row.id, { ...receipt, time: receipt.time + 1, chain }, sk) };
  };
  rhea.down = (f: FromRelay, device) => (f.is === 'entries' && to.some((s) => s.device === device) ? [{ ...f, items: f.items.map(other) }] : [f]);
}

/** Forks the group of these seats between the first and the second, and lets the two histories meet: all of them stop. */
export async function endInFork(world: World, [owner, other, ...more]: readonly [Seat, Seat, ...Seat[]]): Promise<Rhea> {
  const rhea = new Rhea(world);
  for (const s of [owner, other, ...more]) s.device.cut();
  await world.time.pass(3_000);
  fork(rhea, owner, [other]);
  await owner.device.must('rename-group', { group: owner.group, name: 'Forked' });
  await world.time.pass(500);
  rhea.repent();
  other.device.cut();
  await world.time.pass(30_000);
  return rhea;
}
