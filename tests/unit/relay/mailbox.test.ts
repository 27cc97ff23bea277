import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import type { InviteKeys } from '../../../crypto/invite-secret';
import { LIMIT } from '../../../crypto/limits';
import { ready } from '../../../crypto/sodium';
import { RATE } from '../../../relay/limits';
import type { CallName } from '../../../relay/log';
import { admitEntry, type Device, makeDevice, nameEntry, newRow, removeEntry, revokeInviteEntry, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;
let invite: InviteKeys;
let joiner: Phone;
const card = new Uint8Array([1, 2, 3]);
const id = (n: number): Bytes => new Uint8Array(16).fill(n);

beforeAll(ready);
beforeEach(async () => {
  r = rhea('mailbox');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  invite = await s.invite({ expires: r.now + 100_000 });
  joiner = new Phone(r.relay, r.random);
  await joiner.asInvite(invite, s.group);
});

const put = (n: number, body: Bytes = new Uint8Array([n])) => joiner.ask((re) => ({ is: 'put-request', re, group: s.group, request: id(n), body }));
const mailbox = (p: Phone) => p.ask((re) => ({ is: 'mailbox', re, group: s.group }));

describe('an invite', () => {
  it('carries a card that its registrant puts there and its holder reads', async () => {
    expect(await joiner.ask((re) => ({ is: 'get-card', re, group: s.group }))).toMatchObject({ why: 'not-found' });
    expect(await s.phone.ask((re) => ({ is: 'put-card', re, group: s.group, invite: invite.invite, card }))).toMatchObject({ is: 'done' });
    expect(await joiner.ask((re) => ({ is: 'get-card', re, group: s.group }))).toMatchObject({ is: 'card', card });
  });

  it('lets its holder read the roster and nothing else of the group', async () => {
    expect(await joiner.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }))).toMatchObject({ is: 'entries', items: [{}, {}] });
    await s.post(s.phone, olivia);
    expect(joiner.of('page')).toEqual([]);
  });

  it('takes no card from a member who neither registered it nor owns the group', async () => {
    const mallory = await s.join();
    expect(await mallory.phone.ask((re) => ({ is: 'put-card', re, group: s.group, invite: invite.invite, card }))).toMatchObject({ why: 'not-allowed' });
    await put(1);
    expect(await mailbox(mallory.phone)).toMatchObject({ is: 'requests', items: [] });
    expect(mallory.phone.of('requests').filter((f) => f.re === 0)).toEqual([]);
    const answer = { group: s.group, invite: invite.invite, request: id(1), body: card };
    expect(await mallory.phone.ask((re) => ({ is: 'put-answer', re, ...answer }))).toMatchObject({ why: 'not-allowed' });
  });
});

describe('a request', () => {
  it('reaches the owner at once, and waits in the mailbox', async () => {
    expect(await put(1)).toMatchObject({ is: 'done' });
    const item = { invite: invite.invite, request: id(1), body: new Uint8Array([1]), time: r.now };
    expect(s.phone.of('requests')).toEqual([{ is: 'requests', re: 0, group: s.group, items: [item] }]);
    expect(await mailbox(s.phone)).toMatchObject({ is: 'requests', items: [item] });
  });

  it('sent again is one request, and a fourth is refused until one is answered or taken back', async () => {
    for (const n of [1, 1, 2, 3]) expect(await put(n)).toMatchObject({ is: 'done' });
    expect(await put(4)).toMatchObject({ why: 'too-many' });
    expect(s.phone.of('requests')).toHaveLength(3);
    await joiner.ask((re) => ({ is: 'drop-request', re, group: s.group, request: id(2) }));
    expect(await put(4)).toMatchObject({ is: 'done' });
    await s.phone.ask((re) => ({ is: 'put-answer', re, group: s.group, invite: invite.invite, request: id(1), body: card }));
    expect(await put(5)).toMatchObject({ is: 'done' });
  });

  it('that is answered tells its sender, now and whenever it asks', async () => {
    await put(1);
    expect(await joiner.ask((re) => ({ is: 'get-answer', re, group: s.group, request: id(1) }))).toMatchObject({ why: 'not-found', detail: { words: 'pending' } });
    const answered = await s.phone.ask((re) => ({ is: 'put-answer', re, group: s.group, invite: invite.invite, request: id(1), body: card }));
    expect(answered).toMatchObject({ is: 'done' });
    expect(joiner.of('answer')).toMatchObject([{ re: 0, request: id(1), body: card }]);
    expect(await joiner.ask((re) => ({ is: 'get-answer', re, group: s.group, request: id(1) }))).toMatchObject({ is: 'answer', body: card });
    expect(await mailbox(s.phone)).toMatchObject({ items: [] });
    expect(await s.phone.ask((re) => ({ is: 'put-answer', re, group: s.group, invite: invite.invite, request: id(9), body: card }))).toMatchObject({ why: 'not-found' });
  });

  it('taken back and asked anew again and again is refused, and nobody hears of taking back what is not there', async () => {
    for (let n = 0; n < RATE.requests; n++) {
      expect(await put(n)).toMatchObject({ is: 'done' });
      await joiner.ask((re) => ({ is: 'drop-request', re, group: s.group, request: id(n) }));
    }
    expect(await put(100)).toMatchObject({ why: 'rate', detail: { fence: 3_600_000 } });
    const heard = s.phone.of('requests').length;
    expect(await joiner.ask((re) => ({ is: 'drop-request', re, group: s.group, request: id(100) }))).toMatchObject({ is: 'done' });
    expect(s.phone.of('requests')).toHaveLength(heard);
    const other = await s.invite();
    const phone = new Phone(r.relay, r.random);
    await phone.asInvite(other, s.group);
    expect(await phone.ask((re) => ({ is: 'put-request', re, group: s.group, request: id(1), body: card }))).toMatchObject({ is: 'done' });
  });

  it('is shown however much junk others leave under their links', async () => {
    for (let k = 0; k < 4; k++) {
      const hostile = new Phone(r.relay, r.random);
      await hostile.asInvite(await s.invite(), s.group);
      for (let n = 0; n < LIMIT.requestsPerInvite; n++) {
        expect(await hostile.ask((re) => ({ is: 'put-request', re, group: s.group, request: id(10 * k + n), body: new Uint8Array(LIMIT.request) }))).toMatchObject({ is: 'done' });
      }
    }
    expect(await put(100)).toMatchObject({ is: 'done' });
    s.phone.forget();
    await mailbox(s.phone);
    const shown = s.phone.of('requests');
    expect(shown.map((f) => f.re > 0)).toEqual([true, false, false]);
    expect(shown.flatMap((f) => f.items.map((i) => i.request))).toContainEqual(id(100));
    expect(shown.flatMap((f) => f.items)).toHaveLength(13);
  });

  it('under an expired, revoked or used invite is refused with the reason', async () => {
    await put(1);
    r.now += 100_001;
    expect(await put(2)).toMatchObject({ why: 'not-allowed', detail: { words: 'expired' } });
    expect(await mailbox(s.phone)).toMatchObject({ items: [] });
    const other = await s.invite();
    const phone = new Phone(r.relay, r.random);
    await phone.asInvite(other, s.group);
    await s.must(s.phone, revokeInviteEntry(s.state, olivia, other.invite));
    expect(await phone.ask((re) => ({ is: 'put-request', re, group: s.group, request: id(1), body: card }))).toMatchObject({ why: 'not-allowed', detail: { words: 'revoked' } });
    expect(await phone.ask((re) => ({ is: 'get-card', re, group: s.group }))).toMatchObject({ why: 'not-allowed', detail: { words: 'revoked' } });
  });

  it('dies with its invite, and the joiner hears the admit on the same connection', async () => {
    await put(1);
    const device = makeDevice(r.random);
    await s.must(s.phone, admitEntry(r.random, s.state, olivia, invite.invite, newRow(s.group, invite, device), s.keyring()));
    expect(joiner.of('entries').filter((f) => f.re === 0)).toHaveLength(1);
    expect(await mailbox(s.phone)).toMatchObject({ items: [] });
    expect(await put(2)).toMatchObject({ why: 'not-allowed', detail: { words: 'used' } });
    expect(await joiner.as(device, s.group)).toMatchObject({ is: 'welcome', rosterSeq: s.state.seq });
    await s.post(s.phone, olivia);
    expect(joiner.of('page')).toHaveLength(1);
  });

  it('that was used, revoked or has expired shows whoever has the link nothing of what came after', async () => {
    const fay = makeDevice(r.random);
    await s.must(s.phone, admitEntry(r.random, s.state, olivia, invite.invite, newRow(s.group, invite, fay), s.keyring()));
    const used = s.state.seq;
    const [revoked, late] = [await s.invite(), await s.invite({ expires: r.now + 1_000 })];
    await s.must(s.phone, revokeInviteEntry(s.state, olivia, revoked.invite));
    // Fay came in by that link, and has it still
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.member));
    r.now += 1_001;
    const roster = async (keys: InviteKeys): Promise<unknown> => {
      const phone = new Phone(r.relay, r.random);
      expect(await phone.asInvite(keys, s.group)).toMatchObject({ is: 'welcome' });
      const f = await phone.ask((re) => ({ is: 'roster', re, group: s.group, after: 0 }));
      await s.must(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'));
      const pushed = phone.of('entries').filter((e) => e.re === 0).length;
      return [f.is === 'entries' ? f.items.at(-1)?.receipt.seq : f.is === 'refused' ? f.detail.words : f.is, pushed];
    };
    expect(await roster(invite)).toEqual([used, 0]);
    expect(await roster(revoked)).toEqual(['revoked', 0]);
    expect(await roster(late)).toEqual(['expired', 0]);
    // who waits by a link hears what uses it, and no more
    expect(joiner.of('entries').filter((e) => e.re === 0).flatMap((e) => e.items.map((i) => i.receipt.seq))).toEqual([used]);
  });

  it('that was used is looked up once, however many came in before and however often its roster is asked for', async () => {
    for (let i = 0; i < 5; i++) await s.join();
    const last = await s.invite();
    await s.must(s.phone, admitEntry(r.random, s.state, olivia, last.invite, newRow(s.group, last, makeDevice(r.random)), s.keyring()));
    const used = s.state.seq;
    let asked = 0;
    const { call } = r.log;
    Object.assign(r.log, { call: (name: CallName, input: never, then: never) => (asked += name === 'entries' ? 1 : 0, call(name, input, then)) });
    const roster = async (phone: Phone): Promise<number> => {
      const before = asked;
      expect(await phone.ask((re) => ({ is: 'roster', re, group: s.group, after: used - 1 }))).toMatchObject({ items: [{ receipt: { seq: used } }] });
      return asked - before;
    };
    const [a, b] = [new Phone(r.relay, r.random), new Phone(r.relay, r.random)];
    for (const phone of [a, b]) await phone.asInvite(last, s.group);
    expect(await roster(a)).toBeGreaterThan(5);
    expect([await roster(a), await roster(b)]).toEqual([1, 1]);
  });
});
