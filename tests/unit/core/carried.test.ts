/** A history that somebody brought along (PROTOCOL §15.9): only the true one, whole, is taken. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { BlobId, Bytes, ContentKey, GroupId, Hash } from '../../../crypto/brand';
import { concat, fromText, hex } from '../../../crypto/bytes';
import { type CarriedNote, type CarriedPart, decodePart, encodePart, readNote, signNote } from '../../../crypto/carried';
import { LIMIT } from '../../../crypto/limits';
import { signReceipt } from '../../../crypto/receipt';
import type { Result } from '../../../crypto/result';
import { ready } from '../../../crypto/sodium';
import { CarriedCheck, type Checked, type CheckFault } from '../../../src/lib/core/carried-check';
import { type Device, envelope, letIn, makeDevice, pen, plainEntry, removeEntry, rotate, seeded, type Story, story } from '../../support/actor';

beforeAll(ready);

type Envelopes = CarriedPart['envelopes'];
interface Bundle { readonly parts: readonly CarriedPart[]; readonly note: CarriedNote }
interface Told { readonly st: Story; readonly olivia: Device; readonly pat: Device; readonly mallory: Device; readonly bundle: Bundle }

/** Olivia's group: Pat and Mallory write in it, Mallory is removed, Pat writes once more. `lost`: what Mallory wrote last is nowhere any more; `restated`: Olivia goes on without it. */
function told(seed = 'carried', { lost = false, restated = false } = {}): Told {
  const random = seeded(seed);
  const [olivia, pat, mallory] = [makeDevice(random), makeDevice(random), makeDevice(random)];
  const st = story(random, olivia);
  letIn(random, st, olivia, pat);
  letIn(random, st, olivia, mallory);
  const [ofPat, ofMallory] = [pen(pat), pen(mallory)];
  const envelopes: CarriedPart['envelopes'][number][] = [];
  const say = (device: number, p: typeof ofPat, words: string): void => void envelopes.push({ device, n: p.n + 1, time: 2_000_000 + envelopes.length, envelope: envelope(random, st.state, p, st.now.content, fromText(words)) });
  for (const words of ['one', 'two', 'three']) say(2, ofPat, words);
  for (const words of ['her one', 'her two']) say(3, ofMallory, words);
  const there = { n: 2, hash: ofMallory.prev };
  st.must(removeEntry(random, st.state, olivia, mallory.member, new Map([[hex(mallory.logPk), lost ? { n: 3, hash: random(32) as Bytes as Hash } : there]])));
  if (restated) st.must(plainEntry(st.state, olivia, { kind: 'restate-cut', cut: { logPk: mallory.logPk, ...there } }));
  st.must(rotate(random, st.state, olivia));
  say(2, ofPat, 'after her');
  const fork = signReceipt(st.group, { ...st.entries[1]!.receipt, chain: random(32) as Bytes as Hash }, st.relay.sk);
  const keys = st.keyring();
  const parts: CarriedPart[] = [
    { index: 0, entries: st.entries.slice(0, 3), keys: [], envelopes: [] },
    { index: 1, entries: st.entries.slice(3), keys, envelopes: envelopes.slice(0, 2) },
    { index: 2, entries: [], keys: [], envelopes: envelopes.slice(2) }
  ];
  const blob = { id: random(32) as Bytes as BlobId, key: random(32), plain: random(32) as Bytes as Hash, size: 1 };
  return { st, olivia, pat, mallory, bundle: { parts, note: { group: st.group, entries: st.entries.length, keys: keys.length, envelopes: envelopes.length, fork, parts: parts.map(() => blob), by: olivia.logPk } } };
}

function check({ parts, note }: Bundle): Result<Checked, CheckFault> {
  const c = new CarriedCheck(note, 1);
  for (const p of parts) {
    const opened = c.open(p);
    if (!opened.ok) return opened;
    for (const e of p.envelopes) {
      const judged = c.judge(e);
      if (!judged.ok) return judged;
    }
  }
  return c.finish();
}
const WRONG = { ok: false, fault: 'wrong' };

/** The same bundle with other envelopes, all in the last part. */
const withEnvelopes = ({ parts, note }: Bundle, change: (all: Envelopes) => Envelopes): Bundle => {
  const all = change(parts.flatMap((p) => p.envelopes));
  return { parts: [parts[0]!, { ...parts[1]!, envelopes: [] }, { ...parts[2]!, envelopes: all }], note: { ...note, envelopes: all.length } };
};
const flipped = (b: Bytes, at: number): Bytes => b.map((x, i) => (i === at ? x ^ 1 : x)) as Bytes;

describe('a history that was brought along', () => {
  it('is taken as it was: every entry, key and envelope in its place', () => {
    const { bundle, st } = told();
    const checked = check(bundle);
    if (!checked.ok) throw new Error(checked.fault);
    const { value } = checked;
    expect(value.state).toEqual(st.state);
    expect([value.entries.length, value.keyring.length, value.envelopes, value.isProven, value.lacksKeys]).toEqual([st.entries.length, st.keys.size, 6, true, false]);
    expect([...value.heads].map(([device, at]) => [device, at.n])).toEqual([[2, 4], [3, 2]]);
    expect(check({ ...bundle, note: { ...bundle.note, fork: null } })).toMatchObject({ ok: true, value: { isProven: false } });
  });

  it('counts for nothing when an envelope is altered, left out in the middle, made up, moved, repeated or put under another name', () => {
    const { bundle, st, mallory } = told();
    const random = seeded('mallory');
    // she holds every key but Pat's own
    const hers = envelope(random, st.state, { ...pen({ ...mallory }), n: 4 }, st.now.content, fromText('in the name of Pat'));
    const lies: Record<string, (all: Envelopes) => Envelopes> = {
      'a word altered': (all) => all.map((e, i) => (i === 1 ? { ...e, envelope: flipped(e.envelope, e.envelope.length - 80) } : e)),
      'a signature altered': (all) => all.map((e, i) => (i === 1 ? { ...e, envelope: flipped(e.envelope, e.envelope.length - 1) } : e)),
      'one left out': (all) => all.filter((_, i) => i !== 1),
      'the first left out': (all) => all.slice(1),
      'two changed about': (all) => [all[1]!, all[0]!, ...all.slice(2)],
      'one said twice': (all) => [all[0]!, ...all],
      'one under another name': (all) => all.map((e, i) => (i === 3 ? { ...e, device: 2, n: 4 } : e)),
      'one made up': (all) => [...all, { device: 2, n: 5, time: 0, envelope: hers }],
      'a number that is not its own': (all) => all.map((e, i) => (i === 0 ? { ...e, n: 2 } : e)),
      'of a device that never was': (all) => [...all, { ...all[0]!, device: 9 }],
      'a log that ended, cut short': (all) => all.filter((e) => e.device !== 3 || e.n === 1)
    };
    for (const [what, change] of Object.entries(lies)) expect(check(withEnvelopes(bundle, change)), what).toEqual(WRONG);
    // what nobody can see from the bytes: the newest of a log, or a whole one, is not there
    expect(check(withEnvelopes(bundle, (all) => all.slice(0, -1)))).toMatchObject({ ok: true, value: { envelopes: 5 } });
    expect(check(withEnvelopes(bundle, (all) => all.filter((e) => e.device !== 3)))).toMatchObject({ ok: true, value: { envelopes: 4 } });
  });

  it('has a log that ended up to a restated cut, where what came after is lost, and never anywhere else short of its end', () => {
    expect(check(told('lost', { lost: true }).bundle)).toEqual(WRONG);
    const { bundle } = told('restated', { lost: true, restated: true });
    expect(check(bundle)).toMatchObject({ ok: true, value: { envelopes: 6 } });
    expect(check(withEnvelopes(bundle, (all) => all.filter((e) => e.device !== 3 || e.n === 1)))).toEqual(WRONG);
  });

  it('counts for nothing with other keys, another roster, receipts that do not hold, a fork that was none, or when another than the owner brings it', () => {
    const { bundle, st, pat, mallory } = told();
    const other = told('another group');
    const { parts, note } = bundle;
    const first = parts[1]!;
    const keys = (change: (k: CarriedPart['keys'][number]) => CarriedPart['keys'][number], at = 1): Bundle => ({ note, parts: [parts[0]!, { ...first, keys: first.keys.map((k, i) => (i === at ? change(k) : k)) }, parts[2]!] });
    const receipts = (at: number, change: (r: Story['entries'][number]) => Story['entries'][number]): Bundle => ({ note, parts: [{ ...parts[0]!, entries: parts[0]!.entries.map((e, i) => (i === at ? change(e) : e)) }, first, parts[2]!] });
    const real = st.entries[1]!.receipt;
    const lies: Record<string, Bundle> = {
      'a content key': keys((k) => ({ ...k, content: new Uint8Array(32) as Bytes as ContentKey })),
      'a roster key': keys((k) => ({ ...k, roster: k.content as never })),
      'a key of no epoch': keys((k) => ({ ...k, epoch: 2 })),
      'the keys of another group': { note, parts: [parts[0]!, { ...first, keys: other.bundle.parts[1]!.keys }, parts[2]!] },
      'the roster of another group': { note, parts: [other.bundle.parts[0]!, { ...first, entries: other.bundle.parts[1]!.entries }, parts[2]!] },
      'another group’s id': { parts, note: { ...note, group: other.st.group } },
      'the other’s words under this roster': { note, parts: [parts[0]!, { ...first, envelopes: other.bundle.parts[1]!.envelopes }, other.bundle.parts[2]!] },
      'a receipt dated back': receipts(2, (e) => ({ ...e, receipt: { ...e.receipt, time: e.receipt.time - 1 } })),
      'a receipt of another relay': receipts(2, (e) => ({ ...e, receipt: signReceipt(st.group, { ...e.receipt, relayPk: other.st.relay.pk }, other.st.relay.sk) })),
      'an entry altered': receipts(2, (e) => ({ ...e, entry: flipped(e.entry, 50) })),
      'an entry left out': { note: { ...note, entries: note.entries - 1 }, parts: [{ ...parts[0]!, entries: parts[0]!.entries.slice(0, 2) }, first, parts[2]!] },
      'the newest entry kept back, though words stand on it': { note: { ...note, entries: note.entries - 1, keys: note.keys - 1 }, parts: [parts[0]!, { ...first, entries: first.entries.slice(0, -1), keys: first.keys.slice(0, -1) }, parts[2]!] },
      'by a member': { parts, note: { ...note, by: pat.logPk } },
      'by somebody removed': { parts, note: { ...note, by: mallory.logPk } },
      'by nobody': { parts, note: { ...note, by: other.olivia.logPk } },
      'a fork that is the same history': { parts, note: { ...note, fork: real } },
      'a fork of another life': { parts, note: { ...note, fork: signReceipt(st.group, { ...real, incarnation: real.incarnation + 1, chain: note.fork!.chain }, st.relay.sk) } },
      'a fork signed by another': { parts, note: { ...note, fork: signReceipt(st.group, { ...note.fork!, relayPk: other.st.relay.pk }, other.st.relay.sk) } },
      'a fork signed by nobody': { parts, note: { ...note, fork: { ...note.fork!, time: note.fork!.time + 1 } } },
      'parts changed about': { note, parts: [parts[1]!, parts[0]!, parts[2]!] },
      'a part left out': { note, parts: [parts[0]!, parts[1]!] },
      'a part said twice': { note, parts: [...parts, parts[2]!] },
      'one envelope less than said': { parts, note: { ...note, envelopes: note.envelopes + 1 } }
    };
    for (const [what, lie] of Object.entries(lies)) expect(check(lie), what).toEqual(WRONG);
    // a key that is kept back hides words, and that is told
    expect(check(keys((k) => ({ ...k, content: null }), 2))).toMatchObject({ ok: true, value: { lacksKeys: true } });
  });

  it('is signed for one group, by the device that brings it, and no byte of its note or parts can be another', () => {
    const { bundle, olivia, pat } = told();
    const into = seeded('new group')(32) as Bytes as GroupId;
    const signed = signNote(into, bundle.note, olivia.logSk);
    expect(readNote(into, signed)).toEqual({ ok: true, value: bundle.note });
    expect(readNote(into, signNote(into, bundle.note, pat.logSk))).toEqual({ ok: false, fault: 'forged' });
    expect(readNote(bundle.note.group, signNote(bundle.note.group, bundle.note, olivia.logSk))).toEqual({ ok: false, fault: 'forged' });
    for (let at = 0; at < signed.length; at++) expect(readNote(into, flipped(signed, at)).ok).toBe(false);
    const part = encodePart(bundle.parts[1]!);
    expect(decodePart(part)).toEqual({ ok: true, value: bundle.parts[1] });
    for (let cut = 0; cut < part.length; cut += 97) expect(decodePart(part.slice(0, cut)).ok).toBe(false);
    expect(decodePart(concat(part, new Uint8Array(1)))).toEqual({ ok: false, fault: 'malformed' });
    expect(decodePart(new Uint8Array(LIMIT.carriedPart + 1).fill(1))).toEqual({ ok: false, fault: 'malformed' });
    expect(decodePart(concat(new Uint8Array([2]), part.slice(1)))).toEqual({ ok: false, fault: 'version' });
  });
});
