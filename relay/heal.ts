/**
 * After a restore (PROTOCOL §11.6): the relay takes back what it lost from those who have it. Entries prove themselves by its own earlier
 * receipts, lockboxes by the entry that lists them, envelopes by their log's signature.
 */
import type { Hash } from '../crypto/brand';
import { equal } from '../crypto/bytes';
import type { GivenEnvelope, ReceiptedEntry, ToRelay } from '../crypto/frames';
import { envelopeHash, readEnvelope, verifyEnvelope } from '../crypto/header';
import { lockboxHash } from '../crypto/kept';
import { verifyReceipt } from '../crypto/receipt';
import { decodeEntry } from '../crypto/roster/entry';
import { begin, fold } from '../crypto/roster/fold';
import { chainAt, chainHead, encodeState, endsOf, rowByDevice, rowOf, type Row } from '../crypto/roster/state';
import { endConnection, tellEnded } from './ended';
import { CHECKPOINT, endedBy, endingOf, spentBy } from './enter';
import type { Group } from './group';
import type { House } from './house';
import { waitsFor } from './healing';
import { RATE } from './limits';
import { ask, type Giving, type Kept } from './log';
import { answerUnknown } from './purge';
import { took } from './quota';
import { read } from './reading';
import type { Connection, LogSession } from './session';
import { ownKeys } from './signer';
import { showFork } from './told';

type Of<K extends ToRelay['is']> = Extract<ToRelay, { is: K }>;

/** How far a device has come, which is noted once the relay has come as far; the answer says where the relay stands. */
export function show(h: House, s: LogSession, f: Of<'show'>): void {
  const { group, connection } = s;
  read(h, connection, 'standing', { g: group.g, life: f.life, earlier: group.earlier }, (r) => {
    if (!r.ok) return connection.refuse(f.re, group.id, 'unavailable');
    const { heads, lacks, feed, healing: waiting } = r.value;
    // another relay may have heard from more devices
    if (group.healing !== null) group.healing = waiting === null ? null : { since: waiting.since, shown: new Set([...group.healing.shown, ...waiting.shown]) };
    const chain = chainAt(group.state, f.rosterSeq);
    const hasLog = (heads.find((x) => x.device === s.device)?.n ?? 0) >= f.n;
    // one whose roster went another way can give nothing: it is not waited for
    const hasRoster = f.rosterSeq <= group.state.seq && (chain === null || equal(chain, f.chain) ? hasLog : true);
    if (hasRoster && group.healing !== null && !group.healing.shown.has(s.device)) {
      group.healing.shown.add(s.device);
      h.log.call('shown', { g: group.g, device: s.device }, () => undefined);
    }
    const healing = waitsFor(group, h.clock()) > 0;
    if (!healing && group.healing !== null) {
      // for good: whoever joins later was never asked
      group.healing = null;
      h.log.call('shown', { g: group.g, device: 0 }, () => undefined);
    }
    connection.send({ is: 'standing', re: f.re, group: group.id, healing, rosterSeq: group.state.seq, chain: chainHead(group.state), feed, heads, lacks });
  });
}

/** Entries with the relay's own receipts, from anybody, before any key was proven: of a group that was lost, its genesis first. */
export function giveEntries(h: House, c: Connection, f: Of<'give-entries'>): void {
  const own = f.items.filter((i) => ownKeys(h).some((k) => equal(i.receipt.relayPk, k.pk)));
  const first = own[0];
  if (first === undefined || !verifyReceipt(f.group, first.receipt)) return c.refuse(f.re, f.group, 'not-allowed');
  h.groups.with(f.group, (group) => {
    if (group === 'unavailable') return c.refuse(f.re, f.group, 'unavailable');
    if (group !== null) return takeEntries(h, c, f, group, own);
    const state = begin(f.group, first.entry, first.receipt.time);
    if (!state.ok || first.receipt.seq !== 1 || !equal(chainHead(state.value), first.receipt.chain)) return c.refuse(f.re, f.group, 'behind');
    h.log.call('tomb', f.group, (tomb) => {
      // nobody brings back what was destroyed
      if (!tomb.ok || tomb.value !== null) return answerUnknown(h, c, f);
      // signed by this very life, and yet not here
      if (first.receipt.incarnation >= h.incarnation) return lost(h, c, f, own);
      h.log.call('create', { group: f.group, genesis: first, boxes: [], state: encodeState(state.value) }, (r) => {
        if (!r.ok || r.value === null) return answerUnknown(h, c, f);
        giveEntries(h, c, f);
      });
    });
  });
}

function takeEntries(h: House, c: Connection, f: Of<'give-entries'>, group: Group, items: readonly ReceiptedEntry[]): void {
  group.alone((done) => {
    const end = (answer: () => void): void => {
      done();
      answer();
    };
    const next = (i: number): void => {
      const item = items[i];
      if (item === undefined) return end(() => c.send({ is: 'done', re: f.re, group: group.id }));
      const { receipt, entry } = item;
      const there = chainAt(group.state, receipt.seq);
      // what lies there needs no proof: one frame of it over and over would keep everybody waiting
      if (there !== null && equal(there, receipt.chain)) return next(i + 1);
      if (!verifyReceipt(group.id, receipt)) return end(() => c.refuse(f.re, group.id, 'not-allowed'));
      if (there !== null) {
        // this relay signed two histories, or went on without what was lost: those who hold the other one have a right to see it
        return prove(h, group, item, () => end(() => c.refuse(f.re, group.id, 'conflict', { n: group.state.seq })));
      }
      const { state, void: fault, entry: read } = fold(group.state, entry, receipt.time, receipt.relayPk);
      // by another key than the group knows only the entry that names it (PROTOCOL §7.1): an old key may be in other hands by now
      const isMoved = fault === null && read?.body.kind === 'relay';
      if (!equal(receipt.relayPk, group.signer) && !isMoved) return end(() => c.refuse(f.re, group.id, 'not-allowed'));
      if (receipt.incarnation >= h.incarnation) return end(() => lost(h, c, f, items.slice(i).filter((x) => x.receipt.seq > group.state.seq)));
      if (receipt.seq !== state.seq) return end(() => c.refuse(f.re, group.id, 'behind', { n: group.state.seq }));
      if (!equal(chainHead(state), receipt.chain)) return end(() => c.refuse(f.re, group.id, 'conflict', { n: group.state.seq }));
      const spent = spentBy(group.state, state);
      const gone = endedBy(group.state, state);
      h.ringing?.stop(group, gone);
      h.log.call('enter', { g: group.g, seq: receipt.seq, entry: item, boxes: [], ends: [], gone, spent, state: receipt.seq % CHECKPOINT === 0 ? encodeState(state) : null, ...endingOf(group.state, state) }, (r) => {
        if (!r.ok) return h.follow.renew(group, () => end(() => c.refuse(f.re, group.id, 'unavailable')));
        if (r.value.is !== 'entered') return h.follow.renew(group, () => end(() => c.refuse(f.re, group.id, 'behind', { n: group.state.seq })));
        group.state = state;
        group.earlier = receipt.seq;
        group.signer = receipt.relayPk;
        h.fanout.entry(group, item, null);
        tellEnded(h, group.logs, state);
        h.follow.changed(group);
        next(i + 1);
      });
    };
    // another relay may just have put there what is held against the store
    h.follow.renew(group, (ok) => (ok ? next(0) : end(() => c.refuse(f.re, group.id, 'unavailable'))));
  });
}

/**
 * Entries of the present life that the store does not have: when this relay signed one of them, the store is older than it says. By the key
 * of now alone: an old one may be in other hands, and whoever has it would begin life after life.
 */
function lost(h: House, c: Connection, f: Of<'give-entries'>, items: readonly ReceiptedEntry[]): void {
  const receipt = items.find((i) => equal(i.receipt.relayPk, h.keys.pk) && i.receipt.incarnation >= h.incarnation)?.receipt;
  if (receipt === undefined || !verifyReceipt(f.group, receipt)) return c.refuse(f.re, f.group, 'not-allowed');
  renew(h, receipt.incarnation);
}

/** Everybody of the group is shown the entry, at whichever relay; so many in a minute at most, however often it is given. */
function prove(h: House, group: Group, item: ReceiptedEntry, then: () => void): void {
  const time = h.clock();
  const since = time - RATE.proofShown;
  for (const [seq, at] of group.shown) if (at <= since) group.shown.delete(seq);
  // the store is not asked what is known here
  if (group.shown.has(item.receipt.seq) || group.shown.size >= RATE.proofsShown) return then();
  h.log.call('putFork', { g: group.g, item, time, since, most: RATE.proofsShown }, (r) => {
    if (r.ok && r.value) {
      showFork(h, group, { item, time });
      h.follow.changed(group);
    }
    then();
  });
}

const FAR = 2 ** 52;

/** The store turned out to be older than what this relay signed: a new life begins, and everyone comes anew. */
function renew(h: House, above: number): void {
  // no life of a store is numbered so: after the last of all numbers there would be none
  if (above >= FAR) return;
  h.log.call('renew', { now: h.clock(), above }, (r) => {
    if (r.ok) beginAnew(h, r.value);
  });
}

/** The store's life is another: nothing that is known of any group is true any more, and everyone comes anew. */
export function beginAnew(h: House, life: number): void {
  if (h.incarnation === life) return;
  h.incarnation = life;
  h.groups.clear();
  for (const c of [...h.connections]) {
    endConnection(h, c);
    c.end();
  }
}

/** Lockboxes of an entry that is there, each with the hash that it lists. */
export function giveBoxes(h: House, s: LogSession, f: Of<'give-boxes'>): void {
  const { group, connection } = s;
  h.log.call('entries', { g: group.g, after: f.seq - 1, upTo: f.seq, most: 1 }, (r) => {
    const d = r.ok && r.value.items[0] !== undefined ? decodeEntry(r.value.items[0].entry) : null;
    const rotation = d?.ok === true && 'rotation' in d.value.body ? d.value.body.rotation : null;
    if (f.seq > group.earlier || rotation === null) return connection.refuse(f.re, group.id, 'not-allowed');
    const boxes = f.boxes.flatMap((b): Kept[] => {
      const listed = rotation.boxes.find((x) => equal(x.to, b.to));
      const row = rowOf(group.state, b.to);
      return listed === undefined || row === null || !equal(listed.hash, lockboxHash(b.lockbox)) ? [] : [{ device: row.device, lockbox: b.lockbox }];
    });
    h.log.call('keepBoxes', { g: group.g, seq: f.seq, boxes }, (k) => {
      if (k.ok) connection.send({ is: 'done', re: f.re, group: group.id });
      else connection.refuse(f.re, group.id, 'unavailable');
    });
  });
}

/** Envelopes that the store lost, of any log; what does not fit is passed over. */
export function give(h: House, s: LogSession, f: Of<'give'>): void {
  const { group, connection } = s;
  group.alone((done) => {
    void (async () => {
      const items = s.gone === null ? f.items : f.items.filter((i) => i.device === s.device);
      const giving = await fitting(h, group, items, s.gone === null);
      const stored = giving === null ? null : await ask(h.log, 'give', { g: group.g, items: giving });
      if (stored === null || !stored.ok) return connection.refuse(f.re, group.id, 'unavailable');
      took(group, 'bytes', stored.value.reduce((sum, e) => sum + e.envelope.length, 0));
      h.follow.given(group, stored.value);
      connection.send({ is: 'done', re: f.re, group: group.id });
    })().finally(done);
  });
}

/** Those that stand behind what is stored of their log, or that replace the end of one that went past its cut-off; from who is out, the latter alone: it could sign others. */
async function fitting(h: House, group: Group, items: readonly GivenEnvelope[], isLive: boolean): Promise<Giving[] | null> {
  const out: Giving[] = [];
  for (const device of new Set(items.map((i) => i.device))) {
    const row = rowByDevice(group.state, device);
    const run = items.filter((i) => i.device === device);
    const head = await ask(h.log, 'head', { g: group.g, device });
    if (!head.ok) return null;
    if (row === null || row.rank === 'recovery') continue;
    const { n, hash } = head.value;
    // what is stored of a log that ended may have gone another way than to its cut-off
    const isWhole = row.end !== null && n === row.end.cut.n && equal(hash, row.end.cut.hash);
    let other: Giving[] | null = null;
    for (const end of isWhole ? [] : endsOf(group.state, row)) other ??= end === row.end?.cut || isLive ? await replacing(h, group, row, end, run) : null;
    out.push(...(other ?? (isLive ? inRow(h, group, row, { n, hash }, run.filter((i) => i.n > n), false) : [])));
  }
  // in the order in which they came: that is how their giver saw them
  const place = new Map(items.map((i, at) => [`${i.device} ${i.n}`, at]));
  return out.sort((a, b) => (place.get(`${a.device} ${a.n}`) as number) - (place.get(`${b.device} ${b.n}`) as number));
}

/** A run that ends in the cut-off of its log counts above what is stored off it. */
async function replacing(h: House, group: Group, row: Row, cut: { readonly n: number; readonly hash: Hash }, run: readonly GivenEnvelope[]): Promise<Giving[] | null> {
  const first = run[0];
  if (first === undefined || run.at(-1)?.n !== cut.n) return null;
  const prev = await ask(h.log, 'before', { g: group.g, device: row.device, n: first.n });
  if (!prev.ok || prev.value === null) return null;
  const all = inRow(h, group, row, { n: first.n - 1, hash: prev.value }, run, true);
  const last = all.at(-1);
  return last?.n === cut.n && equal(last.hash, cut.hash) ? all : null;
}

/**
 * The envelopes of one log that follow each other from `at` on. Judged by their signature and by what an earlier life receipted, not by
 * the fence: whoever can name an entry of now has a way to append.
 */
function inRow(h: House, group: Group, row: Row, at: { readonly n: number; readonly hash: Hash }, run: readonly GivenEnvelope[], replaces: boolean): Giving[] {
  const out: Giving[] = [];
  let { n, hash } = at;
  for (const i of run) {
    const read = readEnvelope(i.envelope);
    if (!read.ok || i.n !== n + 1 || read.value.header.n !== i.n || (row.end !== null && i.n > row.end.cut.n)) continue;
    const { rosterSeq, blobs } = read.value.header;
    const roster = rosterSeq > group.earlier ? null : chainAt(group.state, rosterSeq);
    if (roster === null) continue;
    const place = { group: group.id, logPk: row.logPk, prev: hash, roster };
    // a giver may have several at one number
    if (!verifyEnvelope(place, read.value)) continue;
    const next = envelopeHash(place, i.envelope);
    out.push({ device: row.device, n: i.n, rosterSeq, time: Math.min(i.time, h.clock()), prev: hash, hash: next, blobs, envelope: i.envelope, replaces });
    n = i.n;
    hash = next;
  }
  return out;
}
