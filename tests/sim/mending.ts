/** The end of a schedule: all is well again for a while, and then everything is looked at. */
import type { Device } from '../support/world';
import { personOf } from './base';
import { posts } from './deeds';
import type { Life } from './life';
import { judgeKnowledge } from './knowledge';
import { turnBook } from './quick';
import { atRelay, rosterAt } from './truth';

/** Five virtual minutes to heal in, looked at every ten seconds. */
const HEALING = 300_000;
const LOOK = 10_000;
/** After so long a restored relay waits for nobody any more. */
const ENOUGH = 8 * 86_400_000;

/** Devices whose group has not come yet. */
const coming = (l: Life): Device[] => l.joining.filter((d) => !l.seats.some((s) => s.device === d) && d.core?.phase === 'open');

async function quiet(l: Life): Promise<void> {
  for (let t = 0; t < HEALING; t += LOOK) {
    await l.world.time.pass(LOOK);
    l.world.relay.poll();
    await l.arrivals();
    // what was odd is looked at again after a while; of a member who lies it stays odd for ever
    if (l.live.filter(l.isHonest).every((s) => l.truth.isQuiet(s) && (l.liars.size > 0 || (s.view.alarm === null && s.run.odd.size === 0)))) break;
  }
}

/** The network is whole, clocks are right, disks have room, and everybody is there. */
export async function heal(l: Life, afterLies: boolean): Promise<void> {
  const { world } = l;
  const { log } = l.s;
  if (l.relayStore.hasCopy && l.copied.size === 0 && l.draw(2) === 0) await l.relayStore.putBack();
  l.note('all heals');
  world.down = false;
  world.skew = 0;
  log.fate = () => 'done';
  // a disk that was put into another device asks the one before
  for (const d of world.devices) d.fate = () => 'done';
  log.real.hasRoom();
  for (const tab of l.tabs) tab.link.stop();
  // a line that stands may go on standing: what a connection begins with is no cure for what went wrong on it
  const isCut = afterLies || l.draw(2) === 0;
  for (const s of l.seats.filter(l.isHonest)) {
    l.lines.mend(s.device);
    s.device.skew = 0;
    if (l.isGone(s)) continue;
    if (!l.isOpen(s)) await l.again(s);
    // a try that was counted and never judged makes the next one wait
    for (let i = 0; i < 4 && !l.isOpen(s) && !l.isGone(s); i++) {
      await world.time.pass(61_000);
      await l.again(s);
    }
    if (!l.isOpen(s) && !l.isGone(s)) l.truth.breach('stuck', `${s.device.name} does not open: ${s.device.core?.phase ?? 'dead'}`);
    if (isCut) s.device.cut();
    s.device.goOnline();
  }
  for (const device of l.joining) device.goOnline();
  // whoever was wronged by a member finds out by what it says next
  if (l.mode === 'member') for (const s of l.live.filter(l.isHonest)) posts(l, s);
  await quiet(l);
  const anew = async (): Promise<void> => {
    for (const s of l.seats) if (!l.isGone(s)) await l.again(s);
    for (const device of coming(l)) {
      device.kill();
      await device.boot();
      await device.unlock();
    }
    await quiet(l);
  };
  // what was odd is looked at again when a connection begins, and after long lies not at every one: the app is started anew
  if (afterLies) await anew();
  if (l.relayStore.isRestored && (coming(l).length > 0 || l.live.some((s) => !l.truth.isQuiet(s)))) {
    // a device that is no more never shows what it had
    const late = coming(l);
    for (const s of l.seats) if (!l.isGone(s)) s.device.kill();
    for (const d of late) d.goOffline();
    world.time.now += ENOUGH;
    for (const d of late) d.goOnline();
    await anew();
  }
  await world.time.pass(3_000);
  // what everybody has by now, and what was acknowledged, is what lies on the media
  if (l.seed % 3 > 0) return;
  l.note('the power fails everywhere');
  for (const s of l.seats.filter(l.isHonest)) {
    if (l.isGone(s)) continue;
    s.device.disk.cut(0);
    await l.again(s);
  }
  l.relayStore.crash(false);
  await quiet(l);
  await world.time.pass(3_000);
}

export async function judge(l: Life): Promise<void> {
  const { world, truth } = l;
  const { log } = l.s;
  for (const e of world.reports) truth.breach('stuck', `a fault of ours: ${e instanceof Error ? (e.stack ?? e.message).split('\n').slice(0, 5).join(' ') : String(e)}`);
  if (process.env['FRAMES'] !== undefined)
    for (const s of l.open) l.note(`${s.device.name}: cursor ${s.run.cursor} heads ${JSON.stringify([...s.run.heads].map(([d, h]) => [d, h.n]))} held ${JSON.stringify([...s.run.held].map(([d, h]) => [d, h.map((x) => [x.n, x.seq])]))} epochs ${s.run.state.epochs.map((e) => e.seq).join()} keys ${[...s.run.keyring.values()].map((k) => `${k.epoch}${k.content === null ? '-' : ''}`).join()} junk ${[...s.run.junk].join()} odd ${[...s.run.odd].join(' | ').slice(0, 200)}`);
  for (const device of l.joining) {
    const tag = l.live[0]?.run.state.members.get(truth.tags.get(personOf(device.name)) as never);
    if (device.core?.phase === 'open' && device.core.groups.size === 0 && tag?.end === null) truth.breach('stuck', `${device.name} is back, and the group is not`);
  }
  await truth.agreed(l.open, { liars: l.liars, rolled: l.rolled, isFalseAlarm: (alarm) => l.isFalseAlarm(alarm) });
  await judgeKnowledge(l);
  const any = l.live.find(l.isHonest);
  if (any !== undefined) {
    const roster = await rosterAt(log.real, any.run.row.id);
    if (roster !== null) truth.belongs(l.open.filter(l.isHonest), roster);
    const there = await atRelay(log.real, any.run.row.id, truth);
    if (l.mode !== 'mischief') for (const s of l.live) if (l.isHonest(s)) truth.delivered(s, there);
  }
  const conflicts = world.relay.refusals.get('conflict') ?? 0;
  if (conflicts > 0 && l.mode === 'honest' && l.copied.size === 0) truth.breach('diverged', 'a number was used twice');
  for (const words of turnBook()) truth.breach('leaked', words);
}
