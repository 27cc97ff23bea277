/** What waits for slow readers on all sockets of a process together: beyond so much nobody has more than an equal part of it. */
import { RATE } from './limits';

/** What is less, a reader takes in the next moment. */
const FEW = 16 * 1024;

/** One socket's part. */
export interface Reader {
  /** Bytes that were counted as waiting for it; 0 while they are few. */
  unread: number;
}

export class Unread {
  private bytes = 0;
  private readers = 0;

  /** So many bytes wait for a reader now. */
  count(r: Reader, waiting: number): void {
    const now = waiting > FEW ? waiting : 0;
    if (now === r.unread) return;
    this.readers += (now > 0 ? 1 : 0) - (r.unread > 0 ? 1 : 0);
    this.bytes += now - r.unread;
    r.unread = now;
  }
  /** Whether a reader has more waiting than it may: in all, or than an equal part while all have too much together. */
  isTooMuch(r: Reader): boolean {
    return r.unread > RATE.unread || (this.bytes > RATE.unreadByAll && r.unread > RATE.unreadByAll / this.readers);
  }
}
