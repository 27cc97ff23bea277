/** Who is who on the real core and relay: one person in several groups, a number that two compare, and those who claim to be another. */
import { describe, expect, it, vi } from 'vitest';
import type { MemberTag } from '../../crypto/brand';
import { base64url } from '../../crypto/bytes';
import { hash } from '../../crypto/hash';
import { LABEL } from '../../crypto/labels';
import { personKeys, signPerson } from '../../crypto/person';
import type { Recognition } from '../../src/lib/core/port';
import { seeded } from '../support/actor';
import { admit, cast, Seat } from '../support/circle';
import { Mallory } from '../support/mallory';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const of = (seat: Seat, name: string) => seat.view.people.find((p) => p.name === name)!;
const known = (seat: Seat, name: string): Recognition => of(seat, name).known;
const number = async (seat: Seat, name: string): Promise<string> => (await seat.device.must('compare-person', { group: seat.group, member: of(seat, name).member })).number;
const verify = (seat: Seat, name: string, digits: string) => seat.device.run('verify-person', { group: seat.group, member: of(seat, name).member, number: digits });

/** Another group of the same two. */
async function second(owner: Seat, other: Seat, world: Parameters<typeof admit>[0]): Promise<[Seat, Seat]> {
  const { group } = await owner.device.must('new-group', { name: 'Night shift', kind: 'team' });
  const seat = new Seat(owner.device, group);
  await seat.open();
  await world.time.pass(200);
  return [seat, await admit(world, seat, other.device)];
}

describe('two persons', () => {
  it('see the same number, and who compared it knows the other in every group, after a restart too', async () => {
    const { world, olivia, pat } = await cast(2);
    await world.time.pass(500);
    const digits = await number(olivia, 'Pat');
    expect(digits).toMatch(/^\d{60}$/);
    expect(await number(pat, 'Olivia')).toBe(digits);
    expect(known(olivia, 'Pat')).toEqual({ state: 'seen', at: null, also: [] });
    expect(await verify(olivia, 'Pat', digits.replace(/^\d/, (d) => String((Number(d) + 1) % 10)))).toEqual({ ok: false, fault: 'not-allowed' });
    expect(await verify(olivia, 'Pat', digits)).toEqual({ ok: true, value: null });
    const [there] = await second(olivia, pat, world);
    await world.time.pass(500);
    expect(known(there, 'Pat')).toMatchObject({ state: 'verified', also: ['Pat’s Updates'] });
    await olivia.device.restart();
    await olivia.open();
    expect(known(olivia, 'Pat')).toMatchObject({ state: 'verified', also: ['Night shift'] });
    expect(known(pat, 'Olivia').state).toBe('seen');
    await olivia.device.must('unverify-person', { group: olivia.group, member: of(olivia, 'Pat').member });
    expect(known(olivia, 'Pat')).toMatchObject({ state: 'seen', at: null });
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('are known to a newcomer who reads from today as well', async () => {
    const { world, olivia, pat } = await cast(2);
    await world.time.pass(500);
    const fay = world.device('Fay', 'family');
    await fay.setUp();
    const seat = await admit(world, olivia, fay, 'today');
    await world.time.pass(1_000);
    expect([known(seat, 'Olivia').state, known(seat, 'Pat').state]).toEqual(['seen', 'seen']);
    expect(await number(seat, 'Pat')).toBe(await number(pat, 'Fay'));
  }, 60_000);
});

describe('whoever claims to be another', () => {
  it('proves nothing with a copied claim, is shown as changed with a second key, and as another under a name that was compared', async () => {
    const { world, olivia, pat, mallory } = await cast(4);
    await world.time.pass(500);
    await verify(olivia, 'Pat', await number(olivia, 'Pat'));
    const before = await number(olivia, 'Mallory');
    const m = new Mallory(world, mallory);
    await m.enter();
    const tag = m.run.row.tag as MemberTag;
    const claim = (k: string, s: string) => ({ i: m.newId(), t: 'person', a: 1, k, s }) as const;

    // Pat's own words, said again by Mallory: the key is Pat's, the signature is not about her
    const pats = personKeys(pat.device.core!.person!.seed);
    const copied = claim(base64url(pats.pk), base64url(signPerson(pats, m.run.row.id, pat.run.row.tag)));
    const forged = claim(base64url(pats.pk), base64url(signPerson(personKeys(seeded('mallory’s own')(32)), m.run.row.id, tag)));
    expect((await m.append(m.seal(m.update([copied, forged])))).is).toBe('acks');
    await world.time.pass(300);
    expect(await number(olivia, 'Mallory')).toBe(before);
    expect(known(olivia, 'Mallory').state).toBe('seen');

    // a second key of her own
    const another = personKeys(seeded('another seed')(32));
    await m.append(m.seal(m.update([claim(base64url(another.pk), base64url(signPerson(another, m.run.row.id, tag)))])));
    await world.time.pass(300);
    expect(known(olivia, 'Mallory').state).toBe('changed');
    expect(known(pat, 'Mallory').state).toBe('changed');
    const now = await number(olivia, 'Mallory');
    expect(now).not.toBe(before);
    expect(await verify(olivia, 'Mallory', before)).toEqual({ ok: false, fault: 'not-allowed' });
    await verify(olivia, 'Mallory', now);
    expect(known(olivia, 'Mallory').state).toBe('verified');

    // somebody else who calls himself Pat
    const twin = world.device('PAT', 'family');
    await twin.setUp();
    const twins = await admit(world, olivia, twin);
    await world.time.pass(500);
    const states = olivia.view.people.filter((p) => p.name.toLowerCase() === 'pat').map((p) => [p.member === twins.view.me, p.known.state]);
    expect(states).toEqual([[false, 'verified'], [true, 'other']]);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('is as another under a name that only looks like one that was compared, and is told apart by digits of which she chooses none', async () => {
    const { world, olivia, pat } = await cast(2);
    await world.time.pass(500);
    await verify(olivia, 'Pat', await number(olivia, 'Pat'));
    const marks = (): Map<string, string> => new Map(olivia.view.people.map((p) => [p.member, p.mark]));
    expect(of(olivia, 'Pat').sameName).toBe(false);
    const twin = world.device('P\u2060at\u200b', 'family');
    await twin.setUp();
    const twins = await admit(world, olivia, twin);
    await world.time.pass(500);
    const two = olivia.view.people.filter((p) => p.member === twins.view.me || p.member === pat.view.me);
    expect(two.map((p) => [p.sameName, p.member === twins.view.me, p.known.state])).toEqual([[true, false, 'verified'], [true, true, 'other']]);
    expect(new Set(two.map((p) => p.mark)).size).toBe(2);
    // everybody sees the same digits
    expect(new Map(pat.view.people.map((p) => [p.member, p.mark]))).toEqual(marks());
    // and they are none that her tag alone would have given her
    const { tag } = twins.run.row;
    const ofTag = hash(LABEL.mark, tag as MemberTag);
    const ground = String((((ofTag[0] as number) << 16) | ((ofTag[1] as number) << 8) | (ofTag[2] as number)) % 10_000).padStart(4, '0');
    expect(marks().get(twins.view.me)).not.toBe(ground);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('has a name of one line, whatever she typed', async () => {
    const { world, olivia } = await cast(2);
    const mallory = world.device('Mal\nlory \u202eyrolg\u202c', 'family');
    await mallory.setUp();
    const seat = await admit(world, olivia, mallory);
    await world.time.pass(500);
    expect(olivia.view.people.find((p) => p.member === seat.view.me)?.name).toBe('Mal lory yrolg');
  }, 60_000);
});
