/**
 * The desk where an organisation vouches for its people (PROTOCOL §15.8): makes its key, answers requests with credentials, and says what
 * a file says. Runs on a computer of the organisation's; no relay has a part in it.
 */
import { CREDENTIAL_KINDS, type Credential, credentialBytes, type CredentialKind, credentialText, isLine, LIFE_MOST, LINE_MOST, readCredential, readOrganisation, readRequest, signCredential, signOrganisation } from '../crypto/credential';
import { fromText } from '../crypto/bytes';
import type { Bytes } from '../crypto/brand';
import { newOrganisation, openOrganisation, readOrganisationSecret } from '../crypto/organisation';
import { keyNumber } from '../crypto/passphrase';
import type { Random } from '../crypto/sodium';

/** What surrounds the desk. Paths are as the person typed them. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly random: Random;
  /** Null when there is no such file. */
  readonly read: (path: string) => string | null;
  /** Never over another file; false when it could not be written. `secret`: for nobody else's eyes. */
  readonly write: (path: string, text: string, secret: boolean) => boolean;
  /** Files here whose name ends so. */
  readonly ending: (end: string) => readonly string[];
  readonly say: (line: string) => void;
  /** A picture of a text, for a camera. */
  readonly picture: (text: string) => void;
  /** Answers to questions; null when nobody is there to ask. */
  readonly ask: (question: string) => Promise<string | null>;
  /** Typed without being shown, or from the file that was named; null when neither can be. */
  readonly passphrase: (question: string) => Promise<string | null>;
}

/** What went wrong, in words; null when it is done. */
export type Said = Promise<string | null>;

const DAY = 86_400_000;
const PASSPHRASE_LEAST = 12;
const SECRET_END = '.organisation-secret.txt';
const NO_PASSPHRASE = 'There is nobody to ask for the passphrase: put it into a file and name it with --passphrase-file.';

export async function makeOrganisation(s: Surroundings, name: string): Said {
  const said = lineFault('name', name);
  if (said !== null) return said;
  const passphrase = plain(await s.passphrase('A passphrase for the key, at least 12 letters: '));
  if (passphrase === null) return NO_PASSPHRASE;
  if (passphrase.length < PASSPHRASE_LEAST) return `The passphrase is too short: use at least ${PASSPHRASE_LEAST} letters, better five words.`;
  const again = plain(await s.passphrase('The same once more: '));
  if (again !== passphrase) return 'The two are not the same. Nothing was made.';
  const [secretPath, path] = [`${slug(name)}${SECRET_END}`, `${slug(name)}.organisation.txt`];
  for (const p of [secretPath, path]) if (s.read(p) !== null) return `${p} is there already. Nothing was made.`;
  const { keys, file } = await newOrganisation(name, passphrase, s.random);
  const text = credentialText('organisation', signOrganisation(keys, keys.sk));
  if (!s.write(secretPath, credentialText('organisation-secret', file), true) || !s.write(path, text, false)) return 'The files cannot be written here.';
  s.say(`Made the key of ${name}.`);
  s.say(`  ${secretPath}  keep it safe: whoever has it and its passphrase can vouch for anybody in your name`);
  s.say(`  ${path}  for everyone`);
  s.say('');
  s.say(`Its number: ${inFives(await keyNumber(keys.organisation))}`);
  s.say('Publish number and picture where people trust it to be yours: your website, a notice in the ward, your letters.');
  s.picture(text);
  return null;
}

export interface Issue {
  /** File of the organisation's key; undefined for the only one here. */
  readonly organisation: string | undefined;
  /** A file, or the text itself. */
  readonly request: string;
  /** Undefined for the name in the request. */
  readonly name: string | undefined;
  readonly role: string;
  /** Days as YYYY-MM-DD. */
  readonly expires: string;
  readonly from: string | undefined;
  /** The number that the clinician's screen shows; undefined to be asked. */
  readonly number: string | undefined;
  readonly out: string | undefined;
}

export async function issue(s: Surroundings, i: Issue): Said {
  const here = s.ending(SECRET_END);
  const secretPath = i.organisation ?? (here.length === 1 ? here[0] : undefined);
  if (secretPath === undefined) return here.length === 0 ? 'There is no key of an organisation here. Name its file with --organisation, or make one: new-organisation' : 'There are several keys here. Say which with --organisation FILE.';
  const secret = bytesOf(s, secretPath, 'organisation-secret');
  if (typeof secret === 'string') return secret;
  const found = bytesOf(s, i.request, 'credential-request');
  if (typeof found === 'string') return found;
  const request = readRequest(found);
  if (!request.ok) return 'The request was changed on its way, or is damaged. Ask for it once more.';
  const name = i.name ?? request.value.name;
  const said = lineFault('name', name) ?? lineFault('role', i.role);
  if (said !== null) return said;
  const times = timesOf(s.clock(), i.from, i.expires);
  if (typeof times === 'string') return times;

  const number = await keyNumber(request.value.person);
  if (i.number !== undefined && i.number.replace(/\D/g, '') !== number) return `This is not the number of the request. It is ${inFives(number)}: whoever asks must see the same on their own screen.`;
  if (i.number === undefined) {
    s.say(`${request.value.name} asks to be vouched for. The request has the number`);
    s.say(`  ${inFives(number)}`);
    const answer = await s.ask('Does their own screen show the same, and do you know that it is them? Type yes: ');
    if (answer === null) return 'Give the number that their screen shows with --number.';
    if (answer.trim().toLowerCase() !== 'yes') return 'Nothing was signed.';
  }
  const passphrase = plain(await s.passphrase('The passphrase of the key: '));
  if (passphrase === null) return NO_PASSPHRASE;
  const keys = await openOrganisation(secret, passphrase);
  if (!keys.ok) return keys.fault === 'wrong-passphrase' ? 'The passphrase is not right, or the file was changed.' : `${secretPath} is damaged.`;

  const credential: Credential = { organisation: keys.value.organisation, organisationName: keys.value.name, person: request.value.person, name, role: i.role, ...times };
  const text = credentialText('credential', signCredential(credential, keys.value.sk));
  const path = i.out ?? `${slug(name)}.credential.txt`;
  if (s.read(path) !== null) return `${path} is there already. Name another file with --out.`;
  if (!s.write(path, text, false)) return `${path} cannot be written.`;
  s.say(sayCredential(credential));
  s.say(`  ${path}  give it to ${name}: file, text or picture, it is no secret`);
  s.say('Nothing takes it back before it ends.');
  s.picture(text);
  return null;
}

/** What a file says, whatever of the four it is. */
export async function show(s: Surroundings, what: string): Said {
  const found = credentialBytes(s.read(what) ?? what);
  if (found === null) return `${what} is none of ours: a file here begins with “carefold:”.`;
  const { kind, bytes } = found;
  const forged = 'It was changed, or is damaged: believe nothing in it.';
  switch (kind) {
    case 'organisation': case 'organisation-secret': {
      const o = kind === 'organisation' ? readOrganisation(bytes) : readOrganisationSecret(bytes);
      if (!o.ok) return forged;
      s.say(`${kind === 'organisation' ? 'An organisation' : 'The sealed key of an organisation'}: ${o.value.name}`);
      s.say(`Number: ${inFives(await keyNumber(o.value.organisation))}`);
      return null;
    }
    case 'credential-request': {
      const q = readRequest(bytes);
      if (!q.ok) return forged;
      s.say(`A request of ${q.value.name}`);
      s.say(`Number: ${inFives(await keyNumber(q.value.person))}`);
      return null;
    }
    case 'credential': {
      const c = readCredential(bytes);
      if (!c.ok) return forged;
      s.say(sayCredential(c.value));
      s.say(s.clock() >= c.value.until ? 'It has ended.' : s.clock() < c.value.from ? 'It has not begun.' : 'It holds today.');
      s.say(`Number of the organisation: ${inFives(await keyNumber(c.value.organisation))}`);
      s.say(`Number of the person: ${inFives(await keyNumber(c.value.person))}`);
      return null;
    }
  }
}

const sayCredential = (c: Credential): string => `${c.organisationName} vouches for ${c.name}, ${c.role}, from ${dayOf(c.from)} to the end of ${dayOf(c.until - 1)}.`;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
const inFives = (number: string): string => (number.match(/.{5}/g) ?? []).join(' ');
/** As the app takes passphrases (PROTOCOL §16). */
const plain = (passphrase: string | null): string | null => (passphrase === null ? null : passphrase.normalize('NFKC').trim().replace(/\s+/gu, ' '));

function lineFault(what: 'name' | 'role', s: string): string | null {
  if (s.trim() === '') return `The ${what} is missing: --${what} "…"`;
  return isLine(s) && fromText(s).length <= LINE_MOST ? null : `The ${what} must be one line of at most ${LINE_MOST} bytes, without spaces at its ends.`;
}

/** The bytes of a file, or of the text itself; else what is wrong. */
function bytesOf(s: Surroundings, what: string, kind: CredentialKind): Bytes | string {
  const text = s.read(what) ?? (CREDENTIAL_KINDS.some((k) => what.startsWith(`carefold:${k}:`)) ? what : null);
  if (text === null) return `There is no file ${what}.`;
  const found = credentialBytes(text);
  return found?.kind === kind ? found.bytes : `${what.slice(0, 60)} is no ${kind === 'credential-request' ? 'request' : 'key of an organisation'}.`;
}

function timesOf(now: number, from: string | undefined, expires: string): { readonly from: number; readonly until: number } | string {
  const begin = from === undefined ? Math.floor(now / DAY) * DAY : dayAt(from);
  const last = dayAt(expires);
  if (begin === null || last === null) return `“${begin === null ? from : expires}” is no day. Write it as 2027-06-30.`;
  const until = last + DAY;
  if (until <= now || until <= begin) return `It would be over before it begins: ${expires}.`;
  if (until - begin > LIFE_MOST) return `That is too long: at most ${LIFE_MOST / DAY} days, so until ${dayOf(begin + LIFE_MOST - 1)}. Shorter is better, since nothing takes it back.`;
  return { from: begin, until };
}
function dayAt(day: string): number | null {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  return Number.isFinite(at) && at >= 0 && dayOf(at) === day ? at : null;
}

/** A name as a file's: plain small letters and hyphens. */
function slug(name: string): string {
  const s = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return s === '' ? 'carefold' : s.slice(0, 60);
}
