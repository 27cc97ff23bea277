/** From the inbox to the feed: what accepted envelopes say, put into pages, index and lanes. All of it can be made again from the strict rows. */
import type { Bytes, GroupId, Hash, MemberTag, PersonPk } from '$crypto/brand';
import { equal, hex, unbase64url } from '$crypto/bytes';
import { openEnvelope, readEnvelope } from '$crypto/envelope';
import type { StoredEnvelope } from '$crypto/frames';
import { isPerson } from '$crypto/person';
import { chainAt, type Row, rowByDevice } from '$crypto/roster/state';
import { openEdit } from '$crypto/sealed-edit';
import type { RecordPlace } from '../care/feed';
import { checkUpdate } from '../care/lane';
import { type CareRecord, epochOf, isSaidAt, type OpenRecord, parseRecord, type PersonRecord, postIdOf, TEXT_MOST } from '../care/record';
import { hashBehind, LOG_START } from '../group/log';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';
import { envelopesHere } from './inbox';
import { showing } from './posts';

/** Puts the records of an accepted envelope into the feed and its update into its lane. Returns ids of posts that changed. */
export function project(run: GroupRun, row: InboxRow): string[] {
  if (row.state !== 'ok') return [];
  const opened = openPlain(run, row);
  if (opened === null) {
    run.feed.close(row.device, row.n);
    return [];
  }
  const known = run.feed.index.clients;
  // what is in already has these clocks behind it: the same envelope twice changes nothing
  const said = saidIn(run, row.device, opened, (client) => known[placeOfClient(client, opened.epoch)]);
  if (said === null) return [];
  if (said.hasMore) run.feed.close(row.device, row.n);
  known[placeOfClient(said.client, opened.epoch)] = said.next;
  run.feedRows.putLane(run.localName(opened.author), row.device, row.n, opened.plain);
  const at = placeOf(row, opened);
  const { member } = at;
  const ids: string[] = [];
  // beyond the end of its log only a post is shown, and as what it is: nothing else that is said there counts (R9)
  const records = run.isWithdrawn(row.device, row.n) ? said.records.filter((r) => r.t === 'post') : said.records;
  for (const r of records) {
    run.feed.add(r, at);
    if (r.t === 'device' || r.t === 'person' || r.t === 'credentials' || r.t === 'share') continue;
    ids.push(...(r.t === 'seen' || r.t === 'seen-edits' || r.t === 'carried' ? ['*'] : showing(run, postIdOf(r.t === 'post' ? r.i : r.o, member))));
  }
  return ids;
}

/** What a clientID said in one epoch tells nothing of another, which somebody may read without the first (PROTOCOL §15.1). */
export const placeOfClient = (client: number, epoch: number): string => `${client} ${epoch}`;

/** What an opened envelope says, as far as its author may, and whether it says more than this app understands; null where it does not go on from where its client stands. */
export function saidIn(run: GroupRun, device: number, { plain, author, epoch }: Opened, next: Parameters<typeof checkUpdate>[2]): { readonly client: number; readonly next: number; readonly records: readonly OpenRecord[]; readonly hasMore: boolean } | null {
  const update = checkUpdate(plain, device, next);
  if (!update.ok) return null;
  const { client, clock, records } = update.value;
  const parsed = records.map(parseRecord).filter((r) => r === null || isSaidAt(r, { device, epoch }));
  const open = parsed.map((r) => readable(run, author, r));
  // new words of a post from before this member's time say nothing to it
  const isClosed = (r: OpenRecord | null, i: number): boolean => r === null && !isForOthers(run, parsed[i] ?? null);
  const mayBeSaid = (r: OpenRecord | null): r is OpenRecord =>
    r !== null && !(r.t === 'person' && !isTheirs(r, run.row.id, author)) && !(r.t === 'carried' && run.state.members.get(hex(author))?.from !== 1);
  return { client, next: clock + records.length, records: open.filter(mayBeSaid), hasMore: open.some(isClosed) };
}

/** A change of a post that this member is not to read. */
const isForOthers = (run: GroupRun, r: CareRecord | null): boolean => r?.t === 'sealed-edit' && epochOf(r.o) < (run.state.members.get(run.me)?.horizon ?? 1);

/** A change that was sealed by itself, opened; null without the key of its post's epoch. */
function readable(run: GroupRun, author: MemberTag, r: CareRecord | null): OpenRecord | null {
  if (r?.t !== 'sealed-edit') return r;
  const { s, ...rest } = r;
  const e = epochOf(r.o);
  const content = run.keyring.get(e)?.content;
  if (content == null) {
    if (!isForOthers(run, r) && run.state.epochs.some((x) => x.seq === e)) run.feed.await(e);
    return null;
  }
  const words = openEdit(content, { group: run.state.group, author, post: unbase64url(r.o) as Bytes }, unbase64url(s) as Bytes);
  return words.ok && words.value.length <= TEXT_MOST ? { ...rest, t: 'edit', x: words.value } : null;
}

/** Where the records of an envelope stand. */
export const placeOf = ({ device, n, seq, time }: StoredEnvelope, { author, epoch }: Opened): RecordPlace => ({ member: hex(author), device, n, seq, time, epoch });

/** A claim to be a person counts only in the group and lane it was signed for (PROTOCOL §15.6). */
const isTheirs = (r: PersonRecord, group: GroupId, author: MemberTag): boolean => isPerson(unbase64url(r.k) as Bytes as PersonPk, group, author, unbase64url(r.s) as Bytes);

export interface Opened { readonly plain: Bytes; readonly author: MemberTag; readonly epoch: number }

/** Plaintext of an envelope that was verified when it came; null when it can't be read here. */
export function openPlain(run: GroupRun, row: InboxRow): Opened | null {
  const device = rowByDevice(run.state, row.device);
  const env = readEnvelope(row.envelope);
  if (device === null || !env.ok || row.prev === null) return null;
  const { header } = env.value;
  const content = run.keyring.get(header.epoch)?.content;
  const roster = chainAt(run.state, header.rosterSeq);
  if (content == null || roster === null) return null;
  const plain = openEnvelope({ group: run.state.group, logPk: device.logPk, prev: row.prev, roster }, env.value, content);
  return plain.ok ? { plain: plain.value, author: device.member, epoch: header.epoch } : null;
}

/** What the first look needs. */
export async function openFeed(run: GroupRun): Promise<void> {
  if (!(await run.feedRows.loadNewest())) await rebuildFeed(run);
}
/** At most `most` pages further back. */
export async function readOlder(run: GroupRun, most = 1): Promise<void> {
  if (!(await run.feedRows.loadOlder(most))) await rebuildFeed(run);
  else if (run.feedRows.canBind) run.flushSoon();
}
/** As far back as envelopes belong that are about to be put in, so that each finds its place. */
export async function readBackTo(run: GroupRun, rows: readonly InboxRow[]): Promise<void> {
  const first = rows.reduce((least, r) => Math.min(least, r.seq), Infinity);
  if (first < Infinity && !(await run.feedRows.loadTo(first))) await rebuildFeed(run);
}

/** As far back as posts stand whose words were changed: one that is not here cannot be unread. */
export async function readBackToChanged(run: GroupRun): Promise<void> {
  while (run.feed.lacksChanged) await readOlder(run);
}

/** After opening: what the strict rows have and the cache, which may be older, has not. */
export async function catchUpFeed(run: GroupRun): Promise<void> {
  const { heads, upTo, cutUpTo } = run.feed.index;
  // a full disk took what was derived, and not what it was derived from: that comes again, and its words wait in the outbox meanwhile
  // what a log that ended since said beyond its end is in it
  if (upTo > run.cursor || goesBeyond(run)) return rebuildFeed(run);
  const lacks = (r: InboxRow): boolean => r.n > (heads[r.device] ?? 0);
  const missing = [...run.heads].reduce((sum, [device, at]) => sum + Math.max(0, at.n - (heads[device] ?? 0)), 0);
  if (missing === 0 && endedSince(run, cutUpTo).length === 0) return;
  let rows = (await inbox(run, upTo)).filter(lacks);
  // some had to wait, and stand before what was in already
  if (new Set(rows.map((r) => `${r.device} ${r.n}`)).size < missing) rows = (await inbox(run, 0)).filter(lacks);
  await readBackTo(run, rows);
  put(run, rows);
  await readBackToChanged(run);
  await cutLanes(run);
  run.flushSoon();
}

/** Makes the feed again from nothing but the inbox: a page was lost. */
export async function rebuildFeed(run: GroupRun): Promise<void> {
  // beside the network: what was put in while the inbox was being read would be missed
  let rows: InboxRow[];
  let before: number;
  do {
    before = run.feedRows.taken;
    rows = await inbox(run, 0);
  } while (run.feedRows.taken !== before);
  run.feedRows.clear();
  put(run, rows);
  await cutLanes(run);
  run.flushSoon();
  run.around.changed(run.ref, 'feed', null);
  run.around.changed(run.ref, 'group', null);
}

/** Lanes end where their logs were cut off (PROTOCOL §5.3), and what was said beyond that is taken out; called after the roster grew. */
export async function cutLanes(run: GroupRun): Promise<void> {
  const { index } = run.feed;
  if (goesBeyond(run)) return rebuildFeed(run);
  for (const row of endedSince(run, index.cutUpTo)) {
    await run.feedRows.cutLane(run.localName(row.member), row.device, (run.heads.get(row.device) ?? LOG_START).n);
    run.flushSoon();
  }
  index.cutUpTo = run.state.seq;
  note(run);
}

/** Whether the feed holds more of a log that ended since than counts now. */
const goesBeyond = (run: GroupRun): boolean =>
  endedSince(run, run.feed.index.cutUpTo).some((row) => (run.feed.index.heads[row.device] ?? 0) > (run.heads.get(row.device) ?? LOG_START).n);
const endedSince = (run: GroupRun, seq: number): Row[] => [...run.state.rows.values()].filter((r) => r.end !== null && r.end.seq > seq);

/** Notes that the feed holds what the logs' heads stand for. */
export function note(run: GroupRun): void {
  Object.assign(run.feed.index, { upTo: run.cursor, heads: Object.fromEntries([...run.heads].map(([device, at]) => [device, at.n])) });
}

function put(run: GroupRun, rows: readonly InboxRow[]): void {
  for (const row of inLogOrder(rows)) project(run, row);
  note(run);
}

/** Envelopes stored after feed seq `after` that count: those that the heads stand for, and what went beyond a cut-off, to be shown as withdrawn. */
async function inbox(run: GroupRun, after: number): Promise<InboxRow[]> {
  const taken: InboxRow[] = [];
  for await (const rows of envelopesHere(run, after)) for (const { row } of rows) if (row.n <= (run.heads.get(row.device) ?? LOG_START).n || run.isWithdrawn(row.device, row.n)) taken.push(row);
  return after === 0 ? withoutOff(run, taken) : taken;
}

/** Of a log of which two envelopes of one number were taken, those off the chain that ended it are no part of it: they stand beyond its cut-off. */
function withoutOff(run: GroupRun, rows: readonly InboxRow[]): InboxRow[] {
  const ended = new Set([...run.state.rows.values()].flatMap((r) => (r.end === null ? [] : [r.device])));
  const numbers = new Set<string>();
  const twice = new Set<number>();
  for (const r of rows) {
    if (r.state === 'held' || !ended.has(r.device)) continue;
    const number = `${r.device} ${r.n}`;
    if (numbers.has(number)) twice.add(r.device);
    numbers.add(number);
  }
  const off = new Set<InboxRow>();
  for (const device of twice) {
    const row = rowByDevice(run.state, device);
    if (row === null) continue;
    const ofLog = rows.filter((r) => r.device === device && r.state !== 'held').sort((a, b) => b.n - a.n);
    let { n, hash } = run.heads.get(device) ?? LOG_START;
    for (const r of ofLog) {
      const there = r.n === n && r.prev !== null ? hashBehind(run.state, row, { n: n - 1, hash: r.prev }, r.envelope) : null;
      const isOn = there !== null && equal(there, hash);
      if (!isOn) off.add(r);
      else [n, hash] = [n - 1, r.prev as Hash];
    }
  }
  return rows.map((r) => (off.has(r) ? { ...r, n: r.n + (rowByDevice(run.state, r.device)?.end?.cut.n ?? 0) } : r));
}

/** By feed seq, each log's own in its own order: a relay may have stored them in another one. */
function inLogOrder(rows: readonly InboxRow[]): InboxRow[] {
  const logs = new Map<number, InboxRow[]>();
  for (const r of [...rows].sort((a, b) => b.n - a.n)) {
    const log = logs.get(r.device);
    if (log === undefined) logs.set(r.device, [r]);
    else log.push(r);
  }
  return [...rows].sort((a, b) => a.seq - b.seq).map((r) => logs.get(r.device)?.pop() as InboxRow);
}
