/**
 * Another phrase in the place of one that is known (PROTOCOL §17.4): each recovery row that the old vault opens adds its successor and ends,
 * whether its group is on this device or not. Until the last is done the device keeps the old phrase; done again with the same words, it
 * goes on where it stopped, and with no others.
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
  // with a third phrase the groups that the second has by now could be covered by none that is kept
  if (personal.isHalfOther(next)) return 'phrase-begun';
  // what is still on its way back by the old words comes first: the row that it comes by ends here
  if (core.arrivals.restores.size > 0) await core.arrivals.bring();
  if (core.arrivals.restoring > 0) return 'needs-network';
  const memory = await openStore({ disk: memoryDevice().open(), vaultKey: newVaultKey(ports.random), random: ports.random });
  // a recovery row proves itself on a line of its own: on this one the group's session is this device's
  const link = new Link(ports, { up: () => undefined, down: () => vault.down(), frame: () => undefined, changed: () => undefined });
  const vault = new PersonalVault({ link, host: ports.host, random: ports.random, store: () => memory, profile: () => core.profile, seed: () => core.person?.seed ?? null, credentials: () => core.credentials.said });
  const isOnline = async (): Promise<boolean> => {
    for (let waited = 0; link.state !== 'online' && waited < ONLINE_WITHIN; waited += 100) await new Promise<void>((r) => ports.later(100, r));
    return link.state === 'online';
  };
  try {
    link.start();
    await isOnline();
    const [from, to] = [phraseKeys(old), phraseKeys(next)];
    for (const keys of [from, to]) if ((await openVaultSession(link, ports.host, ports.random, keys)) === null) return 'needs-network';
    const [items, done] = [await readVault(link, from), await readVault(link, to)];
    if (items === null || done === null) return 'needs-network';
    await personal.knows(items);
    // begun on another device, or by the life of this one that is over
    if (!personal.isHalf && [...core.groups.values()].some((run) => personal.hasGivenWay(run, recoveryKeys(done)))) return 'phrase-begun';
    await vault.keep(next);
    if (!(await vault.tellProfile())) return 'needs-network';
    const heirs = done.filter((i): i is RecoveryItem => i.is === 'group');
    const ended = new Set<string>();
    let isWhole = true;
    for (const item of items) {
      const key = recoveryKeys([item])[0];
      if (item.is !== 'group' || key === undefined || ended.has(key)) continue;
      if (!(await isOnline())) return 'needs-network';
      const came = await succeed(core, link, vault, item);
      // the others go on: what a thief put there stands in the way of none of them
      if (came === null || (came === 'refused' && isUnread(core, item))) isWhole = false;
      else if (came === 'ended' || typeof came === 'object') ended.add(key);
      if (typeof came === 'object' && came !== null) heirs.push(came);
    }
    // that the relay knows no such row, or left the item out, is not enough where the row stands here
    const isOpen = (run: GroupRun): boolean =>
      personal.isCovering(run) || (run.row.ended === null && personal.covers(run) && !ended.has(hex(personal.coveringKey(run) as Bytes)));
    if (!isWhole || [...core.groups.values()].some(isOpen)) return 'needs-network';
    const row = phraseRow(next, recoveryKeys(heirs), true);
    await personal.become(row);
    void personal.tellCredentials().catch((e: unknown) => core.failed(e));
    for (const run of core.groups.values()) {
      core.inGroupTurn(run, async () => {
        await core.settle(run);
        const heir = heirs.findLast((i) => equal(i.id, run.row.id) && equal(i.tag, run.row.tag));
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

/** A group that is here, and of which this device does not know yet what its recovery row is. */
const isUnread = (core: Core, { id, tag }: RecoveryItem): boolean =>
  [...core.groups.values()].some(({ row, synced }) => !synced && row.ended === null && equal(row.id, id) && equal(row.tag, tag));

/**
 * The recovery row adds its successor, whose secrets the new vault has first: the item of that one. `ended`: it had ended. `none`: it is none,
 * or the relay knows nothing of it, so that the words open nothing by it. `refused`: the relay answered, and would not, or what it has makes no
 * sense. Null when it may still come about: there was no answer.
 */
async function succeed(core: Core, link: Link, vault: PersonalVault, item: RecoveryItem): Promise<RecoveryItem | 'ended' | 'none' | 'refused' | null> {
  const around = { ...core.around(), link };
  const { hello } = link;
  // a line that is lost takes its hello along; whatever else failed was answered
  const failed = (): 'refused' | null => (link.hello === hello ? 'refused' : null);
  const proven = await proveRecovery(item, around);
  if (proven === 'lost') return failed();
  if (proven !== 'proven') return proven === 'unknown' ? 'none' : 'ended';
  const opened = await openRecovery(core.newRef(), item, around);
  let came: Awaited<ReturnType<typeof succeed>> = opened === null ? failed() : 'none';
  if (opened !== null && opened !== 'no-recovery') {
    const { random } = core.ports;
    const seeds = { logSeed: random(32), kemSeed: random(32) };
    const heir: RecoveryItem = { is: 'group', id: item.id, relayPk: item.relayPk, tag: item.tag, ...seeds };
    if (!(await vault.add(heir))) came = null;
    else {
      const isFirst = !core.personal.isHalf;
      if (isFirst) await core.personal.beginNext(vault.shared?.id ?? null);
      const fault = await changeRoster(opened.run, planAddRow(deviceKeys(seeds), 'recovery'));
      // a relay that lost something of the group takes it again once it was given that back
      came = fault === null ? heir : fault === 'restoring' ? null : failed();
      // without an answer it may have come about
      if (isFirst && fault !== null && fault !== 'unavailable') await core.personal.beginNext(null);
    }
    opened.end();
  }
  // its session would stand in the way of the group's next item
  if (came === null || typeof came === 'string') link.again();
  return came;
}
