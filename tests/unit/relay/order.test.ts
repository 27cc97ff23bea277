import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import type { CallName, Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, makeDevice, removeEntry, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

/** A log whose answers wait until they are let through, one by one and in order. `deaf`: names of calls that are done, and nobody hears it. */
function slowLog(): Log & { slow: boolean; broken: boolean; deaf: CallName[]; readonly waiting: (() => void)[] } {
  const inner = localLog(':memory:', 7);
  const waiting: (() => void)[] = [];
  return {
    slow: false,
    broken: false,
    deaf: [],
    waiting,
    isShared: false, incarnation: inner.incarnation, renewed: () => undefined,
    call(name, input, then) {
      if (this.broken) return then({ ok: false, fault: 'unavailable' });
      if (this.deaf.includes(name)) return inner.call(name, input, () => then({ ok: false, fault: 'unavailable' }));
      if (!this.slow) return inner.call(name, input, then);
      waiting.push(() => inner.call(name, input, then));
    },
    close: () => inner.close()
  };
}

let log: ReturnType<typeof slowLog>;
let r: Rhea;
let s: Scene;
let olivia: Device;

beforeAll(ready);
beforeEach(async () => {
  log = slowLog();
  r = rhea('order', { log });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
});
async function drain(): Promise<void> {
  for (let next = log.waiting.shift(); next !== undefined; next = log.waiting.shift()) {
    next();
    await settled();
  }
}

describe('while a change of the roster is being committed', () => {
  it('what comes from the one it removes is judged after it, and hears GONE', async () => {
    const fay = await s.join();
    await s.post(fay.phone, fay.device);
    const remove = removeEntry(r.random, s.state, olivia, fay.device.member, s.heads());
    const late = s.seal(fay.device);
    log.slow = true;
    s.phone.tell({ is: 'boxes', group: s.group, seq: s.state.seq + 1, boxes: remove.boxes });
    s.phone.tell({ is: 'enter', re: 50, group: s.group, seq: s.state.seq + 1, entry: remove.entry });
    fay.phone.tell({ is: 'append', group: s.group, n: 2, envelope: late });
    fay.phone.tell({ is: 'fetch', re: 51, group: s.group, way: 'up', from: 0, most: 5 });
    await drain();
    expect(s.phone.of('entered').map((f) => f.re)).toContain(50);
    expect(fay.phone.of('gone').map((f) => f.re)).toEqual([0, 2, 51]);
    expect(fay.phone.of('acks')).toHaveLength(1);
    expect(fay.phone.of('page')).toEqual([]);
  });

  it('a page that was asked for before is not given out after', async () => {
    const fay = await s.join();
    await s.post(s.phone, olivia);
    const remove = removeEntry(r.random, s.state, olivia, fay.device.member, s.heads());
    fay.phone.forget();
    log.slow = true;
    s.phone.tell({ is: 'boxes', group: s.group, seq: s.state.seq + 1, boxes: remove.boxes });
    s.phone.tell({ is: 'enter', re: 50, group: s.group, seq: s.state.seq + 1, entry: remove.entry });
    fay.phone.tell({ is: 'fetch', re: 51, group: s.group, way: 'up', from: 0, most: 5 });
    await drain();
    expect(fay.phone.heard.slice(1).map((f) => f.is)).toEqual(['entries', 'gone', 'gone']);
  });

  it('another device that is just proving itself finds the roster as it then is', async () => {
    const fay = await s.join();
    const remove = removeEntry(r.random, s.state, olivia, fay.device.member, s.heads());
    const again = new Phone(r.relay, r.random);
    log.slow = true;
    void again.as(fay.device, s.group).catch(() => undefined);
    s.phone.tell({ is: 'boxes', group: s.group, seq: s.state.seq + 1, boxes: remove.boxes });
    s.phone.tell({ is: 'enter', re: 50, group: s.group, seq: s.state.seq + 1, entry: remove.entry });
    await drain();
    expect(again.of('welcome').length + again.of('gone').length).toBeGreaterThan(0);
    expect(again.heard.at(-1)?.is).toBe('gone');
    again.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(fay.device) });
    log.slow = false;
    await settled();
    expect(again.of('acks')).toEqual([]);
  });

  it('two changes at one seq leave one of them, and both are answered', async () => {
    const fay = await s.join();
    const seq = s.state.seq + 1;
    const [a, b] = [rotate(r.random, s.state, olivia), rotate(r.random, s.state, fay.device)];
    log.slow = true;
    s.phone.tell({ is: 'boxes', group: s.group, seq, boxes: a.boxes });
    fay.phone.tell({ is: 'boxes', group: s.group, seq, boxes: b.boxes });
    s.phone.tell({ is: 'enter', re: 50, group: s.group, seq, entry: a.entry });
    fay.phone.tell({ is: 'enter', re: 51, group: s.group, seq, entry: b.entry });
    await drain();
    expect(s.phone.of('entered').map((f) => f.re)).toContain(50);
    expect(fay.phone.of('refused')).toMatchObject([{ re: 51, why: 'behind', detail: { n: seq } }]);
  });

  it('a window of envelopes is acknowledged in order once each is kept, and not before', async () => {
    log.slow = true;
    for (let n = 1; n <= 5; n++) s.phone.tell({ is: 'append', group: s.group, n, envelope: s.seal(olivia) });
    await settled();
    expect(s.phone.of('acks')).toEqual([]);
    await drain();
    expect(s.phone.of('acks').flatMap((f) => f.items.map((i) => i.n))).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('when the store keeps nothing', () => {
  it('everything is refused as unavailable, connections live on, and the same bytes are taken later', async () => {
    const bytes = s.seal(olivia);
    const made = rotate(r.random, s.state, olivia);
    const append = async (): Promise<void> => {
      s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
      await settled();
    };
    log.broken = true;
    await append();
    expect(s.phone.of('refused')).toMatchObject([{ re: 1, why: 'unavailable' }]);
    expect(await s.enter(s.phone, made)).toMatchObject({ why: 'unavailable' });
    expect(await new Phone(r.relay, r.random).as(olivia, s.group)).toMatchObject({ why: 'unavailable' });
    log.broken = false;
    await append();
    expect(s.phone.of('acks')).toHaveLength(1);
    expect(await s.enter(s.phone, made)).toMatchObject({ is: 'entered' });
  });
});

describe('when the store kept it and never said so', () => {
  it('an entry is receipted and told to everybody, as soon as the store can be read', async () => {
    const fay = await s.join();
    const made = rotate(r.random, s.state, olivia);
    log.deaf = ['enter'];
    expect(await s.enter(s.phone, made)).toMatchObject({ is: 'entered' });
    expect(fay.phone.of('entries').at(-1)?.items).toMatchObject([{ entry: made.entry }]);
  });

  it('an entry whose author never asks again comes to everybody all the same, and ends whom it removes', async () => {
    const fay = await s.join();
    const dan = await s.join();
    const made = removeEntry(r.random, s.state, olivia, fay.device.member, s.heads());
    log.deaf = ['enter', 'entries'];
    expect(await s.enter(s.phone, made)).toMatchObject({ why: 'unavailable' });
    log.deaf = [];
    r.relay.poll();
    await settled();
    expect(dan.phone.of('entries').at(-1)?.items).toMatchObject([{ entry: made.entry }]);
    expect(fay.phone.of('gone')).toHaveLength(1);
  });

  it('an envelope that is sent again comes to the others too', async () => {
    const fay = await s.join();
    log.deaf = ['append'];
    const bytes = await s.post(s.phone, olivia);
    expect(s.phone.of('refused')).toMatchObject([{ why: 'unavailable' }]);
    log.deaf = [];
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    expect(s.phone.of('acks')).toHaveLength(1);
    expect(fay.phone.of('page').at(-1)?.items).toMatchObject([{ n: 1, envelope: bytes }]);
  });

  it('an envelope whose author has seen it in the feed, and never sends it again, comes to the others all the same', async () => {
    const fay = await s.join();
    log.deaf = ['append', 'page'];
    const bytes = await s.post(s.phone, olivia);
    log.deaf = ['append'];
    await s.post(s.phone, olivia);
    r.relay.poll();
    await settled();
    log.deaf = [];
    r.relay.poll();
    await settled();
    expect(fay.phone.of('page').flatMap((f) => f.items)).toMatchObject([{ n: 1, envelope: bytes }, { n: 2 }]);
    r.relay.poll();
    await settled();
    expect(fay.phone.of('page').flatMap((f) => f.items)).toHaveLength(2);
  });
});
