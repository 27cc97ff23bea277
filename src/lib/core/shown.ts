/** Names and labels of a group, read from the sealed display data of its entries. They decide nothing; unreadable is blank. */
import * as v from 'valibot';
import { hex, toText } from '$crypto/bytes';
import { openDisplay } from '$crypto/display';
import { decodeEntry, type Entry, ROLE } from '$crypto/roster/entry';
import type { RosterState } from '$crypto/roster/state';
import type { Bytes, RosterKey } from '$crypto/brand';
import { asLine } from '../group/name';
import type { EntryRow, GroupRow, GroupShown, KeyringRow, PersonShown } from './group-rows';

const role = v.picklist(['clinician', 'patient', 'family']);
const name = v.pipe(v.string(), v.maxLength(200), v.transform(asLine));
const person = v.object({ name, role, relationship: v.optional(name, '') });
const group = v.object({ name, kind: v.picklist(['team', 'across', 'family', 'one-to-one']) });
const display = v.object({ group: v.optional(group), name: v.optional(name), person: v.optional(person), relationship: v.optional(name) });

export interface Note {
  readonly seq: number;
  readonly at: number;
  readonly what: 'made' | 'joined' | 'came' | 'removed' | 'left' | 'owner' | 'took' | 'renamed' | 'roles' | 'claim' | 'unclaim' | 'ending' | 'unending' | 'relay' | 'upgraded' | 'without';
  /** Member tag, hex. */
  readonly who: string;
  readonly by: string | null;
  readonly name: string | null;
  /** Bits, of `roles`. */
  readonly roles: number | null;
  /** `by` did not own the group then, and spoke for the patient. */
  readonly spoke: boolean;
}
export interface Shown {
  readonly group: GroupShown;
  readonly people: ReadonlyMap<string, PersonShown>;
  /** By invite key, hex. */
  readonly relationships: ReadonlyMap<string, string>;
  readonly notes: readonly Note[];
  /** Epochs whose roster key is not here, and under which somebody or something is named. */
  readonly nameless: ReadonlySet<number>;
}

export const NOTHING_SHOWN: Shown = { group: { name: '', kind: 'team' }, people: new Map(), relationships: new Map(), notes: [], nameless: new Set() };

/** Reads every entry that counted; the keys are those in hand. */
export function shownOf(run: { readonly entries: readonly EntryRow[]; readonly keyring: ReadonlyMap<number, KeyringRow>; readonly row: GroupRow; readonly state: RosterState }): Shown {
  let shown: GroupShown = NOTHING_SHOWN.group;
  const people = new Map<string, PersonShown>();
  const relationships = new Map<string, string>();
  const notes: Note[] = [];
  const nameless = new Set<number>();
  const memberOf = (e: Entry): string => hex(run.state.rows.get(hex(e.author))?.member ?? (new Uint8Array(16) as Bytes));
  let epoch = 1;
  /** As of the entry that is read. */
  let owner = '';
  const speakers = new Set<string>();
  const claims = new Set<number>();
  const all = run.entries.length > 0 ? run.entries.map((e) => ({ bytes: e.entry, void: e.void, at: e.receipt.time })) : run.row.unsent === null ? [] : [{ bytes: run.row.unsent.genesis, void: false, at: run.row.made }];
  for (const item of all) {
    const d = decodeEntry(item.bytes);
    if (item.void || !d.ok) continue;
    const e = d.value;
    const b = e.body;
    if ('rotation' in b && b.rotation !== null) epoch = e.seq;
    const read = 'display' in b ? readDisplay(run.keyring.get(epoch)?.roster, e, b.display) : {};
    if ('display' in b && b.kind !== 'device-add' && b.display.length > 0 && !run.keyring.has(epoch)) nameless.add(epoch);
    const note = (what: Note['what'], who: string, by: string | null, named: string | null = null, roles: number | null = null): void =>
      void notes.push({ seq: e.seq, at: item.at, what, who, by, name: named, roles, spoke: by !== null && by !== owner && speakers.has(by) });
    switch (b.kind) {
      case 'genesis':
        shown = read.group ?? shown;
        people.set(hex(b.member), read.person ?? { name: '', role: 'family', relationship: '' });
        owner = hex(b.member);
        note('made', owner, null);
        break;
      case 'name':
        if (read.name !== undefined) shown = { ...shown, name: read.name };
        note('renamed', memberOf(e), null, read.name ?? null);
        break;
      case 'invite':
      case 'open-invite':
        relationships.set(hex(b.invite), read.relationship ?? '');
        break;
      case 'admit':
        people.set(hex(b.row.member), read.person ?? { name: '', role: 'family', relationship: '' });
        note('joined', hex(b.row.member), memberOf(e));
        break;
      case 'join': {
        const by = run.state.invites.get(hex(b.invite))?.by;
        people.set(hex(b.row.member), read.person ?? { name: '', role: 'family', relationship: '' });
        note('came', hex(b.row.member), by === undefined ? null : hex(by));
        break;
      }
      case 'role':
        if ((b.roles & ROLE.representative) !== 0) speakers.add(hex(b.member));
        else speakers.delete(hex(b.member));
        note('roles', hex(b.member), memberOf(e), null, b.roles);
        break;
      case 'claim-owner':
        if (b.on) claims.add(e.seq);
        note(b.on ? 'claim' : 'unclaim', memberOf(e), null);
        break;
      case 'remove':
        note('removed', hex(b.member), memberOf(e));
        break;
      case 'leave':
        note('left', memberOf(e), null);
        break;
      case 'accept-owner':
        note(claims.has(b.offer) ? 'took' : 'owner', memberOf(e), owner);
        owner = memberOf(e);
        speakers.delete(owner);
        break;
      case 'relay':
        note('relay', memberOf(e), null);
        break;
      case 'upgrade':
        note('upgraded', memberOf(e), null);
        break;
      // invites and offers stand elsewhere while they matter; keys change by themselves; devices and recovery rows are their own person's business
      case 'revoke-invite':
      case 'offer-owner':
      case 'rotate':
      case 'device-add':
      case 'device-revoke':
        break;
      case 'restate-cut':
        note('without', hex(run.state.rows.get(hex(b.cut.logPk))?.member ?? (new Uint8Array(16) as Bytes)), memberOf(e));
        break;
      case 'destroy':
        note(b.on ? 'ending' : 'unending', memberOf(e), null);
        break;
    }
  }
  return { group: shown, people, relationships, notes, nameless };
}

function readDisplay(key: RosterKey | undefined, e: Entry, sealed: Bytes): v.InferOutput<typeof display> {
  if (key === undefined) return {};
  const text = toText(openDisplay(key, { prev: e.prev, seq: e.seq, author: e.author }, sealed));
  if (text === null || text === '') return {};
  try {
    const parsed = v.safeParse(display, JSON.parse(text));
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
