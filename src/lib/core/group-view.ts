/** Views of one group, derived from what is in memory. */
import { hex } from '$crypto/bytes';
import { hash, ZERO_HASH } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { ROLE } from '$crypto/roster/entry';
import { CLAIM_WAIT, DESTROY_GRACE } from '$crypto/roster/rules';
import { chainAt, currentEpoch, liveMembers, mayInvite, mayRemove, type Member } from '$crypto/roster/state';
import type { Bytes } from '$crypto/brand';
import { type Amendment, type FeedPost, isLater } from '../care/feed';
import { blobsOf, type PhotoRecord, type PostRecord, postIdOf } from '../care/record';
import { readAs } from '../group/name';
import { noteIn } from './carried-note';
import { lacksRightKey } from './closed';
import type { GroupRun, OutboxItem } from './group-run';
import { isReadByNewer } from './heal';
import { isHeld } from './hold';
import { lostMembers } from './lost';
import { awaitedKey } from './judge';
import { amendmentOf, answersTo, changedOf, COMING, findPost, isChanged, isSeenBy, isUnread, pendingPost, pendingPosts, postsShown, shareHere, unreadOf } from './posts';
import { idNow, shownId } from './renew';
import type { Alarm, Delivery, DraftView, FeedItem, GroupSummary, GroupView, HistoryView, InviteView, NoteItem, PersonRoles, PersonView, PhotoView, PostItem } from './port';
import { staysHere, waitingIn } from './waiting';

const NOBODY = { name: '', role: 'family', relationship: '' } as const;
/** Own posts that the relay has not stored come after everything it has. */
const PENDING = 2 ** 43;

const shownAs = (run: GroupRun, member: string) => run.shown.people.get(member) ?? NOBODY;
export const nameOf = (run: GroupRun, member: string): string => shownAs(run, member).name;

export function groupView(run: GroupRun): GroupView {
  const s = run.state;
  const { offer } = s;
  return {
    group: run.ref,
    ...run.shown.group,
    people: people(run),
    me: run.me,
    iOwn: s.owner === run.me && run.row.ended === null,
    offer: offer === null ? null : { to: offer.to, name: nameOf(run, offer.to), toMe: offer.to === run.me },
    mayInvite: mayInvite(s, run.me) && run.row.ended === null && !run.isHalted && run.permitWanted === null,
    mayRemove: mayRemove(s, run.me) && run.row.ended === null && !run.isHalted,
    claim: s.claim === null ? null : { by: s.claim.by, name: nameOf(run, s.claim.by), mine: s.claim.by === run.me, from: s.claim.at + CLAIM_WAIT },
    invites: invites(run),
    requests: run.requests.map((r) => ({
      request: requestId(r), invite: hex(r.invite), name: r.name, role: r.role, number: r.number, at: r.at,
      relationship: run.shown.relationships.get(hex(r.invite)) ?? '',
      history: s.invites.get(hex(r.invite) as never)?.history ?? 'today'
    })),
    iReadFromStart: (s.members.get(run.me)?.horizon ?? 1) === 1,
    keysChanged: run.entries[currentEpoch(s).seq - 1]?.receipt.time ?? run.row.made,
    ended: run.row.ended ?? (run.alarm === 'fork' ? 'forked' : null),
    outdated: run.row.ended !== null ? null : run.isOutdated ? 'group' : isReadByNewer(run) ? 'log' : null,
    ending: s.destroy === null ? null : { asked: s.destroy.at, from: s.destroy.at + DESTROY_GRACE },
    destroyed: run.row.destroyed?.time ?? null,
    stored: run.stored,
    opening: isOpening(run),
    permit: run.permitWanted,
    waiting: waitingIn(run).waiting,
    alarm: alarmOf(run),
    awaitsKey: awaitedKey(run),
    lost: run.row.ended === null ? lostMembers(run).map((member) => ({ member, name: nameOf(run, member), mine: member === run.me })) : [],
    carried: run.row.carried ?? null,
    history: history(run),
    carrying: run.carrying?.view ?? null,
    noRoom: run.row.ended === null ? (run.noRoom?.of ?? null) : null
  };
}

/** What was brought along to this group, where it is open to this person. */
function history(run: GroupRun): HistoryView | null {
  const note = noteIn(run);
  const member = run.feed.index.carried?.member;
  if (note === null || member === undefined) return null;
  return { by: nameOf(run, member), mine: member === run.me, size: note.parts.reduce((sum, p) => sum + p.size, 0), group: run.around.history(note)?.ref ?? null, reading: run.reading };
}

/** What became of the relay is beside the point where one is out of the group, unless its fork is why. */
const alarmOf = (run: GroupRun): Alarm | null => (run.row.ended === null || run.row.ended === 'forked' ? (run.alarm ?? (lacksRightKey(run) ? 'wrong-key' : null)) : null);

/** Whether something of the group is missing here, as the person is told there. */
export const lacksSomething = (run: GroupRun): boolean => run.row.ended === null && (alarmOf(run) !== null || awaitedKey(run) !== null);

/** Its feed was never read through here: what is not shown may still come. */
export const isOpening = (run: GroupRun): boolean => run.row.coming === true && run.row.ended === null;

export const requestId = (r: { invite: Bytes; request: Bytes }): string => `${hex(r.invite)}.${hex(r.request)}`;

function people(run: GroupRun): PersonView[] {
  const names = new Map<string, number>();
  for (const m of liveMembers(run.state)) {
    const name = readAs(nameOf(run, hex(m.tag)));
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  const came = new Set(run.shown.notes.filter((n) => n.what === 'came').map((n) => n.who));
  const view = (m: Member): PersonView => {
    const tag = hex(m.tag);
    const shown = shownAs(run, tag);
    return {
      member: tag,
      ...shown,
      owner: run.state.owner === tag,
      roles: rolesOf(run.state.roles.get(tag) ?? 0),
      me: tag === run.me,
      since: m.at,
      history: m.horizon === 1 ? 'start' : 'today',
      sameName: m.end === null && (names.get(readAs(shown.name)) ?? 0) > 1,
      mark: markOf(run, m),
      verified: tag === run.me ? null : verifiedAt(run, tag),
      invitedBy: m.invitedBy === null ? null : nameOf(run, hex(m.invitedBy)),
      cameOpen: came.has(tag),
      known: run.around.recognise(run, tag, shown.name),
      vouched: run.around.vouched(run, tag),
      ended: m.end === null ? null : { how: m.end.how, at: m.end.at }
    };
  };
  const all = [...run.state.members.values()].sort((a, b) => a.from - b.from);
  return [...all.filter((m) => m.end === null), ...all.filter((m) => m.end !== null)].map(view);
}
const verifiedAt = (run: GroupRun, member: string): number | null => {
  const times = [...run.state.rows.values()].filter((r) => hex(r.member) === member).flatMap((r) => run.verified.get(r.device) ?? []);
  return times.length === 0 ? null : Math.max(...times);
};
const rolesOf = (bits: number): PersonRoles => ({ host: (bits & ROLE.host) !== 0, successor: (bits & ROLE.successor) !== 0, representative: (bits & ROLE.representative) !== 0 });

/** Four digits to tell two of one name apart: of a hash over the tag, which one may choose, and the chain at the entry that let one in, which nobody can. */
function markOf(run: GroupRun, m: Member): string {
  const h = hash(LABEL.mark, m.tag, chainAt(run.state, m.from) ?? ZERO_HASH);
  return String((((h[0] as number) << 16) | ((h[1] as number) << 8) | (h[2] as number)) % 10_000).padStart(4, '0');
}

function invites(run: GroupRun): InviteView[] {
  const now = run.around.clock();
  return [...run.state.invites.values()]
    .sort((a, b) => b.seq - a.seq)
    .map((i) => ({
      invite: hex(i.invite),
      by: nameOf(run, hex(i.by)),
      relationship: run.shown.relationships.get(hex(i.invite)) ?? '',
      history: i.history,
      expires: i.expires,
      open: i.open,
      mine: hex(i.by) === run.me,
      state: i.state === 'pending' ? (now > i.expires ? 'expired' : 'pending') : i.state === 'void' ? 'voided' : i.state,
      link: i.state === 'pending' ? (run.ownLinks.get(hex(i.invite)) ?? null) : null
    }));
}

export function summary(run: GroupRun): GroupSummary {
  return {
    group: run.ref,
    ...run.shown.group,
    last: newest(run),
    opening: isOpening(run),
    unread: unreadCount(run),
    people: liveMembers(run.state).filter((m) => hex(m.tag) !== run.me).map((m) => nameOf(run, hex(m.tag))),
    requests: run.requests.length,
    offered: run.state.offer?.to === run.me && run.row.ended === null,
    ending: run.state.destroy === null || run.row.ended !== null ? null : run.state.destroy.at + DESTROY_GRACE,
    outdated: run.isOutdated && run.row.ended === null,
    ...waitingIn(run),
    alarm: alarmOf(run),
    permit: run.permitWanted,
    ended: run.row.ended
  };
}

/** The newest update as it is shown now: with what was said of it since, sent or not. */
function newest(run: GroupRun): GroupSummary['last'] {
  const { last } = (run.ahead ?? run).feed.index;
  const mine = run.outbox.findLast((o) => o.record.t === 'post')?.record as PostRecord | undefined;
  const shown = mine === undefined ? last : { id: postIdOf(mine.i, run.me), member: run.me, text: mine.x, photos: mine.p?.length ?? 0, at: mine.a };
  if (shown === null) return null;
  const { text, retracted } = amended(run, shown.id, shown.member);
  const gone = retracted !== null;
  return { who: nameOf(run, shown.member), mine: shown.member === run.me, words: gone ? '' : (text ?? shown.text).slice(0, 200), photos: gone ? 0 : shown.photos, gone, at: shown.at };
}

function unreadCount(run: GroupRun): number {
  const unread = Object.entries(unreadOf(run)).filter(([id, [d, n]]) => !run.seenPosts.has(id) && !run.isWithdrawn(d, n) && !seenHere(run, d, n));
  const changed = Object.entries(changedOf(run)).filter(([id, [d, n]]) => !run.isWithdrawn(d, n) && !isChangeSeenHere(run, id));
  return new Set([...unread, ...changed].map(([id]) => id)).size;
}

/** Seen by this person, sent or still in the outbox. */
export function seenHere(run: GroupRun, device: number, n: number): boolean {
  if (isSeenBy(run, run.me, device, n)) return true;
  return run.outbox.some((o) => o.record.t === 'seen' && o.record.m.some(([d, from, to]) => d === device && n >= from && n <= to));
}

/** The same of the words that the last change of a post brought; true of one that was never changed. */
export function isChangeSeenHere(run: GroupRun, id: string): boolean {
  const { edit, seen = [] } = amendmentOf(run, id) ?? {};
  return edit === undefined || seen.includes(run.me) || run.outbox.some((o) => o.record.t === 'seen-edits' && o.record.e.some(([post, e]) => post === id && e === edit));
}

/** Everything loaded of the feed, ascending. */
export function feedItems(run: GroupRun): FeedItem[] {
  const posts = postsShown(run).map((p) => postItem(run, p));
  const pending = pendingPosts(run).map((o) => pendingItem(run, o));
  const oldest = run.feed.more ? (run.feed.posts[0]?.time ?? 0) : 0;
  const notes = [...noteItems(run), ...carriedNotes(run), ...comingNote(run)].filter((n) => n.at >= oldest);
  return [...posts, ...pending, ...notes].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/** One of them, as the screen calls it. */
export function feedItem(run: GroupRun, shown: string): FeedItem | null {
  if (shown === COMING) return comingNote(run)[0] ?? null;
  const id = idNow(run, shown);
  const p = findPost(run, id);
  if (p !== null) return postItem(run, p);
  const o = pendingPosts(run).find(({ record }) => postIdOf(record.i, run.me) === id);
  return o === undefined ? null : pendingItem(run, o);
}

function noteItems(run: GroupRun): NoteItem[] {
  const patient = [...run.shown.people.values()].find((p) => p.role === 'patient')?.name ?? '';
  return run.shown.notes.map((n) => ({
    is: 'note', id: `note-${n.seq}`, order: n.at + 0.001 * Math.min(n.seq, 900), at: n.at, what: n.what,
    who: n.what === 'renamed' ? (n.name ?? '') : nameOf(run, n.who), me: n.who === run.me, by: n.by === null ? null : nameOf(run, n.by),
    byMe: n.by === run.me, speaking: n.spoke ? patient : null,
    roles: n.roles === null ? null : rolesOf(n.roles)
  }));
}
/** Where it was said that a history was brought along. */
function carriedNotes(run: GroupRun): NoteItem[] {
  const at = run.feed.index.carried;
  if (at === undefined || noteIn(run) === null) return [];
  return [{ is: 'note', id: 'note-carried', order: at.time + 0.95, at: at.time, what: 'carried', who: nameOf(run, at.member), me: at.member === run.me, by: null }];
}

/** Where updates are missing that come after those shown behind it. */
function comingNote(run: GroupRun): NoteItem[] {
  const { ahead } = run;
  const first = ahead?.feed.posts[0];
  if (ahead === null || first === undefined) return [];
  const note = { is: 'note', id: COMING, order: first.order - 0.001, at: first.time, who: '', me: false, by: null } as const;
  if (run.row.ended !== null) return [{ ...note, what: 'missing' }];
  return [{ ...note, what: 'coming', share: run.session === 'live' ? shareHere(run, ahead) : null }];
}

/** Amendments that the relay has, and those still in the outbox. */
export function amended(run: GroupRun, id: string, member: string): Amendment {
  let a = amendmentOf(run, id) ?? { text: null, edited: null, retracted: null };
  if (member !== run.me) return a;
  for (const { record: r } of run.outbox) {
    if (r.t === 'edit' && postIdOf(r.o, member) === id && isLater(r, a)) a = { text: r.x, edited: r.a, retracted: a.retracted, edit: r.i };
    else if (r.t === 'retract' && postIdOf(r.o, member) === id) a = { ...a, retracted: r.a };
  }
  return a;
}

function postItem(run: GroupRun, p: FeedPost): PostItem {
  const a = amended(run, p.id, p.member);
  const mine = p.member === run.me;
  const withdrawn = run.isWithdrawn(p.device, p.n);
  const isFresh = isUnread(run, p.id) && !run.seenPosts.has(p.id) && !seenHere(run, p.device, p.n);
  const isOther = isChanged(run, p.id) && !isChangeSeenHere(run, p.id);
  const waiting = mine ? waitingChange(run, p.id) : undefined;
  return {
    ...common(run, p.id, p.member, a, p.text, p.photos, p.replyTo),
    order: p.order,
    at: p.at,
    sentAt: p.time,
    withdrawn,
    unread: !withdrawn && (isFresh || isOther),
    changed: !withdrawn && !isFresh && isOther,
    delivery: waiting !== undefined ? pendingDelivery(run, waiting) : mine && a.retracted === null ? seenBy(run, p, a) : null
  };
}

function pendingItem(run: GroupRun, o: OutboxItem): PostItem {
  const r = o.record as PostRecord;
  const id = postIdOf(r.i, run.me);
  const a = amended(run, id, run.me);
  return {
    ...common(run, id, run.me, a, r.x, r.p ?? [], r.r ?? null),
    order: PENDING + o.made,
    at: r.a,
    sentAt: null,
    withdrawn: false,
    unread: false,
    changed: false,
    delivery: pendingDelivery(run, a.retracted === null ? o : (waitingChange(run, id) ?? o))
  };
}

function common(run: GroupRun, id: string, member: string, a: Amendment, text: string, photos: readonly PhotoRecord[], replyTo: string | null) {
  const gone = a.retracted !== null;
  const shown = shownAs(run, member);
  return {
    is: 'post' as const, id: shownId(run, id), author: member, ...shown, mine: member === run.me,
    text: gone ? '' : (a.text ?? text),
    photos: gone ? [] : photos.map((p) => photoView(run, p)),
    replyTo: replyTo === null ? null : quote(run, replyTo),
    replies: answersTo(run, id).filter((answer) => stands(run, answer)).length,
    edited: gone ? null : a.edited, before: gone || a.text === null || a.text === text ? null : text, change: gone ? null : (a.edit ?? null), retracted: a.retracted
  };
}

/** Neither taken back nor withdrawn. */
function stands(run: GroupRun, id: string): boolean {
  const p = findPost(run, id);
  return amended(run, id, p?.member ?? run.me).retracted === null && (p === null || !run.isWithdrawn(p.device, p.n));
}

function quote(run: GroupRun, id: string): PostItem['replyTo'] {
  const p = findPost(run, id);
  const o = p === null ? pendingPost(run, id) : undefined;
  if (p === null && o === undefined) return { id: shownId(run, id), name: '', words: '', gone: null };
  const member = p?.member ?? run.me;
  const a = amended(run, id, member);
  const gone = a.retracted !== null ? 'retracted' : stands(run, id) ? null : 'withdrawn';
  const text = gone !== null ? '' : (a.text ?? p?.text ?? (o?.record as PostRecord).x);
  return { id: shownId(run, id), name: nameOf(run, member), words: text.slice(0, 140), gone };
}

export function photoView(run: GroupRun, p: PhotoRecord): PhotoView {
  return { photo: p.full.b, width: p.w, height: p.h, size: p.full.s, where: run.missingBlobs.has(p.full.b) || run.missingBlobs.has(p.thumb.b) ? 'missing' : run.localBlobs.has(p.full.b) ? 'here' : 'away' };
}

function pendingDelivery(run: GroupRun, o: OutboxItem): Delivery {
  if (run.row.ended !== null) return { at: 'unsent' };
  if (isHeld(o, run.around.clock())) return { at: 'held', until: o.heldUntil };
  if (staysHere(run, o)) return { at: 'halted' };
  const blobs = blobsOf(o.record);
  const of = blobs.reduce((sum, b) => sum + b.s, 0);
  const done = blobs.filter((b) => run.uploaded.has(b.b)).reduce((sum, b) => sum + b.s, 0);
  return { at: 'saved', done, of };
}

/** The last change of an own post, or its taking back, that is still in the outbox. */
const waitingChange = (run: GroupRun, id: string): OutboxItem | undefined => run.outbox.findLast(({ record: r }) => (r.t === 'edit' || r.t === 'retract') && postIdOf(r.o, run.me) === id);

/** Who has had the words that it shows on the screen, of those who can read it. */
function seenBy(run: GroupRun, p: FeedPost, a: Amendment): Delivery {
  const readers = liveMembers(run.state).filter((m) => hex(m.tag) !== p.member && m.horizon <= p.epoch).map((m) => hex(m.tag));
  const had = readers.filter((m) => isSeenBy(run, m, p.device, p.n));
  const by = a.text === null ? had : readers.filter((m) => a.seen?.includes(m) === true);
  const earlier = had.filter((m) => !by.includes(m));
  const notYet = readers.filter((m) => !by.includes(m) && !earlier.includes(m));
  return by.length === 0 ? { at: 'sent', earlier, notYet } : { at: 'seen', by, earlier, notYet, of: readers.length };
}

export function draftView(run: GroupRun): DraftView {
  const { text, replyTo, photos, editing = null } = run.draft;
  return {
    text, replyTo: replyTo === null ? null : shownId(run, replyTo), photos: photos.map((p) => photoView(run, p)),
    editing: editing === null ? null : { ...editing, post: shownId(run, editing.post) }
  };
}
