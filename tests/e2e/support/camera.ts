/** What a device's camera sees: a code on the screen of another device, filmed as it stands there. */
import { expect, type Page } from '@playwright/test';
import { writeFile } from 'node:fs/promises';

const WIDTH = 640;
const HEIGHT = 480;

/** Films the QR code on a page, a little smaller than the picture, into a file that Chromium takes for its camera. */
export async function film(page: Page, code: { readonly name: string | RegExp }, file: string): Promise<void> {
  const picture = page.getByRole('img', code);
  await expect(picture).toBeVisible({ timeout: 20_000 });
  const bright = await picture.evaluate(
    async (svg, { width, height }) => {
      const alone = svg.cloneNode(true) as SVGElement;
      alone.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
      alone.setAttribute('width', '400');
      alone.setAttribute('height', '400');
      const image = new Image();
      image.src = `data:image/svg+xml;base64,${btoa(new XMLSerializer().serializeToString(alone))}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [width, height];
      const drawn = canvas.getContext('2d') as CanvasRenderingContext2D;
      drawn.fillStyle = 'rgb(200 205 210)';
      drawn.fillRect(0, 0, width, height);
      drawn.fillStyle = 'white';
      drawn.fillRect(130, 40, 400, 400);
      drawn.drawImage(image, 130, 40, 400, 400);
      const { data: pixels } = drawn.getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, i) => pixels[4 * i] ?? 0);
    },
    { width: WIDTH, height: HEIGHT }
  );
  const frame = Buffer.concat([Buffer.from('FRAME\n'), Buffer.from(bright), Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
  await writeFile(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]));
}
