/** What a device calls itself in its own log (PROTOCOL §15.5): sealed under a seed that one person's devices share, bound to its log. */
import type { Bytes, GroupId, LogPk } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';

const NONCE = 24;

const keyOf = (seed: Bytes): Bytes => hash(LABEL.deviceKey, seed);

function seal(label: Bytes, seed: Bytes, group: GroupId, logPk: LogPk, plain: Bytes, random: Random): Bytes {
  const nonce = random(NONCE);
  return concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plain), concat(label, group, logPk), null, nonce, keyOf(seed)));
}
function open(label: Bytes, seed: Bytes, group: GroupId, logPk: LogPk, sealed: Bytes): Result<Bytes, 'unreadable'> {
  try {
    const plain = unpad(na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(NONCE), concat(label, group, logPk), sealed.slice(0, NONCE), keyOf(seed)) as Bytes);
    return plain === null ? err('unreadable') : ok(plain);
  } catch {
    return err('unreadable');
  }
}

export const sealDeviceName = (seed: Bytes, group: GroupId, logPk: LogPk, plain: Bytes, random: Random): Bytes => seal(LABEL.deviceName, seed, group, logPk, plain, random);
export const openDeviceName = (seed: Bytes, group: GroupId, logPk: LogPk, sealed: Bytes): Result<Bytes, 'unreadable'> => open(LABEL.deviceName, seed, group, logPk, sealed);

/** What devices of one person say to each other in their logs about groups that came later (PROTOCOL §15.7). */
export const sealDeviceShare = (seed: Bytes, group: GroupId, logPk: LogPk, plain: Bytes, random: Random): Bytes => seal(LABEL.deviceShare, seed, group, logPk, plain, random);
export const openDeviceShare = (seed: Bytes, group: GroupId, logPk: LogPk, sealed: Bytes): Result<Bytes, 'unreadable'> => open(LABEL.deviceShare, seed, group, logPk, sealed);
