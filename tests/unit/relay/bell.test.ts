import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FromRelay } from '../../../crypto/frames';
import { ready } from '../../../crypto/sodium';
import { localLog } from '../../../relay/log-sqlite';
import { localHints } from '../../../relay/hints';
import type { Doorbell, Pushed } from '../../../relay/ringing';
import { deviceAdd, deviceRevoke, type Device, makeDevice, removeEntry, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

const WITHIN = 100_000;
const GAP = 600_000;

/** A doorbell that notes who was pushed to, and answers what it is told. */
class Bell implements Doorbell {
  readonly key = new Uint8Array(65).fill(4) as never;
  readonly within = WITHIN;
  readonly rung: string[] = [];
  readonly broken: string[] = [];
  isBroken = false;
  answers: (Pushed | Promise<Pushed>)[] = [];
  placeOf = (said: string): string | null => (said.toLowerCase().startsWith('https://push.example/') ? said.toLowerCase() : null);
  push(place: string, signal: AbortSignal): Promise<Pushed> {
    this.rung.push(place);
    if (this.isBroken) return Promise.reject(new Error('broken'));
    signal.addEventListener('abort', () => this.broken.push(place));
    return Promise.resolve(this.answers.shift() ?? 'rung');
  }
}

let bell: Bell;
let r: Rhea;
let s: Scene;
let olivia: Device;
let pat: { readonly device: Device; readonly phone: Phone };
let fay: { readonly device: Device; readonly phone: Phone };

beforeAll(ready);
beforeEach(async () => {
  bell = new Bell();
  r = rhea('bells', { doorbell: bell });
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  pat = await s.join();
  fay = await s.join();
  await pass(2 * WITHIN);
  bell.rung.splice(0);
});

const placeOf = (name: string): string => `https://push.example/w/${name}`;
const put = (p: Phone, name: string): Promise<FromRelay> => p.ask((re) => ({ is: 'put-bell', re, group: s.group, place: placeOf(name) }));
/** Time passes at the relay, a second at each look. */
async function pass(ms: number, at: Rhea = r): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    at.now += 5_000;
    at.relay.ring();
    await settled();
  }
}
const post = (): Promise<unknown> => s.post(s.phone, olivia);

describe('a doorbell', () => {
  it('rings a device that is away and asked for it, once, for what another member did', async () => {
    expect(await put(pat.phone, 'pat')).toMatchObject({ is: 'done' });
    pat.phone.close();
    fay.phone.close();
    await post();
    await post();
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([placeOf('pat')]);
  });

  it('rings nobody who is here, nobody for what they did themselves, and nobody who took it back', async () => {
    await put(s.phone, 'olivia');
    await put(pat.phone, 'pat');
    await put(fay.phone, 'fay');
    expect(await fay.phone.ask((re) => ({ is: 'drop-bell', re, group: s.group }))).toMatchObject({ is: 'done' });
    fay.phone.close();
    await post();
    s.phone.close();
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([]);
  });

  it('rings for a change of who is in the group too, and for no other frame', async () => {
    await put(fay.phone, 'fay');
    fay.phone.close();
    await pat.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }));
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([]);
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member, s.heads()));
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([placeOf('fay')]);
  });

  it('rings for the group that was chosen and for no other', async () => {
    const owner = makeDevice(seeded('other owner'));
    const other = await Scene.begin(r, owner);
    const there = await other.join();
    await put(pat.phone, 'pat');
    for (const p of [pat.phone, there.phone]) p.close();
    await other.post(other.phone, owner);
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([]);
  });

  it('rings again only after a while, or when the device has come in between; one place of two groups is one', async () => {
    await put(pat.phone, 'pat');
    pat.phone.close();
    await post();
    await pass(WITHIN);
    await post();
    await pass(GAP - WITHIN - 10_000);
    expect(bell.rung).toHaveLength(1);
    await pass(2 * WITHIN);
    expect(bell.rung).toHaveLength(2);
    const again = await s.arrive(pat.device);
    await put(again, 'pat');
    again.close();
    await post();
    await pass(WITHIN + 5_000);
    expect(bell.rung).toHaveLength(3);
  });

  it('rings each at a moment of its own, none at once', async () => {
    const rung = new Map<string, number>();
    const phones: Phone[] = [];
    for (let i = 0; i < 12; i++) {
      const { phone } = await s.join();
      await put(phone, `guest ${i}`);
      phones.push(phone);
    }
    await pass(WITHIN);
    bell.rung.splice(0);
    for (const p of phones) p.close();
    await post();
    const from = r.now;
    for (let i = 0; i < WITHIN / 1000 + 2; i++) {
      r.now += 1000;
      r.relay.ring();
      await settled();
      for (const place of bell.rung) if (!rung.has(place)) rung.set(place, r.now - from);
    }
    expect(rung.size).toBe(12);
    const times = [...rung.values()];
    expect(Math.min(...times)).toBeGreaterThanOrEqual(10_000);
    expect(new Set(times).size).toBeGreaterThan(8);
  });

  it('forgets a place that the push service no longer knows, in all groups', async () => {
    await put(pat.phone, 'pat');
    pat.phone.close();
    bell.answers = ['gone'];
    await post();
    await pass(WITHIN + 5_000);
    await pass(GAP);
    await post();
    await pass(2 * WITHIN);
    expect(bell.rung).toEqual([placeOf('pat')]);
    expect(r.relay.gauges().pushes).toEqual(new Map([['gone', 1]]));
  });

  it('waits as long as a push service asks, tries a few times and then no more', async () => {
    await put(pat.phone, 'pat');
    pat.phone.close();
    bell.answers = [{ later: 300_000 }, { later: 0 }, { later: 0 }, { later: 0 }, { later: 0 }];
    await post();
    const times: number[] = [];
    for (let i = 0; i < 600; i++) {
      await pass(5_000);
      while (times.length < bell.rung.length) times.push(r.now);
    }
    expect(times).toHaveLength(5);
    const waits = times.slice(1).map((t, i) => t - (times[i] as number));
    [300_000, 60_000, 120_000, 240_000].forEach((least, i) => expect(waits[i]).toBeGreaterThanOrEqual(least));
  });

  it('asks one place to wait and no other of the same push service, nor that one sooner for what is newer', async () => {
    await put(pat.phone, 'pat');
    await put(fay.phone, 'fay');
    for (const p of [pat.phone, fay.phone]) p.close();
    bell.answers = [{ later: 3_000_000 }];
    await post();
    await pass(WITHIN + 5_000);
    expect([...bell.rung].sort()).toEqual([placeOf('fay'), placeOf('pat')]);
    const [waits, rung] = bell.rung.splice(0);
    await post();
    await pass(GAP + WITHIN + 5_000);
    expect(bell.rung.splice(0)).toEqual([rung]);
    await pass(3_000_000);
    expect(bell.rung).toEqual([waits]);
  });

  it('takes a place in one way of writing it, and one that it cannot push to at all for refused', async () => {
    await put(pat.phone, 'PAT');
    pat.phone.close();
    bell.isBroken = true;
    await post();
    await pass(WITHIN + 5_000);
    expect(bell.rung).toEqual([placeOf('pat')]);
    expect(r.relay.gauges().pushes).toEqual(new Map([['refused', 1]]));
  });

  it('is told nothing but addresses of push services, by live devices, so often in an hour', async () => {
    for (const place of ['https://10.0.0.1/x', 'https://push.example.org/x', 'http://push.example/x']) expect(await pat.phone.ask((re) => ({ is: 'put-bell', re, group: s.group, place }))).toMatchObject({ why: 'bad-place' });
    for (let i = 0; i < 20; i++) expect(await put(pat.phone, `pat ${i}`)).toMatchObject({ is: 'done' });
    expect(await put(pat.phone, 'pat 20')).toMatchObject({ why: 'rate' });
    expect(await new Phone(r.relay, r.random).ask((re) => ({ is: 'get-bell', re, group: s.group }))).toMatchObject({ why: 'not-allowed' });
    expect(await fay.phone.ask((re) => ({ is: 'get-bell', re, group: s.group }))).toMatchObject({ is: 'bell', key: bell.key });
  });

  it('of a relay that has none says so', async () => {
    const plain = rhea('none');
    const scene = await Scene.begin(plain, olivia);
    for (const is of ['get-bell', 'put-bell'] as const) expect(await scene.phone.ask((re) => ({ is, re, group: scene.group, place: placeOf('x') }) as never)).toMatchObject({ why: 'no-bell' });
    expect(await scene.phone.ask((re) => ({ is: 'drop-bell', re, group: scene.group }))).toMatchObject({ is: 'done' });
  });
});

describe('P26 a device whose row has ended', () => {
  it('removed, is not rung for what was new before, nor for its removal, nor ever after', async () => {
    await put(pat.phone, 'pat');
    pat.phone.close();
    await post();
    r.relay.ring();
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member, s.heads()));
    await pass(WITHIN + GAP);
    await post();
    await pass(WITHIN + GAP);
    expect(bell.rung).toEqual([]);
  });

  it('put out by another of its person, or leaving, is not rung, while the others are', async () => {
    const laptop = makeDevice(seeded('laptop'), pat.device.member);
    await s.must(pat.phone, deviceAdd(r.random, s.state, pat.device, laptop));
    await put(pat.phone, 'phone');
    const there = await s.arrive(laptop);
    await put(there, 'laptop');
    await put(fay.phone, 'fay');
    for (const p of [pat.phone, fay.phone]) p.close();
    await s.must(there, deviceRevoke(r.random, s.state, laptop, pat.device.logPk, s.heads()));
    there.close();
    await post();
    await pass(WITHIN + 5_000);
    expect([...bell.rung].sort()).toEqual([placeOf('fay'), placeOf('laptop')]);
  });

  it('has a push to it broken off that was under way when its end was stored', async () => {
    await put(pat.phone, 'pat');
    pat.phone.close();
    bell.answers = [new Promise(() => undefined)];
    await post();
    await pass(WITHIN + 5_000);
    expect([bell.rung, bell.broken]).toEqual([[placeOf('pat')], []]);
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member, s.heads()));
    expect(bell.broken).toEqual([placeOf('pat')]);
  });

  it('is not rung by a store that was restored to a time when it was live', async () => {
    const log = localLog(':memory:', 7);
    const at = rhea('restored', { doorbell: bell, log });
    const scene = await Scene.begin(at, olivia);
    const { phone } = await scene.join();
    await phone.ask((re) => ({ is: 'put-bell', re, group: scene.group, place: placeOf('pat') }));
    phone.close();
    await new Promise<void>((done) => log.call('renew', { now: 9, above: log.incarnation }, () => done()));
    await scene.post(scene.phone, olivia);
    await pass(WITHIN + 5_000, at);
    expect(bell.rung).toEqual([]);
  });
});

describe('two relays on one store', () => {
  it('ring a device once between them, and not while it is at the other', async () => {
    const inner = localLog(':memory:', 7);
    const log = { ...inner, isShared: true };
    const hints = localHints();
    const [a, b] = [rhea('node', { doorbell: bell, log, hints: hints() }), rhea('node', { doorbell: bell, log, hints: hints() })];
    const scene = await Scene.begin(a, olivia);
    const there = await scene.join();
    const other = new Phone(b.relay, b.random);
    await other.as(there.device, scene.group);
    await other.ask((re) => ({ is: 'put-bell', re, group: scene.group, place: placeOf('pat') }));
    there.phone.close();
    await scene.post(scene.phone, olivia);
    b.relay.poll();
    await settled();
    for (let i = 0; i < WITHIN / 5_000 + 1; i++) for (const node of [a, b]) await pass(5_000, node);
    expect(bell.rung).toEqual([]);
    other.close();
    await scene.post(scene.phone, olivia);
    for (let i = 0; i < WITHIN / 5_000 + 1; i++) for (const node of [a, b]) await pass(5_000, node);
    expect(bell.rung).toEqual([placeOf('pat')]);
  });
});
