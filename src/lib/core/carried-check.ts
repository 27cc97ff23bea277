/**
 * A history that somebody brought along (PROTOCOL §15.9), checked from its first entry to its last envelope by the rules of any group. It
 * counts as a whole or not at all: what is altered, left out in the middle or put in from elsewhere leaves nothing of it to show.
 */
import { equal, hex } from '$crypto/bytes';
import type { CarriedNote, CarriedPart } from '$crypto/carried';
import { isContentKey, isRosterKey } from '$crypto/epoch';
import { verifyReceipt } from '$crypto/receipt';
import { err, ok, type Result } from '$crypto/result';
import { isEndOf, type Row, rowByDevice, rowOf, type RosterState } from '$crypto/roster/state';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import type { EntryRow, InboxRow, KeyringRow } from './group-rows';
import { epochPlace } from './receive';
import { type Folding, foldMore } from './receipted';

/** `outdated`: written under rules that this app does not know. */
export type CheckFault = 'wrong' | 'outdated';

export interface Checked {
  readonly state: RosterState;
  readonly entries: readonly EntryRow[];
  readonly keyring: readonly KeyringRow[];
  readonly heads: ReadonlyMap<number, LogPlace>;
  readonly envelopes: number;
  /** The relay's two receipts show that it forked the group. */
  readonly isProven: boolean;
  /** Some of it is sealed under a key that is not among these: its bringer had none. */
  readonly lacksKeys: boolean;
}

/** Whether a log goes on, is not there, or is whole up to an end of its (PROTOCOL §5.3). */
export const isAtEnd = (s: RosterState, row: Row, at: LogPlace): boolean => row.end === null || at.n === 0 || isEndOf(s, row, at);

export class CarriedCheck {
  private folding: Folding = { state: null, entries: [] };
  private readonly keyring = new Map<number, KeyringRow>();
  private readonly heads = new Map<number, LogPlace>();
  private parts = 0;
  private envelopes = 0;
  private lacksKeys = false;

  /** `knows`: the newest version of groups that this app can judge. */
  constructor(private readonly note: CarriedNote, private readonly knows: number) {}

  /** The next part: its entries and keys. Its envelopes follow one by one. */
  open(part: CarriedPart): Result<null, CheckFault> {
    if (part.index !== this.parts++) return err('wrong');
    const folded = this.fold(part);
    return !folded.ok || part.keys.every((k) => this.takesKey(k)) ? folded : err('wrong');
  }

  private fold({ entries }: CarriedPart): Result<null, CheckFault> {
    if (entries.length === 0) return ok(null);
    const before = this.folding.entries.length;
    const next = foldMore(this.note.group, this.folding, entries, this.knows);
    if (next.took !== 'all' || next.entries.length !== before + entries.length) return err((next.state?.version ?? 1) > this.knows ? 'outdated' : 'wrong');
    this.folding = next;
    return ok(null);
  }

  /** A key counts only when it matches its commitment (P9), and in its order. */
  private takesKey(k: KeyringRow): boolean {
    const { state, entries } = this.folding;
    const epoch = state?.epochs.find((e) => e.seq === k.epoch);
    const place = epochPlace({ entries }, k.epoch);
    if (epoch === undefined || place === null || this.keyring.has(k.epoch) || entries.length !== this.note.entries || this.envelopes > 0) return false;
    this.keyring.set(k.epoch, k);
    return isRosterKey(place, k.roster, epoch.rosterCommit) && (k.content === null || isContentKey(place, k.content, epoch.contentCommit));
  }

  /** The next envelope, judged, in its place in the feed. */
  judge(e: CarriedPart['envelopes'][number]): Result<InboxRow, CheckFault> {
    const { state, entries } = this.folding;
    const row = state === null ? null : rowByDevice(state, e.device);
    if (state === null || row === null || entries.length !== this.note.entries || this.keyring.size !== this.note.keys) return err('wrong');
    const at = this.heads.get(e.device) ?? LOG_START;
    const j = judgeEnvelope(state, row, at, e.envelope);
    if (j.is === 'held' || j.is === 'refused') return err(j.is === 'held' && j.why === 'version' ? 'outdated' : 'wrong');
    if (j.next.n !== e.n) return err('wrong');
    this.heads.set(e.device, j.next);
    if (j.is === 'accepted' && this.keyring.get(j.envelope.header.epoch)?.content == null) this.lacksKeys = true;
    return ok({ ...e, seq: ++this.envelopes, prev: at.hash, state: j.is === 'accepted' ? 'ok' : 'void' });
  }

  /** After the last part. */
  finish(): Result<Checked, CheckFault> {
    const { note, keyring, heads, envelopes, lacksKeys } = this;
    const { state, entries } = this.folding;
    if (state === null || this.parts !== note.parts.length || entries.length !== note.entries || keyring.size !== note.keys || envelopes !== note.envelopes) return err('wrong');
    // a log that ended is whole up to an end of its, or not here (R9)
    const isWhole = [...state.rows.values()].every((r) => isAtEnd(state, r, heads.get(r.device) ?? LOG_START));
    // whoever brings it along was the owner there, by a device that had not ended
    const by = rowOf(state, note.by);
    const isOwner = by?.rank === 'ordinary' && by.end === null && hex(by.member) === state.owner;
    if (!isWhole || !isOwner || !this.isForkIfSaid()) return err('wrong');
    return ok({ state, entries, keyring: [...keyring.values()].sort((a, b) => a.epoch - b.epoch), heads, envelopes, isProven: note.fork !== null, lacksKeys });
  }

  /** Two receipts of one key, life and place with different chains prove it to anybody (PROTOCOL §7). */
  private isForkIfSaid(): boolean {
    const { fork, group } = this.note;
    if (fork === null) return true;
    const ours = this.folding.entries[fork.seq - 1]?.receipt;
    return ours !== undefined && equal(ours.relayPk, fork.relayPk) && ours.incarnation === fork.incarnation && !equal(ours.chain, fork.chain) && verifyReceipt(group, fork);
  }
}
