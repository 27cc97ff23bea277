/**
 * What a connection reads from the store. A small question can have a large answer, and a burst of them is here at once: so many are read for a
 * connection at a time, the others wait for their turn, and are forgotten with it.
 */
import type { House } from './house';
import { RATE } from './limits';
import type { CallName, Calls, Reply } from './log';
import type { Connection } from './session';

/** Asks the store for a connection; `then` hears its answer. What has not had its turn when the connection ends is not asked. */
export function read<K extends CallName>(h: House, c: Connection, name: K, input: Calls[K][0], then: (r: Reply<K>) => void): void {
  const begin = (): void => {
    c.reading++;
    h.log.call(name, input, (r) => {
      c.reading--;
      const next = c.toRead?.shift();
      try {
        then(r);
      } finally {
        // in a turn of its own: a store that answers at once would go deeper with each
        if (next !== undefined) queueMicrotask(next);
      }
    });
  };
  if (c.reading < RATE.reads && (c.toRead?.length ?? 0) === 0) begin();
  else (c.toRead ??= []).push(begin);
}
