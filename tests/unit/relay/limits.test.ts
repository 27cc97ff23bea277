import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { proveAccess } from '../../../crypto/access';
import type { Bytes } from '../../../crypto/brand';
import { base64url, hex } from '../../../crypto/bytes';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../../crypto/frames';
import { ZERO_HASH } from '../../../crypto/hash';
import { blobId } from '../../../crypto/kept';
import { chainHead } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { ok } from '../../../crypto/result';
import { createApp } from '../../../relay/app';
import { memoryBlobs } from '../../../relay/blobs';
import { RATE } from '../../../relay/limits';
import type { CallName, Log, Spare } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, foundGroup, makeDevice, nameEntry, removeEntry, rotate, seeded } from '../../support/actor';
import { HOST, Phone, rhea, type Rhea, Scene, settled } from './phone';

const HOUR = 3_600_000;
const kept = { ...RATE };
/** The same limits with smaller numbers, so that a test reaches them. */
const lower = (some: Partial<Record<keyof typeof RATE, number>>): unknown => Object.assign(RATE, some);

let r: Rhea;
let olivia: Device;
beforeAll(ready);
beforeEach(() => {
  r = rhea('limits', { pace: 1000 });
  olivia = makeDevice(seeded('olivia'));
});
afterEach(() => void lower(kept));

/** Puts a fresh group there, from an address; what the relay says. */
async function found(from: string | null, wire = dial(from)): Promise<FromRelay> {
  const made = foundGroup(r.random, olivia);
  wire.line.receive(encodeToRelay({ is: 'create', re: 1, group: made.group, genesis: made.entry, boxes: made.boxes }));
  await settled();
  return wire.heard.at(-1) as FromRelay;
}
function dial(from: string | null): { readonly heard: FromRelay[]; readonly line: ReturnType<Rhea['relay']['connect']> } {
  const heard: FromRelay[] = [];
  const line = r.relay.connect((f) => {
    const read = decodeFromRelay(f);
    if (read.ok) heard.push(read.value);
  }, HOST, undefined, from);
  return { heard, line };
}

describe('what a relay limits', () => {
  it('new groups of one address in an hour, however many connections bring them, and of no other address', async () => {
    lower({ createsFrom: 3 });
    for (let i = 0; i < 3; i++) expect(await found('192.0.2.7')).toMatchObject({ is: 'entered' });
    expect(await found('192.0.2.7')).toMatchObject({ is: 'refused', why: 'rate', detail: { fence: HOUR } });
    expect(await found('192.0.2.8')).toMatchObject({ is: 'entered' });
    r.now += HOUR;
    expect(await found('192.0.2.7')).toMatchObject({ is: 'entered' });
  });

  it('new groups of one connection, wherever it comes from', async () => {
    lower({ creates: 2 });
    const wire = dial(null);
    for (let i = 0; i < 2; i++) expect(await found(null, wire)).toMatchObject({ is: 'entered' });
    expect(await found(null, wire)).toMatchObject({ is: 'refused', why: 'rate' });
    expect(await found(null)).toMatchObject({ is: 'entered' });
  });

  it('the entries of a roster; a full one still takes what ends something', async () => {
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    lower({ roster: s.state.seq });
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'))).toMatchObject({ is: 'refused', why: 'full' });
    expect(await s.enter(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member, s.heads()))).toMatchObject({ is: 'entered' });
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'))).toMatchObject({ why: 'full' });
  });

  it('what is read for one connection at a time: a burst of questions waits for its turn, and is forgotten with it', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    let asked = 0;
    const own = localLog(':memory:', 7);
    const slow: Log = {
      ...own,
      call(name, input, then) {
        if (name !== 'page') return own.call(name, input, then);
        asked++;
        own.call(name, input, (reply) => waiting.push(() => then(reply)));
        most = Math.max(most, waiting.length);
      }
    };
    r = rhea('reads', { log: slow });
    const s = await Scene.begin(r, olivia);
    await s.post(s.phone, olivia);
    const ask = (re: number): void => s.phone.tell({ is: 'fetch', re, group: s.group, way: 'down', from: 9, most: 9 });
    for (let re = 100; re < 150; re++) ask(re);
    expect(asked).toBe(RATE.reads);
    const answer = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        one();
        await settled();
      }
    };
    await answer();
    expect(s.phone.heard.filter((f) => f.is === 'page').map((f) => f.re)).toEqual(Array.from({ length: 50 }, (_, i) => 100 + i));
    expect([asked, most]).toEqual([50, RATE.reads]);

    for (let re = 200; re < 250; re++) ask(re);
    s.phone.close();
    await answer();
    expect(asked).toBe(50 + RATE.reads);
  });

  it('a group as a whole by its quota: nothing new is taken, what is stored is acknowledged again, reading and ending go on', async () => {
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    const first = await s.post(s.phone, olivia);
    const app = createApp(r.relay, memoryBlobs(), '/nowhere');
    const put = async (size: number): Promise<number> => {
      const body = r.random(size);
      const bearer = pat.phone.of('welcome')[0]?.bearer as Bytes;
      return (await app.request(`/api/blob/${hex(s.group)}/${hex(blobId(body))}`, { method: 'PUT', body, headers: { Authorization: `Bearer ${base64url(bearer)}` } })).status;
    };
    let left: Spare | null = { bytes: 700, entries: 1, blobs: 500 };
    const { call } = r.log;
    Object.assign(r.log, { call: (name: CallName, input: never, then: (r: unknown) => void) => (name === 'spare' ? then(ok(left)) : call(name, input, then)) });
    r.now += 60_000;
    const post = async (): Promise<FromRelay['is']> => {
      s.phone.forget();
      await s.post(s.phone, olivia, 'x'.repeat(300));
      return s.phone.heard.at(-1)?.is ?? 'pong';
    };
    await settled();
    expect([await post(), await post()]).toEqual(['acks', 'refused']);
    expect(s.phone.of('refused')).toMatchObject([{ why: 'quota', detail: { n: 2 } }]);
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: first });
    await settled();
    expect(s.phone.of('acks').at(-1)?.items).toMatchObject([{ n: 1 }]);
    expect(await pat.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 10 }))).toMatchObject({ is: 'page', items: [{ n: 1 }, { n: 2 }] });
    expect([await put(400), await put(200), await put(100)]).toEqual([201, 507, 201]);
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'))).toMatchObject({ is: 'entered' });
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'A third'))).toMatchObject({ why: 'quota' });
    // the operator gives more; the relay learns of it within half a minute
    left = null;
    r.now += 30_000;
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'A third'))).toMatchObject({ is: 'entered' });
    expect(await put(5000)).toBe(201);
  });

  it('a member’s attachments: beyond its bytes it is told when to try again, and the others are not', async () => {
    lower({ blobsHourly: 36_000 });
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    const app = createApp(r.relay, memoryBlobs(), '/nowhere');
    const put = async (by: Phone, size: number): Promise<Response> => {
      const body = r.random(size);
      const bearer = by.of('welcome')[0]?.bearer as Bytes;
      return app.request(`/api/blob/${hex(s.group)}/${hex(blobId(body))}`, { method: 'PUT', body, headers: { Authorization: `Bearer ${base64url(bearer)}` } });
    };
    expect((await put(s.phone, 40_000)).status).toBe(201);
    const refused = await put(s.phone, 10);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '400']);
    expect((await put(pat.phone, 10)).status).toBe(201);
    r.now += 400_000;
    expect((await put(s.phone, 10)).status).toBe(201);
  });

  it('lockboxes that nobody follows with an entry, of all sessions together, and not those of whoever comes next', async () => {
    lower({ stagedByAll: 100_000 });
    const s = await Scene.begin(r, olivia);
    const flood = async (): Promise<void> => {
      const hers = new Phone(r.relay, r.random);
      await hers.as(olivia, s.group);
      hers.tell({ is: 'boxes', group: s.group, seq: 9, boxes: [{ to: olivia.logPk, lockbox: new Uint8Array(40_000) }] });
    };
    const made = rotate(r.random, s.state, olivia);
    s.phone.tell({ is: 'boxes', group: s.group, seq: 2, boxes: made.boxes });
    for (let i = 0; i < 3; i++) await flood();
    const enter = () => s.phone.ask((re) => ({ is: 'enter', re, group: s.group, seq: 2, entry: made.entry }));
    expect(await enter()).toMatchObject({ is: 'refused', why: 'no-lockbox' });
    s.phone.tell({ is: 'boxes', group: s.group, seq: 2, boxes: made.boxes });
    await flood();
    expect(await enter()).toMatchObject({ is: 'entered' });
  });

  it('nobody’s order: what is sent on while the store is still asked for the quota stays behind what was sent before', async () => {
    const inner = localLog(':memory:', 7);
    const late: (() => void)[] = [];
    const log: Log = { ...inner, call: (name, input, then) => (name === 'spare' ? void late.push(() => inner.call(name, input, then)) : inner.call(name, input, then)) };
    r = rhea('limits', { pace: 1000, log });
    const s = await Scene.begin(r, olivia);
    const send = (n: number): void => s.phone.tell({ is: 'append', group: s.group, n, envelope: s.seal(olivia) });
    send(1);
    send(2);
    late.shift()?.();
    send(3);
    for (const answer of late.splice(0)) answer();
    await settled();
    expect(s.phone.of('acks').flatMap((f) => f.items.map((i) => i.n))).toEqual([1, 2, 3]);
    expect(s.phone.of('refused')).toEqual([]);
  });

  it('a mailbox by how much may lie in it: asked again and again it has to be waited for', async () => {
    lower({ framesAtOnce: 60, framesPerSecond: 10 });
    const s = await Scene.begin(r, olivia);
    for (let i = 0; i < 4; i++) await s.invite();
    const ask = (re: number): number => s.phone.raw(encodeToRelay({ is: 'mailbox', re, group: s.group }));
    expect([ask(901), ask(902), ask(903)]).toEqual([0, 0, 0]);
    expect(ask(904)).toBeGreaterThan(0);
    r.now += 60_000;
    expect(ask(905)).toBe(0);
  });

  it('proofs, shows and rosters by what they cost, on a connection and over all of a log key: asked again and again they have to be waited for', async () => {
    lower({ framesAtOnce: 60, framesPerSecond: 10 });
    const s = await Scene.begin(r, olivia);
    const { n, prev } = s.pen(olivia);
    const show = (phone: Phone): number => phone.raw(encodeToRelay({ is: 'show', re: 900, group: s.group, life: 7, rosterSeq: 1, chain: chainHead(s.state), n, hash: prev }));
    const roster = (phone: Phone): number => phone.raw(encodeToRelay({ is: 'roster', re: 901, group: s.group, after: 0 }));
    const auth = (phone: Phone): number => phone.raw(encodeToRelay({ is: 'auth', re: 902, group: s.group, as: 'log', key: olivia.logPk, nonce: r.random(32), signature: r.random(64) }));
    const times = async (what: (phone: Phone) => number, phone: Phone): Promise<number> => {
      for (let i = 0; ; i++) if (what(phone) > 0) return i;
    };
    r.now += 60_000;
    expect(await times(auth, new Phone(r.relay, r.random))).toBe(60 / 4);
    const [a, b] = [await s.arrive(olivia), await s.arrive(olivia)];
    r.now += 60_000;
    expect(await times(show, a)).toBe(60 / 4);
    // the other connection has everything left, and its log key nothing
    expect(show(b)).toBeGreaterThan(0);
    r.now += 60_000;
    expect(await times(roster, a)).toBe(60 / 2);
    expect(roster(b)).toBeGreaterThan(0);
    r.now += 60_000;
    expect([show(b), roster(b)]).toEqual([0, 0]);
  });

  it('no device that comes to two hundred groups of a restored relay: all that it asks it may ask at once', async () => {
    const groups: Scene[] = [];
    while (groups.length < 200) groups.push(await Scene.begin(r, olivia));
    const phone = new Phone(r.relay, r.random);
    let waits = 0;
    for (const { group, state } of groups) {
      const proof = { as: 'log', host: HOST, group, serverNonce: phone.hello.nonce, nonce: r.random(32) } as const;
      waits += phone.raw(encodeToRelay({ is: 'auth', re: 1, group, as: 'log', key: olivia.logPk, nonce: proof.nonce, signature: proveAccess(proof, olivia.logSk) }));
      await settled();
      const show = { is: 'show', re: 2, group, life: 6, rosterSeq: 1, chain: chainHead(state), n: 0, hash: ZERO_HASH } as const;
      const asks: readonly ToRelay[] = [
        show, show, { is: 'roster', re: 3, group, after: 0 }, { is: 'lockboxes', re: 4, group, after: 0 }, { is: 'fetch', re: 5, group, way: 'down', from: 2 ** 32, most: 500 },
        { is: 'mailbox', re: 6, group }, { is: 'get-wants', re: 7, group }
      ];
      for (const f of asks) waits += phone.raw(encodeToRelay(f));
    }
    await settled();
    expect([waits, phone.of('standing').length, phone.of('wants').length, phone.of('refused').length]).toEqual([0, 400, 200, 0]);
  });

  it('a member’s attachments on their way at once: their bytes count when they have come, and are not to fill the disk before', async () => {
    lower({ uploads: 2 });
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    const { put } = uploading(s);
    const slow = [put(s.phone), put(s.phone)];
    await settled();
    const third = put(s.phone);
    third.end();
    expect((await third.answer).status).toBe(429);
    const other = put(pat.phone);
    for (const u of [other, ...slow]) u.end();
    for (const u of [other, ...slow]) expect((await u.answer).status).toBe(201);
    const next = put(s.phone);
    next.end();
    expect((await next.answer).status).toBe(201);
  });

  it('whoever is put out in the middle of an upload takes nothing along that somebody else brought meanwhile', async () => {
    const s = await Scene.begin(r, olivia);
    const mallory = await s.join();
    const { put, get } = uploading(s);
    const body = r.random(1000);
    const hers = put(mallory.phone, body);
    await settled();
    const own = put(s.phone, body);
    own.end();
    expect((await own.answer).status).toBe(201);
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, mallory.device.member));
    hers.end();
    expect((await hers.answer).status).toBe(403);
    expect((await get(s.phone, body)).status).toBe(200);
  });
});

/** Uploads that come to their end when they are told to. */
function uploading(s: Scene) {
  const app = createApp(r.relay, memoryBlobs(), '/nowhere');
  const at = (body: Bytes): string => `/api/blob/${hex(s.group)}/${hex(blobId(body))}`;
  const headers = (by: Phone): Record<string, string> => ({ Authorization: `Bearer ${base64url(by.of('welcome')[0]?.bearer as Bytes)}` });
  return {
    put(by: Phone, body = r.random(100)) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, { highWaterMark: 2 });
      const answer = Promise.resolve(app.request(at(body), { method: 'PUT', body: readable, headers: headers(by), duplex: 'half' } as RequestInit));
      return {
        answer,
        end: (): void => {
          const w = writable.getWriter();
          void w.write(body).catch(() => undefined);
          void w.close().catch(() => undefined);
        }
      };
    },
    get: (by: Phone, body: Bytes) => Promise.resolve(app.request(at(body), { headers: headers(by) }))
  };
}
