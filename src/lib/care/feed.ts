/**
 * The feed (PROTOCOL §15.4): what a group's accepted records amount to, kept in pages so that reopening needs no signature check and one
 * decryption a page. Pure: pages come and go through `load` and `takeDirty`.
 */
import { KINDS, type OpenRecord, type PhotoRecord, postIdOf } from './record';

export const PAGE = 200;
/** Person keys that are remembered of one member. */
const NAMINGS = 8;
/** Words between a person's own devices that are kept to be heard. */
const SHARES = 30;
/** Part of a millisecond, exact in a double for the next thousands of years. */
const STEP = 1 / 1024;
/** Marks kept for envelopes that have not come: a member that marks what will never be can make nobody keep more than this. */
const AHEAD = 256;

/** Where a record stood: the log (by device index), its envelope, the group's feed, and the relay's time. */
export interface RecordPlace {
  readonly member: string;
  readonly device: number;
  readonly n: number;
  readonly seq: number;
  readonly time: number;
  readonly epoch: number;
}
export interface FeedPost extends RecordPlace {
  /** Record id and author: nobody can take another's. */
  readonly id: string;
  /** Rises strictly from post to post. */
  readonly order: number;
  readonly at: number;
  readonly text: string;
  readonly photos: readonly PhotoRecord[];
  readonly replyTo: string | null;
}
/**
 * What its author later said of a post; `edit`: the record that brought its words, `seen`: the members who had those on the screen. Both are
 * missing where an earlier version took the edit in.
 */
export interface Amendment {
  readonly text: string | null; readonly edited: number | null; readonly retracted: number | null;
  readonly edit?: string; readonly seen?: readonly string[];
}
/** A person key as a member named it, and the last epoch it was said in. */
export interface Naming { readonly k: string; readonly epoch: number }
/** What a member last said that organisations vouch for: when its own clock put it together, and the epoch it was last said in. */
export interface Vouching { readonly at: number; readonly c: readonly string[]; readonly epoch: number }
export type Span = readonly [from: number, to: number];
type Ahead = readonly [member: string, device: number, from: number, to: number];
type AheadEdit = readonly [member: string, post: string, edit: string];

/** All but the pages: small, written whole. */
export interface FeedIndex {
  total: number;
  /** By device: n up to which what its log says is in. */
  heads: Readonly<Record<string, number>>;
  /** Feed seq when this was so. */
  upTo: number;
  /** Roster seq up to which lanes are cut off where their logs ended. */
  cutUpTo: number;
  /** By page: which of its two places holds it, so that a page is never written over before the index that counts on it. */
  slots: readonly number[];
  /** The same by volume, counted from 1; 0 while its pages stand alone. */
  volumes: readonly number[];
  /** Running maximum of the relay's times. */
  time: number;
  last: { member: string; text: string; photos: number; at: number; id: string } | null;
  /** By post, whose id names its author: only the author's own count. */
  amendments: Record<string, Amendment>;
  /** By member, then device: what was on that person's screen. */
  seen: Record<string, Record<string, Span[]>>;
  /** By device: the last n that said something. Marks count up to here; missing in an index of an earlier version. */
  tops?: Record<string, number>;
  /** Marks on what is not here yet, so that the order of arrival changes nothing; the newest of them, as many as a device may hold back. */
  ahead?: Ahead[];
  /** The same for edits: seen by a member, and not here yet, or not what counts any more. */
  aheadEdits?: AheadEdit[];
  /** Kinds of records that were known when it was made. */
  kinds: number;
  /** By device: envelopes of which not all could be read here. */
  closed: Record<string, Span[]>;
  /** Epochs whose keys are lacking for changes that came. */
  awaits: number[];
  /** Others' posts not yet seen by this person: id → [device, n]. */
  unread: Record<string, readonly [number, number]>;
  /** Others' posts whose words as they are now this person has not seen, though perhaps those before; missing in an index of an earlier version. */
  changed?: Record<string, readonly [number, number]>;
  /** By clientID and epoch: the next clock. */
  clients: Record<string, number>;
  /** This person's own devices: by index, what each last said of itself, sealed, and when it last said anything. */
  devices: Record<string, string>;
  signs: Record<string, number>;
  /** By member: the person keys it named, each once, the one named in the last epoch at the end. */
  persons: Record<string, readonly Naming[]>;
  /** By member, the newest of each; missing in an index of an earlier version. */
  credentials?: Record<string, Vouching>;
  /** What the maker of the group brought along last, sealed, and where it said so. */
  carried?: { readonly s: string; readonly member: string; readonly seq: number; readonly time: number };
  /** The last words between this person's devices, sealed. */
  shares: readonly { readonly device: number; readonly s: string }[];
}

export const emptyIndex = (): FeedIndex => ({ total: 0, heads: {}, upTo: 0, cutUpTo: 0, slots: [], volumes: [], time: 0, last: null, amendments: {}, seen: {}, kinds: KINDS, closed: {}, awaits: [], unread: {}, clients: {}, devices: {}, signs: {}, persons: {}, shares: [] });

export class Feed {
  /** Newest pages that are in memory, ascending. */
  posts: FeedPost[] = [];
  /** Index of `posts[0]` among all. */
  first: number;
  private readonly dirtyPages = new Set<number>();
  private ids: Map<string, FeedPost> | null = null;
  private answers: Map<string, string[]> | null = null;
  /** Posts that were changed and are not in memory: whether they are here at all is to be found out. */
  private readonly strays = new Set<string>();

  constructor(readonly index: FeedIndex, private readonly me: string, private readonly unreadAfter: number) {
    this.first = index.total;
  }

  get more(): boolean {
    return this.first > 0;
  }
  /** The page to read next, going back; null when all is here. */
  get nextPage(): number | null {
    return this.first === 0 ? null : Math.floor((this.first - 1) / PAGE);
  }
  /** Puts the posts from page `from` up to what is here in front of it; false when they do not fit together. */
  load(from: number, posts: readonly FeedPost[]): boolean {
    if (from * PAGE + posts.length !== this.first) return false;
    this.posts = this.posts.length === 0 ? [...posts] : [...posts, ...this.posts];
    this.first = from * PAGE;
    this.ids = null;
    this.answers = null;
    if (this.strays.size > 0) for (const p of posts) this.noteChanged(p);
    return true;
  }
  /** Whether posts may stand further back that were changed. */
  get lacksChanged(): boolean {
    return this.more && this.strays.size > 0;
  }
  /** Pages to write since the last call. */
  takeDirty(): number[] {
    const out = [...this.dirtyPages];
    this.dirtyPages.clear();
    return out;
  }
  /** Posts of so many pages from `page` on, as far as there are any. */
  slice(page: number, pages: number): readonly FeedPost[] {
    return this.posts.slice(page * PAGE - this.first, (page + pages) * PAGE - this.first);
  }
  /** Pages whose writing failed. */
  putBack(pages: readonly number[]): void {
    for (const p of pages) this.dirtyPages.add(p);
  }
  /** Made when somebody asks: reading alone needs no names. */
  private get byId(): Map<string, FeedPost> {
    return (this.ids ??= new Map(this.posts.map((p) => [p.id, p])));
  }
  find(id: string): FeedPost | null {
    return this.byId.get(id) ?? null;
  }
  /** Posts in memory that answer one, which as a rule stand behind it. */
  answersTo(post: string): readonly string[] {
    if (this.answers === null) {
      this.answers = new Map();
      for (const p of this.posts) this.noteAnswer(p);
    }
    return this.answers.get(post) ?? [];
  }
  amendment(post: string): Amendment | null {
    return this.index.amendments[post] ?? null;
  }
  seenBy(member: string, device: number, n: number): boolean {
    return covers(this.index.seen[member]?.[String(device)] ?? [], n);
  }

  /** Of envelope n of a log something could not be read. */
  close(device: number, n: number): void {
    const { closed } = this.index;
    closed[device] = join(closed[device] ?? [], [n, n]);
  }
  /** A change came whose key is lacking. */
  await(epoch: number): void {
    this.index.awaits = [...new Set([...this.index.awaits, epoch])];
  }
  /** The first envelope from which on all up to n could be read; n + 1 when n itself could not. */
  openSince(device: number, n: number): number {
    return (this.index.closed[device] ?? []).reduce((since, [from, to]) => (from > n ? since : Math.max(since, Math.min(to, n) + 1)), 1);
  }

  /** Takes one record in. A post id that is here already is passed over. Pages must be loaded down to its place. */
  add(r: OpenRecord, at: RecordPlace): void {
    const i = this.index;
    i.time = Math.max(i.time, at.time);
    this.arrived(at.device, at.n);
    if (at.member === this.me) i.signs[String(at.device)] = Math.max(i.signs[String(at.device)] ?? 0, at.time);
    switch (r.t) {
      case 'post': {
        const id = postIdOf(r.i, at.member);
        if (this.byId.has(id)) return;
        const to = this.insert({ ...at, id, order: 0, at: r.a, text: r.x, photos: r.p ?? [], replyTo: r.r ?? null });
        const p = this.posts[to] as FeedPost;
        this.noteAnswer(p);
        for (let page = Math.floor((this.first + to) / PAGE); page <= Math.floor(i.total / PAGE); page++) this.dirtyPages.add(page);
        i.total++;
        if (to === this.posts.length - 1) i.last = { member: p.member, text: p.text.slice(0, 200), photos: p.photos.length, at: p.time, id: p.id };
        if (p.member !== this.me && p.time > this.unreadAfter && !this.seenBy(this.me, p.device, p.n)) i.unread[p.id] = [p.device, p.n];
        this.noteChanged(p);
        return;
      }
      case 'edit': {
        const id = postIdOf(r.o, at.member);
        if (!isLater(r, this.amendment(id))) return;
        this.amend(id, { text: r.x, edited: r.a, edit: r.i, seen: this.seenAhead(id, r.i) });
        delete this.changed[id];
        if (at.member === this.me || at.time <= this.unreadAfter) return;
        const p = this.find(id);
        this.strays.add(id);
        if (p !== null) this.noteChanged(p);
        return;
      }
      case 'retract': {
        const id = postIdOf(r.o, at.member);
        return this.amend(id, { retracted: Math.min(r.a, this.amendment(id)?.retracted ?? r.a) });
      }
      case 'seen':
        for (const [device, from, to] of r.m) this.mark(at.member, device, from, to);
        return;
      case 'seen-edits':
        for (const [post, edit] of r.e) this.markEdit(at.member, post, edit);
        return;
      case 'device':
        if (at.member === this.me) i.devices[String(at.device)] = r.s;
        return;
      case 'person': {
        const all = i.persons[at.member] ?? [];
        const epoch = Math.max(at.epoch, all.find((n) => n.k === r.k)?.epoch ?? 0);
        i.persons[at.member] = [...all.filter((n) => n.k !== r.k), { k: r.k, epoch }].sort((a, b) => a.epoch - b.epoch).slice(-NAMINGS);
        return;
      }
      case 'credentials':
        if (at.epoch >= (i.credentials?.[at.member]?.epoch ?? 0)) i.credentials = { ...i.credentials, [at.member]: { at: r.a, c: r.c, epoch: at.epoch } };
        return;
      case 'carried':
        if (r.s !== undefined) i.carried = { s: r.s, member: at.member, seq: at.seq, time: at.time };
        return;
      case 'share':
        if (at.member === this.me) i.shares = [...i.shares, { device: at.device, s: r.s }].slice(-SHARES);
    }
  }
  /** Someone saw envelopes `from`..`to` of a log. */
  mark(member: string, device: number, from: number, to: number): void {
    const top = this.tops[device] ?? 0;
    if (to > top && to >= from) this.index.ahead = [...(this.index.ahead ?? []), [member, device, Math.max(from, top + 1), to] as const].slice(-AHEAD);
    to = Math.min(to, top);
    if (to < from) return;
    const logs = (this.index.seen[member] ??= {});
    logs[String(device)] = join(logs[String(device)] ?? [], [from, to]);
    if (member !== this.me) return;
    for (const [id, [d, n]] of Object.entries(this.index.unread)) if (d === device && n >= from && n <= to) delete this.index.unread[id];
  }
  /** Someone saw a post in the words of this edit. */
  private markEdit(member: string, post: string, edit: string): void {
    const { amendments, aheadEdits = [] } = this.index;
    const a = amendments[post];
    if (a?.edit !== edit) this.index.aheadEdits = [...aheadEdits, [member, post, edit] as const].slice(-AHEAD);
    else if (a.seen?.includes(member) !== true) amendments[post] = { ...a, seen: [...(a.seen ?? []), member] };
    if (member === this.me && a?.edit === edit) delete this.changed[post];
  }
  /** Who saw an edit before it was here. */
  private seenAhead(post: string, edit: string): string[] {
    const all = this.index.aheadEdits ?? [];
    const waiting = all.filter((a) => a[1] === post && a[2] === edit);
    if (waiting.length > 0) this.index.aheadEdits = all.filter((a) => !waiting.includes(a));
    return [...new Set(waiting.map(([member]) => member))];
  }
  private noteAnswer({ id, replyTo }: FeedPost): void {
    if (replyTo === null || this.answers === null) return;
    const all = this.answers.get(replyTo);
    if (all === undefined) this.answers.set(replyTo, [id]);
    else all.push(id);
  }
  get changed(): NonNullable<FeedIndex['changed']> {
    return (this.index.changed ??= {});
  }
  /** A post that was changed is here. */
  private noteChanged(p: FeedPost): void {
    if (!this.strays.delete(p.id)) return;
    const a = this.amendment(p.id);
    if (a?.retracted === null && a.seen?.includes(this.me) !== true) this.changed[p.id] = [p.device, p.n];
  }

  private get tops(): Record<string, number> {
    return (this.index.tops ??= { ...this.index.heads });
  }
  /** Envelope n of a device's log is here: marks that came before it count now. */
  private arrived(device: number, n: number): void {
    if (n <= (this.tops[device] ?? 0)) return;
    this.tops[device] = n;
    const waiting = this.index.ahead?.filter((a) => a[1] === device && a[2] <= n) ?? [];
    if (waiting.length === 0) return;
    this.index.ahead = this.index.ahead?.filter((a) => !waiting.includes(a)) ?? [];
    for (const [member, , from, to] of waiting) this.mark(member, device, from, to);
  }

  /** By feed seq: one that had to wait goes where it belongs. */
  private insert(p: FeedPost): number {
    let to = this.posts.length;
    while (to > 0 && (this.posts[to - 1] as FeedPost).seq > p.seq) to--;
    const before = this.posts[to - 1];
    const after = this.posts[to];
    const time = Math.max(p.time, before?.time ?? 0);
    // posts of one envelope, and of one moment, share a time
    let order = before === undefined ? time : Math.max(time, before.order + STEP);
    const between = ((before?.order ?? (after?.order ?? 0) - STEP) + (after?.order ?? 0)) / 2;
    if (after !== undefined && order >= after.order && between < after.order && between > (before?.order ?? -Infinity)) order = between;
    this.put(to, { ...p, time, order }, 0);
    // no number was left between the two: those after it move on, in pages that are written anyway
    for (let i = to + 1, last = order; i < this.posts.length && (this.posts[i] as FeedPost).order <= last; i++) {
      last += STEP;
      this.put(i, { ...(this.posts[i] as FeedPost), order: last }, 1);
    }
    return to;
  }
  private put(at: number, p: FeedPost, instead: 0 | 1): void {
    this.posts.splice(at, instead, p);
    this.byId.set(p.id, p);
  }
  private amend(id: string, by: Partial<Amendment>): void {
    const i = this.index;
    i.amendments[id] = { ...(i.amendments[id] ?? { text: null, edited: null, retracted: null }), ...by };
    if (by.retracted !== undefined) {
      delete i.unread[id];
      delete this.changed[id];
    }
    if (i.last?.id === id) i.last = { ...i.last, text: by.text?.slice(0, 200) ?? '', photos: by.text === undefined ? 0 : i.last.photos };
  }
}

/** Whether an edit counts before another of the same post: the same in whatever order they came (PROTOCOL §15.4). */
export const isLater = ({ a, i }: { readonly a: number; readonly i: string }, than: Pick<Amendment, 'edited' | 'edit'> | null): boolean =>
  than?.edited == null || a > than.edited || (a === than.edited && i > (than.edit ?? ''));

export const covers = (spans: readonly Span[], n: number): boolean => spans.some(([a, b]) => n >= a && n <= b);

/** Spans with one more, ascending, touching ones made one. */
export function join(spans: readonly Span[], more: Span): Span[] {
  const out: Span[] = [];
  let [from, to] = more;
  for (const s of spans) {
    if (s[1] + 1 < from) out.push(s);
    else if (s[0] > to + 1) {
      out.push([from, to]);
      [from, to] = s;
    } else {
      from = Math.min(from, s[0]);
      to = Math.max(to, s[1]);
    }
  }
  out.push([from, to]);
  return out;
}
