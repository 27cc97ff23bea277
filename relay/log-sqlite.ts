/** The log in SQLite: many calls in one transaction, durable (WAL, synchronous=FULL) before any of them is answered. */
import type { BlobId, Bytes } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { ReceiptedEntry, StoredEnvelope } from '../crypto/frames';
import { envelopeHash } from '../crypto/header';
import { LIMIT } from '../crypto/limits';
import { err, ok, type Result } from '../crypto/result';
import { cut } from './cut';
import { FEEDS, SqliteFeed } from './feed-sqlite';
import { beginLife, healingOf, lifeNow, NO_FEEDS, sharedFeed } from './lives';
import type { Appended, Appending, AppendRefusal, Call, CallName, Calls, Entering, Entered, Log, Reply, Unkept } from './log';
import { OwnLedger, paces, within } from './log-budget';
import { NAME_BLOB } from './log-blobs';
import { bury, doom, ENDS, OUTLIVING } from './log-ends';
import { genesisOf, loaded, putEntry, receipted } from './log-entries';
import { OwnForks } from './log-forks';
import { MAIL, STIRRING } from './log-mail';
import { spendPermit } from './log-permits';
import { spareOf } from './log-quota';
import { type Mark, markOf } from './mark';
import { prepare } from './schema';
import { Sqlite } from './sqlite';
import { done } from './steps';

const HEADS_KEPT = 50_000;
/** SQLite's words for a disk without room. */
const FULL = 'database or disk is full';

/** Calls after which nothing of a group may be left. */
const CLEARING: readonly CallName[] = ['purge', 'buried'];

type Answers = { readonly [K in CallName]: (input: Calls[K][0]) => Calls[K][1] };

export class SqliteLog {
  /** The life in which it was opened. */
  readonly incarnation: number;
  private readonly db: Sqlite;
  private readonly mark: Mark;
  private readonly answers: Answers;
  private readonly feed: SqliteFeed;
  private readonly rosters = new Map<number, number>();
  /** Forgotten with the process: nobody else writes to this store. */
  private readonly ledger = new OwnLedger();
  private readonly paces = paces(this.ledger);
  private readonly forks = new OwnForks();
  private stirred = 0;
  /** Whether nothing of what was destroyed is left in the log beside the store: a full disk may keep it there for a while. */
  private isClear = true;

  /** Opens or makes the store. Throws when it cannot be opened or is of another version. `trouble` hears why a change was not kept; `waiting`: bytes of envelopes that may wait for a row of their group. */
  constructor(path: string, now: number, private readonly trouble: (words: string) => void = () => undefined, waiting?: number) {
    this.db = new Sqlite(path);
    this.feed = new SqliteFeed(this.db, waiting);
    this.mark = markOf(this.db, path);
    this.answers = { ...this.mail(), ...this.own() };
    try {
      this.db.transaction(() => prepare(this.db, now));
    } catch (e) {
      this.db.close();
      throw e;
    }
    const life = this.db.take(lifeNow());
    this.db.run('INSERT OR IGNORE INTO lives VALUES (?)', life);
    this.incarnation = this.mark.isOlder() ? this.db.transaction(() => this.begin(now)) : life;
    this.mark.move();
  }

  /** Answers all calls in one transaction; when that fails each in its own, so that one bad call spoils no other. */
  transact(calls: readonly Call[]): Result<unknown, Unkept>[] {
    const together = this.attempt(calls);
    if (calls.some((c) => c.name === 'sweep')) this.mark.move();
    if (calls.some((c) => CLEARING.includes(c.name))) this.isClear = false;
    if (!this.isClear && calls.some((c) => c.name === 'sweep' || CLEARING.includes(c.name))) this.isClear = this.db.empty();
    if (together.ok) return together.value.map(ok);
    const alone = calls.length === 1 ? [together] : calls.map((c) => this.attempt([c]));
    return alone.map((a) => (a.ok ? ok(a.value[0]) : a));
  }

  private attempt(calls: readonly Call[]): Result<unknown[], Unkept> {
    try {
      const answered = this.db.transaction(() => {
        this.feed.remember();
        const answers = calls.map((c) => this.answer(c));
        this.feed.flush();
        return answers;
      });
      this.ledger.settle(true);
      return ok(answered);
    } catch (e) {
      const words = e instanceof Error ? e.message : 'unknown';
      this.trouble(words);
      this.feed.forget();
      this.ledger.settle(false);
      this.rosters.clear();
      return err(words.includes(FULL) ? 'full' : 'unavailable');
    }
  }

  close(): void {
    try {
      this.db.transaction(() => this.feed.settle());
    } catch {
      // a full disk: what waits lies in rows of its own
    }
    this.mark.move();
    this.db.close();
  }

  /** A life begins by where the feeds stand, so nothing may wait. */
  private begin(now: number, above = 0, feeds = FEEDS): number {
    this.feed.settle();
    return this.db.take(beginLife(now, above, feeds));
  }

  private answer(c: Call): unknown {
    return (this.answers[c.name] as (input: unknown) => unknown)(c.input);
  }

  private mail(): Pick<Answers, keyof typeof MAIL> {
    const answers = Object.entries({ ...MAIL, ...within(this.ledger, MAIL) }).map(([name, steps]) => [
      name,
      (input: never) => {
        if ((STIRRING as readonly string[]).includes(name)) this.stirred++;
        return this.db.take<unknown>(steps(input));
      }
    ]);
    return Object.fromEntries(answers) as Pick<Answers, keyof typeof MAIL>;
  }

  private own(): Omit<Answers, Exclude<keyof typeof MAIL, 'buried'>> {
    return {
      load: (group) => {
        const found = this.db.one('SELECT g, seq, state FROM groups WHERE id = ?', group);
        if (!found) return null;
        return this.db.take(loaded(found['g'] as number, found['seq'] as number, found['state'] as Bytes));
      },
      create: (c) => {
        const there = this.db.one('SELECT g FROM groups WHERE id = ?', c.group)?.['g'] as number | undefined;
        if (there !== undefined) return { g: there, genesis: this.db.take(genesisOf(there)) };
        if (this.answers.tomb(c.group) !== null) return null;
        const refused = c.permit === undefined ? null : this.db.take(spendPermit(c.permit));
        if (refused !== null) return refused;
        const g = this.db.one('SELECT max(coalesce((SELECT max(g) FROM groups), 0), coalesce((SELECT max(g) FROM tombs), 0)) + 1 AS g')?.['g'] as number;
        this.db.run('INSERT INTO groups (g, id, seq, state) VALUES (?, ?, 1, ?)', g, c.group, c.state);
        this.putEntry(g, 1, c.genesis);
        for (const b of c.boxes) this.db.run('INSERT INTO lockboxes VALUES (?, ?, 1, ?)', g, b.device, b.lockbox);
        return { g, genesis: c.genesis };
      },
      head: ({ g, device }) => {
        const { n, hash } = this.feed.end(g, device);
        return { n, hash, feed: this.feed.last(g) };
      },
      // of mail it is enough that the number changes: of which group nobody asks where one relay writes alone
      news: (groups) => groups.map((g) => ({ g, feed: this.feed.last(g), roster: this.roster(g), mail: this.stirred })).filter((n) => n.roster > 0),
      standing: ({ g, life, earlier }) => ({
        heads: this.feed.heads(g),
        lacks: this.db.all('SELECT id FROM blobs WHERE g = ? AND size < 0 AND named = 1 LIMIT ?', g, LIMIT.page).map((f) => f['id'] as BlobId),
        feed: this.db.take(sharedFeed(g, life)) ?? this.feed.last(g),
        healing: this.db.take(healingOf(g, earlier))
      }),
      before: ({ g, device, n }) => this.feed.before(g, device, n),
      give: (x) => this.give(x),
      renew: ({ now, above }) => {
        // as it is stored: one that was begun and not kept is none
        const life = this.db.take(lifeNow());
        return life > above ? life : this.begin(now, above, NO_FEEDS);
      },
      spare: ({ g }) => this.db.take(spareOf(g, () => done(this.feed.bytes(g)))),
      append: (a) => this.append(a),
      enter: (e) => this.enter(e),
      purge: (p) =>
        this.overwriting(() => {
          this.feed.purge(p.g);
          this.rosters.delete(p.g);
          return this.db.take(bury(p, tablesOf(this.db)));
        }),
      pace: (p) => this.db.take(this.paces.pace(p)),
      charge: (c) => this.db.take(this.paces.charge(c)),
      putFork: (f) => {
        this.stirred++;
        return this.forks.put(f);
      },
      forks: ({ g }) => this.forks.of(g),
      buried: (b) => this.overwriting(() => this.db.take(ENDS.buried(b))),
      entries: ({ g, after, upTo, most }) => {
        const found = this.db.each('SELECT entry, receipt FROM entries WHERE g = ? AND seq > ? AND seq <= ? ORDER BY seq', g, after, upTo);
        const { items, more } = cut(found, most, (f) => (f['entry'] as Bytes).length + 200);
        return { items: items.map(receipted), more };
      },
      lockboxes: ({ g, device, after }) => {
        const found = this.db.each('SELECT seq, lockbox FROM lockboxes WHERE g = ? AND device = ? AND seq > ? ORDER BY seq', g, device, after);
        const { items, more } = cut(found, LIMIT.page, (f) => (f['lockbox'] as Bytes).length + 10);
        return { items: items.map((f) => ({ seq: f['seq'] as number, lockbox: f['lockbox'] as Bytes })), more };
      },
      page: (p) => this.feed.page(p),
      compact: ({ g }) => {
        this.feed.compact(g);
        return false;
      }
    };
  }

  /** Order and sameness first, what the roster says after: a resend is acknowledged whatever has become of the roster. */
  private append(a: Appending): Appended {
    const head = this.feed.end(a.g, a.device);
    if (a.n <= head.n) {
      const there = this.feed.find(a.g, a.device, a.n);
      if (there !== null && equal(there.envelope, a.envelope)) return { is: 'again', seq: there.seq, time: there.time };
      return { is: 'conflict', n: head.n, hash: head.hash };
    }
    const no = (is: AppendRefusal, hash = head.hash): Appended => ({ is, n: head.n, hash });
    if (a.judgedAt < this.roster(a.g)) return no('behind');
    if (a.n > head.n + 1) return no('gap');
    if (a.verdict === 'held' || a.verdict === 'void' || a.verdict === 'quota') return no(a.verdict);
    const hash = envelopeHash({ group: a.group, logPk: a.logPk, prev: head.hash, roster: a.roster }, a.envelope);
    if (a.verdict === 'stale') return no('stale', hash);
    if (a.rosterSeq < head.roster) return no('void');
    for (const id of a.blobs) if (!this.db.one('SELECT 1 FROM blobs WHERE g = ? AND id = ? AND size >= 0', a.g, id)) return no('no-blob');
    for (const id of a.blobs) this.db.run('UPDATE blobs SET named = 1 WHERE g = ? AND id = ?', a.g, id);
    const seq = this.feed.add(a.g, { device: a.device, n: a.n, time: a.time, envelope: a.envelope }, hash, a.rosterSeq);
    return { is: 'stored', seq, time: a.time };
  }

  /** What was lost and comes back (PROTOCOL §11.6), as far as it fits. */
  private give({ g, items }: Calls['give'][0]): Calls['give'][1] {
    const stored: StoredEnvelope[] = [];
    for (const { device, n, time, envelope, prev, hash, rosterSeq, blobs, replaces } of items) {
      if (replaces && n <= this.feed.end(g, device).n && equal(this.feed.before(g, device, n) ?? hash, prev)) {
        if (equal(this.feed.find(g, device, n)?.envelope ?? prev, envelope)) continue;
        this.feed.setAside(g, device, n, prev);
      }
      const head = this.feed.end(g, device);
      if (n !== head.n + 1 || !equal(prev, head.hash) || rosterSeq < head.roster) continue;
      for (const id of blobs) this.db.run(NAME_BLOB, g, id, device, time);
      stored.push({ device, n, seq: this.feed.add(g, { device, n, time, envelope }, hash, rosterSeq), time, envelope });
    }
    return stored;
  }

  private enter(e: Entering): Entered {
    if (this.roster(e.g) !== e.seq - 1) return { is: 'behind' };
    const wait = e.budget === undefined ? 0 : this.db.take(this.ledger.wait(e.g, e.budget));
    if (wait > 0) return { is: 'rate', wait };
    const heads = e.ends.map((x) => {
      const { n, hash } = this.feed.end(e.g, x.device);
      return { device: x.device, n, hash };
    });
    if (heads.some((h, i) => h.n !== e.ends[i]?.n || !equal(h.hash, e.ends[i].hash))) return { is: 'moved', heads };
    if (e.budget !== undefined) this.db.take(this.ledger.count(e.g, e.budget));
    this.putEntry(e.g, e.seq, e.entry);
    for (const b of e.boxes) this.db.run('INSERT INTO lockboxes VALUES (?, ?, ?, ?)', e.g, b.device, e.seq, b.lockbox);
    this.answers.spend({ g: e.g, invites: e.spent });
    for (const device of e.gone) this.answers.dropBell({ g: e.g, device });
    if (e.ending !== undefined) this.db.take(doom(e.g, e.ending));
    if (e.state !== null) this.db.run('UPDATE groups SET seq = ?, state = ? WHERE g = ?', e.seq, e.state, e.g);
    return { is: 'entered' };
  }

  /** What is deleted is overwritten in the file, not only unlinked; the log beside it is emptied once it is committed. */
  private overwriting<T>(f: () => T): T {
    this.db.exec('PRAGMA secure_delete = ON');
    try {
      return f();
    } finally {
      this.db.exec('PRAGMA secure_delete = OFF');
    }
  }

  private putEntry(g: number, seq: number, e: ReceiptedEntry): void {
    this.db.take(putEntry(g, seq, e));
    this.rosters.set(g, seq);
  }

  private roster(g: number): number {
    const known = this.rosters.get(g);
    if (known !== undefined) return known;
    const seq = (this.db.one('SELECT max(seq) AS seq FROM entries WHERE g = ?', g)?.['seq'] as number | null | undefined) ?? 0;
    if (this.rosters.size >= HEADS_KEPT) this.rosters.clear();
    this.rosters.set(g, seq);
    return seq;
  }
}

/** Tables whose rows are a group's, whatever a later version adds. */
export const tablesOf = (db: Sqlite): string[] =>
  db.all("SELECT m.name AS name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c ON c.name = 'g' WHERE m.type = 'table'")
    .map((f) => f['name'] as string)
    .filter((name) => !OUTLIVING.includes(name));

/** The log in this thread: every call is its own transaction and is answered at once. */
export function localLog(path: string, now: number): Log {
  const sqlite = new SqliteLog(path, now);
  return {
    incarnation: sqlite.incarnation,
    isShared: false,
    renewed: () => undefined,
    call(name, input, then) {
      then(sqlite.transact([{ name, input } as Call])[0] as Reply<typeof name>);
    },
    close: async () => sqlite.close()
  };
}
