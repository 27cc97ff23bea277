/** `npm run bench -- <name>`: one measurement, ours beside its peer, ending in one line of JSON. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'bench');
const [name, ...rest] = process.argv.slice(2);
const known = existsSync(folder) ? readdirSync(folder).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : [])) : [];
if (!name || !known.includes(name)) {
  process.stderr.write(`${name ? `There is no measurement “${name}”.` : 'Which measurement?'} Known: ${known.join(', ')}\n`);
  process.exit(1);
}
const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', join(folder, `${name}.ts`), ...rest], { stdio: 'inherit' });
child.on('close', (code) => process.exit(code ?? 1));
