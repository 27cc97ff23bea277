/** A group from nothing (PROTOCOL §6.1): made offline, receipted when the relay is there. */
import type { Bytes, Hash, MemberTag } from '$crypto/brand';
import { sealDisplay } from '$crypto/display';
import { newEpochKeys } from '$crypto/epoch';
import { groupIdOf, signEntry } from '$crypto/roster/entry';
import type { Random } from '$crypto/sodium';
import { displayBytes, makeRotation } from './change';
import { deviceKeys, type GroupRow, type KeyringRow } from './group-rows';
import type { GroupKind, Profile } from './port';

export function newGroup(name: string, kind: GroupKind, profile: Profile, made: number, random: Random): { row: GroupRow; keyring: KeyringRow } {
  const seeds = { logSeed: random(32), kemSeed: random(32) };
  const k = deviceKeys(seeds);
  const tag = random(16) as MemberTag;
  const at = { prev: random(32) as Bytes as Hash, seq: 1 };
  const keys = newEpochKeys(random);
  const { rotation, boxes } = makeRotation(at, [{ logPk: k.logPk, kem: k.kemPk }], keys, random, () => []);
  const shown = { group: { name, kind }, person: { name: profile.name, role: profile.role, relationship: '' } };
  const display = sealDisplay(keys.roster, { ...at, author: k.logPk }, displayBytes(shown), random);
  const genesis = signEntry({ ...at, author: k.logPk, body: { kind: 'genesis', member: tag, kem: k.kemPk, rotation, display } }, k.logSk);
  return {
    row: { id: groupIdOf(genesis), ...seeds, tag, made, relayPk: null, incarnation: 0, unsent: { genesis, boxes }, ended: null },
    keyring: { epoch: 1, ...keys }
  };
}
