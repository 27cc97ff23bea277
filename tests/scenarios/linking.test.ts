/** Linking a device when something goes wrong: a relay that lies, a stranger who saw the code, time running out, cuts at every step. */
import { describe, expect, it, vi } from 'vitest';
import { equal, hex } from '../../crypto/bytes';
import type { Bytes } from '../../crypto/brand';
import { kemPair } from '../../crypto/lockbox';
import { commitTo, decodeMeet, encodeMeet, linkSecret, meetKeys, type MeetWords, type Opening, openMeet, sealHalf, sealMeet, transcript } from '../../crypto/linking';
import { seeded } from '../support/actor';
import { cast, type Seat } from '../support/circle';
import { devicesOf, groupNamed, link, meet, numbers, PASSPHRASE } from '../support/linked';
import { Rhea } from '../support/rhea';
import type { Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const GROUP = 'Pat’s Updates';
const viewOf = (d: Device) => d.view('link', null);
const isBare = (d: Device): boolean => d.view('app', null).phase === 'new' && d.disk.dump().filter((r) => r.table !== 'fence').length === 0;

async function scene(): Promise<{ world: World; olivia: Seat; pat: Seat; laptop: Device }> {
  const { world, olivia, pat } = await cast(2);
  const laptop = world.device('Pat’s laptop', 'patient');
  await laptop.boot();
  laptop.watch('link', null);
  pat.device.watch('link', null);
  return { world, olivia, pat, laptop };
}
const codeOf = async (world: World, d: Device): Promise<string> => {
  await d.must('begin-link', { passphrase: PASSPHRASE, name: 'Laptop' });
  await world.time.pass(50);
  const v = viewOf(d);
  if (v.state !== 'showing') throw new Error(v.state);
  return v.code;
};

describe('linking says what is wrong, and leaves nothing half-made', () => {
  it('with a code that is none, one nobody shows, one that was used, and without a network', async () => {
    const { world, pat, laptop } = await scene();
    const code = await codeOf(world, laptop);
    await pat.device.must('read-code', { code: 'ABCD-EFGH' });
    expect(viewOf(pat.device)).toEqual({ state: 'failed', why: 'bad-code', side: 'live' });
    await pat.device.must('read-code', { code: code.slice(0, -1) + (code.endsWith('A') ? 'B' : 'A') });
    expect(viewOf(pat.device)).toMatchObject({ state: 'failed', why: 'bad-code' });
    await pat.device.must('read-code', { code });
    await world.time.pass(3_000);
    expect(viewOf(pat.device).state).toBe('compare');
    // a second device of somebody who saw the code comes too late
    const mallory = world.device('Mallory', 'family');
    await mallory.setUp();
    mallory.watch('link', null);
    await mallory.must('read-code', { code });
    expect(viewOf(mallory)).toMatchObject({ state: 'failed', why: 'expired' });
    pat.device.goOffline();
    await pat.device.must('read-code', { code });
    expect(viewOf(pat.device)).toMatchObject({ state: 'failed', why: 'needs-network' });
    const far = world.device('Far away', 'family');
    far.goOffline();
    await far.boot();
    far.watch('link', null);
    await far.must('begin-link', { passphrase: PASSPHRASE, name: '' });
    expect(viewOf(far)).toMatchObject({ state: 'failed', why: 'needs-network', side: 'new' });
    expect(isBare(far)).toBe(true);
    expect(await far.run('begin-link', { passphrase: 'short', name: '' })).toEqual({ ok: false, fault: 'weak-passphrase' });
  }, 60_000);

  it('when a quarter of an hour has passed, on both sides and at every step', async () => {
    for (const step of ['shown', 'compared'] as const) {
      const { world, pat, laptop } = await scene();
      const code = await codeOf(world, laptop);
      if (step === 'compared') {
        await pat.device.must('read-code', { code });
        await world.time.pass(3_000);
      }
      await world.time.pass(16 * 60_000);
      expect(viewOf(laptop)).toMatchObject({ state: 'failed', why: 'expired' });
      expect(isBare(laptop)).toBe(true);
      if (step === 'shown') await pat.device.must('read-code', { code });
      expect(viewOf(pat.device)).toMatchObject({ state: 'failed', why: 'expired' });
      expect(await pat.device.run('approve-link', null)).toEqual({ ok: false, fault: 'not-allowed' });
      await laptop.must('cancel-link', null);
      expect(viewOf(laptop)).toEqual({ state: 'idle' });
      // another try works
      await link(world, laptop, pat.device);
      expect(viewOf(laptop).state).toBe('done');
      expect(world.reports).toEqual([]);
    }
  }, 60_000);

  it('when either side refuses or goes back', async () => {
    const { world, pat, laptop } = await scene();
    await meet(world, laptop, pat.device);
    await pat.device.must('refuse-link', null);
    await world.time.pass(3_000);
    expect([viewOf(pat.device), viewOf(laptop)]).toEqual([{ state: 'idle' }, { state: 'failed', why: 'refused', side: 'new' }]);
    expect(isBare(laptop)).toBe(true);
    await meet(world, laptop, pat.device);
    await laptop.must('cancel-link', null);
    await world.time.pass(3_000);
    expect([viewOf(laptop), viewOf(pat.device)]).toEqual([{ state: 'idle' }, { state: 'failed', why: 'refused', side: 'live' }]);
    expect(await pat.device.run('approve-link', null)).toMatchObject({ ok: false });
    await laptop.must('set-up', { name: 'Pat', role: 'patient', passphrase: PASSPHRASE });
    expect(laptop.view('app', null).phase).toBe('open');
  }, 60_000);

  it('of a group that has eight of them says so, and joins the others', async () => {
    const { world, pat } = await cast(2);
    await pat.device.must('new-group', { name: 'Roomy', kind: 'family' });
    await world.time.pass(500);
    const others: Device[] = [];
    for (let i = 2; i <= 8; i++) {
      const d = world.device(`Device ${i}`, 'patient');
      await link(world, d, pat.device, `Device ${i}`);
      others.push(d);
      expect(viewOf(d)).toMatchObject({ state: 'done', groups: 2 });
      if (i > 2) {
        // room in the second group
        const run = [...d.core!.groups.values()].find((g) => g.shown.group.name === 'Roomy')!;
        expect(run.ownRow).not.toBeNull();
      }
    }
    // the others are away, or it would come to them too
    for (const d of others) d.goOffline();
    await pat.device.must('new-group', { name: 'New', kind: 'family' });
    await world.time.pass(500);
    const ninth = world.device('Ninth', 'patient');
    await link(world, ninth, pat.device, 'Ninth');
    await world.time.pass(5_000);
    expect(viewOf(pat.device)).toEqual({ state: 'done', groups: 1, full: 2, side: 'live' });
    expect(viewOf(ninth)).toEqual({ state: 'done', groups: 1, full: 2, side: 'new' });
    expect(ninth.view('home', null).groups.map((g) => g.name)).toEqual(['New']);
    expect(world.reports).toEqual([]);
  }, 120_000);
});

/** Whoever saw the code, with the relay’s help: what it says in place of one side. */
class Stranger {
  readonly random = seeded('stranger');
  readonly pair = kemPair(this.random(32));
  readonly rhea: Rhea;
  code: string | null = null;
  constructor(world: World) {
    this.rhea = new Rhea(world);
  }
  opening(like: Opening): Opening {
    return { nonce: this.random(32), kem: this.pair.pk, relayPk: like.relayPk, name: like.name };
  }
  /** Changes words on their way to the relay. */
  twist(change: (w: MeetWords, n: number) => MeetWords): void {
    this.rhea.up = (f) => {
      const secret = this.code === null ? null : linkSecret(this.code);
      if (f.is !== 'put-item' || secret === null) return [f];
      const keys = meetKeys(secret);
      if (!equal(keys.id as Bytes, f.group as Bytes)) return [f];
      const opened = openMeet(keys, f.n, f.item);
      const words = opened.ok ? decodeMeet(opened.value.plain) : null;
      if (!opened.ok || words === null || !words.ok) return [f];
      return [{ ...f, item: sealMeet(keys, f.n, opened.value.side, encodeMeet(change(words.value, f.n)), this.random) }];
    };
  }
}

describe('whoever saw the code and holds the relay', () => {
  it('cannot stand between without other numbers on the two screens, whichever way round', async () => {
    const { world, pat, laptop } = await scene();
    const mallory = new Stranger(world);
    let [ofNew, forNew, forLive]: (Opening | null)[] = [null, null, null];
    // to the live device she is the new one, to the new one the live one: each message goes to its side changed
    const seen: string[] = [];
    mallory.twist((w) => {
      seen.push(w.is);
      if (w.is === 'answer') {
        forNew = mallory.opening(w.opening);
        return { is: 'answer', opening: forNew };
      }
      if (w.is === 'reveal') {
        ofNew = w.opening;
        forLive = mallory.opening(w.opening);
        return { is: 'reveal', opening: forLive, half: w.half };
      }
      return w;
    });
    pat.device.cut();
    await world.time.pass(3_000);
    mallory.code = await codeOf(world, laptop);
    await pat.device.must('read-code', { code: mallory.code });
    await world.time.pass(3_000);
    // one list serves both: what she told one side, the other reads too, and is no commitment of hers
    expect(seen).toContain('answer');
    expect(viewOf(pat.device)).toMatchObject({ state: 'failed', why: 'bad-code' });
    expect(ofNew !== null && forNew !== null && forLive !== null).toBe(true);
    await world.time.pass(2_000);
    expect(isBare(laptop)).toBe(true);
  }, 60_000);

  it('even with a list for each side gets other numbers on the two screens', async () => {
    const { world, pat, laptop } = await scene();
    const mallory = new Stranger(world);
    mallory.code = await codeOf(world, laptop);
    const keys = meetKeys(linkSecret(mallory.code)!);
    const mine = mallory.opening({ relayPk: laptop.core!.link.hello!.relayPk, name: 'Laptop' } as Opening);
    const toLive = mallory.opening({ relayPk: laptop.core!.link.hello!.relayPk, name: 'Laptop' } as Opening);
    // two lists of her own: what each device said, and what she says to it
    const lists = new Map<Device, Bytes[]>([[laptop, []], [pat.device, [sealMeet(keys, 1, 'new', encodeMeet({ is: 'commit', commit: commitTo(toLive) }), mallory.random)]]]);
    const say = (to: Device, side: 'new' | 'live', w: MeetWords): void => void lists.get(to)!.push(sealMeet(keys, lists.get(to)!.length + 1, side, encodeMeet(w), mallory.random));
    const wordsOf = (d: Device, n: number): MeetWords | null => {
      const item = lists.get(d)![n - 1];
      const opened = item === undefined ? null : openMeet(keys, n, item);
      const words = opened?.ok === true ? decodeMeet(opened.value.plain) : null;
      return words?.ok === true ? words.value : null;
    };
    // what the laptop said before she took the line over
    mallory.rhea.up = (f, from, answer) => {
      if (!('group' in f) || !equal(f.group as Bytes, keys.id as Bytes) || f.is === 'auth') return [f];
      const list = lists.get(from)!;
      if (f.is === 'get-items') answer({ is: 'items', re: f.re, group: f.group, items: list.slice(f.after), more: false });
      if (f.is === 'put-item') {
        list.push(f.item);
        answer({ is: 'done', re: f.re, group: f.group });
        const said = wordsOf(from, f.n);
        if (from === pat.device && said?.is === 'answer') {
          const t = transcript(keys.id, toLive, said.opening);
          say(pat.device, 'new', { is: 'reveal', opening: toLive, half: sealHalf(said.opening.kem, t, 'new', mallory.random(32), mallory.random) });
          say(laptop, 'live', { is: 'answer', opening: mine });
        }
      }
      return [];
    };
    lists.get(laptop)!.push(new Uint8Array(0));
    laptop.cut();
    pat.device.cut();
    await world.time.pass(3_000);
    await pat.device.must('read-code', { code: mallory.code });
    await world.time.pass(3_000);
    const [a, b] = numbers(laptop, pat.device);
    expect(a).toMatch(/^\d{6}$/);
    expect(b).toMatch(/^\d{6}$/);
    expect(a).not.toBe(b);
    await pat.device.must('refuse-link', null);
    expect([...pat.run.state.rows.values()]).toHaveLength(2);
  }, 60_000);

  it('cannot put its own claims in the place of the new device’s once the numbers were compared', async () => {
    const { world, pat, laptop } = await scene();
    const mallory = new Stranger(world);
    let twisted = 0;
    mallory.twist((w, n) => {
      if (w.is !== 'sealed' || n < 6) return w;
      twisted++;
      return { is: 'sealed', sealed: mallory.random(w.sealed.length) };
    });
    mallory.code = await codeOf(world, laptop);
    await pat.device.must('read-code', { code: mallory.code });
    await world.time.pass(3_000);
    await pat.device.must('approve-link', null);
    await world.time.pass(30_000);
    expect(twisted).toBeGreaterThan(0);
    expect([...pat.run.state.rows.values()]).toHaveLength(2);
    mallory.rhea.repent();
    await world.time.pass(20 * 60_000);
    expect([...pat.run.state.rows.values()]).toHaveLength(2);
    expect(viewOf(pat.device).state).not.toBe('joining');
  }, 60_000);

  it('the relay alone, without the code, reads nothing of it and can only end it', async () => {
    const { world, pat, laptop } = await scene();
    const rhea = new Rhea(world);
    for (const d of [pat.device, laptop]) d.cut();
    await world.time.pass(3_000);
    await link(world, laptop, pat.device);
    const code = (rhea.told.find((t) => t.f.is === 'put-item')?.f as { group: Bytes }).group;
    for (const t of rhea.told) {
      if (t.f.is !== 'put-item') continue;
      const text = new TextDecoder('latin1').decode(t.f.item);
      for (const word of ['Laptop', 'Pat', hex(code)]) expect(text).not.toContain(word);
    }
    expect(viewOf(laptop).state).toBe('done');
    const other = world.device('Tablet', 'patient');
    rhea.up = (f) => (f.is === 'put-item' ? [{ ...f, item: f.item.map((b, i) => (i === 40 ? b ^ 1 : b)) }] : [f]);
    await other.boot();
    other.watch('link', null);
    const shown = await codeOf(world, other);
    await pat.device.must('read-code', { code: shown });
    expect(viewOf(pat.device)).toMatchObject({ state: 'failed', why: 'bad-code' });
    await world.time.pass(16 * 60_000);
    expect(isBare(other)).toBe(true);
  }, 60_000);
});

describe('a cut at any step', () => {
  /** Counts what a device says to the relay at the meeting, and kills it when it is to say the nth thing, before or after. */
  const steps = (['new', 'live'] as const).flatMap((side) => [1, 2, 3, 4].flatMap((n) => (side === 'new' && n === 4 ? [] : [[side, 'before', n] as const, [side, 'after', n] as const])));
  it.each(steps)('of the %s device, %s its word %i goes on, or ends with nothing half-made', async (side, when, nth) => {
    const { world, olivia, pat } = await cast(2);
    await pat.device.must('new-group', { name: 'Own', kind: 'family' });
    await olivia.post('History');
    await world.time.pass(6_000);
    const laptop = world.device('Laptop', 'patient');
    await laptop.boot();
    const rhea = new Rhea(world);
    pat.device.cut();
    await world.time.pass(3_000);
    const victim = side === 'new' ? laptop : pat.device;
    let said = 0;
    let isDead = false;
    rhea.up = (f, from) => {
      if (from !== victim || f.is !== 'put-item' || isDead || ++said < nth) return [f];
      isDead = true;
      world.time.later(0, () => victim.kill());
      return when === 'before' ? [] : [f];
    };
    const quietly = async (what: () => Promise<unknown>): Promise<void> => {
      try {
        await Promise.race([what(), world.time.pass(4_000)]);
      } catch {
        // the one who was killed answers nobody
      }
    };
    laptop.watch('link', null);
    pat.device.watch('link', null);
    await quietly(() => laptop.run('begin-link', { passphrase: PASSPHRASE, name: 'Laptop' }));
    const shown = viewOf(laptop);
    if (shown?.state === 'showing') await quietly(() => pat.device.run('read-code', { code: shown.code }));
    await world.time.pass(4_000);
    if (pat.device.core !== null && viewOf(pat.device)?.state === 'compare') await quietly(() => pat.device.run('approve-link', null));
    await world.time.pass(10_000);
    expect(isDead).toBe(true);
    await victim.boot();
    if (victim.view('app', null).phase === 'locked') await victim.unlock();
    victim.watch('link', null);
    await world.time.pass(20 * 60_000);
    for (const d of [laptop, pat.device]) expect(['joining', 'compare', 'showing']).not.toContain(viewOf(d)?.state);
    // once it was approved and asked for, nothing is lost by a cut
    if (nth === (side === 'new' ? 3 : 4)) expect(viewOf(laptop)).toMatchObject({ state: 'done', groups: 2 });
    // all or nothing: the laptop is bare, or it is in every group with its history
    if (laptop.view('app', null).phase === 'new') {
      expect(isBare(laptop)).toBe(true);
      expect(devicesOf(pat.device).filter((d) => d.state === 'live')).toHaveLength(1);
    } else {
      expect(laptop.view('home', null).groups.map((g) => g.name).sort()).toEqual(['Own', GROUP].sort());
      await laptop.openGroup(groupNamed(laptop, GROUP));
      expect(laptop.words(groupNamed(laptop, GROUP))).toEqual(['History']);
    }
    expect(world.reports).toEqual([]);
  }, 60_000);
});
