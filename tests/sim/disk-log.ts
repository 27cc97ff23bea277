/** The relay's log on its file, as a machine treats both: the process is killed, the power goes and with it what was not fsynced, the disk is full. */
import { appendFileSync, copyFileSync, existsSync } from 'node:fs';
import type { Call, CallName, Calls, Log, Reply } from '../../relay/log';
import { SqliteLog } from '../../relay/log-sqlite';
import { copyStore, forget, freshStore } from './stores';

interface Raw { prepare(sql: string): { get(): unknown }; exec(sql: string): void; close(): void }
/** What the log has open. */
interface Inside { readonly db: { readonly db: Raw; readonly lock: Raw | null } }
/** SQLite’s name for a commit that waits until its log is on the medium. */
const FULL = 2;
const ROOM = 1_000_000;
const GROWING = ['fresh', 'entries', 'lockboxes', 'cards', 'requests', 'blobs'] as const;

export class DiskLog implements Log {
  readonly isShared = false;
  private log: SqliteLog;
  private readonly left: string[] = [];
  /** How often a change was not kept. */
  troubles = 0;

  constructor(public path: string, now: number) {
    this.log = this.opened(now);
  }
  private opened(now: number): SqliteLog {
    return new SqliteLog(this.path, now, () => this.troubles++);
  }
  get incarnation(): number {
    return this.log.incarnation;
  }
  renewed(): void {
    // one process writes here
  }
  transact(calls: readonly Call[]): Reply<CallName>[] {
    return this.log.transact(calls) as Reply<CallName>[];
  }
  call<K extends CallName>(name: K, input: Calls[K][0], then: (reply: Reply<K>) => void): void {
    then(this.transact([{ name, input } as Call])[0] as Reply<K>);
  }
  /** So many pages more fit into the file; with none no row either, though a page had room for it. */
  hasRoomFor(pages: number): void {
    this.raw.exec(`PRAGMA max_page_count = ${this.asks('page_count') + pages}`);
    if (pages === 0) for (const t of GROWING) this.raw.exec(`CREATE TEMP TRIGGER IF NOT EXISTS full_${t} BEFORE INSERT ON ${t} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  }
  hasRoom(): void {
    this.raw.exec(`PRAGMA max_page_count = ${ROOM}`);
    for (const t of GROWING) this.raw.exec(`DROP TRIGGER IF EXISTS full_${t}`);
  }
  /**
   * Dies and begins again with what is on the medium. `power`: the machine dies too, and takes along what SQLite was not asked to fsync.
   * `torn`: what was being written when it happened.
   */
  kill(now: number, power: boolean, torn: Uint8Array): void {
    const to = freshStore();
    const isKept = !power || this.asks('synchronous') >= FULL;
    copyFileSync(this.path, to);
    if (isKept && existsSync(`${this.path}-wal`)) {
      copyFileSync(`${this.path}-wal`, `${to}-wal`);
      appendFileSync(`${to}-wal`, torn);
    }
    if (existsSync(`${this.path}.mark`)) copyFileSync(`${this.path}.mark`, `${to}.mark`);
    const { db, lock } = (this.log as unknown as Inside).db;
    db.close();
    lock?.close();
    this.left.push(this.path);
    this.path = to;
    this.log = this.opened(now);
  }
  /** Ends in order; what is put in the file's place by `then` is what the next process finds. */
  async replaced(now: () => number, then: (path: string) => Promise<void> | void): Promise<void> {
    this.log.close();
    await then(this.path);
    this.log = this.opened(now());
  }
  copyTo(to: string): string {
    return copyStore(this.path, to);
  }
  async close(): Promise<void> {
    this.log.close();
    for (const path of [...this.left, this.path]) forget(path);
  }

  private get raw(): Raw {
    return (this.log as unknown as Inside).db.db;
  }
  private asks(pragma: string): number {
    return (this.raw.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[pragma] as number;
  }
}
