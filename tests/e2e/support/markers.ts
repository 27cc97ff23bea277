/** Words planted on purpose, and the search for them in every shape they could leak in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';

/** A word as bytes a search might meet: UTF-8, UTF-16, hexadecimal, and base64 at each of its three alignments. */
function shapes(word: string): { readonly how: string; readonly bytes: Buffer }[] {
  const utf8 = Buffer.from(word);
  const utf16 = Buffer.from(word, 'utf16le');
  const hex = utf8.toString('hex');
  const base64 = [0, 1, 2].flatMap((shift) => {
    // only the letters that no neighbouring byte can change
    const whole = Buffer.concat([Buffer.alloc(shift), utf8]).toString('base64').replace(/=+$/, '');
    const sure = whole.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + utf8.length) * 8) / 6));
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [
    { how: 'UTF-8', bytes: utf8 },
    { how: 'UTF-16', bytes: utf16 },
    { how: 'hexadecimal', bytes: Buffer.from(hex) },
    { how: 'hexadecimal', bytes: Buffer.from(hex.toUpperCase()) },
    ...[...new Set(base64)].map((text) => ({ how: 'base64', bytes: Buffer.from(text) }))
  ];
}

/** Where a planted word was found, in words: “relay.db: UTF-8 of …”; empty when nowhere. */
export function findIn(name: string, bytes: Buffer, words: readonly string[]): string[] {
  return words.flatMap((word) => [...new Set(shapes(word).flatMap(({ how, bytes: shape }) => (bytes.includes(shape) ? [`${name}: ${how} of “${word}”`] : [])))]);
}

/** Every file below a folder, with its bytes. Files that vanish while a browser works are passed over. */
export async function filesIn(folder: string): Promise<{ readonly path: string; readonly bytes: Buffer }[]> {
  const found: { path: string; bytes: Buffer }[] = [];
  for (const one of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!one.isFile()) continue;
    const path = join(one.parentPath, one.name);
    const bytes = await readFile(path).catch(() => null);
    if (bytes) found.push({ path: path.slice(folder.length + 1), bytes });
  }
  return found;
}

/** All that a page of this origin can read without a passphrase: databases, caches, storages; bytes as they are, the rest as JSON. */
export async function storesOf(page: Page): Promise<Buffer> {
  const parts = await page.evaluate(async () => {
    const out: string[] = [];
    const text = (bytes: Uint8Array): string => {
      let words = '';
      for (let at = 0; at < bytes.length; at += 8192) words += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return words;
    };
    const keep = (value: unknown): void => {
      if (value instanceof ArrayBuffer) out.push(text(new Uint8Array(value)));
      else if (ArrayBuffer.isView(value)) out.push(text(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
      else if (Array.isArray(value)) value.forEach(keep);
      else if (value !== null && typeof value === 'object') Object.entries(value).forEach(([name, inner]) => (keep(name), keep(inner)));
      else out.push(unescape(encodeURIComponent(String(value))));
    };
    const ask = <T>(request: IDBRequest<T>): Promise<T> => new Promise((done, fail) => ((request.onsuccess = () => done(request.result)), (request.onerror = () => fail(request.error))));
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await ask(indexedDB.open(name));
      keep(name);
      for (const table of database.objectStoreNames) {
        const store = database.transaction(table).objectStore(table);
        const [keys, values] = await Promise.all([ask(store.getAllKeys()), ask(store.getAll())]);
        keep([table, keys, values]);
      }
      database.close();
    }
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        keep([name, request.url]);
        keep(await (await cache.match(request))?.arrayBuffer());
      }
    }
    keep([Object.entries({ ...localStorage }), Object.entries({ ...sessionStorage })]);
    return out;
  });
  return Buffer.concat(parts.map((part) => Buffer.from(`${part}\n`, 'latin1')));
}
