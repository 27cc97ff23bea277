/** Files of the relay's stores, each in a folder of its own. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the stores of this process lie; whoever started it clears it away. */
const folder = mkdtempSync(join(process.env['SIM_FOLDER'] ?? tmpdir(), 'stores-'));
let stores = 0;

export function freshStore(): string {
  const of = join(folder, String(++stores));
  mkdirSync(of);
  return join(of, 'relay.db');
}

/** Another store with everything that is durable in this one; in a folder of its own, or at `to`. */
export function copyStore(path: string, to = freshStore()): string {
  for (const end of ['', '-wal']) {
    rmSync(`${to}${end}`, { force: true });
    if (existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${to}${end}`);
  }
  rmSync(`${to}-shm`, { force: true });
  return to;
}
export const forget = (path: string): void => rmSync(dirname(path), { recursive: true, force: true });
