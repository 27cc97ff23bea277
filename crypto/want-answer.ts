/** Answers to wants (PROTOCOL §10.1): keys sealed to the device that asked, for that want alone. They count only once they match their commitments. */
import type { Bytes, GroupId, Hash, KemPk, LogPk } from './brand';
import { concat } from './bytes';
import { LABEL } from './labels';
import { decodeKeyring, encodeKeyring, type KemPair, type KeyringItem, openFrom, sealTo } from './lockbox';
import type { Result } from './result';
import type { Random } from './sodium';

const place = (group: GroupId, want: Hash, to: LogPk) => ({ label: LABEL.wantKey, place: concat(group, want, to) });

/** Keys for the want with hash `want` of device `to`, ascending by epoch. */
export const sealKeys = (group: GroupId, want: Hash, to: { readonly logPk: LogPk; readonly kem: KemPk }, keyring: readonly KeyringItem[], random: Random): Bytes =>
  sealTo(to.kem, place(group, want, to.logPk), encodeKeyring(keyring), random);

export function openKeys(group: GroupId, want: Hash, to: { readonly logPk: LogPk; readonly kem: KemPair }, sealed: Bytes): Result<KeyringItem[], 'unreadable'> {
  const opened = openFrom(to.kem, place(group, want, to.logPk), sealed);
  return opened.ok ? decodeKeyring(opened.value) : opened;
}
