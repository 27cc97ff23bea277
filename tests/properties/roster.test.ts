/** Random walks of several people over one roster, with a relay that lets anything through. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, Hash, MemberTag, RelayPk } from '../../crypto/brand';
import { concat, equal, hex } from '../../crypto/bytes';
import type { EpochKeys } from '../../crypto/epoch';
import { ZERO_HASH } from '../../crypto/hash';
import type { InviteKeys } from '../../crypto/invite-secret';
import { decodeEntry, KINDS, ROLE } from '../../crypto/roster/entry';
import { CLAIM_WAIT, DESTROY_GRACE } from '../../crypto/roster/rules';
import { begin, fold } from '../../crypto/roster/fold';
import { chainHead, currentEpoch, decodeState, encodeState, hasRole, isLive, liveMembers, liveRows, mayInvite, mayRemove, owedAt, type RosterState } from '../../crypto/roster/state';
import { ready, type Random } from '../../crypto/sodium';
import { spoiled } from '../support/arbitrary';
import {
  accept, admitEntry, cutsFor, deviceAdd, deviceRevoke, type Device, inviteEntry, joinEntry, leave, makeDevice, nameEntry, newRow, nextPlace, offer, plainEntry, rawEntry, removeEntry, revokeInviteEntry, rotate,
  rotation, seeded, story, type Story
} from '../support/actor';
import * as naive from '../vectors/naive/fold';
import { awake } from '../vectors/naive/primitives';

beforeAll(ready);
beforeAll(() => awake);

/** Who does what to whom. Numbers are taken modulo what there is; an apt step is done by someone who may, to someone it can be done to. */
interface Step { readonly what: (typeof WHAT)[number]; readonly by: number; readonly on: number; readonly skip: number; readonly apt: boolean }
const WHAT = [
  'invite', 'invite', 'admit', 'admit', 'admit', 'device', 'device', 'recovery', 'recovery', 'lose', 'remove', 'offer', 'offer', 'withdraw', 'accept', 'accept', 'leave', 'rotate', 'revoke', 'name', 'junk', 'forge', 'omit', 'smuggle', 'replay', 'elsewhere',
  'ajar', 'ajar', 'join', 'join', 'join', 'role', 'role', 'role', 'claim', 'claim', 'take', 'take', 'refuse', 'relay', 'upgrade', 'destroy', 'spare', 'restate', 'restate', 'offer', 'accept', 'invite', 'admit', 'admit'
] as const;
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...WHAT), by: fc.nat(30), on: fc.nat(30), apt: fc.nat(3).map((v) => v > 0),
  skip: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -5000, max: 60_000 }) }, { weight: 1, arbitrary: fc.nat(400_000_000) })
});
const steps = fc.array(step, { minLength: 5, maxLength: 45, size: 'max' });

interface World { readonly random: Random; readonly st: Story; readonly people: Device[]; readonly links: { readonly keys: InviteKeys; readonly secret: Bytes }[] }
/** Fourteen days go by in some steps, so that claims ripen; thirty in few, since nothing counts after. */
const RIPE = 1_210_000_000;

function world(seed: number): World {
  const random = seeded(seed);
  const founder = makeDevice(random);
  return { random, st: story(random, founder), people: [founder], links: [] };
}

/** The entry that a step makes; whoever makes it may have no right to. */
function make(w: World, s: RosterState, p: Step): { entry: Bytes; keys: EpochKeys | null } {
  const { random, st, people, links } = w;
  const pick = (from: readonly Device[], n: number): Device => (from.length === 0 ? people : from)[n % Math.max(1, from.length || people.length)] as Device;
  const live = people.filter((d) => s.rows.get(hex(d.logPk))?.end === null);
  const owner = live.filter((d) => hex(d.member) === s.owner);
  const others = live.filter((d) => hex(d.member) !== s.owner);
  const inviters = live.filter((d) => mayInvite(s, hex(d.member)));
  const removers = live.filter((d) => mayRemove(s, hex(d.member)));
  const may = p.what === 'invite' || p.what === 'ajar' || p.what === 'admit' || p.what === 'revoke' ? inviters : p.what === 'remove' ? removers
    : p.what === 'claim' ? live.filter((d) => hasRole(s, hex(d.member), 'successor')) : p.what === 'take' ? live.filter((d) => hex(d.member) === s.claim?.by)
    : p.what === 'accept' ? live.filter((d) => hex(d.member) === s.offer?.to) : p.what === 'leave' ? others : p.what === 'rotate' || p.what === 'device' || p.what === 'recovery' || p.what === 'lose' ? live : owner;
  const by = pick(p.apt ? may : people, p.by);
  const on = pick(p.apt ? others : people, p.on);
  // how far each log came, as far as a roster cares: some never spoke
  const heads = new Map(people.map((d) => [hex(d.logPk), (d.logPk[0] as number) % 5 === 0 ? { n: 0, hash: ZERO_HASH } : { n: (d.logPk[0] as number) % 5, hash: d.logPk as Bytes as Hash }]));
  switch (p.what) {
    case 'invite':
    case 'ajar': {
      const i = inviteEntry(random, s, by, st.now, { open: p.what === 'ajar', history: p.on % 2 === 0 ? 'start' : 'today', expires: s.time + (p.on % 3) * 200_000_000, ...(p.by % 5 === 0 ? links[0] : {}) });
      links.push({ keys: i.invite, secret: i.secret });
      return i;
    }
    case 'admit': {
      const open = links.filter((l) => s.invites.get(hex(l.keys.invite))?.state === 'pending');
      const link = (p.apt && open.length > 0 ? open : links)[p.on % Math.max(1, p.apt && open.length > 0 ? open.length : links.length)];
      if (link === undefined) return rotate(random, s, by);
      // now and then somebody who has or had a row asks again
      const joiner = p.on % 4 === 0 ? on : makeDevice(random);
      if (!people.includes(joiner)) people.push(joiner);
      return admitEntry(random, s, by, link.keys.invite, newRow(st.group, link.keys, joiner));
    }
    case 'join': {
      const open = links.filter((l) => s.invites.get(hex(l.keys.invite))?.state === 'pending' && s.invites.get(hex(l.keys.invite))?.open === true);
      const from = p.apt && open.length > 0 ? open : links;
      const link = from[p.on % Math.max(1, from.length)];
      if (link === undefined) return rotate(random, s, by);
      const joiner = p.on % 5 === 0 ? on : makeDevice(random);
      if (!people.includes(joiner)) people.push(joiner);
      return joinEntry(random, s, link.keys, joiner);
    }
    case 'role':
      return plainEntry(s, by, { kind: 'role', member: on.member, roles: p.apt ? ([2, 3, 2, 1, 4, 6, 2, 5, 0][p.by % 9] as number) : p.by % 9 });
    case 'claim':
      return plainEntry(s, by, { kind: 'claim-owner', on: true });
    case 'take': {
      // whatever is still missing on the way there comes first
      const heir = live.find((d) => hasRole(s, hex(d.member), 'successor'));
      if (p.apt && s.claim === null && heir !== undefined) return plainEntry(s, heir, { kind: 'claim-owner', on: true });
      if (p.apt && s.claim === null && others.length > 0) return plainEntry(s, pick(owner, p.by), { kind: 'role', member: on.member, roles: 2 });
      return accept(random, s, by, s.claim?.seq);
    }
    case 'refuse':
      return plainEntry(s, by, { kind: 'claim-owner', on: false });
    case 'restate': {
      const over = people.filter((d) => (s.rows.get(hex(d.logPk))?.end ?? null) !== null);
      const of = pick(p.apt ? over : people, p.on);
      const most = s.rows.get(hex(of.logPk))?.end?.cut.n ?? 2;
      const n = (p.by + p.on) % (p.apt ? Math.max(1, most) : most + 2);
      return plainEntry(s, by, { kind: 'restate-cut', cut: { logPk: of.logPk, n, hash: n === 0 && p.on % 7 > 0 ? ZERO_HASH : (random(32) as Bytes as Hash) } });
    }
    case 'relay':
      return plainEntry(s, by, { kind: 'relay', relayPk: p.on % 2 === 0 ? st.relay.pk : (random(32) as RelayPk) });
    case 'upgrade':
      return plainEntry(s, by, { kind: 'upgrade', version: p.on % 5 });
    case 'destroy':
      return plainEntry(s, by, { kind: 'destroy', on: true });
    case 'spare':
      return plainEntry(s, by, { kind: 'destroy', on: false });
    case 'device':
    case 'recovery': {
      const mine = by.member;
      // now and then a key that has or had a row, or a device of somebody else's
      const added = p.on % 6 === 0 ? on : makeDevice(random, mine);
      if (!people.includes(added)) people.push({ ...added, member: mine });
      return deviceAdd(random, s, by, added, p.what === 'recovery' ? 'recovery' : 'ordinary');
    }
    case 'lose':
      return deviceRevoke(random, s, by, p.apt ? pick(live.filter((d) => hex(d.member) === hex(by.member)), p.on).logPk : on.logPk, heads);
    case 'remove':
      return removeEntry(random, s, by, on.member, heads);
    case 'offer':
      return offer(s, by, on.member);
    case 'withdraw':
      return offer(s, by, null);
    case 'accept':
      return accept(random, s, by);
    case 'leave':
      return leave(s, by, heads);
    case 'rotate':
      return rotate(random, s, by);
    case 'revoke': {
      const link = links[p.on % Math.max(1, links.length)];
      return link === undefined ? rotate(random, s, by) : revokeInviteEntry(s, by, link.keys.invite);
    }
    case 'name':
      return nameEntry(random, s, by, st.now, 'A name');
    case 'junk':
      return { entry: random(p.on * 7), keys: null };
    case 'forge': {
      const e = rotate(random, s, by).entry.slice();
      e[p.on * 3] = (e[p.on * 3] as number) ^ 1;
      return { entry: e, keys: null };
    }
    case 'omit':
    case 'smuggle': {
      const place = nextPlace(s);
      const rest = liveRows(s).filter((r) => hex(r.member) !== hex(on.member));
      const given = p.what === 'omit' ? rest : [...liveRows(s), { logPk: makeDevice(random).logPk, kem: by.kem.pk }];
      const r = rotation(random, place, given);
      return p.on % 2 === 0
        ? { entry: rawEntry(by, place, { kind: 'rotate', rotation: r.rotation }), keys: r.keys }
        : { entry: rawEntry(by, place, { kind: 'remove', member: on.member, cuts: cutsFor(s, on.member), rotation: p.what === 'omit' ? rotation(random, place, rest.slice(1)).rotation : rotation(random, place, liveRows(s)).rotation }), keys: null };
    }
    case 'replay':
      return { entry: (st.entries[p.on % st.entries.length] as { entry: Bytes }).entry, keys: null };
    case 'elsewhere': {
      const place = { prev: random(32) as Bytes as Hash, seq: s.seq + 1 };
      return { entry: rawEntry(by, place, { kind: 'offer-owner', to: on.member }), keys: null };
    }
  }
}

interface Took { readonly before: RosterState; readonly after: RosterState; readonly void: string | null; readonly step: Step; readonly entry: Bytes }

function walk(seed: number, all: readonly Step[]): { w: World; took: Took[] } {
  const w = world(seed);
  const took = all.map((p): Took => {
    const before = w.st.state;
    const m = make(w, before, p);
    const wait = p.what === 'take' && p.by % 3 > 0 ? RIPE : p.what === 'spare' && p.by % 5 === 0 ? 2 * RIPE + RIPE : 0;
    const fault = w.st.let(m.entry, m.keys, Math.max(0, before.time + p.skip + wait));
    return { before, after: w.st.state, void: fault, step: p, entry: m.entry };
  });
  return { w, took };
}

const check = (runs: number, holds: (seed: number, all: Step[]) => void): void => {
  fc.assert(fc.property(fc.nat(), steps, (seed, all) => {
    holds(seed, all);
  }), { numRuns: runs });
};

describe('any walk over a roster, valid and void entries mixed', () => {
  it('reaches every kind of entry and of fault, so that what follows is not said of nothing', () => {
    const counted = new Set<string>();
    const faults = new Set<string>();
    const missing = (): string[] => [
      ...KINDS.filter((k) => k !== 'genesis' && !counted.has(k)),
      ...['malformed', 'forged', 'wrong-place', 'not-live', 'not-owner', 'owner-cannot', 'unknown-member', 'used', 'expired', 'key-reused', 'wrong-recipients', 'wrong-cuts', 'owed', 'no-offer', 'outranked', 'last-row', 'not-open', 'no-claim', 'wrong-relay', 'wrong-version', 'destroyed'].filter((f) => !faults.has(f))
    ];
    for (let seed = 0; seed < 60 || (seed < 240 && missing().length > 0); seed++) {
      const all = fc.sample(steps, { seed, numRuns: 1 })[0] as Step[];
      for (const t of walk(seed, all).took) {
        const d = decodeEntry(t.entry);
        if (t.void === null && d.ok) counted.add(d.value.body.kind);
        else faults.add(t.void as string);
      }
    }
    expect(missing()).toEqual([]);
  });

  it('gives byte-identical states to everyone who folds the same receipted prefix (P4)', () => {
    check(40, (seed, all) => {
      const { w } = walk(seed, all);
      const first = w.st.entries[0];
      const again = begin(w.st.group, first?.entry as Bytes, first?.receipt.time as number);
      if (!again.ok) throw new Error(again.fault);
      let state = again.value;
      for (const [i, e] of w.st.entries.slice(1).entries()) {
        // every third reader went to sleep and woke from what it had kept
        if (i % 3 === 0) {
          const kept = decodeState(encodeState(state));
          if (!kept.ok) throw new Error(kept.fault);
          state = kept.value;
        }
        state = fold(state, e.entry, e.receipt.time, e.receipt.relayPk).state;
        expect(equal(chainHead(state), e.receipt.chain)).toBe(true);
      }
      expect(equal(encodeState(state), encodeState(w.st.state))).toBe(true);
    });
  });

  it('P4 folds in a second implementation, written from the document alone, to the same faults and the same bytes', () => {
    check(40, (seed, all) => {
      const { w, took } = walk(seed, all);
      const [first, ...rest] = w.st.entries;
      let state = naive.begin(hex(w.st.group), Buffer.from(first?.entry as Bytes), first?.receipt.time as number);
      if (state === null) throw new Error('the group did not begin');
      for (const [i, e] of rest.entries()) {
        const f = naive.fold(state, Buffer.from(e.entry), e.receipt.time, hex(w.st.relay.pk));
        expect(f.void).toBe(took[i]?.void);
        state = f.state;
      }
      expect(equal(naive.stateBytes(state), encodeState(w.st.state))).toBe(true);
    });
  });

  it('has exactly one owner, live, in every state on the way (P18)', () => {
    check(40, (seed, all) => {
      for (const { after } of walk(seed, all).took) {
        const owners = liveMembers(after).filter((m) => hex(m.tag) === after.owner);
        expect(owners).toHaveLength(1);
        expect(liveRows(after).some((r) => hex(r.member) === after.owner)).toBe(true);
      }
    });
  });

  it('changes hands only by an accept of the owner’s own standing offer, or of the successor’s claim that waited fourteen days (P18)', () => {
    check(40, (seed, all) => {
      for (const { before, after, entry } of walk(seed, all).took) {
        if (before.owner === after.owner) continue;
        const d = decodeEntry(entry);
        expect(d.ok && d.value.body.kind).toBe('accept-owner');
        if (before.offer?.to !== after.owner) {
          expect(before.claim?.by).toBe(after.owner);
          expect(hasRole(before, after.owner, 'successor')).toBe(true);
          expect(after.time - (before.claim?.at ?? Infinity)).toBeGreaterThanOrEqual(CLAIM_WAIT);
        }
        expect([...after.invites.values()].some((i) => i.state === 'pending' && hex(i.by) === before.owner)).toBe(false);
        expect([after.claim, after.roles.has(after.owner)]).toEqual([null, false]);
      }
    });
  });

  it('begins no epoch that leaves out a live device or takes in another (P10)', () => {
    check(40, (seed, all) => {
      for (const { before, after, entry } of walk(seed, all).took) {
        if (after.epochs.length === before.epochs.length) continue;
        const d = decodeEntry(entry);
        if (!d.ok || !('rotation' in d.value.body) || d.value.body.rotation === null) throw new Error('an epoch out of nothing');
        expect(d.value.body.rotation.boxes.map((b) => hex(b.to))).toEqual(liveRows(after).map((r) => hex(r.logPk)));
        expect(currentEpoch(after).seq).toBe(after.seq);
      }
    });
  });

  it('lets in one member for each invite at most, and none by one expired, revoked or void (P15)', () => {
    check(40, (seed, all) => {
      const used = new Map<string, number>();
      for (const { before, after, entry } of walk(seed, all).took) {
        const grown = after.rows.size - before.rows.size;
        if (grown === 0) continue;
        const d = decodeEntry(entry);
        if (!d.ok || (d.value.body.kind !== 'admit' && d.value.body.kind !== 'join' && d.value.body.kind !== 'device-add')) throw new Error('a row out of nothing');
        if (d.value.body.kind === 'device-add') {
          expect([grown, after.members.size]).toEqual([1, before.members.size]);
          continue;
        }
        const key = hex(d.value.body.invite);
        const invite = before.invites.get(key);
        expect(grown).toBe(1);
        expect(invite?.state).toBe('pending');
        // whoever was not let in by somebody with the right to do so came by an invite that opens by itself
        if (d.value.body.kind === 'join') expect([invite?.open, equal(d.value.body.row.logPk, d.value.author)]).toEqual([true, true]);
        else expect(mayInvite(before, hex(before.rows.get(hex(d.value.author))?.member as Bytes as MemberTag))).toBe(true);
        expect(after.time).toBeLessThanOrEqual(invite?.expires ?? -1);
        expect(after.invites.get(key)?.state).toBe('used');
        used.set(key, (used.get(key) ?? 0) + 1);
      }
      expect([...used.values()].every((n) => n === 1)).toBe(true);
    });
  });

  it('gives a row to a member by its own live row alone, at most one recovery row to each, and ends that by itself or with its member', () => {
    const recovery = (s: RosterState) => liveRows(s).filter((r) => r.rank === 'recovery');
    check(40, (seed, all) => {
      for (const { before, after, entry } of walk(seed, all).took) {
        const members = recovery(after).map((r) => hex(r.member));
        expect(new Set(members).size).toBe(members.length);
        const d = decodeEntry(entry);
        if (!d.ok) continue;
        const author = before.rows.get(hex(d.value.author));
        for (const r of recovery(before)) {
          if (after.rows.get(hex(r.logPk))?.end === null) continue;
          const isOver = after.members.get(hex(r.member))?.end !== null;
          expect(isOver || (author !== undefined && equal(author.logPk, r.logPk))).toBe(true);
        }
        if (d.value.body.kind === 'device-add' && after.rows.size > before.rows.size) {
          expect(after.rows.get(hex(d.value.body.row.logPk))?.member).toEqual(author?.member);
        }
      }
    });
  });

  it('leaves a state untouched by what is void, but for seq, chain and time (P27)', () => {
    check(40, (seed, all) => {
      for (const t of walk(seed, all).took) {
        if (t.void === null) continue;
        const same = { ...t.before, seq: t.after.seq, chains: t.after.chains, time: t.after.time };
        expect(equal(encodeState(t.after), encodeState(same))).toBe(true);
      }
    });
  });

  it('changes in nothing any more once thirty days have passed since the owner asked for its end', () => {
    check(40, (seed, all) => {
      for (const { before, after, void: fault } of walk(seed, all).took) {
        if (before.destroy === null || after.time - before.destroy.at < DESTROY_GRACE || fault === 'malformed' || fault === 'too-large' || fault === 'wrong-place') continue;
        expect(fault).toBe('destroyed');
      }
    });
  });

  it('is never stuck: after it the owner can rename, invite, let in and remove, once what is owed is paid (P27)', () => {
    check(40, (seed, all) => {
      const { w } = walk(seed, all.filter((p) => p.what !== 'destroy'));
      const { st, random } = w;
      // whose a row is the roster says: a key that never came in may have become another's device
      const live = w.people.map((d) => ({ ...d, member: st.state.rows.get(hex(d.logPk))?.member ?? d.member })).filter((d) => st.state.rows.get(hex(d.logPk))?.end === null);
      const owner = live.find((d) => hex(d.member) === st.state.owner) as Device;
      const other = live[0] as Device;
      st.must(rotate(random, st.state, other));
      st.must(nameEntry(random, st.state, owner, st.now, 'Still here'));
      const i = inviteEntry(random, st.state, owner, st.now);
      st.must(i);
      const guest = makeDevice(random);
      st.must(admitEntry(random, st.state, owner, i.invite.invite, newRow(st.group, i.invite, guest)));
      st.must(removeEntry(random, st.state, owner, guest.member));
    });
  });

  it('voids, when somebody goes, what waits in their name (R6)', () => {
    check(40, (seed, all) => {
      for (const { after } of walk(seed, all).took) {
        const there = new Set(liveMembers(after).map((m) => hex(m.tag)));
        for (const i of after.invites.values()) if (i.state === 'pending') expect(mayInvite(after, hex(i.by)) && there.has(hex(i.by))).toBe(true);
        for (const tag of after.roles.keys()) expect(there.has(tag) && tag !== after.owner).toBe(true);
        expect([...after.roles.values()].filter((r) => (r & ROLE.successor) !== 0).length).toBeLessThanOrEqual(1);
        if (after.claim !== null) expect(hasRole(after, after.claim.by, 'successor')).toBe(true);
        if (after.offer !== null) {
          expect(there.has(after.offer.to)).toBe(true);
          expect(after.offer.to).not.toBe(after.owner);
        }
      }
    });
  });

  it('never revives a row, a member or an invite, nor takes back a cut, an epoch or a moment', () => {
    check(40, (seed, all) => {
      for (const { before, after } of walk(seed, all).took) {
        expect(after.seq).toBe(before.seq + 1);
        expect(after.time).toBeGreaterThanOrEqual(before.time);
        expect(after.fence).toBeGreaterThanOrEqual(before.fence);
        for (const [k, r] of before.rows) expect(isLive(r) ? after.rows.get(k)?.device : after.rows.get(k)).toEqual(isLive(r) ? r.device : r);
        for (const [k, m] of before.members) if (m.end !== null) expect(after.members.get(k)).toEqual(m);
        for (const [k, i] of before.invites) if (i.state !== 'pending') expect(after.invites.get(k)).toEqual(i);
        // what the owner restates stands beside the cut of the entry that ended the log, and beside what was restated before
        for (const [k, cuts] of before.restated) expect(after.restated.get(k)).toEqual(expect.arrayContaining([...cuts]));
        for (const [k, cuts] of after.restated) for (const c of cuts) expect(c.n).toBeLessThan(after.rows.get(k)?.end?.cut.n ?? -1);
        expect(after.epochs.slice(0, before.epochs.length)).toEqual(before.epochs);
        // whatever once was owed at a seq stays so: a rotation pays from its own seq on
        for (let seq = 1; seq <= before.seq; seq++) expect(owedAt(after, seq)).toBe(owedAt(before, seq));
      }
    });
  });

  it('ends all rows of a member together, with a cut for each', () => {
    check(40, (seed, all) => {
      for (const { after } of walk(seed, all).took) {
        for (const m of after.members.values()) {
          const rows = [...after.rows.values()].filter((r) => hex(r.member) === hex(m.tag));
          expect(rows.length).toBeGreaterThan(0);
          expect(m.end === null ? rows.some(isLive) : rows.every((r) => r.end !== null && r.end.seq <= (m.end?.seq ?? 0))).toBe(true);
        }
      }
    });
  });
});

describe('any bytes at all', () => {
  it('decode into a kept state that is whole and encodes to them, or into none', () => {
    const b = encodeState(walk(7, (fc.sample(steps, { seed: 7, numRuns: 1 })[0] as Step[])).w.st.state);
    fc.assert(fc.property(spoiled(fc.constant(b)), (bytes) => {
      const d = decodeState(bytes);
      if (!d.ok) return;
      expect(equal(encodeState(d.value), bytes)).toBe(true);
      expect(d.value.chains).toHaveLength(d.value.seq);
      expect(d.value.epochs.length).toBeGreaterThan(0);
    }), { numRuns: 1000 });
    expect(decodeState(b).ok).toBe(true);
  });

  it('fold into a state, as a void entry, without a fault of ours', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.nat(), (junk, ours, time) => {
      const w = world(1);
      const bytes = ours ? concat(new Uint8Array([1, 1, (junk[0] ?? 0) % 14]), new Uint8Array(junk)) : new Uint8Array(junk);
      const f = fold(w.st.state, bytes, time);
      expect(f.void).not.toBeNull();
      expect(f.state.seq).toBe(2);
    }), { numRuns: 300 });
  });
});
