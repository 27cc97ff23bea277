import { afterEach, describe, expect, it } from 'vitest';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { AppView, Down, FeedView, Up } from '$lib/core/port';
import { startCore, type Core, type Wire } from '$lib/state/client';

/** The far end of a real message channel, as a worker would have it. */
interface Far {
  readonly got: Down[];
  tell(up: Up): void;
  next(is: Down['is']): Promise<Down>;
  readonly ended: () => boolean;
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function begin(again?: readonly number[]): { core: Core; far: Far[]; wires: Wire[] } {
  const far: Far[] = [];
  const wires: Wire[] = [];
  const core = startCore(() => {
    const { port1, port2 } = new MessageChannel();
    let ended = false;
    const got: Down[] = [];
    const waiting: { is: Down['is']; go: (down: Down) => void }[] = [];
    port2.on('message', (down: Down) => {
      got.push(down);
      const at = waiting.findIndex((one) => one.is === down.is);
      if (at >= 0) waiting.splice(at, 1)[0]?.go(down);
    });
    const wire: Wire = {
      postMessage: (message, transfer) => port1.postMessage(message, transfer as unknown as MessagePort[]),
      terminate() {
        ended = true;
        port1.close();
      },
      onmessage: null,
      onerror: null
    };
    port1.on('message', (data: Up) => wire.onmessage?.({ data } as MessageEvent<Up>));
    wires.push(wire);
    ends.push(() => port2.close());
    far.push({
      got,
      tell: (up) => port2.postMessage(up),
      next: (is) => {
        const already = got.find((down) => down.is === is);
        return already ? Promise.resolve(already) : new Promise((go) => waiting.push({ is, go }));
      },
      ended: () => ended
    });
    return wire;
  }, again);
  ends.push(() => core.end());
  return { core, far, wires };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 20));
const [one, two] = [0, 1];
const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index];
  if (item === undefined) throw new Error('nothing there');
  return item;
};

const post = (id: string, order: number) =>
  ({ is: 'note', id, order, at: order, what: 'made', who: 'Olivia', me: true, by: null }) as const;

describe('the core seen from the page', () => {
  it('answers a command with what the worker says', async () => {
    const { core, far } = begin();
    const asked = core.run('new-group', { name: 'Ward 4B', kind: 'team' });
    const down = await at(far, one).next('command');
    if (down.is !== 'command') throw new Error('not a command');
    expect(down).toMatchObject({ name: 'new-group', input: { name: 'Ward 4B', kind: 'team' } });
    at(far, one).tell({ is: 'outcome', id: down.id, outcome: { ok: true, value: { group: 'g1' } } });
    expect(await asked).toEqual({ ok: true, value: { group: 'g1' } });
  });

  it('watches a view once for two readers and lets it go after the last', async () => {
    const { core, far } = begin();
    const seen: AppView[] = [];
    const stop = core.watch('app', null, (view) => void seen.push(view));
    await at(far, one).next('watch');
    at(far, one).tell({ is: 'view', name: 'app', key: null, view: { phase: 'new' } });
    await settled();
    const late: AppView[] = [];
    const stopLate = core.watch('app', null, (view) => void late.push(view));
    expect([seen, late]).toEqual([[{ phase: 'new' }], [{ phase: 'new' }]]);
    stop();
    await settled();
    stopLate();
    await settled();
    expect(at(far, one).got.map((down) => down.is)).toEqual(['watch', 'unwatch']);
  });

  it('shows a late reader of a feed the whole of it', async () => {
    const { core, far } = begin();
    core.watch('feed', 'g1', () => undefined);
    await at(far, one).next('watch');
    at(far, one).tell({ is: 'view', name: 'feed', key: 'g1', view: { reset: true, items: [post('b', 2), post('c', 3)], more: true, unreadFrom: null } });
    at(far, one).tell({ is: 'view', name: 'feed', key: 'g1', view: { reset: false, put: [post('a', 1)], gone: ['c'], more: false } });
    await settled();
    const late: FeedView[] = [];
    core.watch('feed', 'g1', (view) => void late.push(view));
    expect(late).toEqual([{ reset: true, items: [post('a', 1), post('b', 2)], more: false, unreadFrom: null }]);
  });

  it('takes back what is shown before the locked worker speaks', async () => {
    const { core, far } = begin();
    const seen: AppView['phase'][] = [];
    core.watch('app', null, (view) => void seen.push(view.phase));
    await at(far, one).next('watch');
    at(far, one).tell({ is: 'view', name: 'app', key: null, view: { phase: 'new' } });
    await settled();
    const open = core.run('post', { group: 'g1', text: 'words', photos: [], replyTo: null });
    core.restart();
    expect(seen).toEqual(['new', 'starting']);
    expect(at(far, one).ended()).toBe(true);
    expect(await open).toEqual({ ok: false, fault: 'locked' });
    expect(await at(far, two).next('watch')).toEqual({ is: 'watch', name: 'app', key: null });
  });

  it('hears nothing more from a worker it has ended', async () => {
    const { core, wires } = begin();
    const seen: AppView['phase'][] = [];
    core.watch('app', null, (view) => void seen.push(view.phase));
    const old = at(wires, one);
    const hear = old.onmessage;
    core.restart();
    hear?.({ data: { is: 'view', name: 'app', key: null, view: { phase: 'new' } } } as MessageEvent<Up>);
    expect(seen).toEqual(['starting']);
  });

  it('says so when the worker falls over, and answers what was asked', async () => {
    const { core, wires } = begin();
    const seen: AppView[] = [];
    core.watch('app', null, (view) => void seen.push(view));
    const asked = core.run('wake', null);
    at(wires, one).onerror?.({ preventDefault: () => undefined, message: 'out of memory' } as ErrorEvent);
    expect(await asked).toEqual({ ok: false, fault: 'internal' });
    expect(seen).toEqual([{ phase: 'failed', fault: 'internal' }]);
  });

  it('begins anew when the script did not come, and says what to do when it does not come again', async () => {
    const { core, far, wires } = begin([5, 5]);
    const seen: AppView[] = [];
    core.watch('app', null, (view) => seen.push(view));
    const lost = (n: number): void => at(wires, n).onerror?.({ preventDefault: () => undefined } as ErrorEvent);
    lost(one);
    expect([at(far, one).ended(), await core.run('wake', null)]).toEqual([true, { ok: false, fault: 'unavailable' }]);
    await expect.poll(() => wires.length).toBe(2);
    expect(await at(far, two).next('watch')).toMatchObject({ name: 'app' });
    lost(two);
    await expect.poll(() => wires.length).toBe(3);
    lost(2);
    await settled();
    expect([wires.length, seen]).toEqual([3, [{ phase: 'failed', fault: 'unavailable' }]]);
    core.restart();
    at(far, 3).tell({ is: 'view', name: 'app', key: null, view: { phase: 'locked' } as AppView });
    await expect.poll(() => seen.at(-1)?.phase).toBe('locked');
    // one that ran and fell over is another matter
    lost(3);
    expect([wires.length, seen.at(-1)]).toEqual([4, { phase: 'failed', fault: 'internal' }]);
  });

  it('does not begin anew what was ended meanwhile', async () => {
    const { core, wires } = begin([5]);
    at(wires, one).onerror?.({ preventDefault: () => undefined } as ErrorEvent);
    core.end();
    await settled();
    expect(wires).toHaveLength(1);
  });

  it('moves the bytes of a photo instead of copying them', async () => {
    const { core, far } = begin();
    const full = new Uint8Array([1, 2, 3]);
    const thumb = new Uint8Array([4]);
    void core.run('add-photo', { group: 'g1', photo: { full, thumb, width: 1, height: 1, type: 'image/jpeg' } });
    const down = await at(far, one).next('command');
    expect(full.byteLength).toBe(0);
    expect(down).toMatchObject({ input: { photo: { full: new Uint8Array([1, 2, 3]) } } });
  });
});
