/** An organisation's own key (PROTOCOL §15.8), and the file that keeps it: its seed under a passphrase. */
import type { Bytes, OrganisationPk } from './brand';
import { concat, equal } from './bytes';
import { isLine, LINE_MOST, type Organisation } from './credential';
import { LABEL } from './labels';
import { type Argon, ARGON, SALT, stretch } from './passphrase';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';
import { SIGN_PK, signPair } from './verify';
import { decode, Writer } from './wire';

const VERSION = 1;
const SEED = 32;
const NONCE = 24;
const SEALED = NONCE + SEED + 16;
/** What a file may ask of a computer that opens it. */
const MOST: Argon = { memory: 1024 * 1024, passes: 64, lanes: 16 };

export interface OrganisationKeys extends Organisation { readonly sk: Bytes }

function keysOf(seed: Bytes, name: string): OrganisationKeys {
  const pair = signPair(seed);
  return { organisation: pair.pk as OrganisationPk, name, sk: pair.sk };
}

/** A new key, and the bytes that keep it: everything but the seed lies open, and nothing of it can be changed. */
export async function newOrganisation(name: string, passphrase: string, random: Random, argon: Argon = ARGON): Promise<{ readonly keys: OrganisationKeys; readonly file: Bytes }> {
  const seed = random(SEED);
  const keys = keysOf(seed, name);
  const salt = random(SALT);
  const about = new Writer().u8(VERSION).fixed(keys.organisation).text(name).fixed(salt).num(argon.memory).num(argon.passes).num(argon.lanes).done();
  const nonce = random(NONCE);
  const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(seed, concat(LABEL.organisationSecret, about), null, nonce, await stretch(passphrase, salt, argon));
  seed.fill(0);
  return { keys, file: concat(about, nonce, sealed) };
}

/** `wrong-passphrase` also where the bytes were changed: the two can't be told apart. */
export async function openOrganisation(file: Bytes, passphrase: string): Promise<Result<OrganisationKeys, 'malformed' | 'wrong-passphrase'>> {
  const read = readOrganisationSecret(file);
  if (!read.ok) return read;
  const { organisation, name, salt, argon, sealed, about } = read.value;
  const key = await stretch(passphrase, salt, argon);
  let seed: Bytes;
  try {
    seed = na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(NONCE), concat(LABEL.organisationSecret, about), sealed.slice(0, NONCE), key) as Bytes;
  } catch {
    return err('wrong-passphrase');
  }
  const keys = keysOf(seed, name);
  return equal(keys.organisation, organisation) ? ok(keys) : err('malformed');
}

/** What such a file says to anybody. */
export interface OrganisationSecret extends Organisation { readonly salt: Bytes; readonly argon: Argon; readonly sealed: Bytes; readonly about: Bytes }
export const readOrganisationSecret = (file: Bytes): Result<OrganisationSecret, 'malformed'> =>
  decode(file, (r) => {
    if (r.u8() !== VERSION) r.fail();
    const organisation = r.fixed<OrganisationPk>(SIGN_PK);
    const name = r.text(LINE_MOST);
    const salt = r.fixed(SALT);
    const argon = { memory: r.num(MOST.memory), passes: r.num(MOST.passes), lanes: r.num(MOST.lanes) };
    if (!isLine(name) || argon.passes < 1 || argon.lanes < 1 || argon.memory < 8 * argon.lanes) r.fail();
    const about = file.slice(0, r.position);
    return { organisation, name, salt, argon, sealed: r.fixed(SEALED), about };
  });
