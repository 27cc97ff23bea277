import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { fold } from '../../../crypto/roster/fold';
import { ROLE } from '../../../crypto/roster/entry';
import { type Device, inviteEntry, joinEntry, type Made, makeDevice, plainEntry, rotate, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;
beforeAll(ready);
beforeEach(async () => {
  r = rhea('open invite');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
});

async function invite(open: boolean, by = olivia, phone = s.phone) {
  const made = inviteEntry(r.random, s.state, by, s.now, { open });
  await s.must(phone, made);
  return made.invite;
}
/** Enters it by a session of the invite. */
async function enter(p: Phone, m: Made) {
  const answer = await p.enter(s.group, s.state.seq + 1, m.entry, m.boxes);
  if (answer.is === 'entered') {
    s.state = fold(s.state, m.entry, answer.receipt.time).state;
    s.keys.set(s.state.seq, m.keys!);
  }
  return answer;
}
const holder = async (i: Awaited<ReturnType<typeof invite>>): Promise<Phone> => {
  const p = new Phone(r.relay, r.random);
  await p.asInvite(i, s.group);
  return p;
};

describe('an open invite', () => {
  it('lets its holder in with nobody else there, who then reads and writes like anyone', async () => {
    const i = await invite(true);
    const p = await holder(i);
    s.phone.close();
    const gil = makeDevice(r.random);
    expect(await enter(p, joinEntry(r.random, s.state, i, gil))).toMatchObject({ is: 'entered' });
    const phone = await s.arrive(gil);
    expect(phone.of('welcome')).toHaveLength(1);
    await s.post(phone, gil);
    expect(phone.of('acks')).toHaveLength(1);
  });

  it('lets in one: whoever comes second is told that it was used', async () => {
    const i = await invite(true);
    const [a, b] = [await holder(i), await holder(i)];
    const late = joinEntry(r.random, s.state, i, makeDevice(r.random));
    expect(await enter(a, joinEntry(r.random, s.state, i, makeDevice(r.random)))).toMatchObject({ is: 'entered' });
    expect(await b.enter(s.group, s.state.seq, late.entry, late.boxes)).toMatchObject({ why: 'behind' });
    expect(await enter(b, joinEntry(r.random, s.state, i, makeDevice(r.random)))).toMatchObject({ why: 'void', detail: { words: 'used' } });
    expect(s.phone.of('entries').length).toBeGreaterThan(0);
  });

  it('brings nothing but its own join, and an ordinary invite brings nothing at all', async () => {
    const i = await invite(true);
    const p = await holder(i);
    expect(await p.enter(s.group, s.state.seq + 1, rotate(r.random, s.state, olivia).entry)).toMatchObject({ why: 'not-allowed' });
    const other = await invite(true);
    expect(await enter(p, joinEntry(r.random, s.state, other, makeDevice(r.random)))).toMatchObject({ why: 'not-allowed' });
    const shut = await invite(false);
    expect(await enter(await holder(shut), joinEntry(r.random, s.state, shut, makeDevice(r.random)))).toMatchObject({ why: 'not-allowed' });
  });

  it('needs every lockbox that it lists', async () => {
    const i = await invite(true);
    const m = joinEntry(r.random, s.state, i, makeDevice(r.random));
    expect(await (await holder(i)).enter(s.group, s.state.seq + 1, m.entry, m.boxes.slice(1))).toMatchObject({ why: 'no-lockbox' });
  });
});

describe('the hourly entries', () => {
  it('of a host are shared by all whom the host lets in, and the owner’s are not touched', async () => {
    const pat = await s.join();
    await s.must(s.phone, plainEntry(s.state, olivia, { kind: 'role', member: pat.device.member, roles: ROLE.host }));
    const i = await invite(true, pat.device, pat.phone);
    const gil = makeDevice(r.random);
    await enter(await holder(i), joinEntry(r.random, s.state, i, gil));
    const phone = await s.arrive(gil);
    for (let n = 2; n < 20; n++) await s.must(n % 2 === 0 ? phone : pat.phone, rotate(r.random, s.state, n % 2 === 0 ? gil : pat.device));
    expect(await s.enter(phone, rotate(r.random, s.state, gil))).toMatchObject({ why: 'rate' });
    expect(await s.enter(pat.phone, rotate(r.random, s.state, pat.device))).toMatchObject({ why: 'rate' });
    expect(await s.enter(s.phone, rotate(r.random, s.state, olivia))).toMatchObject({ is: 'entered' });
  });

  it('take no upgrade that this relay does not know', async () => {
    expect(await s.enter(s.phone, plainEntry(s.state, olivia, { kind: 'upgrade', version: 2 }))).toMatchObject({ why: 'version' });
  });
});
