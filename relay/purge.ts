/**
 * The end of a group for everyone (PROTOCOL §9.2): once its grace is over all that is kept of it goes, and what stays is a signed receipt of
 * that, for whoever comes with a key of it. Cut short anywhere, the next time goes on.
 */
import type { BlobId, Bytes, GroupId } from '../crypto/brand';
import { EMPTY, equal, hex } from '../crypto/bytes';
import { encodeReceipt, readReceipt, type Receipt, signDestroyed, verifyDestroyed } from '../crypto/receipt';
import { DESTROY_GRACE, isDestroyed } from '../crypto/roster/rules';
import { chainHead } from '../crypto/roster/state';
import { leadsTo } from '../crypto/turn';
import { decode } from '../crypto/wire';
import type { Blobs } from './blobs';
import { endSession } from './ended';
import type { Group } from './group';
import { waitsFor } from './healing';
import type { House } from './house';
import { ask, type Calls, type Tomb } from './log';
import { receiptOf } from './log-entries';
import type { Connection } from './session';
import { keyOf, ownKeys } from './signer';
import type { Tombs } from './tombs';

/** How many groups were destroyed, and how many could not be yet: restored and still waiting for what was lost, or the store did not answer. */
export interface Purged { readonly destroyed: number; readonly waiting: number }
type Buried = Calls['purge'][1];

/** `kept`: the tombs in this relay's own folder, of a store that it shares. */
export async function purge(h: House, blobs: Blobs, kept: Tombs | null): Promise<Purged> {
  const due = await ask(h.log, 'doomed', { before: h.clock() - DESTROY_GRACE });
  let destroyed = 0;
  let waiting = 0;
  for (const { g, group } of due.ok ? due.value : []) {
    const tomb = await buryNow(h, g, group);
    if (tomb === null || !(await clear(h, blobs, g, tomb.blobs))) waiting++;
    else destroyed++;
  }
  if (kept !== null) await remember(h, blobs, kept);
  return { destroyed, waiting };
}

/** The folder learns of what is in the store, and the store of what it lost: what was destroyed since the backup it was restored from is destroyed again. */
async function remember(h: House, blobs: Blobs, kept: Tombs): Promise<void> {
  const own = kept.read();
  const had = own.size;
  const lost = new Map(own);
  for (let after: Bytes = EMPTY, more = true; more; ) {
    const page = await ask(h.log, 'tombs', { after });
    if (!page.ok) return;
    for (const t of page.value.items) {
      own.set(hex(t.group), t);
      lost.delete(hex(t.group));
      after = t.group;
    }
    more = page.value.more;
  }
  // its own word alone counts, whatever came into the file
  for (const t of lost.values()) if (isOwn(h, t)) await buryAgain(h, blobs, t);
  if (own.size > had) await kept.write(own);
}

function isOwn(h: House, { group, tomb }: Tomb): boolean {
  const read = decode(tomb, readReceipt);
  if (!read.ok || !verifyDestroyed(group, read.value)) return false;
  const by = read.value.relayPk;
  return ownKeys(h).some((k) => equal(k.pk, by)) || leadsTo(h.keys.turns ?? [], by, h.keys.pk);
}

async function buryAgain(h: House, blobs: Blobs, { group: id, tomb }: Tomb): Promise<void> {
  const group = await new Promise<Group | null | 'unavailable'>((done) => h.groups.with(id, done));
  if (group === 'unavailable') return;
  if (group === null) return void (await ask(h.log, 'putTomb', { group: id, tomb }));
  const buried = await new Promise<Buried | null>((then) => group.alone((done) => bury(h, group, tomb, (b) => (done(), then(b)))));
  if (buried !== null) await clear(h, blobs, group.g, buried.blobs);
}

/** Null when its time has not come, whatever the store noted. */
async function buryNow(h: House, g: number, id: GroupId): Promise<Buried | null> {
  const group = await new Promise<Group | null | 'unavailable'>((done) => h.groups.with(id, done));
  if (group === 'unavailable') return null;
  if (group === null) {
    // it was cut short before the attachments were gone
    const tomb = await ask(h.log, 'tomb', id);
    if (!tomb.ok || tomb.value === null) return null;
    const again = await ask(h.log, 'purge', { g, group: id, tomb: tomb.value });
    return again.ok ? again.value : null;
  }
  return new Promise((buried) =>
    group.alone((done) => {
      const end = (tomb: Buried | null): void => {
        done();
        buried(tomb);
      };
      h.follow.renew(group, (isRead) => {
        const now = h.clock();
        // a restored store may have lost that the end was called off: first it hears what devices have
        if (!isRead || !isDestroyed(group.state, now) || waitsFor(group, now) > 0) return end(null);
        const { seq } = group.state;
        const by = keyOf(h, group) ?? h.keys;
        const receipt = signDestroyed(id, { relayPk: by.pk, incarnation: h.incarnation, seq, chain: chainHead(group.state), time: Math.max(now, group.state.time) }, by.sk);
        bury(h, group, encodeReceipt(receipt), end);
      });
    })
  );
}

function bury(h: House, group: Group, tomb: Bytes, then: (buried: Buried | null) => void): void {
  h.log.call('purge', { g: group.g, group: group.id, tomb }, (r) => {
    if (r.ok) tellDestroyed(h, group, receiptOf(r.value.tomb));
    then(r.ok ? r.value : null);
  });
}

/** Whether all attachments are gone; those that could not be deleted are tried again the next time. */
async function clear(h: House, blobs: Blobs, g: number, ids: readonly BlobId[]): Promise<boolean> {
  const gone: BlobId[] = [];
  for (const id of ids) if (await blobs.drop(g, id)) gone.push(id);
  const r = await ask(h.log, 'buried', { g, blobs: gone });
  return r.ok && gone.length === ids.length;
}

/** Every session of the group hears of it and is none any more. */
function tellDestroyed(h: House, group: Group, receipt: Receipt): void {
  h.groups.forget(group);
  h.fanout.flushGroup(group);
  for (const s of [...group.logs]) {
    h.fanout.flushAcks(s);
    // no entry ended its row; what it has asked meanwhile is answered by nothing that was
    s.gone = 0;
    endSession(h, s);
    s.connection.logs.delete(group.key);
    s.connection.send({ is: 'destroyed', re: 0, group: group.id, receipt });
  }
  for (const s of [...group.invites]) {
    s.connection.invites.delete(group.key);
    group.invites.delete(s);
    h.follow.depart(group);
    s.connection.send({ is: 'destroyed', re: 0, group: group.id, receipt });
  }
  h.follow.changed(group);
}

/** Another relay may have destroyed a group that is in memory here. */
export function lookForTomb(h: House, group: Group): void {
  h.log.call('tomb', group.id, (r) => {
    if (r.ok && r.value !== null && h.groups.get(group.id) === group) tellDestroyed(h, group, receiptOf(r.value));
  });
}

/** Answers for a group that is not here: with what is left of it, or that it never was. */
export function answerUnknown(h: House, c: Connection, f: { readonly re: number; readonly group: GroupId }): void {
  h.log.call('tomb', f.group, (r) => {
    if (!r.ok) c.refuse(f.re, f.group, 'unavailable');
    else if (r.value === null) c.refuse(f.re, f.group, 'unknown-group');
    else c.send({ is: 'destroyed', re: f.re, group: f.group, receipt: receiptOf(r.value) });
  });
}
