/**
 * Recognition (PROTOCOL §15.6): a person's own key, the same in all their groups, from the seed that their devices share. It says who is
 * who and nothing else: no device, no entry and no key hangs on it.
 */
import type { Bytes, GroupId, MemberTag, PersonPk } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { sign, signPair, verify } from './verify';

export interface PersonKeys { readonly pk: PersonPk; readonly sk: Bytes }

/** From the 32 bytes that a person's devices share. */
export function personKeys(seed: Bytes): PersonKeys {
  const pair = signPair(hash(LABEL.personSign, seed));
  return { pk: pair.pk as PersonPk, sk: pair.sk };
}

/** 64 bytes: this person is that member of that group. Said in the member's own lane, so that both keys have agreed to it. */
export const signPerson = (keys: PersonKeys, group: GroupId, tag: MemberTag): Bytes => sign(LABEL.person, concat(group, tag), keys.sk);

/** False for whatever another person, group or member was signed for. */
export const isPerson = (pk: PersonPk, group: GroupId, tag: MemberTag, signature: Bytes): boolean => verify(LABEL.person, concat(group, tag), signature, pk);
