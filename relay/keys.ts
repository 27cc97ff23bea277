/**
 * The relay's own signing keys, kept beside the store, readable by their owner alone: `relay.key`, made at the first start; `relay.key.1`,
 * `relay.key.2` …, keys before it, for groups that have not followed it yet; and `relay.turns`, in which each old key names the next.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes, RelayPk } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { Random } from '../crypto/sodium';
import { leadsTo, readTurn, signTurn, type Turn, TURNS, writeTurn } from '../crypto/turn';
import { signPair } from '../crypto/verify';
import { decode, Writer } from '../crypto/wire';
import type { KeyPair, RelayKeys } from './house';

const SEED = 32;
const NAME = 'relay.key';
const COMING = 'relay.key.coming';

/** What is left to an operator who has no such key any more. */
const LOST = 'if it is lost, every group has to be founded again, with CAREFOLD_DATA naming an empty folder';

/**
 * Makes the key when there is none. Throws when a file is there and no key, and when groups know the relay by `signer`, to which the keys
 * there do not lead: devices speak to no other.
 */
export function keysAt(folder: string, random: Random, signer: RelayPk | null = null): RelayKeys {
  const { keys, keep } = keysFor(folder, random, signer);
  keep();
  return keys;
}

/** The same, but a key that was made is not there until `keep` is called: it may turn out that there is another. */
export function keysFor(folder: string, random: Random, signer: RelayPk | null = null): { readonly keys: RelayKeys; keep(): void } {
  const path = join(folder, NAME);
  goOn(folder);
  const made = existsSync(path) ? null : random(SEED);
  if (made !== null && signer !== null) throw new Error(`${NAME} is not there, and the groups here know the relay by it. Put it back; ${LOST}`);
  const earlier = readdirSync(folder).filter((name) => /^relay\.key\.\d+$/.test(name)).map((name) => readKey(join(folder, name)));
  const keys = { ...(made === null ? readKey(path) : pairOf(made)), earlier, turns: turnsAt(folder) };
  if (signer !== null && ![keys, ...earlier].some((k) => equal(k.pk, signer)) && !leadsTo(keys.turns, signer, keys.pk))
    throw new Error(`${NAME} is another key than the one that groups here know the relay by. Put that one back; ${LOST}`);
  return { keys, keep: () => made === null || writeKey(path, made) };
}

/** Another key takes the place of the one there, which names it and stays beside it for the groups that know it; the old one's number. */
export function newKey(folder: string, random: Random): number {
  const path = join(folder, NAME);
  goOn(folder);
  const old = readKey(path);
  const turns = turnsAt(folder);
  // as a whole, so that a second try after a power cut goes on with what lies there
  const coming = join(folder, COMING);
  if (!existsSync(coming)) writeKey(coming, random(SEED));
  const next = readKey(coming);
  const all = [...turns.filter((t) => !equal(t.from, old.pk)), signTurn(old.pk, next.pk, old.sk)].slice(-TURNS);
  const w = new Writer().list(all, writeTurn);
  writeFileSync(join(folder, 'relay.turns.coming'), w.done(), { flush: true });
  renameSync(join(folder, 'relay.turns.coming'), join(folder, 'relay.turns'));
  let n = 1;
  while (existsSync(`${path}.${n}`)) n++;
  renameSync(path, `${path}.${n}`);
  renameSync(coming, path);
  sync(folder);
  return n;
}

/** A change that was cut short once the old key had its number: the new one was whole before that, and is named already. */
function goOn(folder: string): void {
  const [path, coming] = [join(folder, NAME), join(folder, COMING)];
  if (existsSync(path) || !existsSync(coming)) return;
  readKey(coming);
  renameSync(coming, path);
  sync(folder);
}

function readKey(path: string): KeyPair {
  const seed = new Uint8Array(readFileSync(path)) as Bytes;
  if (seed.length !== SEED) throw new Error(`${path} is no key`);
  return pairOf(seed);
}
function pairOf(seed: Bytes): KeyPair {
  const pair = signPair(seed);
  return { pk: pair.pk as RelayPk, sk: pair.sk };
}
const writeKey = (path: string, seed: Bytes): void => writeFileSync(path, seed, { mode: 0o600, flag: 'wx', flush: true });

function turnsAt(folder: string): readonly Turn[] {
  const path = join(folder, 'relay.turns');
  if (!existsSync(path)) return [];
  const read = decode(new Uint8Array(readFileSync(path)), (r) => r.list(TURNS, readTurn));
  if (!read.ok) throw new Error(`${path} cannot be read`);
  return read.value;
}

function sync(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } catch {
    // not every system syncs a folder
  } finally {
    closeSync(handle);
  }
}
