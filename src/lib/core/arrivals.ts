/** Groups on their way to this device, restored with the recovery phrase (PROTOCOL §17.4) or added by another device (§18.3): tried until each is here, over or given up. */
import { equal, hex } from '$crypto/bytes';
import { LABEL } from '$crypto/labels';
import { deviceClaimBody } from '$crypto/roster/entry';
import { sign } from '$crypto/verify';
import type { Seen } from '../store/sealed';
import type { Change } from '../store/store';
import type { Core, CorePorts } from './core';
import { GroupRun } from './group-run';
import { deviceKeys, drop, type GroupRow, put, read, readAllSeen } from './group-rows';
import type { ClaimedRow, OfferedGroup } from './link-words';
import { awaitGroup, awaitKey, type AwaitRow, type RecoveryItem, type Restored, restoreGroup, restoreKey, type RestoreRow } from './restore';

const RETRY = 5_000;
const DAY = 86_400_000;
/** A linked device looks often, as its person waits beside it; the longer it has waited the more seldom. */
const AWAIT_RETRY = 2_000;
const AWAIT_RETRY_MOST = 600_000;
const AWAIT_PART = 60;
/** The device that is to add this one may be away for long; the keys are kept for it (§18.3). */
const AWAIT_FOR = 180 * DAY;
/** After so long a group that its relay knows nothing of was never one; its items stay in the vault. */
const RESTORE_FOR = 7 * DAY;

/** Fresh keys for a group that another device of this person offered. */
export function awaiting({ id, relayPk, tag, adder }: OfferedGroup, { random, clock }: Pick<CorePorts, 'random' | 'clock'>): AwaitRow {
  return { id, relayPk, tag, adder, logSeed: random(32), kemSeed: random(32), since: clock() };
}
/** What that device needs of them to add the row. */
export function claimOf(row: AwaitRow): ClaimedRow {
  const { logPk, kemPk: kem, logSk } = deviceKeys(row);
  return { id: row.id, logPk, kem, claim: sign(LABEL.deviceClaim, deviceClaimBody(row.id, row.tag, row.adder, { logPk, kem, rank: 'ordinary' }), logSk) };
}

export class Arrivals {
  readonly restores = new Map<string, RestoreRow>();
  readonly awaited = new Map<string, AwaitRow>();
  /** Those to be restored that the relay knows nothing of, as it last said. */
  private readonly unknown = new Set<string>();
  private bringing: Promise<number> | null = null;
  private again: (() => void) | null = null;

  constructor(private readonly core: Core) {}

  load(meta: Seen): void {
    for (const { key, value } of readAllSeen<RestoreRow>(meta, restoreKey(''))) this.restores.set(key.slice(restoreKey('').length), value);
    for (const { key, value } of readAllSeen<AwaitRow>(meta, awaitKey(''))) this.awaited.set(key.slice(awaitKey('').length), value);
  }
  forget(): void {
    this.restores.clear();
    this.awaited.clear();
    this.unknown.clear();
  }
  /** How many are to be waited for. */
  get count(): number {
    return this.restoring + this.awaitedSoon;
  }
  /** Those that come by the phrase, and of which the relay knows. */
  get restoring(): number {
    return [...this.restores.keys()].filter((ref) => !this.unknown.has(ref)).length;
  }
  /** Those that another device was asked for within a day; later ones come unannounced. */
  get awaitedSoon(): number {
    return [...this.awaited.values()].filter((a) => this.ageOf(a) < DAY).length;
  }
  private ageOf({ since }: AwaitRow): number {
    return Math.abs(this.core.ports.clock() - since);
  }
  get isEmpty(): boolean {
    return this.restores.size + this.awaited.size === 0;
  }
  /** Whether an offered group is on its way by the phrase, or asked of the device that offers it. */
  has({ id, adder }: OfferedGroup): boolean {
    return [...this.awaited.values()].some((a) => equal(a.id, id) && equal(a.adder, adder)) || [...this.restores.values()].some((r) => r.items.some((i) => equal(i.id, id)));
  }
  /** What is to be kept of an offered group, and under which `ref`: one that was asked of another device is asked of this one with the same keys, so that it comes once. */
  asked(g: OfferedGroup): { readonly ref: string; readonly row: AwaitRow } {
    const fresh = awaiting(g, this.core.ports);
    const [ref, before] = [...this.awaited].find(([, a]) => equal(a.id, g.id)) ?? [this.core.newRef(), fresh];
    return { ref, row: { ...fresh, logSeed: before.logSeed, kemSeed: before.kemSeed } };
  }
  /** Rows that remember which groups to bring back, so that neither a crash nor a lost connection forgets one. */
  restoreRows(items: readonly RecoveryItem[], endOthers: boolean): Change[] {
    const { random, clock } = this.core.ports;
    const byGroup = new Map<string, RecoveryItem[]>();
    for (const i of items) byGroup.set(hex(i.id), [...(byGroup.get(hex(i.id)) ?? []), i]);
    return [...byGroup.values()].map((its) => put('meta', restoreKey(this.core.newRef()), { items: its, logSeed: random(32), kemSeed: random(32), endOthers, since: clock() } satisfies RestoreRow));
  }

  /** Tries each once, and again later what is left; a second call waits for the first. How many came. */
  bring(): Promise<number> {
    return (this.bringing ??= this.bringEach().finally(() => {
      this.bringing = null;
    }));
  }
  private async bringEach(): Promise<number> {
    const { core } = this;
    const [around, store] = [core.around(), core.needStore()];
    let back = 0;
    let isLater = false;
    for (const [ref, row] of [...this.restores]) {
      const outcome = await this.brought(ref, await restoreGroup(ref, row, around, store), row.since + RESTORE_FOR, restoreKey);
      if (outcome === 'back') back++;
      if (outcome === 'unknown') this.unknown.add(ref);
      else this.unknown.delete(ref);
      isLater ||= outcome === 'later';
      if (core.out !== null) return back;
    }
    for (const [ref, row] of [...this.awaited]) {
      // it came another way, as by an invite
      const isHere = core.isHere(row.id);
      const outcome = await this.brought(ref, isHere ? 'unknown' : await awaitGroup(ref, row, around, store), isHere ? 0 : row.since + AWAIT_FOR, awaitKey);
      if (outcome === 'back') back++;
      if (core.out !== null) return back;
    }
    core.views.touch('home', null);
    core.views.touch('app', null);
    core.views.touch('devices', null);
    core.linking.progress();
    // the sessions of other rows end with the connection; the new devices prove themselves on a fresh one
    if (back > 0) core.link.again();
    const youngest = Math.min(...[...this.awaited.values()].map((a) => this.ageOf(a)));
    const wait = Math.min(Math.max(AWAIT_RETRY, Math.min(AWAIT_RETRY_MOST, youngest / AWAIT_PART)), isLater ? RETRY : Infinity);
    this.again?.();
    this.again = this.awaited.size === 0 && !isLater ? null : core.ports.later(wait, () => core.out === null && core.link.state === 'online' && void this.bring().catch((e: unknown) => core.failed(e)));
    return back;
  }
  /** What becomes of a group on its way: here, over, or still to be waited for; one that the relay knows nothing of is given up after a time. */
  private async brought(ref: string, outcome: Restored, until: number, key: (ref: string) => string): Promise<Restored> {
    const { core } = this;
    if (outcome === 'later' || (outcome === 'unknown' && core.ports.clock() < until)) return outcome;
    if (outcome === 'unknown') await core.needStore().commit([drop('meta', key(ref))]);
    this.restores.delete(ref);
    this.awaited.delete(ref);
    const kept = outcome === 'back' ? await read<GroupRow>(core.needStore(), 'group', ref) : null;
    if (kept !== null) core.groups.set(ref, await GroupRun.open(ref, kept, core.around()));
    core.views.touch('home', null);
    return outcome;
  }
}
