/**
 * Unlocking with a passkey (PROTOCOL §16): WebAuthn's PRF gives 32 bytes for a salt that the header names, and a wrap of the vault key
 * stands beside the passphrase's. Losing the passkey loses a shortcut, never anything kept here.
 */
import { unwrapVaultKey, wrapVaultKey } from '$crypto/at-rest';
import type { Bytes, VaultKey } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { hash } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { err, ok, type Result } from '$crypto/result';
import type { Random } from '$crypto/sodium';
import { decode, Writer } from '$crypto/wire';
import type { Header, Wrap } from './header';
import { readHeader, replaceHeader, unlockVault, type UnlockFault, type VaultParts } from './vault';

export const PASSKEY = 'passkey';
const PASSKEYS_MOST = 8;
export const PRF_SALT = 32;
const PRF = 32;
const CREDENTIAL_MOST = 1024;
const NAME_MOST = 60;

/** What the page needs to ask for a passkey: nothing of it is secret. */
export interface Passkey {
  /** WebAuthn's credential id. */
  readonly credential: Bytes;
  /** 32 bytes, the PRF's input. */
  readonly salt: Bytes;
  readonly name: string;
}
interface PasskeyWrap extends Passkey { readonly wrapped: Bytes }

export async function passkeys(parts: VaultParts): Promise<readonly Passkey[]> {
  const found = await readHeader(parts);
  return found.ok ? read(found.value.header).map(({ credential, salt, name }) => ({ credential, salt, name })) : [];
}

/** Adds a passkey after the passphrase was given once more. `prf` is the PRF's 32 bytes for `salt`. */
export async function addPasskey(parts: VaultParts, passphrase: string, passkey: Passkey, prf: Bytes): Promise<Result<null, UnlockFault | 'malformed' | 'too-many'>> {
  if (passkey.salt.length !== PRF_SALT || prf.length !== PRF || passkey.credential.length === 0 || passkey.credential.length > CREDENTIAL_MOST) return err('malformed');
  const key = await unlockVault(parts, passphrase);
  if (!key.ok) return key;
  const now = await passkeys(parts);
  if (now.length >= PASSKEYS_MOST) return err('too-many');
  const wrap = wrapForPasskey({ ...passkey, name: passkey.name.slice(0, NAME_MOST) }, prf, key.value, parts.random);
  return replaceHeader(parts, (h) => ({ ...h, wraps: [...h.wraps, wrap] }));
}

/** The passphrase stays, so nothing can be lost by this. */
export const removePasskey = (parts: VaultParts, credential: Bytes): Promise<Result<null, 'no-vault' | 'damaged'>> =>
  replaceHeader(parts, (h) => ({ ...h, wraps: h.wraps.filter((w) => w.kind !== PASSKEY || !equal(readWrap(w)?.credential ?? new Uint8Array(0), credential)) }));

/** The vault key for a passkey's PRF bytes. */
export async function unlockWithPasskey(parts: VaultParts, credential: Bytes, prf: Bytes): Promise<Result<VaultKey, 'unknown-passkey' | 'no-vault' | 'damaged'>> {
  const found = await readHeader(parts);
  if (!found.ok) return found;
  const wrap = read(found.value.header).find((w) => equal(w.credential, credential));
  if (wrap === undefined || prf.length !== PRF) return err('unknown-passkey');
  const key = unwrapVaultKey(under(prf), about(wrap), wrap.wrapped);
  if (!key.ok) return err('unknown-passkey');
  await replaceHeader(parts, (h) => ({ ...h, tries: 0, lastTry: 0 }));
  return ok(key.value);
}

/** The wrap that opens with a passkey's PRF bytes. */
export function wrapForPasskey(p: Passkey, prf: Bytes, key: VaultKey, random: Random): Wrap {
  const wrapped = wrapVaultKey(under(prf), about(p), key, random);
  return { kind: PASSKEY, body: new Writer().bytes(p.credential).fixed(p.salt).text(p.name).fixed(wrapped).done() };
}

const under = (prf: Bytes): Bytes => hash(LABEL.passkeyWrap, prf);
const about = (p: Passkey): Bytes => new Writer().text(PASSKEY).bytes(p.credential).fixed(p.salt).done();

const read = (h: Header): PasskeyWrap[] => h.wraps.filter((w) => w.kind === PASSKEY).flatMap((w) => readWrap(w) ?? []);

function readWrap(w: Wrap): PasskeyWrap | null {
  const d = decode(w.body, (r) => ({ credential: r.bytes(CREDENTIAL_MOST), salt: r.fixed(PRF_SALT), name: r.text(4 * NAME_MOST), wrapped: r.rest() }));
  return d.ok ? d.value : null;
}
