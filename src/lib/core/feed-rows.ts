/**
 * The derived rows of one group in the cache: pages of the feed, their index, lanes. Written so that whatever a power cut leaves is some
 * earlier whole: a page never goes over one that the index on the disk counts on, and the index comes after the pages it speaks of.
 */
import type { Bytes } from '$crypto/brand';
import { fromText, toText } from '$crypto/bytes';
import { emptyIndex, Feed, type FeedIndex, PAGE } from '../care/feed';
import { decodePage, encodePage } from '../care/feed-page';
import type { CacheChange, Store } from '../store/store';
import { keyOf } from './group-rows';
import type { GroupRef } from './port';

/** What the feed needs to know of its reader: own member tag, and the time before which nothing is unread. */
export interface Reader { readonly me: string; readonly unreadAfter: number }

export class FeedRows {
  feed: Feed;
  /** Updates taken in since opening. */
  taken = 0;
  private lanes: CacheChange[] = [];

  constructor(private readonly store: Store, private readonly ref: GroupRef, private readonly reader: Reader, index: Bytes | null) {
    this.feed = fresh(reader, index === null ? emptyIndex() : (JSON.parse(toText(index) as string) as FeedIndex));
  }
  static readIndex(store: Store, ref: GroupRef): Promise<Bytes | null> {
    return store.cacheGet('index', keyOf.index(ref));
  }
  /** Begins again with nothing. */
  clear(): void {
    this.feed = fresh(this.reader, emptyIndex());
    this.lanes = [];
  }

  /** At most `most` pages further back, in one reading. False when one is missing or does not fit. */
  async loadOlder(most = 1): Promise<boolean> {
    const { feed } = this;
    const last = feed.nextPage;
    if (last === null) return true;
    const from = Math.max(0, last - most + 1);
    const { slots } = feed.index;
    const key = (page: number): string => keyOf.page(this.ref, page, slots[page] ?? 0);
    const rows = from === last
      ? [await this.store.cacheGet('page', key(last))]
      : await this.store.cacheRange('page', keyOf.pages(this.ref), keyOf.pageRange(this.ref, from, last)).then((all) => {
          const here = new Map(all.map((r) => [r.key, r.value]));
          return Array.from({ length: last - from + 1 }, (_, i) => here.get(key(from + i)) ?? null);
        });
    // somebody else loaded them meanwhile, and may have written them elsewhere since
    if (feed !== this.feed || feed.nextPage !== last) return true;
    return !rows.includes(null) && feed.load(from, rows.flatMap((b) => decodePage(b as Bytes)));
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

  /** Writes what is not written yet; what could not be written stays to be written. */
  async flush(): Promise<void> {
    const { feed, lanes } = this;
    const dirty = feed.takeDirty();
    const slots = [...feed.index.slots];
    for (const { page } of dirty) slots[page] = 1 - (slots[page] ?? 1);
    const page = (at: number, slot: number, value: Bytes | null): CacheChange => ({ table: 'page', key: keyOf.page(this.ref, at, slot), value });
    const index = fromText(JSON.stringify({ ...feed.index, slots } satisfies FeedIndex));
    this.lanes = [];
    try {
      await this.store.cacheCommit([
        ...lanes,
        ...dirty.map((d) => page(d.page, slots[d.page] as number, encodePage(d.posts))),
        { table: 'index', key: keyOf.index(this.ref), value: index },
        ...dirty.map((d) => page(d.page, 1 - (slots[d.page] as number), null))
      ]);
    } catch (e) {
      feed.putBack(dirty.map((d) => d.page));
      this.lanes = [...lanes, ...this.lanes];
      throw e;
    }
    feed.index.slots = slots;
  }
}

const fresh = ({ me, unreadAfter }: Reader, index: FeedIndex): Feed => new Feed(index, me, unreadAfter);
