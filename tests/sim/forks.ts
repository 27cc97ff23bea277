/**
 * Lies that an honest exchange uncovers: two halves of the group are shown two histories, everybody an older store, or somebody an ack for
 * what was never kept. Each must be noticed at the first look at the truth.
 */
import type { Bytes } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { localLog } from '../../relay/log-sqlite';
import type { Relay } from '../../relay/relay';
import type { Seat } from '../support/circle';
import type { Rhea } from '../support/rhea';
import type { Device } from '../support/world';
import { posts } from './deeds';
import type { Life } from './life';
import { turnBook } from './quick';
import { copyStore, forget } from './stores';
import { groupOf, rosterAt } from './truth';
import { ask } from '../../relay/log';

async function fork(l: Life, rhea: Rhea): Promise<void> {
  const { world } = l;
  const path = copyStore(l.s.log.real.path);
  const otherLog = localLog(path, world.time.now);
  const one = world.relay;
  const other: Relay = world.serve(otherLog);
  world.relay = one;
  const owner = l.seats.find((s) => s.view.iOwn) as Seat;
  const apart = new Set(l.seats.filter((s) => s !== owner).slice(-2).map((s) => s.device));
  const relayOf = (d: Device): Relay => (apart.has(d) ? other : one);
  rhea.relayFor = relayOf;
  for (const s of l.seats) s.device.cut();
  await world.time.pass(2_000);
  for (let i = l.draw(6); i > 0; i--) await l.step();
  for (const s of l.seats) if (!l.isOpen(s)) await l.again(s);
  for (const s of l.seats) s.device.goOnline();
  await world.time.pass(70_000);
  // on each side the roster goes on
  const [leaver, stays] = l.seats.filter((s) => apart.has(s.device)) as [Seat, Seat];
  if (l.live.length < l.seats.length || !owner.view.iOwn) return otherLog.close();
  // the two may be of one length: a leave, and the keys after it
  for (let i = 1 + l.draw(2); i > 0; i--) owner.device.begin('rename-group', { group: owner.group, name: `Name ${i}` });
  leaver.device.begin('leave', { group: leaver.group });
  await world.time.pass(8_000);
  // whoever sent something would notice by its own log already
  for (const s of [stays, owner]) if (l.draw(2) === 0) posts(l, s);
  await world.time.pass(15_000);
  const isForked = stays.run.state.seq > 0 && hex(stays.run.state.chains.at(-1) as Bytes) !== hex(owner.run.state.chains.at(-1) as Bytes) && leaver.run.row.ended === 'left';
  l.note(isForked ? `two histories stand, of ${owner.run.state.seq} and ${stays.run.state.seq} entries` : 'no fork came about');
  if (isForked) {
    // the first honest exchange: whoever was apart meets what the others have
    const [who, to] = l.draw(2) === 0 ? [stays, one] : [owner, other];
    rhea.relayFor = () => to;
    for (const s of l.seats) s.device.cut();
    who.device.goOnline();
    await world.time.pass(30_000);
    const { alarm } = who.view;
    l.note(`${who.device.name} shows ${alarm ?? 'nothing'}`);
    if (alarm !== 'fork' && alarm !== 'rollback') l.truth.breach('missedForks', `${who.device.name} met the other history and shows ${alarm ?? 'nothing'}`);
  }
  await otherLog.close();
  forget(path);
}

/** The relay goes on with an older store as if nothing had happened: whoever saw more stops and says so (P19). */
async function rollBack(l: Life, rhea: Rhea): Promise<void> {
  const { world } = l;
  const path = copyStore(l.s.log.real.path);
  for (let i = 2 + l.draw(6); i > 0; i--) await l.step();
  for (const s of l.seats) if (!l.isOpen(s)) await l.again(s);
  for (const s of l.seats) s.device.goOnline();
  await world.time.pass(20_000);
  const log = localLog(path, world.time.now);
  const one = world.relay;
  const older = world.serve(log);
  world.relay = one;
  const group = (l.seats[0] as Seat).run.row.id;
  const roster = await rosterAt(log, group);
  const g = await groupOf(log, group);
  const head = await ask(log, 'head', { g: g ?? 0, device: 1 });
  const feed = head.ok ? head.value.feed : 0;
  const saw = l.live.filter((s) => s.run.entries.length > (roster?.seq ?? 0) || s.run.cursor > feed);
  l.note(`the relay is as it was; ${saw.length} saw more`);
  rhea.relayFor = () => older;
  // an honest one would learn by its own receipts that it is older
  rhea.up = (f, _, answer) => (f.is === 'give-entries' ? (answer({ is: 'done', re: f.re, group: f.group }), []) : [f]);
  for (const s of l.seats) s.device.cut();
  for (const s of saw) s.device.goOnline();
  await world.time.pass(30_000);
  for (const s of saw) if (s.view.alarm !== 'rollback' && s.view.alarm !== 'fork' && s.run.row.ended === null) l.truth.breach('missedForks', `${s.device.name} met an older relay and shows ${s.view.alarm ?? 'nothing'}`);
  await log.close();
  forget(path);
}

/** What was acknowledged was never kept: its author finds out at the first honest exchange, and nobody else is disturbed. */
async function falseAck(l: Life, rhea: Rhea): Promise<void> {
  const { world } = l;
  const victim = l.pick(l.live) as Seat;
  const ahead = 1 + l.draw(2);
  rhea.up = (f, from, answer) => {
    if (f.is !== 'append' || from !== victim.device) return [f];
    answer({ is: 'acks', group: f.group, items: [{ n: f.n, seq: victim.run.cursor + ahead, time: world.time.now }] });
    return [];
  };
  for (let i = 1 + l.draw(3); i > 0; i--) posts(l, victim);
  for (let i = l.draw(4); i > 0; i--) posts(l, l.pick(l.live) as Seat);
  await world.time.pass(20_000);
  rhea.repent();
  l.note(`${victim.device.name} believes to have sent ${victim.run.ownHead.n}`);
  for (const s of l.seats) s.device.cut();
  for (const s of l.seats) s.device.goOnline();
  await world.time.pass(60_000);
  const g = await groupOf(l.s.log.real, victim.run.row.id);
  const head = await ask(l.s.log.real, 'head', { g: g ?? 0, device: victim.run.ownRow?.device ?? 0 });
  const isDeceived = head.ok && head.value.n < victim.run.ownHead.n;
  for (const s of l.live) {
    const { alarm } = s.view;
    if (s === victim && isDeceived ? alarm !== 'rollback' : alarm !== null) l.truth.breach(s === victim && isDeceived ? 'missedForks' : 'falseAlarms', `${s.device.name} shows ${alarm ?? 'nothing'}`);
    if (s !== victim && !l.truth.isQuiet(s)) l.truth.breach('stuck', `${s.device.name} cannot send`);
  }
}

export async function uncover(l: Life, rhea: Rhea): Promise<void> {
  await ([fork, fork, fork, rollBack, falseAck][l.draw(5)] as typeof fork)(l, rhea);
  for (const words of turnBook()) l.truth.breach('leaked', words);
  for (const s of l.open) l.truth.shown(s, l.liars);
}
