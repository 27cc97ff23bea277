import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlobId, Bytes, GroupId, Hash, LogPk } from '../../../crypto/brand';
import { ZERO_HASH } from '../../../crypto/hash';
import { ready } from '../../../crypto/sodium';
import type { Random } from '../../../crypto/sodium';
import { Bucket, Hourly } from '../../../relay/limits';
import { packCalls, packReplies, unpackCalls, unpackReplies } from '../../../relay/log-pack';
import { SqliteLog } from '../../../relay/log-sqlite';
import type { Appending, Call } from '../../../relay/log';
import { foundGroup, makeDevice, makeRelay, receipt, seeded } from '../../support/actor';

let folder: string;
let path: string;
let random: Random;
let group: GroupId;
let log: SqliteLog;

beforeAll(ready);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-log-'));
  path = join(folder, 'relay.db');
  random = seeded('log');
  log = new SqliteLog(path, 5);
  const made = foundGroup(random, makeDevice(random));
  group = made.group;
  const genesis = { entry: made.entry, receipt: receipt(makeRelay(random), group, ZERO_HASH, 1, made.entry, 5) };
  log.transact([{ name: 'create', input: { group, genesis, boxes: [], state: random(10) } }]);
});
afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true, force: true });
});

const appending = (n: number, more: Partial<Appending> = {}): Extract<Call, { name: 'append' }> => ({
  name: 'append',
  input: {
    g: 1, device: 1, n, rosterSeq: 1, time: 1000 + n, verdict: 'fine', judgedAt: 1, group, logPk: random(32) as Bytes as LogPk, roster: random(32) as Bytes as Hash,
    blobs: [], envelope: random(100), ...more
  }
});

describe('the store', () => {
  it('is opened by one relay at a time', () => {
    expect(() => new SqliteLog(path, 6)).toThrow('another relay is using it');
    log.close();
    log = new SqliteLog(path, 6);
    expect(log.incarnation).toBe(5);
  });

  it('keeps many calls in one transaction and numbers a group’s feed without gaps', () => {
    const replies = log.transact([appending(1), appending(1, { device: 2 }), appending(2), appending(9), appending(3)]);
    expect(replies).toMatchObject([{ value: { seq: 1 } }, { value: { seq: 2 } }, { value: { seq: 3 } }, { value: { is: 'gap', n: 2 } }, { value: { seq: 4 } }]);
  });

  it('goes on after a restart from the heads and the feed it had', () => {
    log.transact([appending(1), appending(2)]);
    const before = log.transact([{ name: 'head', input: { g: 1, device: 1 } }]);
    log.close();
    log = new SqliteLog(path, 6);
    expect(log.transact([{ name: 'head', input: { g: 1, device: 1 } }])).toEqual(before);
    expect(log.transact([appending(3)])).toMatchObject([{ value: { seq: 3 } }]);
  });

  it('loses one bad call and none of its neighbours, and tells of it', () => {
    const told: string[] = [];
    log.close();
    log = new SqliteLog(path, 6, (words) => told.push(words));
    const bad = { ...appending(1, { device: 3 }) };
    const spoilt = { ...bad, input: { ...bad.input, envelope: null as unknown as Bytes } };
    const replies = log.transact([appending(1), spoilt, appending(2)]);
    expect(replies.map((x) => x.ok)).toEqual([true, false, true]);
    expect(log.transact([appending(3)])).toMatchObject([{ value: { seq: 3 } }]);
    expect(told.length).toBeGreaterThan(0);
  });

  it('names a blob as used only when the envelope that names it is kept', () => {
    const id = random(32) as Bytes as BlobId;
    log.transact([{ name: 'putBlob', input: { g: 1, id, device: 1, size: 9, time: 0 } }, appending(7, { blobs: [id] })]);
    const sweep: Call = { name: 'sweep', input: { blobsBefore: 10, answersBefore: 0, meetingsBefore: 0 } };
    expect(log.transact([sweep])).toEqual([{ ok: true, value: [{ g: 1, id }] }]);
    log.transact([{ name: 'putBlob', input: { g: 1, id, device: 1, size: 9, time: 0 } }, appending(1, { blobs: [id] })]);
    expect(log.transact([sweep])).toEqual([{ ok: true, value: [] }]);
  });
});

describe('calls on their way to the worker', () => {
  it('arrive as they were made, in their order', () => {
    const head: Call = { name: 'head', input: { g: 1, device: 2 } };
    const calls = [head, appending(1, { verdict: 'stale', blobs: [random(32) as Bytes as BlobId] }), head, appending(2 ** 40), appending(3)];
    expect(unpackCalls(packCalls(calls))).toEqual(calls);
  });

  it('and their answers too', () => {
    const calls = [appending(1), { name: 'head', input: { g: 1, device: 1 } } as const, appending(1), appending(5)];
    const replies = log.transact(calls);
    expect(unpackReplies(packReplies(calls, replies))).toEqual(replies);
  });
});

describe('a limit', () => {
  it('of frames lets a burst through, then asks to wait as long as the pace needs', () => {
    const b = new Bucket(10, 100, 0);
    expect(Array.from({ length: 10 }, () => b.take(0))).toEqual(Array(10).fill(0));
    expect(b.take(0)).toBe(10);
    expect(b.take(20)).toBe(0);
    expect(b.take(20)).toBe(10);
    expect(b.isFull(200)).toBe(true);
  });

  it('of an hour is counted by key and passes with the hour', () => {
    const h = new Hourly();
    for (let i = 0; i < 3; i++) h.count('fay', i * 1000);
    expect(h.wait('fay', 3, 10_000)).toBe(3_600_000 - 10_000);
    expect(h.wait('pat', 3, 10_000)).toBe(0);
    expect(h.wait('fay', 3, 3_600_000)).toBe(0);
  });
});
