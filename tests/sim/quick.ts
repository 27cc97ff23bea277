/**
 * Makes a process fit for thousands of schedules: ciphers of the platform run here instead of on other threads, so that nothing depends on
 * their timing; a signature that was verified once, byte for byte, is not verified again; and every (key, nonce) is noted. Import this first.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import sodium from 'libsodium-wrappers';

interface Key { readonly raw: Uint8Array }
interface How { readonly iv: Uint8Array; readonly additionalData: Uint8Array }
const MAC = 16;
const subtle = {
  importKey: (_: string, raw: Uint8Array): Key => ({ raw }),
  deriveKey: (how: { readonly info: Uint8Array }, from: Key): Key => ({ raw: new Uint8Array(hkdfSync('sha256', from.raw, new Uint8Array(0), how.info, 32)) }),
  encrypt: ({ iv, additionalData }: How, key: Key, plain: Uint8Array): ArrayBuffer => {
    const c = createCipheriv('aes-256-gcm', key.raw, iv).setAAD(additionalData);
    const out = new Uint8Array(Buffer.concat([c.update(plain), c.final(), c.getAuthTag()]));
    note(key.raw, iv, out);
    return out.buffer;
  },
  decrypt: ({ iv, additionalData }: How, key: Key, sealed: Uint8Array): ArrayBuffer => {
    const d = createDecipheriv('aes-256-gcm', key.raw, iv).setAAD(additionalData);
    d.setAuthTag(sealed.subarray(sealed.length - MAC));
    return new Uint8Array(Buffer.concat([d.update(sealed.subarray(0, sealed.length - MAC)), d.final()])).buffer;
  }
};
for (const [name, f] of Object.entries(subtle) as [string, (...a: never[]) => unknown][])
  Object.defineProperty(crypto.subtle, name, { configurable: true, value: (...a: never[]) => new Promise((done) => done(f(...a))) });

const latin = (...parts: readonly Uint8Array[]): string => parts.map((b) => Buffer.from(b.buffer, b.byteOffset, b.byteLength).toString('latin1')).join('|');
const MOST = 40_000;
function once<A extends unknown[], R>(f: (...a: A) => R, key: (...a: A) => string): (...a: A) => R {
  let known = new Map<string, R>();
  return (...a) => {
    const k = key(...a);
    const there = known.get(k);
    if (there !== undefined) return there;
    const made = f(...a);
    if (known.size >= MOST) known = new Map();
    known.set(k, made);
    return made;
  };
}

/** Ciphertexts by key and nonce; one with two plaintexts is a reused nonce. */
let book = new Map<string, string>();
let reused: string[] = [];
/** Begins a new book; what the old one found. */
export function turnBook(): string[] {
  const found = reused;
  book = new Map();
  reused = [];
  return found;
}

function note(key: Uint8Array, nonce: Uint8Array, out: Uint8Array): void {
  const at = latin(key, nonce);
  const now = latin(out);
  const before = book.get(at);
  if (before !== undefined && before !== now) reused.push('a key sealed two things under one nonce');
  book.set(at, now);
}

export async function quicken(): Promise<void> {
  await sodium.ready;
  const s = sodium as unknown as {
    crypto_sign_verify_detached: (sig: Uint8Array, m: Uint8Array, pk: Uint8Array) => boolean;
    crypto_sign_seed_keypair: (seed: Uint8Array) => unknown;
    crypto_kem_xwing_seed_keypair: (seed: Uint8Array) => unknown;
    crypto_aead_xchacha20poly1305_ietf_encrypt: (m: Uint8Array, ad: Uint8Array, x: null, nonce: Uint8Array, key: Uint8Array) => Uint8Array;
  };
  s.crypto_sign_verify_detached = once(s.crypto_sign_verify_detached.bind(s), (sig, m, pk) => latin(sig, pk, m));
  s.crypto_sign_seed_keypair = once(s.crypto_sign_seed_keypair.bind(s), (seed) => latin(seed));
  s.crypto_kem_xwing_seed_keypair = once(s.crypto_kem_xwing_seed_keypair.bind(s), (seed) => latin(seed));
  const encrypt = s.crypto_aead_xchacha20poly1305_ietf_encrypt.bind(s);
  s.crypto_aead_xchacha20poly1305_ietf_encrypt = (m, ad, x, nonce, key) => {
    const out = encrypt(m, ad, x, nonce, key);
    note(key, nonce, out);
    return out;
  };
}
