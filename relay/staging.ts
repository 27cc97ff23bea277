/** Lockboxes that wait for the entry they belong to, of all sessions together: they come just before it, so what waits longest goes first when there are too many. */
import { RATE } from './limits';
import type { InviteSession, LogSession } from './session';

type Stager = LogSession | InviteSession;

export class Staging {
  /** In the order in which they began. */
  private readonly all = new Set<Stager>();
  /** At least what they hold: what was used since is still counted. */
  private bytes = 0;

  /** A session begins to leave lockboxes for another entry. */
  begin(s: Stager): void {
    this.all.delete(s);
    this.all.add(s);
  }
  /** So many bytes came. */
  came(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= RATE.stagedByAll) return;
    this.bytes = 0;
    for (const s of this.all) {
      if (s.staged === null) this.all.delete(s);
      else this.bytes += s.staged.bytes;
    }
    if (this.bytes <= RATE.stagedByAll) return;
    for (const s of this.all) {
      if (this.bytes <= RATE.stagedByAll / 2) return;
      this.bytes -= s.staged?.bytes ?? 0;
      s.staged = null;
      this.all.delete(s);
    }
  }
}
