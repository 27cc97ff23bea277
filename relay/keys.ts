/** The relay's own signing key, made at the first start and kept beside the store, readable by its owner alone. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Bytes, RelayPk } from '../crypto/brand';
import type { Random } from '../crypto/sodium';
import { signPair } from '../crypto/verify';
import type { RelayKeys } from './house';

const SEED = 32;

/** Throws when the file is there and no key. */
export function keysAt(path: string, random: Random): RelayKeys {
  if (!existsSync(path)) writeFileSync(path, random(SEED), { mode: 0o600, flag: 'wx', flush: true });
  const seed = new Uint8Array(readFileSync(path)) as Bytes;
  if (seed.length !== SEED) throw new Error(`${path} is no key`);
  const pair = signPair(seed);
  return { pk: pair.pk as RelayPk, sk: pair.sk };
}
