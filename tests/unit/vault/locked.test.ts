import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromText } from '$crypto/bytes';
import { ready, systemRandom } from '$crypto/sodium';
import { dexieDisk } from '$lib/store/dexie';
import { openStore } from '$lib/store/sealed';
import { CACHE_TABLES, TABLES } from '$lib/store/store';
import { changePassphrase, createVault, unlockVault, type VaultParts } from '$lib/vault/vault';

const MARKERS = [
  'Olivia Brandt',
  'Aunt Fay’s Family Treatment Updates',
  'the biopsy was benign, thank you',
  'IMG_2041 wound.jpg',
  '+34 600 123 456'
];
const PASSPHRASES = ['seven herons cross the quiet marsh', 'under the old bridge lies a lantern'] as const;

beforeAll(() => ready());

/** Every byte a locked device holds: names, keys and values of every row of every database. */
async function dump(indexedDB: IDBFactory): Promise<Buffer> {
  const parts: Buffer[] = [];
  const add = (v: unknown): void => {
    if (v instanceof Uint8Array) parts.push(Buffer.from(v));
    else if (typeof v === 'string') parts.push(Buffer.from(v, 'utf8'));
    else if (typeof v === 'object' && v !== null) Object.entries(v).flat().forEach(add);
    else parts.push(Buffer.from(String(v)));
  };
  for (const { name } of await indexedDB.databases()) {
    add(name);
    const db = await answer(indexedDB.open(name as string));
    for (const table of db.objectStoreNames) {
      add(table);
      const store = db.transaction(table).objectStore(table);
      add(await answer(store.getAllKeys()));
      add(await answer(store.getAll()));
    }
    db.close();
  }
  return Buffer.concat(parts);
}

const answer = <T>(asked: { result: T; onsuccess: unknown; onerror: unknown }): Promise<T> =>
  new Promise((done, fail) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(new Error('not answered'));
  });

/** What a secret may look like inside bytes; base64 at each of its three alignments. */
function forms(secret: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64');
    return whole.slice(shift === 0 ? 0 : 4, -4);
  });
  const texts = [
    secret.toString('hex'),
    secret.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map((s) => s.replaceAll('+', '-').replaceAll('/', '_'))
  ];
  return [secret, ...texts.map((s) => Buffer.from(s))];
}

const formsOfText = (s: string): Buffer[] => [
  ...forms(Buffer.from(s, 'utf8')),
  ...forms(Buffer.from(s, 'utf16le')),
  ...forms(Buffer.from(s, 'utf16le').swap16())
];

describe('a locked device', () => {
  it('shows no word, name or key in its databases, in any usual writing', async () => {
    const indexedDB = new IDBFactory();
    const disk = dexieDisk({ indexedDB, IDBKeyRange });
    const vault: VaultParts = { disk, random: systemRandom, now: () => 1, argon: { memory: 64, passes: 1, lanes: 1 } };
    const key = await createVault(vault, PASSPHRASES[0]);
    if (!key.ok) throw new Error(key.fault);
    const store = await openStore({ disk, vaultKey: key.value, random: systemRandom });
    const words = fromText(MARKERS.join('\n'));
    for (const table of TABLES) await store.commit([{ table, key: 'f3a9/1', value: words }]);
    for (const table of CACHE_TABLES) await store.cacheCommit([{ table, key: 'f3a9/1', value: words }]);
    await unlockVault(vault, 'wrong ' + PASSPHRASES[0]);
    await changePassphrase(vault, PASSPHRASES[0], PASSPHRASES[1]);
    store.close();

    const bytes = await dump(indexedDB);
    // the dump does see what is there: the opaque key and the table's name
    expect(bytes.includes('f3a9/1')).toBe(true);
    expect(bytes.length).toBeGreaterThan((TABLES.length + CACHE_TABLES.length) * words.length);
    const found = [...MARKERS, ...PASSPHRASES].filter((secret) => formsOfText(secret).some((form) => bytes.includes(form)));
    expect(found).toEqual([]);
    expect(forms(Buffer.from(key.value)).some((form) => bytes.includes(form))).toBe(false);
  });

  it('would be seen through by this test if one row were left open', async () => {
    const indexedDB = new IDBFactory();
    const disk = dexieDisk({ indexedDB, IDBKeyRange });
    const marker = MARKERS[2] as string;
    for (const value of [
      fromText(`…${marker}…`),
      new Uint8Array(Buffer.from(marker, 'utf16le')),
      fromText(Buffer.from(`x${marker}`).toString('base64')),
      fromText(Buffer.from(marker).toString('hex'))
    ]) {
      await disk.commit((await disk.takeFence()).fence, [{ table: 'meta', key: 'a', value }]);
      const bytes = await dump(indexedDB);
      expect(formsOfText(marker).some((form) => bytes.includes(form))).toBe(true);
    }
  });
});
