/** Two histories, an older one, and entries that an honest relay would not let through: told, survived, and never acted on. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Bytes, Hash, RelayPk } from '../../crypto/brand';
import { equal, hex } from '../../crypto/bytes';
import { NO_DETAIL } from '../../crypto/frames';
import { signReceipt, verifyReceipt } from '../../crypto/receipt';
import { chainAfter, signEntry } from '../../crypto/roster/entry';
import { chainHead, encodeState } from '../../crypto/roster/state';
import { signPair } from '../../crypto/verify';
import { ask, type Log } from '../../relay/log';
import { localLog } from '../../relay/log-sqlite';
import { createRelay, type Relay } from '../../relay/relay';
import { makeRotation } from '../../src/lib/core/change';
import { type ForkRow, keyOf, read } from '../../src/lib/core/group-rows';
import { seeded } from '../support/actor';
import { cast, openLink, Seat } from '../support/circle';
import { Rhea } from '../support/rhea';
import { HOST, type World } from '../support/world';

vi.mock('hash-wasm', async (real) => (await import('../support/remembered')).remembered(await real()));

const SENT = 6_000;
const BORN = 1_760_000_000_000;
const folders: string[] = [];
let relays = 0;
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});

/** A relay over a store, with the world's own key. */
function relayOver(world: World, log: Log): Relay {
  const pair = signPair(seeded('relay')(32));
  return createRelay({
    log, clock: () => world.time.now, random: seeded(`chance ${++relays}`), keys: { pk: pair.pk as RelayPk, sk: pair.sk }, host: HOST,
    turn: (what) => void world.time.later(0, what), pace: 0
  });
}
/** Moves the world onto a relay whose store can be copied, before anything is in it. */
function copyable(world: World): { copy: () => Relay } {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-'));
  folders.push(folder);
  const path = join(folder, 'a.db');
  world.relay = relayOver(world, localLog(path, BORN));
  let n = 0;
  return {
    copy: () => {
      const to = join(folder, `copy-${n++}.db`);
      for (const end of ['', '-wal']) cpSync(`${path}${end}`, `${to}${end}`);
      return relayOver(world, localLog(to, BORN));
    }
  };
}
/** A group of three on a relay that Rhea can copy. */
async function three() {
  const { world, olivia, pat, fay } = await cast(3, 'start', (w) => {
    stores = copyable(w);
  });
  const rhea = new Rhea(world);
  for (const s of [olivia, pat, fay]) s.device.cut();
  await world.time.pass(3_000);
  return { world, olivia, pat, fay, rhea, stores: stores as { copy: () => Relay } };
}
let stores: { copy: () => Relay } | null = null;

describe('a relay with two histories', () => {
  it('P20 is found out by whoever sees both, and by those it is passed on to; all keep two receipts that prove it to anybody and send nothing more', async () => {
    const { world, olivia, pat, fay, rhea, stores } = await three();
    await olivia.device.must('offer-owner', { group: olivia.group, member: fay.view.me });
    await world.time.pass(500);
    const other = stores.copy();
    rhea.relayFor = (d) => (d === fay.device ? other : world.relay);
    fay.device.cut();
    await world.time.pass(3_000);
    // two owners: Fay over there, Olivia here
    await fay.device.must('accept-owner', { group: fay.group });
    await fay.device.must('rename-group', { group: fay.group, name: 'There' });
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Here' });
    await world.time.pass(500);
    expect([olivia, pat, fay].map((s) => s.view.name)).toEqual(['Here', 'Here', 'There']);
    expect([olivia, pat, fay].map((s) => s.view.alarm)).toEqual([null, null, null]);
    // each is shown the other side
    rhea.relayFor = (d) => (d === pat.device ? other : world.relay);
    pat.device.cut();
    fay.device.cut();
    await world.time.pass(5_000);
    fay.device.cut();
    await world.time.pass(10_000);
    // and shows what it held to those who were never shown another one
    for (const s of [olivia, pat, fay]) {
      expect(s.view, s.device.name).toMatchObject({ alarm: 'fork', ended: 'forked' });
      const proof = await read<ForkRow>(s.run.around.store, 'roster', keyOf.fork(s.group));
      const [a, b] = [proof!.ours!.receipt, proof!.theirs.receipt];
      expect([a, b].every((r) => verifyReceipt(s.run.row.id, r))).toBe(true);
      expect([a.seq, a.incarnation, hex(a.relayPk)]).toEqual([b.seq, b.incarnation, hex(b.relayPk)]);
      expect(hex(a.chain)).not.toBe(hex(b.chain));
      const before = rhea.told.length;
      await s.post('To nobody');
      await world.time.pass(30_000);
      expect(rhea.told.slice(before).filter((t) => t.device === s.device.name && t.f.is !== 'ping')).toEqual([]);
    }
  });

  it('P19 an older copy is noticed at once, nothing is sent to it, and everything goes on when the newer one is back', async () => {
    const { world, olivia, pat, rhea, stores } = await three();
    await olivia.post('In both');
    await world.time.pass(SENT);
    const older = stores.copy();
    await olivia.post('Only in the newer');
    await olivia.device.must('rename-group', { group: olivia.group, name: 'Newer' });
    await world.time.pass(SENT);
    rhea.relayFor = () => older;
    // an honest one would learn by its own receipts that it was put back; she does not want to know
    rhea.up = (f, _from, answer) => {
      if (f.is !== 'give-entries') return [f];
      answer({ is: 'refused', re: f.re, group: f.group, why: 'unavailable', detail: NO_DETAIL });
      return [];
    };
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(3_000);
    const before = rhea.told.length;
    for (const s of [olivia, pat]) await s.post(`${s.device.name} waits`);
    await world.time.pass(30_000);
    for (const s of [olivia, pat]) {
      expect(s.view.alarm).toBe('rollback');
      expect(s.words).toContain('Only in the newer');
      expect(s.delivery(`${s.device.name} waits`)).toBe('halted');
      expect(await s.device.run('rename-group', { group: s.group, name: 'Into the old one' })).toMatchObject({ ok: false });
    }
    expect(rhea.told.slice(before).some((t) => t.f.is === 'append' || t.f.is === 'enter')).toBe(false);
    rhea.relayFor = () => world.relay;
    rhea.repent();
    for (const s of [olivia, pat]) s.device.cut();
    await world.time.pass(20_000);
    for (const s of [olivia, pat]) {
      expect(s.view.alarm).toBeNull();
      expect(s.words.slice().sort()).toEqual(['In both', 'Olivia waits', 'Only in the newer', 'Pat waits']);
    }
  });
});

describe('P27 entries that a hostile relay lets through', () => {
  it('are void for everyone, take their place, burn no invite, delete nobody, and what is valid goes on after them', async () => {
    const { world, olivia, pat, fay } = await cast(3);
    const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: '' });
    const pair = signPair(seeded('relay')(32));
    const loaded = await ask(world.relay.log, 'load', olivia.run.row.id);
    const { g } = (loaded as { value: { g: number } }).value;
    /** Puts any bytes into the roster, with a good receipt. */
    const force = async (entry: Bytes): Promise<void> => {
      const s = olivia.run.state;
      const receipt = signReceipt(s.group, { relayPk: pair.pk as RelayPk, incarnation: world.relay.log.incarnation, seq: s.seq + 1, chain: chainAfter(chainHead(s), entry, world.time.now), time: world.time.now }, pair.sk);
      const put = await ask(world.relay.log, 'enter', { g, seq: s.seq + 1, entry: { entry, receipt }, boxes: [], ends: [], gone: [], spent: [], state: null });
      expect(put).toEqual({ ok: true, value: { is: 'entered' } });
      // her process starts anew and reads what is there
      world.relay = relayOver(world, world.relay.log);
      for (const x of [olivia, pat, fay]) x.device.cut();
      await world.time.pass(5_000);
    };
    const at = (): { prev: Hash; seq: number } => ({ prev: chainHead(olivia.run.state), seq: olivia.run.state.seq + 1 });
    const by = (s: Seat, body: Parameters<typeof signEntry>[0]['body']): Bytes => signEntry({ ...at(), author: s.run.keys.logPk, body }, s.run.keys.logSk);
    const keys = { content: seeded('c')(32), roster: seeded('r')(32) } as never;
    const live = [...olivia.run.state.rows.values()];
    await force(seeded('noise')(300));
    await force(new Uint8Array(0));
    await force(by(fay, { kind: 'name', display: seeded('d')(80) }));
    await force(by(fay, { kind: 'offer-owner', to: fay.run.row.tag }));
    await force(by(fay, { kind: 'remove', member: pat.run.row.tag, cuts: [], rotation: makeRotation(at(), live.slice(0, 1), keys, seeded('x'), () => []).rotation }));
    await force(by(pat, { kind: 'rotate', rotation: makeRotation(at(), live.slice(0, 2), keys, seeded('x'), () => []).rotation }));
    await force(by(olivia, { kind: 'leave', cuts: [] }));
    const [invite] = [...olivia.run.state.invites.values()];
    await force(by(fay, { kind: 'revoke-invite', invite: invite!.invite }));
    expect(olivia.run.entries.filter((e) => e.void)).toHaveLength(8);
    for (const s of [olivia, pat, fay]) {
      expect(s.view).toMatchObject({ alarm: null, ended: null, name: 'Pat’s Updates' });
      expect(s.view.people.filter((p) => p.ended === null)).toHaveLength(3);
      await s.post(`${s.device.name} goes on`);
      await world.time.pass(SENT);
    }
    for (const s of [pat, fay]) {
      expect(s.words).toEqual(olivia.words);
      expect(equal(encodeState(s.run.state), encodeState(olivia.run.state))).toBe(true);
    }
    expect(olivia.words).toHaveLength(3);
    const gil = world.device('Gil', 'family');
    await gil.setUp();
    const join = await openLink(gil, link);
    await world.time.pass(300);
    expect(gil.view('join', join).state).toBe('card');
    await gil.must('ask', { join });
    await world.time.pass(500);
    await olivia.device.must('let-in', { group: olivia.group, request: olivia.view.requests[0]!.request });
    await world.time.pass(500);
    const seat = new Seat(gil, gil.view('join', join).group!);
    await seat.open();
    expect(seat.words).toEqual(olivia.words);
    expect(world.reports).toEqual([]);
  });
});
