/**
 * The derived rows of one group in the cache: pages of the feed, their index, lanes. Written so that whatever a power cut leaves is some
 * earlier whole: a page never goes over one that the index on the disk counts on, and the index comes after the pages it speaks of.
 */
import type { Bytes } from '$crypto/brand';
import { fromText, toText } from '$crypto/bytes';
import { emptyIndex, Feed, type FeedIndex, type FeedPost, PAGE } from '../care/feed';
import { KINDS } from '../care/record';
import { decodePage, encodePage } from '../care/feed-page';
import type { CacheChange, Store } from '../store/store';
import { keyOf } from './group-rows';
import type { GroupRef } from './port';

/**
 * Pages that are full and quiet are kept together, five in a volume: a browser reads one large value several times faster than many. The
 * newest page never is, so that the first look stays small.
 */
const VOLUME = 5;

/** What the feed needs to know of its reader: own member tag, and the time before which nothing is unread. */
export interface Reader { readonly me: string; readonly unreadAfter: number }

export class FeedRows {
  feed: Feed;
  /** Updates taken in since opening. */
  taken = 0;
  private lanes: CacheChange[] = [];

  constructor(private readonly store: Store, private readonly ref: GroupRef, private readonly reader: Reader, index: Bytes | null) {
    const kept = index === null ? null : (JSON.parse(toText(index) as string) as Partial<FeedIndex>);
    // one that was made while fewer kinds of records could be read is made anew
    this.feed = fresh(reader, kept?.kinds === KINDS ? { ...emptyIndex(), ...kept } : emptyIndex());
  }
  static readIndex(store: Store, ref: GroupRef): Promise<Bytes | null> {
    return store.cacheGet('index', keyOf.index(ref));
  }
  /** An empty feed for the same reader, of which nothing is kept. */
  beside(): Feed {
    return fresh(this.reader, emptyIndex());
  }
  /** Begins again with nothing. */
  clear(): void {
    this.feed = fresh(this.reader, emptyIndex());
    this.lanes = [];
  }

  /** At least `most` pages further back, a volume always as a whole; all are asked for at once. False when one is missing or does not fit. */
  async loadOlder(most = 1): Promise<boolean> {
    const { feed } = this;
    const last = feed.nextPage;
    if (last === null) return true;
    const reading: { readonly from: number; readonly posts: Promise<FeedPost[] | null> }[] = [];
    for (let page = last; page >= 0 && page > last - most; page = (reading.at(-1)?.from ?? 0) - 1) {
      const volume = Math.floor(page / VOLUME);
      const bound = feed.index.volumes[volume] ?? 0;
      reading.push(
        bound === 0
          ? { from: page, posts: this.read(keyOf.page(this.ref, page, feed.index.slots[page] ?? 0)) }
          : { from: volume * VOLUME, posts: this.read(keyOf.volume(this.ref, volume, bound)) }
      );
    }
    const found = await Promise.all(reading.map((r) => r.posts));
    // somebody else loaded them meanwhile, and may have written them elsewhere since
    if (feed !== this.feed || feed.nextPage !== last) return true;
    const posts = found.reverse().flatMap((p) => p ?? []);
    return !found.includes(null) && feed.load(reading.at(-1)?.from ?? 0, posts);
  }
  private async read(key: string): Promise<FeedPost[] | null> {
    const b = await this.store.cacheGet('page', key);
    return b === null ? null : decodePage(b);
  }
  /** The newest page, and the one before when that has just begun. */
  async loadNewest(): Promise<boolean> {
    const { feed } = this;
    if (feed.posts.length >= PAGE || feed.nextPage === null) return true;
    return this.loadOlder(feed.posts.length === 0 && feed.first % PAGE !== 0 ? 2 : 1);
  }
  /** Pages down to where a record of feed seq `seq` belongs. */
  async loadTo(seq: number): Promise<boolean> {
    while (this.feed.nextPage !== null && (this.feed.posts[0]?.seq ?? Infinity) > seq) if (!(await this.loadOlder())) return false;
    return true;
  }

  putLane(name: string, device: number, n: number, update: Bytes): void {
    this.taken++;
    this.lanes.push({ table: 'lane', key: keyOf.lane(this.ref, name, device, n), value: update });
  }
  /** Takes out of a lane what a device wrote beyond `n`. */
  async cutLane(name: string, device: number, n: number): Promise<void> {
    const all = keyOf.lanes(this.ref, name, device);
    const last = keyOf.lane(this.ref, name, device, n);
    this.lanes = this.lanes.filter((l) => !l.key.startsWith(all) || l.key <= last);
    const beyond = await this.store.cacheRange('lane', all, { after: last });
    this.lanes.push(...beyond.map(({ key }): CacheChange => ({ table: 'lane', key, value: null })));
  }

  /** Whether pages are in memory that could be bound. */
  get canBind(): boolean {
    return this.toBind([]).length > 0;
  }
  /** Volumes to write: those that changed, and those whose pages are full, older than the newest and here. */
  private toBind(dirty: readonly number[]): number[] {
    const { index, first } = this.feed;
    const full = Math.floor((index.total - PAGE) / (PAGE * VOLUME));
    return Array.from({ length: Math.max(0, full) }, (_, v) => v).filter((v) =>
      (index.volumes[v] ?? 0) === 0 ? first <= v * VOLUME * PAGE : dirty.some((page) => Math.floor(page / VOLUME) === v)
    );
  }

  /** Writes what is not written yet; what could not be written stays to be written. */
  async flush(): Promise<void> {
    const { feed, lanes } = this;
    const dirty = feed.takeDirty();
    const slots = [...feed.index.slots];
    const volumes = [...feed.index.volumes];
    const written: CacheChange[] = [];
    const outdated: CacheChange[] = [];
    const row = (key: string, posts: readonly FeedPost[] | null): CacheChange => ({ table: 'page', key, value: posts === null ? null : encodePage(posts) });
    for (const v of this.toBind(dirty)) {
      const pages = Array.from({ length: VOLUME }, (_, i) => v * VOLUME + i);
      if ((volumes[v] ?? 0) === 0) outdated.push(...pages.map((page) => row(keyOf.page(this.ref, page, slots[page] ?? 0), null)));
      volumes[v] = volumes[v] === 1 ? 2 : 1;
      written.push(row(keyOf.volume(this.ref, v, volumes[v]), feed.slice(v * VOLUME, VOLUME)));
      outdated.push(row(keyOf.volume(this.ref, v, 3 - volumes[v]), null));
    }
    for (const page of dirty) {
      if ((volumes[Math.floor(page / VOLUME)] ?? 0) !== 0) continue;
      const slot = (slots[page] = 1 - (slots[page] ?? 1));
      written.push(row(keyOf.page(this.ref, page, slot), feed.slice(page, 1)));
      outdated.push(row(keyOf.page(this.ref, page, 1 - slot), null));
    }
    const index = fromText(JSON.stringify({ ...feed.index, slots, volumes } satisfies FeedIndex));
    this.lanes = [];
    try {
      await this.store.cacheCommit([...lanes, ...written, { table: 'index', key: keyOf.index(this.ref), value: index }, ...outdated]);
    } catch (e) {
      feed.putBack(dirty);
      this.lanes = [...lanes, ...this.lanes];
      throw e;
    }
    Object.assign(feed.index, { slots, volumes });
  }
}

const fresh = ({ me, unreadAfter }: Reader, index: FeedIndex): Feed => new Feed(index, me, unreadAfter);
