/** `npm start -- admin …`: composition root of what an operator asks a store, and tells it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ready, systemRandom } from '../crypto/sodium';
import { adminPermit } from './admin-permit';
import { adminQuota } from './admin-quota';
import { type Config, configOf } from './config';
import { newKey } from './keys';
import { newLife } from './new-life';
import { open } from './open';
import { leaveToOwner } from './owner';
import { createRelay } from './relay';
import { holdAlone, IN_USE } from './sqlite';
import { statsOf } from './stats';

/** Each returns the line to print, and throws in words. */
const COMMANDS: Readonly<Record<string, (c: Config, args: readonly string[]) => Promise<string>>> = {
  stats: async (c) => JSON.stringify(await statsOf(c)),
  quota: adminQuota,
  permit: async (c, args) => {
    await ready();
    return adminPermit(c, args, Date.now(), systemRandom);
  },
  purge,
  'new-life': begin,
  'new-key': async (c) => {
    await ready();
    return `relay.key is another key; the one before is relay.key.${await alone(c.folder, () => newKey(c.folder, systemRandom))}. Start the relay again, and keep both.`;
  }
};

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const why = (e: unknown): string => (e instanceof Error ? e.message || e.name : 'unknown');

async function purge(c: Config): Promise<string> {
  await ready();
  const clock = (): number => Date.now();
  const { keys, log, blobs, hints, tombs, close } = await open(c, systemRandom, clock, setImmediate, {
    broken: () => fail('The store ended by itself. Start again: what was begun goes on.'),
    trouble: (words) => void process.stderr.write(`The store did not keep a change: ${words}.\n`),
    hints: () => undefined
  }).catch((e: unknown) => fail(`The store cannot be opened: ${why(e)}. A relay that runs purges by itself every hour; to purge now, stop it first.`));
  const purged = await createRelay({ log, keys, clock, random: systemRandom, hints }).purge(blobs, tombs);
  await close();
  return JSON.stringify(purged);
}

async function begin(c: Config): Promise<string> {
  const { folder, postgres } = c;
  if (postgres === null) return fail('A new life is begun by hand only in PostgreSQL: npm start -- restore FILE does it for a store in this folder.');
  await ready();
  return `The store’s life is ${await alone(folder, () => newLife(folder, postgres, Date.now(), systemRandom))}. Start the relays: devices bring what is newer.`;
}

/** What `f` comes to while no relay can use the folder. */
async function alone<T>(folder: string, f: () => T | Promise<T>): Promise<T> {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}.`);
  let lock: ReturnType<typeof holdAlone>;
  try {
    lock = holdAlone(join(folder, 'relay.db.lock'));
  } catch {
    return fail(IN_USE);
  }
  try {
    return await f();
  } finally {
    lock.close();
  }
}

const settings = configOf(process.env);
const command = COMMANDS[process.argv[2] ?? ''];
if (!settings.ok) fail(settings.fault);
else if (command === undefined) fail(`Say: admin ${Object.keys(COMMANDS).join(', admin ')}.`);
else {
  // however it ends
  process.on('exit', () => leaveToOwner(settings.value.folder));
  try {
    console.log(await command(settings.value, process.argv.slice(3)));
  } catch (e) {
    fail(`It was not done: ${why(e)}`);
  }
}
