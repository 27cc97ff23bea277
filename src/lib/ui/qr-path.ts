/** A text as the black squares of a QR code, drawn as one path of whole runs: a few hundred commands instead of thousands of elements. */
import { encode } from 'uqr';

export interface QrPath {
  /** Modules per side, quiet edge included. */
  readonly size: number;
  /** SVG path data in modules. */
  readonly path: string;
}

/** Quiet edge that the code's standard asks for, in modules. */
const EDGE = 4;

export function qrPath(text: string): QrPath {
  const { size, data } = encode(text, { ecc: 'M', border: EDGE });
  return { size, path: data.map(runs).join('') };
}

function runs(row: readonly boolean[], y: number): string {
  let line = '';
  for (let x = 0; x < row.length; x += 1) {
    if (!row[x]) continue;
    const from = x;
    while (row[x + 1]) x += 1;
    const length = String(x - from + 1);
    line += `M${String(from)} ${String(y)}h${length}v1h-${length}z`;
  }
  return line;
}
