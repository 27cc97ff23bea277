import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { type Hints, localHints, NO_HINTS } from '../../../relay/hints';
import type { Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, makeDevice, nameEntry, removeEntry, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let a: Rhea;
let b: Rhea;
let s: Scene;
let olivia: Device;

/** Two relays on one store, as two processes on PostgreSQL would be. */
async function two(hints: () => Hints): Promise<void> {
  const inner = localLog(':memory:', 7);
  const log: Log = { ...inner, isShared: true };
  a = rhea('a', { log, hints: hints() });
  b = rhea('b', { log, hints: hints() });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(a, olivia);
}

/** A member who joined at the first relay and is connected to the second. */
async function fayAtB(): Promise<{ readonly device: Device; readonly phone: Phone }> {
  const { device, phone } = await s.join();
  phone.close();
  const there = new Phone(b.relay, b.random);
  await there.as(device, s.group);
  await settled();
  return { device, phone: there };
}

const long = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await settled();
};
/** What a phone was shown of the feed, in the order it came. */
const shown = (p: Phone): number[] => p.heard.flatMap((f) => (f.is === 'page' ? f.items.map((i) => i.seq) : f.is === 'acks' ? f.items.map((i) => i.seq) : []));

beforeAll(ready);

describe('two relays on one store', () => {
  beforeEach(() => two(localHints()));

  it('pass on each other’s posts, once and in order', async () => {
    const fay = await fayAtB();
    for (let i = 0; i < 3; i++) await s.post(s.phone, olivia);
    await long();
    expect(shown(fay.phone)).toEqual([1, 2, 3]);
    await s.post(fay.phone, fay.device);
    await long();
    expect(shown(s.phone)).toEqual([1, 2, 3, 4]);
    expect(fay.phone.of('acks')).toHaveLength(1);
  });

  it('show everyone a feed without gaps when both take posts at once', async () => {
    const fay = await fayAtB();
    for (let i = 0; i < 20; i++) {
      const [x, y] = [s.seal(olivia), s.seal(fay.device)];
      s.phone.tell({ is: 'append', group: s.group, n: s.pen(olivia).n, envelope: x });
      fay.phone.tell({ is: 'append', group: s.group, n: s.pen(fay.device).n, envelope: y });
      if (i % 3 === 0) await settled();
    }
    await long();
    for (const p of [s.phone, fay.phone]) {
      // an own envelope may come twice: as one of the feed, then as an ack
      let next = 1;
      for (const seq of shown(p)) {
        expect(seq).toBeLessThanOrEqual(next);
        next = Math.max(next, seq + 1);
      }
      expect(next).toBe(41);
      expect(p.of('acks').flatMap((f) => f.items.map((i) => i.n))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }
  });

  it('end a removed member’s session wherever it is, before anything that came after', async () => {
    const fay = await fayAtB();
    const pat = await s.join();
    fay.phone.forget();
    const removing = removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads());
    await s.must(s.phone, removing);
    await s.post(pat.phone, pat.device);
    await long();
    expect(fay.phone.heard.slice(1).map((f) => f.is)).toEqual(['entries', 'gone']);
    expect(await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 9 }))).toMatchObject({ is: 'gone' });
  });

  it('enter one of two entries for a place, and give the other’s author the first', async () => {
    const fay = await fayAtB();
    const second = new Phone(b.relay, b.random);
    await second.as(olivia, s.group);
    const [x, y] = [nameEntry(a.random, s.state, olivia, s.now, 'one'), nameEntry(a.random, s.state, olivia, s.now, 'two')];
    const seq = s.state.seq + 1;
    const answers = await Promise.all([s.phone.enter(s.group, seq, x.entry), second.enter(s.group, seq, y.entry)]);
    await long();
    expect(answers.map((f) => f.is).sort()).toEqual(['entered', 'refused']);
    expect(fay.phone.of('entries').flatMap((f) => f.items.map((i) => i.receipt.seq)).at(-1)).toBe(seq);
  });

  it('give the same receipt for an entry sent again to the other one', async () => {
    const second = new Phone(b.relay, b.random);
    await second.as(olivia, s.group);
    const made = nameEntry(a.random, s.state, olivia, s.now, 'one');
    const seq = s.state.seq + 1;
    const first = await s.must(s.phone, made);
    expect(await second.enter(s.group, seq, made.entry)).toMatchObject({ is: 'entered', receipt: first.receipt });
  });

  it('carry requests to the owner and answers to the joiner', async () => {
    const invite = await s.invite({ expires: a.now + 100_000 });
    const joiner = new Phone(b.relay, b.random);
    await joiner.asInvite(invite, s.group);
    const request = new Uint8Array(16).fill(4);
    const body = new Uint8Array([4]);
    expect(await joiner.ask((re) => ({ is: 'put-request', re, group: s.group, request, body }))).toMatchObject({ is: 'done' });
    await long();
    // the store of this test does not count what is new in its mailbox: the hint alone would
    expect(await s.phone.ask((re) => ({ is: 'mailbox', re, group: s.group }))).toMatchObject({ is: 'requests', items: [{ request }] });
    expect(await s.phone.ask((re) => ({ is: 'put-answer', re, group: s.group, invite: invite.invite, request, body }))).toMatchObject({ is: 'done' });
    expect(await joiner.ask((re) => ({ is: 'get-answer', re, group: s.group, request }))).toMatchObject({ is: 'answer', body });
  });
});

describe('two relays that cannot tell each other anything', () => {
  beforeEach(() => two(() => ({ ...NO_HINTS, isUp: false })));

  it('take nothing by a roster that has gone further, though they have not heard of it', async () => {
    const fay = await fayAtB();
    const removing = removeEntry(s.rhea.random, s.state, olivia, fay.device.member, s.heads());
    const late = s.seal(fay.device);
    await s.must(s.phone, removing);
    fay.phone.tell({ is: 'append', group: s.group, n: 1, envelope: late });
    await long();
    expect(fay.phone.of('acks')).toEqual([]);
    expect(fay.phone.heard.at(-1)).toMatchObject({ is: 'gone' });
  });

  it('pass posts on as soon as they ask the store', async () => {
    const fay = await fayAtB();
    await s.post(s.phone, olivia);
    await long();
    expect(shown(fay.phone)).toEqual([]);
    b.relay.poll();
    await long();
    expect(shown(fay.phone)).toEqual([1]);
  });
});
