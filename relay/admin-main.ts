/** `npm start -- admin stats` and `admin purge`: composition root of what an operator asks of a store. */
import { ready, systemRandom } from '../crypto/sodium';
import { configOf } from './config';
import { open } from './open';
import { createRelay } from './relay';
import { statsOf } from './stats';

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const why = (e: unknown): string => (e instanceof Error ? e.message || e.name : 'unknown');
const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else if (process.argv[2] === 'stats') {
  try {
    console.log(JSON.stringify(await statsOf(settings.value)));
  } catch (e) {
    fail(`The store cannot be read: ${why(e)}.`);
  }
} else if (process.argv[2] === 'purge') {
  try {
    await ready();
    const clock = (): number => Date.now();
    const { keys, log, blobs, hints } = await open(settings.value, systemRandom, clock, setImmediate, {
      broken: () => fail('The store ended by itself. Start again: what was begun goes on.'),
      trouble: (words) => void process.stderr.write(`The store did not keep a change: ${words}.\n`),
      hints: () => undefined
    });
    console.log(JSON.stringify(await createRelay({ log, keys, clock, random: systemRandom, hints }).purge(blobs)));
    await Promise.all([log.close(), hints.close()]);
  } catch (e) {
    fail(`The store cannot be opened: ${why(e)}. A relay with its own folder purges by itself every hour; stop it first.`);
  }
} else fail('Say: admin stats, or admin purge.');
