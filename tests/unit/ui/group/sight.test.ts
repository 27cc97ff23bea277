import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchSight } from '$lib/ui/group/sight';

/** What a browser tells of one element: its height, how much of it is in sight, and the height of the window it scrolls in. */
interface Told { readonly tall: number; readonly shown: number; readonly within: number; readonly writing?: boolean }
let tell: (told: Told) => void;
let steps: readonly number[];
const element = {} as Element;

beforeEach(() => {
  vi.stubGlobal('IntersectionObserver', class {
    constructor(hear: (changes: readonly object[]) => void, { threshold }: { threshold: readonly number[] }) {
      steps = threshold;
      tell = ({ tall, shown, within }) => {
        hear([{ target: element, isIntersecting: true, intersectionRatio: shown / tall, intersectionRect: { height: shown }, rootBounds: { height: within } }]);
      };
    }
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  });
});
afterEach(() => { vi.unstubAllGlobals(); });

function shows(told: Told): boolean | undefined {
  vi.stubGlobal('document', { activeElement: { matches: () => told.writing === true } });
  let shown: boolean | undefined;
  watchSight({} as Element).watch(element, (on) => { shown = on; });
  tell(told);
  return shown;
}

describe('what is in sight', () => {
  it.each([
    ['half of a short one', { tall: 120, shown: 60, within: 700 }, true],
    ['less than half of a short one', { tall: 120, shown: 50, within: 700 }, false],
    ['half a window of a long one', { tall: 4000, shown: 350, within: 700 }, true],
    ['less of a long one', { tall: 4000, shown: 300, within: 700 }, false],
    ['the last line of a long one over a keyboard', { tall: 900, shown: 76, within: 76, writing: true }, false],
    ['a low window without one that a long one fills', { tall: 900, shown: 76, within: 76 }, true],
    ['nothing, in a window of no height', { tall: 900, shown: 0, within: 0 }, false],
    ['a window that a long one fills over a keyboard', { tall: 900, shown: 200, within: 200, writing: true }, true]
  ])('%s', (_what, told, on) => {
    expect(shows(told)).toBe(on);
  });

  it('is looked at anew before half a window of the longest post has gone by', () => {
    // 20,000 letters on a phone are some 13,000 pixels
    for (const [n, step] of steps.entries()) expect((step - (steps[n - 1] ?? 0)) * 13_000).toBeLessThan(150);
  });
});
