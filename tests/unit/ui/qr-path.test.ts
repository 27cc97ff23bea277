import { describe, expect, it } from 'vitest';
import decodeQR from 'qr/decode.js';
import { qrPath } from '$lib/ui/qr-path';

const SCALE = 4;

/** Paints the path as a screen would, in grey bytes with alpha. */
function paint(text: string): { width: number; height: number; data: Uint8Array } {
  const { size, path } = qrPath(text);
  const side = size * SCALE;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let v = 0; v < SCALE; v += 1) {
      for (let u = 0; u < Number(length) * SCALE; u += 1) data.fill(0, 4 * ((Number(y) * SCALE + v) * side + Number(x) * SCALE + u), 4 * ((Number(y) * SCALE + v) * side + Number(x) * SCALE + u) + 3);
    }
  }
  return { width: side, height: side, data };
}

describe('the QR code of an invite', () => {
  it('reads back as the very link, fragment and all', () => {
    const link = `https://care.example/join#${'AZKv72O4-MlI4Scc99KNHCdNbrllr4btQ_'.repeat(6)}`;
    expect(decodeQR(paint(link))).toBe(link);
  });

  it('keeps the quiet edge of four modules that cameras need', () => {
    const { size, path } = qrPath('https://care.example/join#abc');
    const starts = [...path.matchAll(/M(\d+) (\d+)/g)].flatMap(([, x, y]) => [Number(x), Number(y)]);
    expect(Math.min(...starts)).toBe(4);
    expect(Math.max(...starts)).toBeLessThan(size - 4);
  });
});
