/** Argon2id (hash-wasm): passphrases, and the numbers two people compare (PROTOCOL §13.5, §15.6, §15.8, §16). */
import { argon2id } from 'hash-wasm';
import type { Bytes, GroupId, InvitePk, KemPk, LogPk, OrganisationPk, PersonPk } from './brand';
import { compare } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';

/** Memory in KiB, passes, lanes. */
export interface Argon { readonly memory: number; readonly passes: number; readonly lanes: number }
export const ARGON: Argon = { memory: 64 * 1024, passes: 3, lanes: 1 };
export const SALT = 16;

/** 32 bytes from a passphrase, NFKC-normalised, and 16 bytes of salt. */
export async function stretch(passphrase: string, salt: Bytes, a: Argon): Promise<Bytes> {
  return argon(new TextEncoder().encode(passphrase.normalize('NFKC')), salt, a);
}

async function argon(password: Bytes, salt: Bytes, a: Argon): Promise<Bytes> {
  const out = await argon2id({ password, salt, memorySize: a.memory, iterations: a.passes, parallelism: a.lanes, hashLength: 32, outputType: 'binary' });
  return new Uint8Array(out);
}

const DIGITS = 12;

/** The 12 digits that joiner and approver compare: slow to search, so nobody matches them by trying keys. */
export async function joinNumber(group: GroupId, invite: InvitePk, logPk: LogPk, kem: KemPk): Promise<string> {
  const salt = hash(LABEL.number, group, invite).slice(0, SALT);
  const h = await argon(hash(LABEL.number, logPk, kem, group, invite), salt, ARGON);
  return digitsOf(h.subarray(0, 16), DIGITS);
}

const SAFETY_DIGITS = 60;

/** The 60 digits by which two persons make sure of each other, the same whoever asks; slow, so that nobody searches for keys that share the first groups. */
export async function safetyNumber(a: PersonPk, b: PersonPk): Promise<string> {
  const [low, high] = compare(a, b) <= 0 ? [a, b] : [b, a];
  const salt = hash(LABEL.safety, low).slice(0, SALT);
  return digitsOf(await argon(hash(LABEL.safety, low, high), salt, ARGON), SAFETY_DIGITS);
}

const KEY_DIGITS = 30;

/** The 30 digits by which somebody tells one key from another, an organisation's or that of a person who asks it; slow for the same reason. */
export async function keyNumber(key: OrganisationPk | PersonPk): Promise<string> {
  const h = hash(LABEL.keyNumber, key);
  return digitsOf(await argon(h, h.slice(0, SALT), ARGON), KEY_DIGITS);
}

/** Bytes as a big-endian number, mod 10^digits, with leading zeros. */
function digitsOf(bytes: Uint8Array, digits: number): string {
  let v = 0n;
  for (const b of bytes) v = (v << 8n) | BigInt(b);
  return (v % 10n ** BigInt(digits)).toString().padStart(digits, '0');
}

