import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, Hash, RelayPk } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { ZERO_HASH } from '$crypto/hash';
import { ROLE } from '$crypto/roster/entry';
import { fold } from '$crypto/roster/fold';
import { CLAIM_WAIT, DESTROY_GRACE } from '$crypto/roster/rules';
import { decodeState, encodeState, endsOf, hasRole, rowOf } from '$crypto/roster/state';
import { ready, type Random } from '$crypto/sodium';
import {
  accept, admitEntry, type Device, inviteEntry, joinEntry, leave, letIn, makeDevice, type Made, nameEntry, newRow, nextPlace, offer, plainEntry, rawEntry, removeEntry, revokeInviteEntry, rotate, rotation, seeded, story, type Story
} from '../../../support/actor';

let random: Random;
let [olivia, pat, fay, mallory] = [] as unknown as [Device, Device, Device, Device];
let st: Story;
beforeAll(ready);
beforeEach(() => {
  random = seeded('roles');
  [olivia, pat, fay, mallory] = [makeDevice(random), makeDevice(random), makeDevice(random), makeDevice(random)];
  st = story(random, olivia);
  for (const d of [pat, fay, mallory]) letIn(random, st, olivia, d);
});
const tag = (d: Device) => hex(d.member);
const role = (to: Device, roles: number, by = olivia): Made => plainEntry(st.state, by, { kind: 'role', member: to.member, roles });
const claim = (by: Device, on = true): Made => plainEntry(st.state, by, { kind: 'claim-owner', on });
const destroy = (by: Device, on = true): Made => plainEntry(st.state, by, { kind: 'destroy', on });
const invite = (by: Device, open = false, history: 'start' | 'today' = 'start') => inviteEntry(random, st.state, by, st.now, { open, history });
const why = (m: Made, time = st.state.time): string | null => fold(st.state, m.entry, time, st.relay.pk).void;

describe('an open invite', () => {
  it('lets its holder in by itself, once, and tells who invited', () => {
    const i = invite(olivia, true);
    st.must(i);
    const gil = makeDevice(random);
    const hal = makeDevice(random);
    const late = joinEntry(random, st.state, i.invite, hal);
    st.must(joinEntry(random, st.state, i.invite, gil));
    expect(st.state.members.get(tag(gil))).toMatchObject({ invitedBy: olivia.member, horizon: 1 });
    expect(why(late)).toBe('wrong-place');
    expect(why(joinEntry(random, st.state, i.invite, hal))).toBe('used');
  });

  it('gives the horizon it names, from today or what its inviter can read (P17)', () => {
    const today = invite(olivia, true, 'today');
    st.must(today);
    const gil = makeDevice(random);
    st.must(joinEntry(random, st.state, today.invite, gil));
    expect(st.state.members.get(tag(gil))?.horizon).toBe(st.state.seq);
    st.must(role(gil, ROLE.host));
    const start = invite(gil, true, 'start');
    st.must(start);
    const hal = makeDevice(random);
    st.must(joinEntry(random, st.state, start.invite, hal));
    expect(st.state.members.get(tag(hal))?.horizon).toBe(st.state.members.get(tag(gil))?.horizon);
  });

  it('opens to nobody once it is used, revoked, expired or void, and an ordinary one never does (P15)', () => {
    const gil = makeDevice(random);
    const shut = invite(olivia);
    st.must(shut);
    expect(why(joinEntry(random, st.state, shut.invite, gil))).toBe('not-open');
    const i = inviteEntry(random, st.state, olivia, st.now, { open: true, expires: st.state.time + 1000 });
    expect(why(joinEntry(random, st.state, i.invite, gil))).toBe('unknown-invite');
    st.must(i);
    const expires = st.state.invites.get(hex(i.invite.invite))!.expires;
    expect(why(joinEntry(random, st.state, i.invite, gil), expires + 1)).toBe('expired');
    expect(why(joinEntry(random, st.state, i.invite, gil), expires)).toBeNull();
    st.must(revokeInviteEntry(st.state, olivia, i.invite.invite));
    expect(why(joinEntry(random, st.state, i.invite, gil))).toBe('used');
  });

  it('is entered by the new row itself alone: nobody brings in another, nor a key that was used', () => {
    const i = invite(olivia, true);
    st.must(i);
    const gil = makeDevice(random);
    const place = nextPlace(st.state);
    const row = newRow(st.group, i.invite, gil);
    const keys = rotation(random, place, [...st.state.rows.values(), row]);
    const body = { kind: 'join', invite: i.invite.invite, row, rotation: keys.rotation, display: new Uint8Array(0) } as const;
    const by = (d: Device, b: typeof body = body) => why({ entry: rawEntry(d, place, b), boxes: [], keys: null });
    expect(by(mallory)).toBe('not-live');
    expect(by(gil)).toBeNull();
    expect(by(gil, { ...body, row: { ...row, redeem: random(64) } })).toBe('bad-claim');
    expect(by(gil, { ...body, row: { ...row, member: pat.member } })).toBe('key-reused');
    expect(by(gil, { ...body, rotation: rotation(random, place, [row]).rotation })).toBe('wrong-recipients');
    expect(by(pat, { ...body, row: newRow(st.group, i.invite, pat) })).toBe('key-reused');
    const forged = rawEntry(gil, place, body).slice();
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    expect(why({ entry: forged, boxes: [], keys: null })).toBe('forged');
  });

  it('pays a rotation that is owed, so that a leaver with nobody awake keeps nobody out', () => {
    const i = invite(olivia, true);
    st.must(i);
    st.must(leave(st.state, fay));
    expect(why(invite(olivia, true))).toBe('owed');
    st.must(joinEntry(random, st.state, i.invite, makeDevice(random)));
    st.must(nameEntry(random, st.state, olivia, st.now, 'Goes on'));
  });
});

describe('a host', () => {
  it('invites and admits by its own invites, and does nothing else of an owner’s (R4)', () => {
    expect(why(invite(pat))).toBe('not-owner');
    st.must(role(pat, ROLE.host));
    const theirs = invite(olivia);
    st.must(theirs);
    const own = invite(pat);
    st.must(own);
    const gil = makeDevice(random);
    expect(why(admitEntry(random, st.state, pat, theirs.invite.invite, newRow(st.group, theirs.invite, gil)))).toBe('not-owner');
    expect(why(revokeInviteEntry(st.state, pat, theirs.invite.invite))).toBe('not-owner');
    expect(why(revokeInviteEntry(st.state, pat, own.invite.invite))).toBeNull();
    st.must(admitEntry(random, st.state, pat, own.invite.invite, newRow(st.group, own.invite, gil)));
    for (const m of [removeEntry(random, st.state, pat, gil.member), nameEntry(random, st.state, pat, st.now, 'Mine'), offer(st.state, pat, pat.member), role(gil, 1, pat), destroy(pat), claim(pat)]) expect(why(m)).toBe('not-owner');
  });

  it('shares its budget with whom it lets in, and they with whom they let in', () => {
    st.must(role(pat, ROLE.host));
    const [gil, hal, ivy] = [makeDevice(random), makeDevice(random), makeDevice(random)];
    letIn(random, st, pat, gil);
    st.must(role(gil, ROLE.host));
    letIn(random, st, gil, hal);
    letIn(random, st, olivia, ivy);
    expect([st.state.sponsors.get(tag(gil)), st.state.sponsors.get(tag(hal)), st.state.sponsors.get(tag(ivy))]).toEqual([pat.member, pat.member, undefined]);
  });

  it('that is one no more leaves no link behind (R6)', () => {
    st.must(role(pat, ROLE.host));
    const i = invite(pat, true);
    st.must(i);
    st.must(role(pat, 0));
    expect(why(joinEntry(random, st.state, i.invite, makeDevice(random)))).toBe('used');
  });
});

describe('a representative', () => {
  it('invites, admits by any invite and removes, but hands nothing on and gives no roles', () => {
    st.must(role(pat, ROLE.representative));
    const i = invite(olivia);
    st.must(i);
    const gil = makeDevice(random);
    st.must(admitEntry(random, st.state, pat, i.invite.invite, newRow(st.group, i.invite, gil)));
    st.must(removeEntry(random, st.state, pat, mallory.member));
    for (const m of [offer(st.state, pat, fay.member), role(fay, 1, pat), destroy(pat), nameEntry(random, st.state, pat, st.now, 'Mine'), claim(pat)]) expect(why(m)).toBe('not-owner');
  });

  it('removes neither the owner nor another representative', () => {
    st.must(role(pat, ROLE.representative));
    st.must(role(fay, ROLE.representative));
    expect(why(removeEntry(random, st.state, pat, olivia.member))).toBe('owner-cannot');
    expect(why(removeEntry(random, st.state, pat, fay.member))).toBe('outranked');
    st.must(removeEntry(random, st.state, olivia, fay.member));
    expect(hasRole(st.state, tag(fay), 'representative')).toBe(false);
  });
});

describe('a successor', () => {
  it('takes over fourteen days after its claim, and not a moment sooner (P18)', () => {
    st.must(role(pat, ROLE.successor));
    st.must(claim(pat));
    const { at, seq } = st.state.claim!;
    expect(why(accept(random, st.state, pat, seq), at + CLAIM_WAIT - 1)).toBe('too-early');
    expect(why(accept(random, st.state, fay, seq), at + CLAIM_WAIT)).toBe('no-offer');
    st.must(accept(random, st.state, pat, seq), at + CLAIM_WAIT);
    expect(st.state).toMatchObject({ owner: tag(pat), claim: null });
    expect(why(role(fay, 1))).toBe('not-owner');
    st.must(role(olivia, ROLE.host, pat));
  });

  it('loses its claim to whatever the owner does by hand, and to nothing that a phone does by itself', () => {
    st.must(role(pat, ROLE.successor));
    st.must(claim(pat));
    st.must(rotate(random, st.state, olivia));
    st.must(rotate(random, st.state, pat));
    expect(st.state.claim).not.toBeNull();
    st.must(nameEntry(random, st.state, olivia, st.now, 'Still here'));
    expect(st.state.claim).toBeNull();
    for (const refuse of [() => claim(olivia, false), () => claim(pat, false), () => role(pat, 0), () => role(fay, ROLE.successor)]) {
      st.must(role(pat, ROLE.successor));
      st.must(claim(pat));
      st.must(refuse());
      expect(st.state.claim).toBeNull();
    }
  });

  it('is one of the group’s, claims once, and nobody else claims or refuses', () => {
    st.must(role(pat, ROLE.successor));
    st.must(role(fay, ROLE.successor | ROLE.host));
    expect([hasRole(st.state, tag(pat), 'successor'), hasRole(st.state, tag(fay), 'host')]).toEqual([false, true]);
    expect(why(claim(pat))).toBe('not-owner');
    expect(why(claim(fay, false))).toBe('no-claim');
    st.must(claim(fay));
    expect(why(claim(fay))).toBe('used');
    expect(why(claim(mallory, false))).toBe('no-claim');
    st.must(removeEntry(random, st.state, olivia, fay.member));
    expect(st.state.claim).toBeNull();
  });

  it('is never the owner, nor somebody who is not there, nor has a role that does not exist', () => {
    expect(why(role(olivia, 1))).toBe('owner-cannot');
    expect(why(role(makeDevice(random), 1))).toBe('unknown-member');
    expect(why(role(pat, 8))).toBe('malformed');
    expect(why(role(pat, 1, pat))).toBe('not-owner');
  });
});

describe('the end of a group', () => {
  it('is the owner’s to ask for and to call off within thirty days; after that no entry counts', () => {
    expect(why(destroy(pat))).toBe('not-owner');
    expect(why(destroy(olivia, false))).toBe('used');
    st.must(destroy(olivia));
    expect(why(destroy(olivia))).toBe('used');
    const over = st.state.destroy!.at + DESTROY_GRACE;
    expect(why(destroy(olivia, false), over - 1)).toBeNull();
    for (const m of [destroy(olivia, false), rotate(random, st.state, pat), leave(st.state, fay), nameEntry(random, st.state, olivia, st.now, 'x')]) expect(why(m, over)).toBe('destroyed');
    st.must(destroy(olivia, false), over - 1);
    expect(why(rotate(random, st.state, pat), over + DESTROY_GRACE)).toBeNull();
  });
});

describe('a relay’s new key', () => {
  it('counts when the owner names it and the receipt is by it, and not otherwise', () => {
    const next = random(32) as RelayPk;
    const m = plainEntry(st.state, olivia, { kind: 'relay', relayPk: next });
    expect(fold(st.state, m.entry, st.state.time, st.relay.pk).void).toBe('wrong-relay');
    expect(fold(st.state, m.entry, st.state.time).void).toBe('wrong-relay');
    expect(fold(st.state, m.entry, st.state.time, next)).toMatchObject({ void: null, state: { relayPk: next } });
    expect(fold(st.state, plainEntry(st.state, pat, { kind: 'relay', relayPk: next }).entry, st.state.time, next).void).toBe('not-owner');
  });
});

describe('an upgrade', () => {
  it('is the owner’s, and goes up only', () => {
    const up = (by: Device, version: number) => plainEntry(st.state, by, { kind: 'upgrade', version });
    expect(why(up(pat, 2))).toBe('not-owner');
    expect(why(up(olivia, 1))).toBe('wrong-version');
    st.must(up(olivia, 2));
    expect(st.state.version).toBe(2);
    expect(why(up(olivia, 2))).toBe('wrong-version');
  });
});

describe('a cut restated', () => {
  const hash = (): Hash => random(32) as Bytes as Hash;
  const restate = (of: Device, n: number, by = olivia, end = n === 0 ? ZERO_HASH : hash()): Made => plainEntry(st.state, by, { kind: 'restate-cut', cut: { logPk: of.logPk, n, hash: end } });
  const gone = (d: Device, n: number): Made => st.must(removeEntry(random, st.state, olivia, d.member, new Map([[hex(d.logPk), { n, hash: hash() }]])));

  it('is the owner’s to restate, of a log that ended, below its cut, once at a number, and ends no log anew', () => {
    expect(why(restate(mallory, 1))).toBe('unknown-member');
    gone(mallory, 5);
    st.must(role(pat, ROLE.host | ROLE.representative));
    expect(why(restate(mallory, 3, pat))).toBe('not-owner');
    expect(why(restate(makeDevice(random), 0))).toBe('unknown-member');
    for (const n of [5, 6]) expect(why(restate(mallory, n))).toBe('wrong-cuts');
    expect(why(restate(mallory, 0, olivia, hash()))).toBe('wrong-cuts');
    const before = st.state;
    st.must(restate(mallory, 3));
    expect(why(restate(mallory, 3))).toBe('used');
    st.must(restate(mallory, 4));
    st.must(restate(mallory, 0));
    const row = rowOf(st.state, mallory.logPk)!;
    expect(endsOf(st.state, row).map((c) => c.n)).toEqual([5, 4, 3, 0]);
    // nothing else moved: whoever was told to take the log to its cut still is
    expect(encodeState({ ...st.state, seq: before.seq, chains: before.chains, time: before.time, restated: new Map() })).toEqual(encodeState(before));
  });

  it('answers a claim, as whatever the owner does by hand', () => {
    gone(mallory, 2);
    st.must(role(pat, ROLE.successor));
    st.must(claim(pat));
    st.must(restate(mallory, 1));
    expect(st.state.claim).toBeNull();
  });

  it('of a log that never spoke there is none', () => {
    gone(mallory, 1);
    st.must(restate(mallory, 0));
    st.must(removeEntry(random, st.state, olivia, fay.member));
    expect(why(restate(fay, 0))).toBe('wrong-cuts');
  });
});

describe('a kept state', () => {
  it('comes back with roles, sponsors, open invites, a claim, an end, a relay’s key, a version and cuts restated in it', () => {
    st.must(role(pat, ROLE.host | ROLE.successor));
    letIn(random, st, pat, makeDevice(random));
    st.must(invite(pat, true));
    st.must(plainEntry(st.state, olivia, { kind: 'relay', relayPk: st.relay.pk }));
    const end = random(32) as Bytes as Hash;
    st.must(removeEntry(random, st.state, olivia, mallory.member, new Map([[hex(mallory.logPk), { n: 2, hash: end }]])));
    for (const n of [1, 0]) st.must(plainEntry(st.state, olivia, { kind: 'restate-cut', cut: { logPk: mallory.logPk, n, hash: n === 0 ? ZERO_HASH : end } }));
    st.must(plainEntry(st.state, olivia, { kind: 'upgrade', version: 3 }));
    st.must(destroy(olivia));
    st.must(claim(pat));
    expect(decodeState(encodeState(st.state))).toEqual({ ok: true, value: st.state });
  });

  it('that was kept before there were roles is read as one without any', () => {
    const now = encodeState(st.state);
    // roles, sponsors, open invites, claim, end, key: a zero each; version 1; no cut restated
    const before = now.slice(0, -8);
    expect([...now.slice(-8)]).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
    before[0] = 1;
    expect(decodeState(before)).toEqual({ ok: true, value: st.state });
    expect(decodeState(before.slice(0, -1)).ok).toBe(false);
  });

  it('that was kept before cuts were restated is read as one without any', () => {
    st.must(role(pat, ROLE.host));
    const before = encodeState(st.state).slice(0, -1);
    before[0] = 2;
    expect(decodeState(before)).toEqual({ ok: true, value: st.state });
    expect(decodeState(before.slice(0, -1)).ok).toBe(false);
  });
});
