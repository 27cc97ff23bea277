/** Roster entries coming in (PROTOCOL §11): compare-and-swap, the fold's judgement, lockboxes and cut-offs checked, then a receipt. */
import type { Bytes, InvitePk, LogPk } from '../crypto/brand';
import { equal, hex } from '../crypto/bytes';
import type { LogHead, ReceiptedEntry, ToRelay } from '../crypto/frames';
import { lockboxHash } from '../crypto/kept';
import { LIMIT } from '../crypto/limits';
import { permitHash } from '../crypto/permit';
import { signReceipt } from '../crypto/receipt';
import { decodeEntry, type Cut, type Entry, type Rotation } from '../crypto/roster/entry';
import { begin, fold } from '../crypto/roster/fold';
import { chainHead, encodeState, type Invite, rowByDevice, rowOf, type RosterState } from '../crypto/roster/state';
import { tellEnded } from './ended';
import type { Group } from './group';
import { waitsFor } from './healing';
import type { House, KeyPair } from './house';
import { RATE } from './limits';
import type { Budget, Entering, Kept } from './log';
import { answerUnknown } from './purge';
import { fits, took, withSpare } from './quota';
import type { Connection, InviteSession, LogSession } from './session';
import { keyOf } from './signer';

type Create = Extract<ToRelay, { is: 'create' }> | Extract<ToRelay, { is: 'create-by-permit' }>;
type Enter = Extract<ToRelay, { is: 'enter' }>;
type Boxes = Extract<ToRelay, { is: 'boxes' }>;

/** Who brings an entry: a device, or whoever holds an open invite. */
export type Enterer = LogSession | InviteSession;

/** A device brings its own entries; the holder of an invite the one that lets it in. */
const isOwn = (s: Enterer, e: Entry): boolean => (s.as === 'log' ? equal(e.author, s.logPk) : e.body.kind === 'join' && equal(e.body.invite, s.invite));

/** Whose hourly entries are spent: whom a non-owner let in shares with who did, and an invite with who made it (PROTOCOL §11.3). Recovery rows have a budget apart, so that whoever used up the other keeps them from nothing; it is their member's, since such a row can replace itself. */
function budgetOf(s: Enterer, now: number): Budget {
  const { state } = s.group;
  const member = s.as === 'log' ? s.member : hex((state.invites.get(hex(s.invite)) as Invite).by);
  const isOwner = member === state.owner;
  if (s.as === 'log' && rowOf(state, s.logPk)?.rank === 'recovery') return { key: `recovery ${member}`, most: isOwner ? RATE.recoveryByOwner : RATE.recovery, now };
  const sponsor = state.sponsors.get(member);
  const whose = isOwner || sponsor === undefined ? member : hex(sponsor);
  return { key: `entries ${whose}`, most: isOwner ? RATE.entriesByOwner : RATE.entries, now };
}

/** How often the folded state is stored, so that loading folds few entries. */
export const CHECKPOINT = 32;
/** What a full roster still takes: nobody is kept in, or in charge, by its length. */
const ENDING: ReadonlySet<Entry['body']['kind']> = new Set(['revoke-invite', 'remove', 'offer-owner', 'accept-owner', 'leave', 'rotate', 'device-revoke', 'role', 'destroy', 'claim-owner', 'relay']);

const receiptFor = (h: House, by: KeyPair, s: RosterState, entry: Bytes, time: number): ReceiptedEntry => ({
  entry,
  receipt: signReceipt(s.group, { relayPk: by.pk, incarnation: h.incarnation, seq: s.seq, chain: chainHead(s), time }, by.sk)
});

export function create(h: House, c: Connection, f: Create): void {
  const time = h.clock();
  const from = `groups from ${c.from}`;
  const guesses = `permits from ${c.from}`;
  const hash = h.asksPermit && f.is === 'create-by-permit' ? permitHash(f.permit) : null;
  const guessed = hash === null ? 0 : h.founding.wait(guesses, RATE.permitsFrom, time);
  const wait = ++c.creates > RATE.creates ? 3_600_000 : c.from === null ? 0 : Math.max(guessed, h.founding.wait(from, RATE.createsFrom, time));
  if (wait > 0) return c.refuse(f.re, f.group, 'rate', { fence: wait });
  const first = begin(f.group, f.genesis, time);
  if (!first.ok) return c.refuse(f.re, f.group, 'void', { words: first.fault });
  const entry = decodeEntry(f.genesis);
  const boxes = entry.ok ? boxesFor(first.value, entry.value, new Map(f.boxes.map((b) => [hex(b.to), b.lockbox]))) : null;
  if (boxes === null) return c.refuse(f.re, f.group, 'no-lockbox');
  h.log.call('create', { group: f.group, genesis: receiptFor(h, h.keys, first.value, f.genesis, time), boxes, state: encodeState(first.value), ...(h.asksPermit && { permit: { hash, time } }) }, (r) => {
    if (!r.ok) return c.refuse(f.re, f.group, 'unavailable');
    if (r.value === null) return answerUnknown(h, c, f);
    // signed by its founder's key, so whoever looks for a code is not sent away meanwhile
    c.proven = true;
    if (typeof r.value === 'string') {
      if (r.value === 'unknown') h.founding.count(guesses, time);
      return c.refuse(f.re, f.group, 'permit', { words: r.value });
    }
    h.founding.count(from, time);
    c.send({ is: 'entered', re: f.re, group: f.group, receipt: r.value.genesis.receipt });
  });
}

/** Keeps lockboxes for the entry that follows; those for another seq are dropped. */
export function stage(h: House, s: Enterer, f: Boxes): void {
  if (s.staged?.seq !== f.seq) {
    s.staged = { seq: f.seq, boxes: new Map(), bytes: 0 };
    h.staging.begin(s);
  }
  const { staged } = s;
  for (const b of f.boxes) {
    if (staged.bytes + b.lockbox.length > RATE.staged) return s.connection.refuse(0, s.group.id, 'too-large');
    staged.boxes.set(hex(b.to), b.lockbox);
    staged.bytes += b.lockbox.length;
    h.staging.came(b.lockbox.length);
  }
}

export function enter(h: House, s: Enterer, f: Enter): void {
  h.follow.current(s.group, (ok) => {
    if (!ok) return s.connection.refuse(f.re, s.group.id, 'unavailable');
    withSpare(h, s.group, () => s.group.alone((done) =>
      h.follow.healing(s.group, (isKnown) => {
        if (isKnown) return place(h, s, f, done);
        s.connection.refuse(f.re, s.group.id, 'unavailable');
        done();
      })
    ));
  });
}

function place(h: House, s: Enterer, f: Enter, done: () => void): void {
  if (!s.connection.isOpen) return done();
  if (s.gone !== null) {
    s.connection.send({ is: 'gone', re: f.re, group: s.group.id, seq: s.gone });
    return done();
  }
  if (f.seq <= s.group.state.seq) return again(h, s, f, done);
  judge(h, s, f, done);
}

/** The same bytes at a seq get the same receipt, however often. */
function again(h: House, s: Enterer, f: Enter, done: () => void): void {
  const { group, connection } = s;
  h.log.call('entries', { g: group.g, after: f.seq - 1, upTo: f.seq, most: 1 }, (r) => {
    const there = r.ok ? r.value.items[0] : undefined;
    if (!r.ok) connection.refuse(f.re, group.id, 'unavailable');
    else if (there !== undefined && equal(there.entry, f.entry)) connection.send({ is: 'entered', re: f.re, group: group.id, receipt: there.receipt });
    else connection.refuse(f.re, group.id, 'behind', { n: group.state.seq });
    done();
  });
}

function judge(h: House, s: Enterer, f: Enter, done: () => void): void {
  const { group, connection } = s;
  const before = group.state;
  const no = (...why: [Parameters<Connection['refuse']>[2], Parameters<Connection['refuse']>[3]?]): void => {
    connection.refuse(f.re, group.id, ...why);
    done();
  };
  if (f.seq > before.seq + 1) return no('behind', { n: before.seq });
  const now = h.clock();
  const healing = waitsFor(group, now);
  if (healing > 0) return no('healing', { fence: healing });
  const time = Math.max(now, before.time);
  const { state, entry, void: fault } = fold(before, f.entry, time, h.keys.pk);
  if (entry !== null && !isOwn(s, entry)) return no('not-allowed');
  if (fault !== null || entry === null) return no('void', { words: fault ?? 'malformed' });
  if (before.seq >= RATE.roster && !ENDING.has(entry.body.kind)) return no('full');
  if (!fits(group, 'entries', 1) && !ENDING.has(entry.body.kind)) return no('quota');
  if (state.version > h.knows) return no('version');
  const boxes = boxesFor(state, entry, s.staged?.seq === f.seq ? s.staged.boxes : new Map());
  if (boxes === null) return no('no-lockbox');
  const cuts: readonly Cut[] = 'cuts' in entry.body ? entry.body.cuts : 'cut' in entry.body ? [entry.body.cut] : [];
  const ends = cuts.map((c) => ({ device: rowOf(before, c.logPk)?.device ?? 0, n: c.n, hash: c.hash }));
  // the entry that names another key is receipted by it; all others by the one that the group knows
  const by = entry.body.kind === 'relay' ? h.keys : keyOf(h, group);
  if (by === null) return no('unavailable');
  const receipted = receiptFor(h, by, state, f.entry, time);
  const spent = spentBy(before, state);
  const gone = endedBy(before, state);
  // MOVED: the logs that end may not grow for a minute, the sender's own excepted, which has to send what is missing
  const holding = s.as === 'log' && entry.body.kind !== 'restate-cut' ? { devices: ends.map((e) => e.device).filter((d) => d !== s.device), until: now + RATE.hold } : null;
  // from before it is stored: nobody is pushed to once it is
  h.ringing?.stop(group, gone);
  h.log.call(
    'enter',
    { g: group.g, seq: f.seq, entry: receipted, boxes, ends, gone, spent, state: f.seq % CHECKPOINT === 0 ? encodeState(state) : null, ...endingOf(before, state), budget: budgetOf(s, now), ...(holding && { holding }) },
    (r) => {
      if (r.ok && r.value.is === 'rate') return no('rate', { fence: r.value.wait });
      // another relay was quicker, or this very entry lies there, heard of or not: everybody is told of what the store has
      if (!r.ok || r.value.is === 'behind') return h.follow.renew(group, (isRead) => (isRead && group.state.seq > before.seq ? place(h, s, f, done) : no('unavailable')));
      if (r.value.is === 'moved') {
        if (holding !== null) hold(h, group, holding);
        return no('moved', { heads: r.value.heads.map((x): LogHead => ({ logPk: (rowByDevice(before, x.device) as { logPk: LogPk }).logPk, n: x.n, hash: x.hash })) });
      }
      took(group, 'entries', 1);
      group.state = state;
      group.signer = by.pk;
      s.staged = null;
      for (const e of ends) group.held.delete(e.device);
      connection.send({ is: 'entered', re: f.re, group: group.id, receipt: receipted.receipt });
      h.ringing?.stir(group, s.as === 'log' ? s.member : null);
      h.follow.changed(group);
      h.fanout.entry(group, receipted, s.as === 'log' ? s : null);
      tellEnded(h, s.group.logs, state);
      done();
    }
  );
}

/** The rotation's lockboxes out of those given; null when one is missing or has another hash. */
function boxesFor(after: RosterState, e: Entry, given: ReadonlyMap<string, Bytes>): Kept[] | null {
  const rotation = rotationOf(e);
  const kept: Kept[] = [];
  for (const b of rotation?.boxes ?? []) {
    const lockbox = given.get(hex(b.to));
    if (lockbox === undefined || lockbox.length > LIMIT.lockbox || !equal(lockboxHash(lockbox), b.hash)) return null;
    kept.push({ device: rowOf(after, b.to)?.device ?? 0, lockbox });
  }
  return kept;
}
const rotationOf = (e: Entry): Rotation | null => ('rotation' in e.body ? e.body.rotation : null);

/** Whether the group's end was asked for, or called off. */
export const endingOf = (before: RosterState, after: RosterState): Pick<Entering, 'ending'> =>
  before.destroy === after.destroy ? {} : { ending: { group: after.group, at: after.destroy?.at ?? null } };

/** Invites that stopped pending. */
export const spentBy = (before: RosterState, after: RosterState): InvitePk[] =>
  after.invites === before.invites ? [] : [...after.invites.values()].filter((i) => i.state !== 'pending' && before.invites.get(hex(i.invite))?.state === 'pending').map((i) => i.invite);

/** Rows that ended, by device. */
export const endedBy = (before: RosterState, after: RosterState): number[] =>
  after.rows === before.rows ? [] : [...after.rows].flatMap(([key, r]) => (r.end !== null && before.rows.get(key)?.end === null ? [r.device] : []));

function hold(h: House, group: Group, { devices, until }: NonNullable<Entering['holding']>): void {
  for (const d of devices) group.held.set(d, until);
  h.follow.held(group, devices, until);
}
