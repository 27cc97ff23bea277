import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const CHAOS = fileURLToPath(new URL('../../chaos.mjs', import.meta.url));

it('a run of chaos of which one part breaks off still ends in what is known, and says which', { timeout: 120_000 }, () => {
  // more sockets than any computer lets one process have
  const run = spawnSync(process.execPath, [CHAOS, '--kills', '1', '--sockets', '1000000000', '--json'], { encoding: 'utf8' });
  const lines = run.stdout.trim().split('\n');
  expect(run.status).toBe(1);
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ kills: 1, acked: expect.any(Number), lost: 0, duplicated: 0, sockets: 1_000_000_000, backMs: null, failed: ['sockets'] });
  expect(lines.some((l) => l.startsWith('sockets broke off: 1000000000 sockets need'))).toBe(true);
});
