import { describe, expect, it } from 'vitest';
import { watchIdle } from '$lib/state/idle';

const MINUTE = 60_000;

function watched(minutes: number) {
  let now = 1_000_000;
  const told: string[] = [];
  const idle = watchIdle({
    clock: () => now,
    limit: () => minutes * MINUTE,
    lock: () => void told.push('lock'),
    warn: (soon) => void told.push(soon ? 'soon' : 'stay')
  });
  return { idle, told, pass: (ms: number) => void (now += ms) };
}

describe('idle', () => {
  it('locks after the limit without a touch', () => {
    const { idle, told, pass } = watched(5);
    pass(5 * MINUTE);
    expect(idle.check()).toBe(true);
    expect(told).toEqual(['lock']);
  });

  it('stays open while somebody touches it', () => {
    const { idle, told, pass } = watched(5);
    for (let times = 0; times < 10; times++) {
      pass(4 * MINUTE);
      idle.touch();
      expect(idle.check()).toBe(false);
    }
    expect(told).toEqual([]);
  });

  it('warns once before locking and takes the warning back at a touch', () => {
    const { idle, told, pass } = watched(5);
    pass(4.6 * MINUTE);
    idle.check();
    idle.check();
    idle.touch();
    expect(told).toEqual(['soon', 'stay']);
  });

  it('survives a few minutes in the camera or the SMS app', () => {
    const { idle, told, pass } = watched(5);
    pass(3 * MINUTE);
    expect(idle.check()).toBe(false);
    idle.touch();
    pass(3 * MINUTE);
    expect(idle.check()).toBe(false);
    expect(told).toEqual([]);
  });

  it('locks a page that was frozen past the limit before its first touch counts', () => {
    const { idle, told, pass } = watched(5);
    pass(60 * MINUTE);
    idle.touch();
    expect(told).toEqual(['lock']);
  });

  it('is not kept open for longer by a clock that was set back', () => {
    const { idle, told, pass } = watched(5);
    pass(-120 * MINUTE);
    expect(idle.check()).toBe(false);
    pass(5 * MINUTE);
    expect(idle.check()).toBe(true);
    expect(told.at(-1)).toBe('lock');
  });
});
