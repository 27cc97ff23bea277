import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, Hash, InvitePk, KemPk, LogPk } from '$crypto/brand';
import { concat, equal, hex } from '$crypto/bytes';
import { ZERO_HASH } from '$crypto/hash';
import { LIMIT } from '$crypto/limits';
import { inviteKeys } from '$crypto/invite-secret';
import { chainAfter, type Cut, type Rotation } from '$crypto/roster/entry';
import { begin, fold } from '$crypto/roster/fold';
import { chainAt, chainHead, currentEpoch, decodeState, encodeState, epochAt, isLive, liveAt, liveMembers, liveRows, owedAt, type RosterState, type Row, rowByDevice, rowOf, rowsOf } from '$crypto/roster/state';
import { ready, type Random } from '$crypto/sodium';
import {
  accept, admitEntry, cutsFor, type Device, foundGroup, inviteEntry, leave, letIn, makeDevice, nameEntry, newRow, nextPlace, offer, rawEntry, removeEntry,
  revokeInviteEntry, rotate, rotation, seeded, story, type Story
} from '../../../support/actor';

beforeAll(ready);

let random: Random;
let olivia: Device;
let pat: Device;
let fay: Device;
let st: Story;
beforeEach(() => {
  random = seeded('fold');
  [olivia, pat, fay] = [makeDevice(random), makeDevice(random), makeDevice(random)];
  st = story(random, olivia);
});
const three = (): void => {
  letIn(random, st, olivia, pat);
  letIn(random, st, olivia, fay);
};
const tag = (d: Device) => hex(d.member);

describe('a genesis', () => {
  it('makes its author the owner, with one live row and one epoch', () => {
    expect(st.state).toMatchObject({ seq: 1, owner: tag(olivia), fence: 1, offer: null });
    expect(liveRows(st.state).map((r) => [r.device, r.from])).toEqual([[1, 1]]);
    expect(st.state.epochs.map((e) => e.seq)).toEqual([1]);
  });

  it('counts only for the group whose id is its hash', () => {
    const made = foundGroup(random, olivia);
    expect(begin(st.group, made.entry, 1)).toEqual({ ok: false, fault: 'wrong-place' });
    expect(begin(made.group, concat(made.entry, new Uint8Array(1)), 1)).toEqual({ ok: false, fault: 'malformed' });
    expect(begin(made.group, new Uint8Array(LIMIT.entry + 1), 1)).toEqual({ ok: false, fault: 'too-large' });
  });

  it('is refused unsigned, at another seq, as another kind, or with keys for anybody but its author', async () => {
    const { groupIdOf } = await import('$crypto/roster/entry');
    const good = foundGroup(random, olivia);
    const forged = good.entry.slice();
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    expect(begin(groupIdOf(forged), forged, 1)).toEqual({ ok: false, fault: 'forged' });
    const place = { prev: random(32) as Bytes as Hash, seq: 1 };
    const genesis = (seq: number, r: Rotation): Bytes => rawEntry(olivia, { ...place, seq }, { kind: 'genesis', member: olivia.member, kem: olivia.kem.pk, rotation: r, display: new Uint8Array(0) });
    const mine = rotation(random, place, [{ logPk: olivia.logPk, kem: olivia.kem.pk }]).rotation;
    const both = rotation(random, place, [olivia, pat].map((d) => ({ logPk: d.logPk, kem: d.kem.pk }))).rotation;
    for (const [bytes, fault] of [[genesis(2, mine), 'wrong-place'], [genesis(1, { ...mine, boxes: [] }), 'wrong-recipients'], [genesis(1, both), 'wrong-recipients'], [rotate(random, st.state, olivia).entry, 'wrong-place']] as const) {
      expect(begin(groupIdOf(bytes), bytes, 1)).toEqual({ ok: false, fault });
    }
    const ok = genesis(1, mine);
    expect(begin(groupIdOf(ok), ok, 1).ok).toBe(true);
  });

  it('is void anywhere but at the beginning', () => {
    const { rotation: r } = rotation(random, nextPlace(st.state), [{ logPk: olivia.logPk, kem: olivia.kem.pk }]);
    expect(st.let(rawEntry(olivia, nextPlace(st.state), { kind: 'genesis', member: random(16) as never, kem: olivia.kem.pk, rotation: r, display: new Uint8Array(0) }))).toBe('wrong-place');
  });
});

describe('R1: the fold', () => {
  it('never changes the state it is given', () => {
    three();
    const before = st.state;
    const bytes = encodeState(before);
    for (const m of [rotate(random, before, fay), removeEntry(random, before, olivia, pat.member), leave(before, pat), offer(before, olivia, pat.member), inviteEntry(random, before, olivia, st.now)]) {
      fold(before, m.entry, before.time + 1);
      expect(encodeState(before)).toEqual(bytes);
    }
  });

  it('gives the same state for the same state, bytes and time', () => {
    three();
    const m = rotate(random, st.state, fay);
    expect(encodeState(fold(st.state, m.entry, 77).state)).toEqual(encodeState(fold(st.state, m.entry, 77).state));
  });
});

describe('R2: a state', () => {
  it('comes back from its bytes, with every kind of past in it', () => {
    three();
    const spare = inviteEntry(random, st.state, olivia, st.now);
    st.must(spare);
    st.must(revokeInviteEntry(st.state, olivia, spare.invite.invite));
    st.must(inviteEntry(random, st.state, olivia, st.now, { history: 'today' }));
    st.must(leave(st.state, fay));
    st.must(offer(st.state, olivia, pat.member));
    const back = decodeState(encodeState(st.state));
    expect(back).toEqual({ ok: true, value: st.state });
    st.must(removeEntry(random, st.state, olivia, pat.member));
    expect(decodeState(encodeState(st.state))).toEqual({ ok: true, value: st.state });
  });

  it('has one encoding: cut short, lengthened or with rows out of order it is malformed', () => {
    three();
    const b = encodeState(st.state);
    for (let i = 0; i < b.length; i += 41) expect(decodeState(b.slice(0, i))).toEqual({ ok: false, fault: 'malformed' });
    expect(decodeState(concat(b, new Uint8Array(1)))).toEqual({ ok: false, fault: 'malformed' });
    const order = { ...st.state, rows: new Map([...st.state.rows].reverse()) };
    expect(encodeState(order)).toEqual(b);
  });
});

describe('R3: a void entry', () => {
  it('takes its seq and its place in the chain, and changes nothing else', () => {
    three();
    const before = st.state;
    const junk = new Uint8Array([1, 2, 3]);
    expect(st.let(junk, null, before.time)).toBe('malformed');
    expect(st.state).toEqual({ ...before, seq: before.seq + 1, chains: [...before.chains, chainAfter(chainHead(before), junk, before.time)] });
  });

  it('is void too when it is larger than an entry may be, or empty', () => {
    expect(st.let(new Uint8Array(LIMIT.entry + 1))).toBe('too-large');
    expect(st.let(new Uint8Array(0))).toBe('malformed');
  });

  it('never stops the next (P27)', () => {
    three();
    st.let(removeEntry(random, st.state, fay, olivia.member).entry);
    st.let(new Uint8Array(10));
    st.must(rotate(random, st.state, pat));
  });

  it('of an admit burns no invite, of a remove deletes no row (P27)', () => {
    letIn(random, st, olivia, pat);
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    expect(st.let(admitEntry(random, st.state, pat, i.invite.invite, newRow(st.group, i.invite, fay)).entry)).toBe('not-owner');
    expect(st.let(removeEntry(random, st.state, pat, olivia.member).entry)).toBe('not-owner');
    expect(liveRows(st.state)).toHaveLength(2);
    st.must(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, fay)));
  });

  it('tells which bytes it was: another signature, another prev, another seq', () => {
    const m = rotate(random, st.state, olivia).entry;
    const forged = m.slice();
    forged[m.length - 1] = (forged[m.length - 1] as number) ^ 1;
    expect(fold(st.state, forged, 1).void).toBe('forged');
    const r = rotation(random, nextPlace(st.state), [{ logPk: olivia.logPk, kem: olivia.kem.pk }]).rotation;
    const at = (p: { prev: Hash; seq: number }) => fold(st.state, rawEntry(olivia, p, { kind: 'rotate', rotation: r }), 1).void;
    expect(at(nextPlace(st.state))).toBeNull();
    expect(at({ prev: chainHead(st.state), seq: 3 })).toBe('wrong-place');
    expect(at({ prev: random(32) as Bytes as Hash, seq: 2 })).toBe('wrong-place');
  });
});

describe('R4: authority', () => {
  it('the owner alone names, invites, revokes invites, admits, removes and offers', () => {
    three();
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const s = st.state;
    const gus = makeDevice(random);
    const by = (d: Device) => ({
      name: nameEntry(random, s, d, st.now, 'x').entry,
      invite: inviteEntry(random, s, d, st.now).entry,
      revoke: revokeInviteEntry(s, d, i.invite.invite).entry,
      admit: admitEntry(random, s, d, i.invite.invite, newRow(st.group, i.invite, gus)).entry,
      remove: removeEntry(random, s, d, fay.member).entry,
      offer: offer(s, d, fay.member).entry
    });
    for (const [what, e] of Object.entries(by(pat))) expect({ what, void: fold(s, e, s.time).void }).toEqual({ what, void: 'not-owner' });
    for (const [what, e] of Object.entries(by(olivia))) expect({ what, void: fold(s, e, s.time).void }).toEqual({ what, void: null });
    for (const [what, e] of Object.entries(by(gus))) expect({ what, void: fold(s, e, s.time).void }).toEqual({ what, void: 'not-live' });
  });

  it('every live device rotates; one that ended does nothing any more', () => {
    three();
    st.must(rotate(random, st.state, fay));
    st.must(removeEntry(random, st.state, olivia, fay.member));
    expect(st.let(rotate(random, st.state, fay).entry)).toBe('not-live');
    expect(st.let(leave(st.state, fay).entry)).toBe('not-live');
  });

  it('nobody is removed who is not there, and the owner not at all', () => {
    three();
    expect(st.let(removeEntry(random, st.state, olivia, random(16) as never).entry)).toBe('unknown-member');
    expect(st.let(removeEntry(random, st.state, olivia, olivia.member).entry)).toBe('owner-cannot');
    st.must(removeEntry(random, st.state, olivia, pat.member));
    expect(st.let(removeEntry(random, st.state, olivia, pat.member).entry)).toBe('unknown-member');
  });

  it('a removal cuts exactly the rows that end, and a log that never spoke ends in zeros', () => {
    three();
    const place = nextPlace(st.state);
    const rest = liveRows(st.state).filter((r) => hex(r.member) !== tag(pat));
    const remove = (cuts: readonly Cut[]) => fold(st.state, rawEntry(olivia, place, { kind: 'remove', member: pat.member, cuts, rotation: rotation(random, place, rest).rotation }), 1).void;
    const cut: Cut = { logPk: pat.logPk, n: 3, hash: random(32) as Bytes as Hash };
    expect(remove([cut])).toBeNull();
    expect(remove([{ ...cut, n: 0, hash: ZERO_HASH }])).toBeNull();
    expect(remove([{ ...cut, n: 0 }])).toBe('wrong-cuts');
    expect(remove([])).toBe('wrong-cuts');
    expect(remove([{ ...cut, logPk: fay.logPk }])).toBe('wrong-cuts');
    expect(remove([cut, { ...cut, logPk: fay.logPk }].sort((a, b) => (hex(a.logPk) < hex(b.logPk) ? -1 : 1)))).toBe('wrong-cuts');
  });
});

describe('an invite', () => {
  it('registers its key once, ever', () => {
    const secret = random(16);
    const first = inviteEntry(random, st.state, olivia, st.now, { secret });
    st.must(first);
    expect(st.let(inviteEntry(random, st.state, olivia, st.now, { secret }).entry)).toBe('key-reused');
    st.must(revokeInviteEntry(st.state, olivia, first.invite.invite));
    expect(st.let(inviteEntry(random, st.state, olivia, st.now, { secret }).entry)).toBe('key-reused');
  });

  it('lets in one member, once (P15)', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    st.must(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, pat)));
    expect(st.let(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, fay)).entry)).toBe('used');
    expect(st.state.members.size).toBe(2);
  });

  it('lets nobody into a group of 250 devices, recovery rows not counted, until one is free', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const admit = admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, pat)).entry;
    // rows that stand for the others: whether somebody comes in is judged before who gets the keys
    const mine = st.state.rows.get(hex(olivia.logPk)) as Row;
    const full = (devices: number): RosterState => {
      const others = Array.from({ length: devices - 1 }, (_, at): Row => ({ ...mine, logPk: random(32) as LogPk, device: at + 2 }));
      const paper: Row = { ...mine, logPk: random(32) as LogPk, device: 900, rank: 'recovery' };
      return { ...st.state, rows: new Map([...st.state.rows, ...[...others, paper].map((r) => [hex(r.logPk), r] as const)]) };
    };
    const voided = (s: RosterState) => fold(s, admit, s.time).void;
    expect([voided(full(LIMIT.devices)), voided(full(LIMIT.devices - 1))]).toEqual(['too-many', 'wrong-recipients']);
    expect(LIMIT.devices).toBe(250);
  });

  it('lets in nobody once revoked, nor when it was never made (P15)', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    expect(st.let(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, pat)).entry)).toBe('unknown-invite');
    const j = inviteEntry(random, st.state, olivia, st.now);
    st.must(j);
    st.must(revokeInviteEntry(st.state, olivia, j.invite.invite));
    expect(st.let(admitEntry(random, st.state, olivia, j.invite.invite, newRow(st.group, j.invite, pat)).entry)).toBe('used');
    expect(st.let(revokeInviteEntry(st.state, olivia, j.invite.invite).entry)).toBe('used');
    expect(st.let(revokeInviteEntry(st.state, olivia, random(32) as InvitePk).entry)).toBe('unknown-invite');
  });

  it('gives a row only to who signed for it with the new log key and the invite key', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const row = newRow(st.group, i.invite, pat);
    const admit = (r: typeof row) => fold(st.state, admitEntry(random, st.state, olivia, i.invite.invite, r).entry, 1).void;
    expect(admit({ ...row, claim: random(64) })).toBe('bad-claim');
    expect(admit({ ...row, redeem: random(64) })).toBe('bad-claim');
    expect(admit({ ...row, kem: fay.kem.pk as KemPk })).toBe('bad-claim');
    expect(admit({ ...row, member: fay.member })).toBe('bad-claim');
    expect(admit(newRow(random(32) as never, i.invite, pat))).toBe('bad-claim');
    expect(admit(row)).toBeNull();
  });

  it('uses a log key and a member tag once in a group, after a removal too', () => {
    letIn(random, st, olivia, pat);
    st.must(removeEntry(random, st.state, olivia, pat.member));
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const admit = (d: Device) => fold(st.state, admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, d)).entry, 1).void;
    expect(admit({ ...fay, logPk: pat.logPk, logSk: pat.logSk })).toBe('key-reused');
    expect(admit({ ...fay, member: pat.member })).toBe('key-reused');
    expect(admit({ ...fay, member: olivia.member })).toBe('key-reused');
    expect(admit(fay)).toBeNull();
  });

  it('cannot make its own key a log, which whoever holds the link could then write', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const own: Device = { ...pat, logPk: i.invite.invite as Bytes as LogPk, logSk: i.invite.sk as never };
    expect(st.let(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, own)).entry)).toBe('key-reused');
    const other = inviteEntry(random, st.state, olivia, st.now);
    st.must(other);
    expect(st.let(admitEntry(random, st.state, olivia, other.invite.invite, newRow(st.group, other.invite, own)).entry)).toBe('key-reused');
  });

  it('cannot be made of a log key', () => {
    const place = nextPlace(st.state);
    const e = rawEntry(olivia, place, { kind: 'invite', invite: olivia.logPk as Bytes as InvitePk, expires: 9e12, history: 'start', display: new Uint8Array(0) });
    expect(st.let(e)).toBe('key-reused');
  });

  it('gives the horizon it names, and no earlier one than its approver’s', () => {
    letIn(random, st, olivia, pat, 'today');
    const from = (d: Device) => st.state.members.get(tag(d))?.horizon;
    expect(from(pat)).toBe(3);
    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    letIn(random, st, pat, fay, 'start');
    expect(from(fay)).toBe(3);
    expect(st.state.members.get(tag(fay))?.invitedBy).toEqual(pat.member);
  });

  it('is one of a limited number that wait', () => {
    let s = st.state;
    for (let i = 0; i < LIMIT.invites; i++) s = fold(s, inviteEntry(random, s, olivia, st.now, { expires: 1000 + 10 * s.time }).entry, s.time).state;
    expect(fold(s, inviteEntry(random, s, olivia, st.now).entry, s.time).void).toBe('too-many');
    expect(fold(s, inviteEntry(random, s, olivia, st.now).entry, 1001 + 10 * s.time).void).toBeNull();
  });
});

describe('R5: expiry', () => {
  const admitted = (expires: number, at: number) => {
    const i = inviteEntry(random, st.state, olivia, st.now, { expires });
    st.must(i, st.state.time);
    return fold(st.state, admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, pat)).entry, at);
  };

  it('is judged by receipt time, the last moment included', () => {
    const t = st.state.time;
    expect(admitted(t + 10, t + 10).void).toBeNull();
    expect(admitted(t + 10, t + 11).void).toBe('expired');
  });

  it('follows the running maximum: a receipt that goes back in time revives nothing', () => {
    const t = st.state.time;
    const i = inviteEntry(random, st.state, olivia, st.now, { expires: t + 10 });
    st.must(i, t);
    st.must(rotate(random, st.state, olivia), t + 100);
    expect(st.let(admitEntry(random, st.state, olivia, i.invite.invite, newRow(st.group, i.invite, pat)).entry, null, t)).toBe('expired');
    expect(st.state.time).toBe(t + 100);
  });
});

describe('R6: who goes, takes invites and offers along', () => {
  it('accepting ownership voids what the former owner had pending, so that it admits nobody', () => {
    letIn(random, st, olivia, pat);
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    expect(st.state.invites.get(hex(i.invite.invite))?.state).toBe('void');
    expect(st.let(admitEntry(random, st.state, pat, i.invite.invite, newRow(st.group, i.invite, fay)).entry)).toBe('used');
    expect(st.state.offer).toBeNull();
  });

  it('a removal withdraws the offer made to the one removed, a leave that to the leaver', () => {
    three();
    st.must(offer(st.state, olivia, pat.member));
    st.must(removeEntry(random, st.state, olivia, pat.member));
    expect(st.state.offer).toBeNull();
    st.must(offer(st.state, olivia, fay.member));
    st.must(leave(st.state, fay));
    expect(st.state.offer).toBeNull();
  });

  it('a removal leaves the offer made to somebody else', () => {
    three();
    st.must(offer(st.state, olivia, pat.member));
    st.must(removeEntry(random, st.state, olivia, fay.member));
    expect(st.state.offer?.to).toBe(tag(pat));
  });
});

describe('R7: a rotation', () => {
  it('goes to exactly the live rows after the entry (P10)', () => {
    three();
    const s = st.state;
    const place = nextPlace(s);
    const all = liveRows(s);
    const turn = (to: readonly { logPk: LogPk; kem: KemPk }[]) => fold(s, rawEntry(pat, place, { kind: 'rotate', rotation: rotation(random, place, to).rotation }), 1).void;
    expect(turn(all)).toBeNull();
    expect(turn(all.slice(1))).toBe('wrong-recipients');
    expect(turn([])).toBe('wrong-recipients');
    const gus = makeDevice(random);
    expect(turn([...all, { logPk: gus.logPk, kem: gus.kem.pk }])).toBe('wrong-recipients');
    expect(turn([...all.slice(1), { logPk: gus.logPk, kem: gus.kem.pk }])).toBe('wrong-recipients');
  });

  it('inside a removal leaves out the removed, inside an admit takes in the new (P10)', () => {
    three();
    const s = st.state;
    const place = nextPlace(s);
    const all = rotation(random, place, liveRows(s)).rotation;
    expect(fold(s, rawEntry(olivia, place, { kind: 'remove', member: pat.member, cuts: cutsFor(s, pat.member), rotation: all }), 1).void).toBe('wrong-recipients');
    const i = inviteEntry(random, s, olivia, st.now);
    st.must(i);
    const then = nextPlace(st.state);
    const without = rotation(random, then, liveRows(st.state)).rotation;
    const row = newRow(st.group, i.invite, makeDevice(random));
    expect(st.let(rawEntry(olivia, then, { kind: 'admit', invite: i.invite.invite, row, rotation: without, display: new Uint8Array(0) }))).toBe('wrong-recipients');
  });

  it('never goes to an invite', () => {
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    const place = nextPlace(st.state);
    const r = rotation(random, place, [...liveRows(st.state), { logPk: i.invite.invite as Bytes as LogPk, kem: pat.kem.pk }]).rotation;
    expect(st.let(rawEntry(olivia, place, { kind: 'rotate', rotation: r }))).toBe('wrong-recipients');
  });

  it('begins an epoch named by its seq, and moves the fence', () => {
    letIn(random, st, olivia, pat);
    expect(st.state.fence).toBe(3);
    st.must(offer(st.state, olivia, pat.member));
    expect(st.state.fence).toBe(3);
    st.must(rotate(random, st.state, pat));
    expect([currentEpoch(st.state).seq, st.state.fence]).toEqual([5, 5]);
    expect([epochAt(st.state, 1)?.seq, epochAt(st.state, 2)?.seq, epochAt(st.state, 4)?.seq, epochAt(st.state, 0)]).toEqual([1, 1, 3, null]);
  });
});

describe('R8: two at once', () => {
  it('one lands; the other is at the wrong place and must be made again (P11)', () => {
    three();
    const [a, b] = [rotate(random, st.state, pat), removeEntry(random, st.state, olivia, pat.member)];
    st.must(a);
    expect(st.let(b.entry)).toBe('wrong-place');
    st.must(removeEntry(random, st.state, olivia, pat.member));
  });

  it('the same entry twice counts once', () => {
    const m = rotate(random, st.state, olivia);
    st.must(m);
    expect(st.let(m.entry)).toBe('wrong-place');
    expect(st.state.epochs).toHaveLength(2);
  });

  it('an entry belongs to one chain: on a fork, even of receipt times, it is void', () => {
    const m = rotate(random, st.state, olivia);
    const [a, b] = [fold(st.state, m.entry, 5), fold(st.state, m.entry, 6)];
    const next = rotate(random, a.state, olivia).entry;
    expect(fold(a.state, next, 9).void).toBeNull();
    expect(fold(b.state, next, 9).void).toBe('wrong-place');
  });
});

describe('R10: leaving', () => {
  it('needs nobody, ends all rows of the member, and owes a rotation that any live device pays (P12)', () => {
    three();
    st.must(leave(st.state, fay));
    const s = st.state;
    expect(rowsOf(s, tag(fay))).toEqual([]);
    expect(s.members.get(tag(fay))?.end).toMatchObject({ how: 'left', seq: s.seq });
    expect(owedAt(s, s.seq)).toBe(true);
    expect(s.fence).toBe(s.seq);
    st.must(rotate(random, st.state, pat));
    expect([owedAt(st.state, s.seq - 1), owedAt(st.state, s.seq), owedAt(st.state, st.state.seq)]).toEqual([false, true, false]);
  });

  it('makes every entry void that would seal names under the keys the leaver holds', () => {
    three();
    st.must(leave(st.state, fay));
    expect(st.let(nameEntry(random, st.state, olivia, st.now, 'x').entry)).toBe('owed');
    expect(st.let(inviteEntry(random, st.state, olivia, st.now).entry)).toBe('owed');
    st.must(rotate(random, st.state, pat));
    st.must(nameEntry(random, st.state, olivia, st.now, 'x'));
  });

  it.each(['rotate', 'admit', 'remove', 'accept'] as const)('is paid by %s', (how) => {
    three();
    const i = inviteEntry(random, st.state, olivia, st.now);
    st.must(i);
    st.must(offer(st.state, olivia, pat.member));
    st.must(leave(st.state, fay));
    const s = st.state;
    st.must(
      how === 'rotate' ? rotate(random, s, pat)
      : how === 'admit' ? admitEntry(random, s, olivia, i.invite.invite, newRow(st.group, i.invite, makeDevice(random)))
      : how === 'remove' ? removeEntry(random, s, olivia, pat.member)
      : accept(random, s, pat)
    );
    expect(owedAt(st.state, st.state.seq)).toBe(false);
  });

  it('twice before anyone pays is one debt, paid once', () => {
    three();
    st.must(leave(st.state, fay));
    st.must(leave(st.state, pat));
    expect(st.state.owed).toHaveLength(1);
    st.must(rotate(random, st.state, olivia));
    expect(st.state.owed).toEqual([{ from: st.state.seq - 2, to: st.state.seq }]);
  });

  it('is refused to the owner, and with cuts for any log but one’s own', () => {
    three();
    expect(st.let(leave(st.state, olivia).entry)).toBe('owner-cannot');
    const place = nextPlace(st.state);
    expect(st.let(rawEntry(fay, place, { kind: 'leave', cuts: cutsFor(st.state, pat.member) }))).toBe('wrong-cuts');
    expect(st.let(rawEntry(fay, nextPlace(st.state), { kind: 'leave', cuts: [] }))).toBe('wrong-cuts');
  });
});

describe('R11: handing over', () => {
  it('needs an offer to one’s own member that still stands', () => {
    three();
    expect(st.let(accept(random, st.state, pat, 1).entry)).toBe('no-offer');
    st.must(offer(st.state, olivia, pat.member));
    const first = st.state.seq;
    expect(st.let(accept(random, st.state, fay).entry)).toBe('no-offer');
    st.must(offer(st.state, olivia, pat.member));
    expect(st.let(accept(random, st.state, pat, first).entry)).toBe('no-offer');
    st.must(offer(st.state, olivia, null));
    expect(st.let(accept(random, st.state, pat, first).entry)).toBe('no-offer');
    expect(st.let(offer(st.state, olivia, null).entry)).toBe('no-offer');
    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    expect(st.state.owner).toBe(tag(pat));
  });

  it('is not offered to oneself nor to anyone not there', () => {
    letIn(random, st, olivia, pat);
    expect(st.let(offer(st.state, olivia, olivia.member).entry)).toBe('owner-cannot');
    expect(st.let(offer(st.state, olivia, fay.member).entry)).toBe('unknown-member');
  });

  it('leaves the former owner a member without an owner’s powers, who may then leave or be removed (P18)', () => {
    three();
    st.must(offer(st.state, olivia, pat.member));
    st.must(accept(random, st.state, pat));
    expect(st.let(removeEntry(random, st.state, olivia, fay.member).entry)).toBe('not-owner');
    expect(st.let(inviteEntry(random, st.state, olivia, st.now).entry)).toBe('not-owner');
    expect(st.let(offer(st.state, olivia, fay.member).entry)).toBe('not-owner');
    expect(st.let(leave(st.state, pat).entry)).toBe('owner-cannot');
    st.must(leave(st.state, olivia));
    st.must(removeEntry(random, st.state, pat, fay.member));
  });

  it('rotates', () => {
    letIn(random, st, olivia, pat);
    st.must(offer(st.state, olivia, pat.member));
    const place = nextPlace(st.state);
    const none: Rotation = { contentCommit: ZERO_HASH, rosterCommit: ZERO_HASH, boxes: [] };
    expect(st.let(rawEntry(pat, place, { kind: 'accept-owner', offer: st.state.offer?.seq ?? 0, rotation: none }))).toBe('wrong-recipients');
  });
});

describe('what a state says of its past', () => {
  it('finds rows by key and by device index, and when they were live', () => {
    three();
    const at = st.state.seq;
    st.must(removeEntry(random, st.state, olivia, pat.member));
    const row = rowOf(st.state, pat.logPk);
    if (row === null) throw new Error('no row');
    expect(isLive(row)).toBe(false);
    expect([liveAt(row, row.from - 1), liveAt(row, row.from), liveAt(row, at), liveAt(row, at + 1)]).toEqual([false, true, true, false]);
    expect(rowByDevice(st.state, 2)?.logPk).toEqual(pat.logPk);
    expect(rowByDevice(st.state, 9)).toBeNull();
    expect(rowOf(st.state, random(32) as LogPk)).toBeNull();
    expect(liveMembers(st.state).map((m) => hex(m.tag)).sort()).toEqual([tag(olivia), tag(fay)].sort());
  });

  it('keeps the chain hash after each entry', () => {
    three();
    let chain = ZERO_HASH;
    st.entries.forEach((e, i) => {
      chain = chainAfter(chain, e.entry, e.receipt.time);
      expect(equal(chainAt(st.state, i + 1) as Hash, chain)).toBe(true);
    });
    expect([chainAt(st.state, 0), chainAt(st.state, st.state.seq + 1)]).toEqual([null, null]);
  });

  it('gives a device index to each row once, whoever has gone since', () => {
    letIn(random, st, olivia, pat);
    st.must(removeEntry(random, st.state, olivia, pat.member));
    letIn(random, st, olivia, fay);
    expect([...st.state.rows.values()].map((r) => r.device)).toEqual([1, 2, 3]);
  });

  it('derives an invite’s key from the link’s secret and the group alone', () => {
    const secret = random(16);
    const i = inviteEntry(random, st.state, olivia, st.now, { secret });
    st.must(i);
    expect(st.state.invites.has(hex(inviteKeys(st.group, secret).invite))).toBe(true);
  });
});
