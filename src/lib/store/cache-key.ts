/**
 * The cache's own key (PROTOCOL §16): AES-256-GCM by WebCrypto, several times faster on pages of a few hundred posts than
 * wasm. The key can't be taken out of the browser again. A sealed row is version ‖ 12-byte nonce ‖ ciphertext.
 */
import { rowPlace, type RowPlace } from '$crypto/at-rest';
import type { Bytes, VaultKey } from '$crypto/brand';
import { concat, EMPTY } from '$crypto/bytes';
import { LABEL } from '$crypto/labels';
import type { Random } from '$crypto/sodium';

const VERSION = 1;
const NONCE = 12;
const MAC = 16;

export async function cacheKeyOf(vaultKey: VaultKey): Promise<CryptoKey> {
  const from = await crypto.subtle.importKey('raw', vaultKey, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: EMPTY, info: LABEL.cacheKey };
  return crypto.subtle.deriveKey(how, from, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

export async function sealCache(key: CryptoKey, p: RowPlace, plaintext: Bytes, random: Random): Promise<Bytes> {
  const iv = random(NONCE);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: rowPlace(LABEL.cacheRow, p) }, key, plaintext);
  return concat(new Uint8Array([VERSION]), iv, new Uint8Array(sealed));
}

/** Null when it does not open: the cache is then as good as empty there. */
export async function openCache(key: CryptoKey, p: RowPlace, sealed: Bytes): Promise<Bytes | null> {
  if (sealed.length < 1 + NONCE + MAC || sealed[0] !== VERSION) return null;
  const iv = sealed.subarray(1, 1 + NONCE);
  const how = { name: 'AES-GCM', iv, additionalData: rowPlace(LABEL.cacheRow, p) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, key, sealed.subarray(1 + NONCE)));
  } catch {
    return null;
  }
}
