import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, OrganisationPk, PersonPk } from '$crypto/brand';
import { CREDENTIAL_MOST, LIFE_MOST, LINE_MOST, signCredential } from '$crypto/credential';
import { LIMIT } from '$crypto/limits';
import { encodeMeet, LINK_SECRET, meetKeys, sealMeet, sealWords } from '$crypto/linking';
import { kemPair } from '$crypto/lockbox';
import { sealItem, phraseKeys, newPhrase } from '$crypto/phrase';
import { ready, type Random } from '$crypto/sodium';
import { signPair } from '$crypto/verify';
import { CREDENTIALS_MOST } from '$lib/care/record';
import { encodeLinkWords, GROUPS_IN_PART, type LinkWords, type OfferedGroup, ORGANISATIONS_IN_PART, parseLinkWords } from '$lib/core/link-words';
import { pack } from '$lib/core/pack';
import { parseVaultItem } from '$lib/core/vault-item';
import { seeded } from '../../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('link words');
});
type Part = Extract<LinkWords, { is: 'part' }>;
const LONG = '\u{1f9fb}'.repeat(LINE_MOST / 4);
const bare: Part = { is: 'part', person: null, groups: [], last: true };
const organisations = () => Array.from({ length: ORGANISATIONS_IN_PART }, () => ({ organisation: random(32) as Bytes as OrganisationPk, name: LONG, at: Number.MAX_SAFE_INTEGER }));
/** As long as one may be. */
function credential(): Bytes {
  const { pk, sk } = signPair(random(32));
  const until = Number.MAX_SAFE_INTEGER;
  return signCredential({ organisation: pk as Bytes as OrganisationPk, organisationName: LONG, person: random(32) as Bytes as PersonPk, name: LONG, role: LONG, from: until - LIFE_MOST, until }, sk);
}
const credentials = () => ({ at: Number.MAX_SAFE_INTEGER, c: Array.from({ length: CREDENTIALS_MOST }, credential) });

describe('what a device is told when it is linked', () => {
  it('fits into one item of a meeting, however long it is', () => {
    const groups = Array.from({ length: GROUPS_IN_PART }, () => ({ id: random(32), relayPk: random(32), tag: random(16), adder: random(32), recovery: random(32) })) as unknown as OfferedGroup[];
    const phrase = { id: random(32), sk: random(64), kem: kemPair(random(32)).pk } as never;
    const person = { name: LONG.slice(0, 120), role: 'clinician', seed: random(32), device: random(16), deviceName: LONG.slice(0, 120), phrase } as const;
    const keys = meetKeys(random(LINK_SECRET));
    for (const part of [{ ...bare, person, groups }, { ...bare, credentials: credentials() }, { ...bare, organisations: organisations() }] satisfies Part[]) {
      const plain = encodeLinkWords(part);
      expect(parseLinkWords(plain)).toEqual(part);
      const sealed = sealWords(random(32), keys.id, 40, 'live', plain, random);
      expect(sealMeet(keys, 40, 'live', encodeMeet({ is: 'sealed', sealed }), random).length).toBeLessThanOrEqual(LIMIT.item);
    }
  });
  it('loses no group by credentials or organisations that do not read', () => {
    const said = { at: 1, c: [random(10)] };
    const one = { organisation: random(32), name: 'St Anna', at: 1 };
    for (const more of [
      { credentials: 7 }, { credentials: { ...said, at: -1 } }, { credentials: { ...said, c: [random(CREDENTIAL_MOST + 1)] } }, { credentials: { ...said, c: Array(CREDENTIALS_MOST + 1).fill(random(1)) } },
      { organisations: [{ ...one, name: 'two\nlines' }] }, { organisations: [{ ...one, name: '' }] }, { organisations: [{ ...one, organisation: random(31) }] }, { organisations: Array(ORGANISATIONS_IN_PART + 1).fill(one) }
    ]) expect(parseLinkWords(pack({ ...bare, ...more }))).toEqual(bare);
    expect(parseLinkWords(pack({ ...bare, credentials: said, organisations: [one], more: 1 }))).toEqual({ ...bare, credentials: said, organisations: [one] });
  });
  it('goes into the personal vault as well, as far as organisations signed it', () => {
    const item = { is: 'credentials', ...credentials() } as const;
    expect(parseVaultItem(pack({ ...item, more: 1 }))).toEqual(item);
    const { id, kem } = phraseKeys(newPhrase(random));
    expect(sealItem({ id, kem: kem.pk }, pack(item), random).length).toBeLessThanOrEqual(LIMIT.item);
    for (const bad of [{ at: -1 }, { at: 1.5 }, { at: '1' }, { c: 'c' }, { c: ['c'] }, { c: [random(CREDENTIAL_MOST + 1)] }, { c: Array(CREDENTIALS_MOST + 1).fill(random(1)) }]) expect(parseVaultItem(pack({ ...item, ...bad }))).toBeNull();
  });
});
