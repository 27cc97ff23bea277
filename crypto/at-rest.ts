/**
 * What a device keeps for itself (PROTOCOL §16): rows sealed to their place, and the vault key wrapped under another key.
 * A sealed row is version ‖ nonce ‖ ciphertext. It can't be moved to another table or key; an older value of its own place can be put back.
 */
import type { Bytes, RowKey, VaultKey } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { Writer } from './wire';

const VERSION = 1;
const NONCE = 24;
const MAC = 16;
const KEY = 32;

/** Where a row is kept. */
export interface RowPlace {
  readonly table: string;
  readonly key: string;
}

export const newVaultKey = (random: Random): VaultKey => random(KEY) as VaultKey;

export const rowKeyOf = (vaultKey: VaultKey): RowKey => hash(LABEL.rowKey, vaultKey) as Bytes as RowKey;

/** Associated data of a row. The cache binds its rows the same way, under its own label. */
export const rowPlace = (label: Bytes, p: RowPlace): Bytes => concat(label, new Writer().text(p.table).text(p.key).done());

export const sealRow = (key: RowKey, p: RowPlace, plaintext: Bytes, random: Random): Bytes =>
  seal(key, rowPlace(LABEL.row, p), plaintext, random);

export const openRow = (key: RowKey, p: RowPlace, sealed: Bytes): Result<Bytes, 'unreadable'> => open(key, rowPlace(LABEL.row, p), sealed);

/** Wraps the vault key under 32 bytes; `about` is what must not be changed behind its back: kind, salt, costs. */
export const wrapVaultKey = (under: Bytes, about: Bytes, vaultKey: VaultKey, random: Random): Bytes =>
  seal(under, concat(LABEL.vaultWrap, about), vaultKey, random);

/** `unreadable`: another key, or bytes that were changed; the two can't be told apart. */
export function unwrapVaultKey(under: Bytes, about: Bytes, wrapped: Bytes): Result<VaultKey, 'unreadable'> {
  const opened = open(under, concat(LABEL.vaultWrap, about), wrapped);
  if (!opened.ok) return opened;
  return opened.value.length === KEY ? ok(opened.value as VaultKey) : err('unreadable');
}

function seal(key: Bytes, aad: Bytes, plaintext: Bytes, random: Random): Bytes {
  const nonce = random(NONCE);
  return concat(new Uint8Array([VERSION]), nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, null, nonce, key));
}

function open(key: Bytes, aad: Bytes, sealed: Bytes): Result<Bytes, 'unreadable'> {
  if (sealed.length < 1 + NONCE + MAC || sealed[0] !== VERSION) return err('unreadable');
  const nonce = sealed.slice(1, 1 + NONCE);
  try {
    return ok(na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(1 + NONCE), aad, nonce, key) as Bytes);
  } catch {
    return err('unreadable');
  }
}
