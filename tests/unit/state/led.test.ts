import { describe, expect, it } from 'vitest';
import type { AppView, Down, Up } from '$lib/core/port';
import { startCore, type Wire } from '$lib/state/client';
import { ledBy } from '$lib/state/led';
import { browser, settle, type Tab } from '../core/windows';

/** A page over a worker that shows `locked` and notes what it is asked. */
function page(tab: Tab) {
  const asked: string[] = [];
  let alive = 0;
  const begin = (): Wire => {
    alive++;
    let ended = false;
    const wire: Wire = {
      onmessage: null,
      onerror: null,
      postMessage(down: Down) {
        asked.push(down.is === 'command' ? down.name : `${down.is} ${down.name}`);
        const up: Up | null =
          down.is === 'watch' && down.name === 'app'
            ? { is: 'view', name: 'app', key: null, view: { phase: 'locked', name: null, retryAt: null, wrongTries: 0, passkeys: [] } }
            : down.is === 'command'
              ? { is: 'outcome', id: down.id, outcome: { ok: true, value: null } }
              : null;
        if (up !== null) queueMicrotask(() => !ended && wire.onmessage?.(new MessageEvent('message', { data: up })));
      },
      terminate() {
        ended = true;
        alive--;
      }
    };
    return wire;
  };
  const led = ledBy(begin, tab.around);
  const core = startCore(led.begin);
  led.onTurn(() => core.restart());
  const phases: AppView['phase'][] = [];
  core.watch('app', null, (view) => phases.push(view.phase));
  return { core, phases, asked, workers: () => alive, phase: () => phases.at(-1) };
}

describe('a page led by the lock', () => {
  it('starts its worker only in the tab that writes', async () => {
    const b = browser();
    const first = page(b.open());
    await settle();
    const second = page(b.open());
    await settle();
    expect([first.phase(), first.workers()]).toEqual(['locked', 1]);
    expect([second.phase(), second.workers()]).toEqual(['elsewhere', 0]);
  });

  it('takes over on demand, and the other page drops its worker', async () => {
    const b = browser();
    const first = page(b.open());
    await settle();
    const second = page(b.open());
    await settle();
    expect(await second.core.run('take-over', null)).toEqual({ ok: true, value: null });
    await settle();
    expect([first.phase(), first.workers()]).toEqual(['elsewhere', 0]);
    expect([second.phase(), second.workers()]).toEqual(['locked', 1]);
    expect(second.asked).not.toContain('take-over');
  });

  it('refuses every other command elsewhere', async () => {
    const b = browser();
    page(b.open());
    await settle();
    const second = page(b.open());
    await settle();
    expect(await second.core.run('unlock', { passphrase: 'x' })).toEqual({ ok: false, fault: 'not-writer' });
  });

  it('takes over from itself with a fresh worker', async () => {
    const only = page(browser().open());
    await settle();
    expect(await only.core.run('take-over', null)).toEqual({ ok: true, value: null });
    await settle();
    expect([only.phase(), only.workers()]).toEqual(['locked', 1]);
    expect(only.phases.filter((p) => p === 'starting').length).toBeGreaterThan(1);
  });

  it('keeps its one worker when the app locks', async () => {
    const only = page(browser().open());
    await settle();
    only.core.restart();
    await settle();
    expect([only.phase(), only.workers()]).toEqual(['locked', 1]);
  });
});
