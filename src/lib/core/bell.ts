/**
 * The doorbell on this device (PROTOCOL §11.7): where its browser is pushed to, and for which groups. The relay is told in each session, so
 * that one which forgot it has it again; and that a group rings no longer, as soon as it can be told.
 */
import { fromText } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import type { Seen } from '../store/sealed';
import type { Store } from '../store/store';
import type { GroupRun } from './group-run';
import { put, readSeen } from './group-rows';
import type { BellView, Fault, GroupRef } from './port';

/** Table `meta`. `off`: groups whose relay has to hear yet that they ring no longer. */
interface BellRow { readonly place: string | null; readonly on: readonly GroupRef[]; readonly off: readonly GroupRef[] }
const ROW = 'bell';
const NONE: BellRow = { place: null, on: [], off: [] };

export class Bell {
  private row = NONE;
  /** By group: the session, and the place that it was told. */
  private readonly told = new Map<GroupRef, { readonly session: unknown; readonly place: string }>();

  constructor(private readonly store: () => Store, private readonly changed: () => void) {}

  load(meta: Seen): void {
    this.row = readSeen<BellRow>(meta, ROW) ?? NONE;
  }
  forget(): void {
    this.row = NONE;
    this.told.clear();
  }
  /** Of the groups that are here and have not ended. */
  view(groups: Iterable<GroupRun>): BellView {
    const live = [...groups].filter((g) => g.row.ended === null).map((g) => g.ref);
    return { place: this.row.place, groups: this.row.on.filter((ref) => live.includes(ref)) };
  }

  /** From now on this group rings at `place`. Inside the group's turn, as all that follows. */
  async choose(run: GroupRun, place: string): Promise<Fault | null> {
    if (fromText(place).length > LIMIT.place) return 'bad-push';
    const fault = await this.tell(run, place);
    if (fault !== null) return fault;
    await this.keep({ place, on: [...without(this.row.on, run.ref), run.ref], off: without(this.row.off, run.ref) });
    return null;
  }
  /** It rings no longer: said here at once, and to the relay when it is there. */
  async silence(run: GroupRun): Promise<null> {
    if (this.row.on.includes(run.ref)) await this.keep({ ...this.row, on: without(this.row.on, run.ref), off: [...this.row.off, run.ref] });
    await this.settle(run);
    return null;
  }
  /** The browser is pushed to elsewhere; null: nowhere. */
  async move(place: string | null): Promise<void> {
    await this.keep(place === null ? { place, on: [], off: [...this.row.off, ...this.row.on] } : { ...this.row, place });
  }
  /** Tells the relay what it has to hear in this session. */
  async settle(run: GroupRun): Promise<void> {
    const { ref } = run;
    if (run.session !== 'live' || run.row.ended !== null) return;
    if (this.row.off.includes(ref)) {
      const f = await run.around.link.ask({ is: 'drop-bell', group: run.row.id });
      if (f?.is === 'done' && this.row.off.includes(ref)) await this.keep({ ...this.row, off: without(this.row.off, ref) });
    }
    const { place, on } = this.row;
    const told = this.told.get(ref);
    if (place !== null && on.includes(ref) && (told?.session !== run.bearer || told?.place !== place)) await this.tell(run, place);
  }

  private async tell(run: GroupRun, place: string): Promise<Fault | null> {
    const session = run.bearer;
    const f = await run.around.link.ask({ is: 'put-bell', group: run.row.id, place });
    if (f === null) return 'needs-network';
    if (f.is === 'refused' && (f.why === 'no-bell' || f.why === 'bad-place')) return f.why === 'no-bell' ? 'no-doorbell' : 'bad-push';
    if (f.is !== 'done') return 'unavailable';
    this.told.set(run.ref, { session, place });
    return null;
  }
  private async keep(row: BellRow): Promise<void> {
    await this.store().commit([put('meta', ROW, row)]);
    this.row = row;
    this.changed();
  }
}

const without = (refs: readonly GroupRef[], ref: GroupRef): GroupRef[] => refs.filter((r) => r !== ref);
