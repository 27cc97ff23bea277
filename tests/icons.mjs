/** Draws every icon of static/ from static/icons/icon.svg. Run by hand after changing the mark: `node tests/icons.mjs`. */
import { chromium } from '@playwright/test';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findChromium } from './chromium.mjs';

const folder = fileURLToPath(new URL('../static/', import.meta.url));
const mark = readFileSync(`${folder}icons/icon.svg`, 'utf8');
const square = mark.replace(/ rx="\d+"/, '');
/** Maskable icons lose up to a fifth on each side: the leaf stays inside the safe circle. */
const safe = square.replace(/(<rect[^>]*>)([\s\S]*)(<\/svg>)/, '$1<g transform="translate(64 64) scale(.75)">$2</g>$3');
const outline = mark
  .replace(/<rect[^>]*>/, '')
  .replace(/fill="#9fd3d2"/, 'fill="#000" opacity=".45"')
  .replace(/fill="#2f8a90"/, 'fill="#000" opacity=".7"')
  .replace(/fill="#005f68"/, 'fill="#000"')
  .replace(/stroke="#faf7f2"/, 'stroke="none"');

const icons = [
  ['icons/icon-192.png', 192, mark],
  ['icons/icon-512.png', 512, mark],
  ['icons/maskable-192.png', 192, safe],
  ['icons/maskable-512.png', 512, safe],
  ['icons/monochrome-512.png', 512, outline],
  ['icons/apple-touch-icon.png', 180, square],
  ['favicon.ico', 32, mark]
];

/** An .ico that holds one PNG: 6 bytes of header, 16 of directory, then the picture. */
function ico(png, size) {
  const head = Buffer.alloc(22);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(1, 4);
  head.writeUInt8(size, 6);
  head.writeUInt8(size, 7);
  head.writeUInt16LE(1, 10);
  head.writeUInt16LE(32, 12);
  head.writeUInt32LE(png.length, 14);
  head.writeUInt32LE(22, 18);
  return Buffer.concat([head, png]);
}

const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
for (const [path, size, svg] of icons) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  const png = await page.screenshot({ omitBackground: true });
  writeFileSync(folder + path, path.endsWith('.ico') ? ico(png, size) : png);
  await page.close();
}
await browser.close();
