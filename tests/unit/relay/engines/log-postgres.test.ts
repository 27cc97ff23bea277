import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BlobId, Bytes, GroupId, Hash, LogPk } from '../../../../crypto/brand';
import { concat, fromText, hex, unhex } from '../../../../crypto/bytes';
import type { FromRelay, ReceiptedEntry, StoredEnvelope } from '../../../../crypto/frames';
import { ZERO_HASH } from '../../../../crypto/hash';
import { writeHeader } from '../../../../crypto/header';
import { unpackStored } from '../../../../crypto/packed';
import { encodeReceipt, signDestroyed } from '../../../../crypto/receipt';
import { begin } from '../../../../crypto/roster/fold';
import { DESTROY_GRACE } from '../../../../crypto/roster/rules';
import { ready } from '../../../../crypto/sodium';
import { signPair } from '../../../../crypto/verify';
import { type Blobs, memoryBlobs } from '../../../../relay/blobs';
import { localHints } from '../../../../relay/hints';
import { type Appending, ask, type CallName, type Calls, type Entered, type Entering, type Log } from '../../../../relay/log';
import { makePermit, permits } from '../../../../relay/log-permits';
import { postgresLog, type PostgresParts } from '../../../../relay/log-postgres';
import { newLife } from '../../../../relay/new-life';
import { operate } from '../../../../relay/operator';
import { tombsAt } from '../../../../relay/tombs';
import { foundGroup, makeDevice, makeRelay, plainEntry, receipt, seeded } from '../../../support/actor';
import { cast, type Seat } from '../../../support/circle';
import { type Engine, startPostgres, until } from '../../../support/engines';
import { earlierStore } from '../../../support/stores/earlier';
import { counted, World } from '../../../support/world';
import { type Of, Phone, rhea as aRelay, type Rhea } from '../phone';
import { logSuite } from './log-suite';

vi.mock('hash-wasm', async (real) => (await import('../../../support/remembered')).remembered(await real()));

beforeAll(ready);
let started: Promise<Engine> | null = null;
const server = (): Promise<Engine> => (started ??= startPostgres());
afterAll(async () => (await started)?.discard(), 30_000);

const opening = (url: string, more: Partial<PostgresParts> = {}): Promise<Log> =>
  postgresLog({ url, clock: () => 5, random: seeded('node'), note: null, relayPk: fromText('relay'), turn: setImmediate, trouble: () => undefined, ...more });

logSuite('PostgreSQL', async () => {
  const { url } = await server();
  const logs = [await opening(url)];
  return {
    log: logs[0] as Log,
    store: { folder: '', postgres: url },
    again: async () => {
      logs.push(await opening(url, { random: seeded('another node') }));
      return logs.at(-1) as Log;
    },
    close: async () => void (await Promise.all(logs.map((l) => l.close())))
  };
});

/** Runs statements in the server's first database. */
async function say(url: string, ...statements: string[]): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  for (const s of statements) await sql.unsafe(s);
  await sql.end();
}
/** Rows of one statement. */
async function lines(url: string, statement: string): Promise<readonly unknown[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
/** A fresh database, its address. */
async function database(name: string): Promise<string> {
  const { url } = await server();
  await say(url, `CREATE DATABASE ${name}`);
  return url.replace(/postgres$/, name);
}
const run = (program: string, ...args: string[]): void => {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`);
};

describe('a PostgreSQL that a relay', () => {
  const setTo = async (setting: string, value: string): Promise<void> => {
    const { url } = await server();
    await say(url, `ALTER SYSTEM SET ${setting} = ${value}`, 'SELECT pg_reload_conf()');
  };
  const shows = async (setting: string): Promise<unknown> => (await lines((await server()).url, `SHOW ${setting}`))[0];

  it.each([
    ['fsync', 'off', 'the store is not durable: fsync is off'],
    ['full_page_writes', 'off', 'the store is not durable: full_page_writes is off'],
    ['default_transaction_read_only', 'on', 'the store is read only: it is a standby, or set so']
  ])('refuses in words: one with %s %s', async (setting, value, words) => {
    const { url } = await server();
    const before = await shows(setting);
    await setTo(setting, value);
    try {
      await expect.poll(() => shows(setting)).toEqual({ [setting]: value });
      await expect(opening(url)).rejects.toThrow(words);
    } finally {
      await setTo(setting, 'DEFAULT');
    }
    await expect.poll(() => shows(setting)).toEqual(before);
  });

  it('refuses in words: a standby', async () => {
    const { url, start, stop } = await server();
    const [found] = await lines(url, 'SHOW data_directory');
    const signal = join((found as { data_directory: string }).data_directory, 'standby.signal');
    writeFileSync(signal, '');
    try {
      await stop();
      await start();
      await expect(opening(url)).rejects.toThrow('the store is read only: it is a standby, or set so');
    } finally {
      rmSync(signal);
      await stop();
      await start();
    }
  }, 60_000);

  it('came to as it went over to another server that only reads is left again, for the one that writes', async () => {
    const url = await database('going_over');
    const log = await opening(url);
    const write = (): Promise<{ readonly ok: boolean }> => ask(log, 'sweep', { blobsBefore: 0, answersBefore: 0, meetingsBefore: 0 });
    expect((await write()).ok).toBe(true);
    await say(url, 'ALTER DATABASE going_over SET default_transaction_read_only = on');
    await say((await server()).url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'going_over'");
    // the first may still meet the connection that broke
    expect([(await write()).ok, (await write()).ok]).toEqual([false, false]);
    await say((await server()).url, 'ALTER DATABASE going_over RESET default_transaction_read_only');
    expect((await write()).ok).toBe(true);
    await log.close();
  }, 60_000);

  /** A store that this version made. */
  let fresh: Promise<string> | undefined;
  const madeFresh = async (): Promise<string> => {
    const url = await database('fresh');
    await (await opening(url)).close();
    return url;
  };
  it.each([
    ['of its first days', 'first', '829314a8463dfdb288570c8c3a030f6b641002ee2aa31f0d18012acfafd6f927', 5, 6],
    ['of the last of version 1', 'last', 'fb598351f6c520509c415a6b7c128957fb965c6d8550e8162f1372fc9092104b', 6, 7]
  ] as const)('made, as a store %s, is brought forward once by two that start together, and has all that it had', async (_, which, id, life, feed) => {
    const [whole, url] = [await (fresh ??= madeFresh()), await database(`earlier_${which}`)];
    await earlierStore(url, which);
    const had = await lines(url, 'SELECT * FROM envelopes ORDER BY seq');
    const [a, b] = await Promise.all([opening(url), opening(url, { random: seeded('b') })]);
    const shape = 'SELECT relname, relkind, reloptions, pg_get_indexdef(oid) AS index FROM pg_class WHERE relnamespace = \'public\'::regnamespace ORDER BY relname';
    expect(await lines(url, shape)).toEqual(await lines(whole, shape));
    expect(await lines(url, "SELECT value FROM meta WHERE name = 'version'")).toEqual(await lines(whole, "SELECT value FROM meta WHERE name = 'version'"));
    expect([a.incarnation, b.incarnation]).toEqual([life, life]);
    expect(await lines(url, 'SELECT * FROM envelopes ORDER BY seq')).toEqual(had);
    for (const log of [a, b]) {
      expect(await ask(log, 'load', unhex(id) as Bytes as GroupId)).toMatchObject({ ok: true, value: { g: 1, after: [{ receipt: { seq: 2 } }], earlier: which === 'last' ? 2 : 0 } });
      const page = await ask(log, 'page', { g: 1, way: 'up', from: 0, most: 500 });
      expect(page.ok && unpackStored(page.value.items).map((i) => [i.device, i.n])).toEqual([[1, 1], [2, 1], [1, 2], [2, 2], [1, 3], [3, 1], [2, 2]].slice(0, feed));
    }
    const head = await ask(a, 'head', { g: 1, device: 1 });
    expect(head).toMatchObject({ ok: true, value: { n: 3, feed } });
    const next: Appending = { g: 1, device: 1, n: 4, rosterSeq: 1, time: 9, verdict: 'fine', judgedAt: 2, group: unhex(id) as Bytes as GroupId, logPk: ZERO_HASH as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope: fromText('next') };
    expect(await ask(b, 'append', next)).toEqual({ ok: true, value: { is: 'stored', seq: feed + 1, time: 9 } });
    expect(await ask(a, 'bells', { g: 1 })).toMatchObject({ value: which === 'last' ? [{ place: 'https://push.example/w/1' }] : [] });
    // what a relay of version 1 says with every call fails: it goes on beside no store that it does not know
    await expect(say(url, "UPDATE marks SET n = n + 1 WHERE node = 'x' AND line = 0 RETURNING n, (SELECT value FROM meta WHERE name = 'incarnation') AS life")).rejects.toThrow('"marks" does not exist');
    await Promise.all([a.close(), b.close()]);
  }, 60_000);

  it('finds without room is told apart from one that does not answer', async () => {
    const url = await database('no_room');
    const log = await opening(url);
    const random = seeded('no room');
    const group = random(32) as Bytes as GroupId;
    const entry = random(60);
    await ask(log, 'create', { group, genesis: { entry, receipt: receipt(makeRelay(random, 1), group, ZERO_HASH, 1, entry, 5) }, boxes: [], state: random(9) });
    await say(url, "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$", 'CREATE TRIGGER no_room BEFORE INSERT ON envelopes FOR EACH ROW EXECUTE FUNCTION no_room()');
    const next = (n: number): Appending => ({ g: 1, device: 1, n, rosterSeq: 1, time: 9, verdict: 'fine', judgedAt: 1, group, logPk: ZERO_HASH as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope: random(50) });
    expect(await Promise.all([ask(log, 'append', next(1)), ask(log, 'append', next(2))])).toEqual([{ ok: false, fault: 'full' }, { ok: false, fault: 'full' }]);
    expect((await ask(log, 'page', { g: 1, way: 'up', from: 0, most: 9 })).ok).toBe(true);
    await say(url, 'DROP TRIGGER no_room ON envelopes');
    expect(await ask(log, 'append', next(1))).toMatchObject({ value: { is: 'stored', seq: 1 } });
    await log.close();
  }, 30_000);

  it('finds of another version is not touched, neither at a start nor, while it runs, by any call', async () => {
    const url = await database('other_version');
    const said: string[] = [];
    const log = await opening(url, { trouble: (words) => said.push(words) });
    const version = (await lines(url, "SELECT value FROM meta WHERE name = 'version'"))[0] as { value: string };
    const set = (value: string): Promise<void> => say(url, `UPDATE meta SET value = '${value}' WHERE name = 'version'`);
    const asked = (): Promise<boolean[]> => Promise.all([ask(log, 'news', []), ask(log, 'sweep', { blobsBefore: 0, answersBefore: 0, meetingsBefore: 0 })]).then((all) => all.map((r) => r.ok));
    expect(await asked()).toEqual([true, true]);
    await set('99');
    expect(await asked()).toEqual([false, false]);
    expect(new Set(said)).toEqual(new Set(['another version brought the store forward: start that version here too']));
    const before = await lines(url, 'SELECT * FROM places ORDER BY line');
    await expect(opening(url)).rejects.toThrow('the store was made by another version');
    await expect(operate({ folder: '', postgres: url }, permits)).rejects.toThrow('of another version');
    expect(await lines(url, 'SELECT * FROM places ORDER BY line')).toEqual(before);
    await set(version.value);
    expect(await asked()).toEqual([true, true]);
    await log.close();
  }, 60_000);
});

describe('relays on one PostgreSQL', () => {
  it('all hear of a new life at their next call, whatever it is, and answer nothing that was asked before', async () => {
    const url = await database('lives');
    const [a, b] = [await opening(url), await opening(url, { random: seeded('b') })];
    const heard: number[] = [];
    b.renewed((life) => heard.push(life));
    const before = b.incarnation;
    const life = await ask(a, 'renew', { now: 5, above: before });
    const asked = [ask(b, 'news', []), ask(b, 'sweep', { blobsBefore: 0, answersBefore: 0, meetingsBefore: 0 })];
    expect((await Promise.all(asked)).map((r) => r.ok)).toEqual([false, false]);
    expect([life, heard, b.incarnation]).toEqual([{ ok: true, value: a.incarnation }, [a.incarnation], a.incarnation]);
    expect((await ask(b, 'news', [])).ok).toBe(true);
    await Promise.all([a.close(), b.close()]);
  });

  it('spend a permit once for each group, whichever of them is asked and however many at once', async () => {
    const { url } = await server();
    const [a, b] = [await opening(url), await opening(url, { random: seeded('b') })];
    const random = seeded('permits');
    const hash = random(32) as Bytes as Hash;
    const n = await operate({ folder: '', postgres: url }, () => makePermit(hash, 6, 5000, 1000));
    const left = async (): Promise<number | undefined> => (await operate({ folder: '', postgres: url }, permits)).find((p) => p.n === n)?.groups;
    const genesis = (): Calls['create'][0] => {
      const entry = random(60);
      const group = random(32) as Bytes as GroupId;
      return { group, genesis: { entry, receipt: receipt(makeRelay(random, 1), group, ZERO_HASH, 1, entry, 5) }, boxes: [], state: random(10), permit: { hash, time: 2000 } };
    };
    // the same group through both: one of them stores it
    for (let i = 0; i < 3; i++) {
      const input = genesis();
      const [one, two] = await Promise.all([a, b].map((log) => ask(log, 'create', input)));
      expect(one).toMatchObject({ ok: true, value: { genesis: input.genesis } });
      expect(two).toEqual(one);
    }
    expect(await left()).toBe(3);
    const got = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(i % 2 === 0 ? a : b, 'create', genesis())));
    expect(got.map((r) => (r.ok && typeof r.value === 'string' ? r.value : r.ok)).sort()).toEqual([...Array<string>(9).fill('spent'), true, true, true]);
    expect(await left()).toBe(0);
    await Promise.all([a.close(), b.close()]);
  });

  it('notice that the store stands lower than it did, while they run and after a start', async () => {
    const url = await database('older');
    const folder = mkdtempSync(join(tmpdir(), 'carefold-place-'));
    const note = join(folder, 'postgres.mark');
    let log = await opening(url, { note });
    const lives = [log.incarnation];
    const sweep = { blobsBefore: 0, answersBefore: 0, meetingsBefore: 0 };
    for (let i = 0; i < 3; i++) await ask(log, 'sweep', sweep);
    await say(url, 'UPDATE places SET n = 1 WHERE n > 1');
    expect((await ask(log, 'news', [])).ok).toBe(false);
    lives.push(log.incarnation);
    expect((await ask(log, 'sweep', sweep)).ok).toBe(true);
    await log.close();
    // as it was: nothing is noticed
    log = await opening(url, { note });
    expect(log.incarnation).toBe(lives[1]);
    await ask(log, 'sweep', sweep);
    await log.close();
    const kept = readFileSync(note, 'utf8');
    await say(url, 'DELETE FROM places');
    log = await opening(url, { note });
    lives.push(log.incarnation);
    await log.close();
    expect(lives[1]).toBeGreaterThan(lives[0] as number);
    expect(lives[2]).toBeGreaterThan(lives[1] as number);
    // another relay began the life already: no further one
    writeFileSync(note, kept);
    log = await opening(url, { note });
    expect(log.incarnation).toBe(lives[2]);
    await log.close();
    rmSync(folder, { recursive: true });
  });
});

describe('relays on one PostgreSQL, both at once', () => {
  const hour = 3_600_000;
  let group: GroupId;
  let rhea: ReturnType<typeof makeRelay>;
  let random: ReturnType<typeof seeded>;
  const call = async <K extends CallName>(log: Log, name: K, input: Calls[K][0]): Promise<Calls[K][1]> => {
    const r = await ask(log, name, input);
    if (!r.ok) throw new Error(r.fault);
    return r.value;
  };
  let url: string;
  let logs: [Log, Log];
  beforeAll(async () => {
    random = seeded('both at once');
    group = random(32) as Bytes as GroupId;
    rhea = makeRelay(seeded('rhea'));
    url = await database('at_once');
    logs = [await opening(url), await opening(url, { random: seeded('the other') })];
  }, 60_000);
  afterAll(async () => void (await Promise.all(logs.map((l) => l.close()))));
  const entry = (id: GroupId, seq: number): ReceiptedEntry => {
    const bytes = random(60);
    return { entry: bytes, receipt: receipt(rhea, id, ZERO_HASH, seq, bytes, 5) };
  };
  const made = async (id = group): Promise<number> => {
    const there = await call(logs[0], 'create', { group: id, genesis: entry(id, 1), boxes: [], state: random(9) });
    return there === null || typeof there === 'string' ? 0 : there.g;
  };

  it('let nobody do twice as much in an hour by asking both', async () => {
    const g = await made();
    const budget = { key: 'want 2', most: 5, now: 1000 };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => call(logs[i % 2]!, 'putWant', { g, device: 2, want: random(30), time: 1000, budget })));
    expect(answers.filter((a) => a === 'new')).toHaveLength(5);
    for (const log of logs) expect(await call(log, 'putWant', { g, device: 2, want: random(30), time: 1000, budget: { ...budget, now: 2000 } })).toEqual({ wait: hour - 1000 });
    const bytes = { key: 'blobs fay', most: 100, now: 1000 };
    await Promise.all(logs.map((log) => call(log, 'charge', { g, budget: bytes, many: 60 })));
    expect(await Promise.all(logs.map((log) => call(log, 'pace', { g, budget: bytes })))).toEqual([hour / 5, hour / 5]);
    const rows = async (): Promise<number> => (await lines(url, 'SELECT 1 FROM budgets')).length;
    expect(await rows()).toBe(2);
    await call(logs[0], 'sweep', { blobsBefore: 0, answersBefore: 0, meetingsBefore: 0, hourBefore: 1001 });
    expect(await rows()).toBe(1);
  });

  it('let no log grow that one of them answered MOVED about, whatever the other was told', async () => {
    const g = await made(random(32) as Bytes as GroupId);
    const appending = (n: number, time: number): Appending => ({
      g, device: 1, n, rosterSeq: 1, time, verdict: 'fine', judgedAt: 1, group, logPk: random(32) as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope: random(100)
    });
    const enter = (ends: Entering['ends']): Promise<Entered> =>
      call(logs[0], 'enter', { g, seq: 2, entry: entry(group, 2), boxes: [], ends, gone: [], spent: [], state: null, holding: { devices: [1], until: 60_000 } });
    await call(logs[1], 'append', appending(1, 10));
    const { hash } = await call(logs[1], 'head', { g, device: 1 });
    expect(await enter([{ device: 1, n: 0, hash: ZERO_HASH }])).toEqual({ is: 'moved', heads: [{ device: 1, n: 1, hash }] });
    const sent = appending(2, 59_999);
    expect(await call(logs[1], 'append', sent)).toEqual({ is: 'held', n: 1, hash, until: 60_000 });
    expect(await call(logs[1], 'append', { ...sent, n: 3 })).toMatchObject({ is: 'gap' });
    expect(await call(logs[1], 'append', { ...appending(1, 20), device: 3 })).toMatchObject({ is: 'stored' });
    expect(await call(logs[1], 'append', { ...sent, time: 60_000 })).toMatchObject({ is: 'stored', seq: 3 });
  });

  /** A relay of its own on each log, at the time given, and a phone at each in one group whose end was asked for. */
  async function doomed(): Promise<{ readonly relays: readonly Rhea[]; readonly phones: readonly Phone[]; readonly id: GroupId; readonly blob: BlobId }> {
    const hints = localHints();
    const relays = logs.map((log, i) => aRelay(`end ${i}`, { log, hints: hints() }));
    const olivia = makeDevice(random);
    const found = foundGroup(random, olivia);
    const phones = relays.map((r) => new Phone(r.relay, r.random));
    const [first, second] = phones as [Phone, Phone];
    const heard = async <K extends FromRelay['is']>(p: Phone, is: K): Promise<Of<K>> => {
      await until(() => p.of(is).length > 0);
      return p.of(is).at(-1)!;
    };
    first.tell({ is: 'create', re: 1, group: found.group, genesis: found.entry, boxes: found.boxes });
    const state = begin(found.group, found.entry, (await heard(first, 'entered')).receipt.time);
    if (!state.ok) throw new Error(state.fault);
    for (const p of [first, second]) {
      void p.as(olivia, found.group).catch(() => undefined);
      await heard(p, 'welcome');
    }
    const blob = random(32) as Bytes as BlobId;
    const g = (await call(logs[0], 'load', found.group))!.g;
    await call(logs[0], 'putBlob', { g, id: blob, device: 1, size: 9, time: 1 });
    first.forget();
    first.tell({ is: 'enter', re: 2, group: found.group, seq: 2, entry: plainEntry(state.value, olivia, { kind: 'destroy', on: true }).entry });
    await heard(first, 'entered');
    for (const r of relays) r.now += DESTROY_GRACE;
    return { relays, phones, id: found.group, blob };
  }

  it('lay a feed together once, while both write to it, read it and lay it together', async () => {
    const id = random(32) as Bytes as GroupId;
    const g = await made(id);
    const sent = new Map<string, Bytes>();
    const append = (device: number, n: number): Promise<unknown> => {
      const envelope = random(200);
      sent.set(`${device} ${n}`, envelope);
      return call(logs[device % 2]!, 'append', { g, device, n, rosterSeq: 1, time: n, verdict: 'fine', judgedAt: 1, group: id, logPk: ZERO_HASH as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope });
    };
    const devices = [1, 2, 3, 4];
    /** The whole feed as one of them gives it, page by page. */
    const all = async (log: Log, way: 'up' | 'down'): Promise<StoredEnvelope[]> => {
      const items: StoredEnvelope[] = [];
      for (let from = way === 'up' ? 0 : Number.MAX_SAFE_INTEGER, more = true; more; ) {
        const page = await call(log, 'page', { g, way, from, most: 500 });
        items.push(...unpackStored(page.items));
        from = items.at(-1)?.seq ?? from;
        ({ more } = page);
      }
      return way === 'up' ? items : items.reverse();
    };
    let isOver = false;
    const writing = Promise.all(devices.map(async (device) => {
      for (let n = 1; n <= 600; n += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => append(device, n + i)));
    })).finally(() => (isOver = true));
    const laying = logs.map(async (log) => {
      while (!isOver) await call(log, 'compact', { g });
      while (await call(log, 'compact', { g }));
    });
    let read = 0;
    const reading = logs.map(async (log, i) => {
      while (!isOver) {
        const seqs = (await all(log, i === 0 ? 'up' : 'down')).map((e) => e.seq);
        expect(seqs).toEqual(seqs.map((_, at) => at + 1));
        read++;
      }
    });
    await Promise.all([writing, ...laying, ...reading]);
    expect(read).toBeGreaterThan(4);
    const feeds = await Promise.all([all(logs[0], 'up'), all(logs[1], 'down')]);
    for (const feed of feeds) {
      expect(feed.map((e) => e.seq)).toEqual(Array.from({ length: 2400 }, (_, i) => i + 1));
      expect(feed.every((e) => Buffer.compare(e.envelope, sent.get(`${e.device} ${e.n}`) as Bytes) === 0)).toBe(true);
      for (const device of devices) expect(feed.filter((e) => e.device === device).map((e) => e.n)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
    }
    const laid = await lines(url, `SELECT first::int, last::int FROM batches WHERE g = ${g} ORDER BY first`);
    expect(laid).toEqual([1, 501, 1001, 1501].map((first) => ({ first, last: first + 499 })));
    expect((await lines(url, `SELECT 1 FROM envelopes WHERE g = ${g}`)).length).toBe(400);
    expect(await Promise.all(logs.map((log) => call(log, 'head', { g, device: 3 })))).toMatchObject([{ n: 600, feed: 2400 }, { n: 600, feed: 2400 }]);
  }, 60_000);

  it('lay no feed together while another gives something back in it', async () => {
    const id = random(32) as Bytes as GroupId;
    const g = await made(id);
    await Promise.all(Array.from({ length: 500 }, (_, i) => call(logs[0], 'append', { g, device: 1, n: i + 1, rosterSeq: 1, time: 5, verdict: 'fine', judgedAt: 1, group: id, logPk: ZERO_HASH as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope: concat(writeHeader({ n: i + 1, rosterSeq: 1, epoch: 1, blobs: [] }), random(150)) })));
    const giver = postgres(url, { max: 1, onnotice: () => undefined });
    let laying: Promise<boolean> | undefined;
    await giver.begin(async (tx) => {
      await tx`SELECT 1 FROM groups WHERE g = ${g} FOR UPDATE`;
      laying = call(logs[1], 'compact', { g });
      expect(await Promise.race([laying, new Promise((done) => setTimeout(done, 300, 'it waits'))])).toBe('it waits');
      await tx`UPDATE envelopes SET n = -seq WHERE g = ${g} AND n >= 400`;
      await tx`UPDATE logs SET n = 399 WHERE g = ${g}`;
    });
    await giver.end();
    expect(await laying).toBe(true);
    expect(await lines(url, `SELECT n, last, first FROM runs WHERE g = ${g}`)).toEqual([{ n: '1', last: '399', first: '1' }]);
  }, 30_000);

  it('destroy a group once though both purge in the same moment, with one receipt for everybody', async () => {
    const { relays, phones, id, blob } = await doomed();
    const dropped: string[] = [];
    const blobs: Blobs = { ...memoryBlobs(), drop: async (_, b) => Boolean(dropped.push(hex(b))) };
    const done = await Promise.all(relays.map((r) => r.relay.purge(blobs)));
    expect(done.map((d) => d.waiting)).toEqual([0, 0]);
    expect(done[0]!.destroyed + done[1]!.destroyed).toBeGreaterThan(0);
    await until(() => phones.every((p) => p.of('destroyed').length > 0));
    const told = phones.flatMap((p) => p.of('destroyed').map((f) => encodeReceipt(f.receipt)));
    const tomb = await call(logs[1], 'tomb', id);
    for (const t of told) expect(t).toEqual(tomb);
    expect(dropped).toContain(hex(blob));
    expect(await Promise.all(relays.map((r) => r.relay.purge(blobs)))).toEqual([{ destroyed: 0, waiting: 0 }, { destroyed: 0, waiting: 0 }]);
    expect((await lines(url, 'SELECT 1 FROM doomed')).length).toBe(0);
  });

  it('destroy again what was destroyed since the backup they are restored from, by what either folder kept, and believe no other word for it', async () => {
    const { relays, id, blob } = await doomed();
    const { now } = relays[0]!;
    await made();
    const folder = mkdtempSync(join(tmpdir(), 'carefold-tombs-'));
    const kept = tombsAt(join(folder, 'postgres.tombs'));
    await Promise.all(logs.map((l) => l.close()));
    await say((await server()).url, 'CREATE DATABASE before_the_end TEMPLATE at_once');
    logs = [await opening(url), await opening(url, { random: seeded('again') })];
    const at = (log: Log, time: number): Rhea => Object.assign(aRelay('end', { log }), { now: time });
    await at(logs[0], now).relay.purge(memoryBlobs());
    // the other learns of it from the store
    await at(logs[1], now).relay.purge(memoryBlobs(), kept);
    expect(kept.read().get(hex(id))?.tomb).toEqual(await call(logs[0], 'tomb', id));
    const log = await opening(url.replace(/at_once$/, 'before_the_end'));
    // long before its time, were it not for what is kept
    const after = at(log, now - DESTROY_GRACE);
    // of a group that the backup does not know; and what another signed for one that it does
    const lost = random(32) as Bytes as GroupId;
    const living = (await call(log, 'load', group))!;
    const words = (of: GroupId, by = rhea): Bytes => encodeReceipt(signDestroyed(of, { relayPk: by.pk, incarnation: 5, seq: 2, chain: ZERO_HASH, time: 9 }, by.sk));
    await kept.write(new Map([...kept.read(), [hex(lost), { group: lost, tomb: words(lost) }], [hex(group), { group, tomb: words(group, makeRelay(seeded('mallory'))) }]]));
    const dropped: string[] = [];
    await after.relay.purge({ ...memoryBlobs(), drop: async (_, b) => Boolean(dropped.push(hex(b))) }, kept);
    expect([await call(log, 'tomb', id), await call(log, 'tomb', lost), await call(log, 'tomb', group)]).toEqual([await call(logs[0], 'tomb', id), words(lost), null]);
    expect([await call(log, 'load', id), dropped]).toEqual([null, [hex(blob)]]);
    expect((await call(log, 'news', [living.g])).length).toBe(1);
    await log.close();
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('take each other’s bearers, and none of a life of the store that is over', async () => {
    const { relays, phones, id } = await doomed();
    for (const r of relays) r.now -= DESTROY_GRACE;
    const bearer = phones[1]!.of('welcome')[0]!.bearer;
    const open = (at: Rhea): Promise<unknown> => at.relay.opens(bearer, id);
    for (const r of relays) expect(await open(r)).toMatchObject({ device: 1 });
    await call(logs[0], 'renew', { now: 5, above: logs[0].incarnation });
    // the other learns of it by asking
    expect([await open(relays[0]!), await open(relays[1]!), await open(relays[1]!)]).toEqual([null, 'unavailable', null]);
  });
});

describe('relays on a PostgreSQL of their own', () => {
  it('have each envelope once, in its place, though PostgreSQL crashes again and again while a feed is laid together', async () => {
    const { url, start, stop, discard } = await startPostgres();
    const random = seeded('crashes');
    const logs = [await opening(url), await opening(url, { random: seeded('the other') })];
    const call = async <K extends CallName>(log: Log | undefined, name: K, input: Calls[K][0]): Promise<Calls[K][1]> => {
      const r = await ask(log as Log, name, input);
      if (!r.ok) throw new Error(r.fault);
      return r.value;
    };
    const id = random(32) as Bytes as GroupId;
    const entry = random(60);
    const g = 1;
    await call(logs[0], 'create', { group: id, genesis: { entry, receipt: receipt(makeRelay(random, 1), id, ZERO_HASH, 1, entry, 5) }, boxes: [], state: random(9) });
    const sent: Bytes[] = [];
    let unheard = 0;
    for (let round = 0; round < 4; round++) {
      // room for two batches more
      while (sent.length < 1000 * (round + 1)) {
        const from = sent.length;
        const some = Array.from({ length: 250 }, () => random(300));
        const calls = some.map((envelope, i): Appending => ({ g, device: 1, n: from + i + 1, rosterSeq: 1, time: 5, verdict: 'fine', judgedAt: 1, group: id, logPk: ZERO_HASH as Bytes as LogPk, roster: ZERO_HASH, blobs: [], envelope }));
        expect((await Promise.all(calls.map((a) => call(logs[0], 'append', a)))).map((a) => a.is)).toEqual(some.map(() => 'stored'));
        sent.push(...some);
      }
      const laying = logs.map((log) => ask(log, 'compact', { g }).then((r) => (r.ok && r.value ? ask(log, 'compact', { g }) : r)));
      await new Promise((done) => setTimeout(done, round * 8));
      await stop();
      const heard = await Promise.all(laying);
      await start();
      if (heard.some((r) => !r.ok)) unheard++;
      for (const log of logs) await until(async () => (await ask(log, 'news', [])).ok);
      const all: StoredEnvelope[] = [];
      for (let more = true; more; ) {
        const page = await call(logs[1], 'page', { g, way: 'up', from: all.length, most: 500 });
        all.push(...unpackStored(page.items));
        ({ more } = page);
      }
      expect(all.map((e) => [e.n, e.seq])).toEqual(sent.map((_, i) => [i + 1, i + 1]));
      expect(all.every((e, i) => Buffer.compare(e.envelope, sent[i] as Bytes) === 0)).toBe(true);
      const both = 'SELECT (SELECT count(*) FROM envelopes WHERE g = $) + (SELECT coalesce(sum(last - first + 1), 0) FROM batches WHERE g = $) AS n'.replaceAll('$', String(g));
      expect(await lines(url, both)).toEqual([{ n: String(sent.length) }]);
    }
    // some of the crashes came in the middle
    expect(unheard).toBeGreaterThan(0);
    while (await call(logs[0], 'compact', { g }));
    expect((await lines(url, `SELECT 1 FROM envelopes WHERE g = ${g}`)).length).toBeLessThan(500);
    await Promise.all(logs.map((log) => log.close()));
    await discard();
  }, 120_000);
});

describe('P22 a relay on PostgreSQL, restored from a dump while its devices are ahead', () => {
  /** Everyone shows the same, and nobody is alarmed. */
  function expectSame(world: World, seats: readonly Seat[], texts: readonly string[]): void {
    for (const s of seats) {
      expect(s.view.alarm, s.device.name).toBeNull();
      expect(s.view.ended, s.device.name).toBeNull();
      expect(s.words, s.device.name).toEqual(seats[0]?.words);
      expect(s.words.slice().sort(), s.device.name).toEqual(texts.slice().sort());
      expect(s.run.outbox, s.device.name).toEqual([]);
    }
    expect(world.reports).toEqual([]);
  }

  it('has everything again, nothing twice and nobody alarmed; put back once more without a word, it is noticed', async () => {
    const url = await database('restoring');
    const folder = mkdtempSync(join(tmpdir(), 'carefold-restored-'));
    const pair = signPair(seeded('relay')(32));
    writeFileSync(join(folder, 'relay.key'), seeded('relay')(32));
    const clock = { now: 1_760_000_000_000 };
    const at = (u: string, note: string | null): Promise<Log> => opening(u, { clock: () => clock.now, relayPk: pair.pk, note });
    // nothing of this relay's folder is left but its key
    const first = await at(url, null);
    const { world, olivia, pat, fay } = await cast(3, 'start', undefined, () => World.make('', () => counted(first)));
    const texts: string[] = [];
    const post = async (s: Seat, text: string): Promise<void> => {
      await s.post(text);
      texts.push(text);
      await world.time.pass(6_000);
    };
    await post(olivia, 'Before');
    const dump = join(folder, 'dump');
    run('pg_dump', '-Fc', '-f', dump, url);
    await post(pat, 'One');
    await post(fay, 'Two');
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Another name' });
    await post(olivia, 'Three');
    const other = await olivia.device.must('new-group', { name: 'Made since', kind: 'family' });
    await world.time.pass(6_000);
    const order = olivia.words;
    world.down = true;
    for (const d of world.devices) d.cut();
    await world.time.pass(100);
    await first.close();
    clock.now = world.time.now;
    const copy = await database('restored');
    run('pg_restore', '-d', copy, dump);
    await newLife(folder, copy, clock.now, seeded('admin'));
    const second = await at(copy, join(folder, 'postgres.mark'));
    expect(second.incarnation).toBeGreaterThan(first.incarnation);
    world.serve(counted(second));
    world.down = false;
    await world.time.pass(70_000);
    expectSame(world, [olivia, pat, fay], texts);
    expect(olivia.words).toEqual(order);
    expect(fay.view.name).toBe('Another name');
    expect(olivia.device.core?.groups.get(other.group)).toMatchObject({ alarm: null, synced: true });
    await olivia.device.must('rename-group', { group: olivia.group, name: 'And on' });
    await post(fay, 'After');
    expectSame(world, [olivia, pat, fay], texts);
    for (const d of world.devices) d.kill();
    await second.close();
    const again = await database('again');
    run('pg_restore', '-d', again, dump);
    const third = await at(again, join(folder, 'postgres.mark'));
    expect(third.incarnation).toBeGreaterThan(second.incarnation);
    await third.close();
    rmSync(folder, { recursive: true });
  }, 60_000);
});
