/** Lockboxes (PROTOCOL §10): keys of epochs sealed to one device by X-Wing (ML-KEM-768 and X25519). */
import type { Bytes, ContentKey, KemPk, KemSk, LogPk, RosterKey } from './brand';
import { concat } from './bytes';
import type { EpochPlace } from './epoch';
import { hash } from './hash';
import { LABEL } from './labels';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { decode, Writer } from './wire';

export { lockboxHash } from './kept';

const CIPHERTEXT = 1120;
const ENCAPSULATION_SEED = 64;
const NONCE = 24;
const MAC = 16;
const MOST_EPOCHS = 4096;
/** Keys that surely fit into one lockbox, and into one answer to a want: at most 70 bytes each. */
export const KEYS_IN_LOCKBOX = 1850;
export const KEYS_IN_ANSWER = 900;

/** Keys of one epoch as a lockbox carries them; `content` is null outside the receiver's horizon. */
export interface KeyringItem { readonly epoch: number; readonly roster: RosterKey; readonly content: ContentKey | null }

export interface KemPair { readonly pk: KemPk; readonly sk: KemSk }

/** An X-Wing key pair from 32 bytes of seed. */
export function kemPair(seed: Bytes): KemPair {
  const k = na().crypto_kem_xwing_seed_keypair(seed);
  return { pk: k.publicKey as Bytes as KemPk, sk: k.privateKey as Bytes as KemSk };
}

/** Whom and what a sealed box is for; tampering with either opens nothing. */
interface BoxPlace { readonly label: Bytes; readonly place: Bytes }

/** Seals bytes to an X-Wing key: ciphertext (1120) ‖ nonce (24) ‖ sealed. For a key that is none: as many bytes of noise. */
export function sealTo(kem: KemPk, p: BoxPlace, plaintext: Bytes, random: Random): Bytes {
  const nonce = random(NONCE);
  const e = encapsulate(kem, random(ENCAPSULATION_SEED));
  // a key that is none hurts its owner only: everybody else must still be able to rotate
  if (e === null) return random(CIPHERTEXT + NONCE + plaintext.length + MAC);
  const key = hash(p.label, e.sharedSecret, e.ciphertext, kem, p.place);
  return concat(e.ciphertext, nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, p.place, null, nonce, key));
}

function encapsulate(kem: KemPk, seed: Bytes): { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array } | null {
  try {
    return na().crypto_kem_xwing_enc_deterministic(kem, seed);
  } catch {
    return null;
  }
}

export function openFrom(pair: KemPair, p: BoxPlace, box: Bytes): Result<Bytes, 'unreadable'> {
  if (box.length < CIPHERTEXT + NONCE + MAC) return err('unreadable');
  const ciphertext = box.slice(0, CIPHERTEXT);
  const nonce = box.slice(CIPHERTEXT, CIPHERTEXT + NONCE);
  try {
    const key = hash(p.label, na().crypto_kem_xwing_dec(ciphertext, pair.sk), ciphertext, pair.pk, p.place);
    return ok(na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, box.slice(CIPHERTEXT + NONCE), p.place, nonce, key) as Bytes);
  } catch {
    return err('unreadable');
  }
}

const boxPlace = (to: LogPk, p: EpochPlace): BoxPlace => ({ label: LABEL.lockboxKey, place: new Writer().fixed(p.prev).num(p.seq).fixed(to).done() });

/** A lockbox for the entry at `place`, its keys ascending by epoch. */
export const sealLockbox = (to: LogPk, kem: KemPk, place: EpochPlace, keyring: readonly KeyringItem[], random: Random): Bytes =>
  sealTo(kem, boxPlace(to, place), encodeKeyring(keyring), random);

/** The keys inside. They count only once they match their commitments. */
export function openLockbox(to: LogPk, pair: KemPair, place: EpochPlace, lockbox: Bytes): Result<KeyringItem[], 'unreadable'> {
  const opened = openFrom(pair, boxPlace(to, place), lockbox);
  return opened.ok ? decodeKeyring(opened.value) : opened;
}

export const encodeKeyring = (keyring: readonly KeyringItem[]): Bytes =>
  new Writer()
    .list([...keyring].sort((a, b) => a.epoch - b.epoch), (k, x) => {
      x.num(k.epoch).fixed(k.roster).bool(k.content !== null);
      if (k.content !== null) x.fixed(k.content);
    })
    .done();

export function decodeKeyring(bytes: Bytes): Result<KeyringItem[], 'unreadable'> {
  const read = decode(bytes, (r) =>
    r.list(MOST_EPOCHS, (x) => ({ epoch: x.num(), roster: x.fixed<RosterKey>(32), content: x.bool() ? x.fixed<ContentKey>(32) : null }))
  );
  return read.ok && read.value.every((k, i, all) => i === 0 || (all[i - 1] as KeyringItem).epoch < k.epoch) ? read : err('unreadable');
}
