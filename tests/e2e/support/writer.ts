/**
 * Somebody who writes a lot, without a browser: the real core over a real socket, as a process of its own. `writer.ts <link> <posts>` joins with
 * the link as Fay, writes the posts, and prints “sent” when the relay has them all.
 */
import { WebSocket } from 'ws';
import type { Bytes } from '../../../crypto/brand';
import { ready, systemRandom } from '../../../crypto/sodium';
import { Core } from '../../../src/lib/core/core';
import type { CommandName, Commands, JoinView, Outcome, Up } from '../../../src/lib/core/port';
import { memoryDevice } from '../../../src/lib/store/memory';

const [link = '', many = '0'] = process.argv.slice(2);
const { host, origin, hash } = new URL(link);
await ready();

/** Ahead of the clock once the posts are written: nobody needs the seconds in which they could be taken back. */
let ahead = 0;
const answers = new Map<number, (o: Outcome<unknown>) => void>();
let join: JoinView | null = null;
let asked = 0;
const core = new Core(
  {
    disk: memoryDevice().open(), clock: () => Date.now() + ahead, random: systemRandom, host, origin, argon: { memory: 64, passes: 1, lanes: 1 },
    dial: (events) => {
      const ws = new WebSocket(`ws://${host}/ws`, { origin });
      ws.binaryType = 'arraybuffer';
      ws.on('open', () => events.open());
      ws.on('message', (frame: ArrayBuffer) => events.frame(new Uint8Array(frame)));
      ws.on('close', () => events.closed());
      ws.on('error', () => undefined);
      return { send: (frame: Bytes) => void (ws.readyState === WebSocket.OPEN && ws.send(frame)), close: () => ws.close() };
    },
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
  (u: Up) => {
    if (u.is === 'outcome') answers.get(u.id)?.(u.outcome);
    else if (u.name === 'join') join = u.view as JoinView;
  }
);

async function must<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Commands[K]['out']> {
  const id = ++asked;
  const outcome = await new Promise<Outcome<unknown>>((done) => {
    answers.set(id, done);
    core.take({ is: 'command', id, name, input } as never);
  });
  answers.delete(id);
  if (!outcome.ok) throw new Error(`${name}: ${outcome.fault}`);
  return outcome.value as Commands[K]['out'];
}
async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((done) => setTimeout(done, 50));
}

await core.start();
await must('set-up', { name: 'Fay Moreno', role: 'family', passphrase: 'copper window gentle orchard' });
const opened = await must('open-link', { fragment: hash });
core.take({ is: 'watch', name: 'join', key: opened.join });
await until(() => join?.state === 'card');
await must('ask', { join: opened.join });
await until(() => join?.group != null);
const group = join!.group as string;
for (let n = 1; n <= Number(many); n++) await must('post', { group, text: `Update ${n}. ${'She slept well and ate a little soup. '.repeat(1 + (n % 7))}`, photos: [], replyTo: null });
ahead = 60_000;
core.take({ is: 'command', id: ++asked, name: 'wake', input: null });
await until(() => core.groups.get(group)?.outbox.length === 0);
process.stdout.write('sent', () => process.exit(0));
