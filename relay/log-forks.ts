/** Proofs that the relay signed two entries for one place, as everybody of a group is shown them (PROTOCOL §11.6): the last few, each for a while. */
import type { Calls, Fork } from './log';

type Put = Calls['putFork'][0];

/** Whether one more may be shown beside those of the last while: another for the same place, or more than so many, has to wait. */
export const mayShow = (there: readonly Fork[], { item, most }: Put): boolean => there.length < most && there.every((f) => f.item.receipt.seq !== item.receipt.seq);

/** In the memory of a relay that has its store for itself. */
export class OwnForks {
  private readonly forks = new Map<number, readonly Fork[]>();

  put(p: Put): boolean {
    const there = this.of(p.g).filter((f) => f.time > p.since);
    const isShown = mayShow(there, p);
    this.forks.set(p.g, isShown ? [...there, { item: p.item, time: p.time }] : there);
    if (this.forks.size > GROUPS) this.forks.delete(this.forks.keys().next().value as number);
    return isShown;
  }
  of(g: number): readonly Fork[] {
    return this.forks.get(g) ?? [];
  }
}
/** A fork is rare; whoever makes many up is forgotten first. */
const GROUPS = 1000;
