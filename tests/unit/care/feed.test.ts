import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText } from '$crypto/bytes';
import { covers, emptyIndex, Feed, type FeedIndex, type FeedPost, join, PAGE, type RecordPlace, type Span } from '$lib/care/feed';
import { decodePage, encodePage } from '$lib/care/feed-page';
import { type OpenRecord, postIdOf } from '$lib/care/record';

const ME = 'me'.padEnd(32, '0');
const OLIVIA = 'a'.repeat(32);
const MALLORY = 'b'.repeat(32);
const id = (n: number): string => String(n).padStart(22, 'A');
const place = (n: number, more: Partial<RecordPlace> = {}): RecordPlace => ({ member: OLIVIA, device: 1, n, seq: n, time: 1_000 + n, epoch: 1, ...more });
const post = (n: number, x = `words ${n}`, more: object = {}): OpenRecord => ({ i: id(n), t: 'post', a: 5, x, ...more });
const fresh = (index: FeedIndex = emptyIndex()): Feed => new Feed(index, ME, 0);
/** What of an index reaches the disk. */
const copy = (i: FeedIndex): FeedIndex => JSON.parse(JSON.stringify(i)) as FeedIndex;

describe('the order of the feed', () => {
  it('is the relay’s, and one person’s posts of one envelope keep the order in which they were written', () => {
    const feed = fresh();
    for (let i = 1; i <= 40; i++) feed.add(post(i), place(7, { seq: 999 }));
    for (let i = 41; i <= 60; i++) feed.add(post(i), place(8, { seq: 1000, time: 1_007 }));
    const orders = feed.posts.map((p) => p.order);
    expect(feed.posts.map((p) => p.text)).toEqual(Array.from({ length: 60 }, (_, i) => `words ${i + 1}`));
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    expect(new Set(orders).size).toBe(60);
  });

  it('rises strictly whatever the relay says of time, and wherever a late one belongs', () => {
    fc.assert(fc.property(fc.shuffledSubarray(Array.from({ length: 30 }, (_, i) => i + 1), { minLength: 30 }), fc.array(fc.nat(20), { minLength: 31, maxLength: 31 }), (seqs, times) => {
      const feed = fresh();
      for (const seq of seqs) feed.add(post(seq), place(seq, { time: 1_760_000_000_000 + (times[seq] as number) }));
      expect(feed.posts.map((p) => p.seq)).toEqual([...seqs].sort((a, b) => a - b));
      const orders = feed.posts.map((p) => p.order);
      expect(orders.every((o, i) => i === 0 || o > (orders[i - 1] as number))).toBe(true);
    }), { numRuns: 200 });
  });
});

describe('what a member may say of posts', () => {
  it('only the author edits and takes back; others’ words about it change nothing', () => {
    const feed = fresh();
    feed.add(post(1), place(1));
    feed.add({ i: id(2), t: 'edit', a: 6, o: id(1), x: 'forged' }, place(1, { member: MALLORY, device: 2, seq: 2 }));
    feed.add({ i: id(3), t: 'retract', a: 6, o: id(1) }, place(2, { member: MALLORY, device: 2, seq: 3 }));
    const name = postIdOf(id(1), OLIVIA);
    expect(feed.amendment(name)).toBeNull();
    expect(Object.keys(feed.index.unread)).toEqual([name]);
    expect(feed.index.last?.text).toBe('words 1');
    feed.add({ i: id(4), t: 'edit', a: 7, o: id(1), x: 'better' }, place(2, { seq: 4 }));
    expect(feed.amendment(name)).toEqual({ text: 'better', edited: 7, retracted: null, edit: id(4), seen: [] });
    expect(feed.index.last?.text).toBe('better');
    feed.add({ i: id(5), t: 'retract', a: 8, o: id(1) }, place(3, { seq: 5 }));
    expect(feed.amendment(name)).toEqual({ text: 'better', edited: 7, retracted: 8, edit: id(4), seen: [] });
    expect(feed.index.unread).toEqual({});
  });

  it('of several edits the one that its author made last counts, and of keys and papers what was said in a later epoch, in whatever order they come', () => {
    const name = postIdOf(id(1), OLIVIA);
    const edit = (n: number, a: number, x: string): OpenRecord => ({ i: id(n), t: 'edit', a, o: id(1), x });
    const key = (n: number, k: string): OpenRecord => ({ i: id(n), t: 'person', a: 1, k, s: '' });
    const papers = (n: number, c: string): OpenRecord => ({ i: id(n), t: 'credentials', a: 1, c: [c] });
    const all = [
      [post(1, 'Take 50 mg'), place(1)], [edit(2, 6, 'Take 500 mg'), place(2)], [edit(3, 7, 'Take 5 mg'), place(1, { device: 2, seq: 3 })],
      [edit(4, 7, 'Take 4 mg'), place(2, { device: 2, seq: 4 })], [edit(5, 2, 'Take 1 mg'), place(3, { seq: 5 })],
      [{ i: id(6), t: 'retract', a: 9, o: id(8) } as OpenRecord, place(4, { seq: 6 })], [{ i: id(7), t: 'retract', a: 8, o: id(8) } as OpenRecord, place(3, { device: 2, seq: 7 })],
      [key(20, 'old'), place(5, { epoch: 1, seq: 8 })], [key(21, 'new'), place(4, { device: 2, epoch: 4, seq: 9 })], [key(22, 'old'), place(6, { epoch: 3, seq: 10 })],
      [papers(23, 'old'), place(7, { epoch: 3, seq: 11 })], [papers(24, 'new'), place(5, { device: 2, epoch: 4, seq: 12 })]
    ] as const;
    fc.assert(fc.property(fc.shuffledSubarray([...all], { minLength: all.length }), (shuffled) => {
      const feed = fresh();
      for (const [r, at] of shuffled) feed.add(r, at);
      expect(feed.amendment(name)).toMatchObject({ text: 'Take 4 mg', edited: 7, edit: id(4) });
      expect(feed.amendment(postIdOf(id(8), OLIVIA))?.retracted).toBe(8);
      expect(feed.index.persons[OLIVIA]?.map((n) => [n.k, n.epoch])).toEqual([['old', 3], ['new', 4]]);
      expect(feed.index.credentials?.[OLIVIA]?.c).toEqual(['new']);
    }));
  });

  it('nobody hides another’s post by taking its id first, nor forges one by taking it later', () => {
    const feed = fresh();
    feed.add(post(1, 'Mallory’s'), place(1, { member: MALLORY, device: 2, seq: 1 }));
    feed.add(post(1, 'Olivia’s'), place(1, { seq: 2 }));
    feed.add(post(1, 'again'), place(2, { seq: 3 }));
    expect(feed.posts.map((p) => p.text)).toEqual(['Mallory’s', 'Olivia’s']);
    expect(feed.find(postIdOf(id(1), OLIVIA))?.text).toBe('Olivia’s');
    expect(Object.keys(feed.index.unread)).toHaveLength(2);
  });

  it('an amendment that comes before its post counts once it is there', () => {
    const feed = fresh();
    feed.add({ i: id(2), t: 'edit', a: 7, o: id(1), x: 'better' }, place(2));
    feed.add(post(1), place(1));
    expect(feed.amendment(postIdOf(id(1), OLIVIA))?.text).toBe('better');
  });

  it('answers are found by the post that they name', () => {
    const feed = fresh();
    const name = postIdOf(id(1), OLIVIA);
    feed.add(post(1), place(1));
    feed.add(post(2, 'yes', { r: name }), place(1, { member: MALLORY, device: 2, seq: 2 }));
    expect(feed.answersTo(name)).toEqual([postIdOf(id(2), MALLORY)]);
    feed.add(post(3, 'and again', { r: name }), place(2, { member: MALLORY, device: 2, seq: 3 }));
    expect(feed.answersTo(name)).toEqual([postIdOf(id(2), MALLORY), postIdOf(id(3), MALLORY)]);
  });
});

describe('what was seen', () => {
  it('marks make others’ posts read, own marks only', () => {
    const feed = fresh();
    for (let n = 1; n <= 5; n++) feed.add(post(n), place(n));
    const seen = (n: number, member: string, ...m: [number, number, number][]): void => feed.add({ i: id(n), t: 'seen', a: 1, m }, place(n, { member, device: 9, seq: n }));
    seen(10, MALLORY, [1, 1, 5]);
    expect(Object.keys(feed.index.unread)).toHaveLength(5);
    seen(11, ME, [1, 2, 3]);
    expect(Object.keys(feed.index.unread)).toEqual([1, 4, 5].map((n) => postIdOf(id(n), OLIVIA)));
    expect([1, 2, 3, 4].map((n) => feed.seenBy(ME, 1, n))).toEqual([false, true, true, false]);
    seen(12, ME, [1, 9, 2]);
    expect(feed.seenBy(ME, 1, 4)).toBe(false);
  });

  it('a mark on what never comes is bounded, and one that came early counts as soon as its envelope is here', () => {
    const feed = fresh();
    const seen = (n: number, ...m: [number, number, number][]): void => feed.add({ i: id(n), t: 'seen', a: 1, m }, place(n, { member: MALLORY, device: 9, seq: n }));
    feed.add(post(1), place(1));
    seen(10, [1, 1, Number.MAX_SAFE_INTEGER]);
    expect([1, 2, 99].map((n) => feed.seenBy(MALLORY, 1, n))).toEqual([true, false, false]);
    feed.add(post(2), place(2));
    expect(feed.seenBy(MALLORY, 1, 2)).toBe(true);
    const size = (): number => JSON.stringify(feed.index).length;
    for (let k = 0; k < 600; k++) seen(100 + k, [3, 2 * k + 2, 2 * k + 2], [7 + k, 5, 5]);
    const full = size();
    for (let k = 600; k < 3_000; k++) seen(100 + k, [3, 2 * k + 2, 2 * k + 2], [7 + k, 5, 5]);
    expect(size()).toBeLessThan(full * 1.2);
    expect(feed.seenBy(MALLORY, 3, 2)).toBe(false);
  });

  it('who saw what is the same in whatever order posts and marks come', () => {
    const records = [...Array.from({ length: 6 }, (_, k) => [post(k + 1), place(k + 1)] as const),
      ...([[1, 1, 4], [1, 3, 3], [1, 6, 9], [2, 1, 1]] as [number, number, number][]).map((mark, k) => [{ i: id(20 + k), t: 'seen', a: 1, m: [mark] } as OpenRecord, place(20 + k, { member: MALLORY, device: 9 })] as const)];
    const saw = (of: typeof records): boolean[] => {
      const feed = fresh();
      for (const [r, at] of of) feed.add(r, at);
      return Array.from({ length: 9 }, (_, n) => feed.seenBy(MALLORY, 1, n + 1));
    };
    fc.assert(fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (shuffled) => {
      expect(saw(shuffled)).toEqual(saw(records));
    }));
  });

  it('of a change only by who names it, in whatever order it all comes, and no longer once there are other words', () => {
    const name = postIdOf(id(1), OLIVIA);
    const edit = (n: number, a = n): OpenRecord => ({ i: id(n), t: 'edit', a, o: id(1), x: `edit ${n}` });
    const saw = (...e: [string, string][]): OpenRecord => ({ i: id(90), t: 'seen-edits', a: 1, e });
    const all = [
      [post(1), place(1)], [edit(2), place(2)], [{ i: id(91), t: 'seen', a: 1, m: [[1, 1, 9]] } as OpenRecord, place(1, { member: MALLORY, device: 9, seq: 9 })],
      [saw([name, id(2)], [name, id(3)]), place(2, { member: MALLORY, device: 9, seq: 10 })], [saw([name, id(2)]), place(1, { member: ME, device: 8, seq: 11 })]
    ] as const;
    fc.assert(fc.property(fc.shuffledSubarray([...all], { minLength: all.length }), (shuffled) => {
      const feed = fresh();
      for (const [r, at] of shuffled) feed.add(r, at);
      expect(new Set(feed.amendment(name)?.seen)).toEqual(new Set([MALLORY, ME]));
      expect(feed.changed).toEqual({});
      feed.add(edit(4), place(3, { seq: 12 }));
      expect([feed.amendment(name)?.seen, Object.keys(feed.changed)]).toEqual([[], [name]]);
      feed.add(edit(3, 5), place(4, { seq: 13 }));
      expect([feed.amendment(name)?.seen, Object.keys(feed.changed)]).toEqual([[MALLORY], [name]]);
      feed.add({ i: id(5), t: 'retract', a: 8, o: id(1) }, place(5, { seq: 14 }));
      expect(feed.changed).toEqual({});
    }));
  });

  it('marks of changes that never come are bounded', () => {
    const feed = fresh();
    const say = (k: number): void => feed.add({ i: id(k), t: 'seen-edits', a: 1, e: [[postIdOf(id(1), OLIVIA), id(k)]] }, place(k, { member: MALLORY, device: 9 }));
    for (let k = 0; k < 2_000; k++) say(k);
    expect(feed.index.aheadEdits).toHaveLength(256);
  });

  it('an index of an earlier version knows of no change who saw it', () => {
    const name = postIdOf(id(1), OLIVIA);
    const { changed: _, ...old } = { ...emptyIndex(), amendments: { [name]: { text: 'better', edited: 7, retracted: null } } };
    const feed = fresh(old);
    feed.add({ i: id(9), t: 'seen-edits', a: 1, e: [[name, id(2)]] }, place(9, { member: MALLORY, device: 9 }));
    expect([feed.amendment(name)?.seen, feed.changed]).toEqual([undefined, {}]);
  });

  it('own posts, and those from before one was let in, are never unread', () => {
    const feed = new Feed(emptyIndex(), ME, 2_000);
    feed.add(post(1), place(1, { time: 1_999 }));
    feed.add(post(2), place(2, { time: 2_001, member: ME, device: 2 }));
    expect(feed.index.unread).toEqual({});
    feed.add(post(3), place(3, { time: 2_002 }));
    expect(Object.keys(feed.index.unread)).toHaveLength(1);
  });

  it('spans joined in any order are the same as a set of numbers', () => {
    const span = fc.tuple(fc.nat(60), fc.nat(6)).map(([a, n]): Span => [a + 1, a + 1 + n]);
    fc.assert(fc.property(fc.array(span, { maxLength: 25 }), (spans) => {
      const joined = spans.reduce<Span[]>((all, s) => join(all, s), []);
      for (let n = 0; n < 75; n++) expect(covers(joined, n)).toBe(covers(spans, n));
      expect(joined.every(([a, b], i) => a <= b && (i === 0 || a > (joined[i - 1] as Span)[1] + 1))).toBe(true);
    }), { numRuns: 300 });
  });
});

describe('pages', () => {
  it('hold everything once, whatever came late, was written when, and is read back how', () => {
    const script = fc.array(fc.oneof(fc.record({ is: fc.constant('add' as const), seq: fc.nat(3 * PAGE) }), fc.constant({ is: 'flush' as const }), fc.constant({ is: 'older' as const })), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 * PAGE + 5 }), script, (many, steps) => {
      const disk = new Map<number, ReturnType<typeof encodePage>>();
      let index = emptyIndex();
      const flush = (f: Feed): void => {
        for (const page of f.takeDirty()) disk.set(page, encodePage(f.slice(page, 1)));
        index = copy(f.index);
      };
      const older = (f: Feed): void => {
        const page = f.nextPage;
        if (page !== null) expect(f.load(page, decodePage(disk.get(page)!) ?? [])).toBe(true);
      };
      const model = new Set<number>();
      let feed = fresh();
      for (let i = 1; i <= many; i++) {
        feed.add(post(10 * i), place(10 * i));
        model.add(10 * i);
      }
      flush(feed);
      feed = fresh(copy(index));
      older(feed);
      for (const s of steps) {
        if (s.is === 'flush') {
          flush(feed);
          feed = fresh(copy(index));
          older(feed);
        } else if (s.is === 'older') older(feed);
        else if (!model.has(s.seq)) {
          while (feed.nextPage !== null && (feed.posts[0]?.seq ?? Infinity) > s.seq) older(feed);
          feed.add(post(s.seq), place(s.seq));
          model.add(s.seq);
        }
      }
      flush(feed);
      const read = fresh(copy(index));
      while (read.more) older(read);
      expect(read.posts.map((p) => p.seq)).toEqual([...model].sort((a, b) => a - b));
      expect(read.posts).toEqual(read.posts.map((p) => feed.find(p.id) ?? p));
    }), { numRuns: 60 });
  });

  it('a page comes back from its bytes as it was', () => {
    const feed = fresh();
    const photo = { full: { b: 'b', k: 'k', h: 'h', s: 3 }, thumb: { b: 'c', k: 'k', h: 'h', s: 1 }, w: 4, h: 3, t: 'image/jpeg' as const };
    feed.add(post(1, 'with a picture', { p: [photo] }), place(1));
    feed.add(post(2, 'ein Gruß ✓', { r: postIdOf(id(1), OLIVIA) }), place(1, { member: MALLORY, device: 2, seq: 2 }));
    expect(decodePage(encodePage(feed.posts))).toEqual(feed.posts);
    expect(decodePage(encodePage([]))).toEqual([]);
  });

  it('any page does, whatever its letters and however large its numbers', () => {
    const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
    const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('\ufeffbegins oddly'));
    const any = fc.record({
      id: fc.tuple(fc.stringMatching(/^[\w-]{1,22}$/), fc.constantFrom(OLIVIA, MALLORY)), device: whole, n: whole, seq: whole, time: whole, epoch: whole, order: fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0), at: whole, text
    });
    fc.assert(fc.property(fc.array(any, { maxLength: 8 }), (all) => {
      const posts = all.map(({ id: [i, member], ...p }): FeedPost => ({ ...p, member, id: postIdOf(i, member), photos: [], replyTo: null }));
      const read = decodePage(encodePage(posts));
      expect(read).toEqual(posts);
      // found at any place in other bytes
      const bytes = encodePage(posts);
      expect(decodePage(new Uint8Array([7, ...bytes]).subarray(1))).toEqual(posts);
    }));
  });

  it('a page of an earlier build comes back too', () => {
    const columns = { who: [OLIVIA], by: [0, 0], device: [1, 1], n: [1, 2], seq: [1, 2], time: [5, 6], epoch: [1, 1], id: [id(1), id(2)], order: [5, 6.5], at: [3, 4], text: ['one', 'zwei ✓'], photos: {}, replyTo: { 1: postIdOf(id(1), OLIVIA) } };
    const [one, two] = decodePage(fromText(JSON.stringify(columns))) ?? [];
    expect(one).toEqual({ member: OLIVIA, id: postIdOf(id(1), OLIVIA), device: 1, n: 1, seq: 1, time: 5, epoch: 1, order: 5, at: 3, text: 'one', photos: [], replyTo: null });
    expect([two?.text, two?.order, two?.replyTo]).toEqual(['zwei ✓', 6.5, postIdOf(id(1), OLIVIA)]);
    expect(decodePage(encodePage([one!, two!]))).toEqual([one, two]);
  });
});
