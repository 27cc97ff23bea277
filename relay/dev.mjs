/** `npm run dev`: the app with hot reload, beside a relay that restarts when its sources change. Ctrl-C ends both. */
import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, npm } from './tree.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
if (!isInstalled(root) && (await npm(root, ['ci', '--include=dev'])) !== 0) process.exit(1);

if ((await npm(root, ['run', '--silent', 'build:relay'])) !== 0) process.exit(1);

const children = [
  spawn('npm', ['run', '--silent', 'build:relay', '--', '--watch=forever'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32'
  }),
  spawn(process.execPath, ['--watch', '--watch-preserve-output', 'dist/relay.js'], { cwd: root, stdio: 'inherit' }),
  spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'dev', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
];

let ending = false;
function end(code) {
  if (ending) return;
  ending = true;
  for (const child of children) child.kill('SIGTERM');
  process.exitCode = code;
}
for (const child of children) child.on('close', (code) => end(code ?? 0));
process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
