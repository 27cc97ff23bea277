/**
 * What an organisation vouches for (PROTOCOL §15.8): texts that people pass on as files, pictures or letters. A clinician asks for their
 * person key; the organisation signs for that key, a name and a role, for a time. No right hangs on any of it.
 */
import type { Bytes, OrganisationPk, PersonPk } from './brand';
import { base64url, concat, unbase64url } from './bytes';
import { LABEL } from './labels';
import { type Malformed, decode, type Reader, Writer } from './wire';
import { err, ok, type Result } from './result';
import { SIGN_PK, SIGNATURE, sign, verify } from './verify';

const VERSION = 1;
/** Bytes of a name or a role. */
export const LINE_MOST = 480;
/** No credential is as many bytes: body, three lines as long as they may be, signature. */
export const CREDENTIAL_MOST = 1_600;
/** Milliseconds from its beginning to its end: nothing takes a credential back but its end. */
export const LIFE_MOST = 400 * 86_400_000;
/** Letters of a whole text, spaces included. */
const TEXT_MOST = 8_192;

/** Who an organisation says it is. */
export interface Organisation { readonly organisation: OrganisationPk; readonly name: string }
/** Whom a clinician asks to be vouched for as. */
export interface CredentialRequest { readonly person: PersonPk; readonly name: string }
export interface Credential {
  readonly organisation: OrganisationPk;
  readonly organisationName: string;
  readonly person: PersonPk;
  /** As the organisation knows the person, whatever they call themselves. */
  readonly name: string;
  readonly role: string;
  /** Milliseconds since 1970; `until` is the first at which it holds no more. */
  readonly from: number;
  readonly until: number;
}

/** `malformed`: no such text. `forged`: one that the key in it did not sign. */
export type CredentialFault = Malformed | 'forged';

/** What people pass on begins so, and goes on in URL-safe base64. */
export const CREDENTIAL_KINDS = ['organisation', 'credential-request', 'credential', 'organisation-secret'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** Whether a name or a role is one line that shows as it is: no control characters, nothing that turns the direction of letters around. */
export const isLine = (s: string): boolean => s !== '' && !s.startsWith(' ') && !s.endsWith(' ') && !UNSEEN.test(s);
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

const line = (r: Reader): string => {
  const s = r.text(LINE_MOST);
  return isLine(s) ? s : r.fail();
};
const version = (r: Reader): void => {
  if (r.u8() !== VERSION) r.fail();
};

const organisationBody = (o: Organisation): Bytes => new Writer().u8(VERSION).fixed(o.organisation).text(o.name).done();
const requestBody = (q: CredentialRequest): Bytes => new Writer().u8(VERSION).fixed(q.person).text(q.name).done();
const credentialBody = (c: Credential): Bytes =>
  new Writer().u8(VERSION).fixed(c.organisation).text(c.organisationName).fixed(c.person).text(c.name).text(c.role).num(c.from).num(c.until).done();

/** By the organisation itself: nobody else gives its key a name. */
export const signOrganisation = (o: Organisation, secret: Bytes): Bytes => signed(LABEL.organisation, organisationBody(o), secret);
export const readOrganisation = (b: Bytes): Result<Organisation, CredentialFault> =>
  read(b, LABEL.organisation, (r) => {
    version(r);
    const organisation = r.fixed<OrganisationPk>(SIGN_PK);
    return { value: { organisation, name: line(r) }, by: organisation };
  });

/** By the person key: nobody asks in the name of a key that is not theirs. */
export const signRequest = (q: CredentialRequest, secret: Bytes): Bytes => signed(LABEL.credentialRequest, requestBody(q), secret);
export const readRequest = (b: Bytes): Result<CredentialRequest, CredentialFault> =>
  read(b, LABEL.credentialRequest, (r) => {
    version(r);
    const person = r.fixed<PersonPk>(SIGN_PK);
    return { value: { person, name: line(r) }, by: person };
  });

export const signCredential = (c: Credential, secret: Bytes): Bytes => signed(LABEL.credential, credentialBody(c), secret);
/** Says nothing about time: whether it holds now, a clock says, and only for showing. */
export const readCredential = (b: Bytes): Result<Credential, CredentialFault> =>
  read(b, LABEL.credential, (r) => {
    version(r);
    const organisation = r.fixed<OrganisationPk>(SIGN_PK);
    const organisationName = line(r);
    const person = r.fixed<PersonPk>(SIGN_PK);
    const value = { organisation, organisationName, person, name: line(r), role: line(r), from: r.num(), until: r.num() };
    if (value.until <= value.from || value.until - value.from > LIFE_MOST) r.fail();
    return { value, by: organisation };
  });

const signed = (label: Bytes, body: Bytes, secret: Bytes): Bytes => concat(body, sign(label, body, secret));

function read<T>(b: Bytes, label: Bytes, body: (r: Reader) => { readonly value: T; readonly by: Bytes }): Result<T, CredentialFault> {
  const whole = decode(b, (r) => ({ ...body(r), signature: r.fixed(SIGNATURE) }));
  if (!whole.ok) return whole;
  const { value, by, signature } = whole.value;
  return verify(label, b.subarray(0, b.length - SIGNATURE), signature, by) ? ok(value) : err('forged');
}

export const credentialText = (kind: CredentialKind, b: Bytes): string => `carefold:${kind}:1:${base64url(b)}`;

/** The bytes of a text however it was passed on: letters break lines and put spaces in. Null when it is none of these. */
export function credentialBytes(text: string): { readonly kind: CredentialKind; readonly bytes: Bytes } | null {
  if (text.length > TEXT_MOST) return null;
  const whole = text.replace(/[\s\ufeff]+/gu, '');
  for (const kind of CREDENTIAL_KINDS) {
    const begin = `carefold:${kind}:1:`;
    const bytes = whole.startsWith(begin) ? unbase64url(whole.slice(begin.length)) : null;
    if (bytes !== null) return { kind, bytes };
  }
  return null;
}
