/** `npm start -- admin stats`: composition root of what an operator asks a store. */
import { configOf } from './config';
import { statsOf } from './stats';

const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else if (process.argv[2] !== 'stats') fail('Say: admin stats.');
else {
  try {
    console.log(JSON.stringify(await statsOf(settings.value)));
  } catch (e) {
    fail(`The store cannot be read: ${e instanceof Error ? e.message || e.name : 'unknown'}.`);
  }
}
