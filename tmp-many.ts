import { ready } from './crypto/sodium';
import { bundleRelay, forgetBundle, startRelay, startPeer, root } from './tests/bench/peers/processes';
import { mkdtempSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
await ready(); await bundleRelay();
const [,, peers, jobs, rounds = '1', opts = ''] = process.argv;
const JOB: Record<string, unknown> = { many: { is: 'many', groups: 500, devices: 4, ms: 6000 }, paced: { is: 'paced', readers: 19, perSecond: 500, ms: 5000 }, fan: { is: 'fan', readers: 19, window: 64, warm: 1000, ms: 3000, most: 250_000 }, fanbare: { is: 'fan', readers: 19, window: 64, warm: 1000, ms: 3000, most: 100_000 } };
for (let i = 0; i < Number(rounds); i++) for (const job of jobs!.split(',')) for (const peer of peers!.split(',')) {
  const folder = mkdtempSync('/tmp/many-');
  const server = peer === 'ours' ? await startRelay(folder, opts ? opts.split(",") : []) : await startPeer(peer as 'yws', folder);
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'tests/bench/peers/load.ts'), JSON.stringify({ peer, port: server.port, pid: server.pid, job: JOB[job === 'fan' && peer === 'bare' ? 'fanbare' : job] })], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = ''; child.stdout.on('data', (c: Buffer) => void (said += c)); await new Promise((d) => child.on('close', d));
  console.log(job, peer, said.trim());
  process.kill(server.pid, 'SIGTERM'); await new Promise((r) => setTimeout(r, opts.includes("prof") ? 3000 : 1200)); try { await server.kill(); } catch {} rmSync(folder, { recursive: true, force: true });
}
forgetBundle(); process.exit(0);
