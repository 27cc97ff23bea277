/** The end of a schedule: all is well again for a while, and then everything is looked at. */
import { hex } from '../../crypto/bytes';
import { liveRows } from '../../crypto/roster/state';
import { RATE } from '../../relay/limits';
import { ask } from '../../relay/log';
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

/** Devices whose group has not come yet. */
const coming = (l: Life): Device[] => l.joining.filter((d) => !l.seats.some((s) => s.device === d) && d.core?.phase === 'open');

async function quiet(l: Life): Promise<void> {
  for (let t = 0; t < HEALING; t += LOOK) {
    await l.world.time.pass(LOOK);
    l.world.relay.poll();
    await l.arrivals();
    // what was odd is looked at again after a while; of a member who lies it stays odd for ever
    if (owed(l).length === 0 && l.live.filter(l.isHonest).every((s) => l.truth.isQuiet(s) && (l.liars.size > 0 || (s.view.alarm === null && s.run.odd.size === 0)))) break;
  }
}

/** Of those, the ones that came back by the words on paper: their person is in. */
const owed = (l: Life): Device[] => coming(l).filter((d) => d.core?.groups.size === 0 && l.live[0]?.run.state.members.get(l.truth.tags.get(personOf(d.name)) as never)?.end === null);

/** Whether nothing waits at anybody’s, and everybody who comes back is there. */
const isSent = (l: Life): boolean => owed(l).length === 0 && l.live.filter(l.isHonest).every((s) => l.truth.isQuiet(s));

/** What was to go out has: on the connections that there are, and without the app being started again. */
function judgeSent(l: Life): void {
  for (const s of l.live.filter(l.isHonest))
    if (!l.truth.isQuiet(s)) l.truth.breach('stuck', `${s.device.name}: ${s.run.outbox.length} wait five minutes after all has healed, ${s.run.synced ? '' : 'not '}synced, session ${s.run.session}${s.run.pending === null ? '' : ', an entry pending'}`);
  for (const d of owed(l)) l.truth.breach('stuck', `${d.name} is back, and the group is not`);
}

/** How long the restored relay goes on waiting for those who may have more, in milliseconds. */
async function stillWaits(l: Life): Promise<number> {
  const any = l.live.find(l.isHonest);
  const loaded = any === undefined ? null : await ask(l.s.log.real, 'load', any.run.row.id);
  const roster = any === undefined ? null : await rosterAt(l.s.log.real, any.run.row.id);
  if (roster === null || !loaded?.ok || loaded.value?.healing == null) return 0;
  const { since, shown } = loaded.value.healing;
  const rows = liveRows(roster).filter((r) => r.rank === 'ordinary');
  if (rows.every((r) => shown.includes(r.device))) return 0;
  const hasOwner = rows.some((r) => hex(r.member) === roster.owner && shown.includes(r.device));
  return Math.max(0, since + (hasOwner ? RATE.healWithOwner : RATE.healWithout) - (l.world.time.now + l.world.skew));
}

/** All devices are away for so long, and back; no app is started again. */
async function sleep(l: Life, wait: number): Promise<void> {
  const { world } = l;
  l.counts.set('long sleeps', (l.counts.get('long sleeps') ?? 0) + 1);
  l.note(`all sleep for ${Math.ceil(wait / 60_000)} minutes`);
  const devices = [...l.seats.filter(l.isHonest).map((s) => s.device), ...coming(l)];
  for (const d of devices) d.goOffline();
  await world.time.pass(LOOK);
  world.time.now += wait;
  for (const d of devices) d.goOnline();
  await quiet(l);
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
  // a line that stands may go on standing: what a connection begins with is no cure for what went wrong on it; but whoever met an older
  // relay on it says nothing there any more (P19)
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
  if (l.relayStore.isRestored) {
    // what needs an entry waits while the relay does: for devices that may have more of what was lost, a day, or a week without the owner (§11.6)
    const wait = await stillWaits(l);
    if (wait > 0 && !isSent(l)) await sleep(l, wait);
  }
  judgeSent(l);
  // nothing waits for this, but what was shown wrong is read again after waits that grow with each reading in vain, lest a member’s bad bytes
  // make everybody read for ever: after lies one such wait has to pass before all is on the screen
  const looks = afterLies ? Math.max(0, ...l.live.filter((s) => l.isHonest(s) && (s.run.odd.size > 0 || s.view.alarm !== null)).map((s) => s.run.readAgainWait)) : 0;
  if (looks > HEALING) await sleep(l, looks);
  else if (looks > 0) await quiet(l);
  await world.time.pass(3_000);
  // what everybody has by now, and what was acknowledged, is what lies on the media: what is derived from it can be made again
  if (l.seed % 3 > 0 && !afterLies) return;
  l.note('the power fails everywhere');
  for (const s of l.seats.filter(l.isHonest)) {
    if (l.isGone(s)) continue;
    s.device.disk.cut(0);
    if (l.draw(2) === 0) s.device.disk.loseCache();
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
  for (const d of owed(l)) truth.breach('stuck', `${d.name} is back, and the group is not`);
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
