import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, LogPk, MemberTag } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { ZERO_HASH } from '$crypto/hash';
import { LIMIT } from '$crypto/limits';
import { decodeEntry, type EntryBody } from '$crypto/roster/entry';
import { fold } from '$crypto/roster/fold';
import { currentEpoch, decodeState, encodeState, isLive, liveRows, owedAt, type RosterState, rowOf, rowsOf } from '$crypto/roster/state';
import { ready, type Random } from '$crypto/sodium';
import {
  accept, addedRow, cutsFor, deviceAdd, deviceRevoke, type Device, inviteEntry, leave, letIn, type Made, makeDevice, nameEntry, nextPlace, offer, rawEntry, removeEntry, rotate,
  rotation, seeded, story, type Story
} from '../../../support/actor';

beforeAll(ready);

let random: Random;
let olivia: Device;
let pat: Device;
let laptop: Device;
let phrase: Device;
let st: Story;
beforeEach(() => {
  random = seeded('devices');
  olivia = makeDevice(random);
  pat = makeDevice(random);
  [laptop, phrase] = [makeDevice(random, pat.member), makeDevice(random, pat.member)];
  st = story(random, olivia);
  letIn(random, st, olivia, pat);
});
const of = (d: Device) => rowsOf(st.state, hex(d.member));
const another = (): Device => makeDevice(random, pat.member);
const covered = (): void => void st.must(deviceAdd(random, st.state, pat, phrase, 'recovery', st.keyring()));
/** A device-add with any part of it changed. */
const add = (by: Device, change: (b: Extract<EntryBody, { kind: 'device-add' }>) => EntryBody, device = another()): string | null => {
  const d = decodeEntry(deviceAdd(random, st.state, by, device).entry);
  if (!d.ok || d.value.body.kind !== 'device-add') throw new Error('no device-add');
  return fold(st.state, rawEntry(by, nextPlace(st.state), change(d.value.body)), st.state.time).void;
};

describe('a device that a member adds', () => {
  it('gets the next index, its member’s tag and the new keys, and rotates', () => {
    st.must(deviceAdd(random, st.state, pat, laptop));
    expect(rowOf(st.state, laptop.logPk)).toMatchObject({ device: 3, rank: 'ordinary', member: pat.member, from: st.state.seq, end: null });
    expect([currentEpoch(st.state).seq, st.state.fence]).toEqual([st.state.seq, st.state.seq]);
    expect(st.state.members.size).toBe(2);
    st.must(rotate(random, st.state, laptop));
  });

  it('may do what its member may, and no more', () => {
    st.must(deviceAdd(random, st.state, pat, laptop));
    expect(st.let(nameEntry(random, st.state, laptop, st.now, 'Mine').entry)).toBe('not-owner');
    const ward = makeDevice(random, olivia.member);
    st.must(deviceAdd(random, st.state, olivia, ward));
    st.must(nameEntry(random, st.state, ward, st.now, 'Ours'));
  });

  it('is void when its key was ever a log or an invite here', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    expect(st.let(deviceAdd(random, st.state, pat, { ...laptop, logPk: i.invite.invite as Bytes as LogPk, logSk: i.invite.sk as never }).entry)).toBe('key-reused');
    const own = (d: Device) => st.let(rawEntry(pat, nextPlace(st.state), { kind: 'device-add', row: addedRow(st.group, pat, d), rotation: rotation(random, nextPlace(st.state), liveRows(st.state)).rotation, display: new Uint8Array(0) }));
    expect(own(olivia)).toBe('key-reused');
    st.must(deviceAdd(random, st.state, pat, laptop));
    st.must(deviceRevoke(random, st.state, pat, laptop.logPk));
    expect(own(laptop)).toBe('key-reused');
  });

  it('signs for its adder, member, group, keys and rank itself: a claim lifted into another entry is none', () => {
    covered();
    const other = makeDevice(random, olivia.member);
    expect(add(pat, (b) => ({ ...b, row: { ...b.row, claim: random(64) } }))).toBe('bad-claim');
    expect(add(pat, (b) => ({ ...b, row: { ...b.row, kem: olivia.kem.pk } }))).toBe('bad-claim');
    expect(add(pat, (b) => ({ ...b, row: { ...b.row, rank: 'recovery' } }))).toBe('bad-claim');
    // Mallory takes a row that was signed for Pat, a row signed for her sister device, and one of another group
    expect(add(olivia, (b) => ({ ...b, row: addedRow(st.group, pat, laptop) }), laptop)).toBe('bad-claim');
    expect(add(phrase, (b) => ({ ...b, row: addedRow(st.group, pat, laptop) }), laptop)).toBe('bad-claim');
    expect(add(olivia, (b) => ({ ...b, row: addedRow(random(32) as Bytes as GroupId, olivia, other) }), other)).toBe('bad-claim');
    expect(add(olivia, (b) => b, other)).toBeNull();
  });

  it('cannot be put under another member’s tag: the tag is its author’s', () => {
    const mallory = olivia;
    const planted = makeDevice(random, pat.member);
    const e = deviceAdd(random, st.state, mallory, planted);
    st.must(e);
    expect(hex((rowOf(st.state, planted.logPk) as { member: MemberTag }).member)).toBe(hex(mallory.member));
    expect(of(pat)).toHaveLength(1);
    // signed for Pat's tag it is void: the claim names a member that its adder is not
    const lifted = another();
    const claim = addedRow(st.group, { ...mallory, member: pat.member }, lifted);
    expect(add(mallory, (b) => ({ ...b, row: claim }), lifted)).toBe('bad-claim');
  });

  it('is one of eight of a member; a recovery row is not counted', () => {
    for (let i = 1; i < LIMIT.devicesPerMember; i++) st.must(deviceAdd(random, st.state, pat, another()));
    expect(st.let(deviceAdd(random, st.state, pat, another()).entry)).toBe('too-many');
    covered();
    expect(st.let(deviceAdd(random, st.state, phrase, another()).entry)).toBe('too-many');
    expect(of(pat)).toHaveLength(LIMIT.devicesPerMember + 1);
    st.must(deviceRevoke(random, st.state, phrase, pat.logPk));
    st.must(deviceAdd(random, st.state, phrase, another()));
  });

  it('takes in exactly the live rows and itself, or is void (P10)', () => {
    covered();
    const all = liveRows(st.state);
    const given = (d: Device, to: readonly { logPk: LogPk; kem: Device['kem']['pk'] }[]) => add(pat, (b) => ({ ...b, rotation: rotation(random, nextPlace(st.state), to).rotation }), d);
    const d = another();
    const it = { logPk: d.logPk, kem: d.kem.pk };
    expect(given(d, all)).toBe('wrong-recipients');
    expect(given(d, [it])).toBe('wrong-recipients');
    expect(given(d, [...all.filter((r) => r.rank === 'ordinary'), it])).toBe('wrong-recipients');
    expect(given(d, [...all, it])).toBeNull();
  });

  it('pays a rotation that is owed', () => {
    const fay = makeDevice(random);
    letIn(random, st, olivia, fay);
    st.must(leave(st.state, fay));
    expect(owedAt(st.state, st.state.seq)).toBe(true);
    st.must(deviceAdd(random, st.state, pat, laptop));
    expect(owedAt(st.state, st.state.seq)).toBe(false);
  });
});

describe('a recovery row', () => {
  it('is added first by any device of its member, and replaced by itself alone', () => {
    st.must(deviceAdd(random, st.state, pat, laptop));
    st.must(deviceAdd(random, st.state, laptop, phrase, 'recovery'));
    for (const by of [pat, laptop]) expect(st.let(deviceAdd(random, st.state, by, another(), 'recovery').entry)).toBe('outranked');
    const next = another();
    st.must(deviceAdd(random, st.state, phrase, next, 'recovery'));
    expect(rowOf(st.state, phrase.logPk)?.end).toEqual({ seq: st.state.seq, cut: { logPk: phrase.logPk, n: 0, hash: ZERO_HASH } });
    expect(of(pat).filter((r) => r.rank === 'recovery').map((r) => hex(r.logPk))).toEqual([hex(next.logPk)]);
    expect(st.let(deviceAdd(random, st.state, phrase, another()).entry)).toBe('not-live');
  });

  it('of one member says nothing about another’s', () => {
    covered();
    st.must(deviceAdd(random, st.state, olivia, makeDevice(random, olivia.member), 'recovery'));
    expect(st.let(deviceRevoke(random, st.state, olivia, phrase.logPk).entry)).toBe('unknown-member');
  });

  it('that is replaced gets no keys any more, the new one does (P10)', () => {
    covered();
    const next = another();
    const all = [...liveRows(st.state), { logPk: next.logPk, kem: next.kem.pk }];
    const body = (to: typeof all): EntryBody => ({ kind: 'device-add', row: addedRow(st.group, phrase, next, 'recovery'), rotation: rotation(random, nextPlace(st.state), to).rotation, display: new Uint8Array(0) });
    const replace = (to: typeof all) => fold(st.state, rawEntry(phrase, nextPlace(st.state), body(to)), 1).void;
    expect(replace(all)).toBe('wrong-recipients');
    expect(replace(all.filter((r) => !equal(r.logPk, phrase.logPk)))).toBeNull();
  });

  it('is a recipient of every rotation', () => {
    covered();
    const without = liveRows(st.state).filter((r) => r.rank === 'ordinary');
    expect(st.let(rawEntry(pat, nextPlace(st.state), { kind: 'rotate', rotation: rotation(random, nextPlace(st.state), without).rotation }))).toBe('wrong-recipients');
    st.must(rotate(random, st.state, olivia));
  });

  it('is revoked by no ordinary row, and revokes all of them', () => {
    st.must(deviceAdd(random, st.state, pat, laptop));
    covered();
    for (const by of [pat, laptop]) expect(st.let(deviceRevoke(random, st.state, by, phrase.logPk).entry)).toBe('outranked');
    st.must(deviceRevoke(random, st.state, phrase, pat.logPk));
    st.must(deviceRevoke(random, st.state, phrase, laptop.logPk));
    expect(of(pat).map((r) => hex(r.logPk))).toEqual([hex(phrase.logPk)]);
    expect(st.let(deviceRevoke(random, st.state, phrase, phrase.logPk).entry)).toBe('last-row');
  });

  it('ends with its member: a removal and a leave cut it too', () => {
    covered();
    const place = nextPlace(st.state);
    const rest = liveRows(st.state).filter((r) => hex(r.member) !== hex(pat.member));
    const cuts = cutsFor(st.state, pat.member);
    const remove = (given: typeof cuts) => fold(st.state, rawEntry(olivia, place, { kind: 'remove', member: pat.member, cuts: given, rotation: rotation(random, place, rest).rotation }), 1).void;
    expect(cuts).toHaveLength(2);
    expect(remove(cuts.filter((c) => !equal(c.logPk, phrase.logPk)))).toBe('wrong-cuts');
    expect(remove(cuts)).toBeNull();
    st.must(leave(st.state, pat));
    expect(of(pat)).toEqual([]);
    expect(st.let(deviceAdd(random, st.state, phrase, another()).entry)).toBe('not-live');
  });

  it('comes back from a state’s bytes', () => {
    covered();
    st.must(deviceAdd(random, st.state, phrase, another(), 'recovery'));
    expect(decodeState(encodeState(st.state))).toEqual({ ok: true, value: st.state });
  });
});

describe('a device that is revoked', () => {
  beforeEach(() => void st.must(deviceAdd(random, st.state, pat, laptop)));

  it('ends with its cut while its member goes on, without waiting for the owner (P13)', () => {
    const head = { n: 4, hash: random(32) as Bytes as Hash };
    st.must(deviceRevoke(random, st.state, pat, laptop.logPk, new Map([[hex(laptop.logPk), head]])));
    expect(rowOf(st.state, laptop.logPk)?.end).toEqual({ seq: st.state.seq, cut: { logPk: laptop.logPk, ...head } });
    expect(st.state.members.get(hex(pat.member))?.end).toBeNull();
    expect(st.let(rotate(random, st.state, laptop).entry)).toBe('not-live');
    expect(currentEpoch(st.state).seq).toBe(st.state.seq - 1);
  });

  it('gets none of the keys made by its end (P10)', () => {
    const place = nextPlace(st.state);
    const revoke = (to: readonly { logPk: LogPk; kem: Device['kem']['pk'] }[]) =>
      fold(st.state, rawEntry(pat, place, { kind: 'device-revoke', cut: { logPk: laptop.logPk, n: 0, hash: ZERO_HASH }, rotation: rotation(random, place, to).rotation }), 1).void;
    expect(revoke(liveRows(st.state))).toBe('wrong-recipients');
    expect(revoke(liveRows(st.state).filter((r) => !equal(r.logPk, olivia.logPk) && !equal(r.logPk, laptop.logPk)))).toBe('wrong-recipients');
    expect(revoke(liveRows(st.state).filter((r) => !equal(r.logPk, laptop.logPk)))).toBeNull();
  });

  it('by itself makes no keys: one is owed, and whoever is live pays', () => {
    const place = nextPlace(st.state);
    const rest = liveRows(st.state).filter((r) => !equal(r.logPk, laptop.logPk));
    const cut = { logPk: laptop.logPk, n: 0, hash: ZERO_HASH };
    expect(fold(st.state, rawEntry(laptop, place, { kind: 'device-revoke', cut, rotation: rotation(random, place, rest).rotation }), 1).void).toBe('wrong-recipients');
    st.must(deviceRevoke(random, st.state, laptop, laptop.logPk));
    expect([st.state.fence, owedAt(st.state, st.state.seq)]).toEqual([st.state.seq, true]);
    expect(st.let(nameEntry(random, st.state, olivia, st.now, 'x').entry)).toBe('owed');
    st.must(rotate(random, st.state, olivia));
    expect(owedAt(st.state, st.state.seq)).toBe(false);
  });

  it('by another has to be shut out at once: no rotation is void', () => {
    expect(st.let(rawEntry(pat, nextPlace(st.state), { kind: 'device-revoke', cut: { logPk: laptop.logPk, n: 0, hash: ZERO_HASH }, rotation: null }))).toBe('wrong-recipients');
  });

  it('belongs to the member who revokes it: nobody else’s can be, the owner’s word included', () => {
    expect(st.let(deviceRevoke(random, st.state, olivia, laptop.logPk).entry)).toBe('unknown-member');
    expect(st.let(deviceRevoke(random, st.state, pat, olivia.logPk).entry)).toBe('unknown-member');
    expect(st.let(deviceRevoke(random, st.state, pat, random(32) as LogPk).entry)).toBe('unknown-member');
    st.must(deviceRevoke(random, st.state, pat, laptop.logPk));
    expect(st.let(deviceRevoke(random, st.state, pat, laptop.logPk).entry)).toBe('unknown-member');
  });

  it('is never its member’s last: that is a leave', () => {
    st.must(deviceRevoke(random, st.state, laptop, pat.logPk));
    expect(st.let(deviceRevoke(random, st.state, laptop, laptop.logPk).entry)).toBe('last-row');
    expect(st.let(deviceRevoke(random, st.state, olivia, olivia.logPk).entry)).toBe('last-row');
  });

  it('that never spoke ends in zeros', () => {
    const place = nextPlace(st.state);
    const rest = liveRows(st.state).filter((r) => !equal(r.logPk, laptop.logPk));
    const e = rawEntry(pat, place, { kind: 'device-revoke', cut: { logPk: laptop.logPk, n: 0, hash: random(32) as Bytes as Hash }, rotation: rotation(random, place, rest).rotation });
    expect(st.let(e)).toBe('wrong-cuts');
  });

  it('takes its member’s invites and offer along, whichever device made them (R6)', () => {
    const ward = makeDevice(random, olivia.member);
    st.must(deviceAdd(random, st.state, olivia, ward));
    const i = inviteEntry(random, st.state, ward, st.now);
    st.must(i);
    st.must(offer(st.state, ward, pat.member));
    st.must(deviceRevoke(random, st.state, olivia, ward.logPk));
    expect(st.state.invites.get(hex(i.invite.invite))?.state).toBe('void');
    expect(st.state.offer).toBeNull();
    expect(st.let(accept(random, st.state, pat).entry)).toBe('no-offer');
  });

  it('leaves alone what others have pending, and an offer to its member', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    st.must(offer(st.state, olivia, pat.member));
    st.must(deviceRevoke(random, st.state, pat, laptop.logPk));
    expect(st.state.invites.get(hex(i.invite.invite))?.state).toBe('pending');
    st.must(accept(random, st.state, pat));
  });
});

describe('P14: a stolen device', () => {
  /** What a thief does with Pat's unlocked device and those it adds. */
  const MOVES = ['add', 'add-recovery', 'replace-recovery', 'revoke-recovery', 'revoke-others', 'rotate', 'self-revoke', 'offer', 'invite', 'remove'] as const;
  type Move = (typeof MOVES)[number] | 'phrase';
  /** Chance alone does not make each of them in every run. */
  const ALL_THAT_COUNT: readonly Move[] = ['add', 'rotate', 'invite', 'offer', 'remove', 'revoke-others', 'self-revoke'];

  function thiefMove(s: RosterState, thief: readonly Device[], what: Move, by: Device): Made {
    const fresh = makeDevice(random, pat.member);
    const others = rowsOf(s, hex(pat.member)).filter((r) => r.rank === 'ordinary' && !thief.some((d) => equal(d.logPk, r.logPk)));
    switch (what) {
      case 'add':
        (thief as Device[]).push(fresh);
        return deviceAdd(random, s, by, fresh);
      case 'add-recovery':
        return deviceAdd(random, s, by, fresh, 'recovery');
      case 'replace-recovery': {
        const place = nextPlace(s);
        const stay = liveRows(s).filter((r) => !equal(r.logPk, phrase.logPk));
        const row = addedRow(s.group, { ...phrase, logPk: by.logPk }, fresh, 'recovery');
        return { entry: rawEntry(by, place, { kind: 'device-add', row, rotation: rotation(random, place, [...stay, { logPk: fresh.logPk, kem: fresh.kem.pk }]).rotation, display: new Uint8Array(0) }), boxes: [], keys: null };
      }
      case 'revoke-recovery':
        return deviceRevoke(random, s, by, phrase.logPk);
      case 'revoke-others':
        return deviceRevoke(random, s, by, (others[0] ?? by).logPk);
      case 'self-revoke':
        return deviceRevoke(random, s, by, by.logPk);
      case 'offer':
        return offer(s, by, olivia.member);
      case 'invite':
        return inviteEntry(random, s, by, st.now);
      case 'remove':
        return removeEntry(random, s, by, olivia.member);
      default:
        return rotate(random, s, by);
    }
  }

  it('loses to the recovery row in every interleaving, transfers accepted and leaves excepted', () => {
    const counted = new Set<string>();
    fc.assert(fc.property(fc.nat(), fc.boolean(), fc.array(fc.record({ what: fc.constantFrom<Move>(...MOVES, 'phrase', 'phrase'), by: fc.nat(9) }), { minLength: 3, maxLength: 14 }), (seed, owns, moves) => {
      random = seeded(`P14 ${seed}`);
      st = story(random, olivia);
      letIn(random, st, olivia, pat);
      if (owns) {
        st.must(offer(st.state, olivia, pat.member));
        st.must(accept(random, st.state, pat));
      }
      const safe = another();
      st.must(deviceAdd(random, st.state, pat, safe));
      covered();
      const thief: Device[] = [pat];
      for (const m of moves) {
        const live = thief.filter((d) => rowOf(st.state, d.logPk)?.end === null);
        if (m.what === 'phrase') {
          // whenever the phrase has its turn, it may end any device the thief has
          const target = live[m.by % Math.max(1, live.length)];
          if (target !== undefined) st.must(deviceRevoke(random, st.state, phrase, target.logPk));
        } else if (live.length > 0) {
          const made = thiefMove(st.state, thief, m.what, live[m.by % live.length] as Device);
          if (st.let(made.entry, made.keys) === null) counted.add(m.what);
        }
        const row = rowOf(st.state, phrase.logPk);
        expect(row !== null && isLive(row)).toBe(true);
        expect(of(pat).filter((r) => r.rank === 'recovery')).toHaveLength(1);
      }
      // in the end the phrase brings a device back and ends all of the thief's, one by one, and nothing of it can answer
      for (const d of thief) if (rowOf(st.state, d.logPk)?.end === null) st.must(deviceRevoke(random, st.state, phrase, d.logPk));
      const back = another();
      st.must(deviceAdd(random, st.state, phrase, back, 'ordinary', st.keyring()));
      for (const d of thief) for (const what of MOVES) expect(st.let(thiefMove(st.state, [...thief], what, d).entry)).toBe('not-live');
      expect(st.state.owner === hex(pat.member)).toBe(owns);
      st.must(rotate(random, st.state, back));
    }), { numRuns: 25, examples: [[0, true, ALL_THAT_COUNT.map((what) => ({ what, by: 0 }))]] });
    expect([...counted].sort()).toEqual([...ALL_THAT_COUNT].sort());
  });

  it('keeps what cannot be undone: a transfer that was accepted, and a leave', () => {
    covered();
    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    st.must(offer(st.state, pat, olivia.member));
    st.must(accept(random, st.state, olivia));
    st.must(deviceRevoke(random, st.state, phrase, pat.logPk));
    expect(st.state.owner).toBe(hex(olivia.member));
    const back = another();
    st.must(deviceAdd(random, st.state, phrase, back));
    st.must(leave(st.state, back));
    expect(st.let(deviceAdd(random, st.state, phrase, another()).entry)).toBe('not-live');
  });
});
