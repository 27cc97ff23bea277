import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, OrganisationPk } from '$crypto/brand';
import { type Credential, credentialBytes, credentialText, isLine, LIFE_MOST, readCredential, readOrganisation, readRequest, signCredential, signOrganisation, signRequest } from '$crypto/credential';
import { newOrganisation, openOrganisation } from '$crypto/organisation';
import { personKeys } from '$crypto/person';
import { ready } from '$crypto/sodium';
import { signPair } from '$crypto/verify';
import { seeded } from '../../support/actor';

beforeAll(ready);
const bytes = (fill: number): Bytes => new Uint8Array(32).fill(fill);
const anna = () => {
  const pair = signPair(bytes(1));
  return { organisation: pair.pk as Bytes as OrganisationPk, name: 'St Anna Hospital', sk: pair.sk };
};
const credential = (more: Partial<Credential> = {}): Credential => ({
  organisation: anna().organisation, organisationName: 'St Anna Hospital', person: personKeys(bytes(2)).pk, name: 'Lee Brandt', role: 'Ward nurse', from: 1_000, until: 2_000, ...more
});

describe('a credential', () => {
  it('says whom, as what and until when, and any bit of it that is changed makes it say nothing', () => {
    const signed = signCredential(credential(), anna().sk);
    expect(readCredential(signed)).toEqual({ ok: true, value: credential() });
    for (let bit = 0; bit < 8 * signed.length; bit += 7) {
      const changed = signed.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(readCredential(changed).ok).toBe(false);
    }
    expect(readCredential(signed.slice(0, -1)).ok).toBe(false);
  });

  it('counts only with the signature of the organisation it names', () => {
    const other = signPair(bytes(9));
    expect(readCredential(signCredential(credential(), other.sk))).toEqual({ ok: false, fault: 'forged' });
    expect(readCredential(signCredential(credential({ organisation: other.pk as Bytes as OrganisationPk }), other.sk)).ok).toBe(true);
  });

  it('lasts 400 days at most, and not less than nothing', () => {
    const of = (from: number, until: number) => readCredential(signCredential(credential({ from, until }), anna().sk)).ok;
    expect([of(5, 5 + LIFE_MOST), of(5, 6 + LIFE_MOST), of(5, 5), of(5, 4)]).toEqual([true, false, false, false]);
  });

  it('holds lines that show as they are: no hidden letters, none that turn the others around', () => {
    expect(['Lee', 'Dr Åsa Ñúñez', '看護師', 'نرس', 'a'].map(isLine)).toEqual([true, true, true, true, true]);
    expect(['', ' Lee', 'Lee ', 'Lee\n', 'Lee\u202eeel', '\u2066Lee', 'Lee\u0000', 'a\u0085b'].map(isLine)).toEqual(Array<boolean>(8).fill(false));
    for (const name of ['', 'Lee\u202e', 'é'.repeat(241)]) expect(readCredential(signCredential(credential({ name }), anna().sk))).toEqual({ ok: false, fault: 'malformed' });
    expect(readCredential(signCredential(credential({ role: 'é'.repeat(240) }), anna().sk)).ok).toBe(true);
  });

  it('is not made of a request or an organisation’s name, whose signatures are about something else', () => {
    const lee = personKeys(bytes(2));
    const [o, q] = [signOrganisation(anna(), anna().sk), signRequest({ person: lee.pk, name: 'Lee' }, lee.sk)];
    expect(readOrganisation(o)).toEqual({ ok: true, value: { organisation: anna().organisation, name: 'St Anna Hospital' } });
    expect(readRequest(q)).toEqual({ ok: true, value: { person: lee.pk, name: 'Lee' } });
    // the same fields, and another label
    expect(readRequest(o)).toEqual({ ok: false, fault: 'forged' });
    expect(readOrganisation(q)).toEqual({ ok: false, fault: 'forged' });
    expect([readCredential(o).ok, readCredential(q).ok]).toEqual([false, false]);
  });

  it('is read as text whatever a letter did to its lines, and nothing else is', () => {
    const b = signCredential(credential(), anna().sk);
    const text = credentialText('credential', b);
    expect(text).toMatch(/^carefold:credential:1:[A-Za-z0-9_-]+$/);
    expect(credentialBytes(`\ufeff ${text.slice(0, 40)}\r\n\t${text.slice(40)} \n`)).toEqual({ kind: 'credential', bytes: b });
    for (const t of ['', text.slice(1), `${text}=`, `${text} and more.`, text.replace('credential', 'credentials'), text.replace(':1:', ':2:'), text + ' '.repeat(9_000)]) expect(credentialBytes(t)).toBe(null);
  });
});

describe('an organisation’s key', () => {
  const light = { memory: 64, passes: 1, lanes: 1 };
  it('comes back from its file with its passphrase, and with nothing else or anything changed it does not', async () => {
    const { keys, file } = await newOrganisation('St Anna Hospital', 'five quiet words of ours', seeded('organisation'), light);
    expect(await openOrganisation(file, 'five quiet words of ours')).toEqual({ ok: true, value: keys });
    expect(await openOrganisation(file, 'five quiet words of hers')).toEqual({ ok: false, fault: 'wrong-passphrase' });
    for (const at of [0, 5, 40, file.length - 90, file.length - 1]) {
      const changed = file.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect((await openOrganisation(changed, 'five quiet words of ours')).ok).toBe(false);
    }
    expect(Buffer.from(file).includes(Buffer.from(keys.sk.subarray(0, 32)))).toBe(false);
  });
});
