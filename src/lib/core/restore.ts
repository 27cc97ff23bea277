/**
 * Bringing a group to a bare device. With a recovery row (PROTOCOL §17.4): prove the row, fold the roster, open its lockboxes, add this
 * device. Linked by another device (§18.3): wait until the roster shows the row that was asked for. Both end the same way.
 */
import type { Bytes, GroupId, LogPk, MemberTag, RelayPk } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import { verifyDestroyed } from '$crypto/receipt';
import { encodeState, type RosterState, type Row, rowOf, rowsOf } from '$crypto/roster/state';
import { leadsTo } from '$crypto/turn';
import { newVaultKey } from '$crypto/at-rest';
import { memoryDevice } from '../store/memory';
import { openStore } from '../store/sealed';
import { type Change, type Store } from '../store/store';
import { changeRoster, planAddRow, planRevoke } from './change';
import { fetchFeed, fetchLockboxes, fetchRoster } from './fetch';
import { type Around, GroupRun } from './group-run';
import { type DeviceKeys, deviceKeys, drop, type EntryRow, type GroupRow, keyOf, put, putBytes } from './group-rows';
import { proveKey } from './prove';
import { foldReceipted } from './receipted';
import type { VaultItem } from './vault-item';

export type RecoveryItem = Extract<VaultItem, { is: 'group' }>;
/** The keys this device will have in the group, and since when it has tried. */
interface Coming { readonly logSeed: Bytes; readonly kemSeed: Bytes; readonly since: number }
/** Table `meta`, key `restore/ref`: a group on its way back. `endOthers`: its person lost the other devices. */
export interface RestoreRow extends Coming { readonly items: readonly RecoveryItem[]; readonly endOthers: boolean }
/** Table `meta`, key `await/ref`: a group that another device was asked to add this one to. */
export interface AwaitRow extends Coming { readonly id: GroupId; readonly relayPk: RelayPk; readonly tag: MemberTag; readonly adder: LogPk }
export const restoreKey = (ref: string): string => `restore/${ref}`;
export const awaitKey = (ref: string): string => `await/${ref}`;

/** `unknown`: the relay knows of no such row; nothing but time tells whether it ever will. `later`: it did not answer. */
export type Restored = 'back' | 'ended' | 'later' | 'unknown';
type Place = Pick<RecoveryItem, 'id' | 'relayPk' | 'tag'>;

/**
 * Brings one group back under `ref`. Nothing is lost by trying again. Oldest item first: what a thief of a device added comes after what
 * the person did, and a row that ended makes way for a newer one.
 */
export async function restoreGroup(ref: string, row: RestoreRow, around: Around, store: Store): Promise<Restored> {
  let isEnded = false;
  for (const item of row.items) {
    const proven = await proveRecovery(item, around);
    if (proven === 'lost') return 'later';
    // destroyed: nothing of it is left to come back to; whether that is true the person's own eyes tell, as with any group that is withheld
    if (proven === 'gone' || proven === 'destroyed') isEnded = true;
    if (proven === 'proven') {
      const restored = await addDevice(ref, item, row, around, store);
      if (restored !== 'no-recovery') return restored;
    }
  }
  if (!isEnded) return 'unknown';
  await store.commit([drop('meta', restoreKey(ref))]);
  return 'ended';
}

/** Takes up a group under `ref` once the receipted roster shows the row that was asked for, under its person's tag. */
export async function awaitGroup(ref: string, row: AwaitRow, around: Around, store: Store): Promise<Restored> {
  const keys = deviceKeys(row);
  const proven = await prove(row, keys, around);
  if (proven === 'lost' || proven === 'unknown') return proven === 'lost' ? 'later' : 'unknown';
  if (proven === 'gone' || proven === 'destroyed') {
    if (proven === 'gone' && !(await hasEnded(row, keys, around))) return 'later';
    await store.commit([drop('meta', awaitKey(ref))]);
    return 'ended';
  }
  const folded = await foldReceipted(around, row.id, row.relayPk);
  if (folded === null) return 'later';
  const mine = rowOf(folded.state, keys.logPk);
  if (mine?.rank !== 'ordinary' || !equal(mine.member, row.tag)) return 'unknown';
  await keep(ref, row, { ...row, made: around.clock() }, folded, [], store);
  return 'back';
}

/** `gone` is the relay's word alone until the receipted entry that ended the row is here. */
async function hasEnded(at: Place, keys: DeviceKeys, around: Around): Promise<boolean> {
  const folded = await foldReceipted(around, at.id, at.relayPk);
  return folded !== null && (rowOf(folded.state, keys.logPk)?.end ?? null) !== null;
}

async function prove(at: Place, keys: DeviceKeys, around: Around): Promise<'proven' | 'gone' | 'destroyed' | 'unknown' | 'lost'> {
  const { hello } = around.link;
  if (hello !== null && !around.link.speaksFor(at.relayPk)) return 'unknown';
  const f = await proveKey(around, 'log', at.id, { pk: keys.logPk, sk: keys.logSk });
  if (f?.is === 'welcome') return 'proven';
  if (f?.is === 'gone') return 'gone';
  if (f?.is === 'destroyed') return leadsTo(around.link.turns, at.relayPk, f.receipt.relayPk) && verifyDestroyed(at.id, f.receipt) ? 'destroyed' : 'lost';
  // the session of an earlier try still stands on this connection, and what it was to do was refused: on a fresh one it begins anew
  if (f?.is === 'refused' && f.why === 'bad-proof') around.link.again();
  return f?.is === 'refused' && (f.why === 'unknown-log' || f.why === 'unknown-group') ? 'unknown' : 'lost';
}

/** A group as its recovery row sees it, in memory only: nothing of that row's keys touches the disk. Its session must stand. Null when the relay does not answer. */
export async function openRecovery(ref: string, item: RecoveryItem, around: Around): Promise<{ readonly run: GroupRun; end(): void } | 'no-recovery' | null> {
  const { random } = around;
  const folded = await foldReceipted(around, item.id, item.relayPk);
  if (folded === null) return null;
  const recovery = rowOf(folded.state, deviceKeys(item).logPk);
  if (recovery?.rank !== 'recovery' || recovery.end !== null || !equal(recovery.member, item.tag)) return 'no-recovery';
  const own: GroupRow = {
    id: item.id, logSeed: item.logSeed, kemSeed: item.kemSeed, tag: item.tag, made: around.clock(), relayPk: folded.entries.at(-1)?.receipt.relayPk ?? item.relayPk,
    incarnation: folded.entries.at(-1)?.receipt.incarnation ?? 0, unsent: null, ended: null
  };
  const memory = await openStore({ disk: memoryDevice().open(), vaultKey: newVaultKey(random), random });
  await memory.commit([put('group', ref, own), putBytes('roster', keyOf.state(ref), encodeState(folded.state)), ...folded.entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e))]);
  const run = await GroupRun.open(ref, own, { ...around, store: memory, changed: () => undefined, full: () => undefined, failed: () => undefined });
  run.session = 'live';
  if (!(await fetchRoster(run)) || !(await fetchLockboxes(run, true))) return null;
  run.synced = true;
  return {
    run,
    end() {
      run.stopWriting();
      memory.close();
    }
  };
}
/** Opens the session of a recovery row; `gone` only where the row's end is receipted. */
export async function proveRecovery(item: RecoveryItem, around: Around): ReturnType<typeof prove> {
  const keys = deviceKeys(item);
  const proven = await prove(item, keys, around);
  return proven === 'gone' && !(await hasEnded(item, keys, around)) ? 'lost' : proven;
}

async function addDevice(ref: string, item: RecoveryItem, row: RestoreRow, around: Around, store: Store): Promise<Restored | 'no-recovery'> {
  const opened = await openRecovery(ref, item, around);
  if (opened === null || opened === 'no-recovery') return opened ?? 'later';
  const { run } = opened;
  const fresh = deviceKeys(row);
  const others = (): Row[] => rowsOf(run.state, run.me).filter((r) => r.rank === 'ordinary' && !equal(r.logPk, fresh.logPk));
  const isIn = (): boolean => rowOf(run.state, fresh.logPk) !== null;
  const isCrowded = !isIn() && others().length >= LIMIT.devicesPerMember;
  if ((row.endOthers || isCrowded) && !(await endRows(run, others))) return 'later';
  if (!isIn() && (await changeRoster(run, planAddRow(fresh, 'ordinary'))) !== null) return 'later';
  // a thief is quick: whatever it added in between goes too
  if (row.endOthers && !(await endRows(run, others))) return 'later';
  await keep(ref, row, { ...item, made: run.row.made }, run, [...run.keyring.values()], store);
  opened.end();
  return 'back';
}

/** Ends rows of this person one by one until none is left. Their words are fetched first, so that each ends where it really stands. */
async function endRows(run: GroupRun, which: () => readonly Row[]): Promise<boolean> {
  if (which().length > 0 && !(await fetchFeed(run))) return false;
  for (let tries = 0; tries < 4 * LIMIT.devicesPerMember; tries++) {
    const next = which()[0];
    if (next === undefined) return true;
    const fault = await changeRoster(run, planRevoke(next.logPk));
    if (fault !== null && fault !== 'changed-meanwhile') return false;
  }
  return false;
}

/** Writes the group down under this device's own keys. */
async function keep(
  ref: string, own: Coming, at: Place & { readonly made: number }, folded: { readonly state: RosterState; readonly entries: readonly EntryRow[] }, keyring: readonly unknown[], store: Store
): Promise<void> {
  const group: GroupRow = {
    id: at.id, logSeed: own.logSeed, kemSeed: own.kemSeed, tag: at.tag, made: at.made, relayPk: folded.entries.at(-1)?.receipt.relayPk ?? at.relayPk,
    incarnation: folded.entries.at(-1)?.receipt.incarnation ?? 0, unsent: null, ended: null, coming: true
  };
  const rows: Change[] = folded.entries.map((e) => put('roster', keyOf.entry(ref, e.receipt.seq), e));
  for (let i = 0; i < rows.length; i += 100) await store.commit(rows.slice(i, i + 100));
  await store.commit([
    put('group', ref, group), putBytes('roster', keyOf.state(ref), encodeState(folded.state)), put('roster', keyOf.keyring(ref), keyring),
    drop('meta', restoreKey(ref)), drop('meta', awaitKey(ref))
  ]);
}
