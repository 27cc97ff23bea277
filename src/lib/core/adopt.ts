/** Rows of another device of this person that are to be added (PROTOCOL §18.3): kept from the claim to the receipt, tried again until done or over. */
import type { Bytes, GroupId, KemPk, LogPk } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import { verifyAddedRow } from '$crypto/roster/entry';
import { rowOf, rowsOf } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import type { Store } from '../store/store';
import { changeRoster, planAdopt } from './change';
import { knownKey, type KnownRow } from './devices';
import type { GroupRun } from './group-run';
import { drop, put, readAllSeen } from './group-rows';
import type { ClaimedRow } from './link-words';

/** Table `meta`, key `adopt/ref/…`. */
interface AdoptRow { readonly ref: string; readonly logPk: LogPk; readonly kem: KemPk; readonly claim: Bytes; readonly until: number }
const PREFIX = 'adopt/';
const FOR = 86_400_000;

export class Adoptions {
  private readonly rows = new Map<string, AdoptRow>();
  /** Groups of the last linking that are done, and those whose eight rows are taken. */
  readonly added = new Set<string>();
  readonly full = new Map<string, GroupId>();

  constructor(private readonly store: () => Store, private readonly clock: () => number, private readonly knows: (row: KnownRow) => void) {}

  load(meta: Seen): void {
    for (const { key, value } of readAllSeen<AdoptRow>(meta, PREFIX)) this.rows.set(key.slice(PREFIX.length), value);
  }
  forget(): void {
    this.rows.clear();
    this.begin();
  }
  /** Another linking begins. */
  begin(): void {
    this.added.clear();
    this.full.clear();
  }
  /** Takes a claim, with whose it is; false when it is none of a new row of this person in this group. */
  async take(run: GroupRun, claimed: ClaimedRow, whose: Pick<KnownRow, 'device' | 'name'>): Promise<boolean> {
    const { logPk, kem, claim } = claimed;
    if (!verifyAddedRow(run.row.id, run.row.tag, run.keys.logPk, { logPk, kem, claim, rank: 'ordinary' })) return false;
    const row: AdoptRow = { ref: run.ref, logPk, kem, claim, until: this.clock() + FOR };
    const key = `${run.ref}/${hex(whose.device).slice(0, 8)}`;
    await this.store().commit([put('meta', `${PREFIX}${key}`, row), put('meta', knownKey(key), { logPk, ...whose } satisfies KnownRow)]);
    this.rows.set(key, row);
    this.knows({ logPk, ...whose });
    return true;
  }
  /** Adds what is to be added; whether nothing is left to do here. Inside the group's turn. */
  async settle(run: GroupRun): Promise<boolean> {
    let isDone = true;
    for (const [key, row] of [...this.rows]) if (row.ref === run.ref && !(await this.settleRow(run, key, row))) isDone = false;
    return isDone;
  }
  private async settleRow(run: GroupRun, key: string, row: AdoptRow): Promise<boolean> {
    const isIn = (): boolean => rowOf(run.state, row.logPk) !== null;
    const isFull = (): boolean => rowsOf(run.state, run.me).filter((r) => r.rank === 'ordinary').length >= LIMIT.devicesPerMember;
    if (!isIn() && !isFull()) await changeRoster(run, planAdopt(row));
    if (isIn()) this.added.add(run.ref);
    else if (isFull()) this.full.set(run.ref, run.row.id);
    else if (this.clock() < row.until && run.row.ended === null) return false;
    await this.store().commit([drop('meta', `${PREFIX}${key}`)]);
    if (this.rows.get(key) === row) this.rows.delete(key);
    return true;
  }
}
