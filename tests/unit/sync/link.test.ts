import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { decodeToRelay, encodeFromRelay, type FromRelay, type ToRelay, WIRE_VERSION } from '$crypto/frames';
import { ready } from '$crypto/sodium';
import { backoff } from '$lib/sync/backoff';
import { Link } from '$lib/sync/link';
import type { SocketEvents } from '$lib/sync/ports';
import { seeded } from '../../support/actor';

beforeAll(ready);

const GROUP = new Uint8Array(32).fill(7) as never;
const hello = (more: Partial<Extract<FromRelay, { is: 'hello' }>> = {}): FromRelay => ({ is: 'hello', version: WIRE_VERSION, relayPk: new Uint8Array(32) as never, incarnation: 1, nonce: new Uint8Array(32), time: 0, ...more });

/** A link whose far end is the test. */
function setting() {
  let now = 0;
  let timers: { at: number; what: () => void }[] = [];
  const sockets: { events: SocketEvents; sent: ToRelay[]; closed: boolean }[] = [];
  const seen: string[] = [];
  const link = new Link(
    {
      clock: () => now, random: seeded('link'),
      later: (ms, what) => {
        const t = { at: now + ms, what };
        timers.push(t);
        return () => {
          timers = timers.filter((x) => x !== t);
        };
      },
      dial: (events) => {
        const s = { events, sent: [] as ToRelay[], closed: false };
        sockets.push(s);
        return {
          send: (f: Bytes) => {
            const d = decodeToRelay(f);
            if (d.ok) s.sent.push(d.value);
          },
          close: () => {
            s.closed = true;
          }
        };
      }
    },
    { up: () => seen.push('up'), down: () => seen.push('down'), frame: (f) => seen.push(f.is), changed: () => undefined }
  );
  return {
    link, sockets, seen,
    get timers() {
      return timers.length;
    },
    get socket() {
      return sockets.at(-1)!;
    },
    say: (f: FromRelay) => sockets.at(-1)!.events.frame(encodeFromRelay(f)),
    pass(ms: number) {
      const until = now + ms;
      for (;;) {
        const t = timers.filter((x) => x.at <= until).sort((a, b) => a.at - b.at)[0];
        if (t === undefined) break;
        timers = timers.filter((x) => x !== t);
        now = t.at;
        t.what();
      }
      now = until;
    }
  };
}
const online = () => {
  const s = setting();
  s.link.start();
  s.say(hello());
  return s;
};

describe('waiting to come back', () => {
  it('is drawn between nothing and a ceiling that doubles up to a minute', () => {
    const random = seeded('jitter');
    for (let n = 0; n < 30; n++) {
      const ceiling = Math.min(60_000, 500 * 2 ** n);
      const many = Array.from({ length: 300 }, () => backoff(n, random));
      expect(Math.max(...many)).toBeLessThan(ceiling);
      expect(Math.min(...many)).toBeLessThan(ceiling / 4);
      expect(Math.max(...many)).toBeGreaterThan(ceiling * 0.75);
    }
  });
});

describe('a connection', () => {
  it('is online from the relay’s hello on, not before', () => {
    const s = setting();
    s.link.start();
    expect(s.link.state).toBe('connecting');
    s.socket.events.open();
    expect(s.link.state).toBe('connecting');
    s.say(hello());
    expect(s.link.state).toBe('online');
    expect(s.link.since).toBeNull();
    expect(s.seen).toEqual(['up']);
  });

  it('that brings no hello, or one of another version, is given up and tried again', () => {
    const s = setting();
    s.link.start();
    s.say(hello({ version: WIRE_VERSION + 1 }));
    s.say({ is: 'done', re: 1, group: GROUP });
    s.pass(10_000);
    expect(s.link.state).not.toBe('online');
    s.pass(60_000);
    expect(s.sockets.length).toBeGreaterThan(1);
    expect(s.sockets.slice(0, -1).every((x) => x.closed)).toBe(true);
  });

  it('takes one hello only: a second changes nothing', () => {
    const s = online();
    const first = s.link.hello;
    s.say(hello({ incarnation: 9 }));
    expect(s.link.hello).toBe(first);
    expect(s.seen).toEqual(['up']);
  });

  it('asks now and then whether it lives, and is dropped when nothing is heard', () => {
    const s = online();
    s.pass(20_000);
    const ping = s.socket.sent.at(-1)!;
    expect(ping.is).toBe('ping');
    s.say({ is: 'pong', re: (ping as { re: number }).re });
    s.pass(19_999);
    expect(s.link.state).toBe('online');
    s.pass(5_002);
    expect(s.link.state).not.toBe('online');
    expect(s.seen).toContain('down');
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('keeps no more timers after a day than after a minute', () => {
    const s = online();
    const day = (ms: number): void => {
      for (let at = 0; at < ms; at += 20_000) {
        s.pass(20_000);
        s.say({ is: 'pong', re: 1 });
      }
    };
    day(60_000);
    const before = s.timers;
    day(86_400_000);
    expect(s.timers).toBe(before);
  });

  it('woken up, pings at once when online and dials at once when waiting', () => {
    const s = online();
    s.link.wake();
    expect(s.socket.sent.at(-1)?.is).toBe('ping');
    s.pass(5_001);
    expect(s.link.state).toBe('offline');
    const before = s.sockets.length;
    s.link.wake();
    expect(s.sockets.length).toBe(before + 1);
    s.link.wake();
    expect(s.sockets.length).toBe(before + 1);
  });

  it('woken up again and again, still gives up a line that does not answer', () => {
    const s = online();
    for (let i = 0; i < 4; i++) {
      s.link.wake();
      s.pass(2_000);
    }
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('ignores what an earlier socket still says', () => {
    const s = online();
    const old = s.socket;
    s.link.again();
    s.pass(60_000);
    old.events.frame(encodeFromRelay({ is: 'done', re: 1, group: GROUP }));
    old.events.closed();
    expect(s.seen.filter((x) => x === 'done')).toEqual([]);
    expect(s.link.state).toBe('connecting');
  });

  it('stopped, dials no more', () => {
    const s = online();
    s.link.stop();
    s.link.wake();
    s.pass(600_000);
    expect(s.sockets.length).toBe(1);
    expect(s.link.state).toBe('stopped');
  });
});

describe('a question', () => {
  it('is answered by the frame of its own number, and by no other', async () => {
    const s = online();
    const one = s.link.ask({ is: 'mailbox', group: GROUP });
    const two = s.link.ask({ is: 'mailbox', group: GROUP });
    const [a, b] = s.socket.sent.slice(0, 2) as unknown as readonly [{ re: number }, { re: number }];
    s.say({ is: 'requests', re: b.re, group: GROUP, items: [] });
    s.say({ is: 'done', re: a.re, group: GROUP });
    s.say({ is: 'done', re: a.re, group: GROUP });
    expect((await two)?.is).toBe('requests');
    expect((await one)?.is).toBe('done');
    expect(s.seen).toEqual(['up', 'done']);
  });

  it('has a number above every envelope’s, so that a refused envelope answers no question', async () => {
    const s = online();
    void s.link.ask({ is: 'mailbox', group: GROUP });
    expect((s.socket.sent[0] as { re: number }).re).toBeGreaterThanOrEqual(2 ** 32);
  });

  it('is not answered for another group', async () => {
    const s = online();
    let answer: FromRelay | null | undefined;
    void s.link.ask({ is: 'mailbox', group: GROUP }).then((f) => (answer = f));
    const { re } = s.socket.sent[0] as { re: number };
    s.say({ is: 'requests', re, group: new Uint8Array(32) as never, items: [] });
    await Promise.resolve();
    expect(answer).toBeUndefined();
    s.say({ is: 'requests', re, group: GROUP, items: [] });
    await Promise.resolve();
    expect(answer?.is).toBe('requests');
  });

  it('without an answer ends the connection after half a minute', async () => {
    const s = online();
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    // pings are answered: the line lives, the question does not
    for (let i = 0; i < 2; i++) {
      s.pass(15_000);
      s.say({ is: 'pong', re: 1 });
    }
    expect(await asked).toBeNull();
    expect(s.seen).toContain('down');
  });

  it('gets no answer when the connection ends, or is not there', async () => {
    const s = online();
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    s.socket.events.closed();
    expect(await asked).toBeNull();
    expect(await s.link.ask({ is: 'mailbox', group: GROUP })).toBeNull();
  });
});

it('bytes that are no frame change nothing', () => {
  const s = online();
  for (const b of [new Uint8Array(0), new Uint8Array([255]), seeded('junk')(200)]) s.socket.events.frame(b);
  expect(s.link.state).toBe('online');
  expect(s.seen).toEqual(['up']);
});
