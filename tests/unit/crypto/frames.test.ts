import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFromRelay, decodeToRelay, encodeFromRelay, encodeToRelay, NO_DETAIL, REFUSAL_CODES, REFUSALS } from '$crypto/frames';
import type { Bytes, GroupId, Hash } from '$crypto/brand';
import { LIMIT } from '$crypto/limits';
import { blob, FROM_KINDS, fromRelay, spoiled, TO_KINDS, toRelay } from '../../support/arbitrary';

describe('frames to the relay', () => {
  it('come back from their bytes, each kind of them', () => {
    const seen = new Set<string>();
    fc.assert(fc.property(toRelay, (f) => {
      seen.add(f.is);
      expect(decodeToRelay(encodeToRelay(f))).toEqual({ ok: true, value: f });
    }), { numRuns: 800 });
    expect(seen.size).toBe(TO_KINDS);
  });

  it('have one encoding: whatever decodes encodes to the same bytes', () => {
    fc.assert(fc.property(fc.oneof(blob(300), spoiled(toRelay.map(encodeToRelay))), (b) => {
      const d = decodeToRelay(b);
      if (d.ok) expect(encodeToRelay(d.value)).toEqual(b);
    }), { numRuns: 3000 });
  });

  it('are refused cut short anywhere, or with anything after them', () => {
    fc.assert(fc.property(toRelay, fc.nat(), (f, cut) => {
      const b = encodeToRelay(f);
      expect(decodeToRelay(b.slice(0, cut % b.length)).ok).toBe(false);
      expect(decodeToRelay(new Uint8Array([...b, 0])).ok).toBe(false);
    }), { numRuns: 500 });
  });
});

describe('frames from the relay', () => {
  it('come back from their bytes, each kind of them', () => {
    const seen = new Set<string>();
    fc.assert(fc.property(fromRelay, (f) => {
      seen.add(f.is);
      expect(decodeFromRelay(encodeFromRelay(f))).toEqual({ ok: true, value: f });
    }), { numRuns: 800 });
    expect(seen.size).toBe(FROM_KINDS);
  });

  it('have one encoding: whatever decodes encodes to the same bytes', () => {
    fc.assert(fc.property(fc.oneof(blob(300), spoiled(fromRelay.map(encodeFromRelay))), (b) => {
      const d = decodeFromRelay(b);
      if (d.ok) expect(encodeFromRelay(d.value)).toEqual(b);
    }), { numRuns: 3000 });
  });

  it('are refused cut short anywhere, or with anything after them', () => {
    fc.assert(fc.property(fromRelay, fc.nat(), (f, cut) => {
      const b = encodeFromRelay(f);
      expect(decodeFromRelay(b.slice(0, cut % b.length)).ok).toBe(false);
      expect(decodeFromRelay(new Uint8Array([...b, 0])).ok).toBe(false);
    }), { numRuns: 500 });
  });

  it('name every refusal, and none that is not in the list', () => {
    const group = new Uint8Array(32) as Bytes as GroupId;
    for (const why of REFUSALS) {
      const f = { is: 'refused', re: 1, group, why, detail: NO_DETAIL } as const;
      expect(decodeFromRelay(encodeFromRelay(f))).toEqual({ ok: true, value: f });
    }
    const b = encodeFromRelay({ is: 'refused', re: 1, group, why: 'malformed', detail: NO_DETAIL });
    for (const code of [0, Math.max(...Object.values(REFUSAL_CODES)) + 1, 255]) {
      const other = b.slice();
      other[34] = code;
      expect(decodeFromRelay(other).ok).toBe(false);
    }
  });

  it('say where every log stands that a group can ever have had', () => {
    const hash = new Uint8Array(32) as Bytes as Hash;
    const bytes = (logs: number): Bytes => encodeFromRelay({
      is: 'standing', re: 1, group: hash as Bytes as GroupId, healing: true, rosterSeq: logs, chain: hash, feed: 2 ** 40,
      heads: Array.from({ length: logs }, (_, i) => ({ device: i + 1, n: 2 ** 40, hash })), lacks: []
    });
    for (const logs of [5000, LIMIT.roster]) {
      const d = decodeFromRelay(bytes(logs));
      if (!d.ok || d.value.is !== 'standing') throw new Error(`${logs} heads cannot be read`);
      expect([d.value.heads.length, d.value.heads.at(-1)]).toEqual([logs, { device: logs, n: 2 ** 40, hash }]);
    }
    expect(decodeFromRelay(bytes(LIMIT.roster + 1)).ok).toBe(false);
  });

  it('of an unknown kind are malformed', () => {
    for (const code of [0, 200, 255]) expect(decodeFromRelay(new Uint8Array([code, 1])).ok).toBe(false);
    for (const code of [0, 200, 255]) expect(decodeToRelay(new Uint8Array([code, 1])).ok).toBe(false);
  });
});
