/** This person's devices (PROTOCOL §15.5): what each says of itself in its own logs, put together over all groups. */
import * as v from 'valibot';
import { openDeviceName, sealDeviceName } from '$crypto/device-name';
import type { Bytes } from '$crypto/brand';
import { base64url, equal, fromText, hex, toText, unbase64url } from '$crypto/bytes';
import { type Row, rowsOf } from '$crypto/roster/state';
import type { Random } from '$crypto/sodium';
import type { GroupRun } from './group-run';
import { put } from './group-rows';
import type { DeviceView } from './port';
import { maySay, say } from './send';
import type { Change } from '../store/store';

/** Table `meta`: what this person's devices share, and what this one is called. */
export interface PersonRow {
  /** 32 bytes, known to the devices of this person alone. */
  readonly seed: Bytes;
  /** 16 random bytes of this installation, the same in all groups. */
  readonly device: Bytes;
  readonly name: string;
}
/** Table `meta`, key `known/…`: whose a row is, told when it was linked, until it says so itself. */
export interface KnownRow { readonly logPk: Bytes; readonly device: Bytes; readonly name: string }

const PERSON = 'person';
const KNOWN = 'known/';
export const personKey = PERSON;
export const knownKey = (ref: string): string => `${KNOWN}${ref}`;

export const newPerson = (random: Random, name = '', seed = random(32)): PersonRow => ({ seed, device: random(16), name });
export const putPerson = (p: PersonRow): Change => put('meta', PERSON, p);

const DEVICE = 16;
const body = v.object({ device: v.pipe(v.string(), v.check((s) => unbase64url(s)?.length === DEVICE)), name: v.pipe(v.string(), v.maxLength(120)) });

export interface Said { readonly device: string; readonly name: string }

/** What a row says of itself; null when it said nothing that these devices can read. */
export function said(run: GroupRun, person: PersonRow, row: Row): Said | null {
  const sealed = unbase64url(run.feed.index.devices[String(row.device)] ?? '');
  if (sealed === null || sealed.length === 0) return null;
  const opened = openDeviceName(person.seed, run.row.id, row.logPk, sealed);
  try {
    const parsed = v.safeParse(body, JSON.parse((opened.ok ? toText(opened.value) : null) ?? ''));
    return parsed.success ? { device: hex(unbase64url(parsed.output.device) as Bytes), name: parsed.output.name } : null;
  } catch {
    return null;
  }
}

/** Says in this group's log who writes it, when other devices of the person are there to read it and it does not say so yet. */
export async function sayDevice(run: GroupRun, person: PersonRow): Promise<void> {
  const own = run.ownRow;
  if (own === null || !maySay(run)) return;
  if (rowsOf(run.state, run.me).filter((r) => r.rank === 'ordinary').length < 2) return;
  const now = said(run, person, own);
  if (now?.device === hex(person.device) && now.name === person.name) return;
  // what waits may be an older name: it goes first, and the newest counts
  if (run.outbox.filter((o) => o.record.t === 'device').length > 1) return;
  const plain = fromText(JSON.stringify({ device: base64url(person.device), name: person.name }));
  const s = base64url(sealDeviceName(person.seed, run.row.id, run.keys.logPk, plain, run.around.random));
  await say(run, (at) => ({ ...at, t: 'device', s }));
}

/** A row of this person's in one group, and which device it is. */
export interface OwnedRow { readonly run: GroupRun; readonly row: Row; readonly device: string; readonly name: string; readonly me: boolean }

/** Every ordinary row this person ever had in the groups given. Two rows of one group are never taken for one device, whatever they say. */
export function ownedRows(runs: Iterable<GroupRun>, person: PersonRow, known: readonly KnownRow[]): OwnedRow[] {
  const me = hex(person.device);
  const out: OwnedRow[] = [];
  for (const run of runs) {
    const taken = new Set<string>([me]);
    const rows = [...run.state.rows.values()].filter((r) => r.rank === 'ordinary' && hex(r.member) === run.me);
    // the live ones first: what a device that ended called itself is free again
    for (const row of rows.sort((a, b) => Number(a.end !== null) - Number(b.end !== null) || a.device - b.device)) {
      if (equal(row.logPk, run.keys.logPk)) {
        out.push({ run, row, device: me, name: person.name, me: true });
        continue;
      }
      const told = known.find((k) => equal(k.logPk, row.logPk));
      const its = said(run, person, row) ?? (told === undefined ? null : { device: hex(told.device), name: told.name });
      const device = its === null || taken.has(its.device) ? `${run.ref}.${row.device}` : its.device;
      taken.add(device);
      out.push({ run, row, device, name: its?.name ?? '', me: false });
    }
  }
  return out;
}

/** The list, this device first. `ending`: rows that are to be ended. One that ended is shown when it has a name to be known by. */
export function deviceViews(rows: readonly OwnedRow[], person: PersonRow, ending: ReadonlySet<string>): DeviceView[] {
  const me = hex(person.device);
  const by = new Map<string, OwnedRow[]>([[me, []]]);
  for (const r of rows) by.set(r.device, [...(by.get(r.device) ?? []), r]);
  const views = [...by].map(([device, its]): DeviceView => {
    const live = its.filter((r) => r.row.end === null && r.run.row.ended === null);
    const signs = its.flatMap((r) => r.run.feed.index.signs[String(r.row.device)] ?? []);
    const times = its.map((r) => r.run.entries[r.row.from - 1]?.receipt.time ?? r.run.row.made);
    return {
      device, me: device === me, name: device === me ? person.name : (its.find((r) => r.name !== '')?.name ?? ''),
      added: times.length === 0 ? null : Math.min(...times),
      lastSeen: signs.length === 0 ? null : Math.max(...signs), groups: live.length,
      state: live.some((r) => ending.has(hex(r.row.logPk))) ? 'ending' : device === me || live.length > 0 ? 'live' : 'ended'
    };
  });
  return views
    .filter((d) => d.state !== 'ended' || d.name !== '')
    .sort((a, b) => Number(b.me) - Number(a.me) || Number(a.state === 'ended') - Number(b.state === 'ended') || (a.added ?? 0) - (b.added ?? 0));
}
