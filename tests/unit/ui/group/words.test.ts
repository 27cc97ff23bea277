import { describe, expect, it } from 'vitest';
import type { GroupView, NoteItem } from '$lib/core/port';
import { beginningWords, noteWords } from '$lib/ui/group/words';

describe('what stands before the first update', () => {
  const people = [{ me: true, since: Date.parse('2024-11-30T12:00:00Z') }];
  it('is the beginning for who reads from the start', () => {
    expect(beginningWords({ people, iReadFromStart: true } as unknown as GroupView)).toBe('This is the beginning of the group.');
  });
  it('is the day from which somebody reads, and what is not theirs', () => {
    expect(beginningWords({ people, iReadFromStart: false } as unknown as GroupView)).toMatch(/^You read from .*2024\. What was written before stays with those who were here\.$/);
  });
});

it('who came in with one’s own open link came in with a link from you', () => {
  const note: NoteItem = { is: 'note', id: 'n', order: 1, at: 1, what: 'came', who: 'Ann', me: false, by: 'Pat' };
  expect([noteWords(note), noteWords({ ...note, byMe: true })]).toEqual(['Ann came in with an open link from Pat', 'Ann came in with an open link from you']);
});
