/**
 * What goes out unasked. Envelopes and acks gather during a turn of the event loop: one frame is built for a group and sent to
 * everyone, and each author gets one frame of acks (performance R1).
 */
import { encodeFromRelay, type ReceiptedEntry, type StoredEnvelope } from '../crypto/frames';
import type { Bytes, Hex, MemberTag } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { LIMIT } from '../crypto/limits';
import type { Group } from './group';
import type { LogSession } from './session';

interface Ack { readonly n: number; readonly seq: number; readonly time: number }
/** Envelopes of a group, and who wrote each. */
interface Fresh { readonly stored: StoredEnvelope[]; readonly by: LogSession[] }

/** Acks in one frame. */
const ACKS = 2000;

/** Runs something once the current turn is over. */
export type Turn = (what: () => void) => void;

export class Fanout {
  private readonly fresh = new Map<Group, Fresh>();
  private readonly acks = new Map<LogSession, Ack[]>();
  private due = false;

  constructor(private readonly turn: Turn) {}

  /** Acknowledges an envelope to its author and, when it is new, gives it to everyone else. */
  envelope(by: LogSession, stored: StoredEnvelope, isNew: boolean): void {
    const acks = this.acks.get(by);
    if (acks === undefined) this.acks.set(by, [stored]);
    else acks.push(stored);
    if (isNew) {
      const fresh = this.fresh.get(by.group);
      if (fresh === undefined) this.fresh.set(by.group, { stored: [stored], by: [by] });
      else {
        fresh.stored.push(stored);
        fresh.by.push(by);
      }
    }
    if (this.due) return;
    this.due = true;
    this.turn(() => this.flush());
  }

  flush(): void {
    this.due = false;
    for (const g of [...this.fresh.keys()]) this.flushGroup(g);
    for (const s of [...this.acks.keys()]) this.flushAcks(s);
  }

  /** Sends what is waiting for a group, so that what follows cannot overtake it. */
  flushGroup(g: Group): void {
    const fresh = this.fresh.get(g);
    if (fresh === undefined) return;
    this.fresh.delete(g);
    const { stored, by } = fresh;
    const authors = new Set(by);
    // who wrote waits for its ack with more to say: it is served first
    for (const s of authors) {
      if (authors.size > 1 && g.logs.has(s)) for (const f of pages(g, stored.filter((_, i) => by[i] !== s))) s.connection.write(f);
      this.flushAcks(s);
    }
    for (const f of pages(g, stored)) for (const s of g.logs) if (!authors.has(s)) s.connection.write(f);
  }
  flushAcks(s: LogSession): void {
    const items = this.acks.get(s);
    if (items === undefined) return;
    this.acks.delete(s);
    for (let at = 0; at < items.length; at += ACKS) {
      const some = items.slice(at, at + ACKS);
      s.connection.write(encodeFromRelay({ is: 'acks', group: s.group.id, items: some }, 40 + 24 * some.length));
    }
  }

  /** Envelopes that were given back go to everyone, whoever gave them: each takes them by their new places. */
  given(g: Group, stored: readonly StoredEnvelope[]): void {
    this.flushGroup(g);
    for (const f of pages(g, stored)) for (const s of g.logs) s.connection.write(f);
  }

  /** Tells every session but the author's of an entry; an invite that it uses or ends hears of it, and of none after it. */
  entry(g: Group, e: ReceiptedEntry, by: LogSession | null): void {
    this.flushGroup(g);
    const frame = encodeFromRelay({ is: 'entries', re: 0, group: g.id, items: [e], more: false });
    for (const s of g.logs) if (s !== by) s.connection.write(frame);
    for (const s of g.invites) {
      s.connection.write(frame);
      if (g.state.invites.get(hex(s.invite))?.state !== 'pending') g.invites.delete(s);
    }
  }

  /** Sends a frame to every live session of a log, after what is waiting. */
  toAll(g: Group, frame: Bytes): void {
    this.flushGroup(g);
    for (const s of g.logs) this.flushAcks(s);
    for (const s of g.logs) s.connection.write(frame);
  }

  /** Sends a frame to all live sessions of some members, once each. */
  toMembers(g: Group, members: readonly Hex<MemberTag>[], frame: Bytes): void {
    for (const s of g.logs) if (members.includes(s.member)) s.connection.write(frame);
  }
}

/** Pages of at most LIMIT.pageBytes. */
function pages(g: Group, stored: readonly StoredEnvelope[]): Bytes[] {
  const out: Bytes[] = [];
  for (let at = 0; at < stored.length; ) {
    let bytes = 0;
    let end = at;
    for (; end < stored.length && end - at < LIMIT.page; end++) {
      const size = (stored[end] as StoredEnvelope).envelope.length + 32;
      if (end > at && bytes + size > LIMIT.pageBytes) break;
      bytes += size;
    }
    out.push(encodeFromRelay({ is: 'page', re: 0, group: g.id, more: false, prevs: [], items: stored.slice(at, end) }, bytes + 64));
    at = end;
  }
  return out;
}
