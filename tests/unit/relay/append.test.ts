import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeToRelay } from '../../../crypto/frames';
import { envelopeHash } from '../../../crypto/header';
import { chainAt } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import type { Hash } from '../../../crypto/brand';
import { RATE } from '../../../relay/limits';
import { type Device, deviceAdd, leave, makeDevice, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;

beforeAll(ready);
beforeEach(async () => {
  r = rhea('append');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
});

describe('an envelope', () => {
  it('is acknowledged to its author and given to everyone else', async () => {
    const fay = await s.join();
    s.phone.forget();
    const bytes = await s.post(s.phone, olivia);
    expect(s.phone.of('acks').flatMap((a) => a.items)).toEqual([{ n: 1, seq: 1, time: r.now }]);
    expect(s.phone.of('page')).toEqual([]);
    expect(fay.phone.of('page').flatMap((p) => p.items)).toEqual([{ device: 1, n: 1, seq: 1, time: r.now, envelope: bytes }]);
  });

  it('of two authors in one turn comes to the other before her own ack, and before anybody who only reads', async () => {
    const fay = await s.join();
    const reader = await s.join();
    const order: string[] = [];
    for (const [name, { heard }] of [['olivia', s.phone], ['fay', fay.phone], ['reader', reader.phone]] as const) {
      heard.push = (...all) => {
        order.push(...all.map((f) => `${name} ${f.is}`));
        return heard.length;
      };
    }
    for (const [phone, device] of [[s.phone, olivia], [fay.phone, fay.device]] as const) phone.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(device) });
    await settled();
    expect(order).toEqual(['olivia page', 'olivia acks', 'fay page', 'fay acks', 'reader page']);
  });

  it('sent again gets the same ack, even after the roster has moved past it, and is not given out twice', async () => {
    const fay = await s.join();
    const bytes = await s.post(s.phone, olivia);
    await s.must(s.phone, rotate(r.random, s.state, olivia));
    r.now += 5000;
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    const acks = s.phone.of('acks').flatMap((a) => a.items);
    expect(acks).toHaveLength(2);
    expect(acks[1]).toEqual(acks[0]);
    expect(fay.phone.of('page').flatMap((p) => p.items)).toHaveLength(1);
  });

  it('that skips a number is refused with the head to go on from', async () => {
    await s.post(s.phone, olivia);
    s.seal(olivia);
    const third = s.seal(olivia);
    const head = s.phone.of('acks').length;
    s.phone.tell({ is: 'append', group: s.group, n: 3, envelope: third });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ re: 3, why: 'gap', detail: { n: 1 } });
    expect(s.phone.of('acks')).toHaveLength(head);
  });

  it('with other bytes at a number that is taken is a conflict, and what lies there stays', async () => {
    const first = await s.post(s.phone, olivia, 'first');
    const hash = s.pen(olivia).prev;
    s.pen(olivia).n = 0;
    s.pen(olivia).prev = new Uint8Array(32) as Hash;
    const other = s.seal(olivia, 'other');
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: other });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ re: 1, why: 'conflict', detail: { n: 1, hash } });
    const page = await s.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 10 }));
    expect(page).toMatchObject({ is: 'page', items: [{ n: 1, envelope: first }] });
  });

  it('sealed before the last change of rows is stale, and the refusal names exactly those bytes', async () => {
    const late = s.seal(olivia);
    const place = { group: s.group, logPk: olivia.logPk, prev: new Uint8Array(32) as Hash, roster: chainAt(s.state, 1) as Hash };
    const { device } = await s.join();
    expect(device).toBeDefined();
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: late });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ re: 1, why: 'stale', detail: { n: 0, hash: envelopeHash(place, late), fence: s.state.fence } });
  });

  it('is stale while a rotation is owed, and accepted once any member paid it', async () => {
    const fay = await s.join();
    const pat = await s.join();
    await s.must(fay.phone, leave(s.state, fay.device, s.heads()));
    await s.post(s.phone, olivia);
    expect(s.phone.of('refused').at(-1)).toMatchObject({ why: 'stale', detail: { fence: s.state.seq + 1 } });
    s.pen(olivia).n = 0;
    s.pen(olivia).prev = new Uint8Array(32) as Hash;
    await s.must(pat.phone, rotate(r.random, s.state, pat.device));
    await s.post(s.phone, olivia);
    expect(s.phone.of('acks').flatMap((a) => a.items)).toMatchObject([{ n: 1 }]);
  });

  it('of another epoch than the roster seq it names is void', async () => {
    await s.must(s.phone, rotate(r.random, s.state, olivia));
    const bytes = s.seal(olivia, 'words', { epoch: 1 });
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ why: 'void' });
  });

  it('may not name an older roster than the envelope before it', async () => {
    const old = s.state.seq;
    await s.invite();
    await s.post(s.phone, olivia);
    const bytes = s.seal(olivia, 'words', { rosterSeq: old });
    s.phone.tell({ is: 'append', group: s.group, n: 2, envelope: bytes });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ why: 'void', detail: { n: 1 } });
  });

  it('that names a blob nobody brought is refused', async () => {
    const bytes = s.seal(olivia, 'words', { blobs: [r.random(32)] });
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    expect(s.phone.of('refused').at(-1)).toMatchObject({ why: 'no-blob' });
  });

  it('goes into its sender’s log whatever log the sender means', async () => {
    const mallory = await s.join();
    const forged = s.seal(olivia);
    mallory.phone.tell({ is: 'append', group: s.group, n: 1, envelope: forged });
    await settled();
    const page = await s.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 10 }));
    expect(page).toMatchObject({ items: [{ device: 2, n: 1 }] });
  });

  it('weighs on its member, whichever device sends it, and on nobody else', async () => {
    const kept = { ...RATE };
    Object.assign(RATE, { bytesAtOnce: 2_000, bytesPerSecond: 1_000 });
    try {
      r = rhea('append', { pace: 1000 });
      s = await Scene.begin(r, olivia);
      const fay = await s.join();
      const laptop = makeDevice(seeded('laptop'), olivia.member);
      await s.must(s.phone, deviceAdd(r.random, s.state, olivia, laptop));
      const send = (by: Phone, d: Device): number => {
        const bytes = s.seal(d, 'x'.repeat(1_500));
        return by.raw(encodeToRelay({ is: 'append', group: s.group, n: s.pen(d).n, envelope: bytes }));
      };
      expect(send(s.phone, olivia)).toBe(0);
      expect(send(await s.arrive(laptop), laptop)).toBeGreaterThan(1_000);
      expect(send(fay.phone, fay.device)).toBe(0);
    } finally {
      Object.assign(RATE, kept);
    }
  });

  it('is taken from nobody without a session of the group', async () => {
    const stranger = new Phone(r.relay, r.random);
    stranger.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia) });
    expect(stranger.of('refused').at(-1)).toMatchObject({ why: 'not-allowed' });
  });
});

describe('pages', () => {
  it('go upwards and downwards, and name the hash before each log’s first envelope in them', async () => {
    const fay = await s.join();
    const hashes: Hash[] = [];
    for (let i = 0; i < 5; i++) {
      await s.post(s.phone, olivia, `o${i}`);
      hashes.push(s.pen(olivia).prev);
      await s.post(fay.phone, fay.device, `f${i}`);
    }
    const down = await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'down', from: 11, most: 4 }));
    expect(down).toMatchObject({ is: 'page', more: true, items: [{ seq: 10 }, { seq: 9 }, { seq: 8 }, { seq: 7 }] });
    expect(down).toMatchObject({ prevs: expect.arrayContaining([{ device: 1, prev: hashes[2] }]) });
    const up = await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 7, most: 100 }));
    expect(up).toMatchObject({ is: 'page', more: false, items: [{ seq: 8 }, { seq: 9 }, { seq: 10 }] });
    const all = await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 100 }));
    expect(all).toMatchObject({ prevs: expect.arrayContaining([{ device: 1, prev: new Uint8Array(32) }, { device: 2, prev: new Uint8Array(32) }]) });
  });
});
