import { beforeAll, describe, expect, it } from 'vitest';
import { ready } from '$crypto/sodium';
import { type CareRecord, blobsOf, epochOf, idAt, isIdAt, isSaidAt, newId, parseRecord, PHOTOS_MOST, postIdOf, randomOf, recordIdOf, TEXT_MOST } from '$lib/care/record';
import { seeded } from '../../support/actor';

const I = 'AAAAAAAAAAAAAAAAAAAAAA';
const B = 'A'.repeat(43);
const blob = { b: B, k: B, h: B, s: 9 };
const photo = { full: blob, thumb: { ...blob, s: 1 }, w: 40, h: 30, t: 'image/webp' };
const name = postIdOf(I, 'f'.repeat(32));

beforeAll(ready);

describe('a record', () => {
  it('of each kind is taken as it is', () => {
    for (const r of [
      { i: I, t: 'post', a: 0, x: '' }, { i: I, t: 'post', a: 1, x: 'x'.repeat(TEXT_MOST), p: [photo], r: name },
      { i: I, t: 'edit', a: 1, o: I, x: 'new' }, { i: I, t: 'retract', a: 1, o: I }, { i: I, t: 'seen', a: 1, m: [[1, 2, 3]] }, { i: I, t: 'seen-edits', a: 1, e: [[name, I]] }
    ]) expect(parseRecord(r)).toEqual(r);
  });

  it('of another shape is passed over and never throws', () => {
    for (const r of [
      null, undefined, 1, 'post', [], {}, { t: 'post' }, { i: I, t: 'plan', a: 1 }, { i: 'short', t: 'post', a: 1, x: '' }, { i: `${I.slice(1)}!`, t: 'post', a: 1, x: '' },
      { i: I, t: 'post', a: -1, x: '' }, { i: I, t: 'post', a: 1.5, x: '' }, { i: I, t: 'post', a: 1, x: 3 }, { i: I, t: 'post', a: 1, x: 'x'.repeat(TEXT_MOST + 1) },
      { i: I, t: 'post', a: 1, x: '', more: 1 }, { i: I, t: 'post', a: 1, x: '', r: I }, { i: I, t: 'post', a: 1, x: '', r: `${name}0` },
      { i: I, t: 'post', a: 1, x: '', p: Array.from({ length: PHOTOS_MOST + 1 }, () => photo) }, { i: I, t: 'post', a: 1, x: '', p: [{ ...photo, t: 'image/svg+xml' }] },
      { i: I, t: 'post', a: 1, x: '', p: [{ ...photo, w: 0 }] }, { i: I, t: 'post', a: 1, x: '', p: [{ ...photo, full: { ...blob, k: 'x' } }] },
      { i: I, t: 'edit', a: 1, x: 'no post' }, { i: I, t: 'seen', a: 1, m: [] }, { i: I, t: 'seen', a: 1, m: [[0, 1, 2]] }, { i: I, t: 'seen', a: 1, m: [[1, 2]] }, { i: I, t: 'seen-edits', a: 1, e: [] }, { i: I, t: 'seen-edits', a: 1, e: [[name]] }, { i: I, t: 'seen-edits', a: 1, e: [[I, I]] },
      { i: I, t: 'seen-edits', a: 1, e: Array.from({ length: 201 }, () => [name, I]) },
      { i: I, t: 'seen', a: 1, m: Array.from({ length: 501 }, () => [1, 1, 1]) }, JSON.parse(`{"__proto__": {"i": "${I}", "t": "post", "a": 1, "x": ""}}`)
    ]) expect(parseRecord(r), JSON.stringify(r)?.slice(0, 60)).toBeNull();
  });

  it('names a post by its record id and its author', () => {
    expect(recordIdOf(name)).toBe(I);
    expect(postIdOf(I, 'f'.repeat(32))).not.toBe(postIdOf(I, 'e'.repeat(32)));
  });

  it('has an id of the device and the epoch in which it is said, and of no other (P21)', () => {
    const at = { device: 3, epoch: 70_000 };
    const i = newId(at, seeded('ids'));
    expect(parseRecord({ i, t: 'post', a: 1, x: '' })?.i).toBe(i);
    expect([isIdAt(i, at), epochOf(i)]).toEqual([true, 70_000]);
    for (const other of [{ ...at, device: 4 }, { ...at, epoch: 4 }, { device: 2 ** 21 - 1, epoch: 2 ** 32 - 1 }]) {
      const moved = idAt(i, other);
      expect([isIdAt(i, other), isIdAt(moved, other), epochOf(moved), randomOf(moved)]).toEqual([false, true, other.epoch, randomOf(i)]);
    }
    expect(randomOf(newId(at, seeded('other ids')))).not.toBe(randomOf(i));
  });

  it('names nothing that is said in a later epoch, so that who reads a post reads all that is said of it (P21)', () => {
    const random = seeded('named');
    const at = { device: 3, epoch: 7 };
    const i = newId(at, random);
    for (const epoch of [1, 6, 7, 8, 2 ** 32 - 1]) {
      const o = newId({ device: 9, epoch }, random);
      const post = postIdOf(o, 'f'.repeat(32));
      const records: CareRecord[] = [
        { i, t: 'edit', a: 1, o, x: '' }, { i, t: 'sealed-edit', a: 1, o, s: '' }, { i, t: 'retract', a: 1, o }, { i, t: 'post', a: 1, x: '', r: post }, { i, t: 'seen-edits', a: 1, e: [[post, i]] },
        { i, t: 'seen-edits', a: 1, e: [[postIdOf(i, 'f'.repeat(32)), o]] }
      ];
      for (const r of records) expect(isSaidAt(r, at), JSON.stringify(r)).toBe(epoch <= 7);
    }
  });

  it('refers to the blobs of its photos, small ones first', () => {
    const r = parseRecord({ i: I, t: 'post', a: 1, x: '', p: [photo] });
    expect(blobsOf(r!).map((b) => b.s)).toEqual([1, 9]);
    expect(blobsOf(parseRecord({ i: I, t: 'retract', a: 1, o: I })!)).toEqual([]);
  });
});
