/** What becomes of the relay's process and of its store: deaths, copies, and a copy put in the store's place. */
import { dirname, join } from 'node:path';
import { backUp, restore } from '../../relay/backup';
import { localLog } from '../../relay/log-sqlite';
import { copyStore, type Start } from './base';
import type { Life } from './life';

export class RelayStore {
  /** A backup as the operator makes one, and the bare file of the same moment. */
  private copies: { readonly backup: string; readonly bare: string } | null = null;
  /** Whether an earlier store was put back. */
  isRestored = false;
  private made = 0;

  constructor(private readonly s: Start) {}

  get hasCopy(): boolean {
    return this.copies !== null;
  }
  /** The process dies and begins again; `keeps`: what was under way was written. */
  crash(keeps: boolean): void {
    const { world, log, seats } = this.s;
    log.crash(keeps);
    log.fate = () => 'done';
    for (const s of seats) s.device.cut();
    world.serve(log);
  }
  copy(): void {
    const folder = dirname(this.s.store);
    const backup = join(folder, `backup ${++this.made}`);
    const done = backUp(folder, backup);
    if (!done.ok) throw new Error(done.fault);
    this.copies = { backup, bare: copyStore(this.s.store, `${backup} bare`) };
  }
  /** Who has what the relay is about to lose is noted first. */
  async putBack(l: Life): Promise<void> {
    const { world, log, store } = this.s;
    const { copies } = this;
    if (copies === null) return;
    this.copies = null;
    this.isRestored = true;
    l.truth.noteHolders(l.live);
    for (const s of l.seats) s.device.cut();
    log.crash(false);
    log.fate = () => 'done';
    await log.close();
    if (l.draw(2) === 0) {
      l.note('the relay is restored from a backup');
      const done = await restore(dirname(store), copies.backup, world.time.now);
      if (!done.ok) throw new Error(done.fault);
    } else {
      // somebody puts the old file there and says nothing; the mark beside it does
      l.note('the relay’s store is an older copy');
      copyStore(copies.bare, store);
    }
    log.real = localLog(store, world.time.now);
    world.serve(log);
  }
}
