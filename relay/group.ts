/** A group as the relay has it in memory: the roster's state, who listens, and one change of the roster at a time. */
import type { GroupId, Hex, MemberTag, RelayPk } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { fold } from '../crypto/roster/fold';
import { decodeState, type RosterState } from '../crypto/roster/state';
import type { Loaded, Log } from './log';
import type { Left } from './quota';
import type { InviteSession, LogSession } from './session';

export class Group {
  readonly key: Hex<GroupId>;
  readonly g: number;
  state: RosterState;
  readonly logs = new Set<LogSession>();
  readonly invites = new Set<InviteSession>();
  /** Device → time until which its log may not grow. */
  readonly held = new Map<number, number>();
  /** Device → numbers of which the store never said whether they were stored: if they were, nobody else has them yet. */
  readonly unheard = new Map<number, { readonly from: number; readonly to: number }>();
  private forks: Map<number, number> | undefined;
  private uses: Map<string, Promise<number | null>> | undefined;
  /** What its quota leaves; null before it was asked. */
  left: Left | null = null;
  /** Who waits for that; null when it is not being asked. */
  asking: (() => void)[] | null = null;
  /** Frames under way that will use the group: it stays in memory. */
  pins = 0;
  /** The relay's key that receipts its entries. */
  signer: RelayPk;
  /** Seq of the newest entry of an earlier life of the store, and who has shown what that life gave it; null when nothing is waited for. */
  earlier: number;
  healing: { readonly since: number; readonly shown: Set<number> } | null;
  private busy = false;
  private readonly waiting: (() => void)[] = [];

  /** From what the store says of it. Throws when that contradicts itself. */
  constructor(readonly id: GroupId, l: Loaded) {
    this.key = hex(id);
    this.g = l.g;
    this.state = stateOf(l);
    this.signer = l.signer;
    this.earlier = l.earlier;
    this.healing = l.healing === null ? null : { since: l.healing.since, shown: new Set(l.healing.shown) };
  }

  /** Runs `f` now, or after the roster change under way. */
  run(f: () => void): void {
    if (this.busy) this.waiting.push(f);
    else f();
  }
  /** Runs `f` as the only one; everyone else waits until it calls `done`. */
  alone(f: (done: () => void) => void): void {
    this.run(() => {
      this.busy = true;
      f(() => {
        this.busy = false;
        while (!this.busy) {
          const next = this.waiting.shift();
          if (next === undefined) return;
          next();
        }
      });
    });
  }
  /** Seq → when proof that the relay signed another entry there was shown. Most groups never have one. */
  get shown(): Map<number, number> {
    return (this.forks ??= new Map());
  }
  /** Invite → seq of the entry that used it, as far as somebody asked. Most groups never need it. */
  get used(): Map<string, Promise<number | null>> {
    return (this.uses ??= new Map());
  }
  get isIdle(): boolean {
    return this.logs.size === 0 && this.invites.size === 0 && this.pins === 0 && !this.busy;
  }
  /** Live sessions of a member's devices. */
  sessionsOf(member: Hex<MemberTag>): LogSession[] {
    return [...this.logs].filter((s) => s.member === member);
  }
}

/** The state that a checkpoint and the entries after it amount to. */
function stateOf(l: Loaded): RosterState {
  const read = decodeState(l.state);
  if (!read.ok) throw new Error('a stored roster state cannot be read');
  return l.after.reduce((s, e) => fold(s, e.entry, e.receipt.time, e.receipt.relayPk).state, read.value);
}

/** The groups in use, loaded once however many ask. */
export class Groups {
  private readonly groups = new Map<string, Group>();
  private readonly loading = new Map<string, ((g: Group | null | 'unavailable') => void)[]>();

  constructor(private readonly log: Log, private readonly most: number) {}

  get(id: GroupId): Group | null {
    return this.groups.get(hex(id)) ?? null;
  }

  with(id: GroupId, then: (g: Group | null | 'unavailable') => void): void {
    const key = hex(id);
    const there = this.groups.get(key);
    if (there !== undefined) return then(there);
    const others = this.loading.get(key);
    if (others !== undefined) return void others.push(then);
    const waiting = [then];
    this.loading.set(key, waiting);
    this.log.call('load', id, (r) => {
      this.loading.delete(key);
      const found = this.groups.get(key) ?? (!r.ok ? 'unavailable' : r.value === null ? null : this.keep(new Group(id, r.value)));
      for (const w of waiting) w(found);
    });
  }

  forget(group: Group): void {
    if (this.get(group.id) === group) this.groups.delete(group.key);
  }

  /** Forgets all of them: the store's life is another. */
  clear(): void {
    this.groups.clear();
  }
  get count(): number {
    return this.groups.size;
  }

  private keep(g: Group): Group {
    this.groups.set(g.key, g);
    if (this.groups.size > this.most) for (const old of this.groups.values()) if (this.groups.size > this.most && old !== g && old.isIdle) this.groups.delete(old.key);
    return g;
  }
}
