import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ZERO_HASH } from '../../../crypto/hash';
import { verifyReceipt } from '../../../crypto/receipt';
import { chainHead } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { accept, admitEntry, type Device, foundGroup, leave, makeDevice, nameEntry, newRow, offer, removeEntry, revokeInviteEntry, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;

beforeAll(ready);
beforeEach(async () => {
  r = rhea('enter');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
});

describe('a group', () => {
  it('put there twice gets the same receipt, whatever time has passed', async () => {
    const made = foundGroup(r.random, olivia);
    const phone = new Phone(r.relay, r.random);
    const put = () => phone.ask((re) => ({ is: 'create', re, group: made.group, genesis: made.entry, boxes: made.boxes }));
    const first = await put();
    r.now += 60_000;
    const second = await put();
    expect(first.is).toBe('entered');
    expect(second).toEqual({ ...first, re: 2 });
  });

  it('is not taken without the founder’s lockbox, nor under another id', async () => {
    const made = foundGroup(r.random, olivia);
    const phone = new Phone(r.relay, r.random);
    expect(await phone.ask((re) => ({ is: 'create', re, group: made.group, genesis: made.entry, boxes: [] }))).toMatchObject({ is: 'refused', why: 'no-lockbox' });
    const wrong = made.boxes.map((b) => ({ ...b, lockbox: b.lockbox.map((x) => x ^ 1) }));
    expect(await phone.ask((re) => ({ is: 'create', re, group: made.group, genesis: made.entry, boxes: wrong }))).toMatchObject({ why: 'no-lockbox' });
    expect(await phone.ask((re) => ({ is: 'create', re, group: s.group, genesis: made.entry, boxes: made.boxes }))).toMatchObject({ why: 'void', detail: { words: 'wrong-place' } });
  });
});

describe('a roster entry', () => {
  it('gets a receipt of the relay over the chain that everyone folds, and is told to the others', async () => {
    const fay = await s.join();
    fay.phone.forget();
    const made = nameEntry(r.random, s.state, olivia, s.now, 'Ward 3');
    const { receipt } = await s.must(s.phone, made);
    expect(verifyReceipt(s.group, receipt)).toBe(true);
    expect(receipt).toMatchObject({ relayPk: s.phone.hello.relayPk, incarnation: 7, seq: s.state.seq, chain: chainHead(s.state) });
    expect(fay.phone.of('entries')).toEqual([{ is: 'entries', re: 0, group: s.group, more: false, items: [{ entry: made.entry, receipt }] }]);
    expect(s.phone.of('entries')).toEqual([]);
  });

  it('sent again at its seq gets the same receipt', async () => {
    const made = rotate(r.random, s.state, olivia);
    const { receipt } = await s.must(s.phone, made);
    await s.invite();
    r.now += 9000;
    expect(await s.phone.enter(s.group, 2, made.entry)).toMatchObject({ is: 'entered', receipt });
  });

  it('loses to another one at the same seq, and is told where the roster stands', async () => {
    const fay = await s.join();
    const late = rotate(r.random, s.state, fay.device);
    const seq = s.state.seq + 1;
    await s.must(s.phone, rotate(r.random, s.state, olivia));
    expect(await fay.phone.enter(s.group, seq, late.entry, late.boxes)).toMatchObject({ is: 'refused', why: 'behind', detail: { n: seq } });
    expect(await fay.phone.enter(s.group, seq + 5, late.entry, late.boxes)).toMatchObject({ why: 'behind', detail: { n: seq } });
  });

  it('that the fold voids is refused with the fold’s word and changes nothing', async () => {
    const fay = await s.join();
    const before = s.state.seq;
    const made = nameEntry(r.random, s.state, fay.device, s.now, 'Mine');
    expect(await s.enter(fay.phone, made)).toMatchObject({ is: 'refused', why: 'void', detail: { words: 'not-owner' } });
    expect(await s.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: before }))).toMatchObject({ is: 'entries', items: [] });
  });

  it('is taken only from the session of its author', async () => {
    const fay = await s.join();
    const made = rotate(r.random, s.state, olivia);
    expect(await s.enter(fay.phone, made)).toMatchObject({ is: 'refused', why: 'not-allowed' });
  });

  it('that rotates needs every lockbox it lists, in the bytes it lists', async () => {
    await s.join();
    const made = rotate(r.random, s.state, olivia);
    expect(await s.enter(s.phone, { ...made, boxes: made.boxes.slice(1) })).toMatchObject({ why: 'no-lockbox' });
    const junk = made.boxes.map((b, i) => (i === 1 ? { ...b, lockbox: b.lockbox.map((x) => x ^ 1) } : b));
    expect(await s.enter(s.phone, { ...made, boxes: junk })).toMatchObject({ why: 'no-lockbox' });
    expect(await s.enter(s.phone, made)).toMatchObject({ is: 'entered' });
  });

  it('leaves each device its own lockbox and nobody else’s', async () => {
    const fay = await s.join();
    const made = rotate(r.random, s.state, olivia);
    await s.must(s.phone, made);
    const own = made.boxes.find((b) => b.to.every((x, i) => x === fay.device.logPk[i]));
    const answer = await fay.phone.ask((re) => ({ is: 'lockboxes', re, group: s.group, after: 3 }));
    expect(answer).toMatchObject({ is: 'lockboxes', items: [{ seq: 4, lockbox: own?.lockbox }], more: false });
  });

  it('beyond twenty in an hour is refused for a member, and allowed again later', async () => {
    const fay = await s.join();
    for (let i = 0; i < 20; i++) await s.must(fay.phone, rotate(r.random, s.state, fay.device));
    expect(await s.enter(fay.phone, rotate(r.random, s.state, fay.device))).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    await s.must(s.phone, rotate(r.random, s.state, olivia));
    r.now += 3_600_000;
    await s.must(fay.phone, rotate(r.random, s.state, fay.device));
  });

  it('never runs behind the time of the one before, even when the relay’s clock does', async () => {
    const { receipt } = await s.must(s.phone, rotate(r.random, s.state, olivia));
    r.now -= 50_000;
    const next = await s.must(s.phone, rotate(r.random, s.state, olivia));
    expect(next.receipt.time).toBe(receipt.time);
  });

  it('that admits counts once for an invite, and never after it expired or was revoked', async () => {
    const invite = await s.invite();
    const one = makeDevice(r.random);
    const two = makeDevice(r.random);
    const admit = (d: Device, i = invite) => admitEntry(r.random, s.state, olivia, i.invite, newRow(s.group, i, d), s.keyring());
    await s.must(s.phone, admit(one));
    expect(await s.enter(s.phone, admit(two))).toMatchObject({ why: 'void', detail: { words: 'used' } });
    const short = await s.invite({ expires: r.now + 1000 });
    const revoked = await s.invite();
    await s.must(s.phone, revokeInviteEntry(s.state, olivia, revoked.invite));
    r.now += 2000;
    expect(await s.enter(s.phone, admit(two, short))).toMatchObject({ why: 'void', detail: { words: 'expired' } });
    expect(await s.enter(s.phone, admit(two, revoked))).toMatchObject({ why: 'void', detail: { words: 'used' } });
  });

  it('that hands over ownership takes the ex-owner’s rights at once', async () => {
    const fay = await s.join();
    await s.must(s.phone, offer(s.state, olivia, fay.device.member));
    await s.must(fay.phone, accept(r.random, s.state, fay.device));
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Still mine'))).toMatchObject({ why: 'void', detail: { words: 'not-owner' } });
    await s.must(fay.phone, nameEntry(r.random, s.state, fay.device, s.now, 'Now mine'));
  });
});

describe('a removal', () => {
  it('whose cut-offs are not the heads is refused with the heads, and holds those logs for a minute', async () => {
    const fay = await s.join();
    const stale = removeEntry(r.random, s.state, olivia, fay.device.member);
    await s.post(fay.phone, fay.device);
    const head = { logPk: fay.device.logPk, n: 1, hash: s.pen(fay.device).prev };
    expect(await s.enter(s.phone, stale)).toMatchObject({ is: 'refused', why: 'moved', detail: { heads: [head] } });
    const second = s.seal(fay.device);
    const tell = async (): Promise<void> => {
      fay.phone.tell({ is: 'append', group: s.group, n: 2, envelope: second });
      await settled();
    };
    await tell();
    expect(fay.phone.of('refused').at(-1)).toMatchObject({ re: 2, why: 'held', detail: { n: 1, fence: 60_000 } });
    await s.post(s.phone, olivia);
    expect(s.phone.of('acks')).toHaveLength(1);
    r.now += 60_000;
    await tell();
    expect(fay.phone.of('acks').flatMap((a) => a.items)).toMatchObject([{ n: 1 }, { n: 2 }]);
  });

  it('ends the session with the entries up to it, then GONE, and only those and own lockboxes may be read', async () => {
    const fay = await s.join();
    await s.post(s.phone, olivia);
    const made = removeEntry(r.random, s.state, olivia, fay.device.member, s.heads());
    fay.phone.forget();
    await s.must(s.phone, made);
    const at = s.state.seq;
    expect(fay.phone.heard.slice(1).map((f) => f.is)).toEqual(['entries', 'gone']);
    expect(fay.phone.of('gone')).toMatchObject([{ re: 0, seq: at }]);
    await s.invite();
    await s.post(s.phone, olivia);
    await s.post(fay.phone, fay.device);
    expect(fay.phone.of('acks')).toEqual([]);
    expect(fay.phone.of('page')).toEqual([]);
    expect(fay.phone.of('entries')).toHaveLength(1);
    expect(await fay.phone.ask((re) => ({ is: 'fetch', re, group: s.group, way: 'up', from: 0, most: 10 }))).toMatchObject({ is: 'gone', seq: at });
    expect(await s.enter(fay.phone, rotate(r.random, s.state, fay.device))).toMatchObject({ is: 'gone' });
    const roster = await fay.phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }));
    expect(roster.is === 'entries' && roster.items.at(-1)?.entry).toEqual(made.entry);
    const boxes = await fay.phone.ask((re) => ({ is: 'lockboxes', re, group: s.group, after: 0 }));
    expect(boxes).toMatchObject({ is: 'lockboxes', items: [{ seq: 3 }] });
  });

  it('is told to whoever comes later with an ended key, and to a stranger nothing', async () => {
    const fay = await s.join();
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.device.member, s.heads()));
    const phone = new Phone(r.relay, r.random);
    expect(await phone.as(fay.device, s.group)).toMatchObject({ is: 'gone', seq: s.state.seq });
    const stranger = new Phone(r.relay, r.random);
    expect(await stranger.as(makeDevice(r.random), s.group)).toMatchObject({ is: 'refused', why: 'unknown-log' });
    expect(await stranger.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }))).toMatchObject({ why: 'not-allowed' });
  });

  it('by leaving is answered with a receipt and GONE to the leaver, and nothing is accepted until someone rotates', async () => {
    const fay = await s.join();
    fay.phone.forget();
    await s.must(fay.phone, leave(s.state, fay.device, s.heads()));
    expect(fay.phone.heard.slice(1).map((f) => f.is)).toEqual(['entered', 'gone']);
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'x'))).toMatchObject({ why: 'void', detail: { words: 'owed' } });
  });

  it('takes what the leaver still sends for its own log while it finds out that the head moved', async () => {
    const fay = await s.join();
    const early = leave(s.state, fay.device, new Map([['', { n: 0, hash: ZERO_HASH }]]));
    await s.post(fay.phone, fay.device);
    expect(await s.enter(fay.phone, early)).toMatchObject({ why: 'moved' });
    await s.post(fay.phone, fay.device);
    await s.must(fay.phone, leave(s.state, fay.device, s.heads()));
  });
});

describe('after a restart of the relay', () => {
  it('the roster, the heads and the receipts are the same', async () => {
    const fay = await s.join();
    await s.post(fay.phone, fay.device);
    for (let i = 0; i < 40; i++) await s.must(s.phone, rotate(r.random, s.state, olivia));
    const again = rhea('again', { log: r.log, clock: () => r.now });
    const phone = new Phone(again.relay, again.random);
    expect(await phone.as(fay.device, s.group)).toMatchObject({ is: 'welcome', rosterSeq: s.state.seq, feedSeq: 1, head: { n: 1, hash: s.pen(fay.device).prev } });
    const made = rotate(r.random, s.state, fay.device);
    expect(await s.enter(phone, made)).toMatchObject({ is: 'entered' });
  });
});
