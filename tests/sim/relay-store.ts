/** What becomes of the relay's process, machine and store: deaths, a full disk, copies, and a copy put in the store's place. */
import { dirname, join } from 'node:path';
import { backUp, restore } from '../../relay/backup';
import { ask } from '../../relay/log';
import type { Start } from './base';
import type { Life } from './life';
import { copyStore } from './stores';

/** What was being written when the power went is there in part, or as noise. */
const TORN = 6_000;

export class RelayStore {
  /** A backup as the operator makes one, and the bare file of the same moment. */
  private copies: { readonly backup: string; readonly bare: string } | null = null;
  /** Whether an earlier store was put back. */
  isRestored = false;
  private made = 0;
  private isDown = false;

  constructor(private readonly s: Start, private readonly l: Life) {
    s.log.died = () => {
      if (this.isDown) return;
      this.isDown = true;
      s.world.time.later(0, () => this.begin());
    };
  }

  get hasCopy(): boolean {
    return this.copies !== null;
  }
  /** The process dies; `keeps`: what was under way was written. */
  crash(keeps: boolean): void {
    this.s.log.die(keeps);
  }
  /** The process begins again with what its machine kept, on which power may have failed. */
  private begin(): void {
    const { world, log } = this.s;
    const { draw } = this.l;
    this.isDown = false;
    const power = draw(2) === 0;
    const { incarnation } = log.real;
    log.real.kill(world.time.now, power, new Uint8Array(draw(2) * draw(TORN)).map(() => draw(256)));
    // a store that is behind its mark begins a new life and is given back what it lost: no cure that an honest machine should need
    if (log.real.incarnation !== incarnation) this.l.truth.breach('lost', 'what the relay had kept was gone with the power');
    log.fate = () => 'done';
    log.pace = [0, 0, 1, 9, 60][draw(5)] as number;
    this.serve();
  }
  private serve(): void {
    const { world, log } = this.s;
    for (const d of world.devices) d.cut();
    world.serve(log.process());
  }
  /** What lies loose is laid together, whatever else the process is at. */
  async compact(): Promise<void> {
    for (const g of [1, 2]) await ask(this.s.log.real, 'compact', { g });
  }
  copy(): void {
    const { real } = this.s.log;
    const backup = join(dirname(real.path), `backup ${++this.made}`);
    const done = backUp(dirname(real.path), backup);
    if (!done.ok) throw new Error(done.fault);
    this.copies = { backup, bare: real.copyTo(`${backup} bare`) };
  }
  /** Who has what the relay is about to lose is noted first. */
  async putBack(): Promise<void> {
    const { world, log } = this.s;
    const { copies, l } = this;
    if (copies === null) return;
    this.copies = null;
    this.isRestored = true;
    l.truth.noteHolders(l.live);
    this.isDown = true;
    log.die();
    for (const d of world.devices) d.cut();
    log.fate = () => 'done';
    await log.real.replaced(() => world.time.now, async (path) => {
      if (l.draw(2) === 0) {
        l.note('the relay is restored from a backup');
        const done = await restore(dirname(path), copies.backup, world.time.now);
        if (!done.ok) throw new Error(done.fault);
      } else {
        // somebody puts the old file there and says nothing; the mark beside it does
        l.note('the relay’s store is an older copy');
        copyStore(copies.bare, path);
      }
    });
    this.isDown = false;
    this.serve();
  }
}
