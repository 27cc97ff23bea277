/** Ed25519 by libsodium, always under a label (PROTOCOL §3). */
import type { Bytes } from './brand';
import { concat } from './bytes';
import { na } from './sodium';

export const SIGNATURE = 64;
export const SIGN_PK = 32;
export const SIGN_SK = 64;

export const sign = (label: Bytes, message: Uint8Array, secret: Bytes): Bytes => na().crypto_sign_detached(concat(label, message), secret) as Bytes;

/** False for any signature, key or length that is not right; never throws. */
export function verify(label: Bytes, message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE || publicKey.length !== SIGN_PK) return false;
  return na().crypto_sign_verify_detached(signature, concat(label, message), publicKey);
}

/** A signing key pair from 32 bytes of seed. */
export function signPair(seed: Bytes): { readonly pk: Bytes; readonly sk: Bytes } {
  const k = na().crypto_sign_seed_keypair(seed);
  return { pk: k.publicKey as Bytes, sk: k.privateKey as Bytes };
}
