import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchAttention } from '$lib/ui/group/attention';
import { watchSeen } from '$lib/ui/group/seen-watch';

/** A page: what lies over it, whether it is visible and has the focus. */
let page: EventTarget & { visibilityState: string; focus: boolean; over: string[] };
/** Opens and closes what lies over the page, as a browser tells of it. */
let lay: (over: string[]) => void;

beforeEach(() => {
  vi.useFakeTimers();
  page = Object.assign(new EventTarget(), {
    visibilityState: 'visible', focus: true, over: [] as string[], body: {},
    hasFocus: () => page.focus,
    querySelector: (what: string) => page.over.find((one) => what.split(', ').includes(one)) ?? null
  });
  let hears: (() => void) | null = null;
  lay = (over) => {
    page.over = over;
    hears?.();
  };
  vi.stubGlobal('document', page);
  vi.stubGlobal('window', new EventTarget());
  vi.stubGlobal('MutationObserver', class {
    constructor(readonly hear: () => void) {}
    observe(): void { hears = this.hear; }
    disconnect(): void { hears = null; }
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a page that somebody has before them', () => {
  it.each(['[role="dialog"]', '[role="alertdialog"]', 'dialog[open]'])('lets nothing behind %s count as seen before it closes', (over) => {
    const told: string[] = [];
    const seen = watchSeen(true, (posts) => told.push(...posts));
    const stop = watchAttention(seen.attend);
    seen.show('before', true);
    vi.advanceTimersByTime(300);
    lay([over]);
    seen.show('came meanwhile', true);
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
    lay([]);
    vi.advanceTimersByTime(500);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(told).toEqual(['before', 'came meanwhile']);
    stop();
  });

  it('is visible and has the focus, and says so at once', () => {
    const heard: boolean[] = [];
    page.over = ['[role="dialog"]'];
    const stop = watchAttention((here) => heard.push(here));
    lay([]);
    page.focus = false;
    window.dispatchEvent(new Event('blur'));
    page.focus = true;
    window.dispatchEvent(new Event('focus'));
    page.visibilityState = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(heard).toEqual([false, true, false, true, false]);
    stop();
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
    lay(['[role="dialog"]']);
    expect(heard).toHaveLength(5);
  });
});
