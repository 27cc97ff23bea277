import { describe, expect, it } from 'vitest';
import type { GroupView, NoteItem, PersonView } from '$lib/core/port';
import { beginningWords, noteWords, standing } from '$lib/ui/group/words';

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

describe('what somebody is here', () => {
  const is = (more: Partial<PersonView>) => standing({ role: 'clinician', relationship: '', me: false, known: { state: 'seen', at: null, also: [] }, vouched: [], ...more } as PersonView, 5);
  it('is told as their own word where a clinician has no other', () => {
    expect([is({}), is({ role: 'patient' }), is({ role: 'family' })]).toEqual(['Says: clinician', 'Patient', 'Family or friend']);
  });
  it('is told plainly of oneself, of who was compared or is vouched for, and where somebody gave a relationship', () => {
    const anna = { organisation: 'a', by: 'St Anna', name: 'Lee', role: 'Nurse', from: 0, until: 9, trust: 'trusted' } as const;
    expect([is({ me: true }), is({ known: { state: 'verified', at: 1, also: [] } }), is({ vouched: [anna] }), is({ relationship: 'Home nurse' })]).toEqual(['Clinician', 'Clinician', 'Clinician', 'Home nurse']);
    expect([is({ vouched: [{ ...anna, trust: 'unchecked' }] }), is({ vouched: [{ ...anna, until: 5 }] })]).toEqual(['Says: clinician', 'Says: clinician']);
  });
});
