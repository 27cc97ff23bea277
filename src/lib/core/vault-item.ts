/** What an item of the personal vault says (PROTOCOL §17.3). Whoever holds the vault's key may have added it: it is checked, and junk is passed over. */
import type { Bytes, GroupId, MemberTag, RelayPk } from '$crypto/brand';
import { CREDENTIAL_MOST } from '$crypto/credential';
import { HASH } from '$crypto/hash';
import { TAG } from '$crypto/roster/entry';
import { SIGN_PK } from '$crypto/verify';
import { CREDENTIALS_MOST } from '../care/record';
import type { SaidCredentials } from './link-words';
import { unpack } from './pack';
import type { Profile } from './port';

export type VaultItem =
  /** `seed`: what this person's devices share (PROTOCOL §15.5); null in one that never said. */
  | { readonly is: 'profile'; readonly name: string; readonly role: Profile['role']; readonly seed: Bytes | null }
  /** What organisations signed for this person, and when the list was put together (PROTOCOL §15.8). */
  | ({ readonly is: 'credentials' } & SaidCredentials)
  /** A recovery row: the seeds of its log and KEM keys. */
  | { readonly is: 'group'; readonly id: GroupId; readonly relayPk: RelayPk; readonly tag: MemberTag; readonly logSeed: Bytes; readonly kemSeed: Bytes };

const ROLES: readonly unknown[] = ['clinician', 'patient', 'family'] satisfies Profile['role'][];
/** Letters of a name, as at setting up. */
const NAME_MOST = 120;
/** Bytes of a seed, of either key. */
const SEED = 32;

/** Null for whatever is none: never an exception. */
export function parseVaultItem(plain: Bytes): VaultItem | null {
  let v: unknown;
  try {
    v = unpack(plain);
  } catch {
    return null;
  }
  if (typeof v !== 'object' || v === null) return null;
  const o = v as Readonly<Record<string, unknown>>;
  const { name, role, seed, id, relayPk, tag, logSeed, kemSeed, at, c } = o;
  if (o['is'] === 'profile') {
    if (typeof name !== 'string' || name.trim() === '' || name.length > NAME_MOST || !ROLES.includes(role)) return null;
    return { is: 'profile', name, role: role as Profile['role'], seed: isBytes(seed, SEED) ? seed : null };
  }
  if (o['is'] === 'credentials') {
    const isList = Array.isArray(c) && c.length <= CREDENTIALS_MOST && c.every((b) => b instanceof Uint8Array && b.length <= CREDENTIAL_MOST);
    return isList && Number.isSafeInteger(at) && (at as number) >= 0 ? { is: 'credentials', at: at as number, c: c as Bytes[] } : null;
  }
  if (o['is'] !== 'group') return null;
  return isBytes(id, HASH) && isBytes(relayPk, SIGN_PK) && isBytes(tag, TAG) && isBytes(logSeed, SEED) && isBytes(kemSeed, SEED)
    ? { is: 'group', id: id as GroupId, relayPk: relayPk as RelayPk, tag: tag as MemberTag, logSeed, kemSeed }
    : null;
}

const isBytes = (v: unknown, size: number): v is Bytes => v instanceof Uint8Array && v.length === size;
