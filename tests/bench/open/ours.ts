/** Our side: the core as the worker runs it, over the browser's databases. */
import type { Bytes } from '../../../crypto/brand';
import { systemRandom } from '../../../crypto/sodium';
import { Core } from '../../../src/lib/core/core';
import type { CommandName, Commands, Outcome, Up } from '../../../src/lib/core/port';
import { openFeed, readOlder } from '../../../src/lib/core/project';
import { dexieDisk } from '../../../src/lib/store/dexie';
import type { Dial } from '../../../src/lib/sync/ports';
import { unlockVault } from '../../../src/lib/vault/vault';
import type { GroupRun } from '../../../src/lib/core/group-run';
import type { Opened, Ours } from './side';

const PASSPHRASE = 'four quiet lamps over harbour';
const HOST = 'relay.test';

const dial: Dial = (events) => {
  const ws = new WebSocket(`ws://${location.host}/ws`);
  ws.binaryType = 'arraybuffer';
  ws.onopen = () => events.open();
  ws.onmessage = (e: MessageEvent<ArrayBuffer>) => events.frame(new Uint8Array(e.data));
  ws.onclose = () => events.closed();
  return { send: (frame: Bytes) => void (ws.readyState === WebSocket.OPEN && ws.send(frame)), close: () => ws.close() };
};
/** No network: opening needs none. */
const silent: Dial = () => ({ send: () => undefined, close: () => undefined });

function coreWith(how: Dial, clock: () => number, up: (u: Up) => void): Core {
  return new Core(
    {
      disk: dexieDisk(), dial: how, clock, random: systemRandom, host: HOST, origin: `https://${HOST}`, argon: { memory: 64, passes: 1, lanes: 1 },
      later: (ms, what) => {
        const t = setTimeout(what, ms);
        return () => clearTimeout(t);
      },
      blobs: { put: () => Promise.resolve('offline'), get: () => Promise.resolve('offline') },
      estimate: () => Promise.resolve({ used: 0, quota: 0 }),
      report: (e) => {
        throw e;
      }
    },
    up
  );
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
async function until(what: () => boolean): Promise<void> {
  while (!what()) await pause(50);
}

let core: Core | null = null;
const answers = new Map<number, (o: Outcome<unknown>) => void>();
let asked = 0;
async function must<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Commands[K]['out']> {
  const id = ++asked;
  const outcome = await new Promise<Outcome<unknown>>((done) => {
    answers.set(id, done);
    core?.take({ is: 'command', id, name, input } as never);
  });
  if (!outcome.ok) throw new Error(`${name}: ${outcome.fault}`);
  return outcome.value as Commands[K]['out'];
}

/** A locked core with the right key in hand, as it is the moment a passphrase turned out right. */
async function unlocked(): Promise<{ core: Core; key: Parameters<Core['open']>[0]; start: number }> {
  const began = performance.now();
  const fresh = coreWith(silent, () => Date.now(), () => undefined);
  await fresh.start();
  const start = performance.now() - began;
  const key = await unlockVault(fresh.vault, PASSPHRASE);
  if (!key.ok) throw new Error(key.fault);
  return { core: fresh, key: key.value, start };
}
const onlyGroup = (c: Core): GroupRun => [...c.groups.values()][0] as GroupRun;
function read(run: GroupRun, ms: () => number): Opened {
  let letters = 0;
  for (const p of run.feed.posts) letters += p.text.length;
  return { ms: ms(), posts: run.feed.posts.length, letters };
}

const side: Ours = {
  async join(fragment, now) {
    const offset = now - Date.now();
    core = coreWith(dial, () => Date.now() + offset, (u) => {
      if (u.is === 'outcome') answers.get(u.id)?.(u.outcome);
    });
    await core.start();
    await must('set-up', { name: 'Dan', role: 'family', passphrase: PASSPHRASE });
    await until(() => core?.link.state === 'online');
    const { join } = await must('open-link', { fragment });
    await until(() => core?.joins.get(join)?.view().state === 'card');
    await must('ask', { join });
  },
  async settle(posts) {
    await until(() => core?.groups.size === 1 && onlyGroup(core).feed.index.total === posts);
    await pause(2_000);
    await must('lock', null);
    await pause(500);
  },
  async open() {
    const { core: c, key, start } = await unlocked();
    const began = performance.now();
    await c.open(key);
    const run = onlyGroup(c);
    await readOlder(run, Infinity);
    return { ...read(run, () => performance.now() - began), start };
  },
  async newest() {
    const { core: c, key } = await unlocked();
    const began = performance.now();
    await c.open(key);
    const run = onlyGroup(c);
    await openFeed(run);
    return read(run, () => performance.now() - began);
  }
};
Object.assign(window, { side });
