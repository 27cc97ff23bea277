/** Updates of lanes under fuzzing: whatever the bytes, the check ends, costs no more than they are long, and lets through only what it says. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../../crypto/brand';
import { ready, type Random } from '../../crypto/sodium';
import { checkUpdate, laneDocument, LaneWriter } from '../../src/lib/care/lane';
import { scanUpdate } from '../../src/lib/care/lane-scan';
import { type CareRecord, parseRecord, postIdOf } from '../../src/lib/care/record';
import { seeded } from '../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('lane fuzz');
});

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const TAG = 'f'.repeat(32);
const B = 'A'.repeat(43);
const PLAIN = { noNullPrototype: true } as const;
const blob = fc.record({ b: fc.constant(B), k: fc.constant(B), h: fc.constant(B), s: fc.nat() }, PLAIN);
const photo = fc.record({ full: blob, thumb: blob, w: fc.integer({ min: 1, max: 16_384 }), h: fc.integer({ min: 1, max: 16_384 }), t: fc.constantFrom('image/jpeg', 'image/webp') }, PLAIN);
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('x'.repeat(20_000)), fc.constant('\0\u2028𝒜'));
const time = fc.nat();
const record = fc.oneof(
  fc.record({ i: fc.constant(ID), t: fc.constant('post' as const), a: time, x: text }, PLAIN),
  fc.record({ i: fc.constant(ID), t: fc.constant('post' as const), a: time, x: text, p: fc.array(photo, { maxLength: 3 }), r: fc.constant(postIdOf(ID, TAG)) }, PLAIN),
  fc.record({ i: fc.constant(ID), t: fc.constant('edit' as const), a: time, o: fc.constant(ID), x: text }, PLAIN),
  fc.record({ i: fc.constant(ID), t: fc.constant('retract' as const), a: time, o: fc.constant(ID) }, PLAIN),
  fc.record({ i: fc.constant(ID), t: fc.constant('seen' as const), a: time, m: fc.array(fc.tuple(fc.integer({ min: 1 }), fc.integer({ min: 1 }), fc.integer({ min: 1 })), { minLength: 1, maxLength: 9 }) }, PLAIN),
  fc.record({ i: fc.constant(ID), t: fc.constant('seen-edits' as const), a: time, e: fc.array(fc.constant([postIdOf(ID, TAG), ID] as [string, string]), { minLength: 1, maxLength: 9 }) }, PLAIN)
) as fc.Arbitrary<CareRecord>;

describe('P21 an update of a lane', () => {
  it('that a writer made is always taken, record for record, one after the other', () => {
    fc.assert(fc.property(fc.array(fc.array(record, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 2 ** 20 }), (batches, device) => {
      const w = new LaneWriter(device, 7, random);
      const next = new Map<number, number>();
      const updates: Bytes[] = [];
      for (const records of batches) {
        const u = w.write(records);
        updates.push(u);
        const r = checkUpdate(u, device, (c) => next.get(c));
        if (!r.ok) throw new Error(r.fault);
        expect(r.value.records).toEqual(records);
        expect(r.value.records.every((x) => parseRecord(x) !== null)).toBe(true);
        next.set(r.value.client, r.value.clock + r.value.records.length);
      }
      expect(laneDocument(updates).getArray(String(w.client)).toJSON()).toEqual(batches.flat());
    }), { numRuns: 150 });
  });

  it('that nests or counts as far as its bytes reach is refused having read no byte twice', () => {
    const head = (count: number[]): number[] => [1, 1, ...[0x85, 0x80, 0x80, 0x80, 0x30], 0, 8, 1, 11, ...new TextEncoder().encode('12884901893'), ...count];
    const most = 60_000;
    for (const body of [
      new Array<number>(most).fill(117).flatMap(() => [117, 1]), // arrays in arrays
      new Array<number>(most).fill(0).flatMap(() => [118, 1, 1, 97]), // objects in objects
      [117, 0xe0, 0xa7, 0x12, ...new Array<number>(most).fill(126)], // one array of 300,000
      [119, 0xff, 0xff, 0xff, 0xff, 0x0f, ...new Array<number>(most).fill(97)] // a text longer than what is there
    ]) {
      const u = new Uint8Array([...head([1]), ...body]);
      // counted, not clocked: single bytes and slices both go through these two
      let bytesRead = 0;
      const counting = new Proxy(u, {
        get: (of, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) bytesRead++;
          if (key === 'slice') return (from: number, to: number) => ((bytesRead += to - from), of.slice(from, to));
          const value: unknown = Reflect.get(of, key, of);
          return typeof value === 'function' ? (value.bind(of) as unknown) : value;
        }
      });
      expect(scanUpdate(counting).ok).toBe(false);
      expect(bytesRead).toBeGreaterThan(0);
      expect(bytesRead).toBeLessThanOrEqual(u.length + 1);
    }
  });
});
