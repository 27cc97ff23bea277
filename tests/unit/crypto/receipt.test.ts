import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, RelayPk } from '$crypto/brand';
import { type Receipt, readReceipt, verifyReceipt, writeReceipt } from '$crypto/receipt';
import { ready, type Random } from '$crypto/sodium';
import { decode, Writer } from '$crypto/wire';
import { chainAfter } from '$crypto/roster/entry';
import { ZERO_HASH } from '$crypto/hash';
import { makeRelay, receipt, seeded } from '../../support/actor';

let random: Random;
let group: GroupId;
let r: Receipt;
beforeAll(async () => {
  await ready();
  random = seeded('receipt');
  group = random(32) as Bytes as GroupId;
  r = receipt(makeRelay(random, 5), group, ZERO_HASH, 1, new Uint8Array([1, 2]), 1_700_000_000_000);
});

describe('a receipt', () => {
  it('holds as it was signed, and comes back from its bytes', () => {
    const w = new Writer();
    writeReceipt(r, w);
    const back = decode(w.done(), readReceipt);
    expect(back).toEqual({ ok: true, value: r });
    expect(verifyReceipt(group, r)).toBe(true);
  });

  it('fails with any field changed', () => {
    const other = random(32);
    const changes: Partial<Receipt>[] = [
      { relayPk: makeRelay(random).pk as RelayPk }, { incarnation: 6 }, { seq: 2 }, { chain: other as Bytes as Hash }, { time: r.time + 1 }, { signature: random(64) }
    ];
    for (const c of changes) expect(verifyReceipt(group, { ...r, ...c })).toBe(false);
    expect(verifyReceipt(other as Bytes as GroupId, r)).toBe(false);
  });

  it('signs a chain that covers the entry and its time, so one entry at two times is two chains', () => {
    const entry = new Uint8Array([1, 2]);
    expect(r.chain).toEqual(chainAfter(ZERO_HASH, entry, r.time));
    expect(chainAfter(ZERO_HASH, entry, r.time + 1)).not.toEqual(r.chain);
    expect(chainAfter(ZERO_HASH, new Uint8Array([1, 3]), r.time)).not.toEqual(r.chain);
    expect(chainAfter(random(32) as Bytes as Hash, entry, r.time)).not.toEqual(r.chain);
  });
});
