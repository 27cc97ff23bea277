import { describe, expect, it } from 'vitest';
import { blobsOf, parseRecord, PHOTOS_MOST, postIdOf, recordIdOf, TEXT_MOST } from '$lib/care/record';

const I = 'AAAAAAAAAAAAAAAAAAAAAA';
const B = 'A'.repeat(43);
const blob = { b: B, k: B, h: B, s: 9 };
const photo = { full: blob, thumb: { ...blob, s: 1 }, w: 40, h: 30, t: 'image/webp' };
const name = postIdOf(I, 'f'.repeat(32));

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

  it('refers to the blobs of its photos, small ones first', () => {
    const r = parseRecord({ i: I, t: 'post', a: 1, x: '', p: [photo] });
    expect(blobsOf(r!).map((b) => b.s)).toEqual([1, 9]);
    expect(blobsOf(parseRecord({ i: I, t: 'retract', a: 1, o: I })!)).toEqual([]);
  });
});
