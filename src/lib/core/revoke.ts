/** Putting a lost device out (PROTOCOL §9, R10): in every group it is in, kept and tried again until it is done; nobody else has to agree. */
import type { Bytes, LogPk } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { decodeEntry } from '$crypto/roster/entry';
import { rowOf } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import type { Store } from '../store/store';
import { changeRoster, planRevoke } from './change';
import type { GroupRun } from './group-run';
import { drop, put, readAllSeen } from './group-rows';

/** Table `meta`, key `revoke/ref/…`: a row that is to end. */
interface RevokeRow { readonly logPk: Bytes }
const PREFIX = 'revoke/';
/** Table `meta`, key `lost/device`: one that is to end wherever it is found, in groups that come later too. */
const LOST = 'lost/';

export class Revocations {
  /** By hex of the log key. */
  private readonly rows = new Map<string, { readonly key: string; readonly ref: string; readonly logPk: LogPk }>();

  private readonly lost = new Set<string>();

  constructor(private readonly store: () => Store, private readonly newRef: () => string) {}

  load(meta: Seen): void {
    for (const { key, value } of readAllSeen<RevokeRow>(meta, PREFIX)) {
      this.rows.set(hex(value.logPk), { key, ref: key.split('/')[1] as string, logPk: value.logPk as LogPk });
    }
    for (const { key } of readAllSeen<true>(meta, LOST)) this.lost.add(key.slice(LOST.length));
  }
  isLost(device: string): boolean {
    return this.lost.has(device);
  }
  get pending(): ReadonlySet<string> {
    return new Set(this.rows.keys());
  }
  /** Notes which device is lost, and its rows. */
  async lose(device: string, its: readonly { readonly ref: string; readonly logPk: LogPk }[]): Promise<void> {
    await this.store().commit([put('meta', `${LOST}${device}`, true)]);
    this.lost.add(device);
    await this.add(its);
  }
  /** Notes rows before anything is sent, so that neither a crash nor a lost connection forgets one. */
  private async add(its: readonly { readonly ref: string; readonly logPk: LogPk }[]): Promise<void> {
    const fresh = its.filter((r) => !this.rows.has(hex(r.logPk))).map((r) => ({ ...r, key: `${PREFIX}${r.ref}/${this.newRef()}` }));
    if (fresh.length === 0) return;
    await this.store().commit(fresh.map((r) => put('meta', r.key, { logPk: r.logPk } satisfies RevokeRow)));
    for (const r of fresh) this.rows.set(hex(r.logPk), r);
  }
  forget(): void {
    this.lost.clear();
    this.rows.clear();
  }
  /** Ends what is to end in this group, `its` rows among it; whether all of it has. Called inside the group's turn. */
  async settle(run: GroupRun, its: readonly LogPk[]): Promise<boolean> {
    await this.add(its.map((logPk) => ({ ref: run.ref, logPk })));
    for (const [logPk, r] of [...this.rows]) {
      if (r.ref !== run.ref) continue;
      const isOver = (): boolean => run.row.ended !== null || (rowOf(run.state, r.logPk)?.end ?? null) !== null;
      if (!isOver()) await changeRoster(run, planRevoke(r.logPk));
      if (!isOver()) return false;
      await this.store().commit([drop('meta', r.key)]);
      this.rows.delete(logPk);
    }
    return true;
  }
}

/**
 * Whether this device was put out by another row of its own person. It is believed only of the receipted roster, which nobody but such a
 * row can have written it into; GONE alone, or any other end, is none.
 */
export function wasRevoked(run: GroupRun): boolean {
  const end = run.ownRow?.end ?? null;
  const entry = end === null ? undefined : run.entries[end.seq - 1];
  const d = entry === undefined || entry.void ? null : decodeEntry(entry.entry);
  return d !== null && d.ok && d.value.body.kind === 'device-revoke' && !equal(d.value.author, run.keys.logPk);
}
