/** Organisations that vouch for clinicians, on the real core and relay: who sees it, who believes it, until when, and who cannot borrow it. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bytes, OrganisationPk } from '../../crypto/brand';
import { base64url } from '../../crypto/bytes';
import { credentialBytes, credentialText, readRequest, signCredential, signOrganisation } from '../../crypto/credential';
import { encodeToRelay } from '../../crypto/frames';
import { personKeys, signPerson } from '../../crypto/person';
import { ready } from '../../crypto/sodium';
import { signPair } from '../../crypto/verify';
import type { VouchedView } from '../../src/lib/core/port';
import { seeded } from '../support/actor';
import { admit, cast, type Seat } from '../support/circle';
import { link, PASSPHRASE } from '../support/linked';
import { Mallory } from '../support/mallory';
import { Rhea } from '../support/rhea';
import { type Device, World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));
beforeAll(ready);

const DAY = 86_400_000;
/** An organisation that signs whatever is asked of it. */
function organisation(name: string, seed: string) {
  const pair = signPair(seeded(seed)(32));
  const pk = pair.pk as Bytes as OrganisationPk;
  return {
    text: credentialText('organisation', signOrganisation({ organisation: pk, name }, pair.sk)),
    answer: (request: string, as: { role: string; until: number; name?: string }): string => {
      const asked = readRequest(credentialBytes(request)!.bytes);
      if (!asked.ok) throw new Error(asked.fault);
      return credentialText('credential', signCredential({ organisation: pk, organisationName: name, person: asked.value.person, name: as.name ?? asked.value.name, role: as.role, from: as.until - 200 * DAY, until: as.until }, pair.sk));
    }
  };
}
async function credentialOf(d: Device, by: ReturnType<typeof organisation>, role: string, until: number): Promise<string> {
  return by.answer((await d.must('ask-organisation', null)).text, { role, until });
}
async function trust(d: Device, text: string): Promise<void> {
  const { organisation: id, number } = await d.must('read-organisation', { text });
  await d.must('trust-organisation', { organisation: id, number });
}
const vouched = (seat: Seat, name: string): readonly VouchedView[] => seat.view.people.find((p) => p.name === name)!.vouched;
const mine = (d: Device) => {
  d.watch('organisations', null);
  return d.view('organisations', null).mine;
};

describe('a credential', () => {
  it('reaches everyone in the groups and names its organisation only where that key was accepted', async () => {
    const { world, olivia, pat } = await cast(2);
    const until = world.time.now + 100 * DAY;
    const anna = organisation('St Anna Hospital', 'anna');
    const text = await credentialOf(olivia.device, anna, 'Ward nurse', until);
    expect(await olivia.device.must('read-credential', { text })).toMatchObject({ by: 'St Anna Hospital', name: 'Olivia', role: 'Ward nurse', until });
    await olivia.device.must('add-credential', { text: `${text.slice(0, 70)}\n  ${text.slice(70)}\n` });
    await world.time.pass(500);
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'unchecked', by: 'St Anna Hospital', name: 'Olivia', role: 'Ward nurse', until }]);

    // from her sheet: the numbers are compared with what the hospital publishes
    const member = pat.view.people.find((p) => p.name === 'Olivia')!;
    const read = await pat.device.must('read-organisation', { group: pat.group, member: member.member, organisation: member.vouched[0]!.organisation });
    expect(read.number).toMatch(/^\d{30}$/);
    expect(read).toEqual(await olivia.device.must('read-organisation', { text: anna.text }));
    const wrong = read.number.replace(/^\d/, (d) => String((Number(d) + 1) % 10));
    expect(await pat.device.run('trust-organisation', { organisation: read.organisation, number: wrong })).toEqual({ ok: false, fault: 'not-allowed' });
    await pat.device.must('trust-organisation', { organisation: read.organisation, number: read.number });
    await world.time.pass(50);
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'trusted', by: 'St Anna Hospital' }]);

    // somebody who comes later and reads from today sees it too, and a restart forgets nothing
    const fay = world.device('Fay', 'family');
    await fay.setUp();
    const late = await admit(world, olivia, fay, 'today');
    await world.time.pass(1_000);
    expect(vouched(late, 'Olivia')).toMatchObject([{ trust: 'unchecked' }]);
    await pat.device.restart();
    await pat.open();
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'trusted' }]);
    await pat.device.must('distrust-organisation', { organisation: read.organisation });
    await world.time.pass(50);
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'unchecked' }]);

    await olivia.device.must('drop-credential', { organisation: read.organisation });
    await world.time.pass(500);
    expect([vouched(pat, 'Olivia'), vouched(late, 'Olivia'), mine(olivia.device)]).toEqual([[], [], []]);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('passes the relay sealed like every other word', async () => {
    let rhea!: Rhea;
    const { world, olivia, pat } = await cast(2, 'start', (w) => (rhea = new Rhea(w)));
    await world.time.pass(2_000);
    const before = rhea.told.length;
    const anna = organisation('St Anna Hospital', 'anna');
    const text = await credentialOf(olivia.device, anna, 'Ward nurse', world.time.now + 100 * DAY);
    await olivia.device.must('add-credential', { text });
    await trust(pat.device, anna.text);
    await world.time.pass(500);
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'trusted' }]);
    // it came that way, and nothing of it lies open: no name, no key, no piece of it as bytes or as text
    const passed = Buffer.concat(rhea.told.slice(before).map((t) => Buffer.from(encodeToRelay(t.f))));
    expect(rhea.told.slice(before).filter((t) => t.f.is === 'append').length).toBeGreaterThan(0);
    const { bytes } = credentialBytes(text)!;
    const key = personKeys(olivia.device.core!.person!.seed).pk;
    for (const piece of ['Ward nurse', 'St Anna', 'Olivia', text.slice(20, 52), Buffer.from(key), Buffer.from(key).toString('base64url'), Buffer.from(bytes).subarray(1, 33), Buffer.from(bytes).subarray(-64)]) expect(passed.includes(piece)).toBe(false);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('comes to the person’s other devices, newest list first, and back with the phrase', async () => {
    const { world, olivia, pat } = await cast(2);
    const until = world.time.now + 100 * DAY;
    const anna = organisation('St Anna Hospital', 'anna');
    const { words } = await olivia.device.must('propose-phrase', null);
    await olivia.device.must('keep-phrase', { words });
    await olivia.device.must('add-credential', { text: await credentialOf(olivia.device, anna, 'Ward nurse', until) });
    await world.time.pass(2_000);
    const laptop = world.device('Laptop', 'clinician');
    await link(world, laptop, olivia.device);
    await world.time.pass(1_000);
    expect(mine(laptop)).toMatchObject([{ role: 'Ward nurse' }]);
    await laptop.must('add-credential', { text: await credentialOf(laptop, anna, 'Head nurse', until) });
    await laptop.must('add-credential', { text: await credentialOf(laptop, organisation('Home Care', 'home'), 'Nurse', until) });
    await world.time.pass(2_000);
    expect(mine(olivia.device).map((c) => c.role)).toEqual(['Head nurse', 'Nurse']);
    expect(vouched(pat, 'Olivia').map((c) => c.role).sort()).toEqual(['Head nurse', 'Nurse']);

    for (const d of [laptop, olivia.device]) d.kill();
    const found = world.device('Found again', 'clinician');
    await found.boot();
    await found.must('restore', { words, passphrase: PASSPHRASE });
    await world.time.pass(5_000);
    expect(mine(found).map((c) => c.role)).toEqual(['Head nurse', 'Nurse']);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('comes to a linked device and back with the phrase where there is no group to say it in, and whom the person trusts to linked ones alone', async () => {
    const world = await World.make();
    const olivia = world.device('Olivia', 'clinician');
    await olivia.setUp();
    const until = world.time.now + 100 * DAY;
    const [anna, home] = [organisation('St Anna Hospital', 'anna'), organisation('Home Care', 'home')];
    const { words } = await olivia.must('propose-phrase', null);
    await olivia.must('keep-phrase', { words });
    await olivia.must('add-credential', { text: await credentialOf(olivia, anna, 'Ward nurse', until) });
    await olivia.must('add-credential', { text: await credentialOf(olivia, home, 'Nurse', until) });
    for (const o of [anna, home]) await trust(olivia, o.text);
    await world.time.pass(2_000);
    const laptop = world.device('Laptop', 'clinician');
    await link(world, laptop, olivia);
    expect(laptop.view('link', null)).toMatchObject({ state: 'done', groups: 0 });
    const trusted = (d: Device) => d.view('organisations', null).trusted;
    expect(mine(laptop).map((c) => c.role)).toEqual(['Ward nurse', 'Nurse']);
    expect([trusted(laptop).map((o) => o.name), mine(olivia).length]).toEqual([['St Anna Hospital', 'Home Care'], 2]);
    expect(trusted(laptop)).toEqual(trusted(olivia));
    await laptop.must('drop-credential', { organisation: mine(laptop)[0]!.organisation });
    await world.time.pass(2_000);
    // whoever holds a device may put anything there: what is of a time that cannot be, or for somebody else, brings nothing
    const mallory = world.device('Mallory', 'family');
    await mallory.setUp();
    const others = credentialBytes(await credentialOf(mallory, anna, 'Head nurse', until))!.bytes;
    const own = credentialBytes(await credentialOf(laptop, home, 'Nurse', until))!.bytes;
    const added = [{ at: world.time.now + 500 * DAY, c: [] }, { at: world.time.now, c: [own, others] }].map((said) => laptop.core!.personal.add({ is: 'credentials', ...said }));
    await world.time.pass(2_000);
    expect(await Promise.all(added)).toEqual([true, true]);

    for (const d of [laptop, olivia]) d.kill();
    const found = world.device('Found again', 'clinician');
    await found.boot();
    await found.must('restore', { words, passphrase: PASSPHRASE });
    await world.time.pass(5_000);
    expect(mine(found).map((c) => c.role)).toEqual(['Nurse']);
    expect(trusted(found)).toEqual([]);
    expect(world.reports).toEqual([]);
  }, 60_000);

  it('is refused by the app when it is somebody else’s, was changed, has ended, or is one too many', async () => {
    const { world, olivia, pat } = await cast(2);
    const until = world.time.now + 100 * DAY;
    const anna = organisation('St Anna Hospital', 'anna');
    const text = await credentialOf(olivia.device, anna, 'Ward nurse', until);
    const add = (d: Device, t: string) => d.run('add-credential', { text: t });
    expect(await add(pat.device, text)).toEqual({ ok: false, fault: 'not-yours' });
    const at = text.length - 100;
    expect(await add(olivia.device, text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))).toEqual({ ok: false, fault: 'bad-credential' });
    expect(await add(olivia.device, anna.text)).toEqual({ ok: false, fault: 'bad-credential' });
    expect(await add(olivia.device, await credentialOf(olivia.device, anna, 'Ward nurse', world.time.now))).toEqual({ ok: false, fault: 'ended' });
    for (const n of [1, 2, 3, 4]) expect(await add(olivia.device, await credentialOf(olivia.device, organisation(`Ward ${n}`, `ward ${n}`), 'Nurse', until))).toEqual({ ok: true, value: null });
    expect(await add(olivia.device, text)).toEqual({ ok: false, fault: 'too-many' });
    expect(await olivia.device.run('read-organisation', { text })).toEqual({ ok: false, fault: 'bad-organisation' });
    expect(world.reports).toEqual([]);
  }, 60_000);
});

describe('whoever is not the one vouched for', () => {
  it('gains nothing by a copied or forged credential, nor after taking another person key, nor by an organisation of the same name', async () => {
    const { world, olivia, pat, mallory } = await cast(4);
    const until = world.time.now + 100 * DAY;
    const anna = organisation('St Anna Hospital', 'anna');
    const text = await credentialOf(olivia.device, anna, 'Ward nurse', until);
    await olivia.device.must('add-credential', { text });
    await trust(pat.device, anna.text);
    await world.time.pass(500);
    expect(vouched(pat, 'Olivia')).toMatchObject([{ trust: 'trusted' }]);

    const m = new Mallory(world, mallory);
    await m.enter();
    const record = (...c: string[]) => ({ i: m.newId(), t: 'credentials', a: world.time.now, c }) as const;
    const bytes = (t: string): string => base64url(credentialBytes(t)!.bytes);
    const request = (await mallory.device.must('ask-organisation', null)).text;
    const twin = organisation('St  ANNA Hospital', 'her own').answer(request, { role: 'Surgeon', until, name: 'Mallory' });
    const tampered = bytes(anna.answer(request, { role: 'Ward nurse', until })).replace(/^.{60}/, (s) => s.slice(0, 59) + (s[59] === 'A' ? 'B' : 'A'));
    await m.append(m.seal(m.update([record(bytes(text), tampered, bytes(twin))])));
    await world.time.pass(300);
    // Olivia’s is for Olivia’s key, the second is broken, the third is signed by somebody who only bears the name
    expect(vouched(pat, 'Mallory')).toMatchObject([{ trust: 'imitates', by: 'St  ANNA Hospital', role: 'Surgeon' }]);

    // vouched for in earnest, then another key: what was signed for the old one says nothing of who is there now
    await m.append(m.seal(m.update([record(bytes(anna.answer(request, { role: 'Visitor', until })))])));
    await world.time.pass(300);
    expect(vouched(pat, 'Mallory')).toMatchObject([{ trust: 'trusted', role: 'Visitor' }]);
    const another = personKeys(seeded('another seed')(32));
    await m.append(m.seal(m.update([{ i: m.newId(), t: 'person', a: 1, k: base64url(another.pk), s: base64url(signPerson(another, m.run.row.id, m.run.row.tag)) }])));
    await world.time.pass(300);
    expect(vouched(pat, 'Mallory')).toEqual([]);
    expect(pat.view.people.find((p) => p.name === 'Mallory')!.known.state).toBe('changed');
    expect(world.reports).toEqual([]);
  }, 60_000);
});
