import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash } from '$crypto/brand';
import { concat } from '$crypto/bytes';
import { inviteKeys } from '$crypto/invite-secret';
import { LIMIT } from '$crypto/limits';
import { ready } from '$crypto/sodium';
import { Writer } from '$crypto/wire';
import { decodeEntry, encodeEntry, entryHash, type EntryBody, groupIdOf, type Rotation, signEntry, verifyEntry, verifyNewRow } from '$crypto/roster/entry';
import { blob, body as anyBody, entry as anyEntry, spoiled } from '../../../support/arbitrary';
import { makeDevice, newRow, rawEntry, seeded } from '../../../support/actor';

beforeAll(ready);

describe('an entry', () => {
  it('comes back from its bytes, each kind of it', () => {
    const seen = new Set<string>();
    fc.assert(fc.property(anyEntry, (e) => {
      seen.add(e.body.kind);
      expect(decodeEntry(encodeEntry(e))).toEqual({ ok: true, value: e });
    }), { numRuns: 500 });
    expect(seen.size).toBe(11);
  });

  it('has one encoding: whatever decodes encodes to the same bytes', () => {
    fc.assert(fc.property(fc.oneof(blob(400), spoiled(anyEntry.map(encodeEntry))), (b) => {
      const d = decodeEntry(b);
      if (d.ok) expect(encodeEntry(d.value)).toEqual(b);
    }), { numRuns: 3000 });
  });

  it('is its author’s: any bit flipped, and it is malformed or forged', () => {
    const olivia = makeDevice(seeded('entry'));
    fc.assert(fc.property(anyBody, fc.nat(), (body, where) => {
      const b = rawEntry(olivia, { prev: new Uint8Array(32) as Bytes as Hash, seq: 2 }, body);
      const good = decodeEntry(b);
      expect(good.ok && verifyEntry(b, good.value)).toBe(true);
      const bad = b.slice();
      const bit = where % (b.length * 8);
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const d = decodeEntry(bad);
      if (d.ok) expect(verifyEntry(bad, d.value)).toBe(false);
    }), { numRuns: 300 });
  });

  it('of an unknown version, suite or kind is malformed', () => {
    const b = rawEntry(makeDevice(seeded('version')), { prev: new Uint8Array(32) as Bytes as Hash, seq: 2 }, { kind: 'offer-owner', to: null });
    for (const [at, value] of [[0, 2], [1, 2], [2, 0], [2, 11], [2, 255]] as const) {
      const other = b.slice();
      other[at] = value;
      expect(decodeEntry(other)).toEqual({ ok: false, fault: 'malformed' });
    }
  });

  it('with recipients or cuts out of order, or twice, is malformed', () => {
    const olivia = makeDevice(seeded('order'));
    const place = { prev: new Uint8Array(32) as Bytes as Hash, seq: 2 };
    const key = (v: number) => new Uint8Array(32).fill(v) as Bytes as never;
    const turn = (...to: number[]): EntryBody => ({ kind: 'rotate', rotation: { contentCommit: key(0), rosterCommit: key(0), boxes: to.map((v) => ({ to: key(v), hash: key(0) })) } as Rotation });
    const go = (...logs: number[]): EntryBody => ({ kind: 'leave', cuts: logs.map((v) => ({ logPk: key(v), n: 1, hash: key(1) })) });
    const decodes = (b: EntryBody): boolean => decodeEntry(rawEntry(olivia, place, b)).ok;
    expect([decodes(turn(1, 2)), decodes(turn(2, 1)), decodes(turn(1, 1))]).toEqual([true, false, false]);
    expect([decodes(go(1, 2)), decodes(go(2, 1)), decodes(go(1, 1))]).toEqual([true, false, false]);
  });

  it('fits its limit at the largest group, and can’t list more than the limits allow', () => {
    const olivia = makeDevice(seeded('large'));
    const place = { prev: new Uint8Array(32) as Bytes as Hash, seq: 2 };
    const boxes = (n: number) => Array.from({ length: n }, (_, i) => ({ to: concat(new Uint8Array([i >> 8, i & 255]), new Uint8Array(30)) as never, hash: new Uint8Array(32) as never }));
    const turn = (n: number): Bytes => rawEntry(olivia, place, { kind: 'rotate', rotation: { contentCommit: place.prev, rosterCommit: place.prev, boxes: boxes(n) } });
    expect(turn(LIMIT.devices).length).toBeLessThanOrEqual(LIMIT.entry);
    expect(decodeEntry(turn(LIMIT.devices)).ok).toBe(true);
    expect(decodeEntry(turn(2 * LIMIT.devices + 1)).ok).toBe(false);
  });

  it('of a genesis hashes to the group’s id', () => {
    const b = new Writer().u8(1).done();
    expect(groupIdOf(b)).toEqual(entryHash(b));
  });
});

describe('a new row', () => {
  it('counts only as its log key and the invite key signed it, in this group', () => {
    const random = seeded('row');
    const group = random(32) as Bytes as GroupId;
    const invite = inviteKeys(group, random(16));
    const [fay, mallory] = [makeDevice(random), makeDevice(random)];
    const row = newRow(group, invite, fay);
    expect(verifyNewRow(group, invite.invite, row)).toBe(true);
    expect(verifyNewRow(random(32) as Bytes as GroupId, invite.invite, row)).toBe(false);
    expect(verifyNewRow(group, inviteKeys(group, random(16)).invite, row)).toBe(false);
    expect(verifyNewRow(group, invite.invite, { ...row, kem: mallory.kem.pk })).toBe(false);
    expect(verifyNewRow(group, invite.invite, { ...row, member: mallory.member })).toBe(false);
    expect(verifyNewRow(group, invite.invite, { ...row, logPk: mallory.logPk })).toBe(false);
    expect(verifyNewRow(group, invite.invite, { ...row, claim: row.redeem, redeem: row.claim })).toBe(false);
  });
});

describe('a signature over an entry', () => {
  it('is the same each time, so that a stored entry can be sent again', () => {
    const d = makeDevice(seeded('twice'));
    const e = { seq: 2, prev: new Uint8Array(32) as Bytes as Hash, author: d.logPk, body: { kind: 'offer-owner', to: null } } as const;
    expect(signEntry(e, d.logSk)).toEqual(signEntry(e, d.logSk));
  });
});
