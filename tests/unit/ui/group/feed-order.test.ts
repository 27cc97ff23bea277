import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { FeedItem, PostItem } from '$lib/core/port';
import { applyFeed, canPrint, compare, type FeedList } from '$lib/ui/group/feed-order';

const post = (id: string, order: number, text = ''): PostItem => ({
  is: 'post', id, order, author: 'fay', name: 'Fay Moreno', role: 'family', relationship: 'Daughter', mine: false, at: order, sentAt: order,
  text, photos: [], replyTo: null, replies: 0, edited: null, before: null, change: null, retracted: null, withdrawn: false, unread: false, changed: false, delivery: null
});
const reset = (...items: FeedItem[]): FeedList => applyFeed(null, { reset: true, items, more: false, unreadFrom: null }).list;
const patch = (list: FeedList, put: FeedItem[], gone: string[] = []) => applyFeed(list, { reset: false, put, gone, more: false });
const ids = (list: FeedList): string => list.items.map((item) => item.id).join(' ');

describe('the feed in line', () => {
  it('shows what arrives in ascending order, equal orders by id', () => {
    expect(ids(reset(post('c', 2), post('b', 1), post('a', 2)))).toBe('b a c');
  });

  it('can be printed where it holds an update, not where there are only notes', () => {
    const note: FeedItem = { is: 'note', id: 'n', order: 1, at: 1, what: 'made', who: '', by: '', mine: true } as unknown as FeedItem;
    expect([null, reset(), reset(note), reset(note, post('a', 2))].map(canPrint)).toEqual([false, false, false, true]);
  });

  it('keeps a changed post in its place and takes the new words', () => {
    const { list, grewBehind, grewInFront } = patch(reset(post('a', 1), post('b', 2)), [post('a', 1, 'edited')]);
    expect(ids(list)).toBe('a b');
    expect(list.items[0]).toMatchObject({ text: 'edited' });
    expect({ grewBehind, grewInFront }).toEqual({ grewBehind: [], grewInFront: false });
  });

  it('moves a post whose place changed when it was stored, and counts it as nothing new', () => {
    const { list, grewBehind } = patch(reset(post('mine', 5), post('b', 6)), [post('mine', 7)]);
    expect(ids(list)).toBe('b mine');
    expect(grewBehind).toEqual([]);
  });

  it('says that older posts came in front and newer ones behind', () => {
    const older = patch(reset(post('b', 2)), [post('a', 1)]);
    expect([older.grewInFront, older.grewBehind.length]).toEqual([true, 0]);
    const newer = patch(reset(post('b', 2)), [post('c', 3)]);
    expect([newer.grewInFront, newer.grewBehind.length]).toEqual([false, 1]);
  });

  it('takes out what is gone', () => {
    expect(ids(patch(reset(post('a', 1), post('b', 2)), [], ['a']).list)).toBe('b');
  });

  it('holds the unread line where it was when patches arrive', () => {
    const { list } = applyFeed(null, { reset: true, items: [post('a', 1)], more: false, unreadFrom: 'a' });
    expect(patch(list, [post('b', 2)]).list.unreadFrom).toBe('a');
  });

  it('ends in the same line for any patches as for one sorted reading', () => {
    const change = fc.record({ id: fc.constantFrom(...'abcdefgh'), order: fc.integer({ min: 0, max: 9 }), gone: fc.boolean() });
    fc.assert(fc.property(fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 12 }), (patches) => {
      let list = reset();
      const truth = new Map<string, FeedItem>();
      for (const changes of patches) {
        const put = new Map(changes.filter((c) => !c.gone).map((c) => [c.id, post(c.id, c.order)]));
        const gone = changes.filter((c) => c.gone && !put.has(c.id)).map((c) => c.id);
        for (const id of gone) truth.delete(id);
        for (const [id, item] of put) truth.set(id, item);
        list = patch(list, [...put.values()], gone).list;
      }
      expect(list.items).toEqual([...truth.values()].sort(compare));
    }));
  });

  it('lays one post at the end of ten thousand without touching the others', () => {
    const list = reset(...Array.from({ length: 10_000 }, (_, n) => post(`p${String(n)}`, n)));
    const next = patch(list, [post('new', 10_000)]).list;
    expect(next.items).toHaveLength(10_001);
    expect(next.items.slice(0, 10_000).every((item, n) => item === list.items[n])).toBe(true);
  });
});
