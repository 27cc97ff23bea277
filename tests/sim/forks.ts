/** The relay shows two halves of the group two histories, and then is one again: each side must notice at its first look at the other's. */
import type { Bytes } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { localLog } from '../../relay/log-sqlite';
import type { Relay } from '../../relay/relay';
import type { Seat } from '../support/circle';
import type { Rhea } from '../support/rhea';
import type { Device } from '../support/world';
import { copyStore, forget } from './base';
import { posts } from './deeds';
import type { Life } from './life';
import { LogPort } from './log-port';
import { turnBook } from './quick';

export async function fork(l: Life, rhea: Rhea): Promise<void> {
  const { world } = l;
  const path = copyStore(l.s.store);
  const otherLog = localLog(path, world.time.now);
  const one = world.relay;
  const other: Relay = world.serve(new LogPort(otherLog));
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
  owner.device.begin('rename-group', { group: owner.group, name: 'One name' });
  leaver.device.begin('leave', { group: leaver.group });
  await world.time.pass(8_000);
  posts(l, stays);
  posts(l, owner);
  await world.time.pass(15_000);
  const isForked = stays.run.state.seq > 0 && hex(stays.run.state.chains.at(-1) as Bytes) !== hex(owner.run.state.chains.at(-1) as Bytes) && leaver.run.row.ended === 'left';
  l.note(isForked ? 'two histories stand' : 'no fork came about');
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
  for (const words of turnBook()) l.truth.breach('leaked', words);
  for (const s of l.open) l.truth.shown(s, l.liars);
  await otherLog.close();
  forget(path);
}
