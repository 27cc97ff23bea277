/**
 * A relay's place in a store that it shares, and the store's life as this relay knows it (PROTOCOL §11.6). In the store each of its lines
 * has a number that every transaction raises; beside it, in the relay's own folder, stands how far they had come. A store that stands
 * lower than what it once confirmed is an older copy, however it came there: then a new life begins before anything is answered.
 */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import * as v from 'valibot';
import { hex } from '../crypto/bytes';
import type { Random } from '../crypto/sodium';
import { beginLife, lifeNow, NO_FEEDS } from './lives';
import type { Rows } from './postgres';
import { ALIVE, VERSION } from './schema-postgres';
import { all, did, type Found, one, runSoon, type Steps } from './steps';

/** The file in a relay's folder. */
export const NOTE = 'postgres.mark';
/** Numbers that are left out at a new life: a group's number stands for no other one, though the store forgot that it was given. */
const SKIPPED = 1_000_000;
/** Milliseconds between two notes in the folder. */
const NOTE_EVERY = 1000;

const PLACE = v.object({ node: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)), life: v.number(), marks: v.array(v.number()) });
type Note = v.InferOutput<typeof PLACE>;

/** The store's life, and the number of each line in it. */
interface Stand { readonly life: number; readonly marks: readonly number[] }

/** The store is another one than this relay knew: nothing of what was asked was done. */
export class Renewed extends Error {
  constructor() {
    super('the store’s life is another');
  }
}

/** A newer relay has changed the store's shape: this one would read it wrongly. */
export class Outgrown extends Error {
  constructor() {
    super('another version brought the store forward: start that version here too');
  }
}
/** What is asked of a relay's line with every call, and of the store beside it. */
const STAND = "n, (SELECT value FROM meta WHERE name = 'incarnation') AS life, (SELECT value FROM meta WHERE name = 'version') AS version";

export interface PlaceParts {
  /** File in the relay's own folder; null keeps nothing over a restart. */
  readonly note: string | null;
  readonly random: Random;
  readonly clock: () => number;
  readonly lines: number;
}

export class Place {
  life = 0;
  private marks: number[] = [];
  private readonly node: string;
  private noted = 0;
  private noting: Promise<void> | null = null;

  constructor(private readonly p: PlaceParts) {
    const note = p.note === null ? null : readNote(p.note);
    this.node = note?.node ?? hex(p.random(16));
    if (note === null) return;
    this.life = note.life;
    this.marks = note.marks;
  }

  /** Statements that go with a transaction's BEGIN on one line; `n` is its number once it commits. Throws `Renewed` or `Outgrown`. */
  async write(rows: Rows, line: number): Promise<number> {
    const [, found] = await Promise.all([
      rows(`SELECT pg_advisory_xact_lock_shared(${ALIVE})`, []),
      rows(`UPDATE places SET n = n + 1 WHERE node = ? AND line = ? RETURNING ${STAND}`, [this.node, line])
    ]);
    return this.judged(found[0], (this.marks[line] ?? 0) + 1);
  }
  /** The same for what only reads. */
  async read(rows: Rows, line: number): Promise<void> {
    const [found] = await rows(`SELECT ${STAND} FROM places WHERE node = ? AND line = ?`, [this.node, line]);
    this.judged(found, this.marks[line] ?? 0);
  }
  /** The line's number, which is `least` or higher. */
  private judged(found: Found | undefined, least: number): number {
    if (found !== undefined && found['version'] !== String(VERSION)) throw new Outgrown();
    const n = found?.['n'] as number | undefined;
    if (n === undefined || n < least || Number(found?.['life']) !== this.life) throw new Renewed();
    return n;
  }
  /** A transaction was confirmed that began in `life`. */
  confirmed(line: number, n: number, life: number): void {
    if (life !== this.life) return;
    this.marks[line] = n;
    if (this.p.note === null || this.noting !== null || this.p.clock() - this.noted < NOTE_EVERY) return;
    this.noted = this.p.clock();
    // one that fails is made up for by the next
    this.noting = this.note().catch(() => undefined).finally(() => (this.noting = null));
  }

  /**
   * Looks at the store, alone in it, and begins another life when it is older than what this relay saw of it, or when its life is not above
   * `above`. What comes back is to be taken once the transaction is confirmed.
   */
  look(rows: Rows, above: number): Promise<Stand> {
    return runSoon(looking(this.node, { life: this.life, marks: this.marks }, above, this.p.lines, this.p.clock()), rows);
  }
  /** Whether the life is another than before. */
  take({ life, marks }: Stand): boolean {
    const isOther = this.life !== life;
    this.life = life;
    this.marks = [...marks];
    return isOther;
  }

  async close(): Promise<void> {
    await this.noting;
    await this.note().catch(() => undefined);
  }
  private async note(): Promise<void> {
    if (this.p.note === null) return;
    const text = JSON.stringify({ node: this.node, life: this.life, marks: this.marks } satisfies Note);
    const file = await open(`${this.p.note}.new`, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.p.note}.new`, this.p.note);
  }
}

function* looking(node: string, known: Stand, above: number, lines: number, now: number): Steps<Stand> {
  yield* did('SET LOCAL statement_timeout = 0');
  yield* did(`SELECT pg_advisory_xact_lock(${ALIVE})`);
  let life = yield* lifeNow();
  const found = new Map((yield* all('SELECT line, n FROM places WHERE node = ?', node)).map((f) => [f['line'], f['n'] as number]));
  // whoever noticed before has begun a life above the one known here
  const isOlder = life < known.life || (life === known.life && known.marks.some((n, line) => n > (found.get(line) ?? -1)));
  if (isOlder || life <= above) {
    life = yield* beginLife(now, Math.max(above, known.life), NO_FEEDS);
    yield* skipNumbers();
  }
  const marks: number[] = [];
  for (let line = 0; line < lines; line++) {
    yield* did('INSERT INTO places VALUES (?, ?, 0) ON CONFLICT DO NOTHING', node, line);
    marks.push(found.get(line) ?? 0);
  }
  return { life, marks };
}

const skipNumbers = (): Steps<unknown> => one("SELECT setval('group_numbers', (SELECT last_value FROM group_numbers) + ?)", SKIPPED);

/** Begins a life because the operator says that the store was restored, before any relay uses it; its number, above `known`. */
export function* restored(now: number, known: number): Steps<number> {
  yield* did('SET LOCAL statement_timeout = 0');
  yield* did(`SELECT pg_advisory_xact_lock(${ALIVE})`);
  const life = yield* beginLife(now, known, 'SELECT g, feed FROM groups');
  yield* skipNumbers();
  return life;
}

function readNote(path: string): Note | null {
  try {
    const read = v.safeParse(PLACE, JSON.parse(readFileSync(path, 'utf8')));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
/** The newest life of the store that a relay with this folder knew of; 0 for none. */
export const knownLife = (note: string): number => readNote(note)?.life ?? 0;
