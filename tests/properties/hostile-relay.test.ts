/** Rhea between the devices and the relay: what she can delay, and what she can never do. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Bytes, Hash, RelayPk } from '../../crypto/brand';
import { equal, fromText, hex } from '../../crypto/bytes';
import { envelopeHash, readEnvelope } from '../../crypto/envelope';
import { NO_DETAIL, REFUSALS, type ToRelay } from '../../crypto/frames';
import { decodeLink, inviteKeys, sealRequest } from '../../crypto/invite-secret';
import { signReceipt } from '../../crypto/receipt';
import { chainAfter } from '../../crypto/roster/entry';
import { chainAt, encodeState } from '../../crypto/roster/state';
import { signPair } from '../../crypto/verify';
import { joinRequest, makeDevice, seeded } from '../support/actor';
import { admit, cast, openLink } from '../support/circle';
import { Rhea } from '../support/rhea';
import { lanesOf } from '../support/lanes';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
type Append = Extract<ToRelay, { is: 'append' }>;
const appends = (rhea: Rhea, device: string): Append[] => rhea.told.flatMap(({ device: d, f }) => (d === device && f.is === 'append' ? [f] : []));

describe('a relay that lies about envelopes', () => {
  it('P22 cannot collect two envelopes at one number by calling the first one stale', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    rhea.up = (f, from, answer) => {
      if (f.is !== 'append' || from !== pat.device) return [f];
      const read = readEnvelope(f.envelope);
      if (!read.ok) throw new Error('unreadable');
      const { state, ownHead, keys } = pat.run;
      const hash = envelopeHash({ group: state.group, logPk: keys.logPk, prev: ownHead.hash, roster: chainAt(state, read.value.header.rosterSeq) as Hash }, f.envelope);
      answer({ is: 'refused', re: f.n, group: f.group, why: 'stale', detail: { ...NO_DETAIL, n: f.n - 1, hash, fence: state.seq + 5 } });
      return [];
    };
    await pat.post('Only once');
    await world.time.pass(60_000);
    const seen = appends(rhea, 'Pat');
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.length).toBeLessThan(40);
    expect(new Set(seen.map((a) => hex(a.envelope))).size).toBe(1);
    expect(pat.delivery('Only once')).toBe('saved');
    rhea.repent();
    await world.time.pass(30_000);
    expect(pat.delivery('Only once')).toBe('sent');
    expect(olivia.words).toEqual(['Only once']);
  });

  it('P22 gets number n anew only for a stale answer that names exactly the bytes it refused', async () => {
    const { world, olivia, pat, fay } = await cast(3);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    // Pat's envelope is on its way when Fay is removed; the relay answers stale with somebody else's hash
    let lies = true;
    rhea.up = (f, from) => (f.is === 'append' && from === pat.device && lies ? [] : [f]);
    await pat.post('In between');
    await world.time.pass(SENT);
    await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
    await world.time.pass(500);
    const [first] = appends(rhea, 'Pat');
    rhea.tell(pat.device, { is: 'refused', re: first!.n, group: first!.group, why: 'stale', detail: { ...NO_DETAIL, n: first!.n - 1, hash: seeded('other')(32) as Bytes as Hash, fence: pat.run.state.fence } });
    await world.time.pass(1_000);
    expect(new Set(appends(rhea, 'Pat').map((a) => hex(a.envelope))).size).toBe(1);
    lies = false;
    pat.device.cut();
    await world.time.pass(30_000);
    expect(pat.delivery('In between')).toBe('sent');
    expect(olivia.words).toEqual(['In between']);
  });

  it('is never hurried by refusals: every lie is waited out, and the words arrive once she stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...REFUSALS), fc.nat(9), fc.boolean(), async (why, n, isSilent) => {
        const { world, olivia, pat } = await cast(2);
        const rhea = new Rhea(world);
        pat.device.cut();
        await world.time.pass(2_000);
        rhea.up = (f, from, answer) => {
          if (from !== pat.device || f.is === 'ping' || f.is === 'auth') return [f];
          if ('re' in f && (!isSilent || f.is !== 'enter')) answer({ is: 'refused', re: f.re, group: f.group, why, detail: { ...NO_DETAIL, n } });
          else if (f.is === 'append') answer({ is: 'refused', re: f.n, group: f.group, why, detail: { ...NO_DETAIL, n } });
          return [];
        };
        const before = rhea.told.length;
        await pat.post('Patience');
        await world.time.pass(60_000);
        expect(rhea.told.length - before, why).toBeLessThan(120);
        rhea.repent();
        await world.time.pass(90_000);
        expect(pat.delivery('Patience'), why).toBe('sent');
        expect(olivia.words).toEqual(['Patience']);
        expect(world.reports).toEqual([]);
      }),
      { numRuns: 12 }
    );
  });

  it('is never hurried by acks out of their place: they are looked into once, then waited out, and the words arrive once she stops', async () => {
    // beyond the next place, and at one that lies behind
    for (const off of [2, 0]) {
      const { world, olivia, pat } = await cast(2);
      const rhea = new Rhea(world);
      pat.device.cut();
      await world.time.pass(2_000);
      world.time.left = 2_000;
      rhea.up = (f, from, answer) => {
        if (f.is !== 'append' || from !== pat.device) return [f];
        answer({ is: 'acks', group: f.group, items: [{ n: f.n, seq: pat.run.cursor + off, time: world.time.now }] });
        return [];
      };
      await pat.post('Said once');
      await world.time.pass(60_000);
      expect(appends(rhea, 'Pat').length).toBeGreaterThan(1);
      expect(appends(rhea, 'Pat').length).toBeLessThan(40);
      expect(pat.delivery('Said once')).toBe('saved');
      rhea.repent();
      await world.time.pass(30_000);
      expect(pat.delivery('Said once')).toBe('sent');
      expect(olivia.words).toEqual(['Said once']);
    }
  });

  it('words that come back spoiled, for longer than they are looked for, are found where they stand once she stops', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    const spoilt = (envelope: Bytes): Bytes => envelope.map((b, i) => (i === envelope.length - 1 ? b ^ 1 : b)) as Bytes;
    rhea.down = (f, to) => (to !== pat.device ? [f] : f.is === 'acks' ? [] : f.is === 'page' ? [{ ...f, items: f.items.map((i) => (i.device === 2 ? { ...i, envelope: spoilt(i.envelope) } : i)) }] : [f]);
    pat.device.cut();
    await world.time.pass(2_000);
    world.time.left = 3_000;
    await pat.post('Said once');
    for (let i = 0; i < 4; i++) {
      await world.time.pass(20_000);
      pat.device.cut();
    }
    rhea.repent();
    await world.time.pass(30_000);
    expect(appends(rhea, 'Pat').length).toBeLessThan(40);
    expect(pat.delivery('Said once')).toBe('sent');
    expect(olivia.words).toEqual(['Said once']);
    expect(pat.view.alarm).toBeNull();
  });

  it('a false ack of words that were never stored is noticed when the session opens again', async () => {
    const { world, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    rhea.up = (f, from, answer) => {
      if (f.is !== 'append' || from !== pat.device) return [f];
      answer({ is: 'acks', group: f.group, items: [{ n: f.n, seq: pat.run.cursor + 1, time: world.time.now }] });
      return [];
    };
    await pat.post('Into the void');
    await world.time.pass(SENT);
    rhea.repent();
    pat.device.cut();
    await world.time.pass(5_000);
    expect(pat.view.alarm).toBe('rollback');
    expect(pat.words).toEqual(['Into the void']);
  });

  it('pages with a wrong device, number or order, repeated or of another group, hide nothing for good', async () => {
    const { world, olivia, pat, fay } = await cast(3);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat, fay]) s.device.cut();
    await world.time.pass(3_000);
    const random = seeded('tricks');
    const chance = (of: number): boolean => (random(1)[0] as number) % of === 0;
    let on = true;
    rhea.down = (f, to) => {
      if (!on || to !== fay.device || f.is !== 'page') return [f];
      const items = f.items.flatMap((i) => {
        if (chance(4)) return [{ ...i, device: i.device === 1 ? 2 : 1 }];
        if (chance(4)) return [{ ...i, n: i.n + 1 }];
        if (chance(5)) return [i, i];
        if (chance(5)) return [{ ...i, envelope: i.envelope.map((b, at) => (at === 40 ? b ^ 1 : b)) as Bytes }];
        return [i];
      });
      return chance(5) ? [{ ...f, items: [...items].reverse() }] : chance(6) ? [f, { ...f, re: 0, items }] : [{ ...f, items }];
    };
    for (let i = 1; i <= 12; i++) {
      await (i % 2 ? olivia : pat).post(`Words ${i}`);
      await world.time.pass(SENT);
      if (i % 4 === 0) fay.device.cut();
    }
    on = false;
    await world.time.pass(660_000);
    fay.device.cut();
    await world.time.pass(60_000);
    expect(fay.words.sort()).toEqual(olivia.words.sort());
    expect(fay.words).toHaveLength(12);
    expect(fay.view.alarm).toBeNull();
    expect(await lanesOf(fay)).toEqual(await lanesOf(olivia));
    expect(world.reports).toEqual([]);
  });

  it('P19 a feed with a hole in it is told to the person, whose words say that they wait here', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    const first = olivia.run.cursor + 1;
    rhea.down = (f, to) => (to === pat.device && f.is === 'page' ? [{ ...f, items: f.items.filter((i) => i.seq !== first) }] : [f]);
    for (const text of ['One', 'Two']) {
      await olivia.post(text);
      await world.time.pass(SENT);
    }
    await pat.post('Three');
    await world.time.pass(20_000);
    expect(pat.view.alarm).toBe('gap');
    expect(pat.posts.map((p) => [p.text, p.delivery?.at])).toEqual([['Three', 'halted']]);
    rhea.repent();
    await world.time.pass(20_000);
    expect(pat.view.alarm).toBeNull();
    expect(pat.words).toEqual(['One', 'Two', 'Three']);
  });
  it('P19 a page that leaves out what it should hold is told to the person', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    // noise stands in the place of Olivia's first words; later ones follow
    const first = olivia.run.cursor + 1;
    rhea.down = (f, to) => {
      if (to !== pat.device || f.is !== 'page') return [f];
      return [{ ...f, items: f.items.map((i) => (i.seq === first ? { ...i, envelope: seeded('noise')(i.envelope.length) } : i)) }];
    };
    for (const text of ['One', 'Two', 'Three']) {
      await olivia.post(text);
      await world.time.pass(SENT);
    }
    await world.time.pass(20_000);
    expect(pat.words).toEqual([]);
    expect(pat.view.alarm).toBe('gap');
    rhea.repent();
    await world.time.pass(660_000);
    pat.device.cut();
    await world.time.pass(10_000);
    expect(pat.words).toEqual(['One', 'Two', 'Three']);
    expect(pat.view.alarm).toBeNull();
  });
});

describe('a relay that lies about the roster', () => {
  it('another relay key in the middle of a life opens no session and is forgotten when the real one is back', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    const other = signPair(seeded('other relay')(32)).pk as RelayPk;
    rhea.down = (f) => (f.is === 'hello' ? [{ ...f, relayPk: other }] : [f]);
    pat.device.cut();
    await world.time.pass(5_000);
    await pat.post('Kept back');
    await world.time.pass(20_000);
    expect(rhea.told.filter((t) => t.device === 'Pat' && t.f.is !== 'ping')).toEqual([]);
    expect(pat.view).toMatchObject({ alarm: 'stranger', ended: null, mayInvite: false });
    rhea.repent();
    pat.device.cut();
    await world.time.pass(20_000);
    expect(pat.view.alarm).toBeNull();
    expect(olivia.words).toEqual(['Kept back']);
  });

  it('entries receipted by another key are not taken, and are no fork', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    const other = signPair(seeded('other relay')(32));
    rhea.down = (f, to) => {
      if (f.is !== 'entries' || to !== pat.device) return [f];
      return [{ ...f, items: f.items.map((i) => ({ ...i, receipt: signReceipt(pat.run.row.id, { ...i.receipt, relayPk: other.pk as RelayPk }, other.sk) })) }];
    };
    pat.device.cut();
    await world.time.pass(2_000);
    await olivia.device.must('rename-group', { group: olivia.group, name: 'New' });
    await world.time.pass(1_000);
    expect(pat.view.name).not.toBe('New');
    expect(pat.view.ended).toBeNull();
    rhea.repent();
    pat.device.cut();
    await world.time.pass(20_000);
    expect(pat.view.name).toBe('New');
    expect(pat.view.alarm).toBeNull();
  });

  it('P20 two receipts for one place stop the group for good, with the proof kept', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    const relay = signPair(seeded('relay')(32));
    await olivia.device.must('rename-group', { group: olivia.group, name: 'One' });
    await world.time.pass(500);
    const last = pat.run.entries.at(-1)!;
    const before = chainAt(pat.run.state, last.receipt.seq - 1) as Hash;
    const time = last.receipt.time + 1;
    const forged = { entry: last.entry, receipt: signReceipt(pat.run.row.id, { ...last.receipt, time, chain: chainAfter(before, last.entry, time) }, relay.sk) };
    rhea.tell(pat.device, { is: 'entries', re: 0, group: pat.run.row.id, items: [forged], more: false });
    await world.time.pass(500);
    expect(pat.view).toMatchObject({ alarm: 'fork', ended: 'forked' });
    await pat.post('Not to be sent');
    await pat.device.restart();
    await pat.open();
    await world.time.pass(20_000);
    expect(pat.view).toMatchObject({ alarm: 'fork', ended: 'forked' });
    expect(appends(rhea, 'Pat')).toEqual([]);
  });

  it('a gap in entries with valid receipts is asked for, never skipped', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    let lies = true;
    rhea.down = (f, to) => {
      if (!lies || f.is !== 'entries' || to !== pat.device) return [f];
      return [{ ...f, items: f.items.filter((i) => i.receipt.seq % 2 === 0) }];
    };
    for (let i = 0; i < 4; i++) {
      await olivia.device.must('rename-group', { group: olivia.group, name: `Name ${i}` });
      await world.time.pass(300);
    }
    expect(pat.view).toMatchObject({ name: 'Name 0', alarm: 'gap' });
    lies = false;
    pat.device.cut();
    await world.time.pass(20_000);
    expect(pat.view).toMatchObject({ name: 'Name 3', alarm: null });
    expect(equal(encodeState(pat.run.state), encodeState(olivia.run.state))).toBe(true);
  });

  it('P19 an older group is noticed when the session opens, nothing is sent to it, and the alarm goes when it is healed', async () => {
    const { world, olivia, pat } = await cast(2);
    await olivia.post('First');
    await world.time.pass(SENT);
    const rhea = new Rhea(world);
    for (const part of ['roster', 'feed', 'head'] as const) {
      rhea.down = (f) => {
        if (f.is !== 'welcome') return [f];
        return [part === 'roster' ? { ...f, rosterSeq: f.rosterSeq - 1 } : part === 'feed' ? { ...f, feedSeq: 0 } : { ...f, head: { n: 0, hash: new Uint8Array(32) as Bytes as Hash } }];
      };
      olivia.device.cut();
      await world.time.pass(5_000);
      expect(olivia.view.alarm, part).toBe('rollback');
      const before = appends(rhea, 'Olivia').length;
      await olivia.post(`After ${part}`);
      await world.time.pass(20_000);
      expect(appends(rhea, 'Olivia').length, part).toBe(before);
      rhea.repent();
      olivia.device.cut();
      await world.time.pass(20_000);
      expect(olivia.view.alarm, part).toBeNull();
      expect(olivia.delivery(`After ${part}`), part).toBe('sent');
    }
    expect(pat.words).toHaveLength(4);
  });

  it('a gone without a receipted end is treated as no network, and passes', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(2_000);
    rhea.tell(pat.device, { is: 'gone', re: 0, group: pat.run.row.id, seq: 99 });
    await world.time.pass(100);
    expect(pat.view.ended).toBeNull();
    await pat.post('Still a member');
    await world.time.pass(120_000);
    expect(olivia.words).toEqual(['Still a member']);
  });

  it('P10 P11 answers that claim an entry landed when another did leave no false key behind', async () => {
    const { world, olivia, pat, fay } = await cast(3);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    // Olivia offers, Pat accepts; the relay swallows the acceptance and answers with the receipt of another entry at that seq
    await olivia.device.must('offer-owner', { group: olivia.group, member: pat.view.me });
    await world.time.pass(300);
    let swallowed: Extract<ToRelay, { is: 'enter' }> | null = null;
    rhea.up = (f, from) => {
      if (f.is !== 'enter' || from !== pat.device || swallowed !== null) return [f];
      swallowed = f;
      return [];
    };
    const accepting = pat.device.run('accept-owner', { group: pat.group }).catch(() => null);
    await world.time.pass(100);
    await fay.device.must('leave', { group: fay.group });
    await world.time.pass(500);
    const there = olivia.run.entries[swallowed!.seq - 1]!;
    rhea.tell(pat.device, { is: 'entered', re: swallowed!.re, group: pat.run.row.id, receipt: there.receipt });
    await world.time.pass(1_000);
    await accepting;
    rhea.repent();
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(60_000);
    expect(pat.view.alarm).toBeNull();
    expect(pat.run.keyring.get(swallowed!.seq)?.content ?? null).toBeNull();
    await olivia.post('Can Pat read this?');
    await world.time.pass(SENT);
    expect(pat.words).toEqual(['Can Pat read this?']);
  });

  it('heads that contradict what the owner verified never become a cut', async () => {
    for (const lie of ['lower', 'other-hash'] as const) {
      const { world, olivia, pat, fay } = await cast(3);
      await fay.post('Fay was here');
      await world.time.pass(SENT);
      const rhea = new Rhea(world);
      for (const s of [olivia, pat]) s.device.cut();
      await world.time.pass(3_000);
      const head = olivia.run.heads.get(fay.run.ownRow!.device)!;
      rhea.up = (f, from, answer) => {
        if (f.is !== 'enter' || from !== olivia.device) return [f];
        const heads = [{ logPk: fay.run.keys.logPk, n: lie === 'lower' ? 0 : head.n, hash: lie === 'lower' ? (new Uint8Array(32) as Bytes as Hash) : (seeded('x')(32) as Bytes as Hash) }];
        answer({ is: 'refused', re: f.re, group: f.group, why: 'moved', detail: { ...NO_DETAIL, heads } });
        return [];
      };
      const o = await olivia.device.run('remove', { group: olivia.group, member: fay.view.me });
      expect(o.ok).toBe(false);
      for (const { f } of rhea.told) {
        if (f.is !== 'enter') continue;
        const text = hex(f.entry);
        expect(text.includes(hex(seeded('x')(32))), lie).toBe(false);
      }
      rhea.repent();
      olivia.device.cut();
      await world.time.pass(20_000);
      await olivia.device.run('remove', { group: olivia.group, member: fay.view.me });
      await world.time.pass(1_000);
      expect(pat.words, lie).toEqual(['Fay was here']);
      expect(pat.posts[0]!.withdrawn, lie).toBe(false);
      expect(fay.view.ended, lie).toBe('removed');
    }
  });

  it('P9 lockboxes withheld, of a seq that does not exist, or junk are fetched again when she stops', async () => {
    for (const trick of ['withheld', 'far', 'junk'] as const) {
      const { world, olivia, pat, fay } = await cast(3);
      const rhea = new Rhea(world);
      for (const s of [olivia, pat]) s.device.cut();
      await world.time.pass(3_000);
      rhea.down = (f, to) => {
        // nor does what others answered come through
        if (to === pat.device && f.is === 'keys') return [];
        if (to !== pat.device || f.is !== 'lockboxes') return [f];
        if (trick === 'withheld') return [{ ...f, items: [] }];
        if (trick === 'far') return [{ ...f, items: [{ seq: 9_000_000, lockbox: seeded('far')(1200) }] }];
        return [{ ...f, items: f.items.map((i) => ({ ...i, lockbox: seeded('junk')(i.lockbox.length) })) }];
      };
      await olivia.device.must('remove', { group: olivia.group, member: fay.view.me });
      await world.time.pass(500);
      await olivia.post('Under the new key');
      await world.time.pass(SENT);
      expect(pat.words, trick).toEqual([]);
      rhea.repent();
      pat.device.cut();
      await world.time.pass(20_000);
      expect(pat.words, trick).toEqual(['Under the new key']);
      expect(pat.view.alarm, trick).toBeNull();
      await pat.post('Mine too');
      await world.time.pass(SENT);
      expect(olivia.words, trick).toContain('Mine too');
    }
  });
});

describe('frames that answer what was not asked', () => {
  it('frames of groups that are not ours, of other kinds, empty or huge change nothing', async () => {
    const { world, olivia, pat } = await cast(2);
    await olivia.post('There');
    await world.time.pass(SENT);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    const before = hex(encodeState(pat.run.state));
    const alien = seeded('alien')(32) as never;
    const heard = rhea.heard.filter((h) => h.device === 'Olivia').map((h) => h.f);
    for (const f of heard) rhea.tell(pat.device, 'group' in f ? { ...f, group: alien } : f);
    for (const f of heard) if (f.is !== 'hello' && f.is !== 'welcome') rhea.tell(pat.device, f);
    rhea.tell(pat.device, { is: 'page', re: 0, group: pat.run.row.id, items: [], prevs: [], more: true });
    rhea.tell(pat.device, { is: 'entries', re: 0, group: pat.run.row.id, items: [], more: true });
    rhea.tell(pat.device, { is: 'acks', group: pat.run.row.id, items: [{ n: 5, seq: 999, time: 1 }, { n: 1, seq: 0, time: 1 }] });
    await world.time.pass(2_000);
    expect(hex(encodeState(pat.run.state))).toBe(before);
    expect(pat.words).toEqual(['There']);
    await pat.post('On');
    await world.time.pass(60_000);
    expect(olivia.words).toEqual(['There', 'On']);
    expect(world.reports).toEqual([]);
  });

  it('an answer of another kind or another group to any question is never taken for the answer', async () => {
    for (const kind of ['pong', 'done', 'page', 'entries', 'entered', 'other-group'] as const) {
      const { world, olivia, pat } = await cast(2);
      const rhea = new Rhea(world);
      olivia.device.cut();
      pat.device.cut();
      await world.time.pass(3_000);
      let lies = true;
      rhea.up = (f, from, answer) => {
        if (!lies || from !== pat.device || !('re' in f) || f.is === 'ping' || f.is === 'auth') return [f];
        const group = kind === 'other-group' ? (seeded('alien')(32) as never) : f.group;
        if (kind === 'pong') answer({ is: 'pong', re: f.re });
        else if (kind === 'done') answer({ is: 'done', re: f.re, group });
        else if (kind === 'page') answer({ is: 'page', re: f.re, group, items: [], prevs: [], more: true });
        else if (kind === 'entered') answer({ is: 'entered', re: f.re, group, receipt: pat.run.entries[0]!.receipt });
        else answer({ is: 'entries', re: f.re, group, items: [], more: true });
        return [];
      };
      pat.device.cut();
      const before = rhea.told.length;
      await world.time.pass(30_000);
      await pat.post('Through');
      await world.time.pass(30_000);
      expect(rhea.told.length - before, kind).toBeLessThan(200);
      lies = false;
      pat.device.cut();
      await world.time.pass(90_000);
      expect(olivia.words, kind).toEqual(['Through']);
      expect(world.reports, kind).toEqual([]);
    }
  });
});

describe('a relay that lies to somebody who joins', () => {
  it('a roster that leaves the link’s place in it is not joined', async () => {
    const { world, olivia, pat } = await cast(2);
    const rhea = new Rhea(world);
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: '' });
    const fay = world.device('Fay', 'family');
    await fay.setUp();
    rhea.down = (f, to) => (f.is === 'entries' && to === fay ? [{ ...f, items: f.items.slice(0, -1), more: f.items.length > 1 }] : [f]);
    const join = await openLink(fay, link);
    await world.time.pass(30_000);
    expect(fay.view('join', join).state).not.toBe('card');
    expect(rhea.told.filter((t) => t.device === 'Fay').length).toBeLessThan(100);
    rhea.repent();
    fay.cut();
    await world.time.pass(10_000);
    expect(fay.view('join', join).state).toBe('card');
  });

  it('no question that a join asks is left spinning', async () => {
    for (const kind of ['entries', 'card', 'welcome'] as const) {
      const { world, olivia } = await cast(2);
      const rhea = new Rhea(world);
      olivia.device.cut();
      await world.time.pass(3_000);
      const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: '' });
      const fay = world.device('Fay', 'family');
      await fay.setUp();
      rhea.down = (f, to) => (to === fay && f.is === kind && 're' in f ? [{ is: 'refused', re: f.re, group: f.group, why: 'unavailable', detail: NO_DETAIL }] : [f]);
      const join = await openLink(fay, link);
      await world.time.pass(30_000);
      expect(fay.view('join', join).state, kind).not.toBe('opening');
      rhea.repent();
      fay.cut();
      await world.time.pass(10_000);
      expect(fay.view('join', join).state, kind).toBe('card');
    }
  });

  it('an answer that another holder of the link could have forged, or one to another request, refuses nobody', async () => {
    const { world, olivia } = await cast(2);
    const rhea = new Rhea(world);
    olivia.device.cut();
    await world.time.pass(3_000);
    const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: '' });
    const fay = world.device('Fay', 'family');
    await fay.setUp();
    const join = await openLink(fay, link);
    await world.time.pass(300);
    await fay.must('ask', { join });
    await world.time.pass(300);
    const asked = rhea.told.find((t) => t.f.is === 'put-request')!.f as Extract<ToRelay, { is: 'put-request' }>;
    rhea.tell(fay, { is: 'answer', re: 0, group: asked.group, request: asked.request, body: seeded('forged')(200) });
    rhea.tell(fay, { is: 'answer', re: 0, group: asked.group, request: seeded('r')(16), body: seeded('forged')(200) });
    await world.time.pass(300);
    expect(fay.view('join', join).state).toBe('waiting');
  });

  it('a request that is replayed after it was let in shows nothing new', async () => {
    const { world, olivia } = await cast(2);
    const rhea = new Rhea(world);
    olivia.device.cut();
    await world.time.pass(3_000);
    const fay = await (async () => {
      const device = world.device('Fay', 'family');
      await device.setUp();
      return admit(world, olivia, device);
    })();
    const mailed = rhea.heard.find((h) => h.device === 'Olivia' && h.f.is === 'requests' && h.f.items.length > 0)!.f;
    rhea.tell(olivia.device, mailed);
    await world.time.pass(1_000);
    expect(olivia.view.requests).toEqual([]);
    expect(fay.view.ended).toBeNull();
  });
  it('with requests without end, of one joiner or of keys made by whoever has the link, cannot keep a phone reckoning numbers', async () => {
    const { world, olivia } = await cast(2);
    const rhea = new Rhea(world);
    olivia.device.cut();
    await world.time.pass(3_000);
    const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: 'Friend' });
    const read = decodeLink(new URL(link).hash.slice(1));
    if (!read.ok) throw new Error(read.fault);
    const { state, keys } = olivia.run;
    const invite = inviteKeys(state.group, read.value.secret);
    const random = seeded('interceptor');
    const shown = (): unknown => [olivia.view.requests.length, [...olivia.run.numbers.keys()].filter((k) => k.startsWith(hex(invite.invite))).length];
    const told = (item: number, body: Bytes): void => rhea.tell(olivia.device, { is: 'requests', re: 0, group: state.group, items: [{ invite: invite.invite, request: new Uint8Array(16).fill(item), time: 1, body }] });
    const fresh = (): Bytes => sealRequest(state.group, invite.invite, [{ logPk: keys.logPk, kem: keys.kemPk }], { ...joinRequest(random, state.group, invite, makeDevice(random)), display: fromText('{"name":"Fay","role":"family"}') }, random);
    const one = fresh();
    for (let i = 0; i < 30; i++) told(i, one);
    await world.time.pass(1_000);
    expect(shown()).toEqual([1, 1]);
    // so many were reckoned before: each takes its time
    for (let i = 0; i < 17; i++) olivia.run.numbers.set(`${hex(invite.invite)} ${i}`, { number: '', at: world.time.now });
    for (let i = 30; i < 40; i++) {
      told(i, fresh());
      await world.time.pass(10);
    }
    expect(shown()).toEqual([3, 20]);
    expect(world.reports).toEqual([]);
  });
});
