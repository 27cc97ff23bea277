import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '../../../crypto/brand';
import { base64url, hex } from '../../../crypto/bytes';
import type { FromRelay } from '../../../crypto/frames';
import { blobId } from '../../../crypto/kept';
import { signReceipt } from '../../../crypto/receipt';
import { chainAfter } from '../../../crypto/roster/entry';
import { chainAt } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { signPair } from '../../../crypto/verify';
import { signWant, wantHash } from '../../../crypto/want';
import { createApp } from '../../../relay/app';
import { memoryBlobs } from '../../../relay/blobs';
import { type Hints, localHints, NO_HINTS } from '../../../relay/hints';
import { RATE } from '../../../relay/limits';
import type { Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { deviceAdd, type Device, makeDevice, makeRelay, nameEntry, removeEntry, rotate, seeded } from '../../support/actor';
import { type Of, Phone, rhea, type Rhea, Scene, settled } from './phone';

let a: Rhea;
let b: Rhea;
let s: Scene;
let olivia: Device;
/** How often the store was asked for what. */
const called = new Map<string, number>();

/** Two relays on one store, as two processes on PostgreSQL would be. */
async function two(hints: () => Hints): Promise<void> {
  const inner = localLog(':memory:', 7);
  const log: Log = {
    ...inner,
    isShared: true,
    call(name, input, then) {
      called.set(name, (called.get(name) ?? 0) + 1);
      inner.call(name, input, then);
    }
  };
  a = rhea('a', { log, hints: hints() });
  b = rhea('b', { log, hints: hints() });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(a, olivia);
}

/** A member who joined at the first relay and is connected to the second. */
async function fayAtB(): Promise<{ readonly device: Device; readonly phone: Phone }> {
  const { device, phone } = await s.join();
  phone.close();
  const there = new Phone(b.relay, b.random);
  await there.as(device, s.group);
  await settled();
  return { device, phone: there };
}

const wantOf = (d: Device): Bytes => signWant(s.group, { logPk: d.logPk, spans: [{ first: 1, last: 2 }] }, d.logSk);
const long = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await settled();
};
/** What a phone was shown of the feed, in the order it came. */
const shown = (p: Phone): number[] => p.heard.flatMap((f) => (f.is === 'page' ? f.items.map((i) => i.seq) : f.is === 'acks' ? f.items.map((i) => i.seq) : []));

beforeAll(ready);

describe('two relays on one store', () => {
  beforeEach(() => two(localHints()));

  it('pass on each other’s posts, once and in order', async () => {
    const fay = await fayAtB();
    for (let i = 0; i < 3; i++) await s.post(s.phone, olivia);
    await long();
    expect(shown(fay.phone)).toEqual([1, 2, 3]);
    await s.post(fay.phone, fay.device);
    await long();
    expect(shown(s.phone)).toEqual([1, 2, 3, 4]);
    expect(fay.phone.of('acks')).toHaveLength(1);
  });

  it('show everyone a feed without gaps when both take posts at once', async () => {
    const fay = await fayAtB();
    for (let i = 0; i < 20; i++) {
      const [x, y] = [s.seal(olivia), s.seal(fay.device)];
      s.phone.tell({ is: 'append', group: s.group, n: s.pen(olivia).n, envelope: x });
      fay.phone.tell({ is: 'append', group: s.group, n: s.pen(fay.device).n, envelope: y });
      if (i % 3 === 0) await settled();
    }
    await long();
    for (const p of [s.phone, fay.phone]) {
      // an own envelope may come twice: as one of the feed, then as an ack
      let next = 1;
      for (const seq of shown(p)) {
        expect(seq).toBeLessThanOrEqual(next);
        next = Math.max(next, seq + 1);
      }
      expect(next).toBe(41);
      expect(p.of('acks').flatMap((f) => f.items.map((i) => i.n))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }
  });

  it('end a removed member’s session wherever it is, before anything that came after', async () => {
    const fay = await fayAtB();
    const pat = await s.join();
    fay.phone.forget();
    const removing = removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads());
    await s.must(s.phone, removing);
    await s.post(pat.phone, pat.device);
    await long();
    expect(fay.phone.heard.slice(1).map((f) => f.is)).toEqual(['entries', 'gone']);
    expect(await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 9 }))).toMatchObject({ is: 'gone' });
  });

  it('enter one of two entries for a place, and give the other’s author the first', async () => {
    const fay = await fayAtB();
    const second = new Phone(b.relay, b.random);
    await second.as(olivia, s.group);
    const [x, y] = [nameEntry(a.random, s.state, olivia, s.now, 'one'), nameEntry(a.random, s.state, olivia, s.now, 'two')];
    const seq = s.state.seq + 1;
    const answers = await Promise.all([s.phone.enter(s.group, seq, x.entry), second.enter(s.group, seq, y.entry)]);
    await long();
    expect(answers.map((f) => f.is).sort()).toEqual(['entered', 'refused']);
    expect(fay.phone.of('entries').flatMap((f) => f.items.map((i) => i.receipt.seq)).at(-1)).toBe(seq);
  });

  it('give the same receipt for an entry sent again to the other one', async () => {
    const second = new Phone(b.relay, b.random);
    await second.as(olivia, s.group);
    const made = nameEntry(a.random, s.state, olivia, s.now, 'one');
    const seq = s.state.seq + 1;
    const first = await s.must(s.phone, made);
    expect(await second.enter(s.group, seq, made.entry)).toMatchObject({ is: 'entered', receipt: first.receipt });
  });

  it('carry requests to the owner and answers to the joiner', async () => {
    const invite = await s.invite({ expires: a.now + 100_000 });
    const joiner = new Phone(b.relay, b.random);
    await joiner.asInvite(invite, s.group);
    const request = new Uint8Array(16).fill(4);
    const body = new Uint8Array([4]);
    expect(await joiner.ask((re) => ({ is: 'put-request', re, group: s.group, request, body }))).toMatchObject({ is: 'done' });
    await long();
    expect(s.phone.of('requests').flatMap((f) => f.items)).toEqual([expect.objectContaining({ request, body })]);
    expect(await s.phone.ask((re) => ({ is: 'put-answer', re, group: s.group, invite: invite.invite, request, body }))).toMatchObject({ is: 'done' });
    await long();
    expect(joiner.of('answer')).toMatchObject([{ re: 0, request, body }]);
  });

  it('look for three answers, however many requests whoever holds a link asked about', async () => {
    const invite = await s.invite({ expires: a.now + 100_000 });
    const joiner = new Phone(b.relay, b.random);
    await joiner.asInvite(invite, s.group);
    for (let n = 0; n < 200; n++) await joiner.ask((re) => ({ is: 'get-answer', re, group: s.group, request: new Uint8Array(16).fill(n) }));
    await long();
    called.clear();
    await s.phone.ask((re) => ({ is: 'want', re, group: s.group, want: wantOf(olivia) }));
    await long();
    expect(called.get('answer')).toBe(3);
  });

  it('carry wants for keys to everybody, and the answers back', async () => {
    const fay = await fayAtB();
    const want = wantOf(fay.device);
    expect(await fay.phone.ask((re) => ({ is: 'want', re, group: s.group, want }))).toMatchObject({ is: 'done' });
    await long();
    expect(s.phone.of('wants')).toMatchObject([{ re: 0, items: [{ want, answers: 0 }] }]);
    const keys = new Uint8Array([7]);
    expect(await s.phone.ask((re) => ({ is: 'put-keys', re, group: s.group, to: fay.device.logPk, want: wantHash(want), keys }))).toMatchObject({ is: 'done' });
    await long();
    expect(fay.phone.of('keys')).toMatchObject([{ re: 0, items: [{ at: 1, keys }] }]);
  });

  it('let two devices meet though each is at another', async () => {
    const meet = signPair(a.random(32));
    const [live, fresh] = [new Phone(a.relay, a.random), new Phone(b.relay, b.random)];
    const id = meet.pk as Bytes as GroupId;
    for (const p of [live, fresh]) expect(await p.auth(id, 'meet', meet)).toMatchObject({ is: 'welcome' });
    const item = new Uint8Array([1, 2]);
    expect(await fresh.ask((re) => ({ is: 'put-item', re, group: id, n: 1, item }))).toMatchObject({ is: 'done' });
    expect(await live.ask((re) => ({ is: 'get-items', re, group: id, after: 0 }))).toMatchObject({ items: [item] });
    expect(await live.ask((re) => ({ is: 'put-item', re, group: id, n: 1, item: new Uint8Array([3]) }))).toMatchObject({ why: 'behind', detail: { n: 1 } });
  });
});

describe('two relays that cannot tell each other anything', () => {
  beforeEach(() => two(() => ({ ...NO_HINTS, isUp: false })));

  describe('know each other’s bearers', () => {
    const bytes = new Uint8Array(900).fill(3);
    let apps: readonly ReturnType<typeof createApp>[];
    const at = (app: number, bearer: Bytes, init: RequestInit = {}, body = bytes, group = s.group): Promise<number> =>
      Promise.resolve(apps[app]!.request(`/api/blob/${hex(group)}/${hex(blobId(body))}`, { ...init, headers: { Authorization: `Bearer ${base64url(bearer)}` } })).then((r) => r.status);
    const bearerOf = (p: Phone): Bytes => p.of('welcome').at(-1)?.bearer as Bytes;
    beforeEach(() => {
      const blobs = memoryBlobs();
      apps = [a, b].map((r) => createApp(r.relay, blobs, '/nowhere'));
    });

    it('whichever gave one, any takes, gives and deletes attachments for it', async () => {
      const [fay, pat] = [await fayAtB(), await s.join()];
      const [f, p, o] = [bearerOf(fay.phone), bearerOf(pat.phone), bearerOf(s.phone)];
      expect(await at(0, f, { method: 'PUT', body: bytes })).toBe(201);
      expect([await at(0, f), await at(1, f), await at(1, p), await at(1, o)]).toEqual([200, 200, 200, 200]);
      expect([await at(1, p, { method: 'DELETE' }), await at(0, f, { method: 'DELETE' })]).toEqual([403, 204]);
      for (const relay of [a, b]) relay.now += RATE.blobGoing;
      expect([await at(1, p, { method: 'PUT', body: bytes }), await at(1, o, { method: 'DELETE' })]).toEqual([201, 204]);
      const other = await Scene.begin(a, makeDevice(seeded('another')));
      expect([await at(1, bearerOf(other.phone)), await at(1, a.random(32)), await at(1, f, {}, bytes, other.group)]).toEqual([403, 403, 403]);
    });

    it('and none for a row that was ended at another, though nobody told of it, nor while the bytes were on their way', async () => {
      const fay = await fayAtB();
      const bearer = bearerOf(fay.phone);
      expect(await at(1, bearer, { method: 'PUT', body: bytes })).toBe(201);
      const late = new Uint8Array(700).fill(4);
      // asked for by the relay once it has let her in
      const removed = new ReadableStream<Uint8Array>({
        async pull(c) {
          await s.must(s.phone, removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads()));
          c.enqueue(late);
          c.close();
        }
      }, { highWaterMark: 0 });
      expect(await at(1, bearer, { method: 'PUT', body: removed, duplex: 'half' } as RequestInit, late)).toBe(403);
      expect([await at(1, bearer), await at(0, bearer), await at(0, bearerOf(s.phone)), await at(0, bearerOf(s.phone), {}, late)]).toEqual([403, 403, 200, 404]);
    });

    it('for a day, before which the connection is ended so that its device comes for another', async () => {
      const bearer = bearerOf(s.phone);
      let ended = 0;
      const line = b.relay.connect(() => undefined, undefined, () => ended++);
      for (const r of [a, b]) r.now += RATE.bearer - RATE.bearerBefore - 1;
      b.relay.poll();
      expect([await at(1, bearer, { method: 'PUT', body: bytes }), ended]).toEqual([201, 0]);
      for (const r of [a, b]) r.now += 1;
      const younger = b.relay.connect(() => undefined, undefined, () => ended++);
      b.relay.poll();
      expect([await at(1, bearer), ended]).toEqual([200, 1]);
      for (const r of [a, b]) r.now += RATE.bearerBefore;
      expect([await at(0, bearer), await at(1, bearer)]).toEqual([403, 403]);
      const again = new Phone(b.relay, b.random);
      await again.as(olivia, s.group);
      expect(await at(0, bearerOf(again))).toBe(200);
      for (const x of [line, younger]) x.close();
    });

    it('and count a member’s bytes together', async () => {
      const kept = RATE.blobsHourly;
      Object.assign(RATE, { blobsHourly: 36_000 });
      try {
        const paced = [a, b].map((r, i) => rhea(`paced ${i}`, { log: r.log, hints: { ...NO_HINTS, isUp: false }, pace: 1000 }));
        const blobs = memoryBlobs();
        apps = paced.map((r) => createApp(r.relay, blobs, '/nowhere'));
        const bearer = bearerOf(s.phone);
        const [big, small] = [new Uint8Array(40_000).fill(1), new Uint8Array(10).fill(2)];
        expect(await at(0, bearer, { method: 'PUT', body: big }, big)).toBe(201);
        expect([await at(1, bearer, { method: 'PUT', body: small }, small), await at(0, bearer, { method: 'PUT', body: small }, small)]).toEqual([429, 429]);
        for (const r of paced) r.now += 400_000;
        expect(await at(1, bearer, { method: 'PUT', body: small }, small)).toBe(201);
      } finally {
        Object.assign(RATE, { blobsHourly: kept });
      }
    });
  });

  it('count what a member may do in an hour together', async () => {
    const fay = await fayAtB();
    const second = new Phone(a.relay, a.random);
    await second.as(fay.device, s.group);
    for (let i = 0; i < RATE.entries; i++) await s.must(i % 2 === 0 ? fay.phone : second, rotate(s.rhea.random, s.state, fay.device));
    for (const p of [fay.phone, second]) expect(await s.enter(p, rotate(s.rhea.random, s.state, fay.device))).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    const pat = await s.join();
    const safe = makeDevice(s.rhea.random, pat.device.member);
    await s.must(pat.phone, deviceAdd(s.rhea.random, s.state, pat.device, safe, 'recovery', s.keyring()));
    const both = [new Phone(a.relay, a.random), new Phone(b.relay, b.random)] as const;
    for (const p of both) await p.as(safe, s.group);
    for (let i = 0; i < RATE.recovery; i++) await s.must(both[i % 2] as Phone, rotate(s.rhea.random, s.state, safe));
    for (const p of both) expect(await s.enter(p, rotate(s.rhea.random, s.state, safe))).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    const want = (p: Phone, at: number): Promise<FromRelay> => p.ask((re) => ({ is: 'want', re, group: s.group, want: signWant(s.group, { logPk: fay.device.logPk, spans: [{ first: 1, last: at }] }, fay.device.logSk) }));
    for (let i = 0; i < RATE.wants; i++) expect(await want(i % 2 === 0 ? fay.phone : second, i + 1)).toMatchObject({ is: 'done' });
    for (const p of [fay.phone, second]) expect(await want(p, 99)).toMatchObject({ why: 'rate' });
  });

  it('show proof that they signed two histories to everybody, wherever it was given, and no more of it than a few in a minute', async () => {
    const fay = await fayAtB();
    const pat = await s.join();
    a.relay.poll();
    b.relay.poll();
    await long();
    const all = ((await s.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }))) as Of<'entries'>).items;
    const relay = makeRelay(seeded('rhea'));
    const other = (seq: number, time: number) => {
      const { entry, receipt } = all[seq - 1]!;
      return { entry, receipt: signReceipt(s.group, { ...receipt, time, chain: chainAfter(chainAt(s.state, seq - 1)!, entry, time) }, relay.sk) };
    };
    const give = async (item: ReturnType<typeof other>): Promise<void> => {
      expect(await s.phone.ask((re) => ({ is: 'give-entries', re, group: s.group, items: [item] }))).toMatchObject({ why: 'conflict' });
      for (const r of [a, b]) r.now += 1;
    };
    const look = async (): Promise<number[]> => {
      b.now += 60_000;
      b.relay.poll();
      await long();
      return [fay.phone, pat.phone].map((p) => p.of('entries').length);
    };
    for (const p of [fay.phone, pat.phone]) p.forget();
    const last = other(s.state.seq, 5);
    await give(last);
    for (let i = 0; i < 20; i++) await give(i % 2 === 0 ? last : other(s.state.seq, 6));
    expect(await look()).toEqual([1, 1]);
    expect(fay.phone.of('entries')[0]?.items).toEqual([last]);
    // what is no word of theirs is shown to nobody
    expect(await s.phone.ask((re) => ({ is: 'give-entries', re, group: s.group, items: [{ ...last, receipt: { ...last.receipt, time: 9 } }] }))).toMatchObject({ why: 'not-allowed' });
    expect(await look()).toEqual([1, 1]);
    a.now += RATE.proofShown;
    await give(last);
    expect(await look()).toEqual([2, 2]);
  });

  it('take nothing by a roster that has gone further, though they have not heard of it', async () => {
    const fay = await fayAtB();
    const removing = removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads());
    const late = s.seal(fay.device);
    await s.must(s.phone, removing);
    fay.phone.tell({ is: 'append', group: s.group, n: 1, envelope: late });
    await long();
    expect(fay.phone.of('acks')).toEqual([]);
    expect(fay.phone.heard.at(-1)).toMatchObject({ is: 'gone' });
  });

  it('pass posts on as soon as they ask the store', async () => {
    const fay = await fayAtB();
    await s.post(s.phone, olivia);
    await long();
    expect(shown(fay.phone)).toEqual([]);
    b.relay.poll();
    await long();
    expect(shown(fay.phone)).toEqual([1]);
  });

  it('pass on everything else too: wants and their answers, requests under an invite that came in since, an ended row', async () => {
    const fay = await fayAtB();
    const [want, keys] = [wantOf(fay.device), new Uint8Array([7])];
    await fay.phone.ask((re) => ({ is: 'want', re, group: s.group, want }));
    const pat = await s.join();
    a.relay.poll();
    await long();
    expect(s.phone.of('wants')).toMatchObject([{ items: [{ want }] }]);
    await s.phone.ask((re) => ({ is: 'put-keys', re, group: s.group, to: fay.device.logPk, want: wantHash(want), keys }));
    b.now += 60_000;
    b.relay.poll();
    await long();
    expect(fay.phone.of('keys')).toMatchObject([{ items: [{ keys }] }]);
    // Olivia looks from the second relay, which has heard of neither the invite nor the request
    const second = new Phone(b.relay, b.random);
    await second.as(olivia, s.group);
    await long();
    const invite = await s.invite({ expires: a.now + 1_000_000 });
    const joiner = new Phone(a.relay, a.random);
    await joiner.asInvite(invite, s.group);
    await joiner.ask((re) => ({ is: 'put-request', re, group: s.group, request: new Uint8Array(16), body: keys }));
    expect(second.of('requests')).toEqual([]);
    await s.must(s.phone, removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads()));
    b.now += 60_000;
    b.relay.poll();
    await long();
    expect(second.of('requests')).toMatchObject([{ items: [{ body: keys }] }]);
    expect(fay.phone.of('gone')).toHaveLength(1);
    expect(pat.phone.of('gone')).toHaveLength(0);
  });
});
