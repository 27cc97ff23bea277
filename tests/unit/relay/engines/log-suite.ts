/** What every engine of the log owes, whichever it is: the relay, and with it every device, stands on these. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlobId, Bytes, GroupId, Hash, InvitePk, LogPk, MeetId, MemberTag, VaultId } from '../../../../crypto/brand';
import { type ReceiptedEntry, type StoredEnvelope } from '../../../../crypto/frames';
import { concat, EMPTY, equal, hex } from '../../../../crypto/bytes';
import { ZERO_HASH } from '../../../../crypto/hash';
import { envelopeHash, writeHeader } from '../../../../crypto/header';
import { LIMIT } from '../../../../crypto/limits';
import { unpackStored } from '../../../../crypto/packed';
import type { Random } from '../../../../crypto/sodium';
import { ready } from '../../../../crypto/sodium';
import { wantHash } from '../../../../crypto/want';
import { RATE } from '../../../../relay/limits';
import { type Appended, type Appending, ask, type Budget, type CallName, type Calls, type Entered, type Entering, type Giving, type Log, type News, type Tomb } from '../../../../relay/log';
import { endPermit, makePermit, permits } from '../../../../relay/log-permits';
import { setQuota } from '../../../../relay/log-quota';
import { operate, type Store } from '../../../../relay/operator';
import { makeRelay, receipt, seeded } from '../../../support/actor';

/** An engine under test. `again` opens the same store anew, beside the first when it can be shared, in its place otherwise. */
export interface LogUnderTest {
  readonly log: Log;
  /** Where an operator finds it. */
  readonly store: Store;
  again(): Promise<Log>;
  close(): Promise<void>;
}

let seeds = 0;

export function logSuite(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`the log in ${name}`, () => {
    let on: LogUnderTest;
    let log: Log;
    let random: Random;
    let group: GroupId;
    let g: number;
    let heads: Map<number, Hash>;

    const call = async <K extends CallName>(name: K, input: Calls[K][0], at = log): Promise<Calls[K][1]> => {
      const r = await ask(at, name, input);
      if (!r.ok) throw new Error(r.fault);
      return r.value;
    };
    const entry = (seq: number, size = 60, life = 1): ReceiptedEntry => {
      const bytes = random(size);
      return { entry: bytes, receipt: receipt(makeRelay(seeded('relay'), life), group, ZERO_HASH, seq, bytes, 5) };
    };
    const appending = (n: number, more: Partial<Appending> = {}): Appending => ({
      g, device: 1, n, rosterSeq: 1, time: 1000 + n, verdict: 'fine', judgedAt: 1, group, logPk: random(32) as Bytes as LogPk, roster: random(32) as Bytes as Hash, blobs: [], envelope: random(100), ...more
    });
    /** Appends, and notes where the log must then stand. */
    const append = async (a: Appending, at = log): Promise<Appended> => {
      const r = await call('append', a, at);
      if (r.is === 'stored') heads.set(a.device, envelopeHash({ group, logPk: a.logPk, prev: heads.get(a.device) ?? ZERO_HASH, roster: a.roster }, a.envelope));
      return r;
    };
    const entering = (seq: number, more: Partial<Entering> = {}): Entering => ({ g, seq, entry: entry(seq), boxes: [], ends: [], gone: [], spent: [], state: null, ...more });
    const made = async (id: GroupId, boxes: Calls['create'][0]['boxes'] = []): Promise<number> => {
      const created = await call('create', { group: id, genesis: entry(1), boxes, state: random(300) });
      if (created === null || typeof created === 'string') throw new Error(created ?? 'it was destroyed');
      return created.g;
    };
    const page = async (way: 'up' | 'down', from: number, most = 500): Promise<{ items: StoredEnvelope[]; prevs: Calls['page'][1]['prevs']; more: boolean }> => {
      const p = await call('page', { g, way, from, most });
      return { ...p, items: unpackStored(p.items) };
    };

    beforeAll(async () => {
      await ready();
      on = await open();
      log = on.log;
    }, 60_000);
    afterAll(() => on.close());
    beforeEach(async () => {
      random = seeded(`engine ${seeds++} ${name}`);
      group = random(32) as Bytes as GroupId;
      heads = new Map();
      g = await made(group, [{ device: 1, lockbox: random(1200) }]);
    });

    it('makes a group once: whoever comes second gets the first one’s receipt', async () => {
      const first = await call('entries', { g, after: 0, upTo: 1, most: 1 });
      const again = await call('create', { group, genesis: entry(1), boxes: [], state: random(10) });
      expect(again).toEqual({ g, genesis: first.items[0] });
      expect(await call('load', random(32) as Bytes as GroupId)).toBeNull();
    });

    it('gives a group’s feed its numbers without gaps, each log its own', async () => {
      const all = await Promise.all([append(appending(1)), append(appending(1, { device: 2 })), append(appending(2)), append(appending(9)), append(appending(3))]);
      expect(all).toMatchObject([{ is: 'stored', seq: 1 }, { seq: 2 }, { seq: 3 }, { is: 'gap', n: 2 }, { seq: 4 }]);
      const at = await call('head', { g, device: 1 });
      expect(at).toMatchObject({ n: 3, feed: 4 });
      expect((await call('head', { g, device: 7 }))).toEqual({ n: 0, hash: ZERO_HASH, feed: 4 });
    });

    it('numbers hundreds that come at once to many groups as if they had come one by one', async () => {
      const others = await Promise.all([1, 2, 3].map(async () => {
        const id = random(32) as Bytes as GroupId;
        return { id, g: await made(id) };
      }));
      const calls = Array.from({ length: 300 }, (_, i) => appending(Math.floor(i / 3) + 1, { g: others[i % 3]?.g as number, group: others[i % 3]?.id as GroupId }));
      const got = await Promise.all(calls.map((a) => call('append', a)));
      for (const i of [0, 1, 2]) expect(got.filter((_, at) => at % 3 === i).map((a) => 'seq' in a && a.seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    });

    it('answers bytes that lie there as before, whatever has become of the roster, and others at their number never', async () => {
      const first = appending(1);
      const stored = await append(first);
      await call('enter', entering(2));
      expect(await call('append', { ...first, verdict: 'stale' })).toEqual({ ...stored, is: 'again' });
      const [same, other] = await Promise.all([call('append', first), call('append', appending(1, { judgedAt: 2 }))]);
      expect(same.is).toBe('again');
      expect(other).toEqual({ is: 'conflict', n: 1, hash: heads.get(1) });
    });

    it('takes the same bytes sent twice at once only once', async () => {
      const a = appending(1);
      expect(await Promise.all([call('append', a), call('append', a)])).toMatchObject([{ is: 'stored', seq: 1 }, { is: 'again', seq: 1 }]);
    });

    it('keeps nothing that was judged stale, held or void, and says where the log stands', async () => {
      await append(appending(1));
      const head = heads.get(1);
      for (const verdict of ['held', 'void'] as const) expect(await call('append', appending(2, { verdict }))).toEqual({ is: verdict, n: 1, hash: head });
      const a = appending(2, { verdict: 'stale' });
      const named = envelopeHash({ group, logPk: a.logPk, prev: head as Hash, roster: a.roster }, a.envelope);
      expect(await call('append', a)).toEqual({ is: 'stale', n: 1, hash: named });
      expect(await call('head', { g, device: 1 })).toMatchObject({ n: 1, feed: 1 });
    });

    it('lets no log go back in the roster', async () => {
      await call('enter', entering(2));
      await append(appending(1, { rosterSeq: 2, judgedAt: 2 }));
      expect(await call('append', appending(2, { rosterSeq: 1, judgedAt: 2 }))).toMatchObject({ is: 'void', n: 1 });
    });

    it('takes no envelope that was judged by a roster which has gone further', async () => {
      await call('enter', entering(2));
      expect(await call('append', appending(1, { judgedAt: 1 }))).toMatchObject({ is: 'behind' });
      expect(await append(appending(1, { judgedAt: 2 }))).toMatchObject({ is: 'stored' });
    });

    it('enters one of two entries for a place', async () => {
      const both = await Promise.all([call('enter', entering(2)), call('enter', entering(2))]);
      expect(both.map((r) => r.is).sort()).toEqual(['behind', 'entered']);
      expect(await call('enter', entering(4))).toEqual({ is: 'behind' });
    });

    it('ends a log only where it stands, and tells where that is', async () => {
      await append(appending(1));
      await append(appending(2));
      const at = { device: 1, n: 2, hash: heads.get(1) as Hash };
      expect(await call('enter', entering(2, { ends: [{ ...at, n: 1 }] }))).toEqual({ is: 'moved', heads: [at] });
      expect(await call('enter', entering(2, { ends: [at, { device: 3, n: 0, hash: ZERO_HASH }] }))).toEqual({ is: 'entered' });
    });

    it('gives each device its own lockboxes, in order', async () => {
      const boxes = [random(1200), random(1200)];
      await call('enter', entering(2, { boxes: [{ device: 1, lockbox: boxes[0] as Bytes }, { device: 2, lockbox: boxes[1] as Bytes }] }));
      expect((await call('lockboxes', { g, device: 1, after: 0 })).items.map((b) => b.seq)).toEqual([1, 2]);
      expect(await call('lockboxes', { g, device: 2, after: 0 })).toEqual({ items: [{ seq: 2, lockbox: boxes[1] }], more: false });
    });

    it('loads the newest checkpoint with what came after it', async () => {
      const state = random(500);
      const third = entry(3);
      await call('enter', entering(2, { state }));
      await call('enter', entering(3, { entry: third }));
      expect(await call('load', group)).toMatchObject({ g, state, after: [third] });
    });

    it('pages both ways, with the hash before each log’s first, and never beyond a frame’s bytes', async () => {
      const big = LIMIT.pageBytes / 3;
      for (let n = 1; n <= 4; n++) await append(appending(n, { envelope: random(big), device: 1 }));
      await append(appending(1, { device: 2 }));
      const up = await page('up', 1);
      expect(up.items.map((i) => i.seq)).toEqual([2, 3]);
      expect(up).toMatchObject({ more: true, prevs: [{ device: 1 }] });
      const down = await page('down', Number.MAX_SAFE_INTEGER, 2);
      expect(down.items.map((i) => [i.device, i.n, i.seq, i.time])).toEqual([[2, 1, 5, 1001], [1, 4, 4, 1004]]);
      expect(down.prevs).toEqual(expect.arrayContaining([{ device: 2, prev: ZERO_HASH }]));
      expect(await page('up', 5)).toEqual({ items: [], prevs: [], more: false });
    });

    it('gives entries between two places, and says whether there are more', async () => {
      for (let seq = 2; seq <= 6; seq++) await call('enter', entering(seq));
      const some = await call('entries', { g, after: 1, upTo: 5, most: 2 });
      expect([some.items.map((e) => e.receipt.seq), some.more]).toEqual([[2, 3], true]);
      const rest = await call('entries', { g, after: 3, upTo: 5, most: 50 });
      expect([rest.items.map((e) => e.receipt.seq), rest.more]).toEqual([[4, 5], false]);
    });

    it('keeps a blob from the moment an envelope names it, and sweeps the others', async () => {
      const [named, other] = [random(32), random(32)] as unknown as [BlobId, BlobId];
      expect(await call('append', appending(1, { blobs: [named] }))).toMatchObject({ is: 'no-blob', n: 0 });
      for (const id of [named, other]) await call('putBlob', { g, id, device: 1, size: 9, time: 3 });
      expect(await call('blob', { g, id: named })).toEqual({ device: 1, size: 9 });
      await append(appending(1, { blobs: [named] }));
      expect(await call('append', appending(7, { blobs: [other] }))).toMatchObject({ is: 'gap' });
      const swept = await call('sweep', { blobsBefore: 10, answersBefore: 0, meetingsBefore: 0 });
      expect(swept.filter((b) => b.g === g)).toEqual([{ g, id: other }]);
      await call('dropBlob', { g, id: named, time: 11 });
      expect(await call('blob', { g, id: named })).toBeNull();
    });

    it('keeps a blob for the device whose envelope is given back, though it was just going', async () => {
      const [stray] = [random(32)] as unknown as [BlobId];
      expect(await call('strays', { blobs: [{ g, id: stray }], time: 10 })).toEqual([{ g, id: stray }]);
      const given: Giving = { device: 3, n: 1, rosterSeq: 1, time: 9, prev: ZERO_HASH, hash: random(32) as unknown as Hash, blobs: [stray], envelope: random(50), replaces: false };
      expect(await call('give', { g, items: [given] })).toMatchObject([{ device: 3, n: 1 }]);
      expect((await call('standing', { g, life: log.incarnation, earlier: 0 })).lacks).toEqual([stray]);
      expect(await call('putBlob', { g, id: stray, device: 1, size: 9, time: 10 + RATE.blobGoing })).toBe('kept');
      expect(await call('blob', { g, id: stray })).toEqual({ device: 3, size: 9 });
    });

    it('lets nobody put a blob again while it is being dropped, and whoever puts it then has put it', async () => {
      const [unnamed, stray, named] = [random(32), random(32), random(32)] as unknown as [BlobId, BlobId, BlobId];
      const put = (id: BlobId, time: number, device = 1): Promise<Calls['putBlob'][1]> => call('putBlob', { g, id, device, size: 9, time });
      const sweep = (blobsBefore: number, time: number): Promise<Calls['sweep'][1]> => call('sweep', { blobsBefore, answersBefore: 0, meetingsBefore: 0, time }).then((all) => all.filter((b) => b.g === g));
      const strays = (time: number): Promise<Calls['strays'][1]> => call('strays', { blobs: [unnamed, stray, named].map((id) => ({ g, id })), time });
      expect([await put(unnamed, 10), await put(unnamed, 11), await put(named, 10)]).toEqual(['kept', 'kept', 'kept']);
      await append(appending(1, { blobs: [named] }));
      const now = 10 ** 9;
      expect(await sweep(20, now)).toEqual([{ g, id: unnamed }]);
      expect(await strays(now)).toEqual([{ g, id: stray }]);
      // told once: whoever was told drops them
      expect([await sweep(now, now + 1), await strays(now + 1)]).toEqual([[], []]);
      const late = now + RATE.blobGoing;
      for (const id of [unnamed, stray]) {
        expect([await put(id, late - 1), await call('blob', { g, id })]).toEqual(['going', null]);
        expect(await call('append', appending(2, { blobs: [id] }))).toMatchObject({ is: 'no-blob' });
        expect([await put(id, late, 2), await call('blob', { g, id })]).toEqual(['kept', { device: 2, size: 9 }]);
      }
      expect((await call('standing', { g, life: log.incarnation, earlier: 0 })).lacks).toEqual([]);
      await append(appending(2, { blobs: [stray] }));
      expect(await sweep(late + 1, late + 1)).toEqual([{ g, id: unnamed }]);
      // forgotten once it surely was dropped
      await sweep(0, late + 1 + RATE.blobGoing);
      expect(await strays(late + 1 + RATE.blobGoing)).toEqual([{ g, id: unnamed }]);
    });

    it('tells what its quota leaves a group: its own, or that of every group, or none', async () => {
      await append(appending(1, { envelope: random(1000) }));
      await call('putBlob', { g, id: random(32) as Bytes as BlobId, device: 1, size: 300, time: 3 });
      expect(await call('spare', { g })).toBeNull();
      const quota = (whose: number, bytes: number | null, entries: number | null, blobs: number | null): Promise<null> => operate(on.store, () => setQuota(whose, { bytes, entries, blobs }));
      await quota(0, 5000, null, 1000);
      const left = await call('spare', { g });
      expect(left).toMatchObject({ entries: null, blobs: 700 });
      expect(left?.bytes).toBeGreaterThan(3900);
      expect(left?.bytes).toBeLessThan(4000);
      await quota(g, null, 3, 200);
      expect(await call('spare', { g })).toEqual({ bytes: null, entries: 2, blobs: -100 });
      await quota(g, null, null, null);
      await quota(0, null, null, null);
      expect(await call('spare', { g })).toBeNull();
      expect(await call('append', appending(2, { verdict: 'quota' }))).toMatchObject({ is: 'quota', n: 1 });
      expect(await call('append', appending(1, { verdict: 'quota' }))).toMatchObject({ is: 'conflict' });
    });

    it('spends a permit with the very group that is begun: once for each, never more than it is good for, and not after its end', async () => {
      const hash = random(32) as Bytes as Hash;
      const n = await operate(on.store, () => makePermit(hash, 2, 5000, 1000));
      const left = async (): Promise<number | undefined> => (await operate(on.store, permits)).find((p) => p.n === n)?.groups;
      const input = (id: GroupId, shown: Hash | null = hash, time = 2000): Calls['create'][0] => ({ group: id, genesis: entry(1), boxes: [], state: random(10), permit: { hash: shown, time } });
      const ids = [1, 2, 3, 4, 5].map(() => random(32) as Bytes as GroupId);
      const is = (r: Calls['create'][1]): string => (typeof r === 'string' ? r : r === null ? 'destroyed' : 'begun');
      expect([is(await call('create', input(ids[0] as GroupId, null))), is(await call('create', input(ids[0] as GroupId, random(32) as Bytes as Hash))), await call('load', ids[0] as GroupId)]).toEqual(['none', 'unknown', null]);
      // one begun twice at once costs one, and is refused to nobody who brings it again
      const same = input(ids[0] as GroupId);
      const [one, again] = await Promise.all([call('create', same), call('create', same)]);
      expect([again, await left()]).toEqual([one, 1]);
      const both = await Promise.all([1, 2, 3].map((i) => call('create', input(ids[i] as GroupId))));
      expect([both.map(is).sort(), await left()]).toEqual([['begun', 'spent', 'spent'], 0]);
      for (const shown of [null, hash]) expect(await call('create', input(ids[0] as GroupId, shown, 9000))).toEqual(one);
      expect(is(await call('create', input(ids[4] as GroupId, hash, 5000)))).toBe('ended');
      const other = random(32) as Bytes as Hash;
      const next = await operate(on.store, () => makePermit(other, 9, 5000, 1000));
      expect([next > n, await operate(on.store, () => endPermit(next, 1500)), await operate(on.store, () => endPermit(next, 1600)), is(await call('create', input(ids[4] as GroupId, other)))]).toEqual([true, true, false, 'ended']);
      // one given back after a restore asks for none
      expect(is(await call('create', { group: ids[4] as GroupId, genesis: entry(1), boxes: [], state: random(10) }))).toBe('begun');
      await operate(on.store, () => makePermit(random(32) as Bytes as Hash, 1, 10 ** 13, 10 ** 12));
      expect((await operate(on.store, permits)).map((p) => p.groups)).toEqual([1]);
    });

    it('holds cards, requests and answers under an invite until it is spent', async () => {
      const invite = random(32) as Bytes as InvitePk;
      const slot = { g, invite, request: random(16) };
      const put = (request: Bytes): Promise<Calls['putRequest'][1]> => call('putRequest', { g, invite, request, body: request, time: 7, most: 2 });
      await call('putCard', { g, invite, card: random(9) });
      const card = random(12);
      await call('putCard', { g, invite, card });
      expect(await call('card', { g, invite })).toEqual(card);
      expect([await put(slot.request), await put(slot.request), await put(random(16)), await put(random(16))]).toEqual(['new', 'again', 'new', 'too-many']);
      expect(await call('putAnswer', { ...slot, body: card, time: 8 })).toBe('done');
      expect(await call('answer', slot)).toEqual(card);
      expect(await call('putAnswer', { ...slot, request: random(16), body: card, time: 8 })).toBe('not-found');
      expect((await call('requests', { g, invites: [invite] })).length).toBe(1);
      await call('enter', entering(2, { spent: [invite] }));
      expect([await call('card', { g, invite }), await call('requests', { g, invites: [invite] })]).toEqual([null, []]);
      expect(await call('answer', slot)).toEqual(card);
      await call('sweep', { blobsBefore: 0, answersBefore: 9, meetingsBefore: 0 });
      expect(await call('answer', slot)).toBeNull();
    });

    it('adds to a personal vault one item after the other, each once', async () => {
      const vault = random(32) as Bytes as VaultId;
      const put = (n: number, item: Bytes): Promise<Calls['putItem'][1]> => call('putItem', { vault, n, item, time: 1 });
      const [a, b] = [random(20), random(20)];
      expect([await put(1, a), await put(1, a), await put(1, b), await put(3, b), await put(2, b)]).toEqual(['done', 'done', { n: 1 }, { n: 1 }, 'done']);
      expect(await call('items', { vault, after: 0 })).toEqual({ n: 2, items: [a, b], more: false });
      const both = await Promise.all([put(3, a), put(3, b)]);
      expect(both.filter((x) => x === 'done').length).toBe(1);
      for (let n = 4; n <= 23; n++) await put(n, a);
      expect(await call('items', { vault, after: 0 })).toMatchObject({ n: 23, more: true });
    });

    it('adds to a meeting while it lasts, begins no more than are allowed, and forgets it afterwards', async () => {
      const meets = [random(32), random(32), random(32)] as Bytes[] as MeetId[];
      const put = (i: number, n: number, time: number, item: Bytes = random(20)): Promise<Calls['putMeeting'][1]> => call('putMeeting', { meet: meets[i] as MeetId, n, item, time, since: time - 100, most: 2 });
      const said = (i: number, time: number): Promise<Calls['meeting'][1]> => call('meeting', { meet: meets[i] as MeetId, after: 0, since: time - 100 });
      const a = random(20);
      expect([await said(0, 1000), await put(0, 2, 1000), await put(0, 1, 1000, a), await put(0, 1, 1001, a), await put(0, 1, 1001), await put(0, 2, 1090)]).toEqual([null, 'ended', 'done', 'done', { n: 1 }, 'done']);
      expect(await said(0, 1100)).toMatchObject({ n: 2, more: false });
      expect([await put(1, 1, 1050), await put(2, 1, 1050)]).toEqual(['done', 'crowded']);
      expect([await said(0, 1101), await put(0, 3, 1101), await put(2, 1, 1101)]).toEqual([null, 'ended', 'done']);
      await call('sweep', { blobsBefore: 0, answersBefore: 0, meetingsBefore: 2000 });
      expect([await said(1, 1101), await said(2, 1101)]).toEqual([null, null]);
    });

    it('holds a device’s want, the newest answer of each member to it, and forgets both together', async () => {
      const [want, other, keys] = [random(40), random(40), random(60)];
      const [one, two] = [random(16), random(16)] as unknown as [MemberTag, MemberTag];
      const put = (w: Bytes | null, time = 5): Promise<Calls['putWant'][1]> => call('putWant', { g, device: 2, want: w, time });
      const give = (w: Bytes, by: MemberTag, k = keys): Promise<Calls['putKeys'][1]> => call('putKeys', { g, device: 2, want: wantHash(w), by, keys: k });
      const taken = async (after: number): Promise<number[]> => (await call('keys', { g, device: 2, after })).items.map((k) => k.at);
      expect([await put(want), await put(want), await give(other, one)]).toEqual(['new', 'again', 'not-found']);
      expect([await give(want, one), await give(want, two), await give(want, one, random(60))]).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }]);
      expect([await taken(0), await taken(2)]).toEqual([[2, 3], [3]]);
      expect(await call('wants', { g })).toEqual([{ device: 2, want, answers: 2 }]);
      expect([await put(other), await taken(0), await give(want, two)]).toEqual(['new', [], 'not-found']);
      expect([await put(null), await put(null), await call('wants', { g })]).toEqual(['new', 'again', []]);
      await put(want);
      await give(want, one);
      await call('sweep', { blobsBefore: 0, answersBefore: 6, meetingsBefore: 0 });
      expect([await call('wants', { g }), await taken(0)]).toEqual([[], []]);
    });

    it('keeps where a device is pushed to until its row ends, in the very transaction that ends it', async () => {
      const put = (device: number, place: string): Promise<Calls['putBell'][1]> => call('putBell', { g, device, place });
      const [a, b] = [`https://push.example/${hex(group)}/a`, `https://push.example/${hex(group)}/b`];
      expect([await put(1, a), await put(1, a), await put(2, b), await put(2, a), await put(2, b)]).toEqual(['new', 'again', 'new', 'new', 'new']);
      expect(await call('bells', { g })).toEqual([{ device: 1, place: a, rung: 0 }, { device: 2, place: b, rung: 0 }]);
      expect(await call('enter', entering(3, { gone: [1] }))).toEqual({ is: 'behind' });
      expect((await call('bells', { g })).length).toBe(2);
      const ring = (): Promise<string | null> => call('ring', { g, device: 1, time: 5, before: 4, news: 3 });
      expect(await Promise.all([call('enter', entering(2, { gone: [1] })), ring()])).toEqual([{ is: 'entered' }, null]);
      expect(await call('bells', { g })).toEqual([{ device: 2, place: b, rung: 0 }]);
      await call('dropBell', { g, device: 2 });
      expect(await call('bells', { g })).toEqual([]);
    });

    it('lets one of two ring a device, in one of its groups, and nobody ring one that was here', async () => {
      const place = `https://push.example/${hex(group)}`;
      const other = { g: await made(random(32) as Bytes as GroupId) };
      for (const at of [g, other.g]) await call('putBell', { g: at, device: 1, place });
      const ring = (at: number, time: number, news = time - 10): Promise<string | null> => call('ring', { g: at, device: 1, time, before: time - 600, news });
      expect((await Promise.all([ring(g, 1000), ring(other.g, 1000)])).filter((p) => p !== null)).toEqual([place]);
      expect([await ring(other.g, 1500), await ring(other.g, 1600)]).toEqual([null, place]);
      // it came
      expect(await call('putBell', { g, device: 1, place })).toBe('again');
      await call('heard', { g, devices: [1, 9], time: 1650 });
      expect([await ring(g, 1655, 1645), await ring(g, 1660, 1655)]).toEqual([null, place]);
      await call('dropPlace', { place });
      expect([await call('bells', { g }), await call('bells', { g: other.g })]).toEqual([[], []]);
    });

    it('lets nobody do more in an hour than a budget allows, and stores nothing beyond it', async () => {
      const hour = 3_600_000;
      const budget = (key: string, now: number, most = 2): Budget => ({ key, most, now });
      const want = (now: number, w: Bytes | null = random(40)): Promise<Calls['putWant'][1]> => call('putWant', { g, device: 2, want: w, time: now, budget: budget('want 2', now) });
      const same = random(40);
      expect([await want(1000, same), await want(1500, same), await want(2000), await want(3000), await want(hour + 999)]).toEqual(['new', 'again', 'new', { wait: hour - 2000 }, { wait: 1 }]);
      expect([await want(hour + 1000, null), await want(hour + 1000, same), await want(hour + 1001)]).toEqual(['new', 'new', { wait: 999 }]);
      expect((await call('wants', { g })).map((w) => w.want)).toEqual([same]);
      const bell = (place: string): Promise<Calls['putBell'][1]> => call('putBell', { g, device: 2, place: `https://push.example/${place}`, budget: budget('bell 2', 3000) });
      expect([await bell('a'), await bell('a'), await bell('b'), await bell('c')]).toEqual(['new', 'again', 'new', { wait: hour }]);
      const slot = { g, invite: random(32) as Bytes as InvitePk };
      const leave = (id: Bytes, most = 3): Promise<Calls['putRequest'][1]> => call('putRequest', { ...slot, request: id, body: id, time: 5, most, budget: budget('requests', 5) });
      const ids = [1, 2, 3].map(() => random(16)) as [Bytes, Bytes, Bytes];
      expect([await leave(ids[0]), await leave(ids[1], 1), await leave(ids[1]), await leave(ids[2]), await leave(ids[1])]).toEqual(['new', 'too-many', 'new', { wait: hour }, 'again']);
      const answer = (): Promise<Calls['putKeys'][1]> => call('putKeys', { g, device: 9, want: wantHash(same), by: random(16) as Bytes as MemberTag, keys: random(9), budget: budget('keys 2', 5) });
      expect([await answer(), await answer(), await answer()]).toEqual(['not-found', 'not-found', { wait: hour }]);
      const enter = (seq: number, now: number, most = 1): Promise<Entered> => call('enter', entering(seq, { budget: budget('entries fay', now, most) }));
      expect([await enter(2, 10), await enter(2, 20), await enter(3, 20), await enter(3, 20, Infinity), await enter(4, 30), await enter(4, hour + 20)]).toEqual([
        { is: 'entered' }, { is: 'behind' }, { is: 'rate', wait: hour - 10 }, { is: 'entered' }, { is: 'rate', wait: hour - 10 }, { is: 'entered' }
      ]);
      expect((await call('news', [g]))[0]).toMatchObject({ roster: 4 });
      // another group's are its own
      expect(await call('putWant', { g: await made(random(32) as Bytes as GroupId), device: 2, want: same, time: 5, budget: budget('want 2', hour + 1001) })).toBe('new');
    });

    it('paces bytes: as many at once as an hour brings, and then as they are made up for', async () => {
      const at = (now: number): { g: number; budget: Budget } => ({ g, budget: { key: 'blobs fay', most: 36_000, now } });
      const waits: number[] = [await call('pace', at(0))];
      for (const [now, many] of [[0, 30_000], [0, 10_000], [400_000, 1], [9_000_000, 36_000]] as const) {
        await call('charge', { ...at(now), many });
        waits.push(await call('pace', at(now)));
      }
      expect(waits).toEqual([0, 0, 400_000, 100, 0]);
    });

    it('lets a vault grow by so much in an hour', async () => {
      const vault = random(32) as Bytes as VaultId;
      const items = [1, 2, 3].map(() => random(9));
      const put = (n: number, time: number): Promise<Calls['putItem'][1]> => call('putItem', { vault, n, item: items[n - 1] as Bytes, time, most: 2 });
      expect([await put(1, 10), await put(2, 20), await put(3, 30), await put(2, 30), await put(3, 3_600_010)]).toEqual(['done', 'done', { wait: 3_600_000 - 20 }, 'done', 'done']);
    });

    it('notes proof of a fork to be shown, of each place once in a while and of few places', async () => {
      const put = (item: ReceiptedEntry, time: number): Promise<boolean> => call('putFork', { g, item, time, since: time - 100, most: 2 });
      const [two, three, four] = [entry(2), entry(3), entry(4)];
      const before = (await call('news', [g]))[0]?.mail;
      expect([await put(two, 1000), await put(two, 1001), await put(entry(2), 1001), await put(three, 1002), await put(four, 1003)]).toEqual([true, false, false, true, false]);
      expect((await call('news', [g]))[0]?.mail).not.toBe(before);
      expect(await call('forks', { g })).toEqual([{ item: two, time: 1000 }, { item: three, time: 1002 }]);
      expect([await put(four, 1100), await put(two, 1101)]).toEqual([true, false]);
      expect((await call('forks', { g })).map((f) => f.time)).toEqual([1002, 1100]);
      expect(await call('forks', { g: g + 1000 })).toEqual([]);
    });

    it('tells how far groups have come, and that something else waits in them', async () => {
      await append(appending(1));
      await call('enter', entering(2));
      const news = async (): Promise<News> => (await call('news', [g, 2 ** 40]))[0] as News;
      expect(await news()).toMatchObject({ g, feed: 1, roster: 2 });
      const slot = { g, invite: random(32) as Bytes as InvitePk, request: random(16) };
      const [want, body] = [random(40), random(9)];
      const stirs: (() => Promise<unknown>)[] = [
        () => call('putCard', { ...slot, card: body }), () => call('putRequest', { ...slot, body, time: 1, most: 3 }), () => call('putAnswer', { ...slot, body, time: 1 }),
        () => call('dropRequest', slot), () => call('putWant', { g, device: 1, want, time: 1 }),
        () => call('putKeys', { g, device: 1, want: wantHash(want), by: random(16) as Bytes as MemberTag, keys: body })
      ];
      for (const stir of stirs) {
        const before = (await news()).mail;
        await stir();
        expect((await news()).mail).not.toBe(before);
      }
    });

    describe('laid together', () => {
      interface Lies { readonly device: number; readonly n: number; readonly seq: number; readonly time: number; readonly prev: Hash; readonly envelope: Bytes }
      /** What a feed must be, in a group of its own. */
      class Model {
        readonly all: Lies[] = [];
        /** Of each log the hashes before its envelopes, and its head last. */
        readonly hashes = new Map<number, Hash[]>();
        private readonly replaced: (readonly [device: number, n: number])[] = [];
        constructor(readonly g: number, readonly group: GroupId) {}

        private lay(device: number, n: number, time: number, envelope: Bytes, hash: Hash): void {
          const hashes = this.hashes.get(device) ?? [ZERO_HASH];
          this.all.push({ device, n, seq: this.all.length + 1, time, prev: hashes[n - 1] as Hash, envelope });
          this.hashes.set(device, [...hashes.slice(0, n), hash]);
        }
        next(device: number): number {
          return this.hashes.get(device)?.length ?? 1;
        }
        appending(device: number, size: number): Appending {
          const n = this.next(device);
          const a = appending(n, { g: this.g, group: this.group, device, envelope: concat(writeHeader({ n, rosterSeq: 1, epoch: 1, blobs: [] }), random(110 + size)) });
          this.lay(device, n, a.time, a.envelope, envelopeHash({ group: this.group, logPk: a.logPk, prev: this.hashes.get(device)?.[n - 1] ?? ZERO_HASH, roster: a.roster }, a.envelope));
          return a;
        }
        async write(devices: readonly number[], size: number): Promise<void> {
          const from = this.all.length;
          const calls = devices.map((device) => this.appending(device, size));
          expect(await Promise.all(calls.map((a) => call('append', a)))).toEqual(calls.map((a, i) => ({ is: 'stored', seq: from + i + 1, time: a.time })));
        }
        /** What a log has from n on gives way to another envelope. */
        async replace(device: number, n: number): Promise<void> {
          const prev = (this.hashes.get(device) ?? [])[n - 1];
          if (prev === undefined || n >= this.next(device)) return;
          const envelope = concat(writeHeader({ n, rosterSeq: 1, epoch: 1, blobs: [] }), random(120));
          const hash = random(32) as Bytes as Hash;
          this.lay(device, n, 9, envelope, hash);
          this.replaced.push([device, n]);
          const seq = this.all.length;
          const item: Giving = { device, n, rosterSeq: 1, time: 9, prev, hash, blobs: [], envelope, replaces: true };
          expect(await call('give', { g: this.g, items: [item] })).toEqual([{ device, n, seq, time: 9, envelope }]);
        }
        /** Until there is no more to lay; how often there was. */
        async compact(): Promise<number> {
          for (let times = 0; ; times++) if (!(await call('compact', { g: this.g }))) return times;
        }
        async checkPage(way: 'up' | 'down', from: number, most: number): Promise<Lies[]> {
          const p = await call('page', { g: this.g, way, from, most });
          const items = unpackStored(p.items);
          const wanted = (way === 'up' ? this.all.filter((i) => i.seq > from) : this.all.filter((i) => i.seq < from).reverse()).slice(0, items.length);
          expect(items.map((i, at) => [i.device, i.n, i.seq, i.time, equal(i.envelope, wanted[at]?.envelope ?? EMPTY)])).toEqual(wanted.map(({ device, n, seq, time }) => [device, n, seq, time, true]));
          const rest = this.all.filter((i) => (way === 'up' ? i.seq > from : i.seq < from)).length - items.length;
          expect([p.more, items.length > 0 || rest === 0]).toEqual([rest > 0, true]);
          const firsts = new Map<number, Lies>();
          for (const i of wanted) if (i.n < (firsts.get(i.device)?.n ?? Infinity)) firsts.set(i.device, i);
          expect(new Map(p.prevs.map((x) => [x.device, hex(x.prev)]))).toEqual(new Map([...firsts].map(([d, i]) => [d, hex(i.prev)])));
          return wanted;
        }
        /** All of it, page by page. */
        async checkAll(): Promise<void> {
          let read = 0;
          do read += (await this.checkPage('up', read, 500)).length;
          while (read < this.all.length);
          for (let from = this.all.length + 1; from > 1; ) from -= (await this.checkPage('down', from === this.all.length + 1 ? Number.MAX_SAFE_INTEGER : from, 300)).length;
          for (const [device, hashes] of this.hashes) {
            expect(await call('head', { g: this.g, device })).toEqual({ n: hashes.length - 1, hash: hashes.at(-1), feed: this.all.length });
            const near = this.replaced.flatMap(([d, n]) => (d === device ? [n - 1, n, n + 1, n + 2] : [])).filter((n) => n > 0 && n <= hashes.length);
            for (const n of [1, Math.ceil(hashes.length / 3), hashes.length - 1, hashes.length, ...near]) expect(await call('before', { g: this.g, device, n })).toEqual(hashes[n - 1]);
          }
        }
        /** What counts at a place, sent once more; and something else in its place. */
        async again(places: readonly number[]): Promise<void> {
          const counts = this.all.filter((i) => this.all.findLast((x) => x.device === i.device && x.n === i.n) === i && i.n < this.next(i.device));
          const near = counts.filter((i) => this.replaced.some(([device, n]) => device === i.device && Math.abs(n - i.n) < 2));
          const some = [...places.flatMap((at) => counts[at % counts.length] ?? []), ...near];
          const sent = (i: Lies, envelope = i.envelope): Promise<Appended> => call('append', { ...appending(i.n), g: this.g, group: this.group, device: i.device, envelope });
          expect(await Promise.all(some.map((i) => sent(i)))).toEqual(some.map((i) => ({ is: 'again', seq: i.seq, time: i.time })));
          expect((await Promise.all(some.map((i) => sent(i, random(40))))).map((a) => a.is)).toEqual(some.map(() => 'conflict'));
        }
      }
      const model = async (): Promise<Model> => {
        const id = random(32) as Bytes as GroupId;
        return new Model(await made(id), id);
      };
      const round = (count: number, devices = 3): number[] => Array.from({ length: count }, (_, i) => 1 + (i % devices));

      it('is to everybody what it was, however it came and whatever gave way in it', async () => {
        const step = fc.oneof(
          { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 0, 2000, 60_000)).map(([count, devices, size]) => ({ is: 'write', devices: round(size > 5000 ? count % 9 : count, devices), size }) as const) },
          { weight: 3, arbitrary: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })).map(([device, n]) => ({ is: 'replace', device, n }) as const) },
          { weight: 4, arbitrary: fc.constant({ is: 'compact' } as const) }
        );
        const asked = fc.array(fc.tuple(fc.constantFrom('up', 'down'), fc.nat(1500), fc.integer({ min: 1, max: 500 })), { minLength: 5, maxLength: 5 });
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), asked, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), async (steps, pages, places) => {
            const m = await model();
            for (const s of [...steps, { is: 'compact' } as const]) {
              if (s.is === 'write') await m.write(s.devices, s.size);
              else if (s.is === 'replace') await m.replace(s.device, s.n);
              else await m.compact();
            }
            for (const [way, from, most] of pages) await m.checkPage(way as 'up' | 'down', from, most);
            await m.checkAll();
            await m.again(places);
            await m.write([1, 2, 5], 0);
            await m.checkAll();
          }),
          { numRuns: 6, seed: 11 }
        );
      }, 120_000);

      it('tells what gave way from what counts, in one batch and from one to the next', async () => {
        const m = await model();
        await m.write(round(300), 0);
        // both lie in the first batch
        await m.replace(1, 50);
        await m.write(round(300), 0);
        await m.compact();
        // of what is laid together already
        await m.replace(2, 60);
        await m.replace(3, 100);
        await m.write([2, 2, 3, ...round(700)], 0);
        // the end of a log, and nothing behind it
        await m.replace(1, 230);
        for (const time of [1, 2]) {
          await m.checkAll();
          await m.again([0, 7, 444, 499, 500, 777]);
          for (const way of ['up', 'down'] as const) for (const from of [0, 1, 100, 399, 450, 499, 500, 501, 555, 999, 1000, 1001, 1300]) for (const most of [1, 30, 500]) await m.checkPage(way, from, most);
          if (time === 1) await m.compact();
        }
        await m.replace(3, 1);
        await m.replace(1, 50);
        await m.write(round(900), 0);
        await m.compact();
        await m.checkAll();
        await m.again([]);
      }, 60_000);

      it('while it is written to, read, given to and laid together at once loses nothing, and no page of it has a hole', async () => {
        const m = await model();
        await m.write(round(700), 0);
        const work: Promise<unknown>[] = [];
        const pages: Promise<Calls['page'][1]>[] = [];
        for (let i = 0; i < 40; i++) {
          const from = m.all.length;
          work.push(Promise.all(round(20).map((device) => m.appending(device, 0)).map((a) => call('append', a))).then((all) => expect(all.map((a) => 'seq' in a && a.seq)).toEqual(round(20).map((_, k) => from + k + 1))));
          work.push(call('compact', { g: m.g }));
          if (i % 10 === 5) work.push(m.replace(2, 200));
          for (const at of [0, 450, 690]) pages.push(call('page', { g: m.g, way: 'up', from: at, most: 500 }), call('page', { g: m.g, way: 'down', from: at + 2, most: 500 }));
        }
        await Promise.all(work);
        for (const p of await Promise.all(pages)) {
          const items = unpackStored(p.items);
          expect(items.every((i) => equal(i.envelope, m.all[i.seq - 1]?.envelope ?? EMPTY))).toBe(true);
          const seqs = items.map((i) => i.seq);
          expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] as number) + i * Math.sign((seqs.at(-1) as number) - (seqs[0] as number))));
        }
        await m.compact();
        await m.checkAll();
      }, 60_000);

      it('takes about as much of a quota, and is gone with its group', async () => {
        const m = await model();
        await m.write(round(600), 300);
        const quota = (bytes: number | null): Promise<null> => operate(on.store, () => setQuota(m.g, { bytes, entries: null, blobs: null }));
        await quota(10 ** 6);
        const bytes = async (): Promise<number> => (await call('spare', { g: m.g }))?.bytes as number;
        const before = await bytes();
        await m.compact();
        expect(Math.abs(before - (await bytes()))).toBeLessThan(600 * 32);
        await quota(null);
        await call('purge', { g: m.g, group: m.group, tomb: random(140) });
        expect((await call('page', { g: m.g, way: 'up', from: 0, most: 9 })).items.count).toBe(0);
        expect([await call('head', { g: m.g, device: 1 }), await call('before', { g: m.g, device: 1, n: 2 }), await call('compact', { g: m.g })]).toEqual([{ n: 0, hash: ZERO_HASH, feed: 0 }, null, false]);
      }, 60_000);
    });

    describe('after a restore', () => {
      /** An envelope as the relay would have checked it. */
      const giving = (n: number, prev: Hash, more: Partial<Giving> = {}): Giving => {
        const blobs = more.blobs ?? [];
        const envelope = concat(writeHeader({ n, rosterSeq: 1, epoch: 1, blobs }), random(24 + 64 + 16 + 40));
        return { device: 1, n, rosterSeq: 1, time: 900 + n, prev, hash: random(32) as Bytes as Hash, blobs, envelope, replaces: false, ...more };
      };
      const give = async (...items: Giving[]): Promise<[number, number, number][]> => (await call('give', { g, items })).map((i) => [i.device, i.n, i.seq]);
      const standing = (life = log.incarnation, earlier = 0): Promise<Calls['standing'][1]> => call('standing', { g, life, earlier });

      it('takes back what fits behind its log, in the order given, and passes over the rest', async () => {
        const lost = random(32) as Bytes as BlobId;
        const one = giving(1, ZERO_HASH, { blobs: [lost] });
        const two = giving(2, one.hash);
        const other = giving(1, ZERO_HASH, { device: 2 });
        expect(await give(two, one, other, giving(2, ZERO_HASH), giving(3, two.hash))).toEqual([[1, 1, 1], [2, 1, 2]]);
        expect(await give(one, two, giving(3, two.hash, { rosterSeq: 0 }))).toEqual([[1, 2, 3]]);
        expect(await standing()).toMatchObject({ heads: [{ device: 1, n: 2, hash: two.hash }, { device: 2, n: 1, hash: other.hash }], lacks: [lost], feed: 3 });
        expect((await page('up', 0)).items.map(({ n, seq, time, envelope }) => ({ n, seq, time, envelope }))).toEqual([one, other, two].map((i, at) => ({ n: i.n, seq: at + 1, time: i.time, envelope: i.envelope })));
        expect([await call('before', { g, device: 1, n: 2 }), await call('before', { g, device: 1, n: 3 }), await call('before', { g, device: 1, n: 4 })]).toEqual([one.hash, two.hash, null]);
        // a blob that is lacking is not there, until anybody puts it; it stays its author's
        expect(await call('blob', { g, id: lost })).toBeNull();
        expect(await call('append', appending(3, { blobs: [lost] }))).toMatchObject({ is: 'no-blob' });
        expect(await call('strays', { blobs: [{ g, id: lost }], time: 5 })).toEqual([]);
        await call('putBlob', { g, id: lost, device: 2, size: 9, time: 5 });
        expect([await call('blob', { g, id: lost }), (await standing()).lacks]).toEqual([{ device: 1, size: 9 }, []]);
        expect(await append(appending(3))).toMatchObject({ is: 'stored', seq: 4 });
      });

      it('puts a run that counts above what the log had, which keeps its place in the feed and nothing else', async () => {
        const [one, off] = [giving(1, ZERO_HASH), giving(1, ZERO_HASH)];
        await give(one, giving(2, one.hash), giving(3, ZERO_HASH));
        const run = [{ ...one, replaces: true }, giving(2, one.hash, { replaces: true }), giving(3, ZERO_HASH)];
        const second = run[1] as Giving;
        expect(await give(...run)).toEqual([[1, 2, 3]]);
        expect(await give({ ...off, replaces: true })).toEqual([[1, 1, 4]]);
        expect((await page('up', 0)).items.map(({ n, seq }) => [n, seq])).toEqual([[1, 1], [2, 2], [2, 3], [1, 4]]);
        expect((await page('down', 4)).items.map(({ n, seq }) => [n, seq])).toEqual([[2, 3], [2, 2], [1, 1]]);
        expect((await standing()).heads).toEqual([{ device: 1, n: 1, hash: off.hash }]);
        expect(await call('before', { g, device: 1, n: 2 })).toEqual(off.hash);
        expect(second.n).toBe(2);
      });

      it('keeps a lockbox that comes back, and no other in its place', async () => {
        const [box, other] = [random(1200), random(1200)];
        await call('enter', entering(2));
        for (const lockbox of [box, other]) await call('keepBoxes', { g, seq: 2, boxes: [{ device: 1, lockbox }] });
        expect((await call('lockboxes', { g, device: 1, after: 1 })).items).toEqual([{ seq: 2, lockbox: box }]);
      });

      it('begins a life once for a number that was signed, and waits in every group that an earlier one knew', async () => {
        await give(giving(1, ZERO_HASH));
        const before = log.incarnation;
        expect(await call('load', group)).toMatchObject({ healing: null });
        const life = await call('renew', { now: before + 100, above: before });
        expect([life > before, await call('renew', { now: before + 200, above: before })]).toEqual([true, life]);
        expect(await call('load', group)).toMatchObject({ earlier: 1, healing: { since: expect.any(Number), shown: [] } });
        await call('enter', entering(2, { entry: entry(2, 60, life) }));
        expect(await call('load', group)).toMatchObject({ earlier: 1 });
        // how much of its feed is the same was not known when it began
        expect([await standing(before), await standing(life), await standing(life + 9_000_000)]).toMatchObject([{ feed: 0 }, { feed: 1 }, { feed: 0 }]);
        for (const device of [1, 1, 3]) await call('shown', { g, device });
        expect((await standing(life, 1)).healing?.shown.slice().sort()).toEqual([1, 3]);
        await call('shown', { g, device: 0 });
        expect([await call('load', group), await standing(life, 1)]).toMatchObject([{ healing: null }, { healing: null }]);
        // one that was made since waits for nobody
        const id = random(32) as Bytes as GroupId;
        await call('create', { group: id, genesis: entry(1, 60, life), boxes: [], state: random(10) });
        expect(await call('load', id)).toMatchObject({ earlier: 0, healing: null });
        const next = await call('renew', { now: 1, above: life + 5000 });
        expect(next).toBeGreaterThan(life + 5000);
        expect(await call('load', group)).toMatchObject({ earlier: 2, healing: { shown: [] } });
      });
    });

    it('gives a blob that no envelope names its time anew when a life begins: its envelope may yet be given back', async () => {
      const id = random(32) as Bytes as BlobId;
      await call('putBlob', { g, id, device: 1, size: 9, time: 3 });
      await call('renew', { now: 500, above: await call('renew', { now: 1, above: 0 }) });
      const began = (await call('load', group))?.healing?.since as number;
      const sweep = async (blobsBefore: number): Promise<Calls['sweep'][1]> => (await call('sweep', { blobsBefore, answersBefore: 0, meetingsBefore: 0, time: 10 ** 9 })).filter((b) => b.g === g);
      expect([began > 3, await sweep(began), await call('blob', { g, id })]).toEqual([true, [], { device: 1, size: 9 }]);
      expect([await sweep(began + 1), await call('blob', { g, id })]).toEqual([[{ g, id }], null]);
    });

    it('loses one bad call and none of its neighbours', async () => {
      const bad = { ...appending(1, { device: 3 }), envelope: null as unknown as Bytes };
      const replies = await Promise.all([ask(log, 'append', appending(1)), ask(log, 'append', bad), ask(log, 'append', appending(2))]);
      expect(replies.map((r) => r.ok)).toEqual([true, false, true]);
      expect(await call('head', { g, device: 1 })).toMatchObject({ n: 2 });
    });

    it('purges a group with everything that is its own, leaves a tomb, and lets nobody make it again', async () => {
      const other = random(32) as Bytes as GroupId;
      const ofOther = await made(other);
      const blob = random(32) as Bytes as BlobId;
      const invite = random(32) as Bytes as InvitePk;
      for (const at of [g, ofOther]) {
        await call('putBlob', { g: at, id: blob, device: 1, size: 9, time: 3 });
        await call('append', appending(1, { g: at, blobs: [blob] }));
        await call('putCard', { g: at, invite, card: random(9) });
        await call('putRequest', { g: at, invite, request: random(16), body: random(9), time: 7, most: 2 });
        await call('putWant', { g: at, device: 1, want: random(9), time: 7 });
      }
      await call('enter', entering(2, { ending: { group, at: 50 } }));
      const doomed = async (before: number): Promise<number[]> => (await call('doomed', { before })).map((d) => d.g).filter((x) => x === g);
      expect([await doomed(49), await doomed(50)]).toEqual([[], [g]]);
      const tomb = random(140);
      expect(await call('purge', { g, group, tomb })).toEqual({ tomb, blobs: [blob] });
      expect(await call('load', group)).toBeNull();
      expect(await call('create', { group, genesis: entry(1), boxes: [], state: random(9) })).toBeNull();
      const left = [await call('news', [g]), await call('card', { g, invite }), await call('requests', { g, invites: [invite] }), await call('wants', { g }), (await call('entries', { g, after: 0, upTo: 9, most: 9 })).items];
      expect(left).toEqual([[], null, [], [], []]);
      expect([(await page('up', 0)).items, (await call('lockboxes', { g, device: 1, after: 0 })).items, await call('head', { g, device: 1 })]).toEqual([[], [], { n: 0, hash: ZERO_HASH, feed: 0 }]);
      // cut short before the attachment was gone: it goes on, with the tomb that lay there first
      expect([await doomed(50), await call('purge', { g, group, tomb: random(140) })]).toEqual([[g], { tomb, blobs: [blob] }]);
      await call('buried', { g, blobs: [blob] });
      expect([await doomed(50), await call('tomb', group), await call('tomb', other)]).toEqual([[], tomb, null]);
      const lost = random(32) as Bytes as GroupId;
      for (const again of [tomb, random(140)]) await call('putTomb', { group: lost, tomb: again });
      const tombs = async (after: Bytes): Promise<readonly Tomb[]> => (await call('tombs', { after })).items;
      expect(await tombs(EMPTY)).toEqual(expect.arrayContaining([{ group, tomb }, { group: lost, tomb }]));
      expect(await tombs(group)).not.toContainEqual({ group, tomb });
      expect(await call('append', appending(2, { g: ofOther, blobs: [blob] }))).toMatchObject({ is: 'stored', seq: 2 });
      expect(await call('card', { g: ofOther, invite })).not.toBeNull();
      expect(await made(random(32) as Bytes as GroupId)).not.toBe(g);
    });

    it('is the same to whoever opens it anew, who goes on from there', async () => {
      await append(appending(1));
      await call('enter', entering(2));
      await Promise.all(Array.from({ length: 600 }, (_, i) => append(appending(1 + i, { device: 2, judgedAt: 2 }))));
      while (await call('compact', { g }));
      const seen = async (): Promise<unknown[]> => [await call('head', { g, device: 1 }), await call('load', group), await page('up', 3), await page('down', 590)];
      const before = await seen();
      const life = await call('renew', { now: 1, above: 0 });
      const anew = await on.again();
      log = anew;
      expect(anew.incarnation).toBeGreaterThan(5000);
      expect(anew.incarnation).toBe(life);
      expect(await seen()).toEqual(before);
      expect(await append(appending(2, { judgedAt: 2 }))).toMatchObject({ is: 'stored', seq: 602 });
      expect(await call('compact', { g })).toBe(false);
    });
  });
}
