import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import type { Bytes } from '$crypto/brand';
import { ready, type Random } from '$crypto/sodium';
import { Writer } from '$crypto/wire';
import { checkUpdate, laneDocument, LaneWriter, RECORDS_MOST } from '$lib/care/lane';
import { DEPTH_MOST, scanUpdate } from '$lib/care/lane-scan';
import type { CareRecord } from '$lib/care/record';
import { seeded } from '../../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('lane');
});

const post = (x: string): CareRecord => ({ i: 'AAAAAAAAAAAAAAAAAAAAAA', t: 'post', a: 1, x });
const none = (): undefined => undefined;
const check = (u: Bytes, device = 3, next: (c: number) => number | undefined = none) => checkUpdate(u, device, next);
const fault = (f: string) => ({ ok: false, fault: f });

/** An update that Yjs makes from whatever is done to a document. */
function made(clientID: number, what: (doc: Y.Doc) => void, encode: (doc: Y.Doc) => Uint8Array = (d) => Y.encodeStateAsUpdate(d)): Bytes {
  const doc = new Y.Doc({ gc: false });
  doc.clientID = clientID;
  what(doc);
  return encode(doc).slice();
}
const ID = 3 * 2 ** 32 + 77;

describe('an update of a lane', () => {
  it('carries its records to everyone, the second one after the first', () => {
    const w = new LaneWriter(3, 7, random);
    const [a, b] = [w.write([post('one'), post('two')]), w.write([post('three')])];
    const first = check(a);
    expect(first).toEqual({ ok: true, value: { client: w.client, clock: 0, records: [post('one'), post('two')] } });
    const next = (c: number): number | undefined => (c === w.client ? 2 : undefined);
    expect(check(b, 3, next)).toEqual({ ok: true, value: { client: w.client, clock: 2, records: [post('three')] } });
  });

  it('gives the same document in any order, repeats included (P5)', () => {
    const [v, w] = [new LaneWriter(3, 7, random), new LaneWriter(4, 7, random)];
    const updates = [v.write([post('a')]), v.write([post('b'), post('c')]), w.write([post('d')]), w.write([post('e')])];
    const state = (us: readonly Bytes[]): unknown => {
      const doc = laneDocument(us);
      return [v.client, w.client].map((c) => doc.getArray(String(c)).toJSON());
    };
    const whole = state(updates);
    fc.assert(fc.property(fc.shuffledSubarray([...updates, ...updates], { minLength: 8, maxLength: 8 }), (us) => {
      expect(state(us)).toEqual(whole);
    }));
  });

  it('is void when it speaks for another device, or beyond whole numbers (P21)', () => {
    expect(check(made(ID, (d) => d.getArray(String(ID)).push([1])), 4)).toEqual(fault('foreign-client'));
    expect(check(made(77, (d) => d.getArray('77').push([1])))).toEqual(fault('foreign-client'));
  });

  it('is void under any root but its own (P21)', () => {
    expect(check(made(ID, (d) => d.getArray('other').push([1])))).toEqual(fault('wrong-root'));
    expect(check(made(ID, (d) => d.getArray(String(ID + 1)).push([1])))).toEqual(fault('wrong-root'));
  });

  it('is void when it goes on from another client’s value, or from another of its own than the last (P21)', () => {
    const num = (v: number): Bytes => new Writer().num(v).done();
    const after = (client: number, clock: number): Bytes => new Uint8Array([1, 1, ...num(ID), 2, 0x88, ...num(client), clock, 1, 126, 0]);
    const next = (): number => 2;
    expect(check(after(ID, 1), 3, next).ok).toBe(true);
    expect(check(after(ID + 1, 1), 3, next)).toEqual(fault('wrong-root'));
    expect(check(after(ID, 0), 3, next)).toEqual(fault('wrong-root'));
  });

  it('is void with a gap before it, or with what came already (P21)', () => {
    const w = new LaneWriter(3, 7, random);
    const [a, b] = [w.write([post('a')]), w.write([post('b')])];
    expect(check(b)).toEqual(fault('gap'));
    expect(check(a, 3, () => 1)).toEqual(fault('gap'));
    expect(check(b, 3, () => 2)).toEqual(fault('gap'));
  });

  it('is void when it deletes (P21)', () => {
    const deletes = made(ID, (d) => {
      const a = d.getArray(String(ID));
      a.push([1, 2]);
      a.delete(0, 1);
    });
    expect(check(deletes).ok).toBe(false);
    const only = made(ID, (d) => d.getArray(String(ID)).push([1]));
    // a delete set of one client and one run, put where the empty one was
    expect(check(new Uint8Array([...only.slice(0, -1), 1, 1, 1, 0, 1])).ok).toBe(false);
  });

  it('is void when it inserts before, holds shared types, text or bytes, sets a map, or comes in V2 (P21)', () => {
    const root = String(ID);
    const attempts: Record<string, Bytes> = {
      before: made(ID, (d) => {
        d.getArray(root).push([1]);
        d.getArray(root).insert(0, [2]);
      }),
      'a shared type': made(ID, (d) => d.getArray(root).push([new Y.Map()])),
      text: made(ID, (d) => d.getText(root).insert(0, 'words')),
      bytes: made(ID, (d) => d.getArray(root).push([new Uint8Array([1, 2])])),
      'a map': made(ID, (d) => d.getMap(root).set('k', 1)),
      'a big integer': made(ID, (d) => d.getArray(root).push([{ a: 2n ** 60n }])),
      V2: made(ID, (d) => d.getArray(root).push([1]), (d) => Y.encodeStateAsUpdateV2(d)),
      'a document inside': made(ID, (d) => d.getArray(root).push([new Y.Doc()])),
      nothing: made(ID, () => undefined),
      'no bytes': new Uint8Array(0)
    };
    for (const [what, u] of Object.entries(attempts)) expect({ what, ok: check(u).ok }).toEqual({ what, ok: false });
    expect(check(made(ID, (d) => d.getArray(root).push([1]))).ok).toBe(true);
  });

  it('is void beyond its counts and depth, in work no larger than its bytes (P21)', () => {
    const root = String(ID);
    const deep = (n: number): unknown => (n === 0 ? 1 : [deep(n - 1)]);
    expect(check(made(ID, (d) => d.getArray(root).push([deep(DEPTH_MOST - 2)]))).ok).toBe(true);
    expect(check(made(ID, (d) => d.getArray(root).push([deep(DEPTH_MOST)])))).toEqual(fault('too-deep'));
    expect(check(made(ID, (d) => d.getArray(root).push([deep(400)])))).toEqual(fault('too-deep'));
    expect(check(made(ID, (d) => d.getArray(root).push(Array.from({ length: RECORDS_MOST + 1 }, () => 1))))).toEqual(fault('too-many'));
    expect(check(made(ID, (d) => d.getArray(root).push([Array.from({ length: 20_001 }, () => 1)]))).ok).toBe(false);
  });

  it('cut short anywhere or lengthened is malformed', () => {
    const u = made(ID, (d) => d.getArray(String(ID)).push([post('words'), { a: [1, null, true, 'x', 1.5, -3] }]));
    expect(check(u).ok).toBe(true);
    for (let i = 0; i < u.length; i++) expect(check(u.slice(0, i)).ok).toBe(false);
    expect(check(new Uint8Array([...u, 0])).ok).toBe(false);
  });

  it('made of any bytes never throws, and what passes leaves one client and no deletes in a document', () => {
    const w = new LaneWriter(3, 7, random);
    const good = w.write([post('words'), post('more')]);
    const spoiled = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, v]) => {
      const b = good.slice();
      b[at] = v;
      return b;
    });
    fc.assert(fc.property(fc.oneof(spoiled, fc.uint8Array({ maxLength: 60 }).map((b) => new Uint8Array(b))), (b) => {
      const r = check(b);
      if (!r.ok) return;
      const doc = laneDocument([b]);
      expect([...doc.store.clients.keys()]).toEqual([r.value.client]);
      expect(doc.store.clients.get(r.value.client)?.every((s) => !s.deleted)).toBe(true);
      expect(doc.getArray(String(r.value.client)).length).toBe(r.value.records.length);
    }), { numRuns: 3000 });
  });

  it('with a key that would be an object’s prototype is malformed', () => {
    const text = (s: string): number[] => [s.length, ...new TextEncoder().encode(s)];
    const u = (key: string) => new Uint8Array([1, 1, 77, 0, 8, 1, 2, 55, 55, 1, 118, 1, ...text(key), 118, 1, ...text('t'), 119, ...text('post'), 0]);
    expect(scanUpdate(u('proto')).ok).toBe(true);
    expect(scanUpdate(u('__proto__'))).toEqual(fault('malformed'));
  });

  it('P21 with a whole number that Yjs stops at is malformed before Yjs sees it', () => {
    const u = (...whole: number[]) => new Uint8Array([1, 1, 77, 0, 8, 1, 2, 55, 55, 1, 125, ...whole, 0]);
    const most = [0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f];
    expect(checkUpdate(u(...most), 0, () => undefined)).toMatchObject({ ok: true, value: { records: [Number.MAX_SAFE_INTEGER] } });
    for (const large of [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [...new Array<number>(40).fill(0x80), 1], new Array<number>(40).fill(0x80)])
      expect(checkUpdate(u(...large), 0, () => undefined)).toEqual(fault('malformed'));
  });

  it('the known 22 bytes that cost Yjs seconds and a gigabyte are refused by counting', () => {
    // a count of values far beyond the bytes that are there
    const u = new Uint8Array([1, 1, ...[0x80, 0x80, 0x80, 0x80, 0x30], 0, 8, 1, 1, 0x41, ...[0xff, 0xff, 0xff, 0xff, 0x0f], 127, 0]);
    expect(scanUpdate(u).ok).toBe(false);
  });
});

describe('a writer', () => {
  it('has a client id of its device that differs each time', () => {
    const ids = Array.from({ length: 20 }, () => new LaneWriter(9, 1, random).client);
    expect(new Set(ids).size).toBe(20);
    expect(ids.every((c) => Math.floor(c / 2 ** 32) === 9)).toBe(true);
  });
});
