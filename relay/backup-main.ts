/** `node relay/start.mjs backup FILE` and `restore FILE`: composition root of the two. */
import { resolve } from 'node:path';
import type { Result } from '../crypto/result';
import { ready } from '../crypto/sodium';
import { backUp, type Carried, restore } from './backup';
import { configOf } from './config';

const [what, named] = process.argv.slice(2);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else if ((what !== 'backup' && what !== 'restore') || named === undefined) fail('Say: backup FILE, or restore FILE.');
else {
  const { folder } = settings.value;
  const file = resolve(named);
  await ready();
  try {
    const done: Result<Carried & { readonly before?: string | null }> = what === 'backup' ? backUp(folder, file) : await restore(folder, file, Date.now());
    if (!done.ok) fail(done.fault);
    else {
      const { groups, blobs, missing, before = null } = done.value;
      console.log(`${groups} groups and ${blobs} attachments ${what === 'backup' ? `are in ${file}` : `are in ${folder} again`}.${missing > 0 ? ` ${missing} attachments were missing.` : ''}`);
      console.log(what === 'backup' ? 'relay.key is not in it: keep that apart.' : `Devices bring what is newer when they connect.${before === null ? '' : ` The store before is ${before}.`}`);
    }
  } catch (e) {
    fail(`That did not work: ${e instanceof Error ? e.message : 'unknown'}.`);
  }
}
