/**
 * The recovery phrase (PROTOCOL §17): 128 random bits as 13 words of 1024, the last bits a check. From it come the key that finds and
 * proves the personal vault, and the X-Wing key that everything inside is sealed to. Devices keep only what they need to add to it.
 */
import type { Bytes, GroupId, KemPk, LogPk, VaultId } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { type KemPair, kemPair, openFrom, sealTo } from './lockbox';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import type { Random } from './sodium';
import { sign, signPair, verify } from './verify';

export const PHRASE_WORDS = 13;
export const PHRASE_LIST = 1024;
const ENTROPY = 16;
const BITS = 10;

/** All that the phrase can do. */
export interface PhraseKeys {
  /** 32 bytes, Ed25519 public key: the personal vault's name and the key its sessions prove. */
  readonly id: VaultId;
  readonly sk: Bytes;
  readonly kem: KemPair;
}
/** What a device keeps of it: enough to add to the vault, not enough to read it. */
export interface VaultWriter { readonly id: VaultId; readonly sk: Bytes; readonly kem: KemPk }

export const newPhrase = (random: Random): Bytes => random(ENTROPY);

/** Places in the word list, 0 to 1023. */
export function phraseToPlaces(entropy: Bytes): number[] {
  const check = hash(LABEL.phraseCheck, entropy)[0] as number;
  let bits = 0n;
  for (const b of entropy) bits = (bits << 8n) | BigInt(b);
  bits = (bits << 2n) | BigInt(check >> 6);
  return Array.from({ length: PHRASE_WORDS }, (_, i) => Number((bits >> BigInt(BITS * (PHRASE_WORDS - 1 - i))) & 1023n));
}

/** `wrong-check`: words in the wrong order, or one of them wrong. */
export function placesToPhrase(places: readonly number[]): Result<Bytes, 'wrong-length' | 'wrong-check'> {
  if (places.length !== PHRASE_WORDS || places.some((p) => !Number.isInteger(p) || p < 0 || p >= PHRASE_LIST)) return err('wrong-length');
  let bits = 0n;
  for (const p of places) bits = (bits << BigInt(BITS)) | BigInt(p);
  const check = Number(bits & 3n);
  bits >>= 2n;
  const entropy = new Uint8Array(ENTROPY);
  for (let i = ENTROPY - 1; i >= 0; i--, bits >>= 8n) entropy[i] = Number(bits & 255n);
  return (hash(LABEL.phraseCheck, entropy)[0] as number) >> 6 === check ? ok(entropy) : err('wrong-check');
}

export function phraseKeys(entropy: Bytes): PhraseKeys {
  const pair = signPair(hash(LABEL.phraseSign, entropy));
  return { id: pair.pk as VaultId, sk: pair.sk, kem: kemPair(hash(LABEL.phraseKem, entropy)) };
}

const place = (id: Bytes): { label: Bytes; place: Bytes } => ({ label: LABEL.vaultItem, place: concat(LABEL.vaultItem, id) });

/** An item of the personal vault: id of the vault ‖ padded plaintext, sealed to the phrase. */
export const sealItem = (to: { readonly id: Bytes; readonly kem: KemPk }, plaintext: Bytes, random: Random): Bytes => sealTo(to.kem, place(to.id), pad(plaintext), random);

/** What a recovery row signs to say which phrase opens it: anybody may add a phrase to a device's words, nobody else can sign this. */
const phraseRowBody = (group: GroupId, w: Pick<VaultWriter, 'id' | 'kem'>): Bytes => concat(group, w.id, w.kem);
export const signPhraseRow = (group: GroupId, w: Pick<VaultWriter, 'id' | 'kem'>, rowSk: Bytes): Bytes => sign(LABEL.phraseRow, phraseRowBody(group, w), rowSk);
export const verifyPhraseRow = (group: GroupId, w: Pick<VaultWriter, 'id' | 'kem'>, row: LogPk, signature: Bytes): boolean =>
  verify(LABEL.phraseRow, phraseRowBody(group, w), signature, row);

export function openItem(k: PhraseKeys, item: Bytes): Result<Bytes, 'unreadable'> {
  const opened = openFrom(k.kem, place(k.id), item);
  const plain = opened.ok ? unpad(opened.value) : null;
  return plain === null ? err('unreadable') : ok(plain);
}

