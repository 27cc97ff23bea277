/**
 * What those who are out, and the relay, could make of everything that they ever had: nothing of what came after. What a device has is its
 * keys and all that the relay holds; what the relay has is its file and every frame that was sent to it.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Bytes, ContentKey, Hash, LogPk, RosterKey } from '../../crypto/brand';
import { equal, hex } from '../../crypto/bytes';
import { openEnvelope, readEnvelope } from '../../crypto/envelope';
import { isContentKey, isRosterKey } from '../../crypto/epoch';
import { ZERO_HASH } from '../../crypto/hash';
import { envelopeHash } from '../../crypto/header';
import { openLockbox } from '../../crypto/lockbox';
import { chainAt, rowByDevice, type Row } from '../../crypto/roster/state';
import { wantHash } from '../../crypto/want';
import { openKeys } from '../../crypto/want-answer';
import type { DeviceKeys } from '../../src/lib/core/group-rows';
import { epochPlace } from '../../src/lib/core/receive';
import { ask, type Log } from '../../relay/log';
import type { Seat } from '../support/circle';
import type { Life } from './life';
import { groupOf, itemsAt } from './truth';

/** Keys of epochs, each once. */
class Found {
  readonly content = new Map<string, ContentKey>();
  readonly roster = new Map<string, RosterKey>();

  add(keys: Iterable<{ readonly content: ContentKey | null; readonly roster: RosterKey }>): void {
    // the device may wipe its own
    for (const { content, roster } of keys) {
      if (content !== null && !this.content.has(hex(content))) this.content.set(hex(content), content.slice() as ContentKey);
      if (!this.roster.has(hex(roster))) this.roster.set(hex(roster), roster.slice() as RosterKey);
    }
  }
}
interface Taken { readonly device: string; readonly keys: DeviceKeys; readonly found: Found }

/**
 * What a thief of each device would have by now: the secret keys of its row, and every epoch’s key that was ever on it. A device that its
 * person put out wipes itself, one that was thrown away is no more, and whoever has the phone may have had all of it before.
 */
export class Thief {
  /** By hex of the log key. */
  private readonly rows = new Map<string, Taken>();

  looksAt(s: Seat): void {
    const { keys, keyring } = s.run;
    const at = hex(keys.logPk);
    let taken = this.rows.get(at);
    if (taken === undefined) this.rows.set(at, (taken = { device: s.device.name, keys: structuredClone(keys), found: new Found() }));
    taken.found.add(keyring.values());
  }
  get all(): Iterable<Taken> {
    return this.rows.values();
  }
}

export async function judgeKnowledge(l: Life): Promise<void> {
  const { real } = l.s.log;
  const witness = l.open.find((s) => s.run.row.ended === null && l.isHonest(s)) ?? l.open.find((s) => s.run.row.ended === null);
  if (witness === undefined) return;
  for (const s of l.open) l.thief.looksAt(s);
  const g = await groupOf(real, witness.run.row.id);
  if (g !== null) for (const taken of l.thief.all) await judgeOutsider(l, witness, taken, g);
  for (const { run, device } of l.open) {
    const horizon = witness.run.state.members.get(run.me)?.horizon ?? 1;
    if ([...run.keyring.values()].some((k) => k.content !== null && k.epoch < horizon)) l.truth.breach('leaked', `${device.name} has keys from before its horizon`);
  }
  judgeRelay(l);
}

/** One that is out: with every key that it can come by, nothing opens that was sealed by those who knew. */
async function judgeOutsider(l: Life, witness: Seat, taken: Taken, g: number): Promise<void> {
  const { state } = witness.run;
  const row = state.rows.get(hex(taken.keys.logPk));
  if (row?.end == null) return;
  const { end } = row;
  const found = await keysOf(l.s.log.real, witness, taken, row, g);
  const [content, roster] = [[...found.content.values()], [...found.roster.values()]];
  for (const e of state.epochs) {
    // the entry that ends a row makes new keys itself, or leaves them owed
    const place = e.seq >= end.seq ? epochPlace(witness.run, e.seq) : null;
    if (place !== null && (content.some((k) => isContentKey(place, k, e.contentCommit)) || roster.some((k) => isRosterKey(place, k, e.rosterCommit)))) l.truth.breach('leaked', `${taken.device} is out since ${end.seq} and has the keys of ${e.seq}`);
  }
  const logs = new Map<number, Hash>();
  // who went bad may seal under whatever keys she has: she could as well read it out to those who are out
  const liars = new Set(l.seats.filter((x) => !l.isHonest(x)).map((x) => hex(x.run.keys.logPk)));
  for (const i of await itemsAt(l.s.log.real, g)) {
    const by = rowByDevice(state, i.device);
    const e = readEnvelope(i.envelope);
    const chain = e.ok ? chainAt(state, e.value.header.rosterSeq) : null;
    if (by === null || !e.ok || chain === null) continue;
    const at = { group: state.group, logPk: by.logPk, prev: logs.get(i.device) ?? ZERO_HASH, roster: chain };
    logs.set(i.device, envelopeHash(at, i.envelope));
    if (!liars.has(hex(by.logPk)) && !equal(by.logPk, row.logPk) && e.value.header.rosterSeq >= end.seq && content.some((k) => openEnvelope(at, e.value, k).ok)) l.truth.breach('leaked', `${taken.device} is out since ${end.seq} and reads ${i.device} ${i.n}`);
  }
}

/** What it had, and what all that the relay stores holds for it. */
async function keysOf(log: Log, witness: Seat, { keys, found }: Taken, row: Row, g: number): Promise<Found> {
  const { state } = witness.run;
  for (let device = 1; device <= state.rows.size; device++) {
    const boxes = await ask(log, 'lockboxes', { g, device, after: 0 });
    for (const b of boxes.ok ? boxes.value.items : []) {
      const place = b.seq >= (row.end?.seq ?? 0) ? epochPlace(witness.run, b.seq) : null;
      const opened = place === null ? null : openLockbox(keys.logPk as LogPk, keys.kem, place, b.lockbox);
      if (opened?.ok === true) found.add(opened.value);
    }
  }
  const wants = await ask(log, 'wants', { g });
  const answers = await ask(log, 'keys', { g, device: row.device, after: 0 });
  const want = wants.ok ? wants.value.find((w) => w.device === row.device) : undefined;
  for (const a of answers.ok && want !== undefined ? answers.value.items : []) {
    const opened = openKeys(state.group, wantHash((want as { want: Bytes }).want), { logPk: keys.logPk as LogPk, kem: keys.kem }, a.keys);
    if (opened.ok) found.add(opened.value);
  }
  return found;
}

/** No key and no word is anywhere in what the relay ever got. */
function judgeRelay(l: Life): void {
  const { path } = l.s.log.real;
  const all = Buffer.concat([...['', '-wal'].map((end) => `${path}${end}`).filter(existsSync).map((p) => readFileSync(p)), ...l.lines.up]);
  const has = (what: Uint8Array | string): boolean => all.includes(typeof what === 'string' ? what : Buffer.from(what));
  for (const s of l.open.filter(l.isHonest)) {
    const { run } = s;
    for (const k of run.keyring.values()) if (has(k.roster) || (k.content !== null && has(k.content))) l.truth.breach('leaked', `the relay has keys of ${k.epoch}`);
    if (has(run.row.logSeed) || has(run.row.kemSeed)) l.truth.breach('leaked', `the relay has the seeds of ${s.device.name}`);
  }
  for (const text of l.truth.wrote.keys()) if (has(text)) l.truth.breach('leaked', `the relay has the words “${text}”`);
}

