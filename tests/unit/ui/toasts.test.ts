import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeToasts } from '$lib/ui/toasts.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('nothing that was said stays when all is taken away, not even under a finger', () => {
  const toasts = makeToasts();
  toasts.show('Fay Moreno was let in');
  toasts.show('Pat Moreno was removed', { tone: 'error' });
  toasts.hold(true);
  vi.advanceTimersByTime(10_000);
  expect(toasts.all).toHaveLength(2);
  toasts.clear();
  expect(toasts.all).toEqual([]);
  // and what is said next goes in its time
  toasts.show('Saved');
  vi.advanceTimersByTime(6_000);
  expect(toasts.all).toEqual([]);
});
