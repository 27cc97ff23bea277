/**
 * The vault (PROTOCOL §16): 32 random bytes that everything on this device is sealed under, wrapped by a passphrase. Changing
 * the passphrase wraps the same bytes anew, in one step. Nothing here ever deletes; it runs wholly in the worker.
 */
import { newVaultKey, unwrapVaultKey, wrapVaultKey } from '$crypto/at-rest';
import type { Bytes, VaultKey } from '$crypto/brand';
import { EMPTY } from '$crypto/bytes';
import { ARGON, type Argon, SALT, stretch } from '$crypto/passphrase';
import { err, ok, type Result } from '$crypto/result';
import { ready, type Random } from '$crypto/sodium';
import type { Disk } from '$lib/store/disk';
import { StoreError } from '$lib/store/store';
import { anchored, retryAt } from './delay';
import {
  aboutPassphrase,
  decodeHeader,
  decodePassphraseWrap,
  encodeHeader,
  encodePassphraseWrap,
  type Header,
  PASSPHRASE,
  type Wrap
} from './header';
import { isWeak } from './strength';

export interface VaultParts {
  readonly disk: Pick<Disk, 'header' | 'swapHeader'>;
  readonly random: Random;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Cost of a new wrap; an existing one tells its own. */
  readonly argon?: Argon;
}

export type VaultState =
  | { readonly is: 'none' }
  /** `retryAt`: before this time another try is refused; null when one is allowed now. */
  | { readonly is: 'made'; readonly wrongTries: number; readonly retryAt: number | null }
  | { readonly is: 'damaged' };

/** No more are told apart, so that a header that says any number can be counted on. */
const TRIES_MOST = 1_000_000;

export type UnlockFault = 'wrong-passphrase' | 'too-soon' | 'no-vault' | 'damaged';

/** What can be told before anything is unlocked. */
export async function vaultState(parts: VaultParts): Promise<VaultState> {
  const found = await readHeader(parts);
  if (!found.ok) return { is: found.fault === 'no-vault' ? 'none' : 'damaged' };
  const { header } = found.value;
  return { is: 'made', wrongTries: header.tries, retryAt: retryAt(header, parts.now()) };
}

/** A vault that no disk has yet: its key and the header to put there. */
export interface DraftVault { readonly key: VaultKey; readonly header: Bytes }

/** Draws a vault key and wraps it; nothing is written. `exists`: this device has a vault. */
export async function draftVault(parts: VaultParts, passphrase: string): Promise<Result<DraftVault, 'weak-passphrase' | 'exists'>> {
  await ready();
  if (isWeak(tidy(passphrase))) return err('weak-passphrase');
  if ((await parts.disk.header()) !== null) return err('exists');
  const key = newVaultKey(parts.random);
  return ok({ key, header: encodeHeader({ tries: 0, lastTry: 0, wraps: [await wrapUnder(parts, passphrase, key)], more: EMPTY }) });
}

/** The header is put there last, after the first rows: until then a device that lost its power is as bare as before. `false` when there is one. */
export const keepVault = (parts: Pick<VaultParts, 'disk'>, draft: DraftVault): Promise<boolean> => parts.disk.swapHeader(null, draft.header);

/** Makes the vault of this device; `exists` leaves the one that is there untouched. */
export async function createVault(parts: VaultParts, passphrase: string): Promise<Result<VaultKey, 'weak-passphrase' | 'exists'>> {
  const draft = await draftVault(parts, passphrase);
  if (!draft.ok) return draft;
  return (await keepVault(parts, draft.value)) ? ok(draft.value.key) : err('exists');
}

/** The vault key for the right passphrase. A wrong one is counted and makes the next wait longer. */
export async function unlockVault(parts: VaultParts, passphrase: string): Promise<Result<VaultKey, UnlockFault>> {
  const counted = await countTry(parts);
  if (!counted.ok) return counted;
  const wrap = counted.value.wraps.find((w) => w.kind === PASSPHRASE);
  const inside = wrap === undefined ? null : decodePassphraseWrap(wrap.body);
  if (inside === null || !inside.ok) return err('damaged');
  const { salt, argon, wrapped } = inside.value;
  const under = await stretch(tidy(passphrase), salt, argon);
  const key = unwrapVaultKey(under, aboutPassphrase(salt, argon), wrapped);
  under.fill(0);
  if (!key.ok) return err('wrong-passphrase');
  await replaceHeader(parts, (h) => ({ ...h, tries: 0, lastTry: 0 })).catch(unlessFull);
  return key;
}

/** Wraps the same vault key under another passphrase; a cut leaves either the old one or the new one valid. */
export async function changePassphrase(
  parts: VaultParts,
  old: string,
  next: string
): Promise<Result<null, UnlockFault | 'weak-passphrase'>> {
  if (isWeak(tidy(next))) return err('weak-passphrase');
  const key = await unlockVault(parts, old);
  if (!key.ok) return key;
  const wrap = await wrapUnder(parts, next, key.value);
  return replaceHeader(parts, (h) => ({ ...h, wraps: [wrap, ...h.wraps.filter((w) => w.kind !== PASSPHRASE)] }));
}

/** Keyboards of phones add spaces at the end and between words; they are no part of a secret. */
const tidy = (passphrase: string): string => passphrase.normalize('NFKC').trim().replace(/\s+/gu, ' ');

async function wrapUnder({ random, argon = ARGON }: VaultParts, passphrase: string, key: VaultKey): Promise<Wrap> {
  const salt = random(SALT);
  const under = await stretch(tidy(passphrase), salt, argon);
  const wrapped = wrapVaultKey(under, aboutPassphrase(salt, argon), key, random);
  under.fill(0);
  return { kind: PASSPHRASE, body: encodePassphraseWrap({ salt, argon, wrapped }) };
}

export interface Found {
  readonly bytes: Bytes;
  readonly header: Header;
}

/** The header as it stands, with the wait counted anew when the clock was set back. */
export async function readHeader({ disk, now }: VaultParts): Promise<Result<Found, 'no-vault' | 'damaged'>> {
  // the disk opens while the ciphers are made
  const [bytes] = await Promise.all([disk.header(), ready()]);
  if (bytes === null) return err('no-vault');
  const header = decodeHeader(bytes);
  if (!header.ok) return err('damaged');
  const fresh = anchored(header.value, now());
  if (fresh === header.value) return ok({ bytes, header: fresh });
  const next = encodeHeader(fresh);
  const put = await disk.swapHeader(bytes, next).catch(unlessFull);
  return ok({ bytes: put === true ? next : bytes, header: fresh });
}

/** Counts a try before it is judged, so that closing the tab in between wins nothing. */
async function countTry(parts: VaultParts): Promise<Result<Header, 'too-soon' | 'no-vault' | 'damaged'>> {
  for (;;) {
    const found = await readHeader(parts);
    if (!found.ok) return found;
    const { bytes, header } = found.value;
    const now = parts.now();
    if (retryAt(header, now) !== null) return err('too-soon');
    const counted = { ...header, tries: Math.min(header.tries + 1, TRIES_MOST), lastTry: now };
    const put = await parts.disk.swapHeader(bytes, encodeHeader(counted)).catch(unlessFull);
    // null: no room to count in, but a full device must not keep its owner out
    if (put !== false) return ok(counted);
  }
}

/** Changes the header whatever another tab did to it meanwhile. */
export async function replaceHeader(parts: VaultParts, change: (h: Header) => Header): Promise<Result<null, 'no-vault' | 'damaged'>> {
  for (;;) {
    const found = await readHeader(parts);
    if (!found.ok) return found;
    if (await parts.disk.swapHeader(found.value.bytes, encodeHeader(change(found.value.header)))) return ok(null);
  }
}

function unlessFull(e: unknown): null {
  if (e instanceof StoreError && e.fault === 'full') return null;
  throw e;
}
