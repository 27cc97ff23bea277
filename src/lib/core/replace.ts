/**
 * Another phrase in the place of one that is known (PROTOCOL §17.4): each recovery row adds its successor and ends. Until the last group is
 * done the device keeps the old phrase; done again with the same words, it goes on where it stopped.
 */
import { newVaultKey } from '$crypto/at-rest';
import type { Bytes } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { phraseKeys, signPhraseRow, type VaultWriter } from '$crypto/phrase';
import { memoryDevice } from '../store/memory';
import { openStore } from '../store/sealed';
import { Link } from '../sync/link';
import { changeRoster, planAddRow } from './change';
import type { Core } from './core';
import { type GroupRun } from './group-run';
import { deviceKeys } from './group-rows';
import type { PhraseWords } from './link-words';
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
    const vault = new PersonalVault({ link, host: ports.host, random: ports.random, store: () => memory, profile: () => core.profile, seed: () => core.person?.seed ?? null, credentials: () => core.credentials.said });
    await vault.keep(next);
    if (!(await vault.tellProfile())) return 'needs-network';
    const heirs = done.filter((i): i is RecoveryItem => i.is === 'group');
    for (const run of core.groups.values()) {
      if (run.row.ended !== null || !personal.covers(run)) continue;
      const item = items.find((i): i is RecoveryItem => i.is === 'group' && hex(deviceKeys(i).logPk) === hex(personal.coveringKey(run) as Bytes));
      const heir = item === undefined ? null : await succeed(core, link, vault, run, item);
      if (heir === null) return 'needs-network';
      heirs.push(heir);
    }
    const row = phraseRow(next, recoveryKeys(heirs), true);
    await personal.become(row);
    void personal.tellCredentials().catch((e: unknown) => core.failed(e));
    for (const run of core.groups.values()) {
      core.inGroupTurn(run, async () => {
        await core.settle(run);
        const heir = heirs.findLast((i) => equal(i.id, run.row.id));
        if (heir !== undefined && run.row.ended === null) await core.shares.tellPhrase(run, wordsOf(row, heir));
      });
    }
    return null;
  } finally {
    link.stop();
    memory.close();
  }
}

/** What the new recovery row says of the phrase that opens it. */
function wordsOf({ id, sk, kem }: VaultWriter, heir: RecoveryItem): PhraseWords {
  const keys = deviceKeys(heir);
  return { is: 'phrase', phrase: { id, sk, kem }, row: keys.logPk, s: signPhraseRow(heir.id, { id, kem }, keys.logSk) };
}

/** The recovery row adds its successor, whose secrets the new vault has first. The item of that one, or null when that did not come about. */
async function succeed(core: Core, link: Link, vault: PersonalVault, run: GroupRun, item: RecoveryItem): Promise<RecoveryItem | null> {
  const around = { ...core.around(), link };
  if ((await proveRecovery(item, around)) !== 'proven') return null;
  const opened = await openRecovery(run.ref, item, around);
  if (opened === null || opened === 'no-recovery') return null;
  const { random } = core.ports;
  const seeds = { logSeed: random(32), kemSeed: random(32) };
  const heir: RecoveryItem = { is: 'group', id: item.id, relayPk: item.relayPk, tag: item.tag, ...seeds };
  const fault = (await vault.add(heir)) ? await changeRoster(opened.run, planAddRow(deviceKeys(seeds), 'recovery')) : 'needs-network';
  opened.end();
  return fault === null ? heir : null;
}
