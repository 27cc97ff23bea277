import { beforeAll, describe, expect, it } from 'vitest';
import { ready } from '../../../../crypto/sodium';
import { chainHead, liveRows, owedAt } from '../../../../crypto/roster/state';
import { equal, hex } from '../../../../crypto/bytes';
import { openLockbox } from '../../../../crypto/lockbox';
import { isContentKey, isRosterKey } from '../../../../crypto/epoch';
import { verifyReceipt } from '../../../../crypto/receipt';
import { accept, leave, letIn, makeDevice, offer, removeEntry, rotate, seeded, story } from '../../../support/actor';

beforeAll(ready);

describe('the whole life of a group', () => {
  it('goes from founding through letting in, handing over and removal to a leave that is paid', () => {
    const random = seeded('life');
    const [olivia, pat, fay] = [makeDevice(random), makeDevice(random), makeDevice(random)];
    const st = story(random, olivia);
    letIn(random, st, olivia, pat);
    letIn(random, st, olivia, fay, 'today');
    expect(liveRows(st.state)).toHaveLength(3);

    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    expect(st.state.owner).toBe(hex(pat.member));

    const gone = st.must(removeEntry(random, st.state, pat, olivia.member));
    expect(gone.boxes.map((b) => hex(b.to)).sort()).toEqual([hex(pat.logPk), hex(fay.logPk)].sort());

    st.must(leave(st.state, fay));
    expect(owedAt(st.state, st.state.seq)).toBe(true);
    st.must(rotate(random, st.state, pat));
    expect(owedAt(st.state, st.state.seq)).toBe(false);
    expect(liveRows(st.state).map((r) => hex(r.logPk))).toEqual([hex(pat.logPk)]);
  });

  it('gives each device keys that match what the entry committed to', () => {
    const random = seeded('keys');
    const [olivia, pat] = [makeDevice(random), makeDevice(random)];
    const st = story(random, olivia);
    letIn(random, st, olivia, pat);
    const made = rotate(random, st.state, pat);
    const place = { prev: chainHead(st.state), seq: st.state.seq + 1 };
    st.must(made);
    const mine = made.boxes.find((b) => equal(b.to, olivia.logPk));
    const opened = openLockbox(olivia.logPk, olivia.kem, place, mine?.lockbox as never);
    expect(opened.ok).toBe(true);
    if (!opened.ok) return;
    const item = opened.value[0];
    const epoch = st.state.epochs.find((e) => e.seq === item?.epoch);
    expect(item && epoch && item.content && isContentKey(place, item.content, epoch.contentCommit) && isRosterKey(place, item.roster, epoch.rosterCommit)).toBe(true);
  });

  it('carries a good receipt for every entry', () => {
    const random = seeded('receipts');
    const olivia = makeDevice(random);
    const st = story(random, olivia);
    letIn(random, st, olivia, makeDevice(random));
    expect(st.entries.every((e) => verifyReceipt(st.group, e.receipt))).toBe(true);
    expect(equal(st.entries.at(-1)?.receipt.chain as Uint8Array, chainHead(st.state))).toBe(true);
  });
});
