/**
 * What waits beside a group's feed (requests, answers, wants for keys), as the sessions of this relay were told of it: what came in at
 * another relay is told here once, as if it had come in here.
 */
import type { Bytes } from '../crypto/brand';
import { EMPTY, equal, hex } from '../crypto/bytes';
import { encodeFromRelay, type MailedRequest } from '../crypto/frames';
import { isLive, mindersOf, rowByDevice } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import type { Fork } from './log';

/** A want that was told of, and the number of the newest answer that its device was given. */
interface ToldWant { readonly want: Bytes; at: number }
export interface Told {
  /** By invite and id. */
  requests: Map<string, MailedRequest>;
  /** By device. */
  wants: Map<number, ToldWant>;
}
export const nothingTold = (): Told => ({ requests: new Map(), wants: new Map() });

/** Tells sessions here what came or went since; `failed` hears that the store did not answer, so that it has to be asked again. */
export function tell(h: House, group: Group, told: Told, failed: () => void): void {
  requests(h, group, told, failed);
  answers(h, group);
  wants(h, group, told, failed);
  forks(h, group, failed);
}

/** Everybody hears that the relay signed another entry for a place (PROTOCOL §11.6). */
function forks(h: House, group: Group, failed: () => void): void {
  h.log.call('forks', { g: group.g }, (r) => {
    if (!r.ok) return failed();
    for (const f of r.value) showFork(h, group, f);
  });
}
/** Shows a proof to the sessions here, once. */
export function showFork(h: House, group: Group, { item, time }: Fork): void {
  const { seq } = item.receipt;
  if (group.shown.get(seq) === time) return;
  group.shown.set(seq, time);
  h.fanout.entry(group, item, null);
}

/** Members hear of requests that came or went. */
function requests(h: House, group: Group, told: Told, failed: () => void): void {
  const pending = [...group.state.invites.values()].filter((i) => i.state === 'pending');
  if (pending.length === 0) return;
  h.log.call('requests', { g: group.g, invites: pending.map((i) => i.invite) }, (r) => {
    if (!r.ok) return failed();
    const now = new Map(r.value.map((m) => [`${hex(m.invite)} ${hex(m.request)}`, m]));
    const gone = [...told.requests].filter(([key]) => !now.has(key)).map(([, m]) => ({ ...m, body: EMPTY }));
    for (const m of [...[...now].filter(([key]) => !told.requests.has(key)).map(([, m]) => m), ...gone]) {
      const invite = group.state.invites.get(hex(m.invite));
      const frame = encodeFromRelay({ is: 'requests', re: 0, group: group.id, items: [m] });
      h.fanout.toMembers(group, invite === undefined ? [] : mindersOf(group.state, invite), frame);
    }
    told.requests = now;
  });
}

/** Joiners hear what was answered. */
function answers(h: House, group: Group): void {
  for (const i of group.invites) {
    for (const request of i.asked.values()) {
      h.log.call('answer', { g: group.g, invite: i.invite, request }, (r) => {
        if (r.ok && r.value !== null) i.connection.send({ is: 'answer', re: 0, group: group.id, request, body: r.value });
      });
    }
  }
}

/** Others hear of a want (PROTOCOL §10.1), its own device of the answers. */
function wants(h: House, group: Group, told: Told, failed: () => void): void {
  h.log.call('wants', { g: group.g }, (r) => {
    if (!r.ok) return failed();
    const before = told.wants;
    told.wants = new Map();
    for (const { device, want, answers: count } of r.value) {
      const row = rowByDevice(group.state, device);
      if (row === null || !isLive(row)) continue;
      const known = before.get(device);
      const isTold = known !== undefined && equal(known.want, want);
      const now: ToldWant = isTold ? known : { want, at: 0 };
      told.wants.set(device, now);
      if (!isTold) {
        const frame = encodeFromRelay({ is: 'wants', re: 0, group: group.id, items: [{ want, answers: count }] });
        for (const s of group.logs) if (s.device !== device) s.connection.write(frame);
      }
      if (count > 0 && [...group.logs].some((s) => s.device === device)) keys(h, group, device, now);
    }
  });
}

function keys(h: House, group: Group, device: number, want: ToldWant): void {
  h.log.call('keys', { g: group.g, device, after: want.at }, (r) => {
    const last = r.ok ? r.value.items.at(-1) : undefined;
    if (!r.ok || last === undefined || last.at <= want.at) return;
    want.at = last.at;
    const frame = encodeFromRelay({ is: 'keys', re: 0, group: group.id, items: r.value.items, more: false });
    for (const s of group.logs) if (s.device === device) s.connection.write(frame);
    if (r.value.more) keys(h, group, device, want);
  });
}
