/** An organisation with its own computer: the desk of `npm run credential`, run as its people run it. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../../../relay/credential.mjs', import.meta.url));

export interface Organisation {
  readonly name: string;
  /** The 30 digits that it publishes. */
  readonly number: string;
  /** Answers a request whose number was read out; gives the path of the credential. */
  vouch(request: string, as: { readonly name: string; readonly role: string; readonly number: string }): Promise<string>;
  /** The file that everyone may have. */
  readonly file: string;
}

/** `folder`: its disk; removed by whoever made it. */
export async function openDesk(folder: string, name: string): Promise<Organisation> {
  const run = async (...args: readonly string[]): Promise<string> => (await promisify(execFile)(process.execPath, [program, ...args, '--passphrase-file', 'words'], { env: { ...process.env, INIT_CWD: folder } })).stdout;
  await writeFile(join(folder, 'words'), 'five quiet words of ours\n');
  const said = await run('new-organisation', '--name', name);
  const file = /\S+\.organisation\.txt/.exec(said)?.[0] ?? '';
  return {
    name,
    number: (/(\d{5} ){5}\d{5}/.exec(said)?.[0] ?? '').replaceAll(' ', ''),
    file: join(folder, file),
    vouch: async (request, as) => {
      await writeFile(join(folder, 'request.txt'), request);
      const day = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
      await run('issue', '--request', 'request.txt', '--name', as.name, '--role', as.role, '--number', as.number, '--expires', day, '--out', 'answer.txt');
      await readFile(join(folder, 'answer.txt'));
      return join(folder, 'answer.txt');
    }
  };
}
