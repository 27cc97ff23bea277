import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash } from '../../../crypto/brand';
import { equal } from '../../../crypto/bytes';
import type { FromRelay, ReceiptedEntry } from '../../../crypto/frames';
import { ZERO_HASH } from '../../../crypto/hash';
import { begin, fold } from '../../../crypto/roster/fold';
import { chainHead } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { leadsTo } from '../../../crypto/turn';
import { keysAt, newKey } from '../../../relay/keys';
import { localLog } from '../../../relay/log-sqlite';
import { foundGroup, makeDevice, nameEntry, plainEntry, receipt, seeded } from '../../support/actor';
import { Phone, rhea, Scene, settled } from './phone';

let folder: string;
beforeAll(ready);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('a new key is named by the one before it, which stays beside it, and names go on when an old key is taken away', () => {
  const random = seeded('keys');
  const [first, ...rest] = [keysAt(folder, random), (newKey(folder, random), keysAt(folder, random)), (newKey(folder, random), keysAt(folder, random))];
  const last = rest[1]!;
  expect(last.earlier?.map((k) => k.pk)).toEqual(expect.arrayContaining([first.pk, rest[0]!.pk]));
  expect([leadsTo(last.turns ?? [], first.pk, last.pk), leadsTo(last.turns ?? [], last.pk, first.pk), leadsTo([], first.pk, last.pk)]).toEqual([true, false, false]);
  for (const name of readdirSync(folder).filter((n) => n.startsWith('relay.key'))) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  rmSync(join(folder, 'relay.key.1'));
  const later = keysAt(folder, random);
  expect([equal(later.pk, last.pk), later.earlier?.length, leadsTo(later.turns ?? [], first.pk, later.pk)]).toEqual([true, 1, true]);
  // one name that was changed leads nowhere
  const [t, ...others] = later.turns ?? [];
  expect(leadsTo([{ ...t!, signature: t!.signature.map((b) => b ^ 1) as never }, ...others], first.pk, later.pk)).toBe(false);
});

it('a new key that was cut short between its two names is the key at the next start, and no other is made', () => {
  const random = seeded('keys');
  const first = keysAt(folder, random);
  newKey(folder, random);
  const second = keysAt(folder, random);
  // as it lies there when the power goes after the first of the two
  renameSync(join(folder, 'relay.key'), join(folder, 'relay.key.coming'));
  const after = keysAt(folder, random);
  expect([equal(after.pk, second.pk), after.earlier?.length, leadsTo(after.turns ?? [], first.pk, after.pk)]).toEqual([true, 1, true]);
  expect(readdirSync(folder).sort()).toEqual(['relay.key', 'relay.key.1', 'relay.turns']);
  // asked for again before any start, it goes on from there
  renameSync(join(folder, 'relay.key'), join(folder, 'relay.key.coming'));
  expect(newKey(folder, random)).toBe(2);
  const third = keysAt(folder, random);
  expect([equal(third.pk, second.pk), leadsTo(third.turns ?? [], second.pk, third.pk)]).toEqual([false, true]);
});

it('a relay with a new key receipts each group under the key it knows, until its owner names the new one', async () => {
  const random = seeded('keys');
  const old = keysAt(folder, random);
  const path = join(folder, 'relay.db');
  const olivia = makeDevice(seeded('olivia'));
  const before = rhea('keys', { keys: old, log: localLog(path, 7) });
  const s = await Scene.begin(before, olivia);
  await before.log.close();
  newKey(folder, random);
  const keys = keysAt(folder, random);
  const after = rhea('keys', { keys, log: localLog(path, 8) });
  after.now = before.now;
  const phone = new Phone(after.relay, after.random);
  expect(phone.heard.map((f) => f.is)).toEqual(['turns', 'hello']);
  phone.heard.shift();
  await phone.as(olivia, s.group);
  const name = (): ReturnType<Scene['must']> => s.must(phone, nameEntry(random, s.state, olivia, s.now, 'Named'));
  expect((await name()).receipt.relayPk).toEqual(old.pk);
  // a key that is not the relay's is named in vain
  expect(await s.enter(phone, plainEntry(s.state, olivia, { kind: 'relay', relayPk: old.pk }))).toMatchObject({ is: 'refused', why: 'void', detail: { words: 'wrong-relay' } });
  expect((await s.must(phone, plainEntry(s.state, olivia, { kind: 'relay', relayPk: keys.pk }))).receipt.relayPk).toEqual(keys.pk);
  expect((await name()).receipt.relayPk).toEqual(keys.pk);
  await after.log.close();
  // started anew without the old key it goes on with the new one
  rmSync(join(folder, 'relay.key.1'));
  const last = rhea('keys', { keys: keysAt(folder, random), log: localLog(path, 9) });
  const again = new Phone(last.relay, last.random);
  again.heard.shift();
  await again.as(olivia, s.group);
  last.now = after.now;
  expect((await s.must(again, nameEntry(random, s.state, olivia, s.now, 'Still'))).receipt.relayPk).toEqual(keys.pk);
  await last.log.close();
});

it('an old key in other hands gives a group nothing once its owner has named the new one', async () => {
  const random = seeded('keys');
  const old = keysAt(folder, random);
  const path = join(folder, 'relay.db');
  const olivia = makeDevice(seeded('olivia'));
  const before = rhea('keys', { keys: old, log: localLog(path, 7) });
  const s = await Scene.begin(before, olivia);
  await before.log.close();
  newKey(folder, random);
  const after = rhea('keys', { keys: keysAt(folder, random), log: localLog(path, 8) });
  after.now = before.now;
  const phone = new Phone(after.relay, after.random);
  phone.heard.shift();
  await phone.as(olivia, s.group);
  await s.must(phone, plainEntry(s.state, olivia, { kind: 'relay', relayPk: keysAt(folder, random).pk }));
  const thief = new Phone(after.relay, after.random);
  const entry = new Uint8Array([1]);
  const item = { entry, receipt: receipt({ ...old, incarnation: 1 }, s.group, chainHead(s.state), s.state.seq + 1, entry, after.now) };
  expect(await thief.ask((re) => ({ is: 'give-entries', re, group: s.group, items: [item] }))).toMatchObject({ is: 'refused', why: 'not-allowed' });
  // nor is there a life after the last of all numbers, which a group of the thief's own could name
  const own = foundGroup(random, makeDevice(random));
  const last = { entry: own.entry, receipt: receipt({ ...old, incarnation: Number.MAX_SAFE_INTEGER }, own.group, ZERO_HASH, 1, own.entry, after.now) };
  thief.tell({ is: 'give-entries', re: 9, group: own.group, items: [last] });
  await settled();
  expect(new Phone(after.relay, after.random).of('hello')).toMatchObject([{ incarnation: after.log.incarnation }]);
  expect((await s.must(phone, nameEntry(random, s.state, olivia, s.now, 'Goes on'))).receipt.relayPk).toEqual(keysAt(folder, random).pk);
  await after.log.close();
});

it('an old key in other hands begins no life of the store, whatever group it speaks of; the key of now does, behind entries by the old one too', async () => {
  const random = seeded('keys');
  const old = keysAt(folder, random);
  const path = join(folder, 'relay.db');
  const olivia = makeDevice(seeded('olivia'));
  const before = rhea('keys', { keys: old, log: localLog(path, 7) });
  const s = await Scene.begin(before, olivia);
  await before.log.close();
  newKey(folder, random);
  const keys = keysAt(folder, random);
  const after = rhea('keys', { keys, log: localLog(path, 8) });
  after.now = before.now;
  const life = (): number | undefined => new Phone(after.relay, after.random).of('hello')[0]?.incarnation;
  const now = life() as number;
  const thief = new Phone(after.relay, after.random);
  const give = (group: GroupId, ...items: ReceiptedEntry[]): Promise<FromRelay> => thief.ask((re) => ({ is: 'give-entries', re, group, items }));
  const by = (key: typeof old, incarnation: number, group: GroupId, prev: Hash, seq: number, entry: Bytes): ReceiptedEntry => ({ entry, receipt: receipt({ ...key, incarnation }, group, prev, seq, entry, after.now) });
  // a group of its own making that the relay never heard of, and one that it had put there as if lost
  const mallory = makeDevice(random);
  const own = foundGroup(random, mallory);
  for (const as of [now, now + 1]) expect(await give(own.group, by(old, as, own.group, ZERO_HASH, 1, own.entry))).toMatchObject({ why: 'not-allowed' });
  const genesis = by(old, now - 1, own.group, ZERO_HASH, 1, own.entry);
  expect(await give(own.group, genesis)).toMatchObject({ is: 'done' });
  const first = begin(own.group, own.entry, after.now);
  if (!first.ok) throw new Error(first.fault);
  for (const key of [old, keys]) {
    const { entry } = plainEntry(first.value, mallory, { kind: 'relay', relayPk: key.pk });
    expect(await give(own.group, by(old, now, own.group, chainHead(first.value), 2, entry))).toMatchObject({ why: 'not-allowed' });
  }
  // a group that has not followed yet
  const name = nameEntry(random, s.state, olivia, s.now, 'Lost');
  const lost = by(old, now, s.group, chainHead(s.state), s.state.seq + 1, name.entry);
  expect(await give(s.group, lost)).toMatchObject({ why: 'not-allowed' });
  expect([thief.isHopeless, life()]).toEqual([false, now]);
  // nor does it help to claim that the key of now said so
  const step = by(keys, now, s.group, lost.receipt.chain, s.state.seq + 2, plainEntry(fold(s.state, name.entry, after.now).state, olivia, { kind: 'relay', relayPk: keys.pk }).entry);
  expect(await give(s.group, lost, { ...step, receipt: { ...step.receipt, signature: lost.receipt.signature } })).toMatchObject({ why: 'not-allowed' });
  expect(life()).toBe(now);
  thief.tell({ is: 'give-entries', re: 99, group: s.group, items: [lost, step] });
  await settled();
  expect(life()).toBeGreaterThan(now);
  await after.log.close();
});
