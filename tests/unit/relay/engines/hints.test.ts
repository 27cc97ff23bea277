import { afterEach, describe, expect, it } from 'vitest';
import { type Hint, type Hints, localHints } from '../../../../relay/hints';
import { natsHints } from '../../../../relay/hints-nats';
import { type Engine, startNats, until } from '../../../support/engines';

const hint = (g: number, more: Partial<Hint> = {}): Hint => ({ g, held: [], until: 0, ...more });
const servers: Engine[] = [];
const ends: Hints[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((e) => e.close()));
  await Promise.all(servers.splice(0).map((s) => s.discard()));
});

const ENGINES: readonly (readonly [string, () => Promise<() => Hints>])[] = [
  ['within one process', async () => localHints()],
  ['over NATS', async () => {
    const server = await startNats();
    servers.push(server);
    return () => natsHints([server.url]);
  }]
];

describe.each(ENGINES)('hints %s', (_, open) => {
  it('reach every other relay that watches the group, and nobody else', async () => {
    const make = await open();
    const [a, b, c] = [make(), make(), make()];
    ends.push(a, b, c);
    const heard: string[] = [];
    const stop = b.watch(1, (h) => heard.push(`b ${h.g} ${h.held.join()} ${h.until}`));
    c.watch(2, (h) => heard.push(`c ${h.g}`));
    a.watch(1, () => heard.push('a'));
    await until(() => a.isUp && b.isUp && c.isUp);
    await until(() => {
      a.tell(hint(1, { held: [3, 4], until: 2 ** 41 }));
      return heard.length > 0;
    });
    expect(new Set(heard)).toEqual(new Set([`b 1 3,4 ${2 ** 41}`]));
    stop();
    heard.length = 0;
    await until(() => {
      a.tell(hint(1));
      a.tell(hint(2));
      return heard.length > 0;
    });
    expect(new Set(heard)).toEqual(new Set(['c 2']));
  });
});

describe('hints over NATS', () => {
  it('say that they do not come through while the server is away, and come through again once it is back', async () => {
    const server = await startNats();
    servers.push(server);
    const [a, b] = [natsHints([server.url]), natsHints([server.url])];
    ends.push(a, b);
    let heard = 0;
    b.watch(1, () => heard++);
    await until(() => a.isUp && b.isUp);
    await server.stop();
    await until(() => !a.isUp && !b.isUp);
    a.tell(hint(1));
    await server.start();
    await until(() => {
      a.tell(hint(1));
      return a.isUp && b.isUp && heard > 0;
    });
  });

  it('come through again after a server that let nobody in, be it there from the start', async () => {
    let isShut = true;
    const server = await startNats(() => (isShut ? ['--user', 'somebody', '--pass', 'else'] : []));
    servers.push(server);
    const said: boolean[] = [];
    const [a, b] = [natsHints([server.url], (isUp) => said.push(isUp)), natsHints([server.url])];
    ends.push(a, b);
    let heard = 0;
    b.watch(1, () => heard++);
    const comeThrough = async (): Promise<void> => {
      isShut = false;
      await server.stop();
      await server.start();
      heard = 0;
      await until(() => {
        a.tell(hint(1));
        return a.isUp && b.isUp && heard > 0;
      });
    };
    await new Promise((done) => setTimeout(done, 2000));
    expect(a.isUp || b.isUp).toBe(false);
    await comeThrough();
    expect(said).toEqual([false, true]);

    isShut = true;
    await server.stop();
    await server.start();
    // long enough to have been turned away twice
    await new Promise((done) => setTimeout(done, 4000));
    expect(a.isUp || b.isUp).toBe(false);
    let second = 0;
    const stop = b.watch(2, () => second++);
    await comeThrough();
    await until(() => {
      a.tell(hint(2));
      return second > 0;
    });
    stop();
  });

  it('come through a server that asks for a name and a password, and with tls: through none that has no TLS', async () => {
    const server = await startNats(() => ['--user', 'care fold', '--pass', 'p@ss:word']);
    servers.push(server);
    const at = (way: string): string => `${way}127.0.0.1:${server.port}`;
    const [a, b, none, wrong, plain] = ['nats://care%20fold:p%40ss%3Aword@', 'nats://care%20fold:p%40ss%3Aword@', 'nats://', 'nats://care%20fold:else@', 'tls://care%20fold:p%40ss%3Aword@'].map((way) => natsHints([at(way)])) as [Hints, Hints, Hints, Hints, Hints];
    ends.push(a, b, none, wrong, plain);
    let heard = 0;
    b.watch(1, () => heard++);
    await until(() => {
      a.tell(hint(1));
      return heard > 0;
    });
    // long enough to have tried twice
    await new Promise((done) => setTimeout(done, 2500));
    expect([none.isUp, wrong.isUp, plain.isUp]).toEqual([false, false, false]);
  });
});
