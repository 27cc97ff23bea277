/** What one post weighs (PROTOCOL §4): sizes, not times, so they can be held to exactly. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFromRelay, encodeToRelay } from '$crypto/frames';
import { ready } from '$crypto/sodium';
import { LaneWriter } from '$lib/care/lane';
import { envelope, makeDevice, pen, seeded, story } from '../../support/actor';

beforeAll(ready);

function weigh(letters: number, posts: number): { append: number; page: number; envelope: number } {
  const random = seeded('size');
  const d = makeDevice(random);
  const st = story(random, d);
  const p = pen(d);
  const update = new LaneWriter(1, 1, random).write(
    Array.from({ length: posts }, (_, i) => ({ i: 'AAAAAAAAAAAAAAAAAAAAAA', t: 'post' as const, a: 1_700_000_000_000 + i, x: 'a'.repeat(letters) }))
  );
  const bytes = envelope(random, st.state, p, st.now.content, update);
  const append = encodeToRelay({ is: 'append', group: st.group, n: 1, envelope: bytes }).length;
  const page = encodeFromRelay({ is: 'page', re: 0, group: st.group, items: [{ device: 1, n: 1, seq: 100, time: 1_700_000_000_000, envelope: bytes }], prevs: [], more: false }).length;
  return { append, page, envelope: bytes.length };
}

describe('a post on the wire', () => {
  it('of 300 bytes takes at most 600, and at most 420 when ten wait together', () => {
    expect(weigh(300, 1)).toEqual({ append: 530, page: 542, envelope: 494 });
    expect(weigh(300, 10).page / 10).toBeLessThanOrEqual(420);
  });

  it('looks the same for one word as for a few lines', () => {
    expect(weigh(3, 1)).toEqual(weigh(150, 1));
  });
});
