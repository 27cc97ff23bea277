import { describe, expect, it } from 'vitest';
import { encodePhoto, FILE_LIMIT, fit, isHeic } from '$lib/ui/group/photo-encode';

const heic = new Blob([new Uint8Array([0, 0, 0, 24]), 'ftypheic', new Uint8Array(32)]);
/** As a photo that is still in a cloud, or a folder that was dropped. */
const unreadable = Object.assign(new Blob(['x']), { slice: () => Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }) });

describe('a chosen picture', () => {
  it('shrinks to the longest side and keeps its shape', () => {
    expect(fit(4032, 3024, 2048)).toEqual({ width: 2048, height: 1536 });
    expect(fit(3024, 4032, 2048)).toEqual({ width: 1536, height: 2048 });
  });

  it('is never enlarged and never vanishes', () => {
    expect(fit(100, 50, 2048)).toEqual({ width: 100, height: 50 });
    expect(fit(100_000, 1, 2048)).toEqual({ width: 2048, height: 1 });
  });

  it('of 50 MB is refused before it is read', async () => {
    const file = new Blob([new Uint8Array(50_000_000)]);
    expect(file.size).toBeGreaterThan(FILE_LIMIT);
    expect(await encodePhoto(file)).toEqual({ ok: false, fault: 'too-large' });
  });

  it('that the browser cannot read is refused as what it is', async () => {
    expect(await encodePhoto(new Blob(['words, not a picture']))).toEqual({ ok: false, fault: 'not-an-image' });
    expect(await encodePhoto(heic)).toEqual({ ok: false, fault: 'heic' });
  });

  it('that cannot be read at all is refused, and not as something else', async () => {
    expect(await encodePhoto(unreadable)).toEqual({ ok: false, fault: 'internal' });
    expect(await isHeic(unreadable)).toBeNull();
  });

  it('is known as HEIC by its container, whatever its name', async () => {
    expect(await isHeic(heic)).toBe(true);
    expect(await isHeic(new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), 'JFIF'.padEnd(12)]))).toBe(false);
  });
});
