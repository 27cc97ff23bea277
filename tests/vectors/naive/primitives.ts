/** Hashes, ciphers and signatures of §3, §4 and §10, straight from their libraries. */
import { createPublicKey, sign as ed25519Sign, verify as ed25519, createPrivateKey } from 'node:crypto';
import sodium from 'libsodium-wrappers';
import { number } from './words';

export const awake = sodium.ready;
export const label = (name: string): Buffer => Buffer.from(`carefold/${name}/1\0`, 'utf8');
export const hash = (name: string, ...x: Uint8Array[]): Buffer => Buffer.from(sodium.crypto_generichash(32, Buffer.concat([label(name), ...x]), null));
/** BLAKE2b with a key. */
export const mac = (size: number, key: Uint8Array, x: Uint8Array): Buffer => Buffer.from(sodium.crypto_generichash(size, x, key));

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
export const verifies = (name: string, x: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean =>
  ed25519(null, Buffer.concat([label(name), x]), createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' }), signature);
export const signs = (name: string, x: Uint8Array, secret: Uint8Array): Buffer =>
  ed25519Sign(null, Buffer.concat([label(name), x]), createPrivateKey({ key: Buffer.concat([PKCS8, secret.subarray(0, 32)]), format: 'der', type: 'pkcs8' }));
export function pairFrom(seed: Buffer): { pk: Buffer; sk: Buffer } {
  const pk = createPublicKey(createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' }) as never).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { pk, sk: Buffer.concat([seed, pk]) };
}

/** Throws when it does not open. */
export const decrypt = (key: Uint8Array, about: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer =>
  Buffer.from(sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, about, nonce, key));
export const encrypt = (key: Uint8Array, about: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Buffer =>
  Buffer.from(sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, about, null, nonce, key));
/** `Seal` of §3 taken apart. */
export const unseal = (key: Uint8Array, about: Uint8Array, sealed: Buffer): Buffer => decrypt(key, about, sealed.subarray(0, 24), sealed.subarray(24));
export const seal = (key: Uint8Array, about: Uint8Array, nonce: Buffer, plain: Uint8Array): Buffer => Buffer.concat([nonce, encrypt(key, about, nonce, plain)]);

export function padme(n: number): number {
  if (n <= 256) return 256;
  const e = Math.floor(Math.log2(n));
  const s = Math.floor(Math.log2(e)) + 1;
  return Math.ceil(n / 2 ** (e - s)) * 2 ** (e - s);
}
export const pad = (x: Buffer): Buffer => Buffer.concat([x, Buffer.from([0x80]), Buffer.alloc(padme(x.length + 1) - x.length - 1)]);
export function unpad(x: Buffer): Buffer {
  let end = x.length;
  while (end > 0 && x[end - 1] === 0) end--;
  const plain = x.subarray(0, end - 1);
  if (end === 0 || x[end - 1] !== 0x80 || padme(end) !== x.length) throw new Error('other padding');
  return plain;
}

const kemOf = sodium as unknown as { crypto_kem_xwing_seed_keypair(seed: Uint8Array): { publicKey: Uint8Array; privateKey: Uint8Array }; crypto_kem_xwing_dec(ct: Uint8Array, sk: Uint8Array): Uint8Array };
export const kemFrom = (seed: Uint8Array): { pk: Buffer; sk: Buffer } => {
  const p = kemOf.crypto_kem_xwing_seed_keypair(seed);
  return { pk: Buffer.from(p.publicKey), sk: Buffer.from(p.privateKey) };
};
/** The box of §10 taken apart. */
export function openBox(name: string, place: Buffer, kem: { pk: Buffer; sk: Buffer }, box: Buffer): Buffer {
  const [ct, nonce, sealed] = [box.subarray(0, 1120), box.subarray(1120, 1144), box.subarray(1144)];
  const key = hash(name, kemOf.crypto_kem_xwing_dec(ct, kem.sk), ct, kem.pk, place);
  return decrypt(key, place, nonce, sealed);
}

/** A blob (§14) from its key and the header of its stream. */
export function sealBlob(key: Buffer, header: Buffer, plain: Buffer): Buffer {
  const padded = Buffer.concat([plain, Buffer.alloc(Math.max(256, padme(plain.length)) - plain.length)]);
  // a state is the same whichever side begins it
  const state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
  const chunks: Buffer[] = [header];
  for (let at = 0; at < padded.length; at += 2 ** 20) {
    const tag = at + 2 ** 20 >= padded.length ? sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL : sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    chunks.push(Buffer.from(sodium.crypto_secretstream_xchacha20poly1305_push(state, padded.subarray(at, at + 2 ** 20), null, tag)));
  }
  return Buffer.concat(chunks);
}

/** The plaintext of a blob (§14), or it throws. */
export function openBlob(id: string, key: Buffer, plain: string, size: number, ciphertext: Buffer): Buffer {
  if (hash('blob', ciphertext).toString('hex') !== id) throw new Error('another blob');
  const state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(ciphertext.subarray(0, 24), key);
  const chunks: Buffer[] = [];
  for (let at = 24; at < ciphertext.length; at += 2 ** 20 + 17) {
    const chunk = sodium.crypto_secretstream_xchacha20poly1305_pull(state, ciphertext.subarray(at, at + 2 ** 20 + 17), null);
    const last = at + 2 ** 20 + 17 >= ciphertext.length;
    if (chunk === false || (chunk.tag === sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL) !== last) throw new Error('unreadable');
    chunks.push(Buffer.from(chunk.message));
  }
  const padded = Buffer.concat(chunks);
  if (padded.length !== Math.max(256, padme(size)) || padded.subarray(size).some((b) => b !== 0)) throw new Error('other padding');
  if (hash('blob-plain', padded.subarray(0, size)).toString('hex') !== plain) throw new Error('another plaintext');
  return padded.subarray(0, size);
}
export { number };
