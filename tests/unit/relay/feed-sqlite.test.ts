import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, LogPk } from '../../../crypto/brand';
import { hex } from '../../../crypto/bytes';
import type { StoredEnvelope } from '../../../crypto/frames';
import { ZERO_HASH } from '../../../crypto/hash';
import { envelopeHash } from '../../../crypto/header';
import { LIMIT } from '../../../crypto/limits';
import { unpackStored } from '../../../crypto/packed';
import { ready } from '../../../crypto/sodium';
import type { Appended, Call, Calls } from '../../../relay/log';
import { SqliteLog } from '../../../relay/log-sqlite';
import { Sqlite } from '../../../relay/sqlite';
import { foundGroup, makeDevice, makeRelay, receipt, seeded } from '../../support/actor';

let folder: string;
let path: string;
let log: SqliteLog;
let group: GroupId;

beforeAll(ready);
beforeEach(fresh);
afterEach(discard);

/** A store of its own, with one group. */
function fresh(): void {
  folder = mkdtempSync(join(tmpdir(), 'carefold-feed-'));
  path = join(folder, 'relay.db');
  log = new SqliteLog(path, 5);
  begin();
}
/** Opens the store as it would be after a power cut: from a copy of its files as they are. */
function cut(waiting?: number): void {
  const copy = join(folder, `cut${copies++}.db`);
  for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${copy}${end}`);
  log.close();
  path = copy;
  log = new SqliteLog(path, 6, undefined, waiting);
}
let copies = 0;
function discard(): void {
  log.close();
  rmSync(folder, { recursive: true, force: true });
}
function begin(): void {
  const random = seeded('feed');
  const made = foundGroup(random, makeDevice(random));
  group = made.group;
  const genesis = { entry: made.entry, receipt: receipt(makeRelay(random), group, ZERO_HASH, 1, made.entry, 5) };
  log.transact([{ name: 'create', input: { group, genesis, boxes: [], state: random(10) } }]);
}
const logPk = new Uint8Array(32) as Bytes as LogPk;
const roster = ZERO_HASH;
const appending = (device: number, n: number, size = 40): Extract<Call, { name: 'append' }> => ({
  name: 'append',
  input: { g: 1, device, n, rosterSeq: 1, time: 1000 + n, verdict: 'fine', judgedAt: 1, group, logPk, roster, blobs: [], envelope: new Uint8Array(size).fill(device * 16 + (n % 16)) as Bytes }
});
const page = (way: 'up' | 'down', from: number, most: number): { items: StoredEnvelope[]; prevs: Calls['page'][1]['prevs']; more: boolean } => {
  const reply = log.transact([{ name: 'page', input: { g: 1, way, from, most } }])[0];
  if (!reply?.ok) throw new Error('no page');
  const p = reply.value as Calls['page'][1];
  return { items: unpackStored(p.items), prevs: p.prevs, more: p.more };
};
const rowsIn = (table: string): number => {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
  db.close();
  return row.n;
};
/** Appends them as so many transactions; what the feed should then hold. */
class Model {
  readonly all: StoredEnvelope[] = [];
  readonly heads = new Map<number, { n: number; hash: Hash; prevs: Hash[] }>();
  /** One commit after the other. */
  trickle(devices: readonly number[]): void {
    for (const c of this.calls(devices)) log.transact([c]);
  }
  write(devices: readonly number[], size = 40): Appended[] {
    return log.transact(this.calls(devices, size)).map((r) => (r.ok ? (r.value as Appended) : { is: 'gap', n: -1, hash: ZERO_HASH }));
  }
  private calls(devices: readonly number[], size = 40): Call[] {
    return devices.map((device) => {
      const head = this.heads.get(device) ?? { n: 0, hash: ZERO_HASH, prevs: [] };
      this.heads.set(device, head);
      const call = appending(device, ++head.n, size);
      head.prevs.push(head.hash);
      head.hash = envelopeHash({ group, logPk, prev: head.hash, roster }, call.input.envelope);
      this.all.push({ device, n: head.n, seq: this.all.length + 1, time: call.input.time, envelope: call.input.envelope });
      return call;
    });
  }
  /** What a page must be, but for where it is cut. */
  check(way: 'up' | 'down', from: number, most: number): void {
    const got = page(way, from, most);
    const wanted = way === 'up' ? this.all.filter((e) => e.seq > from) : this.all.filter((e) => e.seq < from).reverse();
    expect(got.items).toEqual(wanted.slice(0, got.items.length));
    expect(got.more).toBe(got.items.length < wanted.length);
    if (got.more) expect(got.items.length >= most / 2 || got.items.reduce((sum, e) => sum + e.envelope.length, 0) > LIMIT.pageBytes / 3).toBe(true);
    const firsts = new Map<number, number>();
    for (const e of got.items) firsts.set(e.device, Math.min(e.n, firsts.get(e.device) ?? Infinity));
    expect(new Map(got.prevs.map((p) => [p.device, hex(p.prev)]))).toEqual(new Map([...firsts].map(([d, n]) => [d, hex(this.heads.get(d)?.prevs[n - 1] as Hash)])));
  }
}

describe('a feed in SQLite', () => {
  it('is the same from any place, however it came, was merged and was opened again', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 40 }).map((devices) => ({ is: 'write', devices }) as const) },
      { weight: 4, arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 10, max: 60 })).map(([device, times]) => ({ is: 'trickle', device, times }) as const) },
      { weight: 1, arbitrary: fc.constant({ is: 'reopen' } as const) },
      // none waits for a row of its group, some do, all do
      { weight: 2, arbitrary: fc.constantFrom(0, 2000, undefined).map((waiting) => ({ is: 'cut', waiting }) as const) }
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.array(fc.tuple(fc.constantFrom('up', 'down'), fc.nat(1500), fc.integer({ min: 1, max: 500 })), { minLength: 6, maxLength: 6 }), (steps, asked) => {
        discard();
        fresh();
        const m = new Model();
        for (const s of steps) {
          if (s.is === 'write') m.write(s.devices);
          else if (s.is === 'trickle') m.trickle(Array<number>(s.times).fill(s.device));
          else if (s.is === 'cut') cut(s.waiting);
          else {
            log.close();
            log = new SqliteLog(path, 6);
          }
        }
        for (const [way, from, most] of asked) m.check(way as 'up' | 'down', from, most);
        for (const e of m.all.filter((_, i) => i % 97 === 0)) {
          expect(log.transact([appending(e.device, e.n)])).toEqual([{ ok: true, value: { is: 'again', seq: e.seq, time: e.time } }]);
          expect(log.transact([appending(e.device, e.n, 41)])).toMatchObject([{ value: { is: 'conflict' } }]);
        }
      }),
      { numRuns: 8, seed: 4 }
    );
  });

  it('that came one by one lies in few rows, and large envelopes never make a row larger than a page', () => {
    log.close();
    log = new SqliteLog(path, 6, undefined, 0);
    const m = new Model();
    m.trickle(Array.from({ length: 1100 }, (_, i) => 1 + (i % 2)));
    expect(rowsIn('batches')).toBe(2 + 100);
    expect(rowsIn('runs')).toBe(2 * 2 + 100);
    m.write(Array<number>(9).fill(3), 90_000);
    for (const from of [0, 1097, 1101, 1105]) m.check('up', from, 500);
    m.check('down', 2000, 500);
  });

  it('is read in whole rows, from wherever it is read', () => {
    const m = new Model();
    for (let i = 0; i < 4; i++) m.write(Array.from({ length: 500 }, (_, k) => 1 + (k % 3)), 300);
    m.write(Array<number>(30).fill(1), 20_000);
    const ends = (from: number): number[] => {
      const all: number[] = [];
      for (let more = true; more; ) {
        const p = page('up', all.at(-1) ?? from, 500);
        all.push(p.items.at(-1)?.seq as number);
        more = p.more;
      }
      return all;
    };
    // 500 of 318 bytes, and then nine of 20 KB, make a page
    expect(ends(0)).toEqual([500, 1000, 1500, 2000, 2009, 2018, 2027, 2030]);
    expect(ends(200)).toEqual([500, 1000, 1500, 2000, 2009, 2018, 2027, 2030]);
    // a page that would be less than half goes on into the next row
    expect(ends(450)).toEqual([950, 1450, 1950, 2009, 2018, 2027, 2030]);
    m.check('up', 450, 500);
    m.check('down', 1999, 500);
  });

  it('is read after a start, and after a change that failed, without anything being written', () => {
    const m = new Model();
    // 500 that lie in two rows, a third begun, and more that has no row yet
    for (const count of [250, 250, 100]) m.write(Array<number>(count).fill(1));
    m.trickle(Array<number>(200).fill(2));
    cut();
    m.check('up', 0, 500);
    m.check('up', 500, 500);
    expect([rowsIn('batches'), rowsIn('fresh')]).toEqual([3, 200]);
    m.trickle(Array<number>(100).fill(1));
    cut();
    m.check('down', 901, 500);
    m.write(Array<number>(300).fill(3));
    for (const from of [0, 499, 600, 899]) m.check('up', from, 500);
  });

  it('gives a page of a few as few bytes, and not as a part of the row', () => {
    const m = new Model();
    m.write(Array<number>(500).fill(1), 300);
    for (const most of [1, 200, 400, 500]) {
      const reply = log.transact([{ name: 'page', input: { g: 1, way: 'up', from: 0, most } }])[0];
      const { items } = (reply as { value: Calls['page'][1] }).value;
      expect(items.bytes.buffer.byteLength).toBeLessThanOrEqual(2 * items.bytes.length);
    }
  });

  it('that came one by one is written a group at a time, once there is enough of it', () => {
    const m = new Model();
    m.trickle(Array<number>(200).fill(1));
    expect([rowsIn('batches'), rowsIn('fresh')]).toEqual([0, 200]);
    cut(8000);
    expect(page('up', 190, 500).items).toHaveLength(10);
    m.trickle([2]);
    expect([rowsIn('batches'), rowsIn('fresh')]).toEqual([1, 0]);
    m.trickle([1, 2, 1]);
    log.close();
    expect([rowsIn('batches'), rowsIn('fresh'), rowsIn('runs')]).toEqual([2, 0, 4]);
    log = new SqliteLog(path, 7);
    m.check('up', 0, 500);
    expect(log.transact([{ name: 'standing', input: { g: 1, life: 5, earlier: 0 } }])).toMatchObject([{ value: { heads: [...m.heads].map(([device, { n, hash }]) => ({ device, n, hash })), feed: 204 } }]);
  });

  it('of a group that fell silent holds back the rows of some thousand commits of others, and no more', () => {
    const second = new Uint8Array(32).fill(7) as Bytes as GroupId;
    const genesis = { entry: new Uint8Array(60) as Bytes, receipt: receipt(makeRelay(seeded('second')), second, ZERO_HASH, 1, new Uint8Array(60) as Bytes, 5) };
    log.transact([{ name: 'create', input: { group: second, genesis, boxes: [], state: new Uint8Array(9) as Bytes } }]);
    const m = new Model();
    m.trickle([1]);
    const other = (n: number): Call => ({ name: 'append', input: { ...appending(2, n).input, g: 2, group: second } });
    let most = 0;
    for (let n = 1; n <= 9000; n++) {
      log.transact([other(n)]);
      if (n % 500 === 0) most = Math.max(most, rowsIn('fresh'));
    }
    expect(most).toBeLessThanOrEqual(4096 + 64);
    expect(most).toBeGreaterThan(2000);
    cut();
    m.check('up', 0, 500);
    m.trickle([1, 2]);
    m.check('down', 9, 500);
    expect(log.transact([{ name: 'head', input: { g: 2, device: 2 } }])).toMatchObject([{ value: { n: 9000, feed: 9000 } }]);
  });

  it('says the same of logs whose end has no row of its group yet', () => {
    const m = new Model();
    m.trickle([1, 1, 2, 3, 1]);
    cut();
    m.trickle([3, 1]);
    const standing = { name: 'standing', input: { g: 1, life: 5, earlier: 0 } } as const;
    const before = [1, 2, 3, 4, 5, 6].map((n) => ({ name: 'before', input: { g: 1, device: 1, n } }) as const);
    const waiting = log.transact([standing, ...before]);
    expect(rowsIn('batches')).toBe(0);
    log.close();
    log = new SqliteLog(path, 6);
    expect(rowsIn('fresh')).toBe(0);
    expect(log.transact([standing, ...before])).toEqual(waiting);
    expect(waiting.slice(1).map((r) => r.ok && r.value)).toEqual([...(m.heads.get(1)?.prevs ?? []), m.heads.get(1)?.hash, null]);
  });

  it('tells what was set aside from what counts, wherever rows that hold both became one', () => {
    log.close();
    log = new SqliteLog(path, 6, undefined, 0);
    const ask = (name: 'give' | 'before', input: unknown): unknown => {
      const [reply] = log.transact([{ name, input } as Call]);
      return reply?.ok === true ? reply.value : reply;
    };
    /** Writes so many envelopes of another device, a row each. */
    let others = 0;
    const fill = (count: number): void => {
      for (let i = 0; i < count; i++) log.transact([appending(9, ++others)]);
    };
    const before = (n: number): string => hex(ask('before', { g: 1, device: 1, n }) as Hash);
    const instead = (n: number, hash: Hash): void => {
      const prev = ask('before', { g: 1, device: 1, n }) as Hash;
      const envelope = new Uint8Array(30).fill(n) as Bytes;
      expect(ask('give', { g: 1, items: [{ device: 1, n, rosterSeq: 1, time: 9, prev, hash, blobs: [], envelope, replaces: true }] })).toMatchObject([{ n }]);
    };
    for (let n = 1; n <= 3; n++) log.transact([appending(1, n)]);
    fill(497);
    expect(rowsIn('batches')).toBe(1);
    // the next row of many begins with what is then set aside, back into the row before
    for (let n = 4; n <= 6; n++) log.transact([appending(1, n)]);
    const [two, four] = [new Uint8Array(32).fill(2), new Uint8Array(32).fill(4)] as Bytes[] as [Hash, Hash];
    instead(2, two);
    log.transact([appending(1, 3)]);
    fill(495);
    expect(rowsIn('batches')).toBe(2);
    const head = (): Calls['head'][1] => (log.transact([{ name: 'head', input: { g: 1, device: 1 } }])[0] as unknown as { value: Calls['head'][1] }).value;
    expect([head().n, before(3)]).toEqual([3, hex(two)]);
    const third = head().hash;
    for (const n of [4, 5, 6]) expect(log.transact([appending(1, n, 60)])).toMatchObject([{ value: { is: 'stored' } }]);
    instead(4, four);
    log.transact([appending(1, 5, 50)]);
    fill(500);
    for (const reopened of [false, true]) {
      if (reopened) {
        log.close();
        log = new SqliteLog(path, 7, undefined, 0);
      }
      expect(log.transact([appending(1, 1), appending(1, 3), appending(1, 5, 50), appending(1, 5, 60)])).toMatchObject([{ value: { is: 'again', seq: 1 } }, { value: { is: 'again' } }, { value: { is: 'again' } }, { value: { is: 'conflict' } }]);
      expect([before(3), before(4), before(5)]).toEqual([hex(two), hex(third), hex(four)]);
      expect(head().n).toBe(5);
    }
    expect(log.transact([appending(1, 6)])).toMatchObject([{ value: { is: 'stored' } }]);
  });

  it('sees what its own transaction has just added', () => {
    const first = appending(1, 1);
    const replies = log.transact([first, first, { name: 'page', input: { g: 1, way: 'up', from: 0, most: 9 } }, appending(1, 2)]);
    expect(replies).toMatchObject([{ value: { is: 'stored', seq: 1 } }, { value: { is: 'again', seq: 1 } }, { value: { items: { count: 1 } } }, { value: { seq: 2 } }]);
  });
});

/** Tables that the first store of a version had and the first of the version before it had not. */
const CAME: readonly (readonly [version: number, tables: readonly string[]])[] = [
  [3, ['wants', 'keys', 'lives', 'bases', 'shown', 'fresh']],
  [4, ['doomed', 'tombs', 'bells']],
  [5, ['quotas', 'permits']]
];
/** Makes of the store the first one of an older version. */
function older(version: number): void {
  log.close();
  const db = new DatabaseSync(path);
  for (const [since, tables] of CAME) if (since > version) for (const table of tables) db.exec(`DROP TABLE ${table}`);
  db.exec(`UPDATE meta SET value = ${version} WHERE name = 'version'`);
  db.close();
}
/** The first tables there were. */
const FIRST = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE groups (g INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, feed INTEGER NOT NULL, seq INTEGER NOT NULL, state BLOB NOT NULL) STRICT;
  CREATE TABLE entries (g INTEGER NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (g, seq)) STRICT;
  CREATE TABLE lockboxes (g INTEGER NOT NULL, device INTEGER NOT NULL, seq INTEGER NOT NULL, lockbox BLOB NOT NULL, PRIMARY KEY (g, device, seq)) STRICT;
  CREATE TABLE logs (log INTEGER PRIMARY KEY, n INTEGER NOT NULL, hash BLOB NOT NULL, roster INTEGER NOT NULL) STRICT;
  CREATE TABLE envelopes (at INTEGER PRIMARY KEY, log INTEGER NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL, prev BLOB NOT NULL, envelope BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX envelopes_by_log ON envelopes (log, n);
  CREATE TABLE cards (g INTEGER NOT NULL, invite BLOB NOT NULL, card BLOB NOT NULL, PRIMARY KEY (g, invite)) STRICT;
  CREATE TABLE requests (g INTEGER NOT NULL, invite BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (g, invite, request)) STRICT;
  CREATE TABLE answers (g INTEGER NOT NULL, invite BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (g, invite, request)) STRICT;
  CREATE TABLE blobs (g INTEGER NOT NULL, id BLOB NOT NULL, device INTEGER NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL, named INTEGER NOT NULL, PRIMARY KEY (g, id)) STRICT;
  CREATE INDEX blobs_unnamed ON blobs (time) WHERE named = 0;`;
/** Tables and indexes, as they were asked for. */
function shape(): readonly unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const found = db.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all();
  db.close();
  return found;
}

describe('a store of version 2', () => {
  it('is brought up to date as it stands', () => {
    const whole = shape();
    const m = new Model();
    m.write([1, 2, 1, 1]);
    older(2);
    log = new SqliteLog(path, 6);
    expect(shape()).toEqual(whole);
    m.trickle([2, 1]);
    cut();
    m.check('up', 0, 500);
    m.check('down', 9, 500);
  });
});

describe('a store of version 1', () => {
  it('is brought up to date with every envelope, head and place as it was', () => {
    const whole = shape();
    log.close();
    const [now, first] = [path, join(folder, 'first.db')];
    const db = new DatabaseSync(first);
    db.exec(`
      PRAGMA journal_mode = WAL;
      ${FIRST}
      ATTACH '${now}' AS now;
      INSERT INTO meta SELECT name, CASE name WHEN 'version' THEN 1 ELSE value END FROM now.meta WHERE name IN ('version', 'incarnation');
      INSERT INTO groups SELECT g, id, 1200, seq, state FROM now.groups;
      INSERT INTO entries SELECT * FROM now.entries;
      DETACH now;`);
    const m = new Model();
    const put = db.prepare('INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?)');
    db.exec('BEGIN');
    for (let seq = 1; seq <= 1200; seq++) {
      const device = 1 + (seq % 3);
      const head = m.heads.get(device) ?? { n: 0, hash: ZERO_HASH, prevs: [] };
      m.heads.set(device, head);
      const { input } = appending(device, ++head.n);
      put.run(2 ** 32 + seq, 2 ** 20 + device, head.n, input.time, head.hash, input.envelope);
      head.prevs.push(head.hash);
      head.hash = envelopeHash({ group, logPk, prev: head.hash, roster }, input.envelope);
      m.all.push({ device, n: head.n, seq, time: input.time, envelope: input.envelope });
    }
    for (const [device, h] of m.heads) db.prepare('INSERT INTO logs VALUES (?, ?, ?, ?)').run(2 ** 20 + device, h.n, h.hash, 1);
    db.exec('COMMIT');
    db.close();

    path = first;
    log = new SqliteLog(path, 6);
    expect(log.incarnation).toBe(5);
    expect(shape()).toEqual(whole);
    expect(log.transact([{ name: 'load', input: group }])).toMatchObject([{ ok: true, value: { g: 1 } }]);
    for (const [way, from, most] of [['up', 0, 500], ['up', 499, 500], ['up', 777, 30], ['down', 5000, 500], ['down', 600, 200]] as const) m.check(way, from, most);
    for (const [device, h] of m.heads) expect(log.transact([{ name: 'head', input: { g: 1, device } }])).toEqual([{ ok: true, value: { n: h.n, hash: h.hash, feed: 1200 } }]);
    expect(log.transact([appending(1, 7)])).toMatchObject([{ value: { is: 'again' } }]);
    m.trickle(Array<number>(700).fill(1));
    m.check('up', 1100, 500);
  });

  it('and one of version 3 too, which had no bells, and keeps all that it had', () => {
    const whole = shape();
    const m = new Model();
    m.write([1, 2, 1]);
    m.trickle([2, 2]);
    older(3);
    log = new SqliteLog(path, 6);
    expect(shape()).toEqual(whole);
    m.check('up', 0, 500);
    expect(log.transact([{ name: 'putBell', input: { g: 1, device: 1, place: 'https://push.example/w/1' } }, { name: 'bells', input: { g: 1 } }])).toMatchObject([{ value: 'new' }, { value: [{ device: 1, rung: 0 }] }]);
    expect(rowsIn("meta WHERE name = 'version' AND value = 5")).toBe(1);
  });

  it('and one of version 4, which knew of no permits, and keeps all that it had', () => {
    const whole = shape();
    const m = new Model();
    m.write([1, 2, 1]);
    m.trickle([2, 2]);
    older(4);
    log = new SqliteLog(path, 6);
    expect(shape()).toEqual(whole);
    m.check('up', 0, 500);
    expect([rowsIn('permits'), rowsIn("meta WHERE name = 'version' AND value = 5")]).toEqual([0, 1]);
    log.close();
    const half = new DatabaseSync(path);
    half.exec("INSERT INTO permits VALUES (1, x'00', 2, 3); UPDATE meta SET value = 4 WHERE name = 'version'");
    half.close();
    log = new SqliteLog(path, 6);
    expect(rowsIn('permits')).toBe(1);
  });

  it('of a version that is not known is not touched', () => {
    log.close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE meta SET value = 99 WHERE name = 'version'");
    db.close();
    expect(() => new SqliteLog(path, 6)).toThrow('the store was made by another version');
    const again = new DatabaseSync(path);
    again.exec("UPDATE meta SET value = 2 WHERE name = 'version'");
    again.close();
    log = new SqliteLog(path, 6);
  });
});

describe('an answer of the store', () => {
  it('is given after its bytes are in the files, with a write-ahead log that each commit syncs', () => {
    const m = new Model();
    m.write([1, 2, 1]);
    m.trickle([2, 2]);
    const copy = join(folder, 'copy.db');
    for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${copy}${end}`);
    log.close();
    log = new SqliteLog(copy, 6);
    m.check('up', 0, 500);
    log.close();
    const db = new Sqlite(copy);
    expect([db.one('PRAGMA journal_mode')?.['journal_mode'], db.one('PRAGMA synchronous')?.['synchronous']]).toEqual(['wal', 2]);
    db.close();
    log = new SqliteLog(copy, 6);
  });
});
