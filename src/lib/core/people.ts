/**
 * Who is who (PROTOCOL §15.6): what members say of their person key in their lanes, and the keys whose safety number was compared on this
 * device. Nothing that decides authority looks at any of it.
 */
import type { Bytes, MemberTag, PersonPk } from '$crypto/brand';
import { base64url, hex, unbase64url } from '$crypto/bytes';
import { personKeys, signPerson } from '$crypto/person';
import { liveMembers } from '$crypto/roster/state';
import type { Naming } from '../care/feed';
import { readAs } from '../group/name';
import type { Seen } from '../store/sealed';
import type { Store } from '../store/store';
import type { PersonRow } from './devices';
import type { GroupRun } from './group-run';
import { put, readSeen } from './group-rows';
import type { Recognition } from './port';
import { maySay, say } from './send';

/** Table `meta`: keys that were compared. */
interface VerifiedKey { readonly pk: PersonPk; readonly name: string; readonly at: number }
const ROW = 'verified';

/** Keys that a member named, the newest last. */
export const keysNamed = (run: GroupRun, member: string): readonly Naming[] => run.feed.index.persons[member] ?? [];
export function keyNamed(run: GroupRun, member: string): PersonPk | null {
  const newest = keysNamed(run, member).at(-1);
  return newest === undefined ? null : (unbase64url(newest.k) as Bytes as PersonPk);
}

/** Says in this group who its member is, once somebody is there who could not read it yet. Inside the group's turn. */
export async function sayPerson(run: GroupRun, person: PersonRow): Promise<void> {
  if (!maySay(run)) return;
  const others = liveMembers(run.state).filter((m) => hex(m.tag) !== run.me);
  if (others.length === 0 || run.outbox.some((o) => o.record.t === 'person')) return;
  const keys = personKeys(person.seed);
  const newest = keysNamed(run, run.me).at(-1);
  if (newest?.k === base64url(keys.pk) && others.every((m) => m.horizon <= newest.epoch)) return;
  const s = base64url(signPerson(keys, run.row.id, run.row.tag as MemberTag));
  await say(run, (at) => ({ ...at, t: 'person', k: base64url(keys.pk), s }));
}

export class Verified {
  private keys: readonly VerifiedKey[] = [];

  constructor(private readonly store: () => Store) {}

  load(meta: Seen): void {
    this.keys = readSeen<readonly VerifiedKey[]>(meta, ROW) ?? [];
  }
  forget(): void {
    this.keys = [];
  }
  find(pk: Bytes): VerifiedKey | null {
    return this.keys.find((k) => hex(k.pk) === hex(pk)) ?? null;
  }
  /** Whether a person of this name was compared who has another key. */
  isNameOfAnother(name: string, pk: Bytes): boolean {
    const same = this.keys.filter((k) => sameName(k.name, name));
    return same.length > 0 && !same.some((k) => hex(k.pk) === hex(pk));
  }
  mark(pk: PersonPk, name: string, at: number): Promise<void> {
    return this.keep([...this.without(pk), { pk, name, at }]);
  }
  unmark(pk: PersonPk): Promise<void> {
    return this.keep(this.without(pk));
  }
  private without(pk: PersonPk): VerifiedKey[] {
    return this.keys.filter((k) => hex(k.pk) !== hex(pk));
  }
  private async keep(keys: readonly VerifiedKey[]): Promise<void> {
    await this.store().commit([put('meta', ROW, keys)]);
    this.keys = keys;
  }
}

/** Whether people would read two names as one. */
export const sameName = (a: string, b: string): boolean => readAs(a) === readAs(b);

/** What can be said of who a member is. `runs` are all groups of this device. */
export function recognise(run: GroupRun, member: string, name: string, verified: Verified, runs: Iterable<GroupRun>): Recognition {
  const named = keysNamed(run, member);
  const pk = keyNamed(run, member);
  if (pk === null) return { state: 'unsaid', at: null, also: [] };
  const k = base64url(pk);
  const also = [...runs].filter((r) => r !== run && r.row.ended === null && liveMembers(r.state).some((m) => hex(m.tag) !== r.me && keysNamed(r, hex(m.tag)).at(-1)?.k === k)).map((r) => r.shown.group.name);
  const found = verified.find(pk);
  if (found !== null) return { state: 'verified', at: found.at, also };
  return { state: named.length > 1 ? 'changed' : verified.isNameOfAnother(name, pk) ? 'other' : 'seen', at: null, also };
}
