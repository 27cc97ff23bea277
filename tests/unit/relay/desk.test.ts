/** The desk where an organisation vouches for its people: as a process on real files, and its answers to what may go wrong. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { credentialBytes, credentialText, readCredential, readOrganisation, signRequest } from '../../../crypto/credential';
import { keyNumber } from '../../../crypto/passphrase';
import { personKeys } from '../../../crypto/person';
import { ready } from '../../../crypto/sodium';
import { type Issue, issue, makeOrganisation, show, type Surroundings } from '../../../relay/desk';
import { seeded } from '../../support/actor';

vi.mock('hash-wasm', async (real) => (await import('../../support/remembered')).remembered(await real()));

const program = fileURLToPath(new URL('../../../relay/credential.mjs', import.meta.url));
const NOW = Date.UTC(2026, 10, 23, 9);
const DAY = 86_400_000;
const WORDS = 'five quiet words of ours';
let folder: string;
beforeAll(async () => {
  await ready();
  folder = mkdtempSync(join(tmpdir(), 'carefold-desk-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lee = () => personKeys(new Uint8Array(32).fill(7));
const request = (): string => credentialText('credential-request', signRequest({ person: lee().pk, name: 'Lee Brandt' }, lee().sk));

function run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, INIT_CWD: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (b: Buffer) => (out += b.toString()));
    child.stderr.on('data', (b: Buffer) => (err += b.toString()));
    child.once('close', (code) => done({ code, out, err }));
  });
}

describe('the desk, run as people run it', () => {
  it('makes an organisation’s key, vouches for who has the number of the request, and says what it signed', async () => {
    writeFileSync(join(folder, 'words'), `${WORDS}\n`);
    writeFileSync(join(folder, 'lee.txt'), request());
    const [help, made] = await Promise.all([run('--help'), run('new-organisation', '--name', 'St Anna Hospital', '--passphrase-file', 'words')]);
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('new-organisation --name')]);
    expect(made).toMatchObject({ code: 0, err: '' });
    const number = /(\d{5} ){5}\d{5}/.exec(made.out)?.[0].replaceAll(' ', '');
    const file = (name: string) => credentialBytes(readFileSync(join(folder, name), 'utf8'))!;
    const organisation = readOrganisation(file('st-anna-hospital.organisation.txt').bytes);
    if (!organisation.ok) throw new Error(organisation.fault);
    expect(organisation.value.name).toBe('St Anna Hospital');
    expect(number).toBe(await keyNumber(organisation.value.organisation));
    expect(statSync(join(folder, 'st-anna-hospital.organisation-secret.txt')).mode & 0o077).toBe(0);

    const until = new Date(Date.now() + 90 * DAY).toISOString().slice(0, 10);
    const ask = ['issue', '--request', 'lee.txt', '--role', 'Ward nurse', '--expires', until, '--passphrase-file', 'words'];
    const [unasked, other] = await Promise.all([run(...ask), run(...ask, '--number', '1'.repeat(30))]);
    expect([unasked.code, unasked.err, other.code, other.err]).toEqual([1, expect.stringContaining('--number'), 1, expect.stringContaining('not the number of the request')]);
    expect(readdirSync(folder).filter((n) => n.endsWith('.credential.txt'))).toEqual([]);
    const done = await run(...ask, '--number', await keyNumber(lee().pk));
    expect(done).toMatchObject({ code: 0, err: '' });
    const credential = readCredential(file('lee-brandt.credential.txt').bytes);
    expect(credential).toMatchObject({ ok: true, value: { ...organisation.value, name: 'Lee Brandt', organisationName: 'St Anna Hospital', person: lee().pk, role: 'Ward nurse', until: Date.parse(until) + DAY } });
    const said = await run('show', 'lee-brandt.credential.txt');
    expect(said).toMatchObject({ code: 0, out: expect.stringContaining('St Anna Hospital vouches for Lee Brandt, Ward nurse') });
    expect(said.out).toContain('It holds today.');
  }, 60_000);
});

/** A desk on no disk. */
function desk(answers: { readonly yes?: string | null; readonly words?: readonly (string | null)[] } = {}) {
  const files = new Map<string, string>();
  const said: string[] = [];
  const words = [...(answers.words ?? [])];
  const around: Surroundings = {
    clock: () => NOW, random: seeded('desk'),
    read: (path) => files.get(path) ?? null,
    write: (path, text) => files.has(path) ? false : (files.set(path, text), true),
    ending: (end) => [...files.keys()].filter((f) => f.endsWith(end)),
    say: (line) => void said.push(line), picture: () => undefined,
    ask: () => Promise.resolve(answers.yes ?? null),
    passphrase: () => Promise.resolve(words.length > 0 ? (words.shift() as string | null) : WORDS)
  };
  return { around, files, said };
}
const asked: Issue = { organisation: undefined, request: 'lee.txt', name: undefined, role: 'Ward nurse', expires: '2027-06-30', from: undefined, number: undefined, out: undefined };

describe('the desk', () => {
  it('makes no key with a weak or mistyped passphrase, over another’s file, or under a name that is no line', async () => {
    expect(await makeOrganisation(desk({ words: ['short'] }).around, 'Anna')).toContain('too short');
    expect(await makeOrganisation(desk({ words: [WORDS, 'five quiet words of hers'] }).around, 'Anna')).toContain('not the same');
    expect(await makeOrganisation(desk({ words: [null] }).around, 'Anna')).toContain('--passphrase-file');
    expect(await makeOrganisation(desk().around, ' ')).toContain('name is missing');
    expect(await makeOrganisation(desk().around, 'Anna\u202e')).toContain('one line');
    const d = desk();
    expect(await makeOrganisation(d.around, 'Ánna & Söhne')).toBe(null);
    expect([...d.files.keys()].sort()).toEqual(['anna-sohne.organisation-secret.txt', 'anna-sohne.organisation.txt']);
    expect(await makeOrganisation(d.around, 'Anna Sohne')).toContain('is there already');
  });

  it('signs nothing for a request that is broken, unless somebody compared its number, nor with a wrong passphrase', async () => {
    const at = async (answers: Parameters<typeof desk>[0], more: Partial<Issue> = {}, text = request()) => {
      const d = desk({ ...answers, words: [WORDS, WORDS, ...(answers?.words ?? [])] });
      await makeOrganisation(d.around, 'Anna');
      d.files.set('lee.txt', text);
      const fault = await issue(d.around, { ...asked, ...more });
      return { fault, signed: [...d.files.keys()].filter((f) => f.endsWith('.credential.txt') || f === 'here.txt'), said: d.said };
    };
    expect(await at({ yes: 'yes' })).toMatchObject({ fault: null, signed: ['lee-brandt.credential.txt'] });
    expect(await at({ yes: 'yes' }, { name: 'Lea B.', out: 'here.txt', request: request() })).toMatchObject({ fault: null, signed: ['here.txt'] });
    expect(await at({ yes: 'no' })).toMatchObject({ fault: 'Nothing was signed.', signed: [] });
    expect(await at({ yes: 'yes', words: ['five quiet words of hers'] })).toMatchObject({ fault: expect.stringContaining('not right'), signed: [] });
    expect(await at({ yes: 'yes' }, {}, request().replace(/.$/, (c) => (c === 'A' ? 'Q' : 'A')))).toMatchObject({ fault: expect.stringContaining('changed on its way'), signed: [] });
    expect(await at({ yes: 'yes' }, {}, 'Dear desk')).toMatchObject({ fault: expect.stringContaining('no request'), signed: [] });
    expect(await at({ yes: 'yes' }, { request: 'nowhere.txt' })).toMatchObject({ fault: 'There is no file nowhere.txt.' });
    expect(await at({ yes: 'yes' }, { role: '' })).toMatchObject({ fault: expect.stringContaining('role is missing'), signed: [] });
    for (const [expires, why] of [['2027-02-30', 'no day'], ['soon', 'no day'], ['2026-11-22', 'over before it begins'], ['2028-01-01', 'at most 400 days, so until 2027-12-27']] as const)
      expect(await at({ yes: 'yes' }, { expires })).toMatchObject({ fault: expect.stringContaining(why), signed: [] });
    expect(await at({ yes: 'yes' }, { expires: '2027-12-27' })).toMatchObject({ fault: null });
    const none = desk({ yes: 'yes' });
    none.files.set('lee.txt', request());
    expect(await issue(none.around, asked)).toContain('There is no key');
  });

  it('says what a file is, and believes none that was changed', async () => {
    const d = desk();
    await makeOrganisation(d.around, 'Anna');
    for (const [file, words] of [['anna.organisation.txt', 'An organisation: Anna'], ['anna.organisation-secret.txt', 'The sealed key of an organisation: Anna']] as const) {
      expect(await show(d.around, file)).toBe(null);
      expect(d.said.join('\n')).toContain(words);
    }
    expect(await show(d.around, request())).toBe(null);
    expect(d.said.join('\n')).toContain('A request of Lee Brandt');
    const text = d.files.get('anna.organisation.txt') as string;
    expect(await show(d.around, text.replace(/.$/, (c) => (c === 'A' ? 'Q' : 'A')))).toContain('believe nothing');
    expect(await show(d.around, 'a letter')).toContain('none of ours');
  });
});
