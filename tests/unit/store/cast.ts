/** The two disks every test of the store runs on, and small words for keys and bytes. */
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import type { Bytes, VaultKey } from '$crypto/brand';
import { fromText, toText } from '$crypto/bytes';
import { systemRandom, ready } from '$crypto/sodium';
import { dexieDisk } from '$lib/store/dexie';
import type { Disk } from '$lib/store/disk';
import { memoryDevice } from '$lib/store/memory';
import { StoreError, type StoreFault } from '$lib/store/store';

export interface Device {
  /** A fresh process on the same device. */
  open(): Disk;
}

export const devices: readonly { readonly on: string; readonly make: () => Device }[] = [
  { on: 'in memory', make: () => memoryDevice() },
  {
    on: 'in IndexedDB',
    make: () => {
      const indexedDB = new IDBFactory();
      return { open: () => dexieDisk({ indexedDB, IDBKeyRange, wait: () => Promise.resolve() }) };
    }
  }
];

export async function newKey(): Promise<VaultKey> {
  await ready();
  return systemRandom(32) as VaultKey;
}

export const bytes = (s: string): Bytes => fromText(s);
export const words = (b: Bytes | null): string | null => (b === null ? null : toText(b));

/** The fault a promise is rejected with; `none` when it isn't, and anything but a StoreError is thrown on. */
export async function faultFrom(work: Promise<unknown>): Promise<StoreFault | 'none'> {
  try {
    await work;
    return 'none';
  } catch (e) {
    if (e instanceof StoreError) return e.fault;
    throw e;
  }
}
