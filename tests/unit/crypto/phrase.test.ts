import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { openItem, PHRASE_LIST, PHRASE_WORDS, phraseKeys, phraseToPlaces, placesToPhrase, sealItem } from '$crypto/phrase';
import { ready } from '$crypto/sodium';
import { seeded } from '../../support/actor';
import { WORDS } from '$lib/vault/words';

beforeAll(ready);
const entropies = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => new Uint8Array(b) as Bytes);

describe('the words of a phrase', () => {
  it('are thirteen of 1024 different ones, and give back the bits they came from', () => {
    expect([WORDS.length, new Set(WORDS).size]).toEqual([PHRASE_LIST, PHRASE_LIST]);
    fc.assert(fc.property(entropies, (entropy) => {
      const places = phraseToPlaces(entropy);
      expect(places).toHaveLength(PHRASE_WORDS);
      expect(places.every((p) => p >= 0 && p < PHRASE_LIST)).toBe(true);
      expect(placesToPhrase(places)).toEqual({ ok: true, value: entropy });
    }));
  });

  it('have a check that finds two words in each other’s place and most wrong words', () => {
    const random = seeded('phrase');
    let [found, all] = [0, 0];
    for (let i = 0; i < 300; i++) {
      const places = phraseToPlaces(random(16));
      const at = i % PHRASE_WORDS;
      const wrong = places.map((p, j) => (j === at ? (p + 1 + i) % PHRASE_LIST : p));
      const swapped = places.map((p, j) => (j === at ? (places[(at + 1) % PHRASE_WORDS] as number) : j === (at + 1) % PHRASE_WORDS ? (places[at] as number) : p));
      for (const w of [wrong, swapped]) {
        if (w.every((p, j) => p === places[j])) continue;
        all++;
        if (!placesToPhrase(w).ok) found++;
      }
    }
    // three in four
    expect(found / all).toBeGreaterThan(0.68);
    expect(found / all).toBeLessThan(0.82);
  });

  it('of another count, or outside the list, are no phrase', () => {
    const places = phraseToPlaces(new Uint8Array(16));
    for (const bad of [[], places.slice(1), [...places, 0], [...places.slice(1), PHRASE_LIST], [...places.slice(1), -1], [...places.slice(1), 0.5]]) {
      expect(placesToPhrase(bad)).toEqual({ ok: false, fault: 'wrong-length' });
    }
  });
});

describe('an item of a personal vault', () => {
  it('opens for its phrase in its vault alone, and changed in any part for nobody', () => {
    const random = seeded('items');
    const [mine, other] = [phraseKeys(random(16)), phraseKeys(random(16))];
    const plain = random(90);
    const item = sealItem({ id: mine.id, kem: mine.kem.pk }, plain, random);
    expect(openItem(mine, item)).toEqual({ ok: true, value: plain });
    expect(openItem(other, item).ok).toBe(false);
    expect(openItem({ ...mine, id: other.id }, item).ok).toBe(false);
    expect(openItem({ ...mine, kem: other.kem }, item).ok).toBe(false);
    for (let i = 0; i < item.length; i += 37) expect(openItem(mine, item.map((b, j) => (j === i ? b ^ 1 : b)) as Bytes).ok).toBe(false);
    expect(openItem(mine, item.slice(0, -1)).ok).toBe(false);
    expect(openItem(mine, new Uint8Array(0)).ok).toBe(false);
  });

  it('is new bytes each time, and its size tells a class only', () => {
    const random = seeded('sizes');
    const mine = phraseKeys(random(16));
    const seal = (n: number) => sealItem({ id: mine.id, kem: mine.kem.pk }, new Uint8Array(n), random);
    expect(equal(seal(10), seal(10))).toBe(false);
    expect(seal(3).length).toBe(seal(250).length);
  });
});
