import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '../../../crypto/brand';
import type { FromRelay } from '../../../crypto/frames';
import { LIMIT } from '../../../crypto/limits';
import { LINK_SECRET, meetKeys } from '../../../crypto/linking';
import { phraseKeys } from '../../../crypto/phrase';
import { ready } from '../../../crypto/sodium';
import { RATE } from '../../../relay/limits';
import { HOST, Phone, rhea, type Rhea } from './phone';

let r: Rhea;
const kept = { ...RATE };
/** The same limits with smaller numbers, so that a test reaches them. */
const lower = (some: Partial<Record<keyof typeof RATE, number>>): unknown => Object.assign(RATE, some);
beforeAll(ready);
afterEach(() => void lower(kept));
beforeEach(() => {
  r = rhea('meet');
});
const keys = (n: number) => meetKeys(new Uint8Array(LINK_SECRET).fill(n));
const idOf = (n: number): GroupId => keys(n).id as Bytes as GroupId;
const phone = (from: string | null = null): Phone => new Phone(r.relay, r.random, HOST, from);
async function at(n: number, p = phone()): Promise<Phone> {
  expect(await p.auth(idOf(n), 'meet', { pk: keys(n).id, sk: keys(n).sk })).toMatchObject({ is: 'welcome' });
  return p;
}
const item = (n: number): Bytes => new Uint8Array(300).fill(n);
const put = (p: Phone, meet: number, n: number, bytes: Bytes = item(n)) => p.ask((re) => ({ is: 'put-item', re, group: idOf(meet), n, item: bytes }));
const get = (p: Phone, meet: number, after = 0) => p.ask((re) => ({ is: 'get-items', re, group: idOf(meet), after }));

describe('a meeting', () => {
  it('is a list that two connections with its key read and add to, each item after the last', async () => {
    const [a, b] = [await at(1), await at(1)];
    expect(await get(b, 1)).toMatchObject({ why: 'ended' });
    expect(await put(b, 1, 2)).toMatchObject({ why: 'ended' });
    expect(await put(a, 1, 1)).toMatchObject({ is: 'done' });
    expect(await put(a, 1, 1)).toMatchObject({ is: 'done' });
    expect(await put(b, 1, 1, item(9))).toMatchObject({ why: 'behind', detail: { n: 1 } });
    expect(await put(b, 1, 2)).toMatchObject({ is: 'done' });
    expect(await get(a, 1, 1)).toMatchObject({ is: 'items', items: [item(2)], more: false });
  });
  it('is nobody’s without its key, whatever else was proven', async () => {
    await put(await at(1), 1, 1);
    const p = await at(2);
    expect(await get(p, 1)).toMatchObject({ why: 'not-allowed' });
    expect(await put(p, 1, 2)).toMatchObject({ why: 'not-allowed' });
    expect(await p.auth(idOf(1), 'meet', { pk: keys(1).id, sk: keys(2).sk })).toMatchObject({ why: 'bad-proof' });
    expect(await p.auth(idOf(1), 'meet', { pk: keys(2).id, sk: keys(2).sk })).toMatchObject({ why: 'bad-proof' });
    // the same key as a vault's opens a vault, which is empty
    const v = phone();
    await v.auth(idOf(1), 'vault', { pk: keys(1).id, sk: keys(1).sk });
    expect(await get(v, 1)).toMatchObject({ is: 'items', items: [] });
  });
  it('is over after a quarter of an hour, for reading and writing, and what was said is forgotten', async () => {
    const p = await at(1);
    await put(p, 1, 1);
    r.now += RATE.meet;
    expect(await put(p, 1, 2)).toMatchObject({ is: 'done' });
    r.now += 1;
    expect(await get(p, 1)).toMatchObject({ why: 'ended' });
    expect(await put(p, 1, 3)).toMatchObject({ why: 'ended' });
    // the same code again begins another meeting, with nothing in it
    expect(await put(p, 1, 1, item(7))).toMatchObject({ is: 'done' });
    expect(await get(p, 1)).toMatchObject({ items: [item(7)] });
  });
  it('holds so many items and no more', async () => {
    const p = await at(1);
    for (let n = 1; n <= LIMIT.meetItems; n++) expect(await put(p, 1, n)).toMatchObject({ is: 'done' });
    expect(await put(p, 1, LIMIT.meetItems + 1)).toMatchObject({ why: 'full' });
  });
  it('of a connection that began too many is refused, and so is a vault', async () => {
    const p = phone();
    for (let n = 1; n <= RATE.begun; n++) {
      await at(n, p);
      expect(await put(p, n, 1)).toMatchObject({ is: 'done' });
    }
    await at(99, p);
    expect(await put(p, 99, 1)).toMatchObject({ why: 'rate' });
    const words = phraseKeys(new Uint8Array(16).fill(5));
    const vault = words.id as Bytes as GroupId;
    await p.auth(vault, 'vault', { pk: words.id, sk: words.sk });
    expect(await p.ask((re) => ({ is: 'put-item', re, group: vault, n: 1, item: item(1) }))).toMatchObject({ why: 'rate' });
  });
  it('of an address that began too many in an hour is refused, on whatever connection, with the wait; vaults count apart', async () => {
    lower({ begunFrom: 3 });
    const begin = async (n: number, from: string | null, as: 'meet' | 'vault' = 'meet'): Promise<FromRelay> => {
      const p = phone(from);
      await p.auth(idOf(n), as, { pk: keys(n).id, sk: keys(n).sk });
      return put(p, n, 1);
    };
    for (const as of ['meet', 'vault'] as const) {
      for (let n = 1; n <= 3; n++) expect(await begin(n, '192.0.2.7', as)).toMatchObject({ is: 'done' });
      r.now += 1000;
      expect(await begin(4, '192.0.2.7', as)).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 - 1000 } });
      expect(await begin(5, '192.0.2.8', as)).toMatchObject({ is: 'done' });
      for (let n = 6; n <= 9; n++) expect(await begin(n, null, as)).toMatchObject({ is: 'done' });
      r.now -= 1000;
    }
    // what was begun goes on, and what could not be begun was not counted
    const p = phone('192.0.2.7');
    await at(1, p);
    expect(await put(p, 1, 2)).toMatchObject({ is: 'done' });
    r.now += 3_600_000;
    for (let n = 11; n <= 13; n++) expect(await begin(n, '192.0.2.7')).toMatchObject({ is: 'done' });
    expect(await begin(14, '192.0.2.7')).toMatchObject({ why: 'rate' });
  });
  it('that is not begun, since too many go on, costs its address nothing', async () => {
    lower({ begunFrom: 2, meetings: 1 });
    expect(await put(await at(1), 1, 1)).toMatchObject({ is: 'done' });
    for (let n = 2; n <= 5; n++) expect(await put(await at(n, phone('192.0.2.7')), n, 1)).toMatchObject({ why: 'crowded' });
    r.now += RATE.meet + 1;
    expect(await put(await at(2, phone('192.0.2.7')), 2, 1)).toMatchObject({ is: 'done' });
  });
  it('is not begun where as many go on as the relay holds; when they are over there is room again', async () => {
    for (let n = 0; n < RATE.meetings; n++) {
      const meet = meetKeys(new Uint8Array(LINK_SECRET).map((_, i) => (i === 0 ? n % 251 : i === 1 ? Math.floor(n / 251) : 200))).id;
      r.relay.log.call('putMeeting', { meet, n: 1, item: item(1), time: r.now, since: r.now - RATE.meet, most: RATE.meetings }, (reply) => expect(reply).toEqual({ ok: true, value: 'done' }));
    }
    const p = await at(1);
    expect(await put(p, 1, 1)).toMatchObject({ why: 'crowded' });
    r.now += RATE.meet + 1;
    expect(await put(p, 1, 1)).toMatchObject({ is: 'done' });
  });
});

describe('a personal vault', () => {
  it('takes so many items in an hour from one address, whichever vaults they are for, and on whatever connection', async () => {
    lower({ itemsFrom: 5 });
    const add = async (vault: number, n: number, from: string | null): Promise<FromRelay> => {
      const p = phone(from);
      await p.auth(idOf(vault), 'vault', { pk: keys(vault).id, sk: keys(vault).sk });
      return put(p, vault, n);
    };
    for (let n = 1; n <= 3; n++) expect(await add(1, n, '192.0.2.7')).toMatchObject({ is: 'done' });
    for (let i = 0; i < 9; i++) expect(await add(1, 9, '192.0.2.7')).toMatchObject({ why: 'behind' });
    for (let n = 1; n <= 2; n++) expect(await add(2, n, '192.0.2.7')).toMatchObject({ is: 'done' });
    expect(await add(2, 3, '192.0.2.7')).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    expect(await add(2, 3, '192.0.2.8')).toMatchObject({ is: 'done' });
    for (let n = 4; n <= 9; n++) expect(await add(1, n, null)).toMatchObject({ is: 'done' });
    r.now += 3_600_000;
    expect(await add(2, 4, '192.0.2.7')).toMatchObject({ is: 'done' });
  });
  it('grows by so many items in an hour and no faster', async () => {
    const p = phone();
    const words = phraseKeys(new Uint8Array(16).fill(1));
    const vault = words.id as Bytes as GroupId;
    await p.auth(vault, 'vault', { pk: words.id, sk: words.sk });
    const add = (n: number) => p.ask((re) => ({ is: 'put-item', re, group: vault, n, item: item(1) }));
    for (let n = 1; n <= RATE.items; n++) expect(await add(n)).toMatchObject({ is: 'done' });
    expect(await add(RATE.items + 1)).toMatchObject({ why: 'rate' });
    r.now += 3_600_001;
    expect(await add(RATE.items + 1)).toMatchObject({ is: 'done' });
  });
});
