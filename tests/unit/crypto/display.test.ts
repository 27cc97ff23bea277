import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, Hash, RosterKey } from '$crypto/brand';
import { EMPTY, fromText } from '$crypto/bytes';
import { type DisplayPlace, openDisplay, sealDisplay } from '$crypto/display';
import { ready, type Random } from '$crypto/sodium';
import { makeDevice, seeded } from '../../support/actor';

let random: Random;
let place: DisplayPlace;
let key: RosterKey;
const name = fromText('{"name":"Pat Moss"}');
beforeAll(async () => {
  await ready();
  random = seeded('display');
  place = { prev: random(32) as Bytes as Hash, seq: 3, author: makeDevice(random).logPk };
  key = random(32) as RosterKey;
});

describe('display data', () => {
  it('opens under the roster key, in its entry', () => {
    expect(openDisplay(key, place, sealDisplay(key, place, name, random))).toEqual(name);
  });

  it('is blank, and no fault, when moved, changed, cut or under another key', () => {
    const sealed = sealDisplay(key, place, name, random);
    expect(openDisplay(random(32) as RosterKey, place, sealed)).toEqual(EMPTY);
    expect(openDisplay(key, { ...place, seq: 4 }, sealed)).toEqual(EMPTY);
    expect(openDisplay(key, { ...place, prev: random(32) as Bytes as Hash }, sealed)).toEqual(EMPTY);
    expect(openDisplay(key, { ...place, author: makeDevice(random).logPk }, sealed)).toEqual(EMPTY);
    for (let i = 0; i < sealed.length; i += 5) {
      const bad = sealed.slice();
      bad[i] = (bad[i] as number) ^ 4;
      expect(openDisplay(key, place, bad)).toEqual(EMPTY);
      expect(openDisplay(key, place, sealed.slice(0, i))).toEqual(EMPTY);
    }
  });

  it('hides how long a name is', () => {
    expect(sealDisplay(key, place, fromText('Al'), random)).toHaveLength(sealDisplay(key, place, fromText('A much longer name than that'), random).length);
  });
});
