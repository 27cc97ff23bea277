import { DatabaseSync } from '@photostructure/sqlite';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { envelopeHash } from '../../../crypto/header';
import type { Bytes, GroupId, Hash } from '../../../crypto/brand';
import { equal, hex } from '../../../crypto/bytes';
import { encodeToRelay, type FromRelay, type GivenEnvelope, type ReceiptedEntry } from '../../../crypto/frames';
import { ZERO_HASH } from '../../../crypto/hash';
import { blobId } from '../../../crypto/kept';
import { signReceipt } from '../../../crypto/receipt';
import { chainAfter } from '../../../crypto/roster/entry';
import { chainAt, chainHead } from '../../../crypto/roster/state';
import { na, ready } from '../../../crypto/sodium';
import { backUp, restore } from '../../../relay/backup';
import { RATE } from '../../../relay/limits';
import { ask } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, type Made, makeDevice, makeRelay, nameEntry, plainEntry, removeEntry, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let folder: string;
let file: string;
let r: Rhea;
let s: Scene;
let olivia: Device;
let fay: { readonly device: Device; readonly phone: Phone };

beforeAll(ready);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-heal-'));
  file = join(folder, 'copy');
  r = rhea('heal', { log: localLog(join(folder, 'relay.db'), 7) });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  fay = await s.join();
});
afterEach(async () => {
  await r.log.close().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

const day = 24 * 3_600_000;
const backedUp = (): void => void expect(backUp(folder, file)).toMatchObject({ ok: true });
/** The relay with the backup in the place of its store; its phones have to call anew. */
async function restored(at = r.now): Promise<Rhea> {
  await r.log.close();
  expect(await restore(folder, file, at)).toMatchObject({ ok: true });
  return started();
}
function started(now = r.now): Rhea {
  r = rhea('heal', { log: localLog(join(folder, 'relay.db'), 60_000) });
  r.now = now;
  return r;
}
/** By hand, without the command. */
function putBack(bytes: Uint8Array): void {
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `relay.db${end}`), { force: true });
  writeFileSync(join(folder, 'relay.db'), bytes);
}
async function entriesOf(p: Phone, group: GroupId): Promise<readonly ReceiptedEntry[]> {
  const f = await p.ask((re) => ({ is: 'roster', re, group, after: 0 }));
  if (f.is !== 'entries') throw new Error(f.is);
  return f.items;
}
const why = (f: FromRelay): string => (f.is === 'refused' ? f.why : f.is);
async function standing(p: Phone, device: Device, life = 7, rosterSeq = s.state.seq) {
  const pen = s.pen(device);
  const f = await p.ask((re) => ({ is: 'show', re, group: s.group, life, rosterSeq, chain: chainAt(s.state, rosterSeq)!, n: pen.n, hash: pen.prev }));
  if (f.is !== 'standing') throw new Error(why(f));
  return f;
}
const giveEntries = (p: Phone, items: readonly ReceiptedEntry[], group = s.group): Promise<FromRelay> => p.ask((re) => ({ is: 'give-entries', re, group, items }));
async function give(p: Phone, items: readonly GivenEnvelope[]): Promise<FromRelay> {
  const f = await p.ask((re) => ({ is: 'give', re, group: s.group, items }));
  await settled();
  return f;
}
async function feed(p: Phone): Promise<{ device: number; n: number; seq: number }[]> {
  const f = await p.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 500 }));
  if (f.is !== 'page') throw new Error(f.is);
  return f.items.map(({ device, n, seq }) => ({ device, n, seq }));
}
const call = async (device: Device): Promise<Phone> => s.arrive.call({ rhea: r, group: s.group } as unknown as Scene, device);

describe('a backup', () => {
  it('of a running relay holds the store and what it names, and is never written over', async () => {
    await s.post(s.phone, olivia);
    backedUp();
    expect(backUp(folder, file)).toMatchObject({ ok: false });
    expect(backUp(join(folder, 'none'), `${file}2`)).toMatchObject({ ok: false });
    expect(await restore(folder, file, 9)).toEqual({ ok: false, fault: 'A relay is using this folder. Stop it first.' });
    writeFileSync(join(folder, 'junk'), 'no backup');
    await r.log.close();
    expect(await restore(folder, join(folder, 'junk'), 9)).toMatchObject({ ok: false });
    expect(await restore(folder, file, 9)).toMatchObject({ ok: true, value: { groups: 1 } });
    expect(existsSync(join(folder, 'relay.db.before-restore'))).toBe(true);
    started();
    const phone = await call(olivia);
    expect(await feed(phone)).toEqual([{ device: 1, n: 1, seq: 1 }]);
  });

  it('of somebody else’s making writes no file beside the store, and nothing in it runs', async () => {
    backedUp();
    const bytes = new Uint8Array([1, 2, 3]);
    const id = blobId(bytes);
    const beside = join(folder, 'beside');
    const planted = (sql: string): void => {
      const copy = new DatabaseSync(file);
      copy.exec(sql);
      copy.close();
    };
    mkdirSync(beside);
    for (const table of ['blobs', 'carried']) planted(`DROP TABLE ${table}`);
    planted(`CREATE TABLE blobs (g, id BLOB, device INTEGER, size INTEGER, time INTEGER, named INTEGER); INSERT INTO blobs VALUES ('../../beside/file', x'${hex(id)}', 1, 3, 1, 1);
      CREATE TABLE carried (g, id BLOB, bytes BLOB); INSERT INTO carried VALUES ('../../beside/file', x'${hex(id)}', x'010203')`);
    await r.log.close();
    const done = await restore(folder, file, 9);
    expect(readdirSync(beside)).toEqual([]);
    expect(done).toMatchObject({ ok: false });
    planted('DELETE FROM blobs; CREATE TRIGGER t AFTER INSERT ON lives BEGIN DELETE FROM groups; END');
    expect(await restore(folder, file, 9)).toMatchObject({ ok: false });
    planted('DROP TRIGGER t');
    expect(await restore(folder, file, 9)).toMatchObject({ ok: true });
  });

  it('that is restored a second time leaves the store kept from the first where it is, whole and under its own name', async () => {
    await s.post(s.phone, olivia);
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    backUp(folder, first);
    await r.log.close();
    const kept = async (from: string, at: number): Promise<string | null> => {
      const done = await restore(folder, from, at);
      return done.ok ? done.value.before : done.fault;
    };
    expect(await kept(first, 50_000)).toBe('relay.db.before-restore');
    started();
    expect(backUp(folder, second)).toMatchObject({ ok: true });
    await r.log.close();
    // left by a store that was damaged: it belongs to nobody else
    writeFileSync(join(folder, 'relay.db.before-restore.2-wal'), 'torn');
    expect(await kept(second, 60_000)).toBe('relay.db.before-restore.3');
    expect(readFileSync(join(folder, 'relay.db.before-restore.2-wal'), 'latin1')).toBe('torn');
    const lives: number[] = [];
    for (const name of ['relay.db.before-restore', 'relay.db.before-restore.3', 'relay.db']) {
      const log = localLog(join(folder, name), 70_000);
      lives.push(log.incarnation);
      expect(await ask(log, 'head', { g: 1, device: 1 })).toMatchObject({ value: { n: 1 } });
      await log.close();
    }
    expect(lives).toEqual([7, 50_000, 60_000]);
    const empty = join(folder, 'empty');
    const done = await restore(empty, first, 9);
    expect(done).toMatchObject({ ok: true, value: { before: null } });
  });

  it('begins a new life when it is restored, above every earlier one, whatever the clock says', async () => {
    backedUp();
    const lives = [new Phone(r.relay, r.random).hello.incarnation];
    for (const at of [50_000, 40_000, 3]) {
      await restored(at);
      lives.push(new Phone(r.relay, r.random).hello.incarnation);
    }
    expect(lives).toEqual([7, 50_000, 50_001, 50_002]);
  });

  it('put back by hand is noticed by the number beside it', async () => {
    await r.log.close();
    const older = readFileSync(join(folder, 'relay.db'));
    started();
    await r.log.close();
    putBack(older);
    started();
    expect(new Phone(r.relay, r.random).hello.incarnation).toBe(60_000);
  });
});

describe('a restored relay', () => {
  it('takes entries back by its own receipts, from anybody, and no others', async () => {
    backedUp();
    await s.must(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'After the backup'));
    await s.must(fay.phone, rotate(r.random, s.state, fay.device));
    const all = await entriesOf(s.phone, s.group);
    await restored();
    const stranger = new Phone(r.relay, r.random);
    const last = all.at(-1)!;
    const forged = { ...last, receipt: signReceipt(s.group, { ...last.receipt }, makeRelay(seeded('nobody')).sk) };
    expect(why(await giveEntries(stranger, [forged]))).toBe('not-allowed');
    expect(why(await giveEntries(stranger, [last]))).toBe('behind');
    expect(why(await giveEntries(stranger, all))).toBe('done');
    expect(why(await giveEntries(stranger, all))).toBe('done');
    const phone = await call(olivia);
    expect((await entriesOf(phone, s.group)).map((e) => e.receipt.incarnation)).toEqual(all.map(() => 7));
    expect(equal((await standing(phone, olivia)).chain, chainHead(s.state))).toBe(true);
  });

  it('says where every log stands, also of a group that has had thousands', async () => {
    const logs = 5000;
    const envelope = new Uint8Array([1]);
    const items = Array.from({ length: logs }, (_, i) => ({ device: i + 10, n: 1, rosterSeq: 1, time: 1, prev: ZERO_HASH, hash: ZERO_HASH, blobs: [], envelope, replaces: false }));
    expect(await ask(r.log, 'give', { g: 1, items })).toMatchObject({ ok: true, value: { length: logs } });
    backedUp();
    await restored();
    const { heads, healing } = await standing(await call(olivia), olivia);
    expect([heads.length, heads.at(-1)?.device, healing]).toEqual([logs, logs + 9, true]);
  });

  it('proves nothing of entries that lie there already, however often one frame names them', async () => {
    const proofs = vi.spyOn(na(), 'crypto_sign_verify_detached');
    const [first] = await entriesOf(s.phone, s.group);
    proofs.mockClear();
    const stranger = new Phone(r.relay, r.random);
    expect(why(await giveEntries(stranger, Array.from({ length: 1000 }, () => ({ ...first!, entry: new Uint8Array(0) }))))).toBe('done');
    expect(proofs.mock.calls.length).toBe(1);
    proofs.mockRestore();
  });

  it('takes a whole group back that was made after the backup', async () => {
    backedUp();
    const pat = makeDevice(seeded('pat'));
    const other = await Scene.begin(r, pat);
    const all = await entriesOf(other.phone, other.group);
    await restored();
    const phone = new Phone(r.relay, r.random);
    expect(why(await phone.as(pat, other.group))).toBe('unknown-group');
    expect(why(await giveEntries(phone, all, other.group))).toBe('done');
    expect(why(await phone.as(pat, other.group))).toBe('welcome');
  });

  it('refuses new entries as healing until everybody has shown a head, or the owner has and a day passed, or a week did', async () => {
    backedUp();
    for (const [who, wait] of [['both', 0], ['owner', day], ['fay', 7 * day]] as const) {
      await restored();
      const phone = await call(olivia);
      const hers = await call(fay.device);
      const entry = nameEntry(r.random, s.state, olivia, s.now, `By ${who}`);
      if (who !== 'fay') expect((await standing(phone, olivia)).healing).toBe(true);
      if (who !== 'owner') expect((await standing(hers, fay.device)).healing).toBe(who === 'fay');
      const before = await phone.enter(s.group, s.state.seq + 1, entry.entry);
      expect(why(before), who).toBe(wait === 0 ? 'entered' : 'healing');
      r.now += wait - 60_000;
      if (wait > 0) expect(why(await phone.enter(s.group, s.state.seq + 1, entry.entry)), who).toBe('healing');
      r.now += 60_001;
      expect(why(await phone.enter(s.group, s.state.seq + 1, entry.entry)), who).toBe('entered');
    }
  });

  it('waits for a device whose head is beyond what it has, until that has come', async () => {
    backedUp();
    const bytes = await s.post(fay.phone, fay.device);
    await restored();
    const [phone, hers] = [await call(olivia), await call(fay.device)];
    await standing(phone, olivia);
    expect((await standing(hers, fay.device)).healing).toBe(true);
    await give(phone, [{ device: 2, n: 1, time: 5, envelope: bytes }]);
    expect((await standing(hers, fay.device)).healing).toBe(false);
  });

  it('takes envelopes of any log from any member in their order, tells everybody, and takes none twice', async () => {
    await s.post(s.phone, olivia, 'kept');
    backedUp();
    const lost = [await s.post(s.phone, olivia, 'one'), await s.post(fay.phone, fay.device, 'two'), await s.post(s.phone, olivia, 'three')] as const;
    await restored();
    const [phone, hers] = [await call(olivia), await call(fay.device)];
    const items = [{ device: 1, n: 2, time: 11, envelope: lost[0] }, { device: 2, n: 1, time: 12, envelope: lost[1] }, { device: 1, n: 3, time: r.now + 9, envelope: lost[2] }];
    expect(await standing(hers, fay.device)).toMatchObject({ feed: 1, heads: [{ device: 1, n: 1 }] });
    await give(hers, items);
    await give(phone, items);
    const all = [{ device: 1, n: 1, seq: 1 }, { device: 1, n: 2, seq: 2 }, { device: 2, n: 1, seq: 3 }, { device: 1, n: 3, seq: 4 }];
    expect(await feed(phone)).toEqual(all);
    for (const p of [phone, hers]) expect(p.of('page').filter((f) => f.re === 0).flatMap((f) => f.items).map(({ n, time }) => [n, time])).toEqual([[2, 11], [1, 12], [3, r.now]]);
    // the logs go on behind them
    await s.post(phone, olivia, 'four');
    expect((await feed(phone)).at(-1)).toEqual({ device: 1, n: 4, seq: 5 });
  });

  it('takes what is given back no faster than what is said', async () => {
    backedUp();
    await r.log.close();
    expect(await restore(folder, file, r.now)).toMatchObject({ ok: true });
    const kept = { ...RATE };
    Object.assign(RATE, { bytesAtOnce: 2_000, bytesPerSecond: 1_000 });
    const { now } = r;
    r = rhea('heal', { log: localLog(join(folder, 'relay.db'), 60_000), pace: 1000 });
    r.now = now;
    const hers = await call(fay.device);
    const item = (n: number): GivenEnvelope => ({ device: 2, n, time: 1, envelope: s.seal(fay.device, 'x'.repeat(800)) });
    const waits = [1, 2, 3, 4].map((n) => hers.raw(encodeToRelay({ is: 'give', re: n, group: s.group, items: [item(n)] })));
    Object.assign(RATE, kept);
    expect(waits[0]).toBe(0);
    expect(waits[3]).toBeGreaterThan(1_000);
  });

  it('passes over what was spoiled, is out of order, or names an entry of the present life', async () => {
    backedUp();
    const lost = await s.post(fay.phone, fay.device);
    await restored();
    const phone = await call(olivia);
    const hers = await call(fay.device);
    const spoiled = lost.slice() as Bytes;
    spoiled[lost.length - 1]! ^= 1;
    for (const i of [{ device: 2, n: 1, time: 1, envelope: spoiled }, { device: 1, n: 1, time: 1, envelope: lost }, { device: 2, n: 2, time: 1, envelope: lost }, { device: 9, n: 1, time: 1, envelope: lost }])
      expect(why(await give(phone, [i]))).toBe('done');
    expect(await feed(phone)).toEqual([]);
    await give(phone, [{ device: 2, n: 1, time: 1, envelope: lost }]);
    await standing(phone, olivia);
    await standing(hers, fay.device);
    await s.must(phone, rotate(r.random, s.state, olivia));
    const now = s.seal(fay.device);
    await give(hers, [{ device: 2, n: 2, time: 1, envelope: now }]);
    expect(await feed(phone)).toEqual([{ device: 2, n: 1, seq: 1 }]);
  });

  it('puts the run that ends in a log’s cut-off above what that log said since the restore', async () => {
    backedUp();
    const before = { ...s.pen(fay.device) };
    const [one, two] = [await s.post(fay.phone, fay.device, 'one'), await s.post(fay.phone, fay.device, 'two')];
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.device.member, s.heads()));
    const all = await entriesOf(s.phone, s.group);
    await restored();
    const hers = await call(fay.device);
    const state = s.state;
    // Fay writes on a history where she was never removed
    const pen = s.pen(fay.device);
    Object.assign(pen, before);
    const other = s.seal(fay.device, 'instead', { rosterSeq: all.length - 1, epoch: all.length - 1 });
    hers.tell({ is: 'append', group: s.group, n: 1, envelope: other });
    await settled();
    expect(await feed(hers)).toHaveLength(1);
    const phone = await call(olivia);
    expect(why(await giveEntries(phone, all))).toBe('done');
    expect(hers.of('gone')).toHaveLength(1);
    const short = [{ device: 2, n: 1, time: 1, envelope: one }];
    const run = [...short, { device: 2, n: 2, time: 2, envelope: two }];
    await give(phone, short);
    expect((await feed(phone)).map((e) => e.seq)).toEqual([1]);
    // the log’s own key may bring it, though its row has ended
    await give(hers, run);
    const now = await phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 500 }));
    if (now.is !== 'page') throw new Error(now.is);
    expect(now.items.map(({ n, seq }) => [n, seq])).toEqual([[1, 1], [1, 2], [2, 3]]);
    const cut = state.rows.get([...state.rows.keys()][1]!)!.end!.cut;
    expect((await standing(phone, olivia)).heads.find((h) => h.device === 2)).toEqual({ device: 2, n: 2, hash: cut.hash });
    expect(equal(envelopeHash({ group: s.group, logPk: fay.device.logPk, prev: before.prev, roster: chainAt(state, all.length - 1)! }, one), cut.hash)).toBe(false);
  });

  /** Fay wrote three and was removed; the backup, which is put back, knows the first alone. */
  async function cutShort(): Promise<{ phone: Phone; run: GivenEnvelope[]; cut: (n: number) => Made }> {
    const run: GivenEnvelope[] = [];
    const ends: { n: number; hash: Hash }[] = [{ n: 0, hash: ZERO_HASH }];
    const write = async (): Promise<void> => {
      run.push({ device: 2, n: run.length + 1, time: run.length + 1, envelope: await s.post(fay.phone, fay.device, `${run.length + 1}`) });
      ends.push({ n: run.length, hash: s.pen(fay.device).prev });
    };
    await write();
    backedUp();
    await write();
    await write();
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.device.member, s.heads()));
    const all = await entriesOf(s.phone, s.group);
    const cut = (n: number): Made => plainEntry(s.state, olivia, { kind: 'restate-cut', cut: { logPk: fay.device.logPk, ...ends[n]! } });
    // as long as it holds the run to the cut, it takes none
    const refused = await s.enter(s.phone, cut(1));
    expect(refused).toMatchObject({ why: 'moved', detail: { heads: [{ n: 3 }] } });
    await restored();
    const phone = await call(olivia);
    expect(why(await giveEntries(phone, all))).toBe('done');
    return { phone, run, cut };
  }

  it('takes a cut restated only where it stands itself, once it waits for nobody, and the rest whenever that comes', async () => {
    const { phone, run, cut } = await cutShort();
    // where it waits for a device that may have more
    expect(why(await phone.enter(s.group, s.state.seq + 1, cut(1).entry))).toBe('healing');
    await standing(phone, olivia);
    for (const n of [0, 2]) expect(await s.enter(phone, cut(n)), String(n)).toMatchObject({ why: 'moved', detail: { heads: [{ n: 1 }] } });
    await s.must(phone, cut(1));
    expect(why(await s.enter(phone, cut(1)))).toBe('void');
    await give(phone, run.slice(1, 2));
    expect((await standing(phone, olivia)).heads.find((h) => h.device === 2)?.n).toBe(2);
    await s.must(phone, cut(2));
    await give(phone, run);
    expect((await feed(phone)).filter((e) => e.device === 2).map((e) => e.n)).toEqual([1, 2, 3]);
    expect(await s.enter(phone, cut(0))).toMatchObject({ why: 'moved', detail: { heads: [{ n: 3 }] } });
  });

  it('takes from a device whose row has ended nothing but the run to its cut, which it cannot make up', async () => {
    const { phone, run } = await cutShort();
    const hers = await call(fay.device);
    await give(hers, run.slice(1, 2));
    expect((await feed(phone)).map((e) => e.n)).toEqual([1]);
    await give(hers, run.slice(1));
    expect((await feed(phone)).map((e) => e.n)).toEqual([1, 2, 3]);
  });

  it('puts the run to a cut restated above what that log said since another restore, and the run to the cut above both', async () => {
    const { phone, run, cut } = await cutShort();
    await give(phone, run.slice(1, 2));
    await standing(phone, olivia);
    await s.must(phone, cut(2));
    const all = await entriesOf(phone, s.group);
    // put back to where Fay was in, and had said the first alone
    await restored();
    const hers = await call(fay.device);
    const pen = s.pen(fay.device);
    const prev = envelopeHash({ group: s.group, logPk: fay.device.logPk, prev: ZERO_HASH, roster: chainAt(s.state, all.length - 2)! }, run[0]!.envelope);
    Object.assign(pen, { n: 1, prev });
    hers.tell({ is: 'append', group: s.group, n: 2, envelope: s.seal(fay.device, 'instead', { rosterSeq: all.length - 2, epoch: all.length - 2 }) });
    await settled();
    expect(await feed(hers)).toHaveLength(2);
    const again = await call(olivia);
    expect(why(await giveEntries(again, all))).toBe('done');
    const head = async (): Promise<number | undefined> => (await standing(again, olivia)).heads.find((h) => h.device === 2)?.n;
    await give(again, run.slice(0, 2));
    const now = (await again.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 500 }))) as Extract<FromRelay, { is: 'page' }>;
    expect(now.items.map((i) => i.envelope).slice(2)).toEqual([run[1]!.envelope]);
    expect(await head()).toBe(2);
    await give(again, run);
    expect(await head()).toBe(3);
  });

  it('notices by a receipt of its own present life that its store is older than it says, and begins another', async () => {
    const older = join(folder, 'older');
    expect(backUp(folder, older)).toMatchObject({ ok: true });
    await s.must(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Lost without a word'));
    const all = await entriesOf(s.phone, s.group);
    await r.log.close();
    rmSync(join(folder, 'relay.db.mark'));
    putBack(readFileSync(older));
    started();
    const phone = await call(olivia);
    expect(phone.hello.incarnation).toBe(7);
    let ended = 0;
    r.relay.connect(() => undefined, undefined, () => ended++);
    phone.tell({ is: 'give-entries', re: 1, group: s.group, items: all });
    await settled();
    expect(ended).toBe(1);
    const again = await call(olivia);
    expect(again.hello.incarnation).toBeGreaterThan(7);
    expect(why(await giveEntries(again, all))).toBe('done');
  });

  it('shows everybody of the group when somebody holds another entry that it signed for the same place', async () => {
    const all = await entriesOf(s.phone, s.group);
    const last = all.at(-1)!;
    const before = chainAt(s.state, last.receipt.seq - 1)!;
    const time = last.receipt.time + 1;
    const relay = makeRelay(seeded('rhea'));
    const other = { entry: last.entry, receipt: signReceipt(s.group, { ...last.receipt, time, chain: chainAfter(before, last.entry, time) }, relay.sk) };
    fay.phone.forget();
    expect(why(await giveEntries(s.phone, [other]))).toBe('conflict');
    expect(fay.phone.of('entries').flatMap((f) => f.items)).toEqual([other]);
    // what nobody signed is shown to nobody
    fay.phone.forget();
    expect(why(await giveEntries(s.phone, [{ ...other, receipt: { ...other.receipt, time: time + 1 } }]))).toBe('not-allowed');
    expect(fay.phone.of('entries')).toEqual([]);
  });
});
