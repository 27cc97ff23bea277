/** Photos as phones take them: real JPEGs, drawn by the browser, with the place and the owner written into their EXIF. */
import type { Page } from '@playwright/test';

export interface Photo {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** One EXIF directory entry: tag, type, count, then four bytes of value or the place where the value lies. */
const entry = (tag: number, type: number, count: number, value: number | Buffer): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.writeUInt32LE(count, 4);
  if (typeof value === 'number') bytes.writeUInt32LE(value, 8);
  else value.copy(bytes, 8);
  return bytes;
};
const directory = (...entries: Buffer[]): Buffer => {
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length);
  return Buffer.concat([count, ...entries, Buffer.alloc(4)]);
};

/** An APP1 segment as a camera writes it: who owns the camera, and 48° 13′ north, 16° 22′ east. */
function exif(owner: string): Buffer {
  const name = Buffer.from(`${owner}\0`, 'latin1');
  const degrees = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(24);
    values.forEach((value, i) => {
      bytes.writeUInt32LE(value, i * 8);
      bytes.writeUInt32LE(1, i * 8 + 4);
    });
    return bytes;
  };
  // header 8, first directory 2 + 2·12 + 4, GPS directory 2 + 4·12 + 4, then the values
  const gpsAt = 8 + 30;
  const valuesAt = gpsAt + 54;
  const first = directory(entry(0x010f, 2, name.length, valuesAt + 48), entry(0x8825, 4, 1, gpsAt));
  const gps = directory(
    entry(1, 2, 2, Buffer.from('N\0')), entry(2, 5, 3, valuesAt), entry(3, 2, 2, Buffer.from('E\0')), entry(4, 5, 3, valuesAt + 24)
  );
  const tiff = Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), first, gps, degrees(48, 13, 0), degrees(16, 22, 0), name]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Takes a photo of `width` × `height` pixels whose EXIF names `owner` and a place. */
export async function takePhoto(page: Page, name: string, owner: string, width = 3000, height = 2000): Promise<Photo> {
  const base64 = await page.evaluate(
    async ([w, h]) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h });
      const pen = canvas.getContext('2d');
      if (!pen) throw new Error('no canvas');
      const sky = pen.createLinearGradient(0, 0, w, h);
      sky.addColorStop(0, '#bfe3e0');
      sky.addColorStop(1, '#f3d9b5');
      pen.fillStyle = sky;
      pen.fillRect(0, 0, w, h);
      pen.fillStyle = '#0f5f63';
      pen.beginPath();
      pen.arc(w * 0.62, h * 0.45, h * 0.2, 0, 7);
      pen.fill();
      return canvas.toDataURL('image/jpeg', 0.9).split(',')[1] ?? '';
    },
    [width, height] as const
  );
  const plain = Buffer.from(base64, 'base64');
  // behind the start-of-image mark, where cameras put it
  return { name, mimeType: 'image/jpeg', buffer: Buffer.concat([plain.subarray(0, 2), exif(owner), plain.subarray(2)]) };
}

/** Chooses files with “Add photo”, as a person would. */
export async function addPhotos(page: Page, photos: readonly Photo[]): Promise<void> {
  const chosen = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add photo', exact: true }).click();
  await (await chosen).setFiles(photos.map((photo) => ({ ...photo })));
}

/** The bytes that the page holds behind every picture it shows, decoded sizes with them. */
export const shownPhotos = async (page: Page): Promise<{ bytes: Buffer; width: number; height: number }[]> => {
  const found = await page.evaluate(async () => {
    const kept = (window as unknown as { photoBlobs?: Map<string, Blob> }).photoBlobs ?? new Map<string, Blob>();
    const images = [...document.querySelectorAll<HTMLImageElement>('article img, [role=dialog] img')];
    return Promise.all(
      images.map(async (image) => {
        await image.decode();
        const blob = kept.get(image.src);
        const bytes = new Uint8Array(blob ? await blob.arrayBuffer() : []);
        let text = '';
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return { base64: btoa(text), width: image.naturalWidth, height: image.naturalHeight };
      })
    );
  });
  return found.map(({ base64, ...size }) => ({ ...size, bytes: Buffer.from(base64, 'base64') }));
};

/** Remembers the bytes behind each address a page makes for a picture: an address cannot be read back under the content policy. */
export const rememberPhotos = (): void => {
  const kept = new Map<string, Blob>();
  (window as unknown as { photoBlobs: Map<string, Blob> }).photoBlobs = kept;
  const make = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (thing: Blob | MediaSource) => {
    const address = make(thing);
    if (thing instanceof Blob) kept.set(address, thing);
    return address;
  };
};
