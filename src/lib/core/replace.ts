/**
 * Another phrase in the place of one that is known (PROTOCOL §17.4): each recovery row adds its successor and ends. Until the last group is
 * done the device keeps the old phrase; done again with the same words, it goes on where it stopped.
 */
import { newVaultKey } from '$crypto/at-rest';
import type { Bytes } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { phraseKeys } from '$crypto/phrase';
import { memoryDevice } from '../store/memory';
import { openStore } from '../store/sealed';
import { Link } from '../sync/link';
import { changeRoster, planAddRow } from './change';
import type { Core } from './core';
import { type GroupRun } from './group-run';
import { deviceKeys } from './group-rows';
import { openVaultSession, PersonalVault, phraseRow, readVault, recoveryKeys } from './personal';
import type { Fault } from './port';
import { openRecovery, proveRecovery, type RecoveryItem } from './restore';

const ONLINE_WITHIN = 10_000;

/** `old` and `next` are the entropy of two phrases. `needs-network`: not every group was reached; nothing is lost by trying again. */
export async function replacePhrase(core: Core, old: Bytes, next: Bytes): Promise<Fault | null> {
  const { ports, personal } = core;
  if (!personal.isPhrase(old)) return 'wrong-phrase';
  if (personal.isPhrase(next)) return 'not-allowed';
  // a recovery row proves itself on a line of its own: on this one the group's session is this device's
  const link = new Link(ports, { up: () => undefined, down: () => undefined, frame: () => undefined, changed: () => undefined });
  const memory = await openStore({ disk: memoryDevice().open(), vaultKey: newVaultKey(ports.random), random: ports.random });
  try {
    link.start();
    for (let waited = 0; link.state !== 'online' && waited < ONLINE_WITHIN; waited += 100) await new Promise<void>((r) => ports.later(100, r));
    const [from, to] = [phraseKeys(old), phraseKeys(next)];
    for (const keys of [from, to]) if ((await openVaultSession(link, ports.host, ports.random, keys)) === null) return 'needs-network';
    const [items, done] = [await readVault(link, from), await readVault(link, to)];
    if (items === null || done === null) return 'needs-network';
    await personal.knows(items);
    const vault = new PersonalVault({ link, host: ports.host, random: ports.random, store: () => memory, profile: () => core.profile, seed: () => core.person?.seed ?? null });
    await vault.keep(next);
    if (!(await vault.tellProfile())) return 'needs-network';
    const known = new Set(recoveryKeys(done));
    for (const run of core.groups.values()) {
      if (run.row.ended !== null || !personal.covers(run)) continue;
      const item = items.find((i): i is RecoveryItem => i.is === 'group' && hex(deviceKeys(i).logPk) === hex(personal.coveringKey(run) as Bytes));
      const key = item === undefined ? null : await succeed(core, link, vault, run, item);
      if (key === null) return 'needs-network';
      known.add(key);
    }
    await personal.become({ ...phraseRow(next, [...known], true) });
    for (const run of core.groups.values()) core.inGroupTurn(run, () => core.settle(run));
    return null;
  } finally {
    link.stop();
    memory.close();
  }
}

/** The recovery row adds its successor, whose secrets the new vault has first. Its log key in hex, or null when that did not come about. */
async function succeed(core: Core, link: Link, vault: PersonalVault, run: GroupRun, item: RecoveryItem): Promise<string | null> {
  const around = { ...core.around(), link };
  if ((await proveRecovery(item, around)) !== 'proven') return null;
  const opened = await openRecovery(run.ref, item, around);
  if (opened === null || opened === 'no-recovery') return null;
  const { random } = core.ports;
  const seeds = { logSeed: random(32), kemSeed: random(32) };
  const keys = deviceKeys(seeds);
  const isThere = await vault.add({ is: 'group', id: item.id, relayPk: item.relayPk, tag: item.tag, ...seeds });
  const fault = isThere ? await changeRoster(opened.run, planAddRow(keys, 'recovery')) : 'needs-network';
  opened.end();
  return fault === null ? hex(keys.logPk) : null;
}
