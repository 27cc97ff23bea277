/** The simulator in short: five hundred schedules and every seed that ever failed, and the known killer of each planted bug. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.mjs', import.meta.url));
const last = (...args: string[]): { readonly report: Record<string, number>; readonly said: string } => {
  const { stdout } = spawnSync(process.execPath, [main, ...args, '--json'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const lines = stdout.trim().split('\n');
  return { report: JSON.parse(lines.at(-1) || '{}') as Record<string, number>, said: lines.slice(-60).join('\n') };
};

describe('P1 P2 P3 P4 P5 P11 P12 P18 P19 P20 P21 P22 P27 schedules drawn from seeds', () => {
  it('lose, forge, split, leak and stop nothing, raise no false alarm and miss no fork', () => {
    const { report, said } = last('--seeds', '500', '--failed');
    expect(report, said).toMatchObject({ lost: 0, forged: 0, diverged: 0, leaked: 0, stuck: 0, falseAlarms: 0, missedForks: 0 });
    expect(report['schedules']).toBeGreaterThan(500);
  }, 600_000);

  it('are the same to the last word when a seed is lived again', () => {
    const [one, other] = [0, 0].map(() => last('--seed', '33').said);
    expect(one).toContain('seed 33: honest');
    expect(other).toBe(one);
  }, 120_000);

  it('notice each of at least forty planted bugs by the schedule that is known to', () => {
    const { report, said } = last('--planted', '--known');
    expect(report['planted']).toBeGreaterThanOrEqual(40);
    expect(report['killed'], said).toBe(report['planted']);
  }, 600_000);
});
