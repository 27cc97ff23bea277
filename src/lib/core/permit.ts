/** The permit on this device (PROTOCOL §11.8): kept from when its person typed it until the relay says that it is over; shown only to a relay that asks. */
import type { Permit } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import type { Seen } from '../store/sealed';
import type { Store } from '../store/store';
import { put, readSeen } from './group-rows';
import type { PermitView } from './port';

/** Table `meta`. `isAsked`: when a group was last begun, or tried, the relay wanted one. */
interface PermitRow { readonly permit: Permit | null; readonly isAsked: boolean }
const ROW = 'permit';
const NONE: PermitRow = { permit: null, isAsked: false };

export class HeldPermit {
  private row = NONE;

  constructor(private readonly store: () => Store, private readonly changed: () => void) {}

  load(meta: Seen): void {
    this.row = readSeen<PermitRow>(meta, ROW) ?? NONE;
  }
  forget(): void {
    this.row = NONE;
  }
  get now(): Permit | null {
    return this.row.permit;
  }
  get view(): PermitView {
    return this.row.permit !== null ? 'held' : this.row.isAsked ? 'asked' : 'free';
  }
  hold(permit: Permit): Promise<void> {
    return this.keep({ ...this.row, permit });
  }
  /** The relay let a group begin without one, or wanted to see one. */
  async asked(isAsked: boolean): Promise<void> {
    if (isAsked !== this.row.isAsked) await this.keep({ ...this.row, isAsked });
  }
  /** This one is over; one that was typed meanwhile is not. */
  async drop(permit: Permit): Promise<void> {
    if (this.row.permit !== null && equal(permit, this.row.permit)) await this.keep({ ...this.row, permit: null });
  }

  private async keep(row: PermitRow): Promise<void> {
    await this.store().commit([put('meta', ROW, row)]);
    this.row = row;
    this.changed();
  }
}
