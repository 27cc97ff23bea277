/** `node relay/start.mjs backup FILE` and `restore FILE`: composition root of the two. */
import { resolve } from 'node:path';
import type { Result } from '../crypto/result';
import { ready } from '../crypto/sodium';
import { backUp, type Carried, restore } from './backup';
import { type Config, configOf } from './config';
import { blobsOf } from './open';

const [what, named] = process.argv.slice(2);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
const settings = configOf(process.env);
if (!settings.ok) fail(settings.fault);
else if ((what !== 'backup' && what !== 'restore') || named === undefined) fail('Say: backup FILE, or restore FILE.');
else if (settings.value.postgres !== null)
  fail('The store is in PostgreSQL (CAREFOLD_POSTGRES): back it up and restore it with pg_basebackup or pg_dump, then say admin new-life (relay/OPERATING.md, “Restoring PostgreSQL”).');
else {
  const c: Config = settings.value;
  const { folder } = c;
  const file = resolve(named);
  await ready();
  try {
    const bucket = c.s3 === null ? null : () => blobsOf(c);
    const done: Result<Carried & { readonly before?: string | null }> = what === 'backup' ? backUp(folder, file, bucket !== null) : await restore(folder, file, Date.now(), bucket);
    if (!done.ok) fail(done.fault);
    else {
      const { groups, blobs, missing, before = null } = done.value;
      const lacking = missing === 0 ? '' : ` ${missing} attachments were missing or damaged.`;
      if (what === 'restore') {
        console.log(`${groups} groups are in ${folder} again, and ${blobs} attachments in ${bucket === null ? 'it' : 'the bucket'}.${lacking}`);
        console.log(`Devices bring what is newer when they connect.${before === null ? '' : ` The store before is ${before}.`}`);
      } else {
        console.log(bucket === null ? `${groups} groups and ${blobs} attachments are in ${file}.${lacking}` : `${groups} groups are in ${file}. Attachments stay in the bucket: nothing of them is in it.`);
        console.log('relay.key is not in it: keep that apart.');
      }
    }
  } catch (e) {
    fail(`That did not work: ${e instanceof Error ? e.message : 'unknown'}.`);
  }
}
