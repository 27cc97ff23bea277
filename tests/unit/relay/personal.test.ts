import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '../../../crypto/brand';
import { encodeToRelay } from '../../../crypto/frames';
import { LIMIT } from '../../../crypto/limits';
import { phraseKeys } from '../../../crypto/phrase';
import { hex } from '../../../crypto/bytes';
import { ready } from '../../../crypto/sodium';
import { RATE } from '../../../relay/limits';
import { deviceAdd, deviceRevoke, type Device, makeDevice, removeEntry, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let r: Rhea;
const words = (n: number) => phraseKeys(new Uint8Array(16).fill(n));
const idOf = (n: number): GroupId => words(n).id as Bytes as GroupId;
const item = (n: number): Bytes => new Uint8Array(40).fill(n);

beforeAll(ready);
beforeEach(() => {
  r = rhea('personal');
});

const phone = (): Phone => new Phone(r.relay, r.random);
async function opened(n: number): Promise<Phone> {
  const p = phone();
  expect(await p.auth(idOf(n), 'vault', { pk: words(n).id, sk: words(n).sk })).toMatchObject({ is: 'welcome' });
  return p;
}
const put = (p: Phone, vault: number, n: number, bytes: Bytes = item(n)) => p.ask((re) => ({ is: 'put-item', re, group: idOf(vault), n, item: bytes }));
const get = (p: Phone, vault: number, after = 0) => p.ask((re) => ({ is: 'get-items', re, group: idOf(vault), after }));

describe('a personal vault', () => {
  it('opens to its own key alone, and says how many items it holds', async () => {
    const p = await opened(1);
    await put(p, 1, 1);
    await put(p, 1, 2);
    const again = phone();
    expect(await again.auth(idOf(1), 'vault', { pk: words(2).id, sk: words(2).sk })).toMatchObject({ is: 'refused', why: 'bad-proof' });
    expect(await again.auth(idOf(1), 'vault', { pk: words(1).id, sk: words(2).sk })).toMatchObject({ why: 'bad-proof' });
    expect(await again.auth(idOf(1), 'invite', { pk: words(1).id, sk: words(1).sk })).toMatchObject({ why: 'unknown-group' });
    expect(await again.auth(idOf(1), 'log', { pk: words(1).id, sk: words(1).sk })).toMatchObject({ why: 'unknown-group' });
    expect(await get(again, 1)).toMatchObject({ why: 'not-allowed' });
    expect(await again.auth(idOf(1), 'vault', { pk: words(1).id, sk: words(1).sk })).toMatchObject({ is: 'welcome', head: { n: 2 }, rosterSeq: 0, feedSeq: 0 });
  });

  it('takes no proof that was made on another connection or for another host', async () => {
    const [a, b] = [phone(), phone()];
    const keys = { pk: words(1).id, sk: words(1).sk };
    expect(await b.auth(idOf(1), 'vault', keys, { serverNonce: a.hello.nonce })).toMatchObject({ why: 'bad-proof' });
    expect(await b.auth(idOf(1), 'vault', keys, { host: 'relay.evil' })).toMatchObject({ why: 'bad-proof' });
  });

  it('of somebody else is neither read nor written', async () => {
    await put(await opened(1), 1, 1);
    const mallory = await opened(2);
    expect(await get(mallory, 1)).toMatchObject({ why: 'not-allowed' });
    expect(await put(mallory, 1, 2)).toMatchObject({ why: 'not-allowed' });
    expect(await get(mallory, 2)).toMatchObject({ is: 'items', items: [], more: false });
    expect(await get(phone(), 1)).toMatchObject({ why: 'not-allowed' });
  });

  it('opens no session of a group, nor does a group’s open it', async () => {
    const olivia = makeDevice(seeded('olivia'));
    const s = await Scene.begin(r, olivia);
    const p = await opened(1);
    expect(await p.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }))).toMatchObject({ why: 'not-allowed' });
    expect(await p.ask((re) => ({ is: 'roster', re, group: idOf(1), after: 0 }))).toMatchObject({ why: 'not-allowed' });
    expect(await s.phone.ask((re) => ({ is: 'get-items', re, group: s.group, after: 0 }))).toMatchObject({ why: 'not-allowed' });
  });
});

describe('an item', () => {
  it('goes after the last one: two devices that add at once both find their place', async () => {
    const [a, b] = [await opened(1), await opened(1)];
    expect(await put(a, 1, 1, item(7))).toMatchObject({ is: 'done' });
    expect(await put(b, 1, 1, item(8))).toMatchObject({ why: 'behind', detail: { n: 1 } });
    expect(await put(b, 1, 2, item(8))).toMatchObject({ is: 'done' });
    for (const n of [0, 1, 4]) expect(await put(a, 1, n, item(9))).toMatchObject({ why: 'behind', detail: { n: 2 } });
    expect(await get(a, 1)).toMatchObject({ is: 'items', items: [item(7), item(8)], more: false });
  });

  it('sent again after a lost answer is done, and there once', async () => {
    const p = await opened(1);
    for (let i = 0; i < 3; i++) expect(await put(p, 1, 1)).toMatchObject({ is: 'done' });
    expect(await get(p, 1)).toMatchObject({ items: [item(1)] });
  });

  it('is never written over nor taken out', async () => {
    const p = await opened(1);
    await put(p, 1, 1);
    await put(p, 1, 2);
    expect(await put(p, 1, 1, item(9))).toMatchObject({ why: 'behind', detail: { n: 2 } });
    expect(await get(p, 1)).toMatchObject({ items: [item(1), item(2)] });
  });

  it('beyond the limit finds the vault full, and one that is too large is malformed', async () => {
    const p = await opened(1);
    expect(await put(p, 1, LIMIT.items + 1)).toMatchObject({ why: 'full' });
    p.raw(encodeToRelay({ is: 'put-item', re: 99, group: idOf(1), n: 1, item: new Uint8Array(LIMIT.item + 1) }));
    await settled();
    expect(p.of('refused').at(-1)).toMatchObject({ re: 0, why: 'malformed' });
    expect(await put(p, 1, 1, new Uint8Array(LIMIT.item))).toMatchObject({ is: 'done' });
  });

  it('is read page by page, each page a frame that fits', async () => {
    const p = await opened(1);
    for (let n = 1; n <= 45; n++) await put(p, 1, n, new Uint8Array(LIMIT.item).fill(n));
    const seen: number[] = [];
    for (let pages = 0; pages < 9; pages++) {
      const f = await get(p, 1, seen.length);
      if (f.is !== 'items') throw new Error(f.is);
      seen.push(...f.items.map((i) => i[0] as number));
      if (!f.more) break;
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, i) => i + 1));
    expect(await get(p, 1, 45)).toMatchObject({ items: [], more: false });
    expect(await get(p, 1, 2 ** 53 - 1)).toMatchObject({ items: [], more: false });
  });
});

describe('at the relay', () => {
  let s: Scene;
  let olivia: Device;
  let laptop: Device;
  let phrase: Device;
  beforeEach(async () => {
    olivia = makeDevice(seeded('olivia'));
    s = await Scene.begin(r, olivia);
    [laptop, phrase] = [makeDevice(r.random, olivia.member), makeDevice(r.random, olivia.member)];
    await s.must(s.phone, deviceAdd(r.random, s.state, olivia, laptop, 'ordinary', s.keyring()));
    await s.must(s.phone, deviceAdd(r.random, s.state, olivia, phrase, 'recovery', s.keyring()));
  });

  it('a recovery row speaks through the roster alone: its envelopes are void', async () => {
    const p = await s.arrive(phrase);
    await s.post(p, phrase);
    expect(p.of('refused')).toMatchObject([{ re: 1, why: 'void' }]);
    expect(s.phone.of('page')).toEqual([]);
    await s.must(p, deviceAdd(r.random, s.state, phrase, makeDevice(r.random, olivia.member)));
  });

  it('a recovery row finds its own lockboxes', async () => {
    const p = await s.arrive(phrase);
    expect(await p.ask((re) => ({ is: 'lockboxes', re, group: s.group, after: 0 }))).toMatchObject({ items: [{ seq: s.state.seq }] });
  });

  it('a recovery row is not kept waiting by a thief who used up the hour’s entries', async () => {
    const fay = await s.join();
    const safe = makeDevice(r.random, fay.device.member);
    await s.must(fay.phone, deviceAdd(r.random, s.state, fay.device, safe, 'recovery', s.keyring()));
    while ((await s.enter(fay.phone, rotate(r.random, s.state, fay.device))).is === 'entered');
    expect(fay.phone.of('refused').at(-1)).toMatchObject({ why: 'rate' });
    const p = await s.arrive(safe);
    await s.must(p, deviceRevoke(r.random, s.state, safe, fay.device.logPk, s.heads()));
    expect(fay.phone.of('gone')).toMatchObject([{ re: 0, seq: s.state.seq }]);
  });

  it('a thief that adds a device for each that the recovery row ends is out before that row has to wait', async () => {
    const fay = await s.join();
    const safe = makeDevice(r.random, fay.device.member);
    await s.must(fay.phone, deviceAdd(r.random, s.state, fay.device, safe, 'recovery', s.keyring()));
    const p = await s.arrive(safe);
    const added: Device[] = [];
    const add = async (): Promise<void> => {
      const next = makeDevice(r.random, fay.device.member);
      if ((await s.enter(fay.phone, deviceAdd(r.random, s.state, fay.device, next, 'ordinary', s.keyring()))).is === 'entered') added.push(next);
    };
    while (added.length < LIMIT.devicesPerMember - 1) await add();
    for (let i = 0; i < added.length; i++) {
      await s.must(p, deviceRevoke(r.random, s.state, safe, added[i]!.logPk, s.heads()));
      await add();
    }
    expect(fay.phone.of('refused').at(-1)).toMatchObject({ why: 'rate' });
    await s.must(p, deviceRevoke(r.random, s.state, safe, fay.device.logPk, s.heads()));
    await s.must(p, deviceAdd(r.random, s.state, safe, makeDevice(r.random, fay.device.member)));
    // one with the owner's device has more to add, so the owner's row has more to end
    for (const [thief, row] of [[RATE.entries, RATE.recovery], [RATE.entriesByOwner, RATE.recoveryByOwner]] as const) expect(row).toBeGreaterThan(LIMIT.devicesPerMember + thief + 2);
  });

  it('a member’s recovery row, and those that take its place, have an hour’s entries together, and whoever puts that member out is heard (P7)', async () => {
    const fay = await s.join();
    const [safe, next] = [makeDevice(r.random, fay.device.member), makeDevice(r.random, fay.device.member)];
    await s.must(fay.phone, deviceAdd(r.random, s.state, fay.device, safe, 'recovery', s.keyring()));
    const p = await s.arrive(safe);
    for (let i = 1; i < RATE.recovery; i++) await s.must(p, rotate(r.random, s.state, safe));
    await s.must(p, deviceAdd(r.random, s.state, safe, next, 'recovery', s.keyring()));
    const q = await s.arrive(next);
    expect(await s.enter(q, rotate(r.random, s.state, next))).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    // others of the group and the member's own devices have theirs
    await s.must(fay.phone, rotate(r.random, s.state, fay.device));
    await s.post(s.phone, olivia);
    expect(s.phone.of('acks')).toHaveLength(1);
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.device.member, s.heads()));
    expect(q.of('gone')).toMatchObject([{ seq: s.state.seq }]);
  });

  it('a cut that is not the head of its log is answered with where it stands', async () => {
    const p = await s.arrive(laptop);
    await s.post(p, laptop);
    expect(await s.enter(s.phone, deviceRevoke(r.random, s.state, olivia, laptop.logPk))).toMatchObject({ why: 'moved', detail: { heads: [{ logPk: laptop.logPk, n: 1, hash: s.pen(laptop).prev }] } });
    p.tell({ is: 'append', group: s.group, n: 2, envelope: s.seal(laptop) });
    await settled();
    expect(p.of('refused').at(-1)).toMatchObject({ why: 'held' });
    const heads = new Map([[hex(laptop.logPk), { n: 1, hash: s.phone.of('refused').at(-1)!.detail.heads[0]!.hash }]]);
    await s.must(s.phone, deviceRevoke(r.random, s.state, olivia, laptop.logPk, heads));
  });

  it('a revoked device hears gone, reads nothing more and writes nothing more, and its member goes on (P13, P26)', async () => {
    const p = await s.arrive(laptop);
    await s.must(s.phone, deviceRevoke(r.random, s.state, olivia, laptop.logPk, s.heads()));
    const at = s.state.seq;
    expect(p.of('gone')).toMatchObject([{ re: 0, seq: at }]);
    p.forget();
    await s.post(s.phone, olivia);
    expect(p.of('page')).toEqual([]);
    expect(await p.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 9 }))).toMatchObject({ is: 'gone', seq: at });
    await s.post(p, laptop);
    expect(s.phone.of('page')).toEqual([]);
    expect(await s.enter(p, rotate(r.random, s.state, laptop))).toMatchObject({ is: 'gone' });
    const later = phone();
    expect(await later.as(laptop, s.group)).toMatchObject({ is: 'gone', seq: at });
  });

  it('a row that ended makes way for another on the same connection, a live one does not', async () => {
    const p = await s.arrive(laptop);
    expect(await p.as(phrase, s.group)).toMatchObject({ why: 'bad-proof' });
    await s.must(s.phone, deviceRevoke(r.random, s.state, olivia, laptop.logPk, s.heads()));
    expect(await p.as(phrase, s.group)).toMatchObject({ is: 'welcome' });
    const late = phone();
    expect(await late.as(laptop, s.group)).toMatchObject({ is: 'gone' });
    expect(await late.as(phrase, s.group)).toMatchObject({ is: 'welcome' });
    await s.must(late, deviceAdd(r.random, s.state, phrase, makeDevice(r.random, olivia.member)));
  });

  it('a device that ended itself is told, and envelopes wait until somebody paid the rotation', async () => {
    const p = await s.arrive(laptop);
    await s.must(p, deviceRevoke(r.random, s.state, laptop, laptop.logPk, s.heads()));
    expect(p.of('gone')).toHaveLength(1);
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia) });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ why: 'stale' });
    await s.must(s.phone, rotate(r.random, s.state, olivia));
  });
});
