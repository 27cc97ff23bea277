import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import { LIMIT } from '../../../crypto/limits';
import { ready } from '../../../crypto/sodium';
import { signWant, wantHash } from '../../../crypto/want';
import { type Device, makeDevice, removeEntry, seeded } from '../../support/actor';
import { type Phone, rhea, type Rhea, Scene } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;
let pat: { readonly device: Device; readonly phone: Phone };

beforeAll(ready);
beforeEach(async () => {
  r = rhea('wants');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  pat = await s.join();
});

const wantOf = (d: Device, last = 2): Bytes => signWant(s.group, { logPk: d.logPk, spans: [{ first: 1, last }] }, d.logSk);
const put = (p: Phone, want: Bytes) => p.ask((re) => ({ is: 'want', re, group: s.group, want }));
const list = (p: Phone) => p.ask((re) => ({ is: 'get-wants', re, group: s.group }));
const give = (p: Phone, want: Bytes, keys: Bytes, to = pat.device) => p.ask((re) => ({ is: 'put-keys', re, group: s.group, to: to.logPk, want: wantHash(want), keys }));
const taken = (p: Phone, after = 0) => p.ask((re) => ({ is: 'get-keys', re, group: s.group, after }));
const bytes = (n: number): Bytes => new Uint8Array([n]);

describe('a want', () => {
  it('reaches the others at once, and stands until it is taken back', async () => {
    const want = wantOf(pat.device);
    expect(await put(pat.phone, want)).toMatchObject({ is: 'done' });
    expect(s.phone.of('wants')).toEqual([{ is: 'wants', re: 0, group: s.group, items: [{ want, answers: 0 }] }]);
    expect(await list(s.phone)).toMatchObject({ items: [{ want, answers: 0 }] });
    expect(await put(pat.phone, new Uint8Array(0))).toMatchObject({ is: 'done' });
    expect(await list(s.phone)).toMatchObject({ items: [] });
  });

  it('is taken from the device that signed it and from no other', async () => {
    expect(await put(s.phone, wantOf(pat.device))).toMatchObject({ why: 'not-allowed' });
    expect(await put(pat.phone, wantOf(pat.device).fill(0, -8))).toMatchObject({ why: 'not-allowed' });
    expect(await put(pat.phone, bytes(1))).toMatchObject({ why: 'malformed' });
    expect(await list(s.phone)).toMatchObject({ items: [] });
  });

  it('takes the place of the one before, whose answers go; the same again keeps them', async () => {
    const want = wantOf(pat.device);
    await put(pat.phone, want);
    await give(s.phone, want, bytes(1));
    await put(pat.phone, want);
    expect(await taken(pat.phone)).toMatchObject({ items: [{ keys: bytes(1) }] });
    const other = wantOf(pat.device, 3);
    await put(pat.phone, other);
    expect(await taken(pat.phone)).toMatchObject({ items: [] });
    expect(await list(s.phone)).toMatchObject({ items: [{ want: other, answers: 0 }] });
    expect(await give(s.phone, want, bytes(2))).toMatchObject({ why: 'not-found' });
  });

  it('is shown with all that fit into a frame, those that nobody answered first', async () => {
    const [own, other] = [wantOf(olivia, 99), wantOf(pat.device)];
    await put(s.phone, own);
    await put(pat.phone, other);
    await give(pat.phone, own, bytes(1), olivia);
    const { pageBytes } = LIMIT;
    Object.assign(LIMIT, { pageBytes: own.length + 20 });
    try {
      expect(await list(s.phone)).toMatchObject({ is: 'wants', items: [{ want: other, answers: 0 }] });
    } finally {
      Object.assign(LIMIT, { pageBytes });
    }
    expect(await list(s.phone)).toMatchObject({ items: [{ want: other, answers: 0 }, { want: own, answers: 1 }] });
  });

  it('is one of twenty new ones in an hour', async () => {
    for (let i = 0; i < 20; i++) expect(await put(pat.phone, wantOf(pat.device, i + 1))).toMatchObject({ is: 'done' });
    expect(await put(pat.phone, wantOf(pat.device, 99))).toMatchObject({ why: 'rate' });
    r.now += 3_600_001;
    expect(await put(pat.phone, wantOf(pat.device, 99))).toMatchObject({ is: 'done' });
  });

  it('of somebody removed stands no more, and gets no answers', async () => {
    const want = wantOf(pat.device);
    await put(pat.phone, want);
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member));
    expect(await list(s.phone)).toMatchObject({ items: [] });
    expect(await give(s.phone, want, bytes(1))).toMatchObject({ why: 'not-found' });
    expect(await taken(pat.phone)).toMatchObject({ is: 'gone' });
  });
});

describe('an answer', () => {
  it('reaches the asker at once and waits for it, and nobody else sees it', async () => {
    const fay = await s.join();
    const want = wantOf(pat.device);
    await put(pat.phone, want);
    await give(s.phone, want, bytes(5));
    expect(pat.phone.of('keys')).toMatchObject([{ re: 0, items: [{ keys: bytes(5) }] }]);
    expect(await taken(pat.phone)).toMatchObject({ items: [{ keys: bytes(5) }] });
    expect(fay.phone.of('keys')).toEqual([]);
    expect(await taken(fay.phone)).toMatchObject({ items: [] });
  });

  it('keeps the newest answer of each member, so that nobody’s junk displaces another’s', async () => {
    const fay = await s.join();
    const want = wantOf(pat.device);
    await put(pat.phone, want);
    await give(s.phone, want, bytes(1));
    for (let i = 0; i < 9; i++) await give(fay.phone, want, bytes(100 + i));
    expect(await list(s.phone)).toMatchObject({ items: [{ answers: 2 }] });
    expect(await taken(pat.phone)).toMatchObject({ items: [{ keys: bytes(1) }, { keys: bytes(108) }] });
    const first = await taken(pat.phone);
    expect(await taken(pat.phone, first.is === 'keys' ? first.items[0]!.at : 0)).toMatchObject({ items: [{ keys: bytes(108) }] });
  });

  it('comes in frames of a bearable size', async () => {
    const want = wantOf(pat.device);
    await put(pat.phone, want);
    for (let i = 0; i < 4; i++) await give((await s.join()).phone, want, new Uint8Array(60_000).fill(i));
    let after = 0;
    const all: number[] = [];
    for (;;) {
      const f = await taken(pat.phone, after);
      if (f.is !== 'keys') throw new Error(f.is);
      all.push(...f.items.map((i) => i.keys[0] as number));
      after = f.items.at(-1)?.at ?? after;
      if (!f.more) break;
    }
    expect(all).toEqual([0, 1, 2, 3]);
  });
});
