import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchSeen } from '$lib/ui/group/seen-watch';

describe('what counts as seen', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it('is a post that stayed in sight of an attended page, told once', () => {
    const told: string[] = [];
    const watch = watchSeen(true, (posts) => told.push(...posts));
    watch.show('a', true);
    vi.advanceTimersByTime(700);
    watch.show('a', false);
    watch.show('a', true);
    vi.advanceTimersByTime(2000);
    expect(told).toEqual(['a']);
  });

  it('is told again when its words were changed, with the words that stayed in sight', () => {
    const told: [readonly string[], object][] = [];
    const watch = watchSeen(true, (posts, changes) => told.push([posts, changes]));
    watch.show('a', true);
    vi.advanceTimersByTime(700);
    watch.show('a', false);
    watch.show('a', true, 'one');
    vi.advanceTimersByTime(300);
    watch.show('a', true, 'two');
    vi.advanceTimersByTime(400);
    expect(told).toEqual([[['a'], {}]]);
    vi.advanceTimersByTime(600);
    expect(told).toEqual([[['a'], {}], [['a'], { a: 'two' }]]);
    watch.show('a', false);
    watch.show('a', true, 'two');
    vi.advanceTimersByTime(2000);
    expect(told).toHaveLength(2);
  });

  it('is not a post that only flew past', () => {
    const told: string[] = [];
    const watch = watchSeen(true, (posts) => told.push(...posts));
    watch.show('a', true);
    vi.advanceTimersByTime(300);
    watch.show('a', false);
    watch.show('b', true);
    vi.advanceTimersByTime(300);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1300);
    expect(told).toEqual(['b']);
  });

  it('is not a post that left and came back while the time ran', () => {
    const told: string[] = [];
    const watch = watchSeen(true, (posts) => told.push(...posts));
    watch.show('a', true);
    vi.advanceTimersByTime(500);
    watch.show('a', false);
    watch.show('a', true);
    vi.advanceTimersByTime(150);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(600);
    expect(told).toEqual(['a']);
  });

  it('is nothing while the page has no attention, and what is in sight when it comes back', () => {
    const told: string[] = [];
    const watch = watchSeen(false, (posts) => told.push(...posts));
    watch.show('a', true);
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
    watch.attend(true);
    vi.advanceTimersByTime(300);
    watch.attend(false);
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
    watch.attend(true);
    vi.advanceTimersByTime(700);
    expect(told).toEqual(['a']);
  });
});
