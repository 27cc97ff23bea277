import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Permit } from '../../../crypto/brand';
import { fromText } from '../../../crypto/bytes';
import { type AddressedLockbox, decodeFromRelay, encodeToRelay, type FromRelay } from '../../../crypto/frames';
import { newPermit, permitIn } from '../../../crypto/permit';
import { ready } from '../../../crypto/sodium';
import { signPair } from '../../../crypto/verify';
import { adminPermit } from '../../../relay/admin-permit';
import { backUp, restore } from '../../../relay/backup';
import { RATE } from '../../../relay/limits';
import type { Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { type Device, foundGroup, makeDevice } from '../../support/actor';
import { HOST, Phone, rhea, type Rhea, settled } from './phone';

const DAY = 86_400_000;
let folder: string;
let log: Log;
let r: Rhea;
beforeAll(ready);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-permits-'));
  log = localLog(join(folder, 'relay.db'), 7);
  r = rhea('permits', { log, groups: 'permit' });
});
afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

const admin = (...args: string[]): Promise<string> => adminPermit({ folder, postgres: null, groups: 'permit' }, args, r.now, r.random);
/** Makes a permit as its operator does, and reads it as whoever was given the code. */
async function given(...args: string[]): Promise<{ readonly code: string; readonly permit: Permit }> {
  const code = (await admin('new', ...args)).split('\n')[0] as string;
  const permit = permitIn(code);
  if (permit === null) throw new Error('the code does not read');
  return { code, permit };
}
const listed = async (): Promise<{ permit: number; groups: number; over: boolean }[]> => (JSON.parse(await admin()) as { permits: { permit: number; groups: number; over: boolean }[] }).permits;

interface Found extends ReturnType<typeof foundGroup> { readonly device: Device }
function found(): Found {
  const device = makeDevice(r.random);
  return { ...foundGroup(r.random, device), device };
}
/** What the relay says to a group that is put there, with a permit or without. */
function begin(made: Found, permit: Permit | null = null, phone = new Phone(r.relay, r.random)): Promise<FromRelay> {
  const more = { group: made.group, genesis: made.entry, boxes: made.boxes as readonly AddressedLockbox[] };
  return phone.ask((re) => (permit === null ? { is: 'create', re, ...more } : { is: 'create-by-permit', re, permit, ...more }));
}
const refused = (words: string): object => ({ is: 'refused', why: 'permit', detail: { words } });

describe('a relay that asks for permits', () => {
  it('lets nobody begin a group without one, and says what is the matter', async () => {
    const { permit } = await given('--groups', '2', '--days', '3');
    const made = found();
    expect(await begin(made)).toMatchObject(refused('none'));
    expect(await begin(made, newPermit(r.random))).toMatchObject(refused('unknown'));
    const phone = new Phone(r.relay, r.random);
    expect(await phone.auth(made.group, 'log', { pk: made.device.logPk, sk: made.device.logSk })).toMatchObject({ why: 'unknown-group' });
    expect(await begin(made, permit)).toMatchObject({ is: 'entered' });
    expect(await begin(found(), permit)).toMatchObject({ is: 'entered' });
    expect(await begin(found(), permit)).toMatchObject(refused('spent'));
    const { permit: short } = await given();
    r.now += 30 * DAY;
    expect(await begin(found(), short)).toMatchObject(refused('ended'));
  });

  it('gives a group that is there its receipt again and spends nothing, whatever is shown', async () => {
    const { permit } = await given('--groups', '2');
    const made = found();
    const first = await begin(made, permit);
    r.now += 40 * DAY;
    for (const shown of [permit, null, newPermit(r.random)]) expect(await begin(made, shown)).toEqual({ ...first, re: 1 });
    expect((await listed()).map((p) => p.groups)).toEqual([1]);
  });

  it('takes none for a group that does not count: nothing is spent on a genesis that is void, or comes without its lockbox', async () => {
    const { permit } = await given();
    const [made, other] = [found(), found()];
    expect(await begin({ ...made, group: other.group }, permit)).toMatchObject({ why: 'void' });
    expect(await begin({ ...made, boxes: [] }, permit)).toMatchObject({ why: 'no-lockbox' });
    expect((await listed()).map((p) => p.groups)).toEqual([1]);
  });

  it('asks nobody else: a vault opens, and a group that a restored store lost comes back, without one', async () => {
    const made = found();
    const { permit } = await given();
    const entered = await begin(made, permit);
    if (entered.is !== 'entered') throw new Error(entered.is);
    const phone = new Phone(r.relay, r.random);
    const vault = signPair(r.random(32));
    expect(await phone.auth(vault.pk as never, 'vault', vault)).toMatchObject({ is: 'welcome' });
    const empty = localLog(':memory:', 8);
    const restored = rhea('restored', { log: empty, groups: 'permit' });
    const giver = new Phone(restored.relay, restored.random);
    expect(await giver.ask((re) => ({ is: 'give-entries', re, group: made.group, items: [{ entry: made.entry, receipt: entered.receipt }] }))).toMatchObject({ is: 'done' });
    await empty.close();
  });

  it('hears so many guesses from an address in an hour, and none before that sends anybody away', async () => {
    const guess = async (from: string, permit = newPermit(r.random)): Promise<string> => {
      const heard: FromRelay[] = [];
      const line = r.relay.connect((f) => {
        const read = decodeFromRelay(f);
        if (read.ok) heard.push(read.value);
      }, HOST, undefined, from);
      const made = found();
      line.receive(encodeToRelay({ is: 'create-by-permit', re: 1, group: made.group, permit, genesis: made.entry, boxes: made.boxes }));
      await settled();
      const last = heard.at(-1);
      // whoever looks for the right code stays connected
      expect(line.proven).toBe(last?.is !== 'refused' || last.why === 'permit');
      return last?.is === 'refused' ? last.why : (last?.is ?? '');
    };
    const { permit } = await given('--groups', '3');
    for (let i = 0; i < RATE.permitsFrom; i++) expect(await guess('192.0.2.7')).toBe('permit');
    expect([await guess('192.0.2.7'), await guess('192.0.2.7', permit), await guess('192.0.2.8', permit)]).toEqual(['rate', 'rate', 'entered']);
    r.now += 3_600_000;
    expect(await guess('192.0.2.7', permit)).toBe('entered');
  });

  it('is open to everybody when it is set so: a permit that is shown all the same is not looked at', async () => {
    const open = rhea('open', { log });
    const { permit } = await given();
    const made = found();
    const phone = new Phone(open.relay, open.random);
    for (const shown of [newPermit(r.random), permit]) {
      const answer = await phone.ask((re) => ({ is: 'create-by-permit', re, group: made.group, permit: shown, genesis: made.entry, boxes: made.boxes }));
      expect(answer).toMatchObject({ is: 'entered' });
    }
    expect((await listed()).map((p) => p.groups)).toEqual([1]);
  });
});

describe('whoever runs it', () => {
  it('makes, lists and ends permits beside a running relay, and sees a code once', async () => {
    const one = await given();
    const two = await given('--groups', '5', '--days', '60');
    expect(await listed()).toMatchObject([{ permit: 1, groups: 1, over: false }, { permit: 2, groups: 5, over: false }]);
    expect(await admin()).not.toContain(two.code.slice(0, 9));
    expect(await begin(found(), two.permit)).toMatchObject({ is: 'entered' });
    expect(await admin('end', '2')).toContain('Permit 2 has ended');
    expect(await begin(found(), two.permit)).toMatchObject(refused('ended'));
    expect(await listed()).toMatchObject([{ permit: 1, groups: 1, over: false }, { permit: 2, groups: 4, over: true }]);
    for (const n of ['2', '9']) await expect(admin('end', n)).rejects.toThrow(`no permit ${n} goes on`);
    expect(await begin(found(), one.permit)).toMatchObject({ is: 'entered' });
    for (const wrong of [['two'], ['new', '5'], ['new', '--groups'], ['new', '--groups', '0'], ['new', '--groups', '1e3'], ['new', '--days', '9999'], ['new', '--letters', '3'], ['end'], ['end', 'all'], ['end', '1', '2']])
      await expect(admin(...wrong), wrong.join(' ')).rejects.toThrow('Say: admin permit');
    expect(await adminPermit({ folder, postgres: null, groups: 'open' }, ['new'], r.now, r.random)).toContain('everybody may begin groups');
  });

  it('keeps no permit that could be shown, and not which groups were begun with it', async () => {
    const { code, permit } = await given('--groups', '9');
    const [one, two] = [found(), found()];
    for (const made of [one, two]) expect(await begin(made, permit)).toMatchObject({ is: 'entered' });
    await log.close();
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    const all = Buffer.concat(files);
    expect(all.includes(Buffer.from(one.group))).toBe(true);
    for (const secret of [permit, fromText(code), fromText(code.replaceAll('-', ''))]) expect(all.includes(Buffer.from(secret))).toBe(false);
    log = localLog(join(folder, 'relay.db'), 7);
    // a permit’s row is a number, a hash, a count and a day
    expect(await listed()).toEqual([{ permit: 1, groups: 7, over: false, until: expect.any(String) as string }]);
  });

  it('has permits back from a backup as they stood, and groups that were begun since come back by themselves', async () => {
    const { permit } = await given('--groups', '2');
    const [before, since] = [found(), found()];
    await begin(before, permit);
    const file = join(folder, 'backup');
    expect(backUp(folder, file).ok).toBe(true);
    const entered = await begin(since, permit);
    if (entered.is !== 'entered') throw new Error(entered.is);
    expect(await begin(found(), permit)).toMatchObject(refused('spent'));
    await log.close();
    expect((await restore(folder, file, 9)).ok).toBe(true);
    log = localLog(join(folder, 'relay.db'), 10);
    r = rhea('restored', { log, groups: 'permit' });
    expect((await listed()).map((p) => p.groups)).toEqual([1]);
    expect(await begin(before)).toMatchObject({ is: 'entered' });
    const phone = new Phone(r.relay, r.random);
    expect(await phone.ask((re) => ({ is: 'give-entries', re, group: since.group, items: [{ entry: since.entry, receipt: entered.receipt }] }))).toMatchObject({ is: 'done' });
    expect(await begin(found(), permit)).toMatchObject({ is: 'entered' });
    expect(await begin(found(), permit)).toMatchObject(refused('spent'));
  });
});
