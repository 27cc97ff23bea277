/** Re-encodes a chosen picture on this device: upright, at most 2048 px, plain JPEG, so that no place, camera or name travels with it. */
import type { EncodedPhoto } from '$lib/core/port';

/** Why a picture was not taken; the page has words for each. */
export type PhotoFault = 'too-large' | 'not-an-image' | 'heic' | 'internal';
export type Encoded = { readonly ok: true; readonly photo: EncodedPhoto } | { readonly ok: false; readonly fault: PhotoFault };

/** Bytes of a file that is still looked at. */
export const FILE_LIMIT = 40 * 1024 * 1024;
/** Pixels of a picture that is still drawn; beyond it a phone's memory is at stake. */
const PIXEL_LIMIT = 150_000_000;
const FULL_SIDE = 2048;
/** Longest side of a thumbnail. */
export const THUMB_SIDE = 320;
const FULL_QUALITY = 0.85;
const THUMB_QUALITY = 0.8;

/** Encodes one file; `step` hears how far it is, from 0 to 1. Faults: too large, not an image, HEIC this browser can't read. */
export async function encodePhoto(file: Blob, step: (part: number) => void = () => undefined): Promise<Encoded> {
  if (file.size > FILE_LIMIT) return { ok: false, fault: 'too-large' };
  step(0.1);
  // Each size is drawn from the decoded picture, never copied from the file: drawing is what leaves EXIF and GPS behind.
  const picture = await decode(file);
  if (picture === null) {
    const heic = await isHeic(file);
    return { ok: false, fault: heic === null ? 'internal' : heic ? 'heic' : 'not-an-image' };
  }
  try {
    if (picture.width * picture.height > PIXEL_LIMIT) return { ok: false, fault: 'too-large' };
    step(0.4);
    const side = fit(picture.width, picture.height, FULL_SIDE);
    const full = await draw(picture, side.width, side.height, FULL_QUALITY);
    step(0.8);
    const small = fit(picture.width, picture.height, THUMB_SIDE);
    const thumb = await draw(picture, small.width, small.height, THUMB_QUALITY);
    step(0.9);
    if (full === null || thumb === null) return { ok: false, fault: 'internal' };
    return { ok: true, photo: { full, thumb, width: side.width, height: side.height, type: 'image/jpeg' } };
  } finally {
    picture.close();
  }
}

/** The size with its longest side at most `longest`, whole pixels, never enlarged, never nothing. */
export function fit(width: number, height: number, longest: number): { readonly width: number; readonly height: number } {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Whether the file says that it is HEIC or HEIF: an ISO container of one of the HEIF brands; null when it cannot be read, as a folder or a photo that is still in a cloud. */
export async function isHeic(file: Blob): Promise<boolean | null> {
  const head = await file.slice(0, 12).arrayBuffer().then((bytes) => new Uint8Array(bytes), () => null);
  if (head === null) return null;
  const words = String.fromCharCode(...head);
  return words.slice(4, 8) === 'ftyp' && /^(hei[cmsx]|hev[cmsx]|mif1|msf1)$/.test(words.slice(8, 12));
}

async function decode(file: Blob): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

async function draw(picture: ImageBitmap, width: number, height: number, quality: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d', { alpha: false });
  if (pen === null) return null;
  // JPEG has no transparency: what was see-through becomes paper, not black.
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((done) => { canvas.toBlob(done, 'image/jpeg', quality); });
  canvas.width = canvas.height = 0;
  return blob === null ? null : new Uint8Array(await blob.arrayBuffer());
}
