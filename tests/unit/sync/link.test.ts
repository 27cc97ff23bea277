import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { decodeToRelay, encodeFromRelay, type FromRelay, type ToRelay, WIRE_VERSION } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
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

  it('without an answer ends the connection after a minute, though pings are answered', async () => {
    const s = online();
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    // the line lives, the question does not
    for (let i = 0; i < 5; i++) {
      s.pass(11_999);
      s.say({ is: 'pong', re: 1 });
    }
    expect(s.link.state).toBe('online');
    s.pass(5);
    expect(await asked).toBeNull();
    expect(s.seen).toContain('down');
  });

  it('that is still to be answered keeps the line, though no ping is: its answer may be what they wait behind', async () => {
    const s = online();
    s.pass(15_000);
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    const { re } = s.socket.sent.at(-1) as { re: number };
    s.pass(59_000);
    s.say({ is: 'done', re, group: GROUP });
    expect((await asked)?.is).toBe('done');
    expect(s.seen).toEqual(['up']);
    // and after it they count again
    s.pass(25_001);
    expect(s.seen).toEqual(['up', 'down']);
  });

  it('and nothing else being answered ends the connection after a minute', async () => {
    const s = online();
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    s.pass(59_999);
    expect(s.link.state).toBe('online');
    s.pass(1);
    expect(await asked).toBeNull();
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('that is still to be answered keeps nobody who woke beside a dead line: ten seconds, however often', () => {
    // at once, and while an earlier ping is waited for
    for (const asleep of [1_000, 22_000]) {
      const s = online();
      void s.link.ask({ is: 'mailbox', group: GROUP });
      s.pass(asleep);
      for (let i = 0; i < 5; i++) {
        s.link.wake();
        s.pass(1_999);
      }
      expect(s.sockets[0]!.closed).toBe(false);
      s.link.wake();
      s.pass(5);
      expect(s.sockets[0]!.closed).toBe(true);
    }
  });

  it('gets no answer when the connection ends, or is not there', async () => {
    const s = online();
    const asked = s.link.ask({ is: 'mailbox', group: GROUP });
    s.socket.events.closed();
    expect(await asked).toBeNull();
    expect(await s.link.ask({ is: 'mailbox', group: GROUP })).toBeNull();
  });
});

describe('a page', () => {
  const item = (seq: number) => ({ device: 1, n: seq, seq, time: 0, envelope: new Uint8Array(1) as never });
  /** Asks for as many as there may be in one. */
  const fetch = (s: ReturnType<typeof online>, most: number = LIMIT.page) => {
    const answer = s.link.ask({ is: 'fetch', group: GROUP, way: 'up', from: 0, most });
    const f = s.socket.sent.at(-1) as Extract<ToRelay, { is: 'fetch' }>;
    return { answer, most: f.most, come: (more = true, n = f.most) => s.say({ is: 'page', re: f.re, group: GROUP, more, prevs: [], items: Array.from({ length: n }, (_, i) => item(i + 1)) }) };
  };
  /** Waits until there is another line. */
  const again = (s: ReturnType<typeof online>) => {
    while (s.link.state !== 'connecting') s.pass(100);
    s.say(hello());
  };
  const mosts = (s: ReturnType<typeof online>, n: number, after: (f: ReturnType<typeof fetch>) => void): number[] =>
    Array.from({ length: n }, () => {
      const f = fetch(s);
      after(f);
      return f.most;
    });

  it('that did not come in time is asked for far smaller, at last one by one', () => {
    const s = online();
    const asked = mosts(s, 5, () => {
      s.pass(60_000);
      again(s);
    });
    expect(asked).toEqual([500, 62, 7, 1, 1]);
  });

  it('that came slowly is half as large the next time, and grows again once it comes fast', () => {
    const s = online();
    const slow = mosts(s, 3, (f) => {
      s.pass(10_001);
      f.come();
    });
    expect(slow).toEqual([500, 250, 125]);
    const fair = mosts(s, 3, (f) => {
      s.pass(6_000);
      f.come();
    });
    expect(fair).toEqual([62, 62, 62]);
    const fast = mosts(s, 5, (f) => {
      s.pass(1_000);
      f.come();
    });
    expect(fast).toEqual([62, 124, 248, 496, 500]);
  });

  it('of few large envelopes that came slowly is half as many the next time', () => {
    const s = online();
    const f = fetch(s);
    s.pass(24_000);
    f.come(true, 9);
    expect(fetch(s).most).toBe(4);
  });

  it('that was the last and small says nothing of how large one may be', () => {
    const s = online();
    fetch(s);
    s.pass(60_000);
    again(s);
    expect(mosts(s, 3, (f) => f.come(false))).toEqual([62, 62, 62]);
    expect(mosts(s, 2, (f) => {
      s.pass(11_000);
      f.come(false);
    })).toEqual([62, 62]);
  });

  it('that was on its way for a moment when the line ended is no larger than before', () => {
    const s = online();
    fetch(s);
    s.pass(9_000);
    s.socket.events.closed();
    again(s);
    expect(fetch(s).most).toBe(500);
  });

  it('that was lost counts by no more than is known to fit since it was asked for', () => {
    const s = online();
    fetch(s);
    const other = fetch(s);
    s.pass(15_000);
    other.come(true, 9);
    s.pass(45_000);
    again(s);
    expect(fetch(s).most).toBe(4);
  });

  it('that was asked to be small, and came fast, is no larger the next time', () => {
    const s = online();
    fetch(s);
    s.pass(60_000);
    again(s);
    fetch(s, 3).come();
    expect(fetch(s).most).toBe(62);
  });

  it('that was slow gives a ping the time in which the largest envelope may come before its answer', () => {
    const s = online();
    const f = fetch(s);
    s.pass(15_000);
    f.come(true, 9);
    s.pass(5_000 + 28_999);
    expect(s.link.state).toBe('online');
    s.pass(1);
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('counts once of all that were lost together, and by the largest', () => {
    const s = online();
    for (const most of [10, 400, 3]) fetch(s, most);
    s.pass(60_000);
    again(s);
    expect(fetch(s).most).toBe(50);
    expect(fetch(s, 7).most).toBe(7);
  });
});

describe('what was told', () => {
  const append = (bytes: number): ToRelay => ({ is: 'append', group: GROUP, n: 1, envelope: new Uint8Array(bytes) as never });
  const pong = (s: ReturnType<typeof online>): void => s.say({ is: 'pong', re: (s.socket.sent.at(-1) as { re: number }).re });

  it('and is large gives the ping behind it more time, a second for each 4 KiB', () => {
    const s = online();
    s.pass(19_000);
    s.link.tell(append(80_000));
    s.pass(1_000 + 5_000 + 18_999);
    expect(s.link.state).toBe('online');
    s.pass(1);
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('and has arrived, as a ping after it was answered, gives no time any more', () => {
    const s = online();
    s.link.tell(append(80_000));
    s.pass(20_000);
    pong(s);
    s.pass(20_000 + 5_001);
    expect(s.sockets[0]!.closed).toBe(true);
  });

  it('gives no ping more than a minute', () => {
    const s = online();
    for (let i = 0; i < 20; i++) s.link.tell(append(90_000));
    s.pass(20_000 + 60_001);
    expect(s.sockets[0]!.closed).toBe(true);
  });
});

it('bytes that are no frame change nothing', () => {
  const s = online();
  for (const b of [new Uint8Array(0), new Uint8Array([255]), seeded('junk')(200)]) s.socket.events.frame(b);
  expect(s.link.state).toBe('online');
  expect(s.seen).toEqual(['up']);
});
