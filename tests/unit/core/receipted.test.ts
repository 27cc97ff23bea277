import { beforeAll, describe, expect, it } from 'vitest';
import { chainAt, chainHead } from '$crypto/roster/state';
import { ready } from '$crypto/sodium';
import { foldMore, type Folded, type Folding, type Named } from '$lib/core/receipted';
import { letIn, makeDevice, makeRelay, nameEntry, plainEntry, receipt, seeded, story } from '../../support/actor';

beforeAll(ready);
const NOTHING: Folding = { state: null, entries: [] };

function begun() {
  const random = seeded('receipted');
  const [olivia, pat] = [makeDevice(random), makeDevice(random)];
  const st = story(random, olivia);
  letIn(random, st, olivia, pat);
  const next = makeRelay(random);
  /** An entry that names the next key, receipted by that key. */
  const turn = (by = olivia) => {
    const { entry } = plainEntry(st.state, by, { kind: 'relay', relayPk: next.pk });
    return { entry, receipt: receipt(next, st.group, chainHead(st.state), st.state.seq + 1, entry, st.state.time) };
  };
  const fold = (before: Folding = NOTHING, items = st.entries, named: Named | null = null): Folded => foldMore(st.group, before, items, 1, named);
  return { random, olivia, pat, st, turn, fold };
}

describe('receipted entries', () => {
  it('count as far as they follow one another, and what is here already is passed over', () => {
    const { st, fold } = begun();
    const most = fold(NOTHING, [...st.entries.slice(0, 1), ...st.entries.slice(2)]);
    expect([most.took, most.entries.length, most.state?.seq]).toEqual(['short', 1, 1]);
    const all = fold(most);
    expect([all.took, all.entries.length, all.state]).toEqual(['all', st.entries.length, st.state]);
  });

  it('by a new key count with the owner’s word; one that is void by rule changes nothing, and the true ones go on from there', () => {
    const { random, st, olivia, pat, turn, fold } = begun();
    const before = fold();
    const refused = fold(before, [turn(pat)]);
    expect(refused).toEqual({ ...before, took: 'short' });
    expect(fold(before, [turn()])).toMatchObject({ took: 'all', state: { seq: st.state.seq + 1 } });
    st.must(nameEntry(random, st.state, olivia, st.now, 'Under the old key'));
    expect(fold(refused)).toMatchObject({ took: 'all', state: st.state });
  });

  it('that are not what the link names, by chain or by key, are another history, of which nothing is kept', () => {
    const { random, st, fold } = begun();
    const at = { seq: 2, chain: chainAt(st.state, 2) as Named['chain'], relayPk: st.relay.pk };
    expect(fold(NOTHING, st.entries, at).took).toBe('all');
    for (const other of [{ chain: chainHead(st.state) }, { relayPk: makeRelay(random).pk }]) expect(fold(NOTHING, st.entries, { ...at, ...other })).toEqual({ ...NOTHING, took: 'other' });
  });

  it('of a version that this app does not know are not judged', () => {
    const { random, st, olivia, fold } = begun();
    st.must(plainEntry(st.state, olivia, { kind: 'upgrade', version: 2 }));
    const upTo = st.state;
    st.must(nameEntry(random, st.state, olivia, st.now, 'Later'));
    expect(fold()).toMatchObject({ took: 'short', state: upTo });
    expect(foldMore(st.group, NOTHING, st.entries, 2)).toMatchObject({ took: 'all', state: st.state });
  });
});
