/** P20 A relay that signs two histories: at the first honest exchange both sides hold the proof, and nobody but the relay can make one. */
import { describe, expect, it, vi } from 'vitest';
import { equal } from '../../crypto/bytes';
import { encodeToRelay, type ReceiptedEntry } from '../../crypto/frames';
import { signReceipt, verifyReceipt } from '../../crypto/receipt';
import { signPair } from '../../crypto/verify';
import { type ForkRow, keyOf, read } from '../../src/lib/core/group-rows';
import { seeded } from '../support/actor';
import { cast, type Seat } from '../support/circle';
import { fork } from '../support/forked';
import { Rhea } from '../support/rhea';
import { HOST } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;

/** What a device keeps as proof: two receipts for one place of one life, both signed by its relay, with different chains. */
async function holdsProof(s: Seat): Promise<boolean> {
  const kept = await read<ForkRow>(s.run.around.store, 'roster', keyOf.fork(s.run.ref));
  if (kept?.ours == null) return false;
  const [a, b] = [kept.ours.receipt, kept.theirs.receipt];
  const sameplace = a.seq === b.seq && a.incarnation === b.incarnation && equal(a.relayPk, b.relayPk);
  return sameplace && !equal(a.chain, b.chain) && [a, b].every((r) => verifyReceipt(s.run.row.id, r));
}

describe('P20 a forked group', () => {
  it('is found when the two histories meet, however long each is: both sides have the proof and stop, over a restart too', async () => {
    for (const later of [0, 1]) {
      const { world, olivia, pat, fay } = await cast(3);
      const rhea = new Rhea(world);
      for (const s of [olivia, pat, fay]) s.device.cut();
      await world.time.pass(3_000);
      fork(rhea, olivia, [pat]);
      await olivia.device.must('rename-group', { group: olivia.group, name: 'Forked' });
      await world.time.pass(500);
      expect(pat.view).toMatchObject({ name: 'Forked', alarm: null });
      for (let i = 0; i < later; i++) await olivia.device.must('rename-group', { group: olivia.group, name: `Later ${i}` });
      await world.time.pass(500);
      // she stops, or one word slips through
      rhea.repent();
      pat.device.cut();
      await world.time.pass(30_000);
      for (const s of [olivia, pat, fay]) {
        expect(s.view, s.device.name).toMatchObject({ alarm: 'fork', ended: 'forked' });
        expect(await holdsProof(s), s.device.name).toBe(true);
        await s.post('Not to be sent');
        await s.device.restart();
        await s.open();
        expect(s.view, s.device.name).toMatchObject({ alarm: 'fork', ended: 'forked' });
        expect(await holdsProof(s), s.device.name).toBe(true);
      }
      await world.time.pass(20_000);
      expect(rhea.told.filter((t) => t.f.is === 'append' && t.f.n > 1)).toEqual([]);
    }
  });

  it('cannot be feigned by a lone member, with receipts of others, of earlier entries, altered, or of her own making', async () => {
    const { world, olivia, pat, mallory } = await cast(4);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Calm' });
    await world.time.pass(500);
    const { id: group } = olivia.run.row;
    const entries = mallory.run.entries.map(({ entry, receipt }): ReceiptedEntry => ({ entry, receipt }));
    const last = entries.at(-1) as ReceiptedEntry;
    const hers = signPair(seeded('mallory’s own relay')(32));
    const lies: ReceiptedEntry[][] = [
      entries, [last], [{ ...last, receipt: { ...last.receipt, time: last.receipt.time + 1 } }], [{ ...last, receipt: { ...last.receipt, chain: entries[0]!.receipt.chain } }],
      [{ entry: entries[0]!.entry, receipt: last.receipt }], [{ ...last, receipt: { ...last.receipt, incarnation: last.receipt.incarnation + 1 } }],
      [{ ...last, receipt: signReceipt(group, { ...last.receipt, time: last.receipt.time + 1 }, hers.sk) }],
      [{ ...last, receipt: signReceipt(group, { ...last.receipt, relayPk: hers.pk as never, time: last.receipt.time + 1 }, hers.sk) }]
    ];
    const wire = world.relay.connect(() => undefined, HOST);
    for (const [re, items] of lies.entries()) wire.receive(encodeToRelay({ is: 'give-entries', re: re + 1, group, items }));
    await world.time.pass(2_000);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(10_000);
    await pat.post('Still here');
    await world.time.pass(SENT);
    for (const s of [olivia, pat, mallory]) {
      expect(s.view, s.device.name).toMatchObject({ alarm: null, ended: null, name: 'Calm' });
      expect(s.words, s.device.name).toEqual(['Still here']);
    }
    expect(world.reports).toEqual([]);
  });

  it('tells who confirmed one’s own history, and when', async () => {
    const { world, olivia, pat, fay } = await cast(3);
    const verified = (of: Seat) => olivia.view.people.find((p) => p.member === of.run.me)?.verified ?? null;
    expect(verified(olivia)).toBeNull();
    const first = verified(fay);
    await world.time.pass(10 * SENT);
    await pat.post('Mine is yours');
    await world.time.pass(SENT);
    expect(verified(pat)).toBeGreaterThan(world.time.now - 2 * SENT);
    expect(verified(fay)).toBe(first);
    await olivia.device.restart();
    await olivia.open();
    expect(verified(pat)).not.toBeNull();
    // words that were written against another history confirm nothing
    const rhea = new Rhea(world);
    for (const s of [olivia, pat, fay]) s.device.cut();
    await world.time.pass(3_000);
    const before = verified(pat);
    fork(rhea, olivia, [pat]);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Forked' });
    await world.time.pass(500);
    await pat.post('On another history');
    await world.time.pass(SENT);
    expect(verified(pat)).toBe(before);
    expect(olivia.words).toEqual(['Mine is yours']);
  });
});
