/** Commands about organisations: asking one to vouch for oneself, showing what it says, and choosing whom to believe. */
import type { Bytes } from '$crypto/brand';
import { equal, fromText, hex } from '$crypto/bytes';
import { type Credential, credentialBytes, credentialText, isLine, LINE_MOST, type Organisation, readCredential, readOrganisation, signRequest } from '$crypto/credential';
import { keyNumber } from '$crypto/passphrase';
import { personKeys } from '$crypto/person';
import { type Handlers, no, yes } from './commands-kit';
import type { Core } from './core';
import type { CredentialView, Fault } from './port';

type Name = 'ask-organisation' | 'read-credential' | 'add-credential' | 'drop-credential' | 'read-organisation' | 'trust-organisation' | 'distrust-organisation';
type Read = { readonly bytes: Bytes; readonly credential: Credential };

export function credentialCommands(core: Core): Pick<Handlers, Name> {
  /** What was read since unlocking, by organisation: what is trusted is what was shown. */
  const shown = new Map<string, { readonly organisation: Organisation; readonly number: string }>();

  /** A credential that organisations signed for this person and that has not ended. */
  const own = (text: string): Read | Fault => {
    const found = credentialBytes(text);
    const read = found?.kind === 'credential' ? readCredential(found.bytes) : null;
    if (found === null || read === null || !read.ok || core.person === null) return 'bad-credential';
    if (!equal(read.value.person, personKeys(core.person.seed).pk)) return 'not-yours';
    return read.value.until <= core.ports.clock() ? 'ended' : { bytes: found.bytes, credential: read.value };
  };
  const view = (c: Credential): CredentialView => core.organisations.shown(c);

  return {
    async 'ask-organisation'() {
      if (core.person === null) return no('not-found');
      const keys = personKeys(core.person.seed);
      const text = credentialText('credential-request', signRequest({ person: keys.pk, name: asLine(core.profile.name) }, keys.sk));
      return yes({ text, number: await keyNumber(keys.pk) });
    },
    'read-credential'({ text }) {
      const read = own(text);
      return Promise.resolve(typeof read === 'string' ? no(read) : yes(view(read.credential)));
    },
    async 'add-credential'({ text }) {
      const read = own(text);
      if (typeof read === 'string') return no(read);
      return (await core.credentials.add(read.bytes, read.credential)) ? yes(null) : no('too-many');
    },
    async 'drop-credential'({ organisation }) {
      await core.credentials.drop(organisation);
      return yes(null);
    },
    async 'read-organisation'(input) {
      const found = 'text' in input ? ofText(input.text) : ofMember(core, input);
      if (found === null) return no('bad-organisation');
      const number = await keyNumber(found.organisation);
      shown.set(hex(found.organisation), { organisation: found, number });
      return yes({ organisation: hex(found.organisation), name: found.name, number });
    },
    async 'trust-organisation'({ organisation, number }) {
      const read = shown.get(organisation);
      if (read === undefined || read.number !== number) return no('not-allowed');
      await core.organisations.trust(read.organisation, core.ports.clock());
      core.vouchingChanged();
      return yes(null);
    },
    async 'distrust-organisation'({ organisation }) {
      await core.organisations.distrust(organisation);
      core.vouchingChanged();
      return yes(null);
    }
  };
}

/** Its own signature gives the key its name. */
function ofText(text: string): Organisation | null {
  const found = credentialBytes(text);
  if (found?.kind !== 'organisation') return null;
  const read = readOrganisation(found.bytes);
  return read.ok ? read.value : null;
}
/** So does the one under a credential. */
function ofMember(core: Core, at: { readonly group: string; readonly member: string; readonly organisation: string }): Organisation | null {
  const run = core.groups.get(at.group);
  for (const c of run?.feed.index.credentials?.[at.member]?.c ?? []) {
    const read = core.organisations.check(c);
    if (read !== null && hex(read.organisation) === at.organisation) return { organisation: read.organisation, name: read.organisationName };
  }
  return null;
}

/** A name as it may stand in a request: what cannot be shown on one line is left out. */
function asLine(name: string): string {
  let s = [...name].filter((c) => isLine(`x${c}x`)).join('').trim();
  while (fromText(s).length > LINE_MOST) s = [...s].slice(0, -1).join('').trim();
  return s === '' ? '–' : s;
}
