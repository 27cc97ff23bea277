import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '$lib/core/port';
import type { Core } from '$lib/state/client';
import { bellWay, ringFor } from '$lib/state/bell';

const KEY = new Uint8Array([4, 1, 2]);
const PLACE = 'https://push.test/place';

/** A browser whose person answers the question for permission so, and what it was asked to do. */
function browser(answer: NotificationPermission, place: string | null = PLACE): string[] {
  const did: string[] = [];
  let permission: NotificationPermission = 'default';
  let there: object | null = null;
  const subscribed = { endpoint: place, options: { applicationServerKey: KEY.buffer }, unsubscribe: async () => { did.push('unsubscribe'); there = null; return true; } };
  const subscribe = async () => {
    did.push('subscribe');
    if (place === null) throw new Error('no push service');
    return (there = subscribed);
  };
  vi.stubGlobal('Notification', { get permission() { return permission; }, requestPermission: async () => (permission = answer) });
  vi.stubGlobal('PushManager', class {});
  vi.stubGlobal('navigator', { serviceWorker: { getRegistration: async () => ({ pushManager: { subscribe, getSubscription: async () => there } }) } });
  return did;
}
function core(outcome: Outcome<null> = { ok: true, value: null }): { ran: unknown[][]; run: Core['run'] } {
  const ran: unknown[][] = [];
  return { ran, run: (async (...what: unknown[]) => { ran.push(what); return outcome; }) as Core['run'] };
}

describe('being told on this device', () => {
  afterEach(() => { vi.unstubAllGlobals(); });

  it('is on when the core has the place', async () => {
    browser('granted');
    const { ran, run } = core();
    expect(await ringFor({ run }, 'g', KEY, () => false)).toBe('on');
    expect(ran).toEqual([['set-bell', { group: 'g', place: PLACE }]]);
  });

  it.each(['denied', 'default'] as const)('is not on when the person’s answer is “%s”', async (answer) => {
    const did = browser(answer);
    const { ran, run } = core();
    expect(bellWay({ ios: false, installed: false })).toBe('ready');
    expect(await ringFor({ run }, 'g', KEY, () => false)).toBe('no-leave');
    expect([ran, did]).toEqual([[], []]);
    // of which the dialog then tells
    expect(bellWay({ ios: false, installed: false })).toBe(answer === 'denied' ? 'denied' : 'ready');
  });

  it('is not on when the browser cannot subscribe', async () => {
    browser('granted', null);
    const { ran, run } = core();
    expect([await ringFor({ run }, 'g', KEY, () => false), ran]).toEqual(['no-place', []]);
  });

  it('is not on when the core could not say so, and the subscription goes unless other groups ring', async () => {
    const { run } = core({ ok: false, fault: 'needs-network' });
    const did = browser('granted');
    expect([await ringFor({ run }, 'g', KEY, () => false), did]).toEqual(['needs-network', ['subscribe', 'unsubscribe']]);
    const kept = browser('granted');
    expect([await ringFor({ run }, 'g', KEY, () => true), kept]).toEqual(['needs-network', ['subscribe']]);
  });
});
