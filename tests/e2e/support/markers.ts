/** Words planted on purpose, and the search for them in every shape they could leak in. */
import { randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { Device } from './browser';

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

export type Search = (name: string, bytes: Buffer) => string[];

/** Looks for hundreds of words in one pass. Says where each was found, “relay.db: UTF-8 of …”; empty when nowhere. */
export function searchFor(words: readonly string[]): Search {
  const known = new Map<number, { readonly word: string; readonly how: string; readonly bytes: Buffer }[]>();
  // most places begin none of the shapes: a table of what may begin one passes over them
  const may = new Uint8Array(2 ** 20);
  const slot = (first: number): number => Math.imul(first, 0x9e3779b1) >>> 12;
  for (const word of words)
    for (const shape of shapes(word)) {
      const first = shape.bytes.readInt32BE(0);
      known.set(first, [...(known.get(first) ?? []), { word, ...shape }]);
      may[slot(first)] = 1;
    }
  return (name, bytes) => {
    const found = new Set<string>();
    let four = 0;
    for (let at = 0; at < bytes.length; at++) {
      four = (four << 8) | (bytes[at] as number);
      if (may[slot(four)] === 0) continue;
      for (const shape of known.get(four) ?? []) if (at >= 3 && bytes.subarray(at - 3, at - 3 + shape.bytes.length).equals(shape.bytes)) found.add(`${name}: ${shape.how} of “${shape.word}”`);
    }
    return [...found];
  };
}

const SYLLABLES = [...'bdfgklmnprstvz'].flatMap((first) => [...'aeiou'].map((second) => first + second));

/** So many words of twelve letters that nobody ever wrote, drawn at random: where one is found, it came from here. */
export const inventWords = (count: number): string[] => Array.from({ length: count }, () => Array.from({ length: 6 }, () => SYLLABLES[randomInt(SYLLABLES.length)]).join(''));

/** Listens to what is put into the fields of a device, and to the names of chosen files. To be called before its first page opens; gives all of it so far. */
export async function listenTo(device: Device): Promise<() => string> {
  const entered: string[] = [];
  await device.context().exposeBinding('tellEntered', (_, text: string) => void entered.push(text));
  await device.context().addInitScript(() => {
    const tell = ({ target }: Event): void => {
      if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)) return;
      const files = target instanceof HTMLInputElement ? [...(target.files ?? [])].map((file) => file.name) : [];
      void (window as unknown as { tellEntered(text: string): Promise<void> }).tellEntered([target.value, ...files].join('\n'));
    };
    for (const kind of ['input', 'change']) window.addEventListener(kind, tell, true);
  });
  return () => entered.join('\n');
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
