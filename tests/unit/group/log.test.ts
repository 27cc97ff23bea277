import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, ContentKey, GroupId, Hash } from '$crypto/brand';
import { fromText, hex } from '$crypto/bytes';
import { sealEnvelope, type EnvelopeContext } from '$crypto/envelope';
import { ZERO_HASH } from '$crypto/hash';
import { chainAt, chainHead, currentEpoch, rowOf, type Row } from '$crypto/roster/state';
import { ready, type Random } from '$crypto/sodium';
import { endsInCut, judgeEnvelope, LOG_START, type LogPlace } from '$lib/group/log';
import { type Device, envelope, leave, letIn, makeDevice, offer, type Pen, pen, removeEntry, rotate, seeded, story, type Story } from '../../support/actor';

beforeAll(ready);
const words = fromText('words');
let random: Random;
let olivia: Device;
let pat: Device;
let fay: Device;
let st: Story;
let p: Pen;
beforeEach(() => {
  random = seeded('log');
  [olivia, pat, fay] = [makeDevice(random), makeDevice(random), makeDevice(random)];
  st = story(random, olivia);
  letIn(random, st, olivia, pat);
  letIn(random, st, olivia, fay);
  p = pen(pat);
});
const row = (d: Device): Row => rowOf(st.state, d.logPk) as Row;
const next = (more: Parameters<typeof envelope>[5] = {}): Bytes => envelope(random, st.state, p, st.now.content, words, more);
const judge = (b: Bytes, at: LogPlace = LOG_START, d = pat) => judgeEnvelope(st.state, row(d), at, b);
const after = (b: Bytes, at: LogPlace = LOG_START): LogPlace => {
  const j = judge(b, at);
  if (j.is !== 'accepted' && j.is !== 'void') throw new Error(j.why);
  return j.next;
};

describe('R9: an envelope', () => {
  it('in its place is accepted, and the log goes on to its hash', () => {
    const [a, b] = [next(), next()];
    const at = after(a);
    expect(at).toEqual({ n: 1, hash: expect.any(Uint8Array) as unknown, rosterSeq: st.state.seq });
    expect(judge(b, at)).toMatchObject({ is: 'accepted', next: { n: 2 } });
  });

  it('that was seen is refused, one too early waits', () => {
    const [a, b] = [next(), next()];
    expect(judge(a, after(a))).toEqual({ is: 'refused', why: 'repeated' });
    expect(judge(b)).toEqual({ is: 'held', why: 'gap' });
  });

  it('after another than the one before it is forged (P22)', () => {
    const a = next();
    const b = next();
    const other = pen(pat);
    const fork = envelope(random, st.state, other, st.now.content, fromText('other words'));
    expect(judge(b, after(fork))).toEqual({ is: 'refused', why: 'forged' });
    expect(judge(b, after(a)).is).toBe('accepted');
  });

  it('of one member is never taken in the log of another (P6)', () => {
    expect(judge(next(), LOG_START, fay)).toEqual({ is: 'refused', why: 'forged' });
    const mallory: Device = { ...fay, logPk: pat.logPk };
    const forged = envelope(random, st.state, pen(mallory), st.now.content, words);
    expect(judge(forged)).toEqual({ is: 'refused', why: 'forged' });
  });

  it('of another group, or on another history of the roster, is refused (P8)', () => {
    const other = story(random, olivia);
    const c = (context: Partial<EnvelopeContext>): Bytes =>
      sealEnvelope({ group: st.group, logPk: pat.logPk, prev: ZERO_HASH, roster: chainHead(st.state), ...context }, { n: 1, rosterSeq: st.state.seq, epoch: currentEpoch(st.state).seq, blobs: [] }, words, st.now.content, pat.logSk, random);
    expect(judge(c({})).is).toBe('accepted');
    expect(judge(c({ group: other.group as Bytes as GroupId }))).toEqual({ is: 'refused', why: 'forged' });
    expect(judge(c({ roster: random(32) as Bytes as Hash }))).toEqual({ is: 'refused', why: 'forged' });
  });

  it('that names a roster ahead of ours waits, one that names none is refused', () => {
    const behind = st.state;
    st.must(rotate(random, st.state, olivia));
    const b = next();
    expect(judgeEnvelope(behind, rowOf(behind, pat.logPk) as Row, LOG_START, b)).toEqual({ is: 'held', why: 'roster' });
    const none = sealEnvelope({ group: st.group, logPk: pat.logPk, prev: ZERO_HASH, roster: ZERO_HASH }, { n: 1, rosterSeq: 0, epoch: 1, blobs: [] }, words, st.now.content, pat.logSk, random);
    expect(judge(none)).toEqual({ is: 'refused', why: 'malformed' });
  });

  it('of an unknown version holds its log, one that is junk is refused', () => {
    const b = next();
    b[0] = 9;
    expect(judge(b)).toEqual({ is: 'held', why: 'version' });
    expect(judge(random(300).fill(1, 0, 2))).toMatchObject({ is: expect.stringMatching(/refused|held/) as unknown });
    expect(judge(new Uint8Array(0))).toEqual({ is: 'refused', why: 'malformed' });
  });
});

describe('R12: an envelope rightly signed and in its place is void, and the log goes on, when', () => {
  it('it names an older roster than the one before it', () => {
    const a = next();
    const b = next({ rosterSeq: st.state.seq - 1 });
    expect(judge(b, after(a))).toMatchObject({ is: 'void', why: 'roster-back', next: { n: 2, rosterSeq: st.state.seq } });
  });

  it('its row was not live there', () => {
    expect(judge(next({ rosterSeq: 1, epoch: 1 }))).toMatchObject({ is: 'void', why: 'not-live' });
  });

  it('its epoch is not the one there', () => {
    expect(judge(next({ epoch: 1 }))).toMatchObject({ is: 'void', why: 'wrong-epoch' });
  });

  it('a rotation was owed there, until someone paid (P12)', () => {
    st.must(leave(st.state, fay));
    const a = next();
    expect(judge(a)).toMatchObject({ is: 'void', why: 'owed' });
    const keyOfLeaver: ContentKey = st.now.content;
    st.must(rotate(random, st.state, pat));
    const b = next();
    expect(judge(b, after(a)).is).toBe('accepted');
    expect(hex(st.now.content)).not.toBe(hex(keyOfLeaver));
    // the stretch stays owed for whoever looks back at it
    expect(judge(a)).toMatchObject({ is: 'void', why: 'owed' });
  });

  it('a void one before it does not lower what the next may name', () => {
    const a = next();
    const b = next({ epoch: 1 });
    const c = next({ rosterSeq: st.state.seq - 1 });
    const at = after(b, after(a));
    expect(judge(c, at)).toMatchObject({ is: 'void', why: 'roster-back' });
  });
});

describe('P1: a log that ended', () => {
  const removed = (upTo: number): Bytes[] => {
    const run = [next(), next(), next()];
    const heads = new Map<string, { n: number; hash: Hash }>();
    let at = LOG_START;
    for (const b of run.slice(0, upTo)) at = after(b, at);
    heads.set(hex(pat.logPk), { n: at.n, hash: at.hash });
    st.must(removeEntry(random, st.state, olivia, pat.member, heads));
    return run;
  };

  it('takes what was before its cut and nothing beyond, whatever it claims', () => {
    const old = { rosterSeq: st.state.seq, epoch: currentEpoch(st.state).seq };
    const key = st.now.content;
    const [a, b, c] = removed(2) as [Bytes, Bytes, Bytes];
    const one = after(a);
    const two = after(b, one);
    expect(judge(c, two)).toEqual({ is: 'refused', why: 'beyond-cut' });
    const late = sealEnvelope({ group: st.group, logPk: pat.logPk, prev: two.hash, roster: chainAt(st.state, old.rosterSeq) as Hash }, { n: 3, ...old, blobs: [] }, words, key, pat.logSk, random);
    expect(judge(late, two)).toEqual({ is: 'refused', why: 'beyond-cut' });
    const now = sealEnvelope({ group: st.group, logPk: pat.logPk, prev: two.hash, roster: chainHead(st.state) }, { n: 3, rosterSeq: st.state.seq, epoch: st.state.seq, blobs: [] }, words, key, pat.logSk, random);
    expect(judge(now, two)).toEqual({ is: 'refused', why: 'beyond-cut' });
  });

  it('ends in its cut only with the whole run, in order, and no other', () => {
    const [a, b, c] = removed(2) as [Bytes, Bytes, Bytes];
    const ends = (run: Bytes[], at = LOG_START): boolean => endsInCut(st.state, row(pat), at, run);
    expect(ends([a, b])).toBe(true);
    expect(ends([b], after(a))).toBe(true);
    for (const run of [[a], [a, b, c], [b, a], [a, c], []]) expect(ends(run)).toBe(false);
    expect(endsInCut(st.state, row(fay), LOG_START, [a, b])).toBe(false);
    const other = envelope(random, st.state, pen(pat), st.now.content, fromText('rewritten'), { rosterSeq: 5, epoch: 5 });
    expect(ends([other, b])).toBe(false);
  });
});

describe('an offer', () => {
  it('stops no envelope: it changes no row', () => {
    const b = next();
    st.must(offer(st.state, olivia, pat.member));
    expect(judge(b).is).toBe('accepted');
    expect(st.state.fence).toBeLessThan(st.state.seq);
  });
});
