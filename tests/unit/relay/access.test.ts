import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId } from '../../../crypto/brand';
import { encodeToRelay } from '../../../crypto/frames';
import { LIMIT } from '../../../crypto/limits';
import { phraseKeys } from '../../../crypto/phrase';
import { ready } from '../../../crypto/sodium';
import { RATE } from '../../../relay/limits';
import { type Device, foundGroup, makeDevice, seeded } from '../../support/actor';
import { HOST, Phone, rhea, type Rhea, Scene, settled } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;
const keys = (d: Device) => ({ pk: d.logPk, sk: d.logSk });

beforeAll(ready);
beforeEach(async () => {
  r = rhea('access');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
});

describe('a proof of access', () => {
  it('opens a session that knows the roster, the feed and the own log', async () => {
    await s.post(s.phone, olivia);
    const phone = new Phone(r.relay, r.random);
    const welcome = await phone.as(olivia, s.group);
    expect(welcome).toMatchObject({ is: 'welcome', rosterSeq: 1, feedSeq: 1, head: { n: 1, hash: s.pen(olivia).prev } });
  });

  it('captured on one connection opens nothing on another', async () => {
    const first = new Phone(r.relay, r.random);
    const second = new Phone(r.relay, r.random);
    const nonce = r.random(32);
    expect(await second.auth(s.group, 'log', keys(olivia), { serverNonce: first.hello.nonce, nonce })).toMatchObject({ why: 'bad-proof' });
    expect(await first.auth(s.group, 'log', keys(olivia), { nonce })).toMatchObject({ is: 'welcome' });
  });

  it('made for another host opens nothing', async () => {
    const phone = new Phone(r.relay, r.random);
    expect(await phone.auth(s.group, 'log', keys(olivia), { host: 'relay.evil' })).toMatchObject({ why: 'bad-proof' });
    expect(await phone.auth(s.group, 'log', keys(olivia), { host: HOST })).toMatchObject({ is: 'welcome' });
  });

  it('made for one group opens no other', async () => {
    const other = foundGroup(r.random, olivia);
    const phone = new Phone(r.relay, r.random);
    await phone.ask((re) => ({ is: 'create', re, group: other.group, genesis: other.entry, boxes: other.boxes }));
    const sent: Uint8Array[] = [];
    const spy = new Phone({ ...r.relay, connect: (send, host) => {
      const w = r.relay.connect(send, host);
      return { receive: (f) => (sent.push(f), w.receive(f)), close: () => w.close(), proven: false, isHopeless: false };
    } }, r.random);
    await spy.as(olivia, other.group);
    const captured = (sent[0] as Uint8Array).slice();
    captured.set(s.group, captured.findIndex((_, i) => other.group.every((x, j) => captured[i + j] === x)));
    spy.forget();
    spy.raw(captured);
    await settled();
    expect(spy.of('refused')).toMatchObject([{ why: 'bad-proof' }]);
  });

  it('counts once on its own connection too', async () => {
    const phone = new Phone(r.relay, r.random);
    const nonce = r.random(32);
    await phone.auth(s.group, 'log', keys(olivia), { nonce });
    expect(await phone.auth(s.group, 'log', keys(olivia), { nonce })).toMatchObject({ why: 'bad-proof' });
  });

  it('of an invite key opens no session of a log', async () => {
    const invite = await s.invite();
    const phone = new Phone(r.relay, r.random);
    expect(await phone.auth(s.group, 'log', { pk: invite.invite, sk: invite.sk })).toMatchObject({ why: 'unknown-log' });
    expect(await phone.asInvite(invite, s.group)).toMatchObject({ is: 'welcome', head: { n: 0 } });
    expect(await phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 10 }))).toMatchObject({ why: 'not-allowed' });
    expect(await phone.ask((re) => ({ is: 'lockboxes', re, group: s.group, after: 0 }))).toMatchObject({ why: 'not-allowed' });
  });

  it('that does not hold is counted like one that does, and after so many its connection is heard no more', async () => {
    const [vault, mallory] = [phraseKeys(new Uint8Array(16).fill(1)), makeDevice(r.random)];
    const of = (phone: Phone, sk: Bytes) => phone.auth(vault.id as Bytes as GroupId, 'vault', { pk: vault.id, sk });
    const phone = new Phone(r.relay, r.random);
    for (let i = 0; i < RATE.malformed; i++) expect(await of(phone, mallory.logSk)).toMatchObject({ why: 'bad-proof' });
    expect([phone.isHopeless, (await of(phone, vault.sk)).is]).toEqual([false, 'welcome']);
    expect(await of(phone, mallory.logSk)).toMatchObject({ why: 'bad-proof' });
    expect(phone.isHopeless).toBe(true);
    await expect(of(phone, vault.sk)).rejects.toThrow('no answer');
    // what opens nothing anew costs nothing either
    const twice = new Phone(r.relay, r.random);
    for (let i = 0; i <= RATE.malformed + 1; i++) await twice.as(olivia, s.group);
    expect([twice.of('refused').length, twice.isHopeless]).toEqual([RATE.malformed + 1, false]);
  });

  it('for a group that is not here says so', async () => {
    const phone = new Phone(r.relay, r.random);
    expect(await phone.as(olivia, foundGroup(r.random, olivia).group)).toMatchObject({ why: 'unknown-group' });
  });
});

describe('a device that floods', () => {
  it('is asked to wait, over all its connections together, and loses nothing', async () => {
    const slow = rhea('flood', { pace: 100 });
    const scene = await Scene.begin(slow, olivia);
    const second = await scene.arrive(olivia);
    let waits = 0;
    for (let i = 0; i < 2500; i++) {
      const frame = encodeToRelay({ is: 'append', group: scene.group, n: i + 1, envelope: scene.seal(olivia) });
      waits += Math.min(1, (i % 2 === 0 ? scene.phone : second).raw(frame));
    }
    expect(waits).toBe(0);
    for (let i = 2500; i < 4100; i++) {
      const frame = encodeToRelay({ is: 'append', group: scene.group, n: i + 1, envelope: scene.seal(olivia) });
      waits += Math.min(1, (i % 2 === 0 ? scene.phone : second).raw(frame));
    }
    expect(waits).toBe(100);
    await settled();
    expect([...scene.phone.of('acks'), ...second.of('acks')].flatMap((a) => a.items)).toHaveLength(4100);
  });
});

describe('a frame that makes no sense', () => {
  it('is refused in words and counted, and its connection and all others go on', async () => {
    const fay = await s.join();
    const whole = encodeToRelay({ is: 'append', group: s.group, n: 1, envelope: s.seal(fay.device) });
    for (const bad of [new Uint8Array(0), new Uint8Array([99]), whole.slice(0, -1), whole.slice(0, 20), new Uint8Array([...whole, 0]), r.random(500)]) fay.phone.raw(bad);
    expect(fay.phone.of('refused').map((f) => f.why)).toEqual(Array(6).fill('malformed'));
    expect(r.relay.refusals.get('malformed')).toBe(6);
    fay.phone.raw(whole);
    await settled();
    expect(fay.phone.of('acks')).toHaveLength(1);
    expect(s.phone.of('page')).toHaveLength(1);
  });

  it('is too large above the limit, and above 4 KiB from someone who proved nothing', async () => {
    s.phone.raw(new Uint8Array(LIMIT.frame + 1));
    expect(s.phone.of('refused')).toMatchObject([{ why: 'too-large' }]);
    const stranger = new Phone(r.relay, r.random);
    stranger.raw(encodeToRelay({ is: 'append', group: s.group, n: 1, envelope: new Uint8Array(LIMIT.frameBeforeAuth) }));
    expect(stranger.of('refused')).toMatchObject([{ why: 'too-large' }]);
    expect(await stranger.as(olivia, s.group)).toMatchObject({ is: 'welcome' });
  });

  it('in an envelope is refused by its number and does not move the log', async () => {
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: r.random(200) });
    const bytes = s.seal(olivia);
    bytes[0] = 2;
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    expect(s.phone.of('refused').map((f) => [f.re, f.why])).toEqual([[1, 'version'], [1, 'version']]);
    bytes[0] = 1;
    s.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    await settled();
    expect(s.phone.of('acks')).toHaveLength(1);
  });
});
