/**
 * What those who are out, and the relay, could make of everything that they ever had: nothing of what came after. What a device has is its
 * keys and all that the relay holds; what the relay has is its file and every frame that was sent to it.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Bytes, ContentKey, Hash, LogPk } from '../../crypto/brand';
import { hex } from '../../crypto/bytes';
import { openEnvelope, readEnvelope } from '../../crypto/envelope';
import { isContentKey } from '../../crypto/epoch';
import { ZERO_HASH } from '../../crypto/hash';
import { envelopeHash } from '../../crypto/header';
import { openLockbox } from '../../crypto/lockbox';
import { chainAt, rowByDevice, type Row } from '../../crypto/roster/state';
import { wantHash } from '../../crypto/want';
import { openKeys } from '../../crypto/want-answer';
import { epochPlace } from '../../src/lib/core/receive';
import { ask, type Log } from '../../relay/log';
import type { Seat } from '../support/circle';
import type { Life } from './life';
import { groupOf, itemsAt } from './truth';

export async function judgeKnowledge(l: Life): Promise<void> {
  const { real } = l.s.log;
  const witness = l.open.find((s) => s.run.row.ended === null && l.isHonest(s)) ?? l.open.find((s) => s.run.row.ended === null);
  if (witness === undefined) return;
  const g = await groupOf(real, witness.run.row.id);
  if (g !== null) for (const s of l.open) await judgeOutsider(l, witness, s, g);
  for (const { run, device } of l.open) {
    const horizon = witness.run.state.members.get(run.me)?.horizon ?? 1;
    if ([...run.keyring.values()].some((k) => k.content !== null && k.epoch < horizon)) l.truth.breach('leaked', `${device.name} has keys from before its horizon`);
  }
  judgeRelay(l);
}

/** One who is out: with every key that it can come by, nothing opens that was sealed by those who knew. */
async function judgeOutsider(l: Life, witness: Seat, s: Seat, g: number): Promise<void> {
  const { state } = witness.run;
  const row = s.run.ownRow === null ? undefined : state.rows.get(hex(s.run.keys.logPk));
  if (row?.end == null) return;
  const { end } = row;
  const keys = await keysOf(l.s.log.real, witness, s, row, g);
  for (const e of state.epochs) {
    const place = e.seq > end.seq ? epochPlace(witness.run, e.seq) : null;
    if (place !== null && keys.some((k) => isContentKey(place, k, e.contentCommit))) l.truth.breach('leaked', `${s.device.name} is out since ${end.seq} and has the keys of ${e.seq}`);
  }
  const logs = new Map<number, Hash>();
  // who went bad may seal under whatever keys she has: she could as well read it out to those who are out
  const liars = new Set(l.seats.filter((x) => !l.isHonest(x)).map((x) => hex(x.run.keys.logPk)));
  for (const i of await itemsAt(l.s.log.real, g)) {
    const by = rowByDevice(state, i.device);
    const e = readEnvelope(i.envelope);
    const roster = e.ok ? chainAt(state, e.value.header.rosterSeq) : null;
    if (by === null || !e.ok || roster === null) continue;
    const at = { group: state.group, logPk: by.logPk, prev: logs.get(i.device) ?? ZERO_HASH, roster };
    logs.set(i.device, envelopeHash(at, i.envelope));
    if (!liars.has(hex(by.logPk)) && by.logPk !== row.logPk && hex(by.member) !== hex(row.member) && e.value.header.rosterSeq >= end.seq && keys.some((k) => openEnvelope(at, e.value, k).ok)) l.truth.breach('leaked', `${s.device.name} is out since ${end.seq} and reads ${i.device} ${i.n}`);
  }
}

async function keysOf(log: Log, witness: Seat, { run }: Seat, row: Row, g: number): Promise<ContentKey[]> {
  const { state } = witness.run;
  const keys = [...run.keyring.values()].map((k) => k.content);
  for (let device = 1; device <= state.rows.size; device++) {
    const boxes = await ask(log, 'lockboxes', { g, device, after: 0 });
    for (const b of boxes.ok ? boxes.value.items : []) {
      const place = b.seq > (row.end?.seq ?? 0) ? epochPlace(witness.run, b.seq) : null;
      const opened = place === null ? null : openLockbox(run.keys.logPk as LogPk, run.keys.kem, place, b.lockbox);
      if (opened?.ok === true) keys.push(...opened.value.map((k) => k.content));
    }
  }
  const wants = await ask(log, 'wants', { g });
  const answers = await ask(log, 'keys', { g, device: row.device, after: 0 });
  const want = wants.ok ? wants.value.find((w) => w.device === row.device) : undefined;
  for (const a of answers.ok && want !== undefined ? answers.value.items : []) {
    const opened = openKeys(state.group, wantHash((want as { want: Bytes }).want), { logPk: run.keys.logPk as LogPk, kem: run.keys.kem }, a.keys);
    if (opened.ok) keys.push(...opened.value.map((k) => k.content));
  }
  return keys.filter((k): k is ContentKey => k !== null);
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

