/** Display data of entries (PROTOCOL §6.4): names and labels, sealed under the epoch's roster key. It decides nothing; unreadable means blank. */
import type { Bytes, Hash, LogPk, RosterKey } from './brand';
import { concat, EMPTY } from './bytes';
import { LABEL } from './labels';
import { pad, unpad } from './padding';
import { na, type Random } from './sodium';
import { Writer } from './wire';

const NONCE = 24;
const MAC = 16;

/** The entry that carries it. */
export interface DisplayPlace { readonly prev: Hash; readonly seq: number; readonly author: LogPk }
const aad = (p: DisplayPlace): Bytes => concat(LABEL.display, new Writer().fixed(p.prev).num(p.seq).fixed(p.author).done());

export function sealDisplay(key: RosterKey, p: DisplayPlace, plaintext: Bytes, random: Random): Bytes {
  const nonce = random(NONCE);
  return concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plaintext), aad(p), null, nonce, key));
}

/** Empty bytes when it can't be opened. */
export function openDisplay(key: RosterKey, p: DisplayPlace, sealed: Bytes): Bytes {
  if (sealed.length < NONCE + MAC) return EMPTY;
  try {
    const padded = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(NONCE), aad(p), sealed.slice(0, NONCE), key) as Bytes;
    return unpad(padded) ?? EMPTY;
  } catch {
    return EMPTY;
  }
}
