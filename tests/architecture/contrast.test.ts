import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './sources';

type Colour = readonly [lightness: number, chroma: number, hue: number];

const css = readFileSync(join(root, 'src/lib/ui/tokens.css'), 'utf8');

/** The opaque colours that a block of the style sheet sets: `--ink: oklch(0.25 0.025 225)`. */
function coloursIn(block: string): ReadonlyMap<string, Colour> {
  const found = [...block.matchAll(/--([\w-]+):\s*oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g)];
  return new Map(found.map(([, name = '', l, c, h]) => [name, [Number(l), Number(c), Number(h)]]));
}

/** The text between the braces that follow `start`. */
function blockAfter(start: string): string {
  const from = css.indexOf(start);
  expect(from).toBeGreaterThanOrEqual(0);
  return css.slice(from, css.indexOf('}', from));
}

/** Relative luminance, 0 to 1, of a colour brought into sRGB (OKLab matrices by Björn Ottosson; WCAG 2.2). */
function luminance([lightness, chroma, hue]: Colour): number {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [bright, dim] = [luminance(one), luminance(other)].sort((x, y) => y - x) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
}

const GROUNDS = ['paper', 'surface', 'sunk'];
const VOICES = ['accent', 'patient', 'family', 'urgent', 'ok'];
/** Which words stand on which ground. */
const TEXT: readonly (readonly [ink: string, ground: string])[] = [
  ...['ink', 'soft', ...VOICES].flatMap((ink) => GROUNDS.map((ground) => [ink, ground] as const)),
  ...VOICES.flatMap((voice) => [voice, 'ink', 'soft'].map((ink) => [ink, `${voice}-soft`] as const)),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-deep'],
  ['on-urgent', 'urgent']
];
/** Borders of what can be typed into or pressed (WCAG 1.4.11). */
const EDGES: readonly (readonly [edge: string, ground: string])[] = GROUNDS.map((ground) => ['edge', ground] as const);

const light = coloursIn(blockAfter(':root {'));
const byTheme = {
  light,
  'dark, chosen by the device': new Map([...light, ...coloursIn(blockAfter(":root:not([data-theme='light'])"))]),
  'dark, chosen by the person': new Map([...light, ...coloursIn(blockAfter(":root[data-theme='dark']"))])
};

describe.each(Object.entries(byTheme))('the colours in %s', (_, colours) => {
  const tooWeak = (pairs: typeof TEXT, least: number): string[] =>
    pairs.flatMap(([ink, ground]) => {
      const [front, back] = [colours.get(ink), colours.get(ground)];
      const ratio = front && back ? contrast(front, back) : 0;
      return ratio >= least ? [] : [`${ink} on ${ground}: ${ratio.toFixed(2)}`];
    });

  it('let every word be read: at least 4.5 to 1', () => {
    expect(tooWeak(TEXT, 4.5)).toEqual([]);
  });

  it('let every field be found: at least 3 to 1', () => {
    expect(tooWeak(EDGES, 3)).toEqual([]);
  });
});

it('both dark themes are one', () => {
  expect([...byTheme['dark, chosen by the device']]).toEqual([...byTheme['dark, chosen by the person']]);
});
