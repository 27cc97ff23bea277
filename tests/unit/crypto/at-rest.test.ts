import { beforeAll, describe, expect, it } from 'vitest';
import { newVaultKey, openRow, rowKeyOf, sealRow, unwrapVaultKey, wrapVaultKey } from '$crypto/at-rest';
import type { Bytes } from '$crypto/brand';
import { fromText } from '$crypto/bytes';
import { ready, systemRandom } from '$crypto/sodium';

beforeAll(() => ready());

const place = { table: 'outbox', key: 'g/00000001' };
const flip = (b: Bytes, at: number): Bytes => b.map((v, i) => (i === at ? v ^ 1 : v));

describe('a row at rest', () => {
  it('opens in its place under its key', () => {
    const key = rowKeyOf(newVaultKey(systemRandom));
    expect(openRow(key, place, sealRow(key, place, fromText('words'), systemRandom))).toEqual({ ok: true, value: fromText('words') });
  });

  it('does not open elsewhere, under another key, cut short, or with any byte changed', () => {
    const key = rowKeyOf(newVaultKey(systemRandom));
    const sealed = sealRow(key, place, fromText('words'), systemRandom);
    const no = { ok: false, fault: 'unreadable' };
    expect(openRow(key, { ...place, table: 'inbox' }, sealed)).toEqual(no);
    expect(openRow(key, { ...place, key: 'g/00000002' }, sealed)).toEqual(no);
    expect(openRow(key, { table: 'outboxg', key: '/00000001' }, sealed)).toEqual(no);
    expect(openRow(rowKeyOf(newVaultKey(systemRandom)), place, sealed)).toEqual(no);
    for (let size = 0; size < sealed.length; size++) expect(openRow(key, place, sealed.slice(0, size))).toEqual(no);
    for (let at = 0; at < sealed.length; at++) expect(openRow(key, place, flip(sealed, at))).toEqual(no);
  });

  it('is sealed differently every time', () => {
    const key = rowKeyOf(newVaultKey(systemRandom));
    expect(sealRow(key, place, fromText('words'), systemRandom)).not.toEqual(sealRow(key, place, fromText('words'), systemRandom));
  });
});

describe('a wrapped vault key', () => {
  it('opens under the same key and description only', () => {
    const vaultKey = newVaultKey(systemRandom);
    const under = systemRandom(32);
    const about = fromText('salt and costs');
    const wrapped = wrapVaultKey(under, about, vaultKey, systemRandom);
    const no = { ok: false, fault: 'unreadable' };
    expect(unwrapVaultKey(under, about, wrapped)).toEqual({ ok: true, value: vaultKey });
    expect(unwrapVaultKey(systemRandom(32), about, wrapped)).toEqual(no);
    expect(unwrapVaultKey(under, fromText('other costs'), wrapped)).toEqual(no);
    for (let at = 0; at < wrapped.length; at++) expect(unwrapVaultKey(under, about, flip(wrapped, at))).toEqual(no);
  });

  it('is never taken for a row, nor a row for it', () => {
    const vaultKey = newVaultKey(systemRandom);
    const key = rowKeyOf(vaultKey);
    expect(openRow(key, place, wrapVaultKey(key, fromText('x'), vaultKey, systemRandom)).ok).toBe(false);
    expect(unwrapVaultKey(key, fromText('x'), sealRow(key, place, vaultKey, systemRandom)).ok).toBe(false);
  });
});
