import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '$crypto/sodium';
import { openStore } from '$lib/store/sealed';
import type { CacheTable, RangeOptions, Row, Store, Table } from '$lib/store/store';
import { bytes, devices, faultFrom, newKey, words } from './cast';

/** What a store means, in ten lines: sorted maps. */
class Model {
  readonly rows = new Map<string, string>();
  set(table: string, key: string, value: string | null): void {
    if (value === null) this.rows.delete(`${table}|${key}`);
    else this.rows.set(`${table}|${key}`, value);
  }
  range(table: string, prefix: string, { after, before, most }: RangeOptions): [string, string][] {
    return [...this.rows]
      .filter(([k]) => k.startsWith(`${table}|`))
      .map(([k, v]): [string, string] => [k.slice(table.length + 1), v])
      .filter(([k]) => k.startsWith(prefix) && (after === undefined || k > after) && (before === undefined || k < before))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, most);
  }
}

const key = fc.stringMatching(/^[ab]\/[0-3]$/);
const prefix = fc.constantFrom('', 'a', 'a/', 'b/', 'a/2', 'c');
const value = fc.option(fc.string({ maxLength: 6 }), { freq: 3 });
const table = fc.constantFrom<Table>('outbox', 'inbox');
const cacheTable = fc.constantFrom<CacheTable>('page', 'blob');
const options: fc.Arbitrary<RangeOptions> = fc.record(
  { after: key, before: key, most: fc.integer({ min: 1, max: 4 }) },
  { requiredKeys: [] }
);

type Step =
  | { readonly do: 'commit'; readonly changes: readonly { table: Table; key: string; value: string | null }[] }
  | { readonly do: 'cache'; readonly changes: readonly { table: CacheTable; key: string; value: string | null }[] }
  | { readonly do: 'range'; readonly table: Table; readonly prefix: string; readonly options: RangeOptions }
  | { readonly do: 'cache-range'; readonly table: CacheTable; readonly prefix: string; readonly options: RangeOptions }
  | { readonly do: 'get'; readonly table: Table; readonly key: string }
  | { readonly do: 'drop'; readonly prefix: string }
  | { readonly do: 'reopen' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('commit' as const), changes: fc.array(fc.record({ table, key, value }), { maxLength: 5 }) }),
  fc.record({ do: fc.constant('cache' as const), changes: fc.array(fc.record({ table: cacheTable, key, value }), { maxLength: 5 }) }),
  fc.record({ do: fc.constant('range' as const), table, prefix, options }),
  fc.record({ do: fc.constant('cache-range' as const), table: cacheTable, prefix, options }),
  fc.record({ do: fc.constant('get' as const), table, key }),
  fc.record({ do: fc.constant('drop' as const), prefix: fc.constantFrom('a/', 'b/', 'c') }),
  fc.record({ do: fc.constant('reopen' as const) })
);

const sealable = <T extends string>(changes: readonly { table: T; key: string; value: string | null }[]) =>
  changes.map((c) => ({ ...c, value: c.value === null ? null : bytes(c.value) }));
const shown = (rows: readonly Row[]): [string, string | null][] => rows.map((r) => [r.key, words(r.value)]);

describe.each(devices)('any history of a store $on', ({ make }) => {
  it('reads as its model does, over restarts', async () => {
    const vaultKey = await newKey();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const device = make();
        const model = new Model();
        const open = (): Promise<Store> => openStore({ disk: device.open(), vaultKey, random: systemRandom });
        let store = await open();
        for (const s of steps) {
          if (s.do === 'commit' || s.do === 'cache') {
            if (s.do === 'commit') await store.commit(sealable(s.changes));
            else await store.cacheCommit(sealable(s.changes));
            for (const c of s.changes) model.set(c.table, c.key, c.value);
          } else if (s.do === 'range')
            expect(shown(await store.range(s.table, s.prefix, s.options))).toEqual(model.range(s.table, s.prefix, s.options));
          else if (s.do === 'cache-range')
            expect(shown(await store.cacheRange(s.table, s.prefix, s.options))).toEqual(model.range(s.table, s.prefix, s.options));
          else if (s.do === 'get') expect(words(await store.get(s.table, s.key))).toBe(model.rows.get(`${s.table}|${s.key}`) ?? null);
          else if (s.do === 'drop') {
            await store.dropPrefix(s.prefix);
            for (const k of [...model.rows.keys()]) if (k.split('|')[1]?.startsWith(s.prefix)) model.rows.delete(k);
          } else {
            const old = store;
            store = await open();
            expect(await faultFrom(old.commit([{ table: 'outbox', key: 'a/0', value: bytes('stale') }]))).toBe('fenced');
            old.close();
          }
        }
        for (const t of ['outbox', 'inbox'] as const) expect(shown(await store.range(t, ''))).toEqual(model.range(t, '', {}));
        for (const t of ['page', 'blob'] as const) expect(shown(await store.cacheRange(t, ''))).toEqual(model.range(t, '', {}));
        store.close();
      }),
      { numRuns: 60 }
    );
  });
});
