import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, ContentKey, Hash, KemPk, RosterKey } from '$crypto/brand';
import type { EpochPlace } from '$crypto/epoch';
import { LABEL } from '$crypto/labels';
import { type KeyringItem, kemPair, lockboxHash, openFrom, openLockbox, sealLockbox, sealTo } from '$crypto/lockbox';
import { ready, type Random } from '$crypto/sodium';
import { Writer } from '$crypto/wire';
import { type Device, makeDevice, rotate, seeded, story } from '../../support/actor';

let random: Random;
let pat: Device;
let place: EpochPlace;
let ring: KeyringItem[];
beforeAll(async () => {
  await ready();
  random = seeded('lockbox');
  pat = makeDevice(random);
  place = { prev: random(32) as Bytes as Hash, seq: 7 };
  ring = [
    { epoch: 1, roster: random(32) as RosterKey, content: null },
    { epoch: 7, roster: random(32) as RosterKey, content: random(32) as ContentKey }
  ];
});
const UNREADABLE = { ok: false, fault: 'unreadable' };

describe('a lockbox', () => {
  it('gives its own device the keys put in, content only where it was meant', () => {
    const box = sealLockbox(pat.logPk, pat.kem.pk, place, ring, random);
    expect(openLockbox(pat.logPk, pat.kem, place, box)).toEqual({ ok: true, value: ring });
  });

  it('opens for nobody else and at no other entry', () => {
    const box = sealLockbox(pat.logPk, pat.kem.pk, place, ring, random);
    const other = makeDevice(random);
    expect(openLockbox(pat.logPk, other.kem, place, box)).toEqual(UNREADABLE);
    expect(openLockbox(other.logPk, pat.kem, place, box)).toEqual(UNREADABLE);
    expect(openLockbox(pat.logPk, pat.kem, { ...place, seq: 8 }, box)).toEqual(UNREADABLE);
    expect(openLockbox(pat.logPk, pat.kem, { ...place, prev: random(32) as Bytes as Hash }, box)).toEqual(UNREADABLE);
  });

  it('changed in any part opens nothing', () => {
    const box = sealLockbox(pat.logPk, pat.kem.pk, place, ring, random);
    for (let i = 0; i < box.length; i += 13) {
      const bad = box.slice();
      bad[i] = (bad[i] as number) ^ 1;
      expect(openLockbox(pat.logPk, pat.kem, place, bad)).toEqual(UNREADABLE);
    }
    for (const cut of [0, 1, 1119, 1120, 1144, 1160, box.length - 1]) expect(openLockbox(pat.logPk, pat.kem, place, box.slice(0, cut))).toEqual(UNREADABLE);
  });

  it('with epochs out of order or twice is unreadable', () => {
    const b = { label: LABEL.lockboxKey, place: new Writer().fixed(place.prev).num(place.seq).fixed(pat.logPk).done() };
    const write = (epochs: number[]): Bytes => new Writer().list(epochs, (e, x) => x.num(e).fixed(random(32)).bool(false)).done();
    expect(openLockbox(pat.logPk, pat.kem, place, sealTo(pat.kem.pk, b, write([1, 7]), random)).ok).toBe(true);
    expect(openLockbox(pat.logPk, pat.kem, place, sealTo(pat.kem.pk, b, write([7, 1]), random))).toEqual(UNREADABLE);
    expect(openLockbox(pat.logPk, pat.kem, place, sealTo(pat.kem.pk, b, write([7, 7]), random))).toEqual(UNREADABLE);
  });

  it('is sealed ascending whatever the order it was given', () => {
    const box = sealLockbox(pat.logPk, pat.kem.pk, place, [...ring].reverse(), random);
    expect(openLockbox(pat.logPk, pat.kem, place, box)).toEqual({ ok: true, value: ring });
  });

  it('has a hash that any change shows in', () => {
    const box = sealLockbox(pat.logPk, pat.kem.pk, place, ring, random);
    const bad = box.slice();
    bad[5] = (bad[5] as number) ^ 1;
    expect(lockboxHash(bad)).not.toEqual(lockboxHash(box));
  });
});

describe('a KEM key that is none', () => {
  const bad = [new Uint8Array(1216).fill(255), new Uint8Array(1216)] as Bytes[] as KemPk[];

  it('gets a box of the usual size that opens for nobody, so that its owner blocks no rotation', () => {
    const good = sealLockbox(pat.logPk, pat.kem.pk, place, ring, random);
    for (const k of bad) {
      const box = sealLockbox(pat.logPk, k, place, ring, random);
      expect(box).toHaveLength(good.length);
      expect(openLockbox(pat.logPk, pat.kem, place, box)).toEqual(UNREADABLE);
    }
  });

  it('in a live row leaves the others free to rotate', () => {
    const olivia = makeDevice(random);
    const st = story(random, { ...olivia, kem: { ...olivia.kem, pk: bad[0] as KemPk } });
    expect(() => st.must(rotate(random, st.state, olivia))).not.toThrow();
  });
});

describe('a box to a KEM key', () => {
  it('made for one purpose does not open for another', () => {
    const p = { label: LABEL.lockboxKey, place: new Uint8Array([1]) };
    const box = sealTo(pat.kem.pk, p, new Uint8Array([4, 2]), random);
    expect(openFrom(pat.kem, p, box)).toEqual({ ok: true, value: new Uint8Array([4, 2]) });
    expect(openFrom(pat.kem, { ...p, label: LABEL.request }, box)).toEqual(UNREADABLE);
    expect(openFrom(kemPair(random(32)), p, box)).toEqual(UNREADABLE);
  });
});
