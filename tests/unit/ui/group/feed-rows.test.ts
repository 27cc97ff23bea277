import { describe, expect, it } from 'vitest';
import type { FeedItem } from '$lib/core/port';
import { midnight, toRows } from '$lib/ui/group/feed-rows';

const at = (day: number, hour: number): number => new Date(2026, 10, day, hour).getTime();
const item = (id: string, when: number, sentAt: number | null = when): FeedItem => ({
  is: 'post', id, order: when, author: 'fay', name: 'Fay Moreno', role: 'family', relationship: '', mine: false, at: when, sentAt,
  text: id, photos: [], replyTo: null, replies: 0, edited: null, before: null, change: null, retracted: null, withdrawn: false, unread: false, changed: false, delivery: null
});

describe('rows of the feed', () => {
  it('begin a day once', () => {
    const rows = toRows([item('a', at(21, 22)), item('b', at(22, 8)), item('c', at(22, 9))], null);
    expect(rows.map((row) => row.day)).toEqual([midnight(at(21, 0)), midnight(at(22, 0)), null]);
  });

  it('begin no day in the past for a post of a device with a slow clock', () => {
    const rows = toRows([item('a', at(22, 8)), item('slow', at(20, 8), null), item('c', at(22, 9))], null);
    expect(rows.map((row) => row.day)).toEqual([midnight(at(22, 0)), null, null]);
  });

  it('file a post under the day the relay stored it', () => {
    expect(toRows([item('a', at(21, 23), at(22, 1))], null)[0]?.day).toBe(midnight(at(22, 0)));
  });

  it('draw the unread line above one post', () => {
    expect(toRows([item('a', at(22, 8)), item('b', at(22, 9))], 'b').map((row) => row.newFrom)).toEqual([false, true]);
  });
});
