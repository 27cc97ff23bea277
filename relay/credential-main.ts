/** `npm run credential`: composition root of the desk where an organisation vouches for its people. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { renderUnicodeCompact } from 'uqr';
import { systemRandom, ready } from '../crypto/sodium';
import { issue, makeOrganisation, type Said, show, type Surroundings } from './desk';

const HELP = `An organisation vouches for its clinicians, so that people in their groups read “Verified by …”.

  npm run credential -- new-organisation --name "St Anna Hospital"
      makes the organisation's key, under a passphrase, and the file that everyone may have

  npm run credential -- issue --request FILE --role "Ward nurse" --expires 2027-06-30
      answers what a clinician's app asked for (You, “Your organisation”) with a credential
      --request       the clinician's file, or its text
      --name          their name as you know it; else as they wrote it
      --role          what they are with you
      --expires       its last day (UTC); at most 400 days, since nothing takes it back before
      --from          its first day; else today
      --number        the number their own screen shows; else you are asked to compare it
      --organisation  the file of your key; else the only one here
      --out           the file to write; else one named after them

  npm run credential -- show FILE
      says what a file says, and whether it is sound

  --passphrase-file FILE   the passphrase of the key, for a computer with nobody to ask
`;

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
/** npm runs scripts in the project's folder; files are where the person stands. */
const at = (path: string): string => resolve(process.env['INIT_CWD'] ?? process.cwd(), path);

function read(path: string): string | null {
  try {
    return readFileSync(at(path), 'utf8');
  } catch {
    return null;
  }
}

/** Null when nobody sits there. */
function ask(question: string, hidden: boolean): Promise<string | null> {
  if (!process.stdin.isTTY) return Promise.resolve(null);
  process.stdout.write(question);
  const swallow = new Writable({ write: (_, __, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden ? swallow : process.stdout, terminal: true });
  return new Promise((done) => {
    lines.once('close', () => done(null));
    lines.once('line', (line) => {
      done(line);
      lines.close();
      if (hidden) process.stdout.write('\n');
    });
  });
}

const OPTION = { type: 'string' } as const;
function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { name: OPTION, request: OPTION, role: OPTION, expires: OPTION, from: OPTION, number: OPTION, organisation: OPTION, out: OPTION, 'passphrase-file': OPTION, help: { type: 'boolean', short: 'h' } }
    });
  } catch (e) {
    return fail(`${e instanceof Error ? e.message : 'Unknown option.'}\nSee npm run credential -- --help`);
  }
}
const { values: v, positionals: said } = parsed();
const passphraseFile = v['passphrase-file'];

const around: Surroundings = {
  clock: Date.now,
  random: systemRandom,
  read,
  write: (path, text, secret) => {
    try {
      writeFileSync(at(path), `${text}\n`, { flag: 'wx', mode: secret ? 0o600 : 0o644 });
      return true;
    } catch {
      return false;
    }
  },
  ending: (end) => readdirSync(at('.')).filter((name) => name.endsWith(end)),
  say: (line) => void process.stdout.write(`${line}\n`),
  picture: (text) => void (process.stdout.isTTY && process.stdout.write(`\n${renderUnicodeCompact(text, { border: 2 })}\n`)),
  ask: (question) => ask(question, false),
  passphrase: (question) => (passphraseFile === undefined ? ask(question, true) : Promise.resolve(read(passphraseFile) ?? fail(`There is no file ${passphraseFile}.`)))
};

function run(): Said {
  const [what, file] = said;
  if (what === 'new-organisation' && said.length === 1) return v.name === undefined ? fail('Say its name: new-organisation --name "St Anna Hospital"') : makeOrganisation(around, v.name);
  if (what === 'show' && file !== undefined && said.length === 2) return show(around, file);
  if (what === 'issue' && said.length === 1) {
    const { request, role, expires } = v;
    if (request === undefined || role === undefined || expires === undefined) return fail(`Say --${request === undefined ? 'request' : role === undefined ? 'role' : 'expires'} too. See npm run credential -- --help`);
    return issue(around, { request, role, expires, name: v.name, from: v.from, number: v.number, organisation: v.organisation, out: v.out });
  }
  return fail('Say what: new-organisation, issue or show. See npm run credential -- --help');
}

if (v.help === true) process.stdout.write(HELP);
else {
  await ready();
  const fault = await run();
  if (fault !== null) fail(fault);
}
