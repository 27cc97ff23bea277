/** Bringing a group back with its recovery row (PROTOCOL §17.4): prove the row, fold the roster, open its lockboxes, add this device. */
import { proveAccess } from '$crypto/access';
import type { Bytes } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { encodeState, rowOf } from '$crypto/roster/state';
import { newVaultKey } from '$crypto/at-rest';
import { memoryDevice } from '../store/memory';
import { openStore } from '../store/sealed';
import { type Change, type Store } from '../store/store';
import { changeRoster, planAddRow } from './change';
import { fetchLockboxes, fetchRoster } from './fetch';
import { type Around, GroupRun } from './group-run';
import { deviceKeys, drop, type GroupRow, keyOf, put, putBytes } from './group-rows';
import { foldReceipted } from './receipted';
import type { VaultItem } from './vault-item';

/** Table `meta`, key `restore/ref`: a group on its way back; the keys this device will have there. */
type Item = Extract<VaultItem, { is: 'group' }>;
export interface RestoreRow {
  readonly items: readonly Item[];
  readonly logSeed: Bytes;
  readonly kemSeed: Bytes;
}
export const restoreKey = (ref: string): string => `restore/${ref}`;

export type Restored = 'back' | 'ended' | 'later';

/**
 * Brings one group back under `ref`. `later`: the relay did not answer; nothing is lost by trying again. Oldest item first: what a thief
 * of a device added comes after what the person did, and a row that ended makes way for a newer one.
 */
export async function restoreGroup(ref: string, row: RestoreRow, around: Around, store: Store): Promise<Restored> {
  let isEnded = false;
  for (const item of row.items) {
    const proven = await prove(item, around);
    if (proven === 'lost') return 'later';
    if (proven === 'gone') {
      if (!(await hasEnded(item, around))) return 'later';
      isEnded = true;
    }
    if (proven === 'proven') {
      const restored = await addDevice(ref, item, row, around, store);
      if (restored !== 'no-recovery') return restored;
    }
  }
  if (!isEnded) return 'later';
  await store.commit([drop('meta', restoreKey(ref))]);
  return 'ended';
}

/** `gone` is the relay's word alone until the receipted entry that ended the row is here. */
async function hasEnded(item: Item, { link }: Around): Promise<boolean> {
  const folded = await foldReceipted(link, item.id, item.relayPk);
  return folded !== null && (rowOf(folded.state, deviceKeys(item).logPk)?.end ?? null) !== null;
}

async function prove(item: Item, { link, random, host }: Around): Promise<'proven' | 'gone' | 'unknown' | 'lost'> {
  const hello = link.hello;
  if (hello === null) return 'lost';
  if (hex(hello.relayPk) !== hex(item.relayPk)) return 'unknown';
  const keys = deviceKeys(item);
  const nonce = random(32);
  const signature = proveAccess({ as: 'log', host, group: item.id, serverNonce: hello.nonce, nonce }, keys.logSk);
  const f = await link.ask({ is: 'auth', group: item.id, as: 'log', key: keys.logPk, nonce, signature });
  if (f?.is === 'welcome') return 'proven';
  if (f?.is === 'gone') return 'gone';
  return f?.is === 'refused' && (f.why === 'unknown-log' || f.why === 'unknown-group') ? 'unknown' : 'lost';
}

/** The recovery row's own run lives in memory only: nothing of its keys touches the disk. */
async function addDevice(ref: string, item: Item, row: RestoreRow, around: Around, store: Store): Promise<Restored | 'no-recovery'> {
  const { link, random } = around;
  const folded = await foldReceipted(link, item.id, item.relayPk);
  if (folded === null) return 'later';
  const recovery = rowOf(folded.state, deviceKeys(item).logPk);
  if (recovery?.rank !== 'recovery' || !equal(recovery.member, item.tag)) return 'no-recovery';
  const own: GroupRow = {
    id: item.id, logSeed: item.logSeed, kemSeed: item.kemSeed, tag: item.tag, made: around.clock(), relayPk: item.relayPk,
    incarnation: folded.entries.at(-1)?.receipt.incarnation ?? 0, unsent: null, ended: null
  };
  const memory = await openStore({ disk: memoryDevice().open(), vaultKey: newVaultKey(random), random });
  await memory.commit([put('group', ref, own), putBytes('roster', keyOf.state(ref), encodeState(folded.state)), ...folded.entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e))]);
  const run = await GroupRun.open(ref, own, { ...around, store: memory, changed: () => undefined });
  run.session = 'live';
  if (!(await fetchRoster(run)) || !(await fetchLockboxes(run, true))) return 'later';
  run.synced = true;
  const fresh = deviceKeys(row);
  if (rowOf(run.state, fresh.logPk) === null && (await changeRoster(run, planAddRow(fresh, 'ordinary'))) !== null) return 'later';
  const group: GroupRow = { ...own, logSeed: row.logSeed, kemSeed: row.kemSeed, incarnation: run.row.incarnation };
  const rows: Change[] = run.entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e));
  for (let i = 0; i < rows.length; i += 100) await store.commit(rows.slice(i, i + 100));
  await store.commit([
    put('group', ref, group), putBytes('roster', keyOf.state(ref), encodeState(run.state)), put('roster', keyOf.keyring(ref), [...run.keyring.values()]),
    drop('meta', restoreKey(ref))
  ]);
  memory.close();
  return 'back';
}
