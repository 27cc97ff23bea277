import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, Hash } from '$crypto/brand';
import { fromText, hex } from '$crypto/bytes';
import { envelopeHash, readEnvelope } from '$crypto/envelope';
import { chainAt, endsOf, type RosterState, type Row, rowOf } from '$crypto/roster/state';
import { ready, type Random } from '$crypto/sodium';
import { judgeEnvelope, LOG_START, type LogPlace, runTo } from '$lib/group/log';
import { type Device, envelope, leave, letIn, makeDevice, pen, type Pen, removeEntry, rotate, seeded, story, type Story } from '../../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('log');
});

interface Scene { readonly st: Story; readonly olivia: Device; readonly fay: Device; readonly p: Pen }
function scene(): Scene {
  const [olivia, fay] = [makeDevice(random), makeDevice(random)];
  const st = story(random, olivia);
  letIn(random, st, olivia, fay);
  return { st, olivia, fay, p: pen(fay) };
}
const words = fromText('words');
const rowFor = (s: RosterState, d: Device): Row => rowOf(s, d.logPk) as Row;
const next = ({ st, p }: Scene, more: Parameters<typeof envelope>[5] = {}): Bytes => envelope(random, st.state, p, st.keys.get(more.epoch ?? 0)?.content ?? st.now.content, words, more);
const judge = (c: Scene, at: LogPlace, bytes: Bytes, s = c.st.state) => judgeEnvelope(s, rowFor(s, c.fay), at, bytes);
/** Where the log stands after an envelope was taken. */
function after(c: Scene, at: LogPlace, bytes: Bytes): LogPlace {
  const j = judge(c, at, bytes);
  if (j.is !== 'accepted' && j.is !== 'void') throw new Error(JSON.stringify(j));
  return j.next;
}

describe('R9 an envelope is accepted', () => {
  it('in its place, and the log then stands at its hash', () => {
    const c = scene();
    const one = next(c);
    const j = judge(c, LOG_START, one);
    expect(j).toMatchObject({ is: 'accepted', next: { n: 1, hash: c.p.prev, rosterSeq: c.st.state.seq } });
    expect(judge(c, after(c, LOG_START, one), next(c))).toMatchObject({ is: 'accepted' });
  });

  it('written before an entry its author did not know of, as long as it was live there and the epoch is that one', () => {
    const c = scene();
    const before = c.st.state;
    const one = next(c);
    c.st.must(rotate(random, c.st.state, c.olivia));
    expect(before.seq).toBeLessThan(c.st.state.seq);
    expect(judge(c, LOG_START, one)).toMatchObject({ is: 'accepted' });
  });
});

describe('R12 an envelope is held', () => {
  it('while one before it is missing, the roster is ahead, or its version is unknown', () => {
    const c = scene();
    const [one, two] = [next(c), next(c)];
    expect(judge(c, LOG_START, two)).toEqual({ is: 'held', why: 'gap' });
    const behind = c.st.state;
    c.st.must(rotate(random, c.st.state, c.olivia));
    const d: Scene = { ...c, p: pen(c.fay) };
    expect(judge(c, LOG_START, next(d), behind)).toEqual({ is: 'held', why: 'roster' });
    const newer = one.slice();
    newer[0] = 200;
    expect(judge(c, LOG_START, newer)).toEqual({ is: 'held', why: 'version' });
  });
});

describe('R12 an envelope is void and its log goes on', () => {
  it('when it names an older roster than the one before it', () => {
    const c = scene();
    const old = c.st.state.seq;
    c.st.must(rotate(random, c.st.state, c.olivia));
    const one = next(c);
    const at = after(c, LOG_START, one);
    const back = next(c, { rosterSeq: old, epoch: old });
    expect(judge(c, at, back)).toMatchObject({ is: 'void', why: 'roster-back', next: { n: 2, hash: c.p.prev, rosterSeq: at.rosterSeq } });
  });

  it('also when the one before it was void: an old roster is not reached by a void one', () => {
    const c = scene();
    const old = c.st.state.seq;
    c.st.must(rotate(random, c.st.state, c.olivia));
    // void for its epoch, yet it names the new roster
    const at = after(c, LOG_START, next(c, { epoch: old }));
    expect(judge(c, at, next(c, { rosterSeq: old, epoch: old }))).toMatchObject({ is: 'void', why: 'roster-back' });
  });

  it('when its device was not yet in, or no longer', () => {
    const c = scene();
    expect(judge(c, LOG_START, next(c, { rosterSeq: 1, epoch: 1 }))).toMatchObject({ is: 'void', why: 'not-live' });
  });

  it('when it is sealed under another epoch than the one at its roster seq', () => {
    const c = scene();
    const old = c.st.state.seq;
    c.st.must(rotate(random, c.st.state, c.olivia));
    expect(judge(c, LOG_START, next(c, { epoch: old }))).toMatchObject({ is: 'void', why: 'wrong-epoch' });
  });

  it('while a rotation was owed there, and the log goes on after it is paid', () => {
    const c = scene();
    const gil = makeDevice(random);
    letIn(random, c.st, c.olivia, gil);
    c.st.must(leave(c.st.state, gil));
    const at = after(c, LOG_START, next(c));
    expect(judge(c, LOG_START, next({ ...c, p: pen(c.fay) }))).toMatchObject({ is: 'void', why: 'owed' });
    c.st.must(rotate(random, c.st.state, c.olivia));
    expect(judge(c, at, next(c))).toMatchObject({ is: 'accepted' });
  });
});

describe('an envelope is refused and moves nothing', () => {
  it('when its signature is of another log, group, place or roster, or any bit of it is changed (P6, P8)', () => {
    const c = scene();
    const one = next(c);
    const two = next(c);
    const s = c.st.state;
    expect(judgeEnvelope(s, rowFor(s, c.olivia), LOG_START, one)).toEqual({ is: 'refused', why: 'forged' });
    expect(judge(c, { n: 1, hash: random(32) as Bytes as Hash, rosterSeq: 1 }, two)).toEqual({ is: 'refused', why: 'forged' });
    const other = scene();
    expect(judgeEnvelope({ ...s, group: other.st.state.group }, rowFor(s, c.fay), LOG_START, one)).toEqual({ is: 'refused', why: 'forged' });
    const forked = { ...s, chains: s.chains.map((h, i) => (i === s.seq - 1 ? (random(32) as Bytes as Hash) : h)) };
    expect(judge(c, LOG_START, one, forked)).toEqual({ is: 'refused', why: 'forged' });
    for (let at = 2; at < one.length; at++) {
      const bad = one.slice();
      bad[at] = (bad[at] as number) ^ 1;
      const j = judge(c, LOG_START, bad);
      expect(j.is === 'refused' || j.is === 'held', `byte ${at}: ${JSON.stringify(j)}`).toBe(true);
    }
  });

  it('when its number was there already, it names no roster, or it does not read', () => {
    const c = scene();
    const one = next(c);
    expect(judge(c, after(c, LOG_START, one), one)).toEqual({ is: 'refused', why: 'repeated' });
    expect(judge(c, LOG_START, one.slice(0, 40))).toMatchObject({ is: 'refused' });
    expect(judge(c, LOG_START, new Uint8Array(0)).is).not.toBe('accepted');
  });

  it('P1 beyond the final number of a log that ended, whenever it comes and whatever it claims', () => {
    const c = scene();
    const one = next(c);
    const at = after(c, LOG_START, one);
    const live = c.st.state;
    c.st.must(removeEntry(random, c.st.state, c.olivia, c.fay.member, new Map([[hex(c.fay.logPk), { n: 1, hash: at.hash }]])));
    for (const more of [{}, { rosterSeq: live.seq, epoch: live.epochs.at(-1)!.seq }]) expect(judge(c, at, next({ ...c, p: { device: c.fay, n: 1, prev: at.hash } }, more))).toEqual({ is: 'refused', why: 'beyond-cut' });
    expect(judge(c, LOG_START, one)).toMatchObject({ is: 'accepted' });
  });
});

describe('a log that ended', () => {
  it('counts as whole only when the run to its cut hashes to it', () => {
    const c = scene();
    const run = [next(c), next(c), next(c)];
    const end = c.p.prev;
    const cut = (n: number, hash: Hash): RosterState => {
      const row = rowFor(c.st.state, c.fay);
      return { ...c.st.state, rows: new Map(c.st.state.rows).set(hex(row.logPk), { ...row, end: { seq: c.st.state.seq, cut: { logPk: row.logPk, n, hash } } }) };
    };
    const ends = (s: RosterState, bytes: readonly Bytes[], at = LOG_START): boolean => {
      const row = rowFor(s, c.fay);
      const here = bytes.map((envelope, i) => ({ n: at.n + i + 1, envelope }));
      return endsOf(s, row).some((end) => runTo(s, row, at, here, end)?.length === bytes.length);
    };
    expect(ends(cut(3, end), run)).toBe(true);
    expect(ends(cut(3, end), run.slice(0, 2))).toBe(false);
    expect(ends(cut(3, random(32) as Bytes as Hash), run)).toBe(false);
    expect(ends(cut(2, end), run)).toBe(false);
    expect(ends(cut(3, end), [run[0]!, run[2]!, run[1]!])).toBe(false);
    expect(ends(c.st.state, run)).toBe(false);
    const read = readEnvelope(run[0]!);
    const first = read.ok ? envelopeHash({ group: c.st.group, logPk: c.fay.logPk, prev: LOG_START.hash, roster: chainAt(c.st.state, read.value.header.rosterSeq) as Hash }, run[0]!) : null;
    expect(ends(cut(3, end), run.slice(1), { n: 1, hash: first as Hash, rosterSeq: 1 })).toBe(true);
  });

  it('is found on the chain that ends in its cut, whatever else bears the same numbers, whichever came first', () => {
    const c = scene();
    const one = next(c);
    const fork = { ...c, p: { ...c.p } };
    const other = [next(fork), next(fork), next(fork)];
    const run = [one, next(c), next(c)];
    const row = rowFor(c.st.state, c.fay);
    const s = c.st.state;
    const numbered = (all: readonly Bytes[], from: number): { n: number; envelope: Bytes }[] => all.map((envelope, i) => ({ n: from + i, envelope }));
    const forged = run[1]!.slice() as Bytes;
    forged[forged.length - 1]! ^= 1;
    const all = [...numbered(other, 2), ...numbered([forged], 2), ...numbered(run, 1)].sort((a, b) => a.n - b.n);
    for (const here of [all, [...all].reverse().sort((a, b) => a.n - b.n)]) {
      expect(runTo(s, row, LOG_START, here, { n: 3, hash: c.p.prev })?.map((i) => i.envelope)).toEqual(run);
      expect(runTo(s, row, LOG_START, here, { n: 4, hash: fork.p.prev })?.map((i) => i.envelope)).toEqual([one, ...other]);
      expect(runTo(s, row, LOG_START, here, { n: 3, hash: fork.p.prev })).toBeNull();
      expect(runTo(s, row, LOG_START, here.filter((i) => i.envelope !== run[1]), { n: 3, hash: c.p.prev })).toBeNull();
    }
  });
});
