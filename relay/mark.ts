/**
 * A number beside the store and in it, raised at every start and end and now and then between. When the store's is the lower one, an older
 * copy was put in its place without a word: then a new life begins by itself (PROTOCOL §11.6).
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Sqlite } from './sqlite';

export interface Mark {
  /** Whether the store is older than the file beside it. */
  isOlder(): boolean;
  /** Raises both, the store first. */
  move(): void;
}

const NONE: Mark = { isOlder: () => false, move: () => undefined };

/** The number beside a store; 0 when there is none. */
export function besideOf(path: string): number {
  try {
    return Number(readFileSync(`${path}.mark`, 'latin1')) || 0;
  } catch {
    return 0;
  }
}

export function markOf(db: Sqlite, path: string): Mark {
  if (path === ':memory:') return NONE;
  const file = `${path}.mark`;
  const inStore = (): number => (db.one("SELECT value FROM meta WHERE name = 'mark'")?.['value'] as number | undefined) ?? 0;
  const beside = (): number => besideOf(path);
  return {
    isOlder: () => inStore() < beside(),
    move: () => {
      try {
        const next = Math.max(inStore(), beside()) + 1;
        db.run("INSERT OR REPLACE INTO meta VALUES ('mark', ?)", next);
        writeFileSync(`${file}.new`, String(next), { flush: true });
        renameSync(`${file}.new`, file);
      } catch {
        // a full disk: the numbers stay, and the next time will do
      }
    }
  };
}
